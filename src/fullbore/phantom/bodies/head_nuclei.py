"""Deep grey nuclei: closed shapes at their places in MNI space, each with a volume in closed form."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fullbore.phantom.bodies.head_space import MM, Bend, carried, places
from fullbore.phantom.primitives import ellipsoid, half_space, smooth_path, tube
from fullbore.phantom.shape import Shape, flipped, placed, rotation


class Nucleus(NamedTuple):
    """A nucleus: its name as a label, its tissue, its shape, and its volume."""

    organ: str
    tissue: str
    shape: Shape
    volume_m3: float | int


class _Piece(NamedTuple):
    """A left nucleus about its own centre: shape in metres, centre in atlas mm, tilts about z and x."""

    tissue: str
    shape: Shape
    volume_m3: float | int
    centre_mm: tuple[float | int, float | int, float | int]
    tilt_z_deg: float | int = 0.0
    tilt_x_deg: float | int = 0.0


_CAUDATE = (
    (9.6, -17.5, -4, 4.9), (10.6, -18, 1, 5.3), (11.8, -16, 7, 5.2), (13.2, -10, 13.5, 4.2), (15.8, 0, 19, 3.1),
    (18.3, 10, 21.5, 2.4), (21.5, 21, 21, 1.8), (25, 30, 16, 1.4),
)  # fmt: skip
_HIPPOCAMPUS = ((22, 9, -20, 4.2), (26, 15, -18.5, 4.3), (28.5, 23, -14, 3.6), (28, 31, -8, 3.0), (23, 37, -2, 2.2))


def nuclei(generator: np.random.Generator, bend: Bend | None) -> tuple[Nucleus, ...]:
    """All nuclei, left and right, in the order of painting.

    Each has a size of its own (3 % a side), and lies where the bend carries its centre, unbent, so that its volume is exact.
    """
    found = []
    for side in ("left", "right"):
        for piece in _pieces(generator):
            centre = np.array(piece.centre_mm, np.float64) * ((1, 1, 1) if side == "left" else (-1, 1, 1))
            turn = rotation((1, 0, 0), np.deg2rad(piece.tilt_x_deg)) @ rotation((0, 0, 1), np.deg2rad(piece.tilt_z_deg))
            own = placed(piece.shape, (0, 0, 0), turn)
            own = own if side == "left" else flipped(own)
            x, y, z = carried(bend, places(centre[None]))[0].tolist()
            found.append(Nucleus(f"{side} {piece.tissue}", piece.tissue, placed(own, (x, y, z)), piece.volume_m3))
    return tuple(found)


def _pieces(generator: np.random.Generator) -> tuple[_Piece, ...]:
    """The left nuclei, a little larger or smaller each time."""

    def grow() -> float:
        return float(MM * (1 + 0.03 * generator.uniform(-1, 1)))

    return (
        _bent_rod("hippocampus", _HIPPOCAMPUS, grow()),
        _bent_rod("caudate", _CAUDATE, grow()),
        _cut_egg("putamen", (8.0, 16.5, 11.0), -2.2, 1, grow(), (25.5, -3, 1.5), -12),
        _cut_egg("globus pallidus", (8.0, 9.5, 7.0), 1.2, -1, grow(), (20.6, 2, 0), -14),
        _egg("thalamus", (9.0, 15.0, 10.3), grow(), (12.2, 18, 7.5), -26),
        _egg("subthalamic nucleus", (2.0, 4.2, 3.0), grow(), (11, 13, -7), -30),
        _egg("substantia nigra", (2.2, 6.5, 3.6), grow(), (9.5, 17, -12.5), -38, -25),
        _egg("red nucleus", (3.3, 3.6, 4.3), grow(), (5, 20.5, -9)),
        _dentate(grow()),
    )


def _egg(
    tissue: str,
    axes: tuple[float | int, float | int, float | int],
    unit: float | int,
    centre: tuple[float | int, float | int, float | int],
    *tilts: float | int,
) -> _Piece:
    a, b, c = (unit * value for value in axes)
    return _Piece(tissue, ellipsoid((0, 0, 0), (a, b, c)), float(4 / 3 * np.pi * a * b * c), centre, *tilts)


def _cut_egg(
    tissue: str,
    axes: tuple[float | int, float | int, float | int],
    plane: float | int,
    side: int,
    unit: float | int,
    centre: tuple[float | int, float | int, float | int],
    tilt: float | int,
) -> _Piece:
    """An ellipsoid with only what lies on one side (1: lateral) of the plane x = plane, as the lens nucleus is parted."""
    a, b, c = (unit * value for value in axes)
    keep = half_space((plane * unit, 0, 0), (-side, 0, 0))
    # Scaled to a ball: a cap of height h has the volume pi h^2 (3 - h) / 3.
    height = 1 - side * plane / axes[0]
    volume = a * b * c * np.pi * height**2 * (3 - height) / 3
    return _Piece(tissue, ellipsoid((0, 0, 0), (a, b, c)) & keep, float(volume), centre, tilt)


def _dentate(unit: float | int) -> _Piece:
    """A shell, open towards the middle, as the dentate's ribbon about its hilum."""
    outer, inner = (
        _cut_egg("", (6, 9, 5), -2.5, 1, unit, (0, 0, 0), 0),
        _cut_egg("", (4.2, 7.2, 3.2), -2.5, 1, unit, (0, 0, 0), 0),
    )
    volume = outer.volume_m3 - inner.volume_m3
    return _Piece("dentate nucleus", outer.shape - inner.shape, volume, (14.5, 56, -36), 20, 20)


def _bent_rod(
    tissue: str, points_mm: tuple[tuple[float | int, float | int, float | int, float | int], ...], unit: float | int
) -> _Piece:
    path = smooth_path(np.array(points_mm, np.float64), 6)
    middle = path[:, :3].mean(axis=0)
    line, radii = (path[:, :3] - middle) * unit, path[:, 3] * unit
    x, y, z = (float(value) for value in middle)
    return _Piece(tissue, tube(line, radii), tube_volume(line, radii), (x, y, z))


def tube_volume(path_m: np.ndarray, radii_m: np.ndarray) -> float:
    """Volume of a tube with round ends: its frusta and two half balls (bends neither add nor take, by Pappus);
    good while the radius changes by less than a tenth of the way."""
    length = np.linalg.norm(np.diff(path_m, axis=0), axis=1)
    a, b = radii_m[:-1], radii_m[1:]
    frusta = np.pi / 3 * np.sum(length * (a * a + a * b + b * b))
    return float(frusta + 2 / 3 * np.pi * (radii_m[0] ** 3 + radii_m[-1] ** 3))
