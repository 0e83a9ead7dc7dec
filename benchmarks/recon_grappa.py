"""GRAPPA against pygrappa on the same array: the partition and line plane of one column, 8 channels, every second of both.

`rows(quick)` for bench_recon.py; alone: python benchmarks/recon_grappa.py [--quick] [--json FILE]. k-space is in closed form
(tests/recon/measured.py), with noise. Errors are of the completed channel images against full sampling with that noise:
what is left of it when everything is predicted perfectly is told in the note. Ours and theirs run on one thread each:
otherwise the peer's BLAS spins and the comparison flatters us. Ours predicts a cell from 4 x 4 measured neighbours, a window of
7 x 7 positions around its middle; the peer's own choice is 5 x 5, and 7 x 7 is told beside it where it takes that. Both are given
the array and the block and give back the array, after a call that is not counted.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from convention import NO_PEER, PEER_PYTHON, options, row, tell

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.recon.measured import FOV, array_of, head_signal

from fullbore.numerics.threads import one_thread
from fullbore.recon.completions import grappa
from fullbore.recon.recipe import Grappa

CHANNELS, BLOCK = 8, 32


def planes(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Full k-space (channel, kz, ky), the mask 2 x 2 with its calibration block, and the block."""
    k = (np.arange(size) - size // 2) / np.array([[FOV[0]], [FOV[1]]])
    where = np.stack([*np.meshgrid(*k, indexing="ij"), np.zeros((size, size))], -1)
    clean = head_signal(where, array_of(CHANNELS, 2), 2)
    rng = np.random.default_rng(0)
    noise = rng.normal(size=clean.shape) + 1j * rng.normal(size=clean.shape)
    full = (clean + 3e-5 * np.abs(clean).max() * noise).astype(np.complex64)
    mask = np.zeros((size, size), bool)
    mask[::2, ::2] = True
    centre = slice(size // 2 - BLOCK // 2, size // 2 + BLOCK // 2)
    mask[centre, centre] = True
    return full / np.abs(full).max(), mask, np.ascontiguousarray(full[:, centre, centre] / np.abs(full).max())


def ours(given: np.ndarray, mask: np.ndarray, block: np.ndarray, repeats: int) -> tuple[float, float, np.ndarray]:
    """Median seconds and processor seconds of calibration and completion, and the k-space."""
    columns, calibration = torch.from_numpy(given)[None], torch.from_numpy(block)[None, ..., None]
    seconds, busy = [], []
    with one_thread():
        for _ in range(repeats + 1):
            began, before = time.perf_counter(), time.process_time()
            filled = grappa.calibrate(calibration, mask, 1, Grappa()).complete(columns, mask)
            seconds.append(time.perf_counter() - began)
            busy.append(time.process_time() - before)
    return statistics.median(seconds[1:]), statistics.median(busy[1:]), filled[0].numpy()


def theirs(given: np.ndarray, block: np.ndarray, repeats: int) -> dict[str, np.ndarray]:
    """pygrappa's results and seconds by function."""
    with tempfile.TemporaryDirectory() as scratch:
        files = [str(Path(scratch) / name) for name in ("in.npz", "out.npz")]
        np.savez(files[0], kspace=given, block=block, repeats=repeats)
        program = Path(__file__).parent / "peers" / "fill_pygrappa.py"
        one = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        subprocess.run([str(PEER_PYTHON), str(program), *files], check=True, capture_output=True, env={**os.environ, **one})
        return dict(np.load(files[1]))


def rows(quick: bool) -> list[dict[str, Any]]:
    """One row for each function of the peer."""
    size, repeats = (128, 3) if quick else (256, 9)
    full, mask, block = planes(size)
    given = np.ascontiguousarray(full * mask)
    error = lambda got: float(np.linalg.norm(got - full) / np.linalg.norm(full))  # noqa: E731
    seconds, busy, filled = ours(given, mask, block, repeats)
    task = f"GRAPPA 2 x 2, {size} x {size} x {CHANNELS}"
    if not PEER_PYTHON.exists():
        return [row(task, seconds, NO_PEER, ours_error=error(filled))]
    peer = theirs(given, block, repeats)
    again, busy_again, _ = ours(given, mask, block, repeats)
    seconds = statistics.mean([seconds, again])  # before and after the peer: other work on the machine hits both
    busy = statistics.mean([busy, busy_again])
    note = lambda name: (  # noqa: E731
        f"zero-filled {error(given):.1e}; calibration counted; one thread each, "
        f"processor {busy:.4f} s against {float(peer[name + '_cpu_s']):.4f} s, ratio {float(peer[name + '_cpu_s']) / busy:.1f}"
    )
    return [
        row(
            task,
            seconds,
            note(name),
            ours_error=error(filled),
            peer=f"pygrappa.{shown}",
            peer_s=float(peer[f"{name}_s"]),
            peer_error=error(peer[name]),
        )
        for name, shown in (("cgrappa", "cgrappa"), ("mdgrappa", "mdgrappa"), ("mdgrappa_7", "mdgrappa, window 7 x 7"))
    ]


if __name__ == "__main__":
    chosen = options(__doc__)
    tell(rows(chosen.quick), chosen.json)
