"""The centre of k-space on a grid, from samples that are on none: low-resolution channel images by least squares."""

from __future__ import annotations

import torch
from jaxtyping import Complex
from torch import Tensor

from fullbore.errors import DataError
from fullbore.numerics.conjugate_gradient import conjugate_gradient
from fullbore.numerics.fourier import fft_centred
from fullbore.recon.calibration.central_block import SMALLEST
from fullbore.recon.encodings.sampling import Sampling

# The block is solved for with an edge around it, so that what lies beyond does not fold into it.
_EDGE = 6
# Cells of the block that must hold a sample.
_FILLED = 0.9
_ITERATIONS = 15
_DAMPING = 1e-3


def central_part(
    sampling: Sampling, values: tuple[Complex[Tensor, "channel _"], ...], extent: tuple[int, int, int]
) -> tuple[Sampling, tuple[Complex[Tensor, "channel _"], ...]]:
    """The samples within `extent` (z, x, y) cells around k = 0, for a grid of so many points over the same field of view."""
    points, kept, planes = [], [], []
    first = sampling.shape[0] // 2 - extent[0] // 2
    axes = extent[1:] if sampling.stacked else extent
    half = torch.tensor([n / 2 for n in axes])
    for number, every in enumerate(sampling.points):
        if sampling.stacked and not first <= sampling.planes[number] < first + extent[0]:
            continue
        inside = torch.all(every.abs() <= half.to(every), dim=1)
        points.append(every[inside])
        kept.append(values[number][:, inside])
        planes.append(sampling.planes[number] - first if sampling.stacked else 0)
    part = Sampling(
        points=tuple(points),
        planes=tuple(planes) if sampling.stacked else (),
        shape=extent,
        tolerance=sampling.tolerance,
        threads=sampling.threads,
    )
    return part, tuple(kept)


def gridded_centre(
    sampling: Sampling, values: tuple[Complex[Tensor, "channel _"], ...], largest: int
) -> Complex[Tensor, "frame channel kz ky kx"]:
    """The largest block around k = 0, at most `largest` along each axis, that is sampled well enough; one frame.

    Errors: DataError when even a small one is not.
    """
    extent = [min(largest, n) for n in sampling.shape]
    while _filled(sampling, values, extent) < _FILLED:
        if max(extent) <= SMALLEST:
            raise DataError(
                f"calibration: the centre of k-space has gaps within {SMALLEST} cells of k = 0. "
                "Acquire more readouts, or give a separate calibration scan."
            )
        extent = [max(min(SMALLEST, n), n - 2) for n in extent]
    wide = tuple(min(n + 2 * _EDGE, whole) if n > 1 else n for n, whole in zip(extent, sampling.shape, strict=True))
    part, kept = central_part(sampling, values, (wide[0], wide[1], wide[2]))
    images = solved_images(part, kept)
    kspace = fft_centred(images, (-3, -2, -1))
    for axis, n in enumerate(extent):
        kspace = kspace.narrow(axis + 1, wide[axis] // 2 - n // 2, n)
    return kspace.permute(0, 1, 3, 2)[None].contiguous()


def solved_images(
    part: Sampling, values: tuple[Complex[Tensor, "channel _"], ...], iterations: int = _ITERATIONS
) -> Complex[Tensor, "channel z x y"]:
    """Least-squares images of every channel on a small grid."""
    right = part.channel_images(values)
    operator = part.toeplitz(part.spread(None))
    damping = _DAMPING * float(operator.spectra.mean()) * len(operator.spectra)
    report = conjugate_gradient(
        lambda x: operator.forward(x).add_(x, alpha=damping), right, iterations=iterations, tolerance=1e-4, batch_axes=(0,)
    )
    return report.value


def _filled(sampling: Sampling, values: tuple[Complex[Tensor, "channel _"], ...], extent: list[int]) -> float:
    """Fraction of the cells in the ellipse (of every partition) or ellipsoid inside the block that hold a sample."""
    part, _ = central_part(sampling, values, (extent[0], extent[1], extent[2]))
    if part.samples == 0:
        return 0.0
    held = part.occupancy()
    axes = (1, 2) if sampling.stacked else (0, 1, 2)
    radius = torch.zeros(())
    for axis in axes:
        n = extent[axis]
        line = (torch.arange(n) - n // 2) / max(1.0, n / 2)
        radius = radius + line.square().reshape([n if other == axis else 1 for other in range(3)])
    inside = (radius < 1).expand(held.shape)
    return float(held[inside].float().mean())
