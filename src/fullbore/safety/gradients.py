"""Gradient amplitude, slew and continuity, axis by axis."""

from __future__ import annotations

import numpy as np

from fullbore.data import Finding, Limits, Sequence
from fullbore.physics.units import UNITS
from fullbore.safety.place import AXES, moment
from fullbore.safety.waveform import Segments, segments

_MT_PER_M = 1.0 / UNITS["gradient"]["mT/m"]
_US = 1.0 / UNITS["time"]["us"]

# A limit that is met to one part in a million is met: sequences are designed onto the limit.
TOLERANCE = 1e-6


def amplitude_findings(sequence: Sequence, limits: Limits) -> list[Finding]:
    """Largest gradient of each axis against the machine's, mT/m."""
    peaks = np.array([np.abs(g.values_T_per_m).max() for g in sequence.gradients] + [0.0])
    played = np.where(sequence.gradient >= 0, peaks[sequence.gradient] * np.abs(sequence.gradient_scale), 0.0)
    return [_amplitude(sequence, axis, played[:, axis], limits.gradient_T_per_m) for axis in range(3)]


def _amplitude(sequence: Sequence, axis: int, played: np.ndarray, limit: float) -> Finding:
    """The finding of one axis; played: (block,) largest |G| of each block."""
    block = int(played.argmax()) if len(played) else 0
    value = float(played[block]) if len(played) else 0.0
    allowed = value <= limit * (1 + TOLERANCE)
    advice = "" if allowed else f"Lower it to {limit / value:.1%} and lengthen it by {value / limit - 1:.1%} to keep its area."
    where = f"axis {AXES[axis]}" + (f", {moment(sequence, block)}" if value > 0 else "")
    return Finding(
        check="gradient",
        value=value * _MT_PER_M,
        limit=limit * _MT_PER_M,
        unit="mT/m",
        allowed=allowed,
        where=where,
        advice=advice,
    )


def slew_findings(sequence: Sequence, limits: Limits) -> list[Finding]:
    """Fastest slew of each axis against the machine's, T/m/s; a jump counts as one ramp over the gradient raster."""
    best = [(0.0, "", "") for _ in range(3)]
    for piece in segments(sequence):
        for axis in range(3):
            worst = _worst(sequence, piece, axis, limits)
            best[axis] = max(best[axis], worst, key=lambda item: item[0])
    return [
        Finding(
            check="slew",
            value=value,
            limit=limits.slew_T_per_m_s,
            unit="T/m/s",
            allowed=value <= limits.slew_T_per_m_s * (1 + TOLERANCE),
            where=f"axis {AXES[axis]}{', ' if where else ''}{where}",
            advice=advice,
        )
        for axis, (value, where, advice) in enumerate(best)
    ]


def _worst(sequence: Sequence, piece: Segments, axis: int, limits: Limits) -> tuple[float, str, str]:
    """(slew, where, advice) of the fastest change of one axis in a piece of waveform."""
    ramp, jump = np.abs(piece.slew_T_per_m_s[:, axis]), np.abs(piece.step_T_per_m[:, axis]) / limits.gradient_raster_s
    is_jump = bool(jump.max() > ramp.max())
    i = int((jump if is_jump else ramp).argmax())
    value = float((jump if is_jump else ramp)[i])
    where = moment(sequence, int(piece.block[i]), float(piece.start_s[i])) if value > 0 else ""
    if value <= limits.slew_T_per_m_s * (1 + TOLERANCE):
        return value, where, ""
    if is_jump:
        size = float(piece.step_T_per_m[i, axis]) * _MT_PER_M
        return value, where, f"The waveform jumps by {size:.3g} mT/m there: make its ends meet, or ramp it to zero."
    needed = float(piece.duration_s[i]) * (value / limits.slew_T_per_m_s - 1)
    whole = np.ceil(needed / limits.gradient_raster_s - TOLERANCE) * limits.gradient_raster_s
    return value, where, f"Lengthen the ramp by {whole * _US:.0f} us."
