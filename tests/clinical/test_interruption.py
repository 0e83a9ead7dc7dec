# TRUTHS of interruption and repetition: Ctrl-C at any stage ends with 130, a sentence and a record that says so | what was
#   acquired stays and is readable, the complete slices of a scan that was cut short too | no half-written file has a final name
#   | an exam repeated from its folder is the same, bit for bit | another seed is another exam
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fullbore.cli.doors import Machine, exam_doors
from fullbore.cli.scan import SUBJECT, plan_exam
from fullbore.clinical import Exam, exam_protocols
from fullbore.errors import AcquisitionInterrupted
from fullbore.files import read_mrd

pytestmark = pytest.mark.slow

SCAN = [sys.executable, "-m", "fullbore.cli.main", "scan", "brain", "--quick", "--series", "localizer,t2_tse"]


@pytest.mark.parametrize(("series", "stage"), [(0, "scan"), (0, "reconstruct"), (1, "plan"), (1, "scan"), (1, "deliver")])
def test_ctrl_c(tmp_path: Path, series: int, stage: str) -> None:
    folder = tmp_path / "exam"
    running = subprocess.Popen([*SCAN, "--out", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    reached = _wait_for(folder / "exam.json", series, stage, running)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=120)
    if not reached and running.returncode == 0:
        pytest.skip("the exam was over before the interruption")
    assert running.returncode == 130, said
    assert "Traceback" not in said and "nterrupted" in said
    record = json.loads((folder / "exam.json").read_text())
    assert record["status"] == "interrupted"
    for entry in record["series"]:
        if "raw" in entry["files"]:
            assert read_mrd(folder / entry["files"]["raw"]["path"]).samples.size > 0
    recorded = {item.get("path", name) for entry in record["series"] for name, item in entry["files"].items()}
    for path in folder.rglob("*.h5"):
        assert path.relative_to(folder).as_posix() in recorded or read_mrd(path) is not None


def test_slices_that_were_complete_are_kept(tmp_path: Path) -> None:
    machine = Machine.assemble("fullbore-65cm", SUBJECT)
    plan = plan_exam("brain", exam_protocols("brain", ("t2_tse",)), True, 1, machine, "fullbore-65cm")
    exam = Exam(plan, exam_doors(machine), tmp_path)

    def stop_late(series: str, stage: str, fraction: float, text: str) -> None:
        if stage == "scan" and 0.6 < fraction < 0.97:
            raise KeyboardInterrupt

    with pytest.raises(AcquisitionInterrupted, match=r"t2_tse-part\.h5"):
        exam.run(stop_late)
    record = json.loads((tmp_path / "exam.json").read_text())
    assert record["status"] == "interrupted" and "raw" not in record["series"][0]["files"]
    part = read_mrd(tmp_path / record["series"][0]["files"]["raw_part"]["path"])
    assert set(part.encoding.counter("slice").tolist()) < set(range(4)) and len(part.samples) > 0


def _wait_for(path: Path, series: int, stage: str, running: subprocess.Popen[str]) -> bool:
    while running.poll() is None:
        try:
            entries = json.loads(path.read_text())["series"]
            # The record is saved at the end of each stage: the one before `stage` being in it means that `stage` has begun.
            before = {"plan": None, "scan": "check", "reconstruct": "scan", "deliver": "quantify"}[stage]
            done = entries[series]["timings_s"] if len(entries) > series else {}
            if (before in done) or (before is None and len(entries) >= series and "deliver" in entries[series - 1]["timings_s"]):
                return True
        except (OSError, ValueError, KeyError, IndexError):
            pass
        time.sleep(0.005)
    return False


def test_an_exam_is_repeated_bit_for_bit(tmp_path: Path) -> None:
    first = [
        sys.executable,
        "-m",
        "fullbore.cli.main",
        "scan",
        "brain",
        "--quick",
        "--series",
        "localizer,t1t2_map",
        "--out",
        "a",
    ]
    subprocess.run(first, cwd=tmp_path, check=True, capture_output=True, timeout=300)
    again = [sys.executable, "-m", "fullbore.cli.main", "repeat", "a", "--out", "b", "--json"]
    environment = os.environ | {"TZ": "Asia/Tokyo"}  # the date is the recorded one, wherever the clock is
    done = subprocess.run(again, cwd=tmp_path, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["different"] == []
    assert {Path(name).parts[0] for name in told["same"]} == {"sequences", "raw", "images", "maps", "dicom"}


def test_another_seed_is_another_exam(tmp_path: Path) -> None:
    for seed in ("1", "2"):
        command = [*SCAN[:6], "--series", "localizer", "--seed", seed, "--out", seed]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=300)
    a, b = (read_mrd(tmp_path / seed / "raw" / "localizer.h5").samples for seed in ("1", "2"))
    assert a.shape == b.shape and not (a == b).any()
