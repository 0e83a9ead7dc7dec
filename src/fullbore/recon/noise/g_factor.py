"""How much more noise there is than fewer samples alone would cause."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from fullbore.recon.encodings.volume import EncodedVolume
from fullbore.recon.recipe import Combination, Solver


def ideal_variance(volume: EncodedVolume, solver: Solver) -> Float[Tensor, "x z y"] | None:
    """Noise variance if missing samples cost nothing but their averaging: that of full sampling times the acceleration.

    None where there is no such image: a combination of channels does not fill gaps, so what it gives is folded, not noisier.
    """
    if not isinstance(solver, Combination):
        return volume.unaliased_variance()
    return None if volume.has_gaps else volume.combined_variance()


def g_factor(variance: Float[Tensor, "x z y"], ideal: Float[Tensor, "x z y"]) -> Float[Tensor, "x z y"]:
    """sqrt(variance / ideal), 0 where there is no sensitivity.

    At least 1 for an unregularised linear image; a prior or damping brings it below. Source: Pruessmann 1999, eq. 25.
    """
    seen = ideal > 0
    return torch.where(seen, variance.clamp_min(0) / torch.where(seen, ideal, 1.0), 0.0).sqrt()
