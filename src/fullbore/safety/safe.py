"""Nerve stimulation by SAFE: three low-pass filters per axis, on the samples of the gradient raster.

The gradient is sampled at the middle of every raster interval; its differences go through f += alpha (s - f) with
alpha = dt / (tau + dt). Source: Hebrank and Gebhardt 2000, Proc ISMRM 8:2007; discrete form of Szczepankiewicz and Witzel.
Within a segment of constant slew the differences are equal, so n steps of a filter are one: f = s + (f - s) (1 - alpha)^n.
"""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float

from fullbore.data import Change, Finding, SafeModel, Sequence
from fullbore.numerics.unique_rows import unique_rows
from fullbore.physics.units import UNITS
from fullbore.safety.nerves import stimulation_finding
from fullbore.safety.place import AXES
from fullbore.safety.waveform import TICK_S, Waveform

_US = 1.0 / UNITS["time"]["us"]


@numba.njit(cache=True, nogil=True)
@no_type_check
def _runs(shapes, phase, offset, start_s, duration_s, begin, end, dt, room):
    """Runs of equal differences of each (shape, phase) of the raster within it.

    phase: from the last raster edge to the block's start, s. The first difference of a block needs the block before.
    Returns run offsets, counts, differences (run, 3), sample number of each run's first difference, first and last values.
    """
    ends = np.zeros(len(shapes) + 1, dtype=np.int64)
    count, number = np.zeros(room, dtype=np.int64), np.zeros(room, dtype=np.int64)
    difference = np.zeros((room, 3))
    first, last = np.zeros((len(shapes), 3)), np.zeros((len(shapes), 3))
    samples = np.zeros(len(shapes), dtype=np.int64)
    before, value, step = np.zeros(3), np.zeros(3), np.zeros(3)
    n = 0
    for s in range(len(shapes)):
        k, seen = shapes[s], 0
        # Sample j stands at (j + 1/2) dt - phase from the block's start; j0 is the first inside.
        j0 = int(np.ceil(phase[s] / dt - 0.5 - 1e-6))
        j = j0
        for i in range(offset[k], offset[k + 1]):
            until = start_s[i] + duration_s[i]
            here = int(np.ceil((until + phase[s]) / dt - 0.5 - 1e-6)) - j
            if here <= 0:
                continue
            t = (j + 0.5) * dt - phase[s] - start_s[i]
            for a in range(3):
                slope = (end[i, a] - begin[i, a]) / duration_s[i]
                value[a], step[a] = begin[i, a] + t * slope, dt * slope
            if seen == 0:
                first[s] = value
            else:
                difference[n], count[n], number[n] = value - before, 1, j - j0
                n += 1
            if here > 1:
                difference[n], count[n], number[n] = step, here - 1, j - j0 + 1
                n += 1
            before = value + (here - 1) * step
            seen += here
            j += here
        if seen > 0:
            last[s] = before
        samples[s] = seen
        ends[s + 1] = n
    return ends, count[:n].copy(), difference[:n].copy(), number[:n].copy(), first, last, samples


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
@no_type_check
def _step(f, slew, alpha, weight, out):
    """One sample: filters f (filter, axis) on; stimulation of the axes to out; returns its square."""
    total = 0.0
    for a in range(3):
        s = slew[a]
        f[0, a] += alpha[0, a] * (s - f[0, a])
        f[1, a] += alpha[1, a] * (abs(s) - f[1, a])
        f[2, a] += alpha[2, a] * (s - f[2, a])
        out[a] = weight[0, a] * abs(f[0, a]) + weight[1, a] * f[1, a] + weight[2, a] * abs(f[2, a])
        total += out[a] * out[a]
    return total


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
@no_type_check
def _jumped(f, slew, power, weight, after):
    """Where a run leads to, and the square of a bound to the stimulation on the way: each filter's size is largest at an end."""
    total = 0.0
    for a in range(3):
        bound = 0.0
        for m in range(3):
            s = abs(slew[a]) if m == 1 else slew[a]
            after[m, a] = s + (f[m, a] - s) * power[m, a]
            bound += weight[m, a] * max(abs(f[m, a]), abs(after[m, a]))
        total += bound * bound
    return total


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
@no_type_check
def _played(which, scale, samples, first, last, ends, count, difference, number, power_of, power, alpha, weight, dt, course):
    """Peak of the stimulation: (square, block, sample in it, of the axes (3,)). course: (sample, 3), filled when it has room."""
    f, after, slew = np.zeros((3, 3)), np.zeros((3, 3)), np.zeros(3)
    carry, now, at = np.zeros(3), np.zeros(3), np.zeros(3)
    best, block, sample, done, record = 0.0, 0, 0, 0, len(course) > 0
    for b in range(len(which) + 1):
        over = b == len(which)
        s = 0 if over else which[b]
        if not over and samples[s] == 0:
            continue
        for a in range(3):
            value = 0.0 if over else first[s, a] * scale[b, a]
            slew[a] = (value - carry[a]) / dt
            carry[a] = 0.0 if over else last[s, a] * scale[b, a]
        size = _step(f, slew, alpha, weight, now)
        if size > best:
            best, block, sample = size, min(b, len(which) - 1), 0
            at[:] = now
        if over:
            break
        if record:
            course[done] = now
        for i in range(ends[s], ends[s + 1]):
            for a in range(3):
                slew[a] = difference[i, a] * scale[b, a] / dt
            bound = _jumped(f, slew, power[power_of[i]], weight, after)
            silent = slew[0] == 0.0 and slew[1] == 0.0 and slew[2] == 0.0
            if (bound <= best or silent) and not record:
                f[:] = after
                continue
            for j in range(count[i]):
                size = _step(f, slew, alpha, weight, now)
                if record:
                    course[done + number[i] + j] = now
                if size > best:
                    best, block, sample = size, b, number[i] + j
                    at[:] = now
        done += samples[s]
    return best, block, sample, at


def _play(
    wave: Waveform, model: SafeModel, raster_s: float, record: bool
) -> tuple[Float[np.ndarray, " 3"], int, int, Float[np.ndarray, "sample 3"]]:
    """(stimulation of the axes at the peak, its block, sample in the block, time course when recorded)."""
    ticks = np.round(wave.shape_s / TICK_S).astype(np.int64)
    raster = round(raster_s / TICK_S)
    phase = np.zeros(len(wave.kind), dtype=np.int64)
    if (ticks % raster).any():
        phase = np.concatenate([[0], np.cumsum(ticks[wave.kind])[:-1]]) % raster
        rows, which = unique_rows(np.column_stack([wave.kind, phase]))
        shapes = wave.kind[rows].astype(np.int64)
    else:
        rows, which, shapes = np.zeros(len(ticks), dtype=np.int64), wave.kind, np.arange(len(ticks))
    room = 2 * int(np.diff(wave.offset)[shapes].sum()) + 1
    ends, count, difference, number, first, last, samples = _runs(
        shapes,
        phase[rows] * TICK_S,
        wave.offset,
        wave.start_s,
        wave.duration_s,
        wave.begin,
        wave.end,
        raster_s,
        room,
    )
    tau = np.array([model.tau1_s, model.tau2_s, model.tau3_s])
    alpha = raster_s / (tau + raster_s)
    weight = np.array([model.a1, model.a2, model.a3]) * np.asarray(model.g_scale) / np.asarray(model.stim_limit_T_per_m_s)
    counts, power_of = np.unique(count, return_inverse=True)
    power = (1 - alpha) ** counts[:, None, None]
    course = np.zeros((int(samples[which].sum()) if record else 0, 3))
    _, block, sample, at = _played(
        which, wave.scale, samples, first, last, ends, count, difference, number, power_of.reshape(-1), power,
        alpha, weight, raster_s, course,
    )  # fmt: skip
    return at, int(block), int(sample), course


def safe_course(wave: Waveform, model: SafeModel, raster_s: float) -> Float[np.ndarray, "sample 3"]:
    """Stimulation of every axis at every raster edge from 0, as a share of the limit; axes add by root sum of squares."""
    return _play(wave, model, raster_s, True)[3]


def _ramp_s(wave: Waveform, block: int, offset_s: float) -> float:
    """Length of the segment of a block that plays at a time, s."""
    low, high = wave.offset[wave.kind[block]], wave.offset[wave.kind[block] + 1]
    if high <= low:
        return 0.0
    return float(wave.duration_s[low + max(int(np.searchsorted(wave.start_s[low:high], offset_s, side="right")) - 1, 0)])


def safe_finding(sequence: Sequence, wave: Waveform, model: SafeModel, raster_s: float, mode: str) -> Finding:
    """Largest stimulation of the sequence in % of the limit; the normal mode is held to the threshold."""
    axes, block, sample, _ = _play(wave, model, raster_s, False)
    value, axis = float(np.linalg.norm(axes)), int(axes.argmax())
    share = np.asarray(model.stim_threshold_T_per_m_s) / np.asarray(model.stim_limit_T_per_m_s)
    limit = 1.0 if mode == "first_level" else float(share.min())
    excess, offset = max(value / limit, 1.0), sample * raster_s
    # A ramp of fixed height stimulates about as 1 / (c + ramp), c being what the filters' rates make of a short one.
    rates = sum(getattr(model, f"a{n}")[axis] / getattr(model, f"tau{n}_s")[axis] for n in (1, 2, 3))
    added = (excess - 1) * (1 / rates + _ramp_s(wave, block, offset - raster_s))
    advice = f"Lengthen the ramps on axis {AXES[axis]} there by {added * _US:.0f} us, or lower the gradient to {1 / excess:.1%}."
    changes = (
        Change(quantity="ramp time", added=added, unit="s", axis=axis),
        Change(quantity="gradient amplitude", factor=1 / excess),
    )
    check = "nerve stimulation (SAFE)"
    return stimulation_finding(sequence, check, value, limit, axis, block, offset, advice, changes, model.source)
