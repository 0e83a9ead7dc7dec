"""Readouts that do not run straight and evenly: their paths through k-space, for the Encoding of a Pulseq file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from fullbore.data import Adc, Geometry
from fullbore.files.pulseq_moments import Course
from fullbore.numerics.unique_rows import unique_rows
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T

STRAIGHT = 5e-7
"""Distance from the chord, over the extent of k-space, from which on a readout is curved."""
_ALIKE = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curves:
    """As in Encoding: curves (sample, 3) each on the axes (read, phase, slice), curve (row,), turns (row, 3, 3)."""

    curves: tuple[np.ndarray, ...] = ()
    curve: np.ndarray | None = None
    turns: np.ndarray | None = None


def curves_of(
    course: Course, blocks: Int[np.ndarray, " row"], adc: Int[np.ndarray, " row"], adcs: tuple[Adc, ...], extent_per_m: float
) -> Curves:
    """Paths of the readouts in these blocks from their first samples on, in LPS; nothing when all run straight and evenly.

    adc: which of adcs each block plays. Rows that play one shape on all their axes, as spokes do, are one curve, turned.
    """
    form = _forms(course, blocks, adc, len(adcs))
    paths = [_path(course, adcs, *divmod(number, len(adcs))) for number in form.pairs]
    away = np.array([np.abs(path - _chord(path)).max() for path in paths] + [0.0])
    reach = np.array([np.abs(path).max() for path in paths] + [0.0])
    apart = np.abs(form.scale) * away[form.which]
    extent = max(extent_per_m, float((np.abs(form.scale) * reach[form.which]).max(initial=0.0)))
    bent = np.flatnonzero(apart.max(axis=1, initial=0.0) > STRAIGHT * extent)
    if not len(bent):
        return Curves()
    which, scale, turns = _turned(form.which[bent], form.scale[bent])
    first, number = unique_rows(np.concatenate([which.astype(np.int64), scale.view(np.int64), adc[bent, None]], axis=1))
    curve = np.full(len(blocks), -1, dtype=np.int32)
    curve[bent] = number
    made = []
    for row in first.tolist():
        path = np.zeros((adcs[int(adc[bent[row]])].samples, 3))
        for axis in np.flatnonzero(which[row] >= 0).tolist():
            path[:, axis] = scale[row, axis] * paths[int(which[row, axis])]
        made.append(path)
    turn = np.tile(np.eye(3), (len(blocks), 1, 1))
    turn[bent] = turns
    return Curves(curves=tuple(made), curve=curve, turns=turn if (turns != np.eye(3)).any() else None)


def along(curves: Curves, geometry: Geometry) -> Curves:
    """Curves in LPS, told on the geometry's axes instead."""
    frame = np.stack([geometry.read, geometry.phase, geometry.slice])
    turns = None if curves.turns is None else frame @ curves.turns @ frame.T
    return Curves(curves=tuple(path @ frame.T for path in curves.curves), curve=curves.curve, turns=turns)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Forms:
    """pairs: shape * number of ADCs + ADC, of each form that is played; which, scale: (row, 3), -1 and 0 for none."""

    pairs: list[int]
    which: np.ndarray
    scale: np.ndarray


def _forms(course: Course, blocks: np.ndarray, adc: np.ndarray, windows: int) -> _Forms:
    """What the axes of each row play while it samples."""
    index = course.gradient[blocks].astype(np.int64)
    pairs, which = np.unique(index * windows + adc[:, None], return_inverse=True)
    silent = index < 0
    which = which.reshape(index.shape) - int((pairs < 0).sum())
    return _Forms(
        pairs=pairs[pairs >= 0].tolist(),
        which=np.where(silent, -1, which),
        scale=np.where(silent, 0.0, course.gradient_scale[blocks]),
    )


def _path(course: Course, adcs: tuple[Adc, ...], shape: int, window: int) -> Float[np.ndarray, " sample"]:
    """k that a shape of scale 1 gathers from the window's first sample to each, cycles/m."""
    adc = adcs[window]
    times = adc.delay_s + (np.arange(adc.samples) + 0.5) * adc.dwell_s
    k = GYROMAGNETIC_RATIO_HZ_PER_T * course.gradients[shape].area_until_T_s_per_m(times)
    return np.asarray(k - k[0])


def _chord(path: Float[np.ndarray, " sample"]) -> Float[np.ndarray, " sample"]:
    return np.linspace(path[0], path[-1], len(path))


def _turned(which: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same for rows of one shape laid along x with turns (row, 3, 3) that bring it back; others stay, unturned."""
    shape = which.max(axis=1)
    alike = np.flatnonzero(((which == shape[:, None]) | (which < 0)).all(axis=1))
    which, scale, turns = which.copy(), scale + 0.0, np.tile(np.eye(3), (len(which), 1, 1))
    length = np.linalg.norm(scale[alike], axis=1)
    turns[alike] = _bringing_x_to(scale[alike] / np.maximum(length, _ALIKE)[:, None])
    # lengths of unit directions differ in their last digits
    values, nearest = np.unique(np.round(length / _ALIKE), return_inverse=True)
    which[alike], scale[alike] = -1, 0.0
    which[alike, 0], scale[alike, 0] = shape[alike], (values * _ALIKE)[nearest.reshape(-1)]
    return which, scale, turns


def _bringing_x_to(direction: Float[np.ndarray, "row 3"]) -> Float[np.ndarray, "row 3 3"]:
    """Rotations whose first column is the direction."""
    smallest = np.eye(3)[np.abs(direction).argmin(axis=1)]
    second = np.cross(direction, smallest)
    second /= np.maximum(np.linalg.norm(second, axis=1), _ALIKE)[:, None]
    return np.stack([direction, second, np.cross(direction, second)], axis=2)
