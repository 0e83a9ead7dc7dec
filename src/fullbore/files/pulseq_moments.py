"""Where in k-space readouts lie: gradient moments since the last excitation, mirrored by each refocusing pulse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.data import Gradient, RfPulse, Sequence
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T

EXCITING = "eu"
REFOCUSING = "r"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Course:
    """What moves through k-space, columns as in `Sequence`; starts_s: (block,)."""

    rf_pulses: tuple[RfPulse, ...]
    gradients: tuple[Gradient, ...]
    starts_s: np.ndarray
    rf: np.ndarray
    gradient: np.ndarray
    gradient_scale: np.ndarray


def course_of(sequence: Sequence) -> Course:
    """The course of a finished sequence."""
    return Course(
        rf_pulses=sequence.rf_pulses,
        gradients=sequence.gradients,
        starts_s=sequence.block_starts_s(),
        rf=sequence.rf,
        gradient=sequence.gradient,
        gradient_scale=sequence.gradient_scale,
    )


def positions_per_m(course: Course, blocks: np.ndarray, group: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    """k at times within blocks, (row, time, 3), cycles/m.

    blocks: rising (row,). group: (row,), which of times_s (group, time) the row takes, from its block's start.
    An excitation or a pulse of undefined use sets k to zero at its centre, a refocusing pulse turns its sign; others leave
    it. Before the first excitation k counts from the sequence's start.
    """
    starts = _block_moments(course)
    moment = starts[blocks, None, :] + _within(course, blocks, group, times_s)
    played = np.flatnonzero(course.rf >= 0)
    if not len(played) or not len(blocks):
        return moment
    centre = np.array([pulse.delay_s + pulse.centre_s for pulse in course.rf_pulses])
    at_pulse = starts[played] + _within(course, played, course.rf[played], centre[:, None])[:, 0]
    sign, offset = _turns(at_pulse, np.array([pulse.use for pulse in course.rf_pulses])[course.rf[played]])
    last = (
        np.searchsorted(course.starts_s[played] + centre[course.rf[played]], course.starts_s[blocks, None] + times_s[group]) - 1
    )
    begun = last >= 0
    return np.asarray(moment + np.where(begun[..., None], (sign[:, None] * offset)[last], 0.0))


def _turns(moment_per_m: np.ndarray, use: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(sign, offset) after each pulse, so that k = moment + sign * offset, (pulse,) and (pulse, 3).

    A refocusing pulse turns k = M + d into -k = M - 2 M - d. With s the sign so far, s d adds up to 2 s M, so that one
    cumulative sum, taken again from each excitation on, does for all pulses.
    """
    refocuses = use == REFOCUSING
    sign = np.where(np.cumsum(refocuses) % 2, -1.0, 1.0)
    before = np.where(refocuses, -sign, sign)
    total = np.cumsum(np.where(refocuses[:, None], 2 * before[:, None] * moment_per_m, 0.0), axis=0)
    excites = np.isin(use, list(EXCITING))
    latest = np.maximum.accumulate(np.where(excites, np.arange(len(use)), -1))
    base = np.where(latest[:, None] >= 0, (-sign[:, None] * moment_per_m - total)[latest], 0.0)
    return sign, base + total


def _block_moments(course: Course) -> np.ndarray:
    """Moment at each block's start, (block, 3), cycles/m."""
    areas = np.array([gradient.area_T_s_per_m for gradient in course.gradients] + [0.0])
    per_block = areas[course.gradient]
    per_block *= course.gradient_scale
    per_block *= GYROMAGNETIC_RATIO_HZ_PER_T
    total = np.cumsum(per_block, axis=0)
    total -= per_block
    return np.asarray(total)


def _within(course: Course, blocks: np.ndarray, group: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    """Moment from each block's start to times within it, (row, time, 3); each pair of shape and times is integrated once."""
    result = np.zeros((len(blocks), times_s.shape[1], 3))
    for axis in range(3):
        index = course.gradient[blocks, axis]
        on = np.flatnonzero(index >= 0)
        pairs, which = np.unique(index[on].astype(np.int64) * len(times_s) + group[on], return_inverse=True)
        table = np.zeros((len(pairs), times_s.shape[1]))
        for number, pair in enumerate(pairs.tolist()):
            table[number] = course.gradients[pair // len(times_s)].area_until_T_s_per_m(times_s[pair % len(times_s)])
        scale = course.gradient_scale[blocks[on], axis] * GYROMAGNETIC_RATIO_HZ_PER_T
        result[on, :, axis] = table[which] * scale[:, None]
    return result
