"""Where one frame of a slice or slab was measured, and the transforms between its samples and channel images.

Images here are (z, x, y): in a stack, partitions lie on the grid along z and each has curves of its own in (x, y);
otherwise curves run through all three axes. A slice is a stack of one partition.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Complex, Float
from torch import Tensor

from fullbore.numerics.fourier import ifft_centred
from fullbore.numerics.nufft import NonUniformFourier
from fullbore.numerics.toeplitz import Toeplitz, point_spread, spectra_of
from fullbore.recon.calibration.density import density_compensation

# Channel images that are made at a time.
_BATCH_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sampling:
    """Points of k-space in planes.

    points: of each plane, (n, 2) along (x, y), or one (n, 3) along (z, x, y); cycles per field of view.
    planes: index of each along z, 0 to nz - 1; () for curves in 3D.
    shape: (z, x, y) of the image. tolerance, threads: of the transforms.
    """

    points: tuple[Float[Tensor, "_ _"], ...]
    planes: tuple[int, ...]
    shape: tuple[int, int, int]
    tolerance: float
    threads: int
    _made: dict[str, Tensor] = field(init=False, repr=False, default_factory=dict)

    @property
    def stacked(self) -> bool:
        """True when z is on the grid."""
        return len(self.planes) > 0

    @property
    def doubled(self) -> tuple[bool, bool, bool]:
        """Along which axes the points are not on the grid."""
        return not self.stacked, True, True

    @property
    def uncoupled(self) -> bool:
        """True when every partition was measured at the same points, so that slices along z are independent."""
        every = sorted(self.planes) == list(range(self.shape[0]))
        first = self.points[0]
        return every and all(points is first or torch.equal(points, first) for points in self.points[1:])

    @property
    def samples(self) -> int:
        """Number of samples."""
        return sum(len(points) for points in self.points)

    def channel_images(self, values: tuple[Complex[Tensor, "channel _"], ...]) -> Complex[Tensor, "channel z x y"]:
        """A^H of every channel's samples, given plane by plane."""
        channels = values[0].shape[0]
        result = values[0].new_zeros((channels, *self.shape))
        grid = self.shape[1:] if self.stacked else self.shape
        step = max(1, _BATCH_BYTES // (math.prod(grid) * result.element_size()))
        transform: NonUniformFourier | None = None
        for number, (points, samples) in enumerate(zip(self.points, values, strict=True)):
            if transform is None or not torch.equal(points, transform.points):
                transform = NonUniformFourier(points=points, shape=grid, tolerance=self.tolerance, threads=self.threads)
            for first in range(0, channels, step):
                block = slice(first, first + step)
                images = transform.adjoint(samples[block])
                if self.stacked:
                    result[block, self.planes[number]] += images
                else:
                    result[block] = images
        return ifft_centred(result, (-3,)) if self.stacked and self.shape[0] > 1 else result

    def spread(self, weights: tuple[Float[Tensor, " _"], ...] | None) -> Complex[Tensor, "lag_z lag_x lag_y"]:
        """The point spread function over lags; along z periodic in a stack, of extent 1 where slices are independent."""
        chosen = weights or (None,) * len(self.points)
        if not self.stacked:
            return point_spread(self.points[0], chosen[0], self.shape, self.tolerance, self.threads)
        if self.uncoupled and (weights is None or all(torch.equal(one, weights[0]) for one in weights[1:])):
            return point_spread(self.points[0], chosen[0], self.shape[1:], self.tolerance, self.threads)[None]
        nz, nx, ny = self.shape
        spectrum = torch.zeros((nz, 2 * nx, 2 * ny), dtype=torch.complex64, device=self.points[0].device)
        for plane, points, part in zip(self.planes, self.points, chosen, strict=True):
            spectrum[(plane - nz // 2) % nz] += point_spread(points, part, (nx, ny), self.tolerance, self.threads)
        return torch.fft.ifft(spectrum, dim=0)

    def toeplitz(self, spread: Complex[Tensor, "lag_z lag_x lag_y"]) -> Toeplitz:
        """A^H W A of one channel from `spread`."""
        return Toeplitz(spectra=spectra_of(spread, self.doubled), shape=self.shape, doubled=self.doubled)

    def density(self) -> tuple[Float[Tensor, " _"], ...]:
        """The cells of k-space that each sample stands for, plane by plane; found once."""
        if "0" not in self._made:
            grid = self.shape[1:] if self.stacked else self.shape
            for number, points in enumerate(self.points):
                again = number > 0 and torch.equal(points, self.points[number - 1])
                made = self._made[str(number - 1)] if again else density_compensation(points, grid, threads=self.threads)
                self._made[str(number)] = made
        return tuple(self._made[str(number)] for number in range(len(self.points)))

    def occupied(self) -> tuple[int, int]:
        """Cells of k-space that hold a sample, and cells within the extent of the samples (an ellipse, where it is one)."""
        held = int(self.occupancy().sum())
        return held, max(held, _extent(self._all_points(), self.shape, self.stacked))

    def occupancy(self) -> Bool[Tensor, "z x y"]:
        """Which cells of the grid's k-space hold a sample, k = 0 at n // 2."""
        every = self._all_points()
        grid = torch.tensor(self.shape, device=every.device)
        cells = (every + torch.div(grid, 2, rounding_mode="floor").to(every)).round().long()
        cells = torch.minimum(cells.clamp_min(0), grid - 1)
        held = torch.zeros(self.shape, dtype=torch.bool, device=every.device)
        held[tuple(cells.unbind(1))] = True
        return held

    def same_points(self, other: Sampling) -> bool:
        """True when both were measured at the same points in the same order."""
        alike = self.planes == other.planes and len(self.points) == len(other.points)
        return alike and all(torch.equal(one, two) for one, two in zip(self.points, other.points, strict=True))

    def relative_radius(self) -> Float[Tensor, " n"]:
        """|k| of every sample, 1 at the edge of the grid's k-space along each axis."""
        half = torch.tensor([max(n, 2) / 2 for n in self.shape], device=self.points[0].device)
        return (self._all_points() / half).square().sum(1).sqrt()

    def _all_points(self) -> Float[Tensor, "n 3"]:
        if not self.stacked:
            return self.points[0]
        centre = self.shape[0] // 2
        pairs = zip(self.planes, self.points, strict=True)
        return torch.cat([torch.nn.functional.pad(points, (1, 0), value=plane - centre) for plane, points in pairs])


def common_support(samplings: Sequence[Sampling]) -> Bool[Tensor, "_ x y"]:
    """Cells within the smallest ellipsoid (in a stack: ellipse, for every partition) around all samples, zero frequency first.

    Its axes are as the samples' largest extents are to each other; half a cell more belongs to it.
    """
    shape, first = samplings[0].shape, 1 if samplings[0].stacked else 0
    points = [part for sampling in samplings for part in sampling.points if len(part)]
    reach = torch.stack([part.abs().amax(0) for part in points]).amax(0).clamp_min(0.5)
    radius = max(float((part / reach).square().sum(1).max().sqrt()) for part in points)
    distance = torch.zeros((1, 1, 1), device=reach.device)
    for axis, half in zip(range(first, 3), (reach * radius + 0.5).tolist(), strict=True):
        n = shape[axis]
        line = torch.fft.fftfreq(n, 1 / n, device=reach.device) / half
        distance = distance + line.square().reshape([n if other == axis else 1 for other in range(3)])
    return distance <= 1


def _extent(points: Float[Tensor, "n 3"], shape: tuple[int, int, int], stacked: bool) -> int:
    axes = (1, 2) if stacked else (0, 1, 2)
    reach = points.abs().amax(0).clamp_min(0.5)
    radius = float((points[:, axes] / reach[list(axes)]).square().sum(1).max().sqrt())
    cells = 1.0
    for axis in axes:
        cells *= min(shape[axis], 2 * float(reach[axis])) if shape[axis] > 1 else 1
    round_share = math.pi / 4 if len(axes) == 2 else math.pi / 6
    return int(cells * (round_share if radius < 1.1 else 1.0)) * (shape[0] if stacked else 1)
