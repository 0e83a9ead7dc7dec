"""Where things lie in the head: millimetres of the MNI152 atlas, and a seeded bend of it all.

Anatomy is written in atlas LPS millimetres (x left, y back, z head, origin at the anterior commissure); one of them is 0.93 mm
here (`ATLAS_SCALE`), and the isocentre is the middle of the brain's box, as in the head of the brain exam.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float, Num

from fullbore.phantom.head import ATLAS_SCALE, ISOCENTRE_MM
from fullbore.phantom.primitives import capsule, ellipsoid, smooth_path, tube
from fullbore.phantom.shape import Shape, Vector
from fullbore.phantom.texture import smooth_field

# One atlas millimetre, in metres.
MM = ATLAS_SCALE * 1e-3

Bend = Callable[[np.ndarray], np.ndarray]

_BEND_AMPLITUDE_M = 2.6e-3
_BEND_LENGTH_M = 30e-3


def at(x_mm: float | int, y_mm: float | int, z_mm: float | int) -> Vector:
    """Metres of a place in atlas LPS millimetres."""
    x, y, z = (float((value - origin) * MM) for value, origin in zip((x_mm, y_mm, z_mm), ISOCENTRE_MM, strict=True))
    return x, y, z


def places(points_mm: Num[np.ndarray, "n column"] | Sequence[Sequence[float | int]]) -> Float[np.ndarray, "n 3"]:
    """Metres of many places in atlas LPS millimetres: the first three columns."""
    return (np.asarray(points_mm, np.float64)[:, :3] - ISOCENTRE_MM) * MM


def atlas_mm(points_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """Atlas LPS millimetres of places in metres."""
    return points_m / MM + ISOCENTRE_MM


def egg(centre_mm: Vector, semi_axes_mm: Vector) -> Shape:
    """An ellipsoid given in atlas millimetres."""
    a, b, c = (float(value) * MM for value in semi_axes_mm)
    return ellipsoid(at(*centre_mm), (a, b, c))


def rod(start_mm: Vector, end_mm: Vector, radius_mm: float | int) -> Shape:
    """A cylinder with round ends given in atlas millimetres."""
    return capsule(at(*start_mm), at(*end_mm), radius_mm * MM)


def cord(points_mm: Num[np.ndarray, "k 4"] | Sequence[Sequence[float | int]]) -> Shape:
    """A tube through points (x, y, z, radius) in atlas millimetres."""
    rows = np.asarray(points_mm, np.float64)
    return tube(places(rows), rows[:, 3] * MM)


def curve(points: Sequence[Sequence[float | int]], pieces: int) -> Float[np.ndarray, "m d"]:
    """A smooth curve through points (see `smooth_path`), in whatever columns and units they have."""
    return smooth_path(np.array(points, np.float64), pieces)


def bending(seed: int) -> Bend | None:
    """A smooth displacement d (n, 3) metres, 1.5 mm root mean square an axis over 30 mm; None for seed 0, the atlas as it is.

    What the atlas has at a place c lies at the x with x + d(x) = c (`carried`).
    """
    if seed == 0:
        return None
    fields = [smooth_field(97 * seed + axis, _BEND_LENGTH_M) for axis in range(3)]
    return lambda points: _BEND_AMPLITUDE_M * np.stack([field(points) for field in fields], axis=1)


def carried(bend: Bend | None, points_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """Where the bend has put places of the atlas."""
    given = np.ascontiguousarray(points_m, np.float64)
    found = given
    if bend is not None:
        for _ in range(10):
            found = given - bend(np.ascontiguousarray(found))
    return found


def lattice_shape(
    distance_m: Float[np.ndarray, "z y x"], origin_m: Vector, step_m: float | int, reach_m: float | int = 0.0
) -> Shape:
    """A solid whose signed distance is known on a lattice, linear between its points and held beyond its ends.

    reach_m: how far its surface may still be moved outward (for its box).
    """
    values = np.ascontiguousarray(distance_m, np.float32)
    origin = np.array(origin_m, np.float64)
    inside = np.argwhere(values < reach_m)
    low = origin + (inside.min(axis=0)[::-1] - 1) * step_m
    high = origin + (inside.max(axis=0)[::-1] + 1) * step_m
    (x, y, z), (u, v, w) = low.tolist(), high.tolist()
    return Shape(
        distance=lambda points: trilinear(values[None], origin, step_m, points)[:, 0],
        low_m=(x, y, z),
        high_m=(u, v, w),
        stretch=1.25,
    )


@numba.njit(cache=True, nogil=True)
@no_type_check
def trilinear(volumes, origin, step, points):
    """Values (n, volume) of volumes (volume, z, y, x) at points (n, 3), linear, held at the ends."""
    count, nz, ny, nx = volumes.shape
    out = np.zeros((len(points), count))
    for i in range(len(points)):
        fx = min(max((points[i, 0] - origin[0]) / step, 0.0), nx - 1.000001)
        fy = min(max((points[i, 1] - origin[1]) / step, 0.0), ny - 1.000001)
        fz = min(max((points[i, 2] - origin[2]) / step, 0.0), nz - 1.000001)
        x, y, z = int(fx), int(fy), int(fz)
        fx, fy, fz = fx - x, fy - y, fz - z
        for dz in range(2):
            for dy in range(2):
                for dx in range(2):
                    weight = (fz if dz else 1 - fz) * (fy if dy else 1 - fy) * (fx if dx else 1 - fx)
                    for k in range(count):
                        out[i, k] += weight * volumes[k, z + dz, y + dy, x + dx]
    return out
