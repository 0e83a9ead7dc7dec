"""Least squares with or without a prior, frame by frame unless the model or the prior joins them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import numpy as np
import torch
from torch import Tensor

from fullbore.numerics.conjugate_gradient import conjugate_gradient
from fullbore.numerics.optimised_gradient import optimised_gradient
from fullbore.numerics.primal_dual import primal_dual
from fullbore.numerics.proximal_gradient import proximal_gradient
from fullbore.numerics.solver_report import SolverReport
from fullbore.recon.encodings.volume import EncodedVolume
from fullbore.recon.priors.proximal import joins_frames, proximal_map
from fullbore.recon.priors.variation import analysis
from fullbore.recon.priors.wavelet import wavelet_proximal
from fullbore.recon.recipe import (
    ConjugateGradient,
    LowRankPlusSparse,
    OperatorPrior,
    PrimalDual,
    Prior,
    ProximalGradient,
    ProximalPrior,
    Wavelet,
    WaveletJoint,
)
from fullbore.recon.solvers.solved import Solved

Iterative = ConjugateGradient | ProximalGradient | PrimalDual


def iterate(volume: EncodedVolume, solver: Iterative, prior: Prior | None, progress: Callable[[float], None]) -> Solved:
    """The minimiser of |A image - y|^2 / 2 + prior."""
    frames = volume.shape[0]
    if joins_frames(prior) or volume.joins_frames or frames == 1:
        reports = [_run(volume, solver, prior, progress)]
    else:
        reports = [
            _run(volume.only(frame), solver, prior, lambda done, frame=frame: progress((frame + done) / frames))  # type: ignore[misc]
            for frame in range(frames)
        ]
    longest = max(reports, key=lambda report: report.iterations)
    return Solved(
        values=reports[0].value if len(reports) == 1 else torch.cat([report.value for report in reports]),
        # Without aliasing noise (g = 1) undersampling raises the variance by the acceleration; a prior lowers it.
        noise_variance=volume.unaliased_variance(),
        iterations=longest.iterations,
        history=longest.history,
        residual=max(report.residual for report in reports),
        converged=all(report.status == "converged" for report in reports),
    )


def _run(volume: EncodedVolume, solver: Iterative, prior: Prior | None, progress: Callable[[float], None]) -> SolverReport:
    match solver:
        case ConjugateGradient():
            return _least_squares(volume, solver, progress)
        case PrimalDual():
            return _with_operator(volume, solver, cast(OperatorPrior, prior), progress)
        case _:
            return _with_proximal_map(volume, solver, cast(ProximalPrior, prior), progress)


def _least_squares(volume: EncodedVolume, solver: ConjugateGradient, progress: Callable[[float], None]) -> SolverReport:
    quadratic = volume.quadratic(solver.damping, solver.expected_power)
    return conjugate_gradient(
        lambda x: volume.normal(x).add_(quadratic.apply(x)),
        volume.adjoint(),
        iterations=solver.iterations,
        tolerance=solver.tolerance,
        batch_axes=volume.independent_axes,
        precondition=quadratic.inverse,
        progress=progress,
    )


def _with_proximal_map(
    volume: EncodedVolume, solver: ProximalGradient, prior: ProximalPrior, progress: Callable[[float], None]
) -> SolverReport:
    right, size = volume.adjoint(), volume.eigenvalue
    start = right if size == 1 else right / size
    rng = np.random.default_rng(solver.seed)
    if isinstance(prior, Wavelet | WaveletJoint) and prior.penalty == "log":
        # Not convex by itself: its map exists for steps below 2 / size only, and the optimised gradient takes longer ones.
        proximal = wavelet_proximal(prior, right, rng, given_up=True)
        return proximal_gradient(
            lambda x: volume.normal(x).sub_(right), lambda v, number: proximal(v, 1 / size, number), start,
            step=1 / size, iterations=solver.iterations, tolerance=solver.tolerance, progress=progress,
        )  # fmt: skip
    proximal = proximal_map(prior, right, rng)
    if not isinstance(prior, LowRankPlusSparse):
        return optimised_gradient(
            lambda x: volume.normal(x).sub_(right), proximal, right / size, step=1 / size,
            iterations=solver.iterations, tolerance=solver.tolerance, progress=progress,
        )  # fmt: skip
    # Both parts explain the same data, so that their joint Hessian is twice as large.
    report = optimised_gradient(
        lambda x: volume.normal(x[0] + x[1]).sub_(right).expand_as(x),
        proximal, torch.stack([right / size, torch.zeros_like(right)]), step=0.5 / size,
        iterations=solver.iterations, tolerance=solver.tolerance, progress=progress,
    )  # fmt: skip
    return replace(report, value=report.value.sum(0))


def _with_operator(
    volume: EncodedVolume, solver: PrimalDual, prior: OperatorPrior, progress: Callable[[float], None]
) -> SolverReport:
    right, size = volume.adjoint(), volume.eigenvalue
    norm = analysis(prior, right)

    def gradient(x: Tensor) -> Tensor:
        result = torch.zeros_like(x)
        result[0] = volume.normal(x[0]).sub_(right)
        return result

    start = torch.zeros((norm.stacked, *right.shape), dtype=right.dtype, device=right.device)
    start[0] = right / size
    report = primal_dual(
        gradient, norm.forward, norm.adjoint, norm.project, start, lipschitz=size, norm_squared=norm.norm_squared,
        iterations=solver.iterations, tolerance=solver.tolerance, progress=progress,
    )  # fmt: skip
    return replace(report, value=report.value[0])
