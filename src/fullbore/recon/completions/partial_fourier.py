"""An edge of k-space that was not measured, restored from its mirror image: a real object has K(-k) = conj(K(k)).

Objects are real but for a smooth phase, which the symmetric centre of k-space shows at low resolution.
Sources: Noll, Nishimura and Macovski, IEEE TMI 10:154 (1991); Haacke et al., J Magn Reson 92:126 (1991).
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Complex, Float
from torch import Tensor

from fullbore.numerics.fourier import fft_centred, ifft_centred
from fullbore.recon.recipe.completions import PartialFourier

# An axis is one-sided when one side reaches this much farther than the other, as a fraction of its extent.
_ONE_SIDED = 0.04

Extents = tuple[tuple[float, float, int], tuple[float, float, int], tuple[float, float, int]]
"""First and last + 1 measured index, relative to n // 2, and n: of (kx, kz, ky)."""


def extents(mask: Bool[np.ndarray, "kz ky"], column_extent: tuple[float, float], columns: int) -> Extents:
    """What was measured of each axis. column_extent: of the readout, as fractions of its k-space (-0.5, 0.5 when full)."""
    along_x = (column_extent[0] * columns, column_extent[1] * columns, columns)
    return along_x, _axis_extent(np.asarray(mask.any(1))), _axis_extent(np.asarray(mask.any(0)))


def _axis_extent(measured: Bool[np.ndarray, " n"]) -> tuple[float, float, int]:
    """A lattice whose next point would lie outside the matrix reaches its edge."""
    n, places = len(measured), np.flatnonzero(measured)
    gap = int(np.diff(places).max(initial=1))
    low = 0 if places[0] < gap else int(places[0])
    high = n if places[-1] + gap >= n else int(places[-1]) + 1
    return float(low - n // 2), float(high - n // 2), n


def images(
    kspace: Complex[Tensor, "x channel kz ky"], measured: Extents, recipe: PartialFourier
) -> Complex[Tensor, "channel x z y"]:
    """Channel images from columns that are still encoded along (kz, ky)."""
    whole = fft_centred(kspace.transpose(0, 1), (1,))
    axes = _one_sided(measured)
    if recipe.method == "zero" or not axes:
        return ifft_centred(whole, (-3, -2, -1))
    phase = _low_resolution_phase(whole, measured, axes)
    if recipe.method == "homodyne":
        axis = max(axes, key=lambda a: abs(measured[a][0] + measured[a][1]) / measured[a][2])
        weight = _along(_homodyne_weights(measured[axis]), axis, whole)
        image = ifft_centred(whole * weight, (-3, -2, -1))
        return (image * phase.conj()).real * phase
    return _alternate(whole, phase, measured, axes, recipe.iterations)


def noise_factor(measured: Extents, recipe: PartialFourier) -> float:
    """Noise variance of the part in phase with the image, over that of the data where they are and zero elsewhere.

    A sample without a partner stands for two. The factor is relative to the measured lines and to a whole readout.
    """
    axes = _one_sided(measured)
    columns = (measured[0][1] - measured[0][0]) / measured[0][2]
    if recipe.method == "zero" or not axes:
        return columns
    if recipe.method == "homodyne":
        axes = (max(axes, key=lambda a: abs(measured[a][0] + measured[a][1]) / measured[a][2]),)
    inside = [_measured(extent) for extent in measured]
    box = inside[0][:, None, None] & inside[1][None, :, None] & inside[2][None, None, :]
    partner = box.copy()
    for axis, n in enumerate(box.shape):
        partner = np.take(partner, (2 * (n // 2) - np.arange(n)) % n, axis=axis)
    weight = np.where(partner, 1.0, 4.0)
    return float(weight[box].mean()) * columns


def _one_sided(measured: Extents) -> tuple[int, ...]:
    return tuple(axis for axis, (low, high, n) in enumerate(measured) if n > 1 and abs(low + high) > max(2, _ONE_SIDED * n))


def _measured(extent: tuple[float, float, int]) -> Bool[np.ndarray, " n"]:
    low, high, n = extent
    k = np.arange(n) - n // 2
    return (k >= low - 1e-6) & (k < high - 1e-6)


def _reach(extent: tuple[float, float, int]) -> float:
    """How far both sides were measured."""
    return max(1.0, min(-extent[0], extent[1] - 1))


def _homodyne_weights(extent: tuple[float, float, int]) -> Float[np.ndarray, " n"]:
    """2 where the mirror sample is missing, 0 where the sample itself is, 1 between, with a ramp over the symmetric part."""
    low, high, n = extent
    k = np.arange(n) - n // 2
    towards = np.sign(high + low)
    return np.where(_measured(extent), np.clip(1 + towards * k / (_reach(extent) + 1), 0, 2), 0.0)


def _along(values: Float[np.ndarray, " n"], axis: int, like: Complex[Tensor, "channel x z y"]) -> Float[Tensor, "*_"]:
    shape = [1, 1, 1]
    shape[axis] = -1
    return torch.from_numpy(values.astype(np.float32)).reshape(shape).to(like.device)


def _low_resolution_phase(
    whole: Complex[Tensor, "channel kx kz ky"], measured: Extents, axes: tuple[int, ...]
) -> Complex[Tensor, "channel x z y"]:
    """exp(i phase) of the image of the symmetric centre, smoothly cut off along the one-sided axes."""
    for axis in axes:
        n = measured[axis][2]
        k = np.arange(n) - n // 2
        window = 0.5 + 0.5 * np.cos(np.pi * np.clip(k / (_reach(measured[axis]) + 1), -1, 1))
        whole = whole * _along(window, axis, whole)
    image = ifft_centred(whole, (-3, -2, -1))
    return image / image.abs().clamp_min(1e-30)


def _alternate(
    whole: Complex[Tensor, "channel kx kz ky"],
    phase: Complex[Tensor, "channel x z y"],
    measured: Extents,
    axes: tuple[int, ...],
    iterations: int,
) -> Complex[Tensor, "channel x z y"]:
    """Projections onto the phase and onto the data in turn."""
    known = torch.ones((), dtype=torch.float32, device=whole.device)
    for axis in axes:
        known = known * _along(_measured(measured[axis]).astype(np.float64), axis, whole)
    image = ifft_centred(whole, (-3, -2, -1))
    for _ in range(iterations):
        guess = fft_centred((image * phase.conj()).real * phase, (-3, -2, -1))
        image = ifft_centred(whole * known + guess * (1 - known), (-3, -2, -1))
    return image
