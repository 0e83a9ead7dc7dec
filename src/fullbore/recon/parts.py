"""One image of the several that share the channels (soft-SENSE)."""

from __future__ import annotations

import torch
from jaxtyping import Complex
from torch import Tensor


def join_parts(
    values: Complex[Tensor, "frame part x z y"], maps: Complex[Tensor, "part x channel z y"]
) -> Complex[Tensor, "frame x z y"]:
    """Root sum of squares of the parts; the phase is that of the whole signal in one combination of channels.

    The maps of the parts are orthonormal in each voxel, so the root sum of squares is what all channels receive from it,
    however the parts share it. The combination is the mean of all maps, which all are positive for the strongest one; its
    sensitivity to a part is taken as positive, so that where one part is all there is the result is that part.
    """
    if values.shape[1] == 1:
        return values[:, 0]
    reference = maps.sum((0, 1, 3, 4))
    weight = torch.einsum("c,pxczy->pxzy", reference.conj(), maps).abs()
    seen = (values * weight).sum(1)
    size = torch.linalg.vector_norm(torch.view_as_real(values), dim=(1, -1))
    return torch.polar(size, torch.angle(seen))
