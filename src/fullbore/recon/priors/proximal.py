"""The proximal map of every prior: argmin_u |u - v|^2 / 2 + step * prior(u)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Complex
from torch import Tensor

from fullbore.recon.priors.wavelet import wavelet_proximal
from fullbore.recon.recipe import Prior

# (v, step, iteration) -> u; the iteration number is there for maps that draw a random shift.
Proximal = Callable[[Tensor, float, int], Tensor]


def proximal_map(
    prior: Prior, right_side: Complex[Tensor, "frame part x z y"], eigenvalue: float, rng: np.random.Generator
) -> Proximal:
    """The map for images like `right_side` = A^H y, whose scale sets the prior's smallest weight."""
    return wavelet_proximal(prior, right_side, eigenvalue, rng)


def joins_frames(prior: Prior | None) -> bool:
    """True when the prior relates frames to each other, so that they must be solved together."""
    return getattr(prior, "joins_frames", False)
