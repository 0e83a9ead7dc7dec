# TRUTHS of sizes: the bound told before building is never above the blocks that are built | counts that no memory holds are
#   refused before they are built, by the fields that make them
import time
from pathlib import Path

import pytest

from fullbore.cli.main import main
from fullbore.clinical.library import sequence_protocol
from fullbore.sequence import build, parse_protocol
from fullbore.sequence.build import least_excitations
from tests.simulate.small import machine


@pytest.mark.parametrize("name", ["haste_2d", "diffusion_epi_2d", "gradient_echo_epi_2d", "radial_cine_2d", "spiral_cine_2d"])
def test_the_bound_is_below_what_is_built(name: str) -> None:
    protocol = parse_protocol(sequence_protocol(name), quick=True)
    count, fields = least_excitations(protocol)
    assert fields and count <= build(protocol, machine(b1=False, coils=False).limits).blocks


@pytest.mark.parametrize(("name", "field"), [("haste_2d", "averages"), ("radial_cine_2d", "frames")])
def test_absurd_counts_are_refused_at_once(name: str, field: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["sequence", "build", name, "--set", "slices=65536", "--set", f"{field}=65536", "--out", str(tmp_path / "none")]
    assert main(asked) == 2  # the first of a process loads the machine
    start = time.process_time()
    assert main(asked) == 2
    assert time.process_time() - start < 1.0
    assert f"{field} = 65536" in capsys.readouterr().err
