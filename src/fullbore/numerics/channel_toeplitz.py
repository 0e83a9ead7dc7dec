"""Channels of different sensitivity around one Toeplitz operator, and the circulant that is nearest to the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from fullbore.errors import ShapeError
from fullbore.numerics.linear_operator import LinearOperator
from fullbore.numerics.phase_differences import PhasedToeplitz
from fullbore.numerics.threads import map_threaded
from fullbore.numerics.toeplitz import Toeplitz

# Partial sums over channels: a fixed number, so that results do not depend on how many threads there are.
_GROUPS = 4
# Points along each axis on which the correlation of smooth maps is found.
_COARSE = 48
# Directions of k-space with less than this fraction of the mean density are not sampled; they are left to the iterations.
_UNSAMPLED = 0.02


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChannelToeplitz(LinearOperator):
    """sum_c S_c^H T S_c on images (part, *grid) whose parts, each with maps of its own, add up in the channels.

    maps: (part, channel, *grid). threads: None takes torch's number; channels are shared among them.
    """

    maps: Complex[Tensor, "part channel ..."]
    toeplitz: Toeplitz | PhasedToeplitz
    threads: int | None = None

    def __post_init__(self) -> None:
        if tuple(self.maps.shape[2:]) != self.toeplitz.shape:
            raise ShapeError(
                f"ChannelToeplitz.maps: got {tuple(self.maps.shape)}, wanted (part, channel, *{self.toeplitz.shape})."
            )

    @property
    def domain_shape(self) -> tuple[int, ...]:
        """(part, *grid)."""
        return (self.maps.shape[0], *self.maps.shape[2:])

    @property
    def range_shape(self) -> tuple[int, ...]:
        """(part, *grid)."""
        return self.domain_shape

    def _forward(self, x: Tensor) -> Tensor:
        flat = x.reshape(-1, *self.domain_shape)
        return torch.stack([self._one(image) for image in flat]).reshape(x.shape)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._forward(y)

    def _normal(self, x: Tensor) -> Tensor:
        return self._forward(self._forward(x))

    def _one(self, x: Tensor) -> Tensor:
        channels = self.maps.shape[1]
        groups = [range(first, channels, _GROUPS) for first in range(min(_GROUPS, channels))]

        def around(group: range) -> Tensor:
            total = torch.zeros_like(x)
            for channel in group:
                maps = self.maps[:, channel]
                seen = maps[0] * x[0] if len(maps) == 1 else (maps * x).sum(0)
                total.addcmul_(maps.conj(), self.toeplitz.forward(seen))
            return total

        result = torch.zeros_like(x)
        for part in map_threaded(around, groups, self.threads):
            result += part
        return result


def circulant_spectrum(
    spread: Complex[Tensor, "*lags"], maps: Complex[Tensor, "channel ..."], doubled: Sequence[bool]
) -> Float[Tensor, "*grid"]:
    """Eigenvalues of the circulant nearest to sum_c S_c^H T S_c: the diagonal of that operator in k-space.

    spread: p of `point_spread`, periodic along axes that are not `doubled`. Zero frequency first. With
    A[l] = sum_{c, r} S_c[r + l] conj(S_c[r]) / N the circulant's kernel is conj(A) p, lags that differ by n summed.
    The diagonal of a positive operator is positive; it is held above `_UNSAMPLED` of its mean.
    Source: T. Chan, SIAM J. Sci. Stat. Comput. 9:766 (1988).
    """
    correlation = _correlation(maps, doubled, tuple(spread.shape))
    kernel = spread * correlation.conj().to(spread.dtype)
    for axis, twice in enumerate(doubled):
        if twice:
            kernel = kernel.unflatten(axis, (2, -1)).sum(axis)
    diagonal = torch.fft.fftn(kernel).real
    return diagonal.clamp_min(_UNSAMPLED * float(diagonal.mean()))


def _correlation(
    maps: Complex[Tensor, "channel ..."], doubled: Sequence[bool], lags: tuple[int, ...]
) -> Complex[Tensor, "*lags"]:
    """sum_{c, r} S_c[r + l] conj(S_c[r]) over the number of points, at all lags, from maps thinned out to few points."""
    axes = tuple(range(1, maps.ndim))
    steps = [_thinning(n) if twice else 1 for n, twice in zip(maps.shape[1:], doubled, strict=True)]
    thin = maps[(slice(None), *(slice(None, None, step) for step in steps))]
    wide = [2 * n if twice else n for n, twice in zip(thin.shape[1:], doubled, strict=True)]
    power = torch.fft.fftn(thin, s=wide, dim=axes).abs().square_().sum(0)
    coarse = torch.fft.ifftn(power) / thin[0].numel()
    if all(step == 1 for step in steps):
        return coarse
    return _finer(coarse, steps, lags)


def _thinning(n: int) -> int:
    """The largest divisor of n that leaves `_COARSE` points."""
    return max(step for step in range(1, max(1, n // _COARSE) + 1) if n % step == 0)


def _finer(coarse: Complex[Tensor, "*lags"], steps: Sequence[int], lags: tuple[int, ...]) -> Complex[Tensor, "*fine"]:
    """Linear interpolation between coarse lags, periodic."""
    result = coarse
    for axis, (step, n) in enumerate(zip(steps, lags, strict=True)):
        if step == 1:
            continue
        position = torch.arange(n, device=coarse.device, dtype=torch.float32) / step
        below = position.long()
        weight = (position - below).reshape(-1, *[1] * (len(lags) - axis - 1)).to(coarse.dtype)
        above = (below + 1) % result.shape[axis]
        result = torch.lerp(result.index_select(axis, below), result.index_select(axis, above), weight)
    return result
