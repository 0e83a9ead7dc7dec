"""Radial CG-SENSE against BART, bartorch and SigPy, and the non-uniform transform against FINUFFT itself.

64 golden-angle spokes of 512 samples, 256 x 256, 8 channels. Two cases, neither made by any of the reconstructions:
a head of ellipses in closed form, and BART's own phantom (`bart phantom -k` along `bart traj -r`). Everyone gets the same
data, the true maps and the number of threads; BART's time includes reading and writing its files. Weights and iterations
of each program are searched; the row shows its best converged image beside its best image at any number of iterations.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import finufft
import numpy as np
import torch
from convention import NO_PEER, PEER_PYTHON, options, row, tell
from scipy.special import j1

from fullbore.numerics.nufft import NonUniformFourier
from fullbore.recon import ConjugateGradient
from fullbore.recon.encodings.non_uniform import NonUniformVolume
from fullbore.recon.encodings.sampling import Sampling
from fullbore.recon.solvers.iterative import iterate

SIZE, SPOKES, CHANNELS = 256, 64, 8
CONVERGED = 60
WEIGHTS = (1e-3, 1e-2, 3e-2, 0.1, 0.2)
EARLY = (10, 15, 20)


def rows(quick: bool) -> list[dict[str, Any]]:
    """All rows; `quick` takes one case, fewer tries of the peers and one run of each."""
    found = transform_rows(quick)
    for name, case in (("head", head_case), ("BART phantom", bart_case)):
        if name == "head" or (not quick and shutil.which("bart")):
            found += sense_rows(name, case(), quick)
    return found


def sense_rows(name: str, case: dict[str, np.ndarray], quick: bool) -> list[dict[str, Any]]:
    """Ours against each peer on one case."""
    result = []
    for threads in (1, 2):
        ours_s, image, iterations = ours(case, threads, 1 if quick else 5)
        error = nrmse(image, case["truth"])
        for peer, tries in peers_of(quick).items():
            if threads == 1 and peer != "BART":
                continue
            task = f"radial CG-SENSE, {name}, {threads} thr"
            told = run_peer(peer, case, tries, threads, quick)
            if told is None:
                result.append(row(task, ours_s, NO_PEER, ours_error=error))
                continue
            errors = [nrmse(one, case["truth"]) for one in told[1]]
            last = [i for i, (_, count) in enumerate(tries) if count == CONVERGED]
            converged, best = min(last, key=errors.__getitem__), int(np.argmin(errors))
            note = (
                f"ours {iterations} it; peer converged {tries[converged][0]:g}: {told[0][converged]:.2f} s at "
                f"{errors[converged]:.4f}; best {tries[best][0]:g}, {tries[best][1]} it"
            )
            result.append(row(task, ours_s, note, ours_error=error, peer=peer, peer_s=told[0][best], peer_error=errors[best]))
    return result


def peers_of(quick: bool) -> dict[str, list[tuple[float, int]]]:
    """(weight, iterations) that each peer tries."""
    weights, early = ((1e-3, 0.1), (20,)) if quick else (WEIGHTS, EARLY)
    tries = [(weight, count) for weight in weights for count in (*early, CONVERGED)]
    fewer = [(weight, count) for weight, count in tries if count in (early[0], CONVERGED) and weight in weights[1::2]]
    return {"BART": tries, "bartorch": tries, "SigPy": fewer}


def ours(case: dict[str, np.ndarray], threads: int, repeats: int) -> tuple[float, np.ndarray, int]:
    """Seconds, image and iterations: from samples, path and maps to the image."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    taken = []
    maps = torch.from_numpy(case["maps"]).permute(1, 0, 2)[None, :, :, None].contiguous()
    data = torch.from_numpy(case["data"].reshape(CHANNELS, -1) / case["noise"]).to(torch.complex64)
    points = torch.from_numpy(case["cells"].reshape(-1, 2))
    solver = ConjugateGradient(iterations=20, tolerance=1e-4, expected_power=1.0)
    for _ in range(repeats + 1):
        began = time.perf_counter()
        sampling = Sampling(points=(points,), planes=(0,), shape=(1, SIZE, SIZE), tolerance=1e-4, threads=threads)
        volume = NonUniformVolume(samplings=(sampling,), values=((data,),), maps=maps, weighted=False)
        solved = iterate(volume, solver, None, lambda done: None)
        taken.append(time.perf_counter() - began)
    torch.set_num_threads(before)
    return min(taken[1:]), solved.values[0, 0, :, 0].numpy(), solved.iterations


def run_peer(
    peer: str, case: dict[str, np.ndarray], tries: list[tuple[float, int]], threads: int, quick: bool
) -> tuple[np.ndarray, np.ndarray] | None:
    """Seconds and images of every try; None where the peer is not installed."""
    repeats = 1 if quick else 2
    with tempfile.TemporaryDirectory() as scratch:
        if peer == "BART":
            return _bart_tries(Path(scratch), case, tries, threads, repeats) if shutil.which("bart") else None
        if not PEER_PYTHON.exists():
            return None
        source, target = Path(scratch) / "job.npz", Path(scratch) / "out.npz"
        np.savez(source, tries=np.array(tries), repeats=repeats, **{k: case[k] for k in ("data", "cells", "maps")})
        program = Path(__file__).parent / "peers" / "recon_radial.py"
        command = [str(PEER_PYTHON), str(program), peer.lower(), str(source), str(target), str(threads)]
        done = subprocess.run(command, capture_output=True, env=_environment(threads))
        if done.returncode:
            return None
        out = np.load(target)
        return out["seconds"], out["images"]


def _bart_tries(
    folder: Path, case: dict[str, np.ndarray], tries: list[tuple[float, int]], threads: int, repeats: int
) -> tuple[np.ndarray, np.ndarray]:
    path = np.zeros((3, *case["cells"].shape[1::-1]), np.complex64)
    path[:2] = case["cells"].transpose(2, 1, 0)
    write_cfl(folder / "traj", path)
    write_cfl(folder / "data", case["data"].transpose(2, 1, 0)[None])
    write_cfl(folder / "maps", case["maps"].transpose(1, 2, 0)[:, :, None])
    seconds, images = [], []
    for weight, count in tries:
        command = f"bart pics -S -l2 -r{weight} -i{count} -t traj data maps out"
        taken = [timed(lambda c=command: bart(c, folder, threads)) for _ in range(repeats)]
        seconds.append(min(taken))
        images.append(read_cfl(folder / "out"))
    return np.array(seconds), np.stack(images)


def bart(command: str, folder: Path, threads: int = 2) -> None:
    """One BART command in `folder`."""
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True, env=_environment(threads))


def _environment(threads: int) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive"}


def timed(run: Callable[[], object]) -> float:
    """Seconds of one call."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def nrmse(image: np.ndarray, truth: np.ndarray) -> float:
    """Error relative to the truth after the best complex factor."""
    image = image.squeeze()
    factor = np.vdot(image, truth) / np.vdot(image, image)
    return float(np.linalg.norm(factor * image - truth) / np.linalg.norm(truth))


def golden_spokes() -> np.ndarray:
    """(spoke, sample, 2) cycles per field of view."""
    angle = np.arange(SPOKES) * np.pi * (np.sqrt(5) - 1) / 2
    radius = (np.arange(2 * SIZE) - SIZE) / 2
    return np.stack([np.outer(np.cos(angle), radius), np.outer(np.sin(angle), radius)], -1).astype(np.float32)


def head_case() -> dict[str, np.ndarray]:
    """Ellipses seen by channels that are short Fourier series: k-space in closed form, the truth from a full grid of it."""
    rng = np.random.default_rng(2)
    ellipses: list[tuple[float, ...]] = [(0, 0, 0.38, 0.44, 1.0), (0, 0, 0.35, 0.41, -0.5)]
    for _ in range(60):
        x, y = rng.uniform(-0.24, 0.24), rng.uniform(-0.28, 0.28)
        ellipses.append((x, y, *np.exp(rng.uniform(np.log(0.006), np.log(0.08), 2)), rng.uniform(-0.2, 0.3)))
    line = (np.arange(SIZE) - SIZE // 2) / SIZE
    grid = np.stack(np.meshgrid(line, line, indexing="ij"), -1)
    amplitudes, waves = _array(grid)
    maps = np.moveaxis(np.exp(2j * np.pi * grid @ waves.T) @ amplitudes.T, -1, 0)
    maps = maps / np.sqrt((np.abs(maps) ** 2).sum(0))

    def signal(k: np.ndarray) -> np.ndarray:
        return np.sum([a[:, None] * _ellipses(k - w, ellipses)[None] for a, w in zip(amplitudes.T, waves, strict=True)], axis=0)

    every = grid.reshape(-1, 2) * SIZE
    full = np.fft.ifftshift(signal(every).reshape(CHANNELS, SIZE, SIZE), axes=(1, 2))
    images = np.fft.fftshift(np.fft.ifft2(full), axes=(1, 2)) * SIZE**2
    cells = golden_spokes()
    data = signal(cells.reshape(-1, 2).astype(float)).reshape(CHANNELS, SPOKES, 2 * SIZE) * SIZE
    return _noisy(data, cells, maps, (maps.conj() * images).sum(0))


def _array(grid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Amplitudes (channel, wave) and waves (wave, 2) of channels that each look at a place of their own."""
    steps = np.array([-0.45, 0.0, 0.45])
    waves = np.stack(np.meshgrid(steps, steps, indexing="ij"), -1).reshape(-1, 2)
    angles = 2 * np.pi * np.arange(CHANNELS) / CHANNELS
    coarse = grid[::8, ::8].reshape(-1, 2)
    focus = 0.6 * np.stack([np.cos(angles), np.sin(angles)], -1)
    distance = ((coarse[:, None] - focus) ** 2).sum(-1)
    wanted = 0.25 / (distance + 0.2) * np.exp(1j * angles)
    return np.linalg.lstsq(np.exp(2j * np.pi * coarse @ waves.T), wanted, rcond=None)[0].T, waves


def _ellipses(k: np.ndarray, ellipses: list[tuple[float, ...]]) -> np.ndarray:
    total = np.zeros(len(k), complex)
    for x, y, a, b, density in ellipses:
        q = 2 * np.pi * np.maximum(np.hypot(k[:, 0] * a, k[:, 1] * b), 1e-9)
        total += density * np.exp(-2j * np.pi * (k[:, 0] * x + k[:, 1] * y)) * 2 * np.pi * a * b * j1(q) / q
    return total


def _noisy(data: np.ndarray, cells: np.ndarray, maps: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
    """Noise of 2 % of the mean signal in the object, per unitary sample."""
    rng = np.random.default_rng(1)
    inside = np.abs(truth) > 0.1 * np.abs(truth).max()
    noise = 0.02 * float(np.abs(truth[inside]).mean())
    draw = (rng.standard_normal(data.shape) + 1j * rng.standard_normal(data.shape)) / np.sqrt(2)
    return {
        "data": (data + noise * draw).astype(np.complex64),
        "cells": cells,
        "maps": maps.astype(np.complex64),
        "truth": truth,
        "noise": np.float32(noise),
    }


def bart_case() -> dict[str, np.ndarray]:
    """BART's phantom along BART's spokes, with BART's maps brought to unit norm."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for command in (
            f"traj -r -G -x{2 * SIZE} -y{SPOKES} -o2 traj",
            f"phantom -k -s{CHANNELS} -t traj data",
            f"phantom -S{CHANNELS} -x{SIZE} maps",
            f"phantom -x{SIZE} truth",
        ):
            bart("bart " + command, folder)
        path, data, maps, truth = (read_cfl(folder / name) for name in ("traj", "data", "maps", "truth"))
    maps = np.moveaxis(maps.squeeze(), -1, 0)
    norm = np.sqrt((np.abs(maps) ** 2).sum(0))
    cells = np.ascontiguousarray(path[:2].real.transpose(2, 1, 0)).astype(np.float32)
    data = np.ascontiguousarray(data.squeeze().transpose(2, 1, 0))
    truth = truth.squeeze() * norm
    # The phantom's scale differs from a unitary transform's; only the ratio of noise and signal matters.
    scale = np.abs(truth).sum() / SIZE / np.sqrt((np.abs(data[:, :, SIZE]) ** 2).sum(0)).mean()
    return _noisy(data * scale, cells, maps / np.maximum(norm, 1e-9), truth)


def transform_rows(quick: bool) -> list[dict[str, Any]]:
    """Our operator against FINUFFT called by hand, same tolerance and threads, plans made before."""
    rng = np.random.default_rng(0)
    result = []
    for shape, count, channels in (((SIZE, SIZE), 1 << 15, 8), ((64, 64, 64) if quick else (128, 128, 128), 1 << 18, 4)):
        points = ((rng.random((count, len(shape))) - 0.5) * shape).astype(np.float32)
        images = (rng.standard_normal((channels, *shape)) + 0j).astype(np.complex64)
        operator = NonUniformFourier(points=torch.from_numpy(points), shape=shape, tolerance=1e-4, threads=2)
        angles = [(2 * np.pi / n * axis).astype(np.float32) for n, axis in zip(shape, points.T, strict=True)]
        x = torch.from_numpy(images)
        y = operator.forward(x)
        for kind, run, source in ((2, operator.forward, x), (1, operator.adjoint, y)):
            plan = finufft.Plan(kind, shape, channels, 1e-4, -1 if kind == 2 else 1, "complex64", nthreads=2)
            plan.setpts(*angles)
            ours_run = lambda r=run, v=source: r(v)  # noqa: E731
            peer_run = lambda p=plan, v=source.numpy(): p.execute(v)  # noqa: B008, E731
            got, wanted = ours_run(), torch.from_numpy(peer_run()) / float(np.sqrt(np.prod(shape)))
            error = float(torch.linalg.vector_norm(got - wanted) / torch.linalg.vector_norm(wanted))
            pairs = [(timed(ours_run), timed(peer_run)) for _ in range(3 if quick else 9)]
            ours_s, peer_s = (min(pair[i] for pair in pairs) for i in (0, 1))
            name = f"NUFFT {'forward' if kind == 2 else 'adjoint'} {len(shape)}D x {channels}"
            result.append(row(name, ours_s, "difference from it as our error", ours_error=error, peer="finufft", peer_s=peer_s))
    return result


def write_cfl(name: Path, array: np.ndarray) -> None:
    """BART's file format."""
    dims = [*array.shape, *[1] * (16 - array.ndim)]
    name.with_suffix(".hdr").write_text("# Dimensions\n" + " ".join(map(str, dims)) + "\n")
    np.asarray(array, np.complex64).ravel(order="F").tofile(name.with_suffix(".cfl"))


def read_cfl(name: Path) -> np.ndarray:
    """BART's file format; trailing axes of extent 1 are dropped."""
    dims = [int(n) for n in name.with_suffix(".hdr").read_text().splitlines()[1].split()]
    while len(dims) > 1 and dims[-1] == 1:
        dims.pop()
    return np.fromfile(name.with_suffix(".cfl"), np.complex64).reshape(dims, order="F")


if __name__ == "__main__":
    chosen = options(__doc__)
    tell(rows(chosen.quick), chosen.json)
