"""One image seen by several channels, and the encoding of a stack of slices that this makes with a Fourier transform."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from fullbore.errors import ShapeError
from fullbore.numerics.fourier import centring_pattern
from fullbore.numerics.linear_operator import LinearOperator
from fullbore.numerics.threads import map_threaded, run_threaded


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sensitivity(LinearOperator):
    """(z, y, x) to (coil, z, y, x): multiplication by each channel's map."""

    maps: Complex[Tensor, "coil z y x"]

    @property
    def domain_shape(self) -> tuple[int, ...]:
        """Image shape (z, y, x)."""
        return tuple(self.maps.shape[1:])

    @property
    def range_shape(self) -> tuple[int, ...]:
        """Channel images (coil, z, y, x)."""
        return tuple(self.maps.shape)

    def _forward(self, x: Tensor) -> Tensor:
        return self.maps * x.unsqueeze(-4)

    def _adjoint(self, y: Tensor) -> Tensor:
        return (self.maps.conj() * y).sum(-4)

    def _normal(self, x: Tensor) -> Tensor:
        return x * (self.maps.real.square() + self.maps.imag.square()).sum(0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SliceEncoding(LinearOperator):
    """(part, slice, z, y) to (slice, coil, kz, ky): channel maps, a centred unitary 2D transform, and a mask, slice by slice.

    What is left of Cartesian encoding once a fully sampled axis (`slice`) has been transformed: the slices are
    independent. The parts' images, each with maps of its own, add up in the channels; mostly there is one.
    Equal to Mask @ Fourier @ Sensitivity on each slice (tested); faster because the centring folds into
    maps and mask, `normal` needs none of it in k-space, and slices go through the cache in blocks of `block_bytes`.
    maps: (part, slice, coil, z, y). mask: real (kz, ky), shared by slices and coils.
    """

    maps: Complex[Tensor, "part slice coil z y"]
    mask: Float[Tensor, "kz ky"]
    block_bytes: int = 2 << 20
    patterned: Tensor | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.mask.shape != self.maps.shape[-2:]:
            raise ShapeError(f"SliceEncoding.mask: got {tuple(self.mask.shape)}, wanted {tuple(self.maps.shape[-2:])}.")
        if self.patterned is None:
            object.__setattr__(self, "patterned", self.maps * centring_pattern(self.maps.shape[-2:], self.maps))

    def with_mask(self, mask: Float[Tensor, "kz ky"]) -> SliceEncoding:
        """The same maps with another mask; nothing is copied."""
        return replace(self, mask=mask)

    @property
    def domain_shape(self) -> tuple[int, ...]:
        """Image shape (part, slice, z, y)."""
        return (*self.maps.shape[:2], *self.maps.shape[-2:])

    @property
    def range_shape(self) -> tuple[int, ...]:
        """k-space shape (slice, coil, kz, ky)."""
        return tuple(self.maps.shape[1:])

    def _blocks(self, x: Tensor, domain: tuple[int, ...]) -> Iterator[slice]:
        batch = x.numel() // math.prod(domain)
        bytes_per_slice = self.maps[0, 0].numel() * self.maps.element_size() * max(1, batch)
        step = max(1, self.block_bytes // bytes_per_slice)
        for first in range(0, self.maps.shape[1], step):
            yield slice(first, first + step)

    def _axes(self) -> tuple[int, ...]:
        return tuple(axis for axis in (-2, -1) if self.maps.shape[axis] > 1) or (-1,)

    def _forward(self, x: Tensor) -> Tensor:
        result = x.new_empty((*x.shape[:-4], *self.range_shape))
        weight = centring_pattern(self.mask.shape, self.maps, with_constant=True) * self.mask

        def encode(block: slice) -> None:
            spectrum = torch.fft.fftn(self._spread(x, block), dim=self._axes(), norm="ortho")
            result[..., block, :, :, :] = spectrum.mul_(weight)

        run_threaded(encode, self._blocks(x, self.domain_shape))
        return result

    def _adjoint(self, y: Tensor) -> Tensor:
        result = y.new_empty((*y.shape[:-4], *self.domain_shape))
        weight = (centring_pattern(self.mask.shape, self.maps, with_constant=True) * self.mask).conj()

        def decode(block: slice) -> None:
            channels = torch.fft.ifftn(y[..., block, :, :, :] * weight, dim=self._axes(), norm="ortho")
            self._combine(channels, block, result)

        run_threaded(decode, self._blocks(y, self.range_shape))
        return result

    def _normal(self, x: Tensor) -> Tensor:
        blocks, workers = list(self._blocks(x, self.domain_shape)), min(torch.get_num_threads(), self.maps.shape[2])
        if len(blocks) == 1 and workers > 1:
            # A single block has nothing to share out but its channels, whose contributions add up.
            return torch.stack(list(map_threaded(lambda group: group._normal(x), self._channel_groups(workers), workers))).sum(0)
        result = torch.empty_like(x)
        weight = self.mask.square()

        def around(block: slice) -> None:
            spectrum = torch.fft.fftn(self._spread(x, block), dim=self._axes()).mul_(weight)
            self._combine(torch.fft.ifftn(spectrum, dim=self._axes()), block, result)

        run_threaded(around, blocks)
        return result

    def _channel_groups(self, count: int) -> list[SliceEncoding]:
        assert self.patterned is not None
        return [
            replace(self, maps=self.maps[:, :, first::count], patterned=self.patterned[:, :, first::count])
            for first in range(count)
        ]

    def _spread(self, x: Tensor, block: slice) -> Tensor:
        """Images to channels: (*batch, slice, coil, z, y)."""
        assert self.patterned is not None
        channels = self.patterned[0, block] * x[..., 0, block, :, :].unsqueeze(-3)
        for part in range(1, self.maps.shape[0]):
            channels += self.patterned[part, block] * x[..., part, block, :, :].unsqueeze(-3)
        return channels

    def _combine(self, channels: Tensor, block: slice, result: Tensor) -> None:
        """Channels to images, into the block of `result` (*batch, part, slice, z, y)."""
        assert self.patterned is not None
        for part in range(self.maps.shape[0]):
            result[..., part, block, :, :] = (channels * self.patterned[part, block].conj()).sum(-3)
