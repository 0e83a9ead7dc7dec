"""Maps of off-resonance: from the phases of several echoes, or from two echo-planar images with opposite blips.

Off-resonance f turns a spin by exp(-2 pi i f t).
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool, Complex, Float
from scipy import ndimage

from fullbore.errors import DataError, ShapeError
from fullbore.numerics.unwrapping import unwrap_phase

# Voxels below this fraction of the bright ones (98th percentile) have no phase to speak of.
_FAINTEST = 0.1


def field_map_Hz(
    echoes: Complex[np.ndarray, "echo z y x"], echo_times_s: Float[np.ndarray, " echo"]
) -> tuple[Float[np.ndarray, "z y x"], Bool[np.ndarray, "z y x"]]:
    """Off-resonance, 0 outside, and where there is enough signal to know it.

    Phase differences to the first echo are unwrapped in space for the shortest difference; later echoes take the number of
    turns that it foretells; the slope is the weighted least-squares line through the first echo. The field is known up to
    one over the shortest difference, the same everywhere: its median is taken to be the smallest possible.
    Errors: DataError for fewer than two echoes or times that do not rise.
    """
    if len(echoes) < 2 or len(echoes) != len(echo_times_s) or np.any(np.diff(echo_times_s) <= 0):
        raise DataError(f"field map: got {len(echoes)} echoes at {echo_times_s} s, wanted at least two at rising times.")
    magnitude = np.abs(echoes)
    mask = magnitude.min(axis=0) > _FAINTEST * np.percentile(magnitude[0], 98)
    product = echoes[1:] * echoes[0].conj()
    delay = np.asarray(echo_times_s[1:] - echo_times_s[0])
    phase = np.angle(product).astype(np.float64)
    nearest = int(np.argmin(delay))
    coherence = _agreement(phase, delay, nearest) if len(delay) > 1 else None
    first = unwrap_phase(phase[nearest], np.asarray(np.sqrt(np.abs(product[nearest]))).astype(np.float64), mask, coherence)
    top, bottom = np.zeros(mask.shape), np.zeros(mask.shape)
    slope = first / delay[nearest]
    for index in np.argsort(delay):
        turns = np.round((slope * delay[index] - phase[index]) / (2 * math.pi))
        weight = np.abs(product[index]).astype(np.float64) ** 2 / np.maximum(magnitude[0] ** 2 + magnitude[index + 1] ** 2, 1e-30)
        top += weight * delay[index] * (phase[index] + 2 * math.pi * turns)
        bottom += weight * delay[index] ** 2
        slope = np.where(bottom > 0, top / np.maximum(bottom, 1e-300), 0.0)
    return np.where(mask, -slope / (2 * math.pi), 0.0), mask


def _agreement(
    phase: Float[np.ndarray, "echo z y x"], delay: Float[np.ndarray, " echo"], nearest: int
) -> Float[np.ndarray, "3 z y x"]:
    """1 where steps to the next voxel grow with time as a field's do, down to 0. Source: Dymerska 2021, eq. 2."""
    other = int(np.argmax(delay))
    result = np.ones((3, *phase.shape[1:]))
    for axis in range(3):
        if phase.shape[axis + 1] == 1:
            continue
        near, far = (np.angle(np.exp(1j * np.diff(phase[index], axis=axis))) for index in (nearest, other))
        misfit = np.abs(np.angle(np.exp(1j * (far - near * delay[other] / delay[nearest])))) / math.pi
        place = tuple(slice(0, -1) if i == axis else slice(None) for i in range(3))
        result[axis][place] = 1 - misfit
    return result


def displacement_of_field(
    field_Hz: Float[np.ndarray, "z y x"], echo_spacing_s: float, lines: int, sign: int = 1
) -> Float[np.ndarray, "z y x"]:
    """How far, in voxels along y, an echo-planar image shows signal from where it is.

    echo_spacing_s: between neighbouring lines of k-space (over the in-plane acceleration, where there is one). lines: of
    k-space for the whole field of view. sign: +1 when k rises from line to line in time, -1 when it falls.
    """
    return field_Hz * (sign * echo_spacing_s * lines)


def unwarped(
    image: Float[np.ndarray, "z y x"] | Complex[np.ndarray, "z y x"], displacement: Float[np.ndarray, "*same"]
) -> Float[np.ndarray, "z y x"] | Complex[np.ndarray, "z y x"]:
    """The image at y, taken from y + displacement(y), times how much a voxel was stretched, |1 + d displacement / dy|.

    Cubic interpolation along y; zero beyond the edge. Where the displacement folds (slope below -1) nothing can be known.
    Errors: ShapeError when the shapes differ.
    """
    if image.shape != displacement.shape:
        raise ShapeError(f"unwarped: got an image {image.shape} and displacements {displacement.shape}, wanted one shape.")
    z, y, x = np.meshgrid(*(np.arange(n) for n in image.shape), indexing="ij")
    where = np.stack([z, y + displacement, x])
    stretch = np.maximum(1 + np.gradient(displacement, axis=1), 0)
    sample = lambda part: ndimage.map_coordinates(part, where, order=3, mode="constant")  # noqa: E731
    values = sample(image.real) + 1j * sample(image.imag) if np.iscomplexobj(image) else sample(image)
    return np.asarray(values * stretch)


def displacement_of_pair(
    plus: Float[np.ndarray, "y x"],
    minus: Float[np.ndarray, "y x"],
    *,
    waves: int = 10,
    smoothness: float = 1e-4,
    blurs: tuple[float, ...] = (4.0, 2.5, 1.5, 0.8, 0.4),
    iterations: int = 12,
) -> Float[np.ndarray, "y x"]:
    """Displacement along y, in voxels, of `plus`; `minus`, with the blips reversed, is displaced the other way.

    Magnitudes of one slice on the same grid. The displacement is a sum of `waves` x `waves` cosines such that both images
    unwarped agree: Gauss-Newton from blurred to sharp (`blurs`: standard deviations in voxels), with its bending, weighted
    by `smoothness`, held down. Source: Andersson, Skare and Ashburner, NeuroImage 20:870 (2003).
    """
    height, width = plus.shape
    along = [np.cos(np.pi * np.outer(np.arange(n) + 0.5, np.arange(min(waves, n))) / n) for n in (height, width)]
    basis = (along[0][:, None, :, None] * along[1][None, :, None, :]).reshape(height * width, -1)
    slope = (np.gradient(along[0], axis=0)[:, None, :, None] * along[1][None, :, None, :]).reshape(height * width, -1)
    order = [np.arange(part.shape[1]) / n for part, n in zip(along, (height, width), strict=True)]
    bending = (np.add.outer(order[0] ** 2, order[1] ** 2).reshape(-1) * max(height, width) ** 2) ** 2
    scale = 1 / max(float(np.percentile((plus + minus) / 2, 98)), 1e-30)
    found = np.zeros(basis.shape[1])
    for blur in blurs:
        one, two = (ndimage.gaussian_filter(part * scale, blur) for part in (plus, minus))
        found = _fitted(one, two, found, basis, slope, smoothness * bending, iterations)
    return np.asarray((basis @ found).reshape(height, width))


def _fitted(
    plus: Float[np.ndarray, "y x"],
    minus: Float[np.ndarray, "y x"],
    start: Float[np.ndarray, " wave"],
    basis: Float[np.ndarray, "voxel wave"],
    slope: Float[np.ndarray, "voxel wave"],
    penalty: Float[np.ndarray, " wave"],
    iterations: int,
) -> Float[np.ndarray, " wave"]:
    """Levenberg-Marquardt steps of |unwarped plus - unwarped minus|^2 + penalty."""
    cost, jacobian, misfit = _linearised(plus, minus, start, basis, slope, penalty)
    damping = 1e-3
    for _ in range(iterations):
        normal = jacobian.T @ jacobian + np.diag(penalty)
        right = jacobian.T @ misfit + penalty * start
        tried = start - np.linalg.solve(normal + damping * np.trace(normal) / len(normal) * np.eye(len(normal)), right)
        new = _linearised(plus, minus, tried, basis, slope, penalty)
        if new[0] < cost:
            done = cost - new[0] < 1e-5 * cost
            start, (cost, jacobian, misfit), damping = tried, new, damping / 4
            if done:
                break
        else:
            damping *= 8
    return start


def _linearised(
    plus: Float[np.ndarray, "y x"],
    minus: Float[np.ndarray, "y x"],
    waves: Float[np.ndarray, " wave"],
    basis: Float[np.ndarray, "voxel wave"],
    slope: Float[np.ndarray, "voxel wave"],
    penalty: Float[np.ndarray, " wave"],
) -> tuple[float, Float[np.ndarray, "voxel wave"], Float[np.ndarray, " voxel"]]:
    """Cost, derivative of the misfit, and the misfit."""
    shift, stretch = (basis @ waves).reshape(plus.shape), (slope @ waves).reshape(plus.shape)
    y, x = np.meshgrid(*(np.arange(n) for n in plus.shape), indexing="ij")
    seen, steep = [], []
    for image, sign in ((plus, 1), (minus, -1)):
        where = np.stack([y + sign * shift, x])
        seen.append(ndimage.map_coordinates(image, where, order=1, mode="nearest"))
        steep.append(ndimage.map_coordinates(np.gradient(image, axis=0), where, order=1, mode="nearest"))
    misfit = seen[0] * (1 + stretch) - seen[1] * (1 - stretch)
    by_shift = steep[0] * (1 + stretch) + steep[1] * (1 - stretch)
    jacobian = by_shift.reshape(-1, 1) * basis + (seen[0] + seen[1]).reshape(-1, 1) * slope
    cost = float((misfit**2).sum() + (penalty * waves**2).sum())
    return cost, jacobian, misfit.reshape(-1)
