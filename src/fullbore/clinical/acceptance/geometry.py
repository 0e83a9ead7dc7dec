"""Geometric accuracy (ACR test 1, NEMA MS 2): lengths across an object, edge to edge, and the points of a grid."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d

from fullbore.clinical.acceptance.plane import Plane
from fullbore.errors import DataError

_STEP = 0.1  # of a pixel: between the points of a profile
_PLATEAU_M = (0.004, 0.012)  # inside an edge, where its own level is read


def chord_m(
    plane: Plane, centre_m: tuple[float, float], angle_rad: float | int, reach_m: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Where a line through a centre leaves the object, both ends (x, y), m.

    Source: Phantom Test Guidance for the ACR MRI Accreditation Program (edges at half of the signal). Each end's level is that of
    the signal just inside it, so that shading does not move it. Errors: DataError when an end is not found within reach_m.
    """
    ways = np.array([[np.cos(angle_rad), np.sin(angle_rad)]])
    ends = []
    for way in (-ways[0], ways[0]):
        step = _STEP * min(plane.pixel_m)
        place = np.arange(0.5 * reach_m, reach_m, step)
        values = plane.at(centre_m[0] + way[0] * place, centre_m[1] + way[1] * place)
        edge = _outer_edge(place, values)
        ends.append((centre_m[0] + float(way[0]) * edge, centre_m[1] + float(way[1]) * edge))
    return ends[0], ends[1]


def length_m(ends: tuple[tuple[float, float], tuple[float, float]]) -> float:
    """From end to end."""
    return float(np.hypot(ends[1][0] - ends[0][0], ends[1][1] - ends[0][1]))


def _outer_edge(place_m: np.ndarray, values: np.ndarray) -> float:
    """The outermost fall through half of the level inside it."""
    bright = np.flatnonzero(values > 0.5 * np.percentile(values, 75))
    if not len(bright) or bright[-1] == len(values) - 1:
        raise DataError("geometric accuracy: no edge along a line; is the object inside the field of view?")
    rough = place_m[bright[-1]]
    inside = (place_m > rough - _PLATEAU_M[1]) & (place_m < rough - _PLATEAU_M[0])
    level = 0.5 * float(np.median(values[inside])) if inside.any() else 0.5 * float(np.percentile(values, 75))
    last = np.flatnonzero(values > level)
    if not len(last) or last[-1] == len(values) - 1:
        raise DataError("geometric accuracy: no edge along a line; is the object inside the field of view?")
    i = int(last[-1])
    share = (values[i] - level) / (values[i] - values[i + 1])
    return float(place_m[i] + share * (place_m[i + 1] - place_m[i]))


def grid_crossings_m(
    plane: Plane, centre_m: tuple[float, float], pitch_m: float, cells: int, within_m: float
) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, "n 2"]]:
    """Where a grid of dark walls crosses (true, found), both relative to the grid's middle; only crossings within a radius.

    Each wall is found at the darkest place of profiles half a cell to both sides of a crossing.
    """
    lines = (np.arange(cells + 1) - cells / 2) * pitch_m
    x, y = (part.ravel() for part in np.meshgrid(lines, lines))
    inside = np.hypot(x, y) < within_m
    true = np.stack([x[inside], y[inside]], axis=1)
    offset = np.arange(-0.4, 0.4001, 0.01) * pitch_m
    found = np.empty_like(true)
    for axis in (0, 1):
        dark = np.zeros((len(true), len(offset)))
        for side in (-0.5, 0.5):
            places = np.repeat(true[:, None, :], len(offset), axis=1) + centre_m
            places[:, :, axis] += offset
            places[:, :, 1 - axis] += side * pitch_m
            dark += plane.at(np.ascontiguousarray(places[..., 0]), np.ascontiguousarray(places[..., 1]))
        found[:, axis] = true[:, axis] + _darkest(offset, dark)
    return true, found


def _darkest(offset_m: np.ndarray, values: np.ndarray) -> Float[np.ndarray, " n"]:
    """Middle of the valley of each profile (n, place): the centroid of what lies below half of its depth."""
    smooth = gaussian_filter1d(values, 3.0, axis=1, mode="nearest")
    level = 0.5 * (smooth.max(axis=1) + smooth.min(axis=1))
    depth = np.clip(level[:, None] - smooth, 0, None)
    return np.asarray((depth * offset_m).sum(axis=1) / depth.sum(axis=1))


def grid_distortion(
    true_m: Float[np.ndarray, "n 2"], found_m: Float[np.ndarray, "n 2"]
) -> tuple[float, float, Float[np.ndarray, "n 2"]]:
    """NEMA MS 2: scale along x and y that fits best (1 for a true machine, both at once as their mean) and largest error, m.

    Returns (mean scale, largest displacement, displacements (n, 2)), the displacement after the middle has been laid on itself.
    """
    moved = found_m - found_m.mean(axis=0) + true_m.mean(axis=0)
    error = moved - true_m
    centred = true_m - true_m.mean(axis=0)
    scale = 1 + (centred * error).sum(axis=0) / (centred**2).sum(axis=0)
    return float(scale.mean()), float(np.hypot(*error.T).max()), error
