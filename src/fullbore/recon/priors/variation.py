"""Total variation, of first and second order and over time, as norms of an operator's output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Complex
from torch import Tensor

from fullbore.numerics.differences import gradient, gradient_adjoint, strain, strain_adjoint
from fullbore.recon.priors.strength import strength
from fullbore.recon.recipe import OperatorPrior, TemporalTotalVariation, TotalGeneralisedVariation


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """g(K x) for x = (image, auxiliary images) stacked along a new first axis.

    stacked: how many images. forward, adjoint: K and K^H. project: onto the unit ball of g's dual norm.
    norm_squared: |K|^2 at most.
    """

    stacked: int
    forward: Callable[[Tensor], Tensor]
    adjoint: Callable[[Tensor], Tensor]
    project: Callable[[Tensor], Tensor]
    norm_squared: float


def analysis(prior: OperatorPrior, right_side: Complex[Tensor, "frame part x z y"]) -> Analysis:
    """The prior's operator and norm for images like A^H y."""
    weight = strength(prior.weight, prior.floor, right_side)
    if isinstance(prior, TemporalTotalVariation):
        return _first_order((-5,) if right_side.shape[0] > 1 else (), weight)
    axes = tuple(axis for axis in (-3, -2, -1) if right_side.shape[axis] > 1)
    if isinstance(prior, TotalGeneralisedVariation):
        return _second_order(axes, weight, weight * prior.ratio)
    return _first_order(axes, weight)


def _first_order(axes: tuple[int, ...], weight: float) -> Analysis:
    if not axes:
        return Analysis(stacked=1, forward=lambda x: x, adjoint=torch.zeros_like, project=torch.zeros_like, norm_squared=1.0)
    return Analysis(
        stacked=1,
        forward=lambda x: gradient(x[0], axes),
        adjoint=lambda p: gradient_adjoint(p, axes)[None],
        project=lambda p: onto_ball(p, weight),
        norm_squared=4.0 * len(axes),
    )


def _second_order(axes: tuple[int, ...], first: float, second: float) -> Analysis:
    """first |grad u - v| + second |strain v|, minimised over v. Source: Bredies, Kunisch and Pock 2010; Knoll 2011."""
    count = len(axes)
    bound = 4.0 * count

    def forward(x: Tensor) -> Tensor:
        return torch.cat([gradient(x[0], axes) - x[1:], strain(x[1:], axes)])

    def adjoint(p: Tensor) -> Tensor:
        return torch.cat([gradient_adjoint(p[:count], axes)[None], strain_adjoint(p[count:], axes) - p[:count]])

    def project(p: Tensor) -> Tensor:
        return torch.cat([onto_ball(p[:count], first), onto_ball(p[count:], second)])

    # |grad u - v|^2 + |strain v|^2 <= (1 + a) bound |u|^2 + (1 + 1/a + bound) |v|^2, the a that makes both alike.
    share = (1 + (1 + 4 * bound) ** 0.5) / (2 * bound)
    return Analysis(stacked=1 + count, forward=forward, adjoint=adjoint, project=project, norm_squared=(1 + share) * bound)


def onto_ball(p: Complex[Tensor, "component ..."], radius: float) -> Complex[Tensor, "component ..."]:
    """Vectors over the first axis, those longer than `radius` shortened to it."""
    length = (p.real.square() + p.imag.square()).sum(0).sqrt()
    return p * (radius / length.clamp_min(max(radius, torch.finfo(length.dtype).tiny)))
