"""Peripheral nerve and cardiac stimulation by the played gradient waveform."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.data import Finding, ScannerSpec, Sequence
from fullbore.physics.stimulation import CARDIAC_LIMIT_T_PER_S, cardiac_exponentials, filter_peaks, nerve_exponentials
from fullbore.physics.units import UNITS
from fullbore.safety.gradients import TOLERANCE
from fullbore.safety.place import AXES, moment
from fullbore.safety.waveform import segments

# IEC 60601-2-33: fraction of the median perception threshold that each operating mode allows.
NERVE_LIMIT = {"normal": 0.8, "first_level": 1.0}

_US = 1.0 / UNITS["time"]["us"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Peak:
    """The worst instant of a filtered waveform: response (3,) of the axes in T/s, where it is, and its segment's length."""

    response: np.ndarray
    block: int
    offset_s: float
    ramp_s: float

    @property
    def size(self) -> float:
        """The axes combined by root sum of squares, T/s."""
        return float(np.linalg.norm(self.response))


def peak_response(
    sequence: Sequence, effective_length_m: tuple[float, float, float], exponentials: tuple[np.ndarray, np.ndarray]
) -> Peak:
    """Filter dB/dt = effective length * slew of the whole sequence and find the worst instant."""
    rates, weights = exponentials
    length = np.asarray(effective_length_m, dtype=np.float64)
    state = np.zeros((3, len(rates)))
    best = Peak(response=np.zeros(3), block=0, offset_s=0.0, ramp_s=0.0)
    for piece in segments(sequence):
        response = filter_peaks(
            piece.duration_s, piece.slew_T_per_m_s * length, piece.step_T_per_m * length, rates, weights, state
        )
        i = int(np.einsum("ij,ij->i", response, response).argmax())
        if np.linalg.norm(response[i]) > best.size:
            ramp = float(piece.duration_s[i])
            best = Peak(response=response[i], block=int(piece.block[i]), offset_s=float(piece.start_s[i]) + ramp, ramp_s=ramp)
    return best


def nerve_finding(sequence: Sequence, spec: ScannerSpec, mode: str) -> Finding:
    """Peripheral nerve stimulation in % of the threshold, axes combined by root sum of squares."""
    model = spec.stimulation
    peak = peak_response(sequence, model.effective_length_m, nerve_exponentials(model.chronaxie_s))
    value, limit = peak.size / model.rheobase_T_per_s, NERVE_LIMIT[mode]
    return _finding("nerve stimulation", sequence, peak, value, limit, _nerve_advice(peak, value / limit, model.chronaxie_s))


def cardiac_finding(sequence: Sequence, spec: ScannerSpec) -> Finding:
    """Cardiac dB/dt in % of the IEC limit (the same in every mode), with the same effective coil lengths."""
    peak = peak_response(sequence, spec.stimulation.effective_length_m, cardiac_exponentials())
    value = peak.size / CARDIAC_LIMIT_T_PER_S
    return _finding("cardiac stimulation", sequence, peak, value, 1.0, f"Lower the slew there by {1 - 1 / max(value, 1):.1%}.")


def _nerve_advice(peak: Peak, excess: float, chronaxie_s: float) -> str:
    """A ramp of fixed height stimulates as 1 / (chronaxie + ramp): how much longer brings it to the limit."""
    added = (excess - 1) * (chronaxie_s + peak.ramp_s)
    axis = AXES[int(np.abs(peak.response).argmax())]
    return f"Lengthen the ramps on axis {axis} there by {added * _US:.0f} us, or lower the gradient to {1 / max(excess, 1):.1%}."


def _finding(check: str, sequence: Sequence, peak: Peak, value: float, limit: float, advice: str) -> Finding:
    """A finding in per cent at the peak's place."""
    allowed = value <= limit * (1 + TOLERANCE)
    axis = AXES[int(np.abs(peak.response).argmax())]
    where = f"mostly axis {axis}, {moment(sequence, peak.block, peak.offset_s)}" if value > 0 else ""
    return Finding(
        check=check,
        value=100 * value,
        limit=100 * limit,
        unit="%",
        allowed=allowed,
        where=where,
        advice="" if allowed else advice,
    )
