"""What an array gives the image: signal-to-noise ratio, noise of parallel imaging, share of the ultimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Complex, Float

from fullbore.data import Grid
from fullbore.hardware.array.design import ReceiveArray, field_sensitivity
from fullbore.hardware.array.network import equivalent_noise_ohm, loop_impedance
from fullbore.hardware.array.sphere import Sphere, entering_waves, sphere_fields, sphere_resistance
from fullbore.hardware.array.ultimate import intrinsic_snr, ultimate_snr
from fullbore.numerics.lattice_g_factor import lattice_g_factor

ACCELERATIONS = {"R = 2": (2, 1), "R = 3": (3, 1), "R = 2 x 2": (2, 2)}
"""Along y (anterior-posterior) and x."""
_PIXELS = 72  # a multiple of two and three
_MARGIN = 1.1  # field of view over the body
_ORDER = 40
_DEEPEST, _RADII, _MAP_PIXELS, _MAP_EDGE = 0.8, 17, 33, 0.85


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlaneMaps:
    """The axial plane through the isocentre, (y, x). grid; inside: the body.

    sensitivity_T_per_A (loop, y, x): of each loop alone. snr: sqrt(Hz)/mm3 of water at 310 K, all noise. g: name -> map.
    """

    grid: Grid
    inside: np.ndarray
    sensitivity_T_per_A: np.ndarray
    snr: np.ndarray
    g: dict[str, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UltimateShare:
    """The array on its sphere against the ultimate.

    radii: shares of the sphere's radius. sample (r,): mean over six directions of the array's share with sample noise alone;
    whole (r,): with wire, capacitors and preamplifiers. ultimate (r,): sqrt(Hz)/mm3 of water, mean over directions.
    plane (y, x): share with sample noise alone in the axial plane of the sphere, NaN beyond 85 % of its radius.
    """

    radii: np.ndarray
    sample: np.ndarray
    whole: np.ndarray
    ultimate: np.ndarray
    plane: np.ndarray
    sphere: Sphere


def plane_maps(made: ReceiveArray) -> PlaneMaps:
    """Maps in the axial plane, with the fields of `field_sensitivity` and the noise of `made`.

    Channels are loops alone: no invertible mixing of all channels changes signal-to-noise ratio or g.
    """
    half = made.body.half_axes_m
    spacing = (2 * _MARGIN * half[0] / _PIXELS, 2 * _MARGIN * half[1] / _PIXELS, 1e-3)
    grid = Grid.centred((1, _PIXELS, _PIXELS), spacing)
    points = grid.points_m()[0]
    inside = made.body.holds(points)
    fields = field_sensitivity(made, points.reshape(-1, 3)).reshape(-1, _PIXELS, _PIXELS)
    return PlaneMaps(
        grid=grid,
        inside=inside,
        sensitivity_T_per_A=fields,
        snr=np.where(inside, 1e-9 * intrinsic_snr(made.omega, made.b0_T, fields, made.noise_ohm), 0.0),
        g={name: g_map(fields, made.noise_ohm, counts, inside) for name, counts in ACCELERATIONS.items()},
    )


def g_map(
    sensitivity: Complex[np.ndarray, "loop row column"],
    noise_ohm: Complex[np.ndarray, "loop loop"],
    counts: tuple[int, int],
    inside: Bool[np.ndarray, "row column"],
) -> Float[np.ndarray, "row column"]:
    """SENSE's g for every counts[0]-th row and counts[1]-th column of k-space. Source: Pruessmann 1999, MRM 42:952."""
    whitened = np.linalg.solve(np.linalg.cholesky(noise_ohm), sensitivity.reshape(len(sensitivity), -1)).reshape(
        sensitivity.shape
    )
    aliases = np.array([(i / counts[0], j / counts[1]) for i in range(counts[0]) for j in range(counts[1])])
    return np.asarray(lattice_g_factor(whitened, aliases, inside))


def ultimate_share(made: ReceiveArray, sphere: Sphere, noise_figure_dB: float) -> UltimateShare:
    """The array around a sphere instead of its body: exact fields of both, modes to the order 40 (3e-5 at 80 % of the radius)."""
    waves = entering_waves(sphere, made.loops, _ORDER)
    sample = sphere_resistance(sphere, waves)
    impedance = loop_impedance(sample, made.coil_ohm, made.inductance_H, sphere.omega)
    whole = equivalent_noise_ohm(impedance, sample, made.coil_ohm, noise_figure_dB)
    radii = np.linspace(0, _DEEPEST, _RADII)
    ways = np.concatenate([np.eye(3), -np.eye(3)])
    points = (sphere.radius_m * radii[:, None, None] * ways[None]).reshape(-1, 3)
    fields = sphere_fields(sphere, waves, points)
    best = ultimate_snr(sphere, points, _ORDER)

    def share(noise: np.ndarray) -> np.ndarray:
        return np.asarray((intrinsic_snr(sphere.omega, sphere.b0_T, fields, noise) / best).reshape(_RADII, -1).mean(axis=1))

    return UltimateShare(
        radii=radii,
        sample=share(sample),
        whole=share(whole),
        ultimate=1e-9 * best.reshape(_RADII, -1).mean(axis=1),
        plane=_share_plane(sphere, waves, sample),
        sphere=sphere,
    )


def _share_plane(sphere: Sphere, waves: np.ndarray, sample: np.ndarray) -> np.ndarray:
    line = np.linspace(-sphere.radius_m, sphere.radius_m, _MAP_PIXELS)
    y, x = np.meshgrid(line, line, indexing="ij")
    held = np.hypot(x, y) <= _MAP_EDGE * sphere.radius_m
    points = np.stack([x[held], y[held], np.zeros(int(held.sum()))], axis=-1)
    found = intrinsic_snr(sphere.omega, sphere.b0_T, sphere_fields(sphere, waves, points), sample)
    out = np.full(held.shape, np.nan)
    out[held] = found / ultimate_snr(sphere, points, _ORDER)
    return out
