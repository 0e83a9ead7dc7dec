"""One image of the several that share the channels (soft-SENSE)."""

from __future__ import annotations

import torch
from jaxtyping import Complex
from torch import Tensor


def join_parts(values: Complex[Tensor, "frame part x z y"]) -> Complex[Tensor, "frame x z y"]:
    """Root sum of squares of the parts with the phase of their sum.

    The maps of the parts are orthonormal in each voxel, so the root sum of squares is what all channels receive from it.
    Every map is positive for the strongest combination of channels, so the sum's phase is the one that combination sees;
    where one part is all there is, the result is that part.
    """
    if values.shape[1] == 1:
        return values[:, 0]
    total = values.sum(1)
    size = torch.linalg.vector_norm(torch.view_as_real(values), dim=(1, -1))
    return torch.polar(size, torch.angle(total))
