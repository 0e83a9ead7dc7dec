"""The Shepp-Logan head, whose signal in k-space is known in closed form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Complex, Float

from fullbore.data import Tissue
from fullbore.errors import ValueRangeError
from fullbore.phantom.body import Body, Layer
from fullbore.phantom.fill import Fill
from fullbore.phantom.primitives import ball, ellipsoid
from fullbore.phantom.shape import Shape, placed, rotation

# Density added, semi-axes and centre in units of half the field of view, angle about z in degrees. Source: Shepp and Logan 1974
# in three dimensions with the contrast of Toft 1996, as in Schabel's phantom3d. A radiologist looks from the feet: y is turned,
# so that the skull's front lies in front.
ELLIPSOIDS = (
    (1.0, (0.6900, 0.9200, 0.810), (0.00, 0.0000, 0.00), 0),
    (-0.8, (0.6624, 0.8740, 0.780), (0.00, -0.0184, 0.00), 0),
    (-0.2, (0.1100, 0.3100, 0.220), (0.22, 0.0000, 0.00), -18),
    (-0.2, (0.1600, 0.4100, 0.280), (-0.22, 0.0000, 0.00), 18),
    (0.1, (0.2100, 0.2500, 0.410), (0.00, 0.3500, -0.15), 0),
    (0.1, (0.0460, 0.0460, 0.050), (0.00, 0.1000, 0.25), 0),
    (0.1, (0.0460, 0.0460, 0.050), (0.00, -0.1000, 0.25), 0),
    (0.1, (0.0460, 0.0230, 0.050), (-0.08, -0.6050, 0.00), 0),
    (0.1, (0.0230, 0.0230, 0.020), (0.00, -0.6060, 0.00), 0),
    (0.1, (0.0230, 0.0460, 0.020), (0.06, -0.6050, 0.00), 0),
)

# Two variants of one filling, with all protons and with none: a mixture of them is a density.
_FULL = Tissue(name="filling +", t1_s=0.6, t2_s=0.1, t2_prime_s=10.0, proton_density=1.0, source="a choice: one doped water")
_EMPTY = replace(_FULL, name="filling -", proton_density=0.0)
_MIRROR = np.diag([1.0, -1.0, 1.0])


def shepp_logan(size_m: float = 0.2) -> Body:
    """The head in three dimensions, in a cube of size_m: ten ellipsoids whose densities add up, of one filling's T1 and T2.

    Its signal without relaxation is `shepp_logan_signal`.
    """
    parts = [(density, _solid(axes, centre, turn)) for density, axes, centre, turn in _scaled(size_m)]

    def shares(points: np.ndarray, distance: np.ndarray, width_m: float) -> np.ndarray:
        covers = [_cover(solid.distance(points), width_m) for _, solid in parts]
        total = np.clip(sum(density * cover for (density, _), cover in zip(parts, covers, strict=True)), 0, 1)
        return np.stack([total, np.maximum(covers[0] - total, 0)], axis=1)

    # The ellipsoids' own surfaces make the shares; the layer's surface lies where there is nothing.
    around = ball((0, 0, 0), size_m)
    half = size_m / 2
    return Body(
        name="Shepp-Logan",
        layers=(Layer(shape=around, fill=Fill(tissues=(_FULL, _EMPTY), shares=shares), organ="head"),),
        truths={"size_m": size_m, "protons_m3": float(shepp_logan_signal(np.zeros((1, 3)), size_m)[0].real)},
        low_m=(-half, -half, -half), high_m=(half, half, half),
        source="Shepp and Logan 1974; Toft 1996",
    )  # fmt: skip


def shepp_logan_signal(k_per_m: Float[np.ndarray, "n 3"], size_m: float = 0.2) -> Complex[np.ndarray, " n"]:
    """Integral of density times exp(-2 pi i k . r) over the head, m^3, at points of k-space (cycles per metre)."""
    return np.asarray(sum(
        ellipsoid_signal(k_per_m, density, axes, centre, turn) for density, axes, centre, turn in _scaled(size_m)
    ))  # fmt: skip


def ellipsoid_signal(
    k_per_m: Float[np.ndarray, "n 3"], density: float, semi_axes_m: np.ndarray, centre_m: np.ndarray, turn: np.ndarray
) -> Complex[np.ndarray, " n"]:
    """Fourier transform of an ellipsoid turned by a rotation (3, 3) about its centre. Source: Koay 2007, MRM 58:430, eq. 8."""
    reach = np.linalg.norm((k_per_m @ turn) * semi_axes_m, axis=1)
    x = 2 * np.pi * reach
    small = x < 1e-2
    safe = np.where(small, 1.0, x)
    shape = np.where(small, (1 - x * x / 10) / 3, (np.sin(safe) - safe * np.cos(safe)) / safe**3)
    volume = 4 * np.pi * float(np.prod(semi_axes_m))
    return np.asarray(density * volume * shape * np.exp(-2j * np.pi * (k_per_m @ centre_m)))


def _scaled(size_m: float) -> list[tuple[float, np.ndarray, np.ndarray, np.ndarray]]:
    if not 0 < size_m < np.inf:
        raise ValueRangeError(f"Shepp-Logan: size {size_m} m, wanted a positive length.")
    half = size_m / 2
    return [
        (density, half * np.array(axes), half * _MIRROR @ np.array(centre), rotation((0, 0, 1), -np.deg2rad(degrees)))
        for density, axes, centre, degrees in ELLIPSOIDS
    ]


def _cover(distance: np.ndarray, width_m: float) -> np.ndarray:
    return np.clip(0.5 - distance / width_m, 0, 1) if width_m > 0 else (distance < 0).astype(np.float64)


def _solid(axes: np.ndarray, centre: np.ndarray, turn: np.ndarray) -> Shape:
    a, b, c = (float(value) for value in axes)
    x, y, z = (float(value) for value in centre)
    return placed(ellipsoid((0, 0, 0), (a, b, c)), (x, y, z), turn)
