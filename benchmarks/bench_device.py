"""Playing Pulseq files to clouds of spins on a CUDA device: time, and error against the float64 reference and `play_cloud`.

Run: python benchmarks/bench_device.py [--quick] [--json FILE]. Without a CUDA device it says so and runs nothing. Rows as in
`bench_simulate.py`, on its jobs and objects, the peer being our own `play_cloud` on the processor. Times are medians of
whole calls, to samples on the host, after one that compiles kernels; "carried" clouds are on the device beforehand, others
start on the host. Errors are relative l2: ours against the reference on a small cloud, and in the note the peer's from ours.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bench_simulate import LARGE, QUICK, SEVEN
from convention import options, row, tell
from jobs import write_jobs
from objects import block

from fullbore import files
from fullbore.data import Sequence
from fullbore.simulate.cloud import SpinCloud, play_cloud, reference
from fullbore.simulate.cloud.device import play_on
from fullbore.simulate.cloud.device_cloud import carry
from fullbore.simulate.cloud.device_fused import TRITON

TARGET_S = 0.03
"""What the gradient echo with a million spins and eight coils may take."""

TARGET_SPINS = 1_000_000


def timed(call: Callable[[], np.ndarray], repeats: int) -> tuple[float, np.ndarray]:
    """Median seconds and what came out."""
    seconds, found = [], call()
    for _ in range(repeats):
        began = time.perf_counter()
        found = call()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), found


def error(got: np.ndarray, wanted: np.ndarray) -> float:
    """Relative l2."""
    return float(np.linalg.norm(got - wanted) / np.linalg.norm(wanted))


def played(name: str, sequence: Sequence, cloud: SpinCloud, where: str, repeats: int, from_host: bool) -> dict[str, Any]:
    """One row; where: the device."""
    small = block(QUICK).cloud
    ours_error = error(play_on(small, sequence, where), reference(small, sequence))
    given = cloud if from_host else carry(cloud, where)
    seconds, ours = timed(lambda: play_on(given, sequence, where), repeats)
    began = time.perf_counter()
    theirs = play_cloud(cloud, sequence)
    peer_s = time.perf_counter() - began
    taken, coils = int(sequence.encoding.samples_per_row().sum()), len(cloud.sensitivity)
    note = f"{len(cloud) * taken / seconds:.2g} spins x samples per second; {error(theirs, ours):.1e} from play_cloud"
    if name == "gre" and len(cloud) == TARGET_SPINS:
        note += f"; target {TARGET_S} s " + ("met" if seconds <= TARGET_S else "missed")
    task = f"{name} {len(ours)} x {ours.shape[2]}, {len(cloud)} spins, {coils} coils, {'host' if from_host else 'carried'}"
    return row(task, seconds, note, ours_error=ours_error, peer="play_cloud", peer_s=peer_s)


def main() -> None:
    """Run and tell."""
    chosen = options(__doc__)
    if not torch.cuda.is_available():
        print("no CUDA device: nothing is run")
        tell([], chosen.json)
        return
    memory = torch.cuda.get_device_properties(0).total_memory / 1e9
    print(f"{torch.cuda.get_device_name(0)}, {memory:.0f} GB, torch {torch.__version__}, Triton {'yes' if TRITON else 'no'}")
    cloud, repeats = block(LARGE["1e5" if chosen.quick else "1e6"], 8).cloud, 3 if chosen.quick else 11
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for name, file in zip(SEVEN, write_jobs(Path(scratch), SEVEN), strict=True):
            sequence = files.read_pulseq(file)
            ways = (False, True) if name == "gre" else (False,)
            rows += [played(name, sequence, cloud, "cuda", repeats, from_host) for from_host in ways]
    tell(rows, chosen.json)


if __name__ == "__main__":
    main()
