"""One image seen by several channels, and the encoding of a stack of slices that this makes with a Fourier transform."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from fullbore.errors import ShapeError
from fullbore.numerics.fourier import centring_pattern
from fullbore.numerics.linear_operator import LinearOperator
from fullbore.numerics.sensitivity_kernels import combine, masked, spread
from fullbore.numerics.threads import run_threaded

_CACHED_BYTES = 1 << 20


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
    image and mask, `normal` needs none of it in k-space, and slices go through the cache in blocks of `block_bytes`.
    maps: (part, slice, coil, z, y). mask: real (kz, ky), shared by slices and coils.
    """

    maps: Complex[Tensor, "part slice coil z y"]
    mask: Float[Tensor, "kz ky"]
    block_bytes: int = 2 << 20
    _pattern: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.mask.shape != self.maps.shape[-2:]:
            raise ShapeError(f"SliceEncoding.mask: got {tuple(self.mask.shape)}, wanted {tuple(self.maps.shape[-2:])}.")
        # It is the same for all channels: in the image it costs less than in the maps, whose memory it would take again.
        object.__setattr__(self, "_pattern", centring_pattern(self.maps.shape[-2:], self.maps))

    def with_mask(self, mask: Float[Tensor, "kz ky"]) -> SliceEncoding:
        """The same maps with another mask; nothing is copied."""
        return replace(self, mask=mask)

    def of_slices(self, block: slice) -> SliceEncoding:
        """Some of the slices; nothing is copied."""
        return replace(self, maps=self.maps[:, block])

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
        if x.device.type == "cpu":
            return self._normal_on_cpu(x)
        result = torch.empty_like(x)
        weight = self.mask.square()
        for block in self._blocks(x, self.domain_shape):
            spectrum = torch.fft.fftn(self._spread(x, block), dim=self._axes()).mul_(weight)
            self._combine(torch.fft.ifftn(spectrum, dim=self._axes()), block, result)
        return result

    def _normal_on_cpu(self, x: Tensor) -> Tensor:
        """A few channels of a few slices at a time, so that they stay in a core's own cache from first to last."""
        parts, slices, coils = self.maps.shape[:3]
        voxels = math.prod(self.maps.shape[-2:])
        images = x.reshape(-1, parts, slices, *self.maps.shape[-2:])
        maps = _as_floats(self.maps).reshape(parts, slices, coils, -1)
        # The inverse transform's factor is in the weight: as a pass of its own it costs half a transform.
        count = math.prod(self.mask.shape[axis] for axis in self._axes())
        weight = (self.mask.square() / count).reshape(-1).numpy()
        room = max(1, _CACHED_BYTES // (voxels * x.element_size()))
        deep, wide = max(1, room // coils), min(room, coils)
        blocks = [(image, first) for image in range(len(images)) for first in range(0, slices, deep)]
        # A single block has nothing to share out but its channels, whose contributions add up.
        groups = min(torch.get_num_threads(), coils) if len(blocks) == 1 else 1
        wide = min(wide, -(-coils // groups))
        sums = x.new_empty((groups, *images.shape))

        def around(work: tuple[int, int, int]) -> None:
            image, first, group = work
            last = min(first + deep, slices)
            patterned = images[image, :, first:last] * self._pattern
            # Zeros, since a group may be left without channels.
            total = torch.zeros_like(patterned)
            seen, found = (_as_floats(part).reshape(parts, last - first, -1) for part in (patterned, total))
            for begin in range(group * wide, coils, groups * wide):
                end = min(begin + wide, coils)
                channels = x.new_empty((last - first, end - begin, *self.maps.shape[-2:]))
                spread(maps, seen, first, last, begin, end, _as_floats(channels).reshape(last - first, end - begin, -1))
                spectrum = torch.fft.fftn(channels, dim=self._axes())
                masked(_as_floats(spectrum).reshape(-1, 2 * voxels), weight)
                channels = torch.fft.ifftn(spectrum, dim=self._axes(), norm="forward")
                numbers = _as_floats(channels).reshape(last - first, end - begin, -1)
                combine(maps, numbers, first, last, begin, end, found, begin > group * wide)
            torch.mul(total, self._pattern.conj(), out=sums[group, image, :, first:last])

        run_threaded(around, [(*block, group) for block in blocks for group in range(groups)])
        return (sums[0] if groups == 1 else sums.sum(0)).reshape(x.shape)

    def _spread(self, x: Tensor, block: slice) -> Tensor:
        """Images to channels: (*batch, slice, coil, z, y)."""
        images = x[..., block, :, :] * self._pattern
        channels = self.maps[0, block] * images[..., 0, :, :, :].unsqueeze(-3)
        for part in range(1, self.maps.shape[0]):
            channels += self.maps[part, block] * images[..., part, :, :, :].unsqueeze(-3)
        return channels

    def _combine(self, channels: Tensor, block: slice, result: Tensor) -> None:
        """Channels to images, into the block of `result` (*batch, part, slice, z, y)."""
        for part in range(self.maps.shape[0]):
            combined = (channels * self.maps[part, block].conj()).sum(-3)
            result[..., part, block, :, :] = combined.mul_(self._pattern.conj())


def _as_floats(x: Tensor) -> Float[np.ndarray, "*shape pair"]:
    return torch.view_as_real(x.resolve_conj().contiguous()).numpy()
