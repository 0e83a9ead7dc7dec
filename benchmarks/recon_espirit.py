"""ESPIRiT against BART's ecalib: CPU seconds and how much of the true sensitivities each misses, on the same samples.

The k-space is that of a head of ellipsoids in closed form, seen by channels that are short Fourier series, with white noise of
1e-4 of its largest sample; both get the central 24 samples of each axis. CPU seconds, because wall time on a shared machine
measures its other users; BART's include starting it and reading and writing its files, which for these sizes is a few tenths.

Run: python benchmarks/recon_espirit.py [--quick]
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.recon.measured import FOV, HEAD, array_of, geometry_of, head_signal

from fullbore.recon.calibration.espirit import coil_maps
from fullbore.recon.recipe import Espirit

CALIBRATION = 24
Case = tuple[str, tuple[int, int, int], int, Espirit, str]
CASES: tuple[Case, ...] = (
    ("ESPIRiT 2D, 256 x 256, 16 channels", (256, 256, 1), 16, Espirit(), ""),
    ("ESPIRiT 3D, 160 x 160 x 128, 8 channels, kernel 5", (160, 160, 128), 8, Espirit(kernel=5, grid=40), "-k5"),
    ("ESPIRiT 3D, 160 x 160 x 128, 8 channels, kernel 6", (160, 160, 128), 8, Espirit(kernel=6, grid=40), "-k6"),
)


def rows(quick: bool) -> list[dict[str, Any]]:
    """One row a case: ours, BART's, and how many times fewer CPU seconds ours took. quick: the 2D case alone."""
    return [_row(*case) for case in (CASES[:1] if quick else CASES)]


def _row(task: str, matrix: tuple[int, int, int], channels: int, recipe: Espirit, flags: str) -> dict[str, Any]:
    block, truth, inside = _measured(matrix, channels)
    ours_s, ours = _fastest(lambda: coil_maps(torch.from_numpy(block[None]), matrix[::-1], recipe)[0])
    row = {"task": task, "ours_s": ours_s, "ours_error": projection_error(ours, truth, inside), "peer": "BART ecalib"}
    note = "CPU seconds; error: root mean square part of the true maps outside the estimate, inside the head"
    if shutil.which("bart") is None:
        return {**row, "peer_s": None, "peer_error": None, "ratio": None, "note": "BART is not installed"}
    peer_s, theirs = _bart(block, matrix, flags)
    return {
        **row,
        "peer_s": peer_s,
        "peer_error": projection_error(theirs, truth, inside),
        "ratio": peer_s / ours_s,
        "note": note,
    }


def _measured(matrix: tuple[int, int, int], channels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Calibration samples (channel, kz, ky, kx), true maps of unit norm (channel, z, y, x), and where the head is."""
    dimensions = 3 if matrix[2] > 1 else 2
    array, geometry = array_of(channels, dimensions), geometry_of(matrix)
    index = [(np.arange(n) - n // 2) / f for n, f in zip(_block_shape(matrix), geometry.encoded_fov_m, strict=True)]
    k = np.stack(np.meshgrid(*index[::-1], indexing="ij"), -1)[..., ::-1]
    samples = head_signal(k, array, dimensions)
    rng = np.random.default_rng(0)
    noise = rng.normal(size=samples.shape) + 1j * rng.normal(size=samples.shape)
    points = geometry.grid().points_m()
    truth = array.maps(points).astype(np.complex64)
    truth /= np.linalg.norm(truth, axis=0)
    skull = (points / np.array(FOV) / np.array(HEAD[0][1]))[..., :dimensions]
    return (samples / np.abs(samples).max() + 1e-4 * noise).astype(np.complex64), truth, (skull**2).sum(-1) < 1


def _block_shape(matrix: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(min(CALIBRATION, n) for n in matrix)


def projection_error(maps: np.ndarray, truth: np.ndarray, inside: np.ndarray) -> float:
    """Root mean square of the part of the true maps that lies outside the estimated ones; both have unit norm."""
    seen = np.abs((maps.conj() * truth).sum(0))[inside]
    return float(np.sqrt(np.mean(1 - np.minimum(seen, 1) ** 2)))


def _fastest(run: Any) -> tuple[float, np.ndarray]:
    best, result = np.inf, None
    for _ in range(3):
        began = time.process_time()
        result = run()
        best = min(best, time.process_time() - began)
    assert result is not None
    return best, result


def _bart(block: np.ndarray, matrix: tuple[int, int, int], flags: str) -> tuple[float, np.ndarray]:
    """CPU seconds of ecalib (of a slice the better of two) and its maps (channel, z, y, x)."""
    full = np.zeros((len(block), *matrix[::-1]), np.complex64)
    where = tuple(slice(n // 2 - m // 2, n // 2 - m // 2 + m) for n, m in zip(full.shape[1:], block.shape[1:], strict=True))
    full[(slice(None), *where)] = block
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "k.hdr").write_text("# Dimensions\n" + " ".join(map(str, (*matrix, len(block), *[1] * 12))) + "\n")
        full.transpose(3, 2, 1, 0).ravel(order="F").tofile(folder / "k.cfl")
        command = ["bart", "ecalib", "-m1", f"-r{CALIBRATION}", "-c0", *flags.split(), "k", "s"]
        spent = []
        for _ in range(2 if matrix[2] == 1 else 1):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            environment = {**os.environ, "OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": "2"}
            subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        maps = np.fromfile(folder / "s.cfl", np.complex64).reshape((*matrix, len(block)), order="F")
    return min(spent), maps.transpose(3, 2, 1, 0)


if __name__ == "__main__":
    for row in rows("--quick" in sys.argv):
        print({key: round(value, 4) if isinstance(value, float) else value for key, value in row.items()})
