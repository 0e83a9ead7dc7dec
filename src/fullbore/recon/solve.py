"""From encoded columns and coil maps to images in units of the whitened noise, one slice or slab at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor

from fullbore.numerics import wavelet
from fullbore.numerics.conjugate_gradient import conjugate_gradient
from fullbore.numerics.proximal_gradient import proximal_gradient
from fullbore.numerics.sensitivity import SliceEncoding
from fullbore.numerics.solver_report import SolverReport
from fullbore.recon.column_cholesky import factorise
from fullbore.recon.readouts import Readouts
from fullbore.recon.recipe import Combination, ConjugateGradient, Direct, ProximalGradient, Recipe

_BLOCK_BYTES = 32 << 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solved:
    """Images of one slice or slab: values (frame, x, z, y), noise_variance (x, z, y) for white noise of variance 1.

    iterations, residual: the largest over the frames. converged: of every frame. condition: of the encoding, or None.
    """

    values: Complex[Tensor, "frame x z y"]
    noise_variance: Float[Tensor, "x z y"]
    iterations: int
    residual: float
    converged: bool
    condition: float | None = None


def solve_volume(
    readouts: Readouts, slice_: int, maps: Complex[Tensor, "x coil z y"], recipe: Recipe, progress: Callable[[float], None]
) -> Solved:
    """All frames of one slice or slab. maps: unit norm over coil (or zero)."""
    match recipe.solver:
        case Combination():
            return _combine(readouts, slice_, maps)
        case Direct():
            return _direct(readouts, slice_, maps, recipe.solver)
        case _:
            return _iterate(readouts, slice_, maps, recipe, progress)


def _adjoint(readouts: Readouts, rows: Int[np.ndarray, " n"], maps: Complex[Tensor, "x coil z y"]) -> Complex[Tensor, "x z y"]:
    """A^H y: the data are gridded, transformed and combined in blocks of columns, so the gridded whole never exists."""
    ones = torch.ones(maps.shape[2:], dtype=torch.float32)
    step = max(1, _BLOCK_BYTES // (maps[0].numel() * maps.element_size()))
    result = torch.empty((maps.shape[0], *maps.shape[2:]), dtype=maps.dtype)
    for first in range(0, maps.shape[0], step):
        block = slice(first, first + step)
        result[block] = SliceEncoding(maps=maps[block], mask=ones).adjoint(readouts.kspace(rows, block))
    return result


def _combine(readouts: Readouts, slice_: int, maps: Complex[Tensor, "x coil z y"]) -> Solved:
    rows = [readouts.rows(frame, slice_) for frame in range(readouts.frames)]
    values = torch.stack([_adjoint(readouts, frame_rows, maps) for frame_rows in rows])
    return Solved(
        values=values, noise_variance=_matched_variance(readouts, slice_, maps), iterations=0, residual=0.0, converged=True
    )


def _matched_variance(readouts: Readouts, slice_: int, maps: Complex[Tensor, "x coil z y"]) -> Float[Tensor, "x z y"]:
    """Variance of A^H y; repeats that were averaged lower it."""
    count = readouts.mask(0, slice_)
    measured = float(np.mean(np.where(count > 0, 1 / np.maximum(count, 1), 0.0)))
    return measured * (maps.real.square() + maps.imag.square()).sum(1)


def _direct(readouts: Readouts, slice_: int, maps: Complex[Tensor, "x coil z y"], solver: Direct) -> Solved:
    values = torch.empty((readouts.frames, maps.shape[0], *maps.shape[2:]), dtype=maps.dtype)
    groups: dict[bytes, list[int]] = {}
    for frame in range(readouts.frames):
        groups.setdefault((readouts.mask(frame, slice_) > 0).tobytes(), []).append(frame)
    variance, condition = None, None
    for frames in groups.values():
        count = readouts.mask(frames[0], slice_)
        factors = factorise(maps[:, :, 0], torch.from_numpy((count[0] > 0).astype(np.float32)), solver.damping)
        right = torch.stack([_adjoint(readouts, readouts.rows(frame, slice_), maps)[:, 0] for frame in frames])
        values[frames] = factors.solve(right)[:, :, None]
        if variance is None:
            variance = factors.noise_variance()[:, None] * float(np.mean(1 / count[count > 0]))
            condition = factors.condition()
    assert variance is not None
    return Solved(values=values, noise_variance=variance, iterations=1, residual=0.0, converged=True, condition=condition)


def _iterate(
    readouts: Readouts, slice_: int, maps: Complex[Tensor, "x coil z y"], recipe: Recipe, progress: Callable[[float], None]
) -> Solved:
    values = torch.empty((readouts.frames, maps.shape[0], *maps.shape[2:]), dtype=maps.dtype)
    reports = []
    for frame in range(readouts.frames):
        mask = torch.from_numpy((readouts.mask(frame, slice_) > 0).astype(np.float32))
        encoding = SliceEncoding(maps=maps, mask=mask)
        right = _adjoint(readouts, readouts.rows(frame, slice_), maps)

        def tick(fraction: float, frame: int = frame) -> None:
            progress((frame + fraction) / readouts.frames)

        report = _run(encoding, right, recipe, tick)
        values[frame] = report.value
        reports.append(report)
    # Without aliasing noise (g = 1) undersampling raises the variance by the acceleration; regularisation lowers it.
    acceleration = float(np.prod(readouts.matrix)) / float(np.count_nonzero(readouts.mask(0, slice_)))
    return Solved(
        values=values,
        noise_variance=_matched_variance(readouts, slice_, maps) * acceleration**2,
        iterations=max(report.iterations for report in reports),
        residual=max(report.residual for report in reports),
        converged=all(report.status == "converged" for report in reports),
    )


def _run(
    encoding: SliceEncoding, right: Complex[Tensor, "x z y"], recipe: Recipe, progress: Callable[[float], None]
) -> SolverReport:
    if isinstance(recipe.solver, ConjugateGradient):
        damping = recipe.solver.damping
        return conjugate_gradient(
            lambda x: encoding.normal(x).add_(x, alpha=damping),
            right,
            iterations=recipe.solver.iterations,
            tolerance=recipe.solver.tolerance,
            batch_axes=1,
            progress=progress,
        )
    assert isinstance(recipe.solver, ProximalGradient)
    assert recipe.prior is not None
    prior = recipe.prior
    transform = wavelet.Wavelet(shape=(right.shape[0], right.shape[1], right.shape[2]), name=prior.name, levels=prior.levels)
    threshold = max(prior.weight, prior.floor * float(right.abs().max()))
    rng = np.random.default_rng(recipe.solver.seed)
    shifts = rng.integers(0, 1 << prior.levels, size=(recipe.solver.iterations, 3))
    return proximal_gradient(
        lambda x: encoding.normal(x).sub_(right),
        lambda v, iteration: transform.shrink(v, threshold, _shift(shifts[iteration], transform.shape)),
        right,
        step=1.0,  # unit-norm maps, a unitary transform and a mask: no eigenvalue above 1
        iterations=recipe.solver.iterations,
        tolerance=recipe.solver.tolerance,
        progress=progress,
    )


def _shift(drawn: Int[np.ndarray, 3], shape: tuple[int, int, int]) -> tuple[int, int, int]:
    a, b, c = (int(s) if n > 1 else 0 for s, n in zip(drawn, shape, strict=True))
    return a, b, c
