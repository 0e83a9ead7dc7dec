"""Where the loops go: on a helmet, on two shells, around a cylinder."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import least_squares

from fullbore.errors import LimitError, UsageError
from fullbore.hardware.array.brief import ArrayBrief, Former
from fullbore.hardware.array.helmet import helmet_loops
from fullbore.hardware.array.loop import Loop, loop_of
from fullbore.hardware.array.overlap import couplings, neighbours, refuse_gap

_START = 0.66  # of the pitch: two flat circles null each other's flux at a distance of 1.52 radii
_ARC_POINTS = 4001
_AROUND = 8  # loops in a ring


@dataclass(frozen=True, slots=True, kw_only=True)
class Lattice:
    """Rows of loops on an unrolled surface: rows, columns, pitch along a row, and whether rows close on themselves."""

    rows: int
    columns: int
    pitch_m: float
    closed: bool


def place_loops(brief: ArrayBrief) -> tuple[Loop, ...]:
    """The array's loops: critically overlapped (neighbours' mutual inductance least in squares), or with gaps.

    Errors: UsageError for a number of channels that the former's lattice cannot hold; LimitError when the rows need a
    longer former: the message names the length.
    """
    former, channels = brief.former, brief.channels
    if former.form == "helmet":
        return helmet_loops(brief)
    lattice = lattice_of(former, channels)
    wire = brief.electronics.wire_radius_m
    if brief.placement == "gap":
        radius, row = (lattice.pitch_m - brief.gap_m) / 2, lattice.pitch_m
        if radius <= 2 * wire:
            refuse_gap(brief, lattice.pitch_m - 4 * wire)
    else:
        radius, row = _critical(former, lattice, wire)
    _refuse_length(brief, lattice, radius, row)
    return _laid(former, lattice, radius, row, staggered=brief.placement == "overlap")


def lattice_of(former: Former, channels: int) -> Lattice:
    """Rows and columns of a cylinder (eight around) or of one of two shells."""
    if former.form == "cylinder":
        if channels % _AROUND:
            raise UsageError(f"array, cylinder: got {channels} channels, wanted a multiple of {_AROUND}.")
        return Lattice(rows=channels // _AROUND, columns=_AROUND, pitch_m=_circumference(former) / _AROUND, closed=True)
    if channels % 4 or channels < 8:
        raise UsageError(f"array, shells: got {channels} channels, wanted a multiple of 4 from 8.")
    half = channels // 2
    rows = max(r for r in range(1, math.isqrt(half) + 1) if half % r == 0)
    arc = _arc(former)
    width = 2 * float(arc(former.span_rad))
    return Lattice(rows=rows, columns=half // rows, pitch_m=width / (half // rows), closed=False)


def _critical(former: Former, lattice: Lattice, wire_radius_m: float) -> tuple[float, float]:
    """Radius and row pitch that null the neighbours' mutual inductances, in least squares where curvature varies."""
    start = np.array([_START, math.sqrt(3) / 2]) * lattice.pitch_m
    pairs = neighbours(_laid(former, lattice, start[0], start[1], staggered=True, shells=1))

    def misfit(shares: np.ndarray) -> np.ndarray:
        loops = _laid(former, lattice, shares[0] * start[0], shares[1] * start[1], staggered=True, shells=1)
        return couplings(loops, pairs, wire_radius_m)

    if lattice.rows == 1:
        found = least_squares(lambda s: misfit(np.array([s[0], 1.0])), [1.0], diff_step=1e-3, xtol=1e-9)
        return float(found.x[0] * start[0]), float(start[1])
    found = least_squares(misfit, [1.0, 1.0], diff_step=1e-3, xtol=1e-9)
    return float(found.x[0] * start[0]), float(found.x[1] * start[1])


def _laid(
    former: Former, lattice: Lattice, radius_m: float, row_m: float, *, staggered: bool, shells: int = 2
) -> tuple[Loop, ...]:
    """Circles of the unrolled surface, wrapped onto it; every other row is shifted by half a pitch."""
    loops = []
    for back in range(1 if lattice.closed else shells):
        surface = _surface(former, back == 1)
        for row in range(lattice.rows):
            z = (row - (lattice.rows - 1) / 2) * row_m
            shift = 0.25 * (-1) ** row if staggered and lattice.rows > 1 else 0.0
            for column in range(lattice.columns):
                s = (column - (lattice.columns - 1) / 2 + shift) * lattice.pitch_m
                loops.append(_wrapped(surface, s, z, radius_m))
    return tuple(loops)


def _wrapped(surface: Callable[[np.ndarray, np.ndarray], np.ndarray], s: float, z: float, radius_m: float) -> Loop:
    def curve(angle: np.ndarray) -> np.ndarray:
        return surface(s + radius_m * np.cos(angle), z + radius_m * np.sin(angle))

    centre = surface(np.array([s]), np.array([z]))[0]
    ahead = surface(np.array([s + 1e-5]), np.array([z]))[0]
    normal = np.cross(ahead - centre, [0.0, 0.0, 1.0])
    return loop_of(curve, centre, normal)


def _surface(former: Former, back: bool) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """(arc, z) -> points; arc from the front (-y) or the back (+y), counter-clockwise seen from the head."""
    arc = _arc(former)
    angles = np.linspace(-2 * np.pi, 2 * np.pi, 2 * _ARC_POINTS - 1)
    inverse = CubicSpline(arc(angles), angles)
    a, b, centre, turn = former.half_axes_m[0], former.half_axes_m[1], np.array(former.centre_m), -1.0 if back else 1.0

    def place(s: np.ndarray, z: np.ndarray) -> np.ndarray:
        angle = inverse(s)
        return np.asarray(centre + np.stack([turn * a * np.sin(angle), -turn * b * np.cos(angle), z], axis=-1))

    return place


def _arc(former: Former) -> CubicSpline:
    """Length of arc from the middle of a shell over the ellipse's parameter."""
    angles = np.linspace(-2 * np.pi, 2 * np.pi, 2 * _ARC_POINTS - 1)
    speed = np.hypot(former.half_axes_m[0] * np.cos(angles), former.half_axes_m[1] * np.sin(angles))
    primitive = CubicSpline(angles, speed).antiderivative()
    return CubicSpline(angles, primitive(angles) - primitive(0.0))


def _circumference(former: Former) -> float:
    return 2 * float(_arc(former)(np.pi))


def _refuse_length(brief: ArrayBrief, lattice: Lattice, radius_m: float, row_m: float) -> None:
    needed = (lattice.rows - 1) * row_m + 2 * radius_m
    if needed > 2 * brief.former.half_axes_m[2] * (1 + 1e-9):
        fewer = 1 + int((2 * brief.former.half_axes_m[2] - 2 * radius_m) // row_m)
        advice = (
            f", or take {fewer * lattice.columns * (1 if lattice.closed else 2)} channels" if lattice.closed and fewer else ""
        )
        raise LimitError(
            f"array brief {brief.name}: {lattice.rows} rows of loops are {needed * 100:.4g} cm long, the former is "
            f"{200 * brief.former.half_axes_m[2]:.4g} cm. Take half an axis of {math.ceil(needed * 500 + 1e-9)} mm along z"
            f"{advice}."
        )
