"""Least squares with or without a prior, frame by frame unless the model or the prior joins them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from fullbore.numerics.conjugate_gradient import conjugate_gradient
from fullbore.numerics.proximal_gradient import proximal_gradient
from fullbore.numerics.solver_report import SolverReport
from fullbore.recon.encodings.volume import EncodedVolume
from fullbore.recon.priors.proximal import joins_frames, proximal_map
from fullbore.recon.recipe import ConjugateGradient, Prior, ProximalGradient
from fullbore.recon.solvers.solved import Solved


def iterate(
    volume: EncodedVolume, solver: ConjugateGradient | ProximalGradient, prior: Prior | None, progress: Callable[[float], None]
) -> Solved:
    """The minimiser of |A image - y|^2 / 2 + prior."""
    frames = volume.shape[0]
    if joins_frames(prior) or frames == 1:
        reports = [_run(volume, solver, prior, progress)]
    else:
        reports = []
        for frame in range(frames):
            reports.append(
                _run(volume.only(frame), solver, prior, lambda done, frame=frame: progress((frame + done) / frames))  # type: ignore[misc]
            )
    longest = max(reports, key=lambda report: report.iterations)
    return Solved(
        values=torch.cat([report.value for report in reports]),
        # Without aliasing noise (g = 1) undersampling raises the variance by the acceleration; a prior lowers it.
        noise_variance=volume.unaliased_variance(),
        iterations=longest.iterations,
        history=longest.history,
        residual=max(report.residual for report in reports),
        converged=all(report.status == "converged" for report in reports),
    )


def _run(
    volume: EncodedVolume, solver: ConjugateGradient | ProximalGradient, prior: Prior | None, progress: Callable[[float], None]
) -> SolverReport:
    right = volume.adjoint()
    if isinstance(solver, ConjugateGradient):
        quadratic = volume.quadratic(solver.damping, solver.expected_power)
        return conjugate_gradient(
            lambda x: volume.normal(x).add_(quadratic.apply(x)),
            right,
            iterations=solver.iterations,
            tolerance=solver.tolerance,
            batch_axes=volume.independent_axes,
            precondition=quadratic.inverse,
            progress=progress,
        )
    assert prior is not None
    size = volume.eigenvalue
    proximal = proximal_map(prior, right, size, np.random.default_rng(solver.seed))
    return proximal_gradient(
        lambda x: volume.normal(x).sub_(right),
        lambda v, iteration: proximal(v, 1 / size, iteration),
        right / size,
        step=1 / size,
        iterations=solver.iterations,
        tolerance=solver.tolerance,
        progress=progress,
    )
