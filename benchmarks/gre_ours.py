"""Ours of bench_sequence.py, in a process of its own, so that its peak memory is its own.

Run: python gre_ours.py N FOLDER [k]. Last line: JSON, task -> [CPU seconds, peak MB], errors under "errors". Numba is warm.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from gre_job import FOV_M, SUBJECT, design, machine

from fullbore.data import Sequence
from fullbore.files import read_pulseq, write_pulseq
from fullbore.safety import check
from fullbore.sequence import streamed_k_space

Result = TypeVar("Result")


def peak_MB() -> float:
    """The process's largest memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def streamed_error(sequence: Sequence) -> float:
    """k of every sample from the gradients, some readouts at a time, against the Encoding: largest distance over the extent."""
    encoding, worst = sequence.encoding, 0.0
    for rows, k in streamed_k_space(sequence):
        worst = max(worst, float(np.abs(k - encoding.take(rows).trajectory_per_m()).max()))
    return worst / (encoding.samples / 2 / FOV_M[0])


def main() -> None:
    """Play the job once at a small size, then at the one that is asked for."""
    n, folder, spec = int(sys.argv[1]), Path(sys.argv[2]), machine()
    found: dict[str, object] = {}

    def timed(task: str, play: Callable[[], Result]) -> Result:
        begin = time.process_time()
        result = play()
        found[task] = [time.process_time() - begin, peak_MB()]
        return result

    for size in (8, n):
        found["start"] = [0.0, peak_MB()]
        sequence = timed("build", lambda size=size: design(size, spec.limits))
        timed("check", lambda made=sequence: check(made, spec, SUBJECT))
        timed("write", lambda made=sequence: write_pulseq(made, folder / "ours.seq"))
        back = timed("read", lambda: read_pulseq(folder / "ours.seq"))
        k = [part.encoding.k_first_per_m for part in (sequence, back)]
        errors = {"read": float(np.abs(k[1] - k[0]).max() / np.abs(k[0]).max())}
        if "k" in sys.argv:
            del back
            errors["k-space"] = timed("k-space", lambda made=sequence: streamed_error(made))
        assert all(len(part) == size * size for part in k)
    print(json.dumps({**found, "errors": errors}))


if __name__ == "__main__":
    main()
