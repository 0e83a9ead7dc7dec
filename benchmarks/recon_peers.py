"""Running the reconstruction benchmark's peers: BART's commands, and Python tools in the environment that peers.sh makes."""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from convention import PEER_PYTHON
from recon_cases import Case, nrmse, read_cfl

PROGRAM = Path(__file__).parent / "peers" / "recon_tools.py"
BART = "/usr/bin/bart"
Figures = tuple[float, float, float]


def bart_present() -> bool:
    """Whether BART is installed (Debian's package `bart`)."""
    return Path(BART).exists()


def run_bart(case: Case, options: str, times: int, threads: int) -> Figures:
    """Best wall and processor seconds of `bart pics`, its start and files included, and the image's error."""
    environment = dict(os.environ, OMP_WAIT_POLICY="passive", OMP_NUM_THREADS=str(threads))
    wall, busy = [], []
    command = [BART, "pics", "-S", *options.split(), "kspace", "maps", "out"]
    for _ in range(times):
        began, used = time.perf_counter(), _children_s()
        subprocess.run(command, cwd=case.folder, env=environment, check=True, capture_output=True)
        wall.append(time.perf_counter() - began)
        busy.append(_children_s() - used)
    image = read_cfl(case.folder / "out")
    truth = case.load("truth")
    frames_last = np.moveaxis(truth, 0, -1) if len(truth) > 1 else truth
    return min(wall), min(busy), nrmse(image, frames_last.squeeze())


def best_bart(case: Case, options: str, times: int, threads: int = 2) -> Figures:
    """The better of one and of up to `threads` threads."""
    return min((run_bart(case, options, times, count) for count in range(1, threads + 1)), key=lambda figures: figures[0])


def run_tool(tool: str, case: Case, iterations: int, weight: float, times: int, threads: int = 2) -> Figures | None:
    """Best wall and processor seconds and the image's error of a Python peer; None where it is not installed or fails."""
    if not PEER_PYTHON.exists():
        return None
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "out.npy"
        arguments = [tool, str(case.folder), str(iterations), str(weight), str(times), str(threads), str(out)]
        done = subprocess.run([str(PEER_PYTHON), str(PROGRAM), *arguments], check=False, capture_output=True, text=True)
        if done.returncode != 0:
            return None
        wall, busy = (float(word) for word in done.stdout.split()[-2:])
        return wall, busy, nrmse(np.load(out), case.load("truth").squeeze())


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
