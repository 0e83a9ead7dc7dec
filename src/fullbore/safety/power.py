"""RF: peak B1, and SAR from the mean square of B1 over the worst 10 s and 6 min."""

from __future__ import annotations

import math

import numpy as np

from fullbore.data import Finding, ScannerSpec, Sequence
from fullbore.physics.units import UNITS
from fullbore.safety.gradients import TOLERANCE
from fullbore.safety.place import moment

# IEC 60601-2-33, W/kg over 6 min; any 10 s may have twice as much.
SAR_LIMIT_W_PER_KG = {"normal": {"whole body": 2.0, "head": 3.2}, "first_level": {"whole body": 4.0, "head": 3.2}}
WINDOWS_S = {"6 min": (360.0, 1.0), "10 s": (10.0, 2.0)}

_UT = 1.0 / UNITS["field"]["uT"]


def peak_finding(sequence: Sequence, b1_peak_T: float) -> Finding:
    """Largest |B1| of any pulse against the transmitter's, uT."""
    peaks = np.array([np.abs(pulse.b1_T).max() for pulse in sequence.rf_pulses] + [0.0])
    played = np.where(sequence.rf >= 0, peaks[sequence.rf], 0.0)
    block = int(played.argmax()) if len(played) else 0
    value = float(played[block]) if len(played) else 0.0
    allowed = value <= b1_peak_T * (1 + TOLERANCE)
    advice = "" if allowed else f"Lengthen the pulse by {value / b1_peak_T - 1:.1%}."
    where = moment(sequence, block) if value > 0 else ""
    return Finding(
        check="B1 peak", value=value * _UT, limit=b1_peak_T * _UT, unit="uT", allowed=allowed, where=where, advice=advice
    )


def mean_square_T2(sequence: Sequence, window_s: float) -> tuple[float, float]:
    """Largest mean square of |B1| over any window, T^2, and that window's start, s.

    A sequence shorter than the window is averaged over its own duration, as if it were repeated without a pause: the
    cautious reading, because the next sequence may follow at once. The worst window begins or ends with a pulse; both
    are tried for every pulse (within a pulse its power counts as constant).
    """
    total = sequence.total_duration_s
    pulsed = np.flatnonzero(sequence.rf >= 0)
    if len(pulsed) == 0 or total <= 0:
        return 0.0, 0.0
    start, end, energy = (np.array(x)[sequence.rf[pulsed]] for x in _pulse_table(sequence))
    origin = sequence.block_starts_s()[pulsed]
    times = np.column_stack([origin + start, origin + end]).ravel()
    joules = np.column_stack([np.cumsum(energy) - energy, np.cumsum(energy)]).ravel()
    if total <= window_s:
        return float(joules[-1] / total), 0.0
    begins = np.clip(np.concatenate([times[0::2], times[1::2] - window_s]), 0.0, total - window_s)
    sums = np.interp(begins + window_s, times, joules) - np.interp(begins, times, joules)
    worst = int(sums.argmax())
    return float(sums[worst] / window_s), float(begins[worst])


def _pulse_table(sequence: Sequence) -> tuple[list[float], list[float], list[float]]:
    """Start and end within the block (s), and integral of |B1|^2 (T^2 s), of every unique pulse."""
    pulses = sequence.rf_pulses
    energy = [float(np.sum(np.abs(p.b1_T) ** 2) * p.raster_s) for p in pulses]
    return [p.delay_s for p in pulses], [p.delay_s + p.duration_s for p in pulses], energy


def sar_findings(sequence: Sequence, spec: ScannerSpec, mode: str) -> list[Finding]:
    """Whole-body and head SAR over the worst 6 min and 10 s, W/kg, and the B1+rms (uT) that goes with the first."""
    coefficients = {"whole body": spec.power.whole_body_W_per_kg_per_T2, "head": spec.power.head_W_per_kg_per_T2}
    limits = SAR_LIMIT_W_PER_KG[mode]
    findings = []
    for window, (length, factor) in WINDOWS_S.items():
        square, begin = mean_square_T2(sequence, length)
        where = _window(sequence.total_duration_s, length, begin) if square > 0 else ""
        findings += [
            _sar(f"SAR {part}, {window}", coefficients[part] * square, factor * limits[part], where) for part in coefficients
        ]
    square, begin = mean_square_T2(sequence, WINDOWS_S["6 min"][0])
    ceiling = min(math.sqrt(limits[part] / coefficients[part]) for part in coefficients)
    rms, where = math.sqrt(square), _window(sequence.total_duration_s, WINDOWS_S["6 min"][0], begin) if square > 0 else ""
    allowed = rms <= ceiling * (1 + TOLERANCE)
    advice = (
        "" if allowed else f"Lengthen TR by {(rms / ceiling) ** 2 - 1:.1%}, or lower every flip angle to {ceiling / rms:.1%}."
    )
    rms_finding = Finding(
        check="B1+rms, 6 min", value=rms * _UT, limit=ceiling * _UT, unit="uT", allowed=allowed, where=where, advice=advice
    )
    return [*findings, rms_finding]


def _sar(check: str, value: float, limit: float, where: str) -> Finding:
    """One SAR finding, W/kg."""
    allowed = value <= limit * (1 + TOLERANCE)
    advice = ""
    if not allowed:
        advice = f"Lengthen TR by {value / limit - 1:.1%}, or lower every flip angle to {math.sqrt(limit / value):.1%}."
    return Finding(check=check, value=value, limit=limit, unit="W/kg", allowed=allowed, where=where, advice=advice)


def _window(total_s: float, length_s: float, begin_s: float) -> str:
    """Which stretch of the sequence was averaged."""
    if total_s <= length_s:
        return f"mean over its {total_s:.3g} s as if repeated without a pause"
    return f"worst window from t = {begin_s:.3g} s"
