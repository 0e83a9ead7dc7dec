# TRUTHS of `fullbore design shim-coils`
# | what | truth |
# | a field of x and z^2 in a measured map | is nulled by the coils X, Z and Z2; files are there |
# | a mask on another grid, a wrong degree, a missing file | exit code 2 or 4 and a sentence |

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from fullbore.cli.main import main


@pytest.fixture
def field(tmp_path: Path) -> Path:
    affine = np.diag([8.0, 8.0, 8.0, 1.0])
    affine[:3, 3] = -88.0
    index = np.stack(np.meshgrid(*[np.arange(23)] * 3, indexing="ij"), axis=-1)
    x, y, z = np.moveaxis(8e-3 * index - 0.088, -1, 0)
    values = 1000 * x + 8000 * (z**2 - (x**2 + y**2) / 2) + 20
    path = tmp_path / "field.nii.gz"
    nibabel.save(nibabel.Nifti1Image(values.astype(np.float32), affine), path)
    nibabel.save(nibabel.Nifti1Image((x**2 + y**2 + z**2 < 0.08**2).astype(np.uint8), affine), tmp_path / "mask.nii.gz")
    nibabel.save(nibabel.Nifti1Image(np.ones((4, 4, 4), np.uint8), affine), tmp_path / "small.nii.gz")
    return path


def test_a_field_of_harmonics_is_nulled(field: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, mask = tmp_path / "out", field.with_name("mask.nii.gz")
    assert (
        main(["design", "shim-coils", "--field", str(field), "--mask", str(mask), "--degree", "2", "--out", str(out), "--json"])
        == 0
    )
    record = json.loads(capsys.readouterr().out)
    # the coils' impurities reach 5 % of a harmonic over 40 cm, much less over the 16 cm of the mask
    assert record["before_Hz"] > 20 and record["after_Hz"] < 0.02 * record["before_Hz"]
    currents = (out / "currents.csv").read_text().splitlines()
    assert len(currents) == 2 and currents[0].startswith("volume,offset_Hz,Y_A,Z_A,X_A")
    tree = json.loads((out / "shim.json").read_text())
    named = dict(zip(tree["coils"], tree["currents_A"][0], strict=True))
    assert abs(named["XY"]) < 1e-3 * abs(named["Z2"])
    assert "<img" in (out / "report.html").read_text() and (out / "coils.png").exists() and (out / "shimmed.png").exists()


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--degree", "7"], 2, "degree"),
        (["--current", "-1"], 2, "up to 1000 A"),
        (["--current", "inf"], 2, "up to 1000 A"),
        (["--mask", "small.nii.gz"], 4, "another grid"),
        (["--field", "nowhere.nii"], 4, "nowhere.nii"),
    ],
)
def test_wrong_asks(
    field: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], code: int, said: str
) -> None:
    options = [str(field.with_name(item)) if item.endswith((".nii", ".gz")) else item for item in options]
    given = ["design", "shim-coils", "--field", str(field), "--out", str(tmp_path / "out"), *options]
    assert main(given) == code
    told = capsys.readouterr().err
    assert said in told and "internal error" not in told
