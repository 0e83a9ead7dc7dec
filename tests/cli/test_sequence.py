# TRUTHS of `fullbore sequence`: list names every sequence with a source | a protocol printed and built is the same sequence |
#   build writes a file that Pulseq readers take, and its page | --set changes the protocol, the small one too | what cannot be
#   is refused with the nearest that can (exit 3), which builds when pasted and by --nearest | check says every limit and what
#   follows from the protocol, and by its exit code whether the scan is allowed | limits tells every machine's shortest times |
#   wrong names, keys, units and files end in one sentence | the reasons are told before the search for what would be legal,
#   which --tries bounds and Ctrl-C ends

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fullbore import files
from fullbore.cli.main import main
from fullbore.sequence import SEQUENCES


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sequence", "list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == set(SEQUENCES)
    assert all(item["about"] and item["source"] for item in told.values())


def test_build_writes_file_and_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "made"
    small = ["--quick", "--set", "matrix=[32, 32, 16]", "--set", "calibration=[8, 8]"]
    assert main(["sequence", "build", "mprage", *small, "--out", str(out), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    sequence = files.read_pulseq(record["file"])
    assert sequence.encoding.rows == record["readouts"]
    assert int(sequence.encoding.counter("line").max()) == 31
    assert "sequence-canvas" in (out / "report.html").read_text()


def test_a_printed_protocol_is_the_same_sequence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sequence", "protocol", "spoiled_gre_3d"]) == 0
    path = tmp_path / "mine.toml"
    path.write_text(capsys.readouterr().out)
    for number, what in enumerate((str(path), "spoiled_gre_3d")):
        assert main(["sequence", "build", what, "--quick", "--out", str(tmp_path / str(number))]) == 0
    first, second = (next((tmp_path / number).glob("*.seq")).read_bytes() for number in "01")
    assert first == second


def test_check_says_what_is_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sequence", "check", "spoiled_gre_3d", "--quick", "--json"]) == 0
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["allowed"] and {"slew", "gradient"} <= {item["check"].split(",")[0] for item in verdict["findings"]}
    assert main(["sequence", "build", "spoiled_gre_3d", "--quick", "--out", str(tmp_path / "gre")]) == 0
    path = next((tmp_path / "gre").glob("*.seq"))
    sequence = files.read_pulseq(path)
    steep = [type(g)(times_s=g.times_s, values_T_per_m=3 * g.values_T_per_m) for g in sequence.gradients]
    object.__setattr__(sequence, "gradients", tuple(steep))
    files.write_pulseq(sequence, path)
    capsys.readouterr()
    assert main(["sequence", "check", str(path)]) == 3
    assert "OVER" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["build", "mprag"], 2, "did you mean 'mprage'"),
        (["check", "mprage", "--set", "echo_tim=3 ms"], 2, "did you mean 'echo_time'"),
        (["check", "mprage", "--set", "echo_time"], 2, "KEY=VALUE"),
        (["check", "mprage", "--set", "echo_time=3 parsec"], 2, "parsec"),
        (["check", "mprage", "--set", "echo_time=0.5 ms"], 3, "shortest is"),
        (["show", "nowhere.seq"], 4, "nowhere.seq"),
        (["show", "nowhere.toml"], 2, "nowhere.toml"),
        (["check", "mprage", "--quick", "--mass", "-3"], 4, "mass"),
        (["check", "mprage", "--quick", "--mode", "wild"], 2, "wild"),
        (["check", "mprage", "--scanner", "tricorder"], 2, "tricorder"),
    ],
)
def test_wrong_requests(arguments: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sequence", *arguments]) == code
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("what", ["echo_time=0.5 ms", "repetition_time=3.8 ms"], ids=["cannot be built", "is not safe"])
def test_the_nearest_can_be_pasted(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["spoiled_gre_3d", "--quick", "--mode", "normal", "--set", "flip_angle=30 deg", "--set", what]
    assert main(["sequence", "build", *asked, "--out", str(tmp_path / "none")]) == 3
    told = capsys.readouterr().err
    assert "What binds:" in told and not (tmp_path / "none").exists()
    pasted = shlex.split(told.split("Nearest legal protocol:")[1])
    assert main(["sequence", "build", *asked, *pasted, "--out", str(tmp_path / "pasted")]) == 0
    assert main(["sequence", "build", *asked, "--nearest", "--out", str(tmp_path / "nearest")]) == 0
    first, second = (next((tmp_path / name).glob("*.seq")).read_bytes() for name in ("pasted", "nearest"))
    assert first == second
    capsys.readouterr()
    assert main(["sequence", "check", *asked, "--json"]) == 3
    record = json.loads(capsys.readouterr().out)
    assert not record["allowed"] and record["reasons"] and set(record["nearest"]["changes"]) == {what.partition("=")[0]}


def test_derived_figures_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sequence", "check", "spoiled_gre_3d", "--quick", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)["derived"]
    assert figures["repetition time"] == {"values": [pytest.approx(4.5e-3)], "unit": "s"}
    assert figures["voxel"]["values"] == pytest.approx([5.25e-3, 5.25e-3, 5e-3])
    assert main(["sequence", "show", "spoiled_gre_3d", "--quick", "--out", str(tmp_path / "page")]) == 0
    assert "5.25 x 5.25 x 5 mm" in (tmp_path / "page" / "report.html").read_text()


def test_limits_of_every_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sequence", "limits", "spoiled_gre_3d", "--quick", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {*(f"fullbore-{bore}cm" for bore in (60, 65, 70, 75)), "fullbore-75cm-designed"}
    assert told["fullbore-60cm"]["echo_time_s"] <= told["fullbore-65cm"]["echo_time_s"]
    assert all(item["nerve_margin"] >= 0 and set(item["binds"]) == {"echo_time", "repetition_time"} for item in told.values())
    assert main(["sequence", "limits", "spoiled_gre_3d", "--quick", "--scanner", "fullbore-65cm"]) == 0
    assert "shortest echo_time" in capsys.readouterr().out


def test_set_changes_the_small_version_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    durations = []
    for change in ("2300 ms", "1700 ms"):
        where = ["--out", str(tmp_path / change[:4]), "--json"]
        assert main(["sequence", "build", "mprage", "--quick", "--set", f"repetition_time={change}", *where]) == 0
        durations.append(json.loads(capsys.readouterr().out)["duration_s"])
    assert np.diff(durations)[0] < 0


@pytest.mark.parametrize("verb", ["check", "build"])
def test_reasons_come_before_the_search(verb: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    asked = ["spoiled_gre_3d", "--quick", "--mode", "normal", "--set", "flip_angle=30 deg", "--set", "repetition_time=3.8 ms"]
    where = ["--out", str(tmp_path / "none")] if verb == "build" else []
    assert main(["sequence", verb, *asked, *where, "--tries", "0"]) == 3
    told = capfd.readouterr()
    assert "What binds:" in told.out + told.err and "nearest" not in (told.out + told.err).lower()
    assert main(["sequence", verb, *asked, *where, "--tries", "-1"]) == 2
    assert "--tries" in capfd.readouterr().err


def test_ctrl_c_ends_the_search(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    told_before = []

    def impatient(options: object, most: int = 0) -> Callable[[int, str], None]:
        def tell(number: int, what: str) -> None:
            if number == 2:
                told_before.append(capsys.readouterr())
                raise KeyboardInterrupt

        return tell

    monkeypatch.setattr("fullbore.cli.sequences.tries", impatient)
    asked = ["spoiled_gre_3d", "--quick", "--mode", "normal", "--set", "flip_angle=30 deg", "--set", "repetition_time=3.8 ms"]
    assert main(["sequence", "check", *asked]) == 3
    assert "OVER" in told_before[0].out and "refused" in told_before[0].out and "Looking for" in told_before[0].err
    told = capsys.readouterr()
    assert "ended before" in told.err and "What binds:" in told.out
