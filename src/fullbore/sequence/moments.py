"""What blocks do to spins, integrated exactly: gradient moments, b-tensors and RF energy."""

from __future__ import annotations

from collections.abc import Sequence as Items

import numpy as np

from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T, GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.sequence.block_table import Block

ORDERS = 3
"""Moments M0, M1 and M2."""
# Gauss-Legendre with three points is exact for the fifth order; a product of two quadratics is of fourth.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(3)


def waveforms(blocks: Items[Block]) -> tuple[np.ndarray, np.ndarray]:
    """Corner times (n,) s and gradients (n, 3) T/m on the logical axes of blocks played once, from the first one's start.

    Scales that differ per repetition count with their first value, rotations do not count. Every block's edges are corners,
    given twice, so that jumps stay jumps.
    """
    times, values, start = [], [], 0.0
    for block in blocks:
        own = [np.array([0.0, block.duration_s]), *(g.times_s for g in block.gradients if g is not None)]
        corners = np.unique(np.round(np.concatenate(own), 12))
        value = np.zeros((len(corners), 3))
        scales = (block.read_scale, block.phase_scale, block.slice_scale)
        for axis, (gradient, scale) in enumerate(zip(block.gradients, scales, strict=True)):
            if gradient is not None:
                first = float(np.ravel(scale)[0])
                shape = np.interp(corners, gradient.times_s, gradient.values_T_per_m, left=0.0, right=0.0)
                value[:, axis] = first * shape
        times.append(start + corners)
        values.append(value)
        start += block.duration_s
    return np.concatenate(times or [np.zeros(0)]), np.concatenate(values or [np.zeros((0, 3))])


def moments(
    blocks: Items[Block], *, start_s: float = 0.0, end_s: float | None = None, about_s: float | None = None
) -> np.ndarray:
    """M0 (T s/m), M1 (T s^2/m) and M2 (T s^3/m) on the logical axes, (3 orders, 3 axes).

    Integral of G(t) (t - about)^n from start to end, times from the first block's start; `end_s` is by default the blocks'
    end and `about_s` the start. Source: Nishimura, Macovski, Pauly, IEEE TMI 5:140 (1986).
    """
    times, values = _cut(*waveforms(blocks), start_s, end_s)
    about = start_s if about_s is None else about_s
    result = np.zeros((ORDERS, 3))
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        share = 0.5 * (1 + node)
        at = times[:-1] + share * np.diff(times)
        g = values[:-1] + share * np.diff(values, axis=0)
        part = 0.5 * weight * np.diff(times)
        for order in range(ORDERS):
            result[order] += ((part * (at - about) ** order)[:, None] * g).sum(axis=0)
    return result


def b_tensor(
    blocks: Items[Block], *, excitation_s: float, refocusing_s: Items[float] = (), end_s: float | None = None
) -> np.ndarray:
    """The b-tensor (s/m^2), (3, 3) on the logical axes, of all gradients from an excitation's centre to `end_s` (the echo).

    b = integral q q^T dt with q = gamma * integral G dt, whose sign each refocusing centre turns. All gradients count,
    imaging ones too. Source: Stejskal and Tanner, J Chem Phys 42:288 (1965); Westin et al., NeuroImage 135:345 (2016).
    """
    times, values = _cut(*waveforms(blocks), excitation_s, end_s)
    turns = np.asarray(sorted(refocusing_s), dtype=np.float64)
    for turn in turns:
        times, values = _with_corner(times, values, float(turn))
    middle = 0.5 * (times[1:] + times[:-1])
    sign = 1.0 - 2.0 * (np.searchsorted(turns, middle) % 2)
    step = np.diff(times)[:, None]
    slope = np.diff(values, axis=0)
    area = sign[:, None] * (values[:-1] + 0.5 * slope) * step
    before = np.concatenate([np.zeros((1, 3)), np.cumsum(area, axis=0)[:-1]])
    result = np.zeros((3, 3))
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        share = 0.5 * (1 + node)
        q = GYROMAGNETIC_RATIO_RAD_PER_S_T * (before + sign[:, None] * step * share * (values[:-1] + 0.5 * share * slope))
        result += np.einsum("n,ni,nj->ij", 0.5 * weight * step[:, 0], q, q)
    return result


def rf_energy_T2s(blocks: Items[Block]) -> float:
    """Integral of |B1|^2 over all pulses of blocks played once."""
    pulses = (block.rf for block in blocks if block.rf is not None)
    return float(sum((np.abs(pulse.b1_T) ** 2).sum() * pulse.raster_s for pulse in pulses))


def k_per_m(area_T_s_per_m: np.ndarray | float) -> np.ndarray:
    """Cycles per metre of a gradient area."""
    return np.asarray(area_T_s_per_m) * GYROMAGNETIC_RATIO_HZ_PER_T


def _cut(times: np.ndarray, values: np.ndarray, start_s: float, end_s: float | None) -> tuple[np.ndarray, np.ndarray]:
    """The waveform between two times."""
    end = float(times[-1]) if end_s is None else end_s
    for time in (start_s, end):
        times, values = _with_corner(times, values, time)
    inside = (times >= start_s - 1e-13) & (times <= end + 1e-13)
    return times[inside], values[inside]


def _with_corner(times: np.ndarray, values: np.ndarray, at_s: float) -> tuple[np.ndarray, np.ndarray]:
    """The same waveform with a corner at a time; nothing changes where there is one, or outside."""
    place = int(np.searchsorted(times, at_s))
    if place == 0 or place == len(times) or abs(times[place] - at_s) < 1e-13:
        return times, values
    share = (at_s - times[place - 1]) / (times[place] - times[place - 1])
    value = values[place - 1] + share * (values[place] - values[place - 1])
    return np.insert(times, place, at_s), np.insert(values, place, value, axis=0)
