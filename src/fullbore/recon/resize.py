"""Sinc interpolation along one axis: another matrix or a smaller field of view around the same centre."""

from __future__ import annotations

import torch
from jaxtyping import Inexact
from torch import Tensor

from fullbore.numerics.fourier import fft_centred, ifft_centred


def resize_axis(
    values: Inexact[Tensor, "*_"], axis: int, samples: int, fov_m: float, wanted: int, wanted_fov_m: float
) -> Inexact[Tensor, "*_"]:
    """`values` with `samples` voxels over `fov_m` along a negative `axis`, on `wanted` voxels over `wanted_fov_m`.

    k-space is cut or continued with zeros, so that a constant keeps its value; index n // 2 stays the centre.
    """
    across = round(wanted * fov_m / wanted_fov_m)
    if across != samples:
        kind = values.dtype
        spectrum = fft_centred(values.to(torch.complex64), (axis,))
        kept = min(samples, across)
        shape = list(values.shape)
        shape[axis] = across
        resized = torch.zeros(shape, dtype=spectrum.dtype)
        resized.narrow(axis, across // 2 - kept // 2, kept).copy_(spectrum.narrow(axis, samples // 2 - kept // 2, kept))
        values = ifft_centred(resized, (axis,)) * (across / samples) ** 0.5
        values = values if kind.is_complex else values.real
    return values.narrow(axis, across // 2 - wanted // 2, wanted) if across > wanted else values
