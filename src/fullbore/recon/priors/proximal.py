"""The proximal map of every prior that has a simple one: argmin_u |u - v|^2 / 2 + step * prior(u)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Complex
from torch import Tensor

from fullbore.recon.priors.low_rank import locally_low_rank_proximal, low_rank_plus_sparse_proximal
from fullbore.recon.priors.wavelet import wavelet_proximal
from fullbore.recon.recipe import (
    LocallyLowRank,
    LowRankPlusSparse,
    Prior,
    ProximalPrior,
    TemporalTotalVariation,
    WaveletJoint,
)

# (v, step, iteration) -> u; the iteration number is there for maps that draw a random shift.
Proximal = Callable[[Tensor, float, int], Tensor]


def proximal_map(prior: ProximalPrior, right_side: Complex[Tensor, "frame part x z y"], rng: np.random.Generator) -> Proximal:
    """The map for images like `right_side` = A^H y, whose scale sets the prior's smallest weight.

    That of LowRankPlusSparse takes both of its parts, stacked along a new first axis.
    """
    match prior:
        case LocallyLowRank():
            return locally_low_rank_proximal(prior, right_side, rng)
        case LowRankPlusSparse():
            return low_rank_plus_sparse_proximal(prior, right_side)
        case _:
            return wavelet_proximal(prior, right_side, rng)


def joins_frames(prior: Prior | None) -> bool:
    """True when the prior relates frames to each other, so that they must be solved together."""
    return isinstance(prior, WaveletJoint | LocallyLowRank | LowRankPlusSparse | TemporalTotalVariation)
