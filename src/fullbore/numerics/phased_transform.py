"""A Fourier transform during which every voxel keeps turning at a frequency of its own, and channels around it.

    y(t) = sum_r exp(-2 pi i k(t) . r) exp(-2 pi i f(r) t) x(r) = sum_l b_l(t) F (c_l x),
with the factors of `phase_factors`: as many plain transforms as there are terms.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Complex
from torch import Tensor

from fullbore.errors import ShapeError
from fullbore.numerics.fourier import centring_pattern
from fullbore.numerics.linear_operator import LinearOperator
from fullbore.numerics.threads import map_threaded

_BLOCK_BYTES = 64 << 20
# Partial sums over channels: a fixed number, so that results do not depend on how many threads there are.
_GROUPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class AxesFourier(LinearOperator):
    """Unitary transform along some axes of `shape` (negative: counted from the end), index 0 at the origin; see `centred`."""

    shape: tuple[int, ...]
    axes: tuple[int, ...]

    @property
    def domain_shape(self) -> tuple[int, ...]:
        """The grid."""
        return self.shape

    @property
    def range_shape(self) -> tuple[int, ...]:
        """The grid."""
        return self.shape

    def centred(self, like: Complex[Tensor, "*_"]) -> tuple[Complex[Tensor, "*grid"], Complex[Tensor, "*grid"]]:
        """Patterns p, q with q F p the transform whose origin is n // 2 on both sides; of extent 1 along other axes."""
        sizes = [n if axis - len(self.shape) in self.axes else 1 for axis, n in enumerate(self.shape)]
        return centring_pattern(sizes, like), centring_pattern(sizes, like, with_constant=True)

    def _forward(self, x: Tensor) -> Tensor:
        return torch.fft.fftn(x, dim=self.axes, norm="ortho") if self.axes else x.clone()

    def _adjoint(self, y: Tensor) -> Tensor:
        return torch.fft.ifftn(y, dim=self.axes, norm="ortho") if self.axes else y.clone()

    def _normal(self, x: Tensor) -> Tensor:
        return x.clone()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhasedTransform(LinearOperator):
    """sum_l samples_l inner(voxels_l x).

    voxels: (term, *domain); samples: (term, *range), weights and masks included; both may have extent 1 along an axis.
    """

    inner: LinearOperator
    voxels: Complex[Tensor, "term ..."]
    samples: Complex[Tensor, "_ ..."]

    def __post_init__(self) -> None:
        for name, values, wanted in (("voxels", self.voxels, self.domain_shape), ("samples", self.samples, self.range_shape)):
            got = tuple(values.shape[1:])
            if len(got) != len(wanted) or any(a not in (1, b) for a, b in zip(got, wanted, strict=True)):
                raise ShapeError(f"PhasedTransform.{name}: got {tuple(values.shape)}, wanted (term, {str(wanted)[1:]}.")
        if len(self.voxels) != len(self.samples):
            raise ShapeError(f"PhasedTransform: got {len(self.voxels)} terms of voxels, {len(self.samples)} of samples.")

    @property
    def domain_shape(self) -> tuple[int, ...]:
        """The inner transform's."""
        return self.inner.domain_shape

    @property
    def range_shape(self) -> tuple[int, ...]:
        """The inner transform's."""
        return self.inner.range_shape

    def _blocks(self, x: Tensor, values: int) -> Iterator[slice]:
        batch = max(1, x.numel() // math.prod(self.domain_shape))
        step = max(1, _BLOCK_BYTES // (values * batch * x.element_size()))
        for first in range(0, len(self.voxels), step):
            yield slice(first, first + step)

    def _forward(self, x: Tensor) -> Tensor:
        result = x.new_zeros((*x.shape[: x.ndim - len(self.domain_shape)], *self.range_shape))
        for block in self._blocks(x, math.prod(self.domain_shape)):
            turned = self.voxels[block] * x.unsqueeze(-len(self.domain_shape) - 1)
            result += (self.inner.forward(turned).mul_(self.samples[block])).sum(-len(self.range_shape) - 1)
        return result

    def _adjoint(self, y: Tensor) -> Tensor:
        result = y.new_zeros((*y.shape[: y.ndim - len(self.range_shape)], *self.domain_shape))
        for block in self._blocks(y, math.prod(self.domain_shape)):
            turned = self.samples[block].conj() * y.unsqueeze(-len(self.range_shape) - 1)
            result += (self.inner.adjoint(turned).mul_(self.voxels[block].conj())).sum(-len(self.domain_shape) - 1)
        return result

    def _normal(self, x: Tensor) -> Tensor:
        return self._adjoint(self._forward(x))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChannelEncoding(LinearOperator):
    """(part, *grid) to (channel, *range): the parts' images, each with maps of its own, add up in the channels.

    maps: (part, channel, *grid). inner: of one channel. threads: None takes torch's number; channels are shared among them.
    """

    maps: Complex[Tensor, "part channel ..."]
    inner: LinearOperator
    threads: int | None = None

    def __post_init__(self) -> None:
        if tuple(self.maps.shape[2:]) != self.inner.domain_shape:
            wanted = f"(part, channel, {str(self.inner.domain_shape)[1:]}"
            raise ShapeError(f"ChannelEncoding.maps: got {tuple(self.maps.shape)}, wanted {wanted}.")

    @property
    def domain_shape(self) -> tuple[int, ...]:
        """(part, *grid)."""
        return (self.maps.shape[0], *self.inner.domain_shape)

    @property
    def range_shape(self) -> tuple[int, ...]:
        """(channel, *range)."""
        return (self.maps.shape[1], *self.inner.range_shape)

    def _seen(self, x: Tensor, channel: int) -> Tensor:
        return (self.maps[:, channel] * x).sum(-len(self.domain_shape))

    def _forward(self, x: Tensor) -> Tensor:
        channels = map_threaded(lambda c: self.inner.forward(self._seen(x, c)), range(self.maps.shape[1]), self.threads)
        return torch.stack(list(channels), dim=-len(self.range_shape))

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._summed(lambda c: self.inner.adjoint(y.select(-len(self.range_shape), c)))

    def _normal(self, x: Tensor) -> Tensor:
        return self._summed(lambda c: self.inner.normal(self._seen(x, c)))

    def _summed(self, image_of: object) -> Tensor:
        """sum_c conj(S_c) image_of(c)."""
        assert callable(image_of)
        channels = self.maps.shape[1]
        groups = [range(first, channels, _GROUPS) for first in range(min(_GROUPS, channels))]

        def together(group: range) -> Tensor:
            parts = [self.maps[:, c].conj() * image_of(c).unsqueeze(-len(self.domain_shape)) for c in group]
            return torch.stack(parts).sum(0)

        return torch.stack(list(map_threaded(together, groups, self.threads))).sum(0)
