"""Peripheral nerve and cardiac stimulation by the played gradient waveform: chronaxie and rheobase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float

from fullbore.data import Change, Finding, ScannerSpec, Sequence
from fullbore.physics.stimulation import CARDIAC_LIMIT_T_PER_S, cardiac_exponentials, nerve_exponentials
from fullbore.physics.units import UNITS
from fullbore.safety.place import AXES, Place, finding, gradient_event
from fullbore.safety.waveform import Waveform

# IEC 60601-2-33: fraction of the median perception threshold that each operating mode allows.
NERVE_LIMIT = {"normal": 0.8, "first_level": 1.0}

_US = 1.0 / UNITS["time"]["us"]
# Segments whose ends come this near to the best so far are searched inside as well, where the response turns there.
_NEAR = 0.8
_INSIDE = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Peak:
    """The worst instant of a filtered waveform: response (3,) of the axes in T/s, where it is, and its segment's length."""

    response: Float[np.ndarray, " 3"]
    block: int
    offset_s: float
    ramp_s: float

    @property
    def size(self) -> float:
        """The axes combined by root sum of squares, T/s."""
        return float(np.linalg.norm(self.response))


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
@no_type_check
def _square(state, out):
    """Squared length of the response, which goes to out."""
    total = 0.0
    for a in range(3):
        value = 0.0
        for m in range(state.shape[1]):
            value += state[a, m]
        out[a] = value
        total += value * value
    return total


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
@no_type_check
def _turns(before, state, pull, rates, weights):
    """True when the response's size rises where a segment begins and falls where it ends: its largest is inside."""
    first, last = 0.0, 0.0
    for a in range(3):
        value, rate, value_end, rate_end = 0.0, 0.0, 0.0, 0.0
        for m in range(len(rates)):
            drive = weights[m] * pull[a]
            value += before[a, m]
            rate += drive - rates[m] * before[a, m]
            value_end += state[a, m]
            rate_end += drive - rates[m] * state[a, m]
        first += value * rate
        last += value_end * rate_end
    return first > 0.0 and last < 0.0


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
@no_type_check
def _inside(before, gain, slew, rates, length, out):
    """Largest squared response within a segment that begins in the state `before`: (square, time), response to out."""
    best, when, trial, now = 0.0, 0.0, np.empty_like(before), np.empty(3)
    for step in range(1, _INSIDE):
        t = length * step / _INSIDE
        for m in range(len(rates)):
            decay = np.exp(-rates[m] * t)
            for a in range(3):
                trial[a, m] = before[a, m] * decay + gain[m] * (1.0 - decay) * slew[a]
        size = _square(trial, now)
        if size > best:
            best, when = size, t
            out[:] = now
    return best, when


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
@no_type_check
def _jumped(begin, end, slew, i, scale, b, carry, pull, weights, state):
    """Whether the waveform jumps at a segment's start, which goes to the state; its scaled slew to pull, its end to carry."""
    jumps = False
    for a in range(3):
        step = begin[i, a] * scale[b, a] - carry[a]
        carry[a] = end[i, a] * scale[b, a]
        pull[a] = slew[i, a] * scale[b, a]
        if abs(step) > 1e-12:
            for m in range(len(weights)):
                state[a, m] += weights[m] * step
            jumps = True
    return jumps


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
@no_type_check
def _filtered(kind, scale, offset, begin, end, slew, duration_s, which, decay, rates, weights):
    """Play every segment through sum(weights exp(-rates t)): (square, block, segment, time in it, response (3,)) of the peak.

    which: row of decay = exp(-rates * duration) of each segment. The state is exact at every corner.
    """
    nodes = len(rates)
    gain = weights / rates
    state, before, pull = np.zeros((3, nodes)), np.zeros((3, nodes)), np.zeros(3)
    carry, now, at = np.zeros(3), np.zeros(3), np.zeros(3)
    best, block, segment, when = 0.0, 0, 0, 0.0
    for b in range(len(kind)):
        k = kind[b]
        for i in range(offset[k], offset[k + 1]):
            size = 0.0
            if _jumped(begin, end, slew, i, scale, b, carry, pull, weights, state):
                size = _square(state, now)
                if size > best:
                    best, block, segment, when = size, b, i, 0.0
                    at[:] = now
            before[:] = state
            u = which[i]
            for a in range(3):
                for m in range(nodes):
                    target = gain[m] * pull[a]
                    state[a, m] = target + (state[a, m] - target) * decay[u, m]
            size = max(size, _square(state, now))
            if size > best:
                best, block, segment, when = size, b, i, duration_s[i]
                at[:] = now
            if size > _NEAR * _NEAR * best and _turns(before, state, pull, rates, weights):
                size, t = _inside(before, gain, pull, rates, duration_s[i], now)
                if size > best:
                    best, block, segment, when = size, b, i, t
                    at[:] = now
    for a in range(3):
        state[a] -= weights * carry[a]
    size = _square(state, now)
    if size > best:
        best, block, segment, when = size, len(kind) - 1, -1, 0.0
        at[:] = now
    return best, block, segment, when, at


def peak_response(
    wave: Waveform,
    effective_length_m: tuple[float, float, float],
    exponentials: tuple[Float[np.ndarray, " node"], Float[np.ndarray, " node"]],
) -> Peak:
    """Filter dB/dt = effective length * slew of the whole sequence and find the worst instant.

    Exact at corners; segments near the peak are searched at seven instants inside, too.
    """
    rates, weights = exponentials
    scale = wave.scale * np.asarray(effective_length_m, dtype=np.float64)
    ticks, which = np.unique(np.round(wave.duration_s * 1e12), return_inverse=True)
    decay = np.exp(-np.outer(ticks * 1e-12, rates))
    _, block, segment, when, response = _filtered(
        wave.kind, scale, wave.offset, wave.begin, wave.end, wave.slew, wave.duration_s, which.reshape(-1), decay, rates, weights
    )
    if segment < 0:
        return Peak(response=response, block=block, offset_s=float(wave.shape_s[wave.kind[block]]), ramp_s=0.0)
    if len(wave.start_s) == 0:
        return Peak(response=response, block=0, offset_s=0.0, ramp_s=0.0)
    offset, length = float(wave.start_s[segment]) + float(when), float(wave.duration_s[segment])
    return Peak(response=response, block=int(block), offset_s=offset, ramp_s=length if when > 0 else 0.0)


def nerve_finding(sequence: Sequence, wave: Waveform, spec: ScannerSpec, mode: str) -> Finding:
    """Peripheral nerve stimulation in % of the threshold, axes combined by root sum of squares."""
    model = spec.stimulation
    peak = peak_response(wave, model.effective_length_m, nerve_exponentials(model.chronaxie_s))
    value, limit = peak.size / model.rheobase_T_per_s, NERVE_LIMIT[mode]
    excess, axis = max(value / limit, 1.0), int(np.abs(peak.response).argmax())
    # A ramp of fixed height stimulates as 1 / (chronaxie + ramp): how much longer brings it to the limit.
    added = (excess - 1) * (model.chronaxie_s + peak.ramp_s)
    advice = f"Lengthen the ramps on axis {AXES[axis]} there by {added * _US:.0f} us, or lower the gradient to {1 / excess:.1%}."
    changes = (
        Change(quantity="ramp time", added=added, unit="s", axis=axis),
        Change(quantity="gradient amplitude", factor=1 / excess),
    )
    return stimulation_finding(
        sequence, "nerve stimulation", value, limit, axis, peak.block, peak.offset_s, advice, changes, model.source
    )


def cardiac_finding(sequence: Sequence, wave: Waveform, spec: ScannerSpec) -> Finding:
    """Cardiac dB/dt in % of the IEC limit (the same in every mode), with the same effective coil lengths."""
    peak = peak_response(wave, spec.stimulation.effective_length_m, cardiac_exponentials())
    value = peak.size / CARDIAC_LIMIT_T_PER_S
    excess, axis = max(value, 1.0), int(np.abs(peak.response).argmax())
    # The heart forgets in 3 ms: a longer ramp of the same height helps it little.
    advice = f"Lower the gradients there to {1 / excess:.1%}."
    changes = (Change(quantity="gradient amplitude", factor=1 / excess),)
    return stimulation_finding(
        sequence, "cardiac stimulation", value, 1.0, axis, peak.block, peak.offset_s, advice, changes, spec.stimulation.source
    )


def stimulation_finding(
    sequence: Sequence,
    check: str,
    value: float,
    limit: float,
    axis: int,
    block: int,
    offset_s: float,
    advice: str,
    changes: tuple[Change, ...],
    basis: str,
) -> Finding:
    """A finding in per cent at the peak's place."""
    return finding(
        sequence, check, 100 * value, 100 * limit, "%", prefix=f"mostly axis {AXES[axis]}" if value > 0 else "",
        place=Place(block=block, offset_s=offset_s, event=gradient_event(sequence, block, axis)),
        advice=advice, changes=changes, basis=basis,
    )  # fmt: skip
