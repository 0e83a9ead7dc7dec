"""Running the simulator benchmark's peers: each by its own program in peers/, in the environment that peers.sh makes."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from convention import PEER_PYTHON

PROGRAMS = Path(__file__).parent / "peers"
# Its states: at most 200 of each kind, down to 1e-4; threshold 1e-3 is its way of leaving out what it guesses to be unseen.
MRZERO = {"states": 200, "smallest": 1e-4, "threshold": 1e-3}


def run_peer(
    peer: str, fields: dict[str, Any], seq_file: Path, rows: int, most_s: float | None = None
) -> tuple[float, np.ndarray] | None:
    """Seconds (without starting, reading and writing) and samples (row, coil, sample); None where it is not installed.

    Raises subprocess.CalledProcessError when it fails, subprocess.TimeoutExpired after `most_s` in all.
    """
    if not PEER_PYTHON.exists():
        return None
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        shutil.copy(seq_file, folder / "job.seq")
        np.savez(folder / "job.npz", rows=rows, **MRZERO, **fields)
        names = [str(folder / name) for name in ("job.npz", "job.seq", "out.npy")]
        command = [str(PEER_PYTHON), str(PROGRAMS / f"play_{peer}.py"), *names]
        told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=most_s).stdout
        return float(told.strip().splitlines()[-1]), np.load(folder / "out.npy")
