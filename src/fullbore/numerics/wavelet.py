"""Orthogonal periodic wavelet transforms of volumes, and the proximal map of their l1 norm.

Axes too short for a level are left alone, and an axis that 2^levels does not divide is transformed over its largest
such part, the rest passing unchanged: the transform is orthogonal for every shape, so adjoint = inverse.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from jaxtyping import Float, Inexact
from torch import Tensor

from fullbore.errors import UsageError
from fullbore.numerics import wavelet_kernels
from fullbore.numerics.linear_operator import LinearOperator
from fullbore.numerics.threshold import soft_threshold

Volume = tuple[int, int, int]


@cache
def daubechies(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Low- and high-pass filters of "db1" (Haar) to "db8": p vanishing moments, 2p taps, orthonormal.

    Spectral factorisation with the roots inside the unit circle. Source: Daubechies 1988, section 4.
    Errors: UsageError for another name.
    """
    if name not in {f"db{p}" for p in range(1, 9)}:
        raise UsageError(f'wavelet: got {name!r}, wanted "db1" to "db8".')
    moments = int(name[2:])
    roots = [-1.0 + 0j] * moments
    polynomial = [math.comb(moments - 1 + k, k) for k in range(moments)]
    for y in np.roots(polynomial[::-1]):
        pair = np.roots([1, 4 * y - 2, 1])
        roots.append(pair[np.argmin(np.abs(pair))])
    low = np.real(np.poly(roots))
    low *= math.sqrt(2) / low.sum()
    high = low[::-1] * (-1.0) ** np.arange(len(low))
    return tuple(low.tolist()), tuple(high.tolist())


@dataclass(frozen=True, slots=True, kw_only=True)
class Wavelet(LinearOperator):
    """Wavelet transform over the last three axes, coefficients in nested corners (Mallat 1989).

    shape: (n0, n1, n2); axes of size 1 pass. name: "db1" to "db8". levels: at most; an axis takes part in a level
    while it has twice as many samples as the filter has taps.
    """

    shape: Volume
    name: str = "db4"
    levels: int = 4

    @property
    def domain_shape(self) -> tuple[int, ...]:
        """Image shape."""
        return self.shape

    @property
    def range_shape(self) -> tuple[int, ...]:
        """Coefficients, the same shape."""
        return self.shape

    def axis_levels(self) -> Volume:
        """Levels that each axis takes part in."""
        taps = len(daubechies(self.name)[0])
        a, b, c = (_depth(n, taps, self.levels) for n in self.shape)
        return a, b, c

    def block(self) -> Volume:
        """The part of the volume that is transformed; what lies beyond passes unchanged."""
        a, b, c = ((n >> depth) << depth for n, depth in zip(self.shape, self.axis_levels(), strict=True))
        return a, b, c

    def corner(self) -> Volume:
        """The coarsest approximation."""
        a, b, c = (n >> depth for n, depth in zip(self.shape, self.axis_levels(), strict=True))
        return a, b, c

    def steps(self) -> Iterator[tuple[Volume, tuple[bool, bool, bool]]]:
        """Per level, finest first: the corner to transform and the axes that take part."""
        depths = self.axis_levels()
        for level in range(max(depths)):
            a, b, c = (m >> min(level, depth) for m, depth in zip(self.block(), depths, strict=True))
            yield (a, b, c), (level < depths[0], level < depths[1], level < depths[2])

    def _forward(self, x: Tensor) -> Tensor:
        return _in_place(self, x.resolve_conj().clone(memory_format=torch.contiguous_format), forward=True)

    def _adjoint(self, y: Tensor) -> Tensor:
        return _in_place(self, y.resolve_conj().clone(memory_format=torch.contiguous_format), forward=False)

    def _normal(self, x: Tensor) -> Tensor:
        return x.clone()

    def shrink(self, x: Inexact[Tensor, "*shape"], threshold: float, shift: Volume = (0, 0, 0)) -> Inexact[Tensor, "*shape"]:
        """argmin_u |u - x|^2 / 2 + threshold |details of u rolled by -shift|_1: proximal map of the l1 norm.

        A new random `shift` in each iteration ("cycle spinning", Coifman and Donoho 1995) averages away the
        blockiness of a transform that is not shift-invariant; the approximation is not penalised.
        """
        axes = (-3, -2, -1)
        moves = any(shift)
        work = torch.roll(x, [-s for s in shift], axes) if moves else x.clone(memory_format=torch.contiguous_format)
        _in_place(self, work, forward=True)
        _shrink_in_place(self, work, threshold)
        _in_place(self, work, forward=False)
        return torch.roll(work, list(shift), axes) if moves else work


def _depth(samples: int, taps: int, levels: int) -> int:
    if samples <= taps:
        return 0
    depth = min(levels, int(math.log2(samples / taps)))
    # One level less is a small price for leaving no sample out.
    return depth - 1 if depth > 1 and samples % (1 << depth) and samples % (1 << (depth - 1)) == 0 else depth


def _in_place(wavelet: Wavelet, x: Tensor, *, forward: bool) -> Tensor:
    if x.device.type != "cpu":
        return transform_reference(wavelet, x, forward=forward)
    low, high = (np.asarray(f, x.real.numpy().dtype) for f in daubechies(wavelet.name))
    steps = list(wavelet.steps())
    for volume in _as_pairs(x):
        for extent, (first, second, third) in steps if forward else reversed(steps):
            if first and not forward:
                wavelet_kernels.transform_axis_0(volume, *extent, low, high, forward)
            if second or third:
                wavelet_kernels.transform_axes_1_2(volume, *extent, low, high, forward, second, third)
            if first and forward:
                wavelet_kernels.transform_axis_0(volume, *extent, low, high, forward)
    return x


def _shrink_in_place(wavelet: Wavelet, x: Tensor, threshold: float) -> None:
    if x.device.type != "cpu":
        m0, m1, m2 = wavelet.block()
        c0, c1, c2 = wavelet.corner()
        corner = x[..., :c0, :c1, :c2].clone()
        x[..., :m0, :m1, :m2] = soft_threshold(x[..., :m0, :m1, :m2], threshold)
        x[..., :c0, :c1, :c2] = corner
        return
    for volume in _as_pairs(x):
        wavelet_kernels.shrink_details(volume, *wavelet.block(), *wavelet.corner(), volume.dtype.type(threshold))


def _as_pairs(x: Tensor) -> Iterator[Float[np.ndarray, "n0 n1 n2 p"]]:
    pairs = torch.view_as_real(x) if x.is_complex() else x.unsqueeze(-1)
    yield from pairs.reshape(-1, *pairs.shape[-4:]).numpy()


def transform_reference(wavelet: Wavelet, x: Inexact[Tensor, "*shape"], *, forward: bool) -> Inexact[Tensor, "*shape"]:
    """The same transform in plain torch, in place, on any device: the readable twin of `wavelet_kernels`."""
    low, high = (torch.tensor(f, dtype=x.real.dtype, device=x.device) for f in daubechies(wavelet.name))
    steps = list(wavelet.steps())
    for (a, b, c), takes_part in steps if forward else reversed(steps):
        corner = x[..., :a, :b, :c]
        for axis in (0, 1, 2):
            if takes_part[axis]:
                corner.copy_(_level(corner, low, high, axis - 3, forward))
    return x


def _level(x: Tensor, low: Tensor, high: Tensor, axis: int, forward: bool) -> Tensor:
    n = x.shape[axis]
    taps = torch.arange(len(low), device=x.device)
    source = (2 * torch.arange(n // 2, device=x.device)[:, None] + taps) % n
    matrix = torch.zeros(n, n, dtype=low.dtype, device=x.device)
    rows = torch.arange(n // 2, device=x.device)[:, None].expand_as(source)
    matrix.index_put_((rows, source), low.expand(n // 2, -1), accumulate=True)
    matrix.index_put_((rows + n // 2, source), high.expand(n // 2, -1), accumulate=True)
    operator = (matrix if forward else matrix.T).to(x.dtype)
    return torch.movedim(torch.tensordot(operator, x, dims=([1], [axis])), 0, axis)
