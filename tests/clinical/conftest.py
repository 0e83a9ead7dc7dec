"""The exams that several tests look at, each run once."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class DoneExam:
    folder: Path
    record: dict[str, Any]
    peak_kB: int

    def series(self, name: str) -> dict[str, Any]:
        return next(entry for entry in self.record["series"] if entry["name"] == name)


# What a process has been at most counts its parent's memory when it was forked, so that a small one starts the exam.
_MEASURED = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


def run_exam(folder: Path, *options: str) -> DoneExam:
    command = [
        sys.executable,
        "-c",
        _MEASURED,
        sys.executable,
        "-m",
        "fullbore.cli.main",
        "scan",
        "brain",
        "--json",
        "--out",
        str(folder),
        *options,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1500, env=os.environ | {"FULLBORE_TRACEBACK": "1"})
    assert done.returncode == 0, done.stderr
    return DoneExam(folder, json.loads(done.stdout), int(done.stderr.split()[-1]))


@pytest.fixture(scope="session")
def quick_exam(tmp_path_factory: pytest.TempPathFactory) -> DoneExam:
    return run_exam(tmp_path_factory.mktemp("quick") / "exam", "--quick")


@pytest.fixture(scope="session")
def full_exam(tmp_path_factory: pytest.TempPathFactory) -> DoneExam:
    return run_exam(tmp_path_factory.mktemp("full") / "exam")
