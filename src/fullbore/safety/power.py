"""RF: peak B1 and power, and SAR from the mean square of B1 over the worst 10 s and 6 min."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float

from fullbore.data import Change, Finding, PowerModel, Sequence
from fullbore.physics.units import UNITS
from fullbore.safety.place import Place, finding, kept

# IEC 60601-2-33, W/kg over 6 min; any 10 s may have twice as much. Partial body: a - b * exposed share of the mass.
SAR_LIMIT_W_PER_KG = {"normal": {"whole body": 2.0, "head": 3.2}, "first_level": {"whole body": 4.0, "head": 3.2}}
PARTIAL_LIMIT_W_PER_KG = {"normal": (10.0, 8.0), "first_level": (10.0, 6.0)}
LOCAL_LIMIT_W_PER_KG = {"normal": 10.0, "first_level": 20.0}
WINDOWS_S = {"6 min": (360.0, 1.0), "10 s": (10.0, 2.0)}

_UT = 1.0 / UNITS["field"]["uT"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pulses:
    """Every pulse that is played: start and end, s; integral of its weighted |B1|^2, T^2 s; and which RF shim plays it.

    A shim that drives a channel harder than 1 counts with its largest weight, squared.
    """

    start_s: Float[np.ndarray, " pulse"]
    end_s: Float[np.ndarray, " pulse"]
    energy_T2_s: Float[np.ndarray, " pulse"]
    block: np.ndarray
    shim: np.ndarray
    total_s: float


def played_pulses(sequence: Sequence) -> Pulses:
    """The table of all played pulses, in order."""
    block = np.flatnonzero(sequence.rf >= 0)
    which = sequence.rf[block]
    unique = sequence.rf_pulses
    delay = np.array([p.delay_s for p in unique] or [0.0])[which] if len(block) else np.zeros(0)
    length = np.array([p.duration_s for p in unique] or [0.0])[which] if len(block) else np.zeros(0)
    energy = np.array([float(np.sum(np.abs(p.b1_T) ** 2) * p.raster_s) for p in unique] or [0.0])
    start = sequence.block_starts_s()[block] + delay
    shim = sequence.rf_shim[block]
    return Pulses(
        start_s=start, end_s=start + length, energy_T2_s=energy[which] if len(block) else np.zeros(0),
        block=block, shim=shim, total_s=sequence.total_duration_s,
    )  # fmt: skip


def shim_factors(sequence: Sequence, pulses: Pulses) -> Float[np.ndarray, " pulse"]:
    """Largest squared weight of each pulse's shim: a bound to how much more than the plain pulse it deposits."""
    factors = np.array([1.0] + [float(np.abs(w).max() ** 2) for w in sequence.rf_shims])
    return factors[pulses.shim + 1]


def worst_window(pulses: Pulses, weight: Float[np.ndarray, " pulse"], window_s: float) -> tuple[float, float]:
    """Largest mean of weight (an energy per pulse) over any window, per second, and that window's start, s.

    A sequence shorter than the window is averaged over its own duration, as if it were repeated without a pause: the
    cautious reading, because the next sequence may follow at once. The worst window begins or ends with a pulse; both
    are tried for every pulse (within a pulse its power counts as constant).
    """
    if len(pulses.block) == 0 or pulses.total_s <= 0:
        return 0.0, 0.0
    if pulses.total_s <= window_s:
        return float(weight.sum() / pulses.total_s), 0.0
    best, begin = _slid(pulses.start_s, pulses.end_s, weight, float(window_s), float(pulses.total_s))
    return float(best / window_s), float(begin)


@numba.njit(cache=True, nogil=True)
@no_type_check
def _slid(start, end, energy, window, total):
    """(largest energy in a window, its begin): one pass with four hands, the energy before each being a running sum."""
    best, begin = -1.0, 0.0
    count = len(start)
    for way in range(2):
        low, high, below, above = 0, 0, 0.0, 0.0
        for p in range(count):
            t = start[p] if way == 0 else end[p] - window
            t = min(max(t, 0.0), total - window)
            while low < count and end[low] <= t:
                below += energy[low]
                low += 1
            while high < count and end[high] <= t + window:
                above += energy[high]
                high += 1
            inside = above - below
            if low < count and start[low] < t:
                inside -= energy[low] * (t - start[low]) / (end[low] - start[low])
            if high < count and start[high] < t + window:
                inside += energy[high] * (t + window - start[high]) / (end[high] - start[high])
            if inside > best:
                best, begin = inside, t
    return best, begin


def mean_square_T2(sequence: Sequence, window_s: float) -> tuple[float, float]:
    """Largest mean square of |B1| over any window, T^2, and that window's start, s; see `worst_window`."""
    pulses = played_pulses(sequence)
    return worst_window(pulses, pulses.energy_T2_s * shim_factors(sequence, pulses), window_s)


def peak_findings(sequence: Sequence, b1_peak_T: float, power: PowerModel) -> list[Finding]:
    """Largest |B1| of any pulse against the transmitter's, uT, and the power that it takes, W."""
    peaks = np.array([float(np.abs(pulse.b1_T).max()) if len(pulse.b1_T) else 0.0 for pulse in sequence.rf_pulses] + [0.0])
    shims = np.array([1.0] + [float(np.abs(w).max()) for w in sequence.rf_shims])
    played = peaks[sequence.rf] * shims[sequence.rf_shim + 1]
    block = int(played.argmax())
    value = float(played[block])
    excess = max(value / b1_peak_T, 1.0)
    place = Place(block=block, event=f"RF pulse {int(sequence.rf[block])}")
    found = [
        finding(
            sequence, "B1 peak", value * _UT, b1_peak_T * _UT, "uT", place=place,
            advice=f"Lengthen the pulse by {excess - 1:.1%}.",
            changes=(Change(quantity="pulse duration", factor=excess), Change(quantity="flip angle", factor=1 / excess)),
        )
    ]  # fmt: skip
    if power.forward_W_per_T2 > 0 and np.isfinite(power.peak_W):
        watts = power.forward_W_per_T2 * value**2
        stretch = math.sqrt(max(watts / power.peak_W, 1.0))
        found.append(
            finding(
                sequence, "RF power peak", watts, power.peak_W, "W", place=place, basis=power.source,
                advice=f"Lengthen the pulse by {stretch - 1:.1%}.",
                changes=(Change(quantity="pulse duration", factor=stretch), Change(quantity="flip angle", factor=1 / stretch)),
            )
        )  # fmt: skip
    return found


def sar_findings(sequence: Sequence, power: PowerModel, mode: str) -> list[Finding]:
    """SAR of whole body, head, exposed part and 10 g, W/kg, and RF power, W, over the worst 6 min and 10 s; B1+rms, uT."""
    pulses = played_pulses(sequence)
    energy = pulses.energy_T2_s * shim_factors(sequence, pulses)
    limits, share = SAR_LIMIT_W_PER_KG[mode], power.exposed_mass_share
    whole, head = power.whole_body_W_per_kg_per_T2, power.head_W_per_kg_per_T2
    partial = PARTIAL_LIMIT_W_PER_KG[mode][0] - PARTIAL_LIMIT_W_PER_KG[mode][1] * share
    found = []
    for window, (length, factor) in WINDOWS_S.items():
        square, begin = worst_window(pulses, energy, length)
        for part, coefficient, limit in (
            ("whole body", whole, limits["whole body"]),
            ("head", head, limits["head"]),
            ("partial body", whole / share, partial),
        ):
            check = f"SAR {part}, {window}"
            found.append(_mean(sequence, check, coefficient * square, factor * limit, "W/kg", length, begin, power.source))
        found.append(_local(sequence, pulses, energy, power, window, mode))
        if power.forward_W_per_T2 > 0 and np.isfinite(power.mean_W):
            watts = power.forward_W_per_T2 * square
            found.append(_mean(sequence, f"RF power, {window}", watts, power.mean_W, "W", length, begin, power.source))
    ceilings = [limits["whole body"] / whole, limits["head"] / head]
    return [*found, _rms(sequence, pulses, energy, math.sqrt(min(ceilings)), power.source)]


def _local(
    sequence: Sequence, pulses: Pulses, energy: Float[np.ndarray, " pulse"], power: PowerModel, window: str, mode: str
) -> Finding:
    """Local 10 g SAR: by virtual observation points where there are fields, else head SAR times a factor, as a hint."""
    length, factor = WINDOWS_S[window]
    limit, check = factor * LOCAL_LIMIT_W_PER_KG[mode], f"SAR local 10 g, {window}"
    points = power.observation_points
    if points is None:
        square, begin = worst_window(pulses, energy, length)
        value = power.local_factor * power.head_W_per_kg_per_T2 * square
        basis = f"estimate: {power.local_factor:g} times the head SAR; no fields are known, so it is a hint"
        return _mean(sequence, check, value, limit, "W/kg", length, begin, basis, binding=False)
    drives = [np.ones(points.shape[1], dtype=complex), *sequence.rf_shims]
    each = np.array([np.einsum("c,pcd,d->p", np.conj(w), points, w).real for w in drives])[pulses.shim + 1]
    worst, begin = 0.0, 0.0
    for p in range(points.shape[0]):
        value, at = worst_window(pulses, pulses.energy_T2_s * each[:, p], length)
        if value > worst:
            worst, begin = value, at
    basis = f"{len(points)} virtual observation points ({power.source})"
    return _mean(sequence, check, worst, limit, "W/kg", length, begin, basis)


def _rms(sequence: Sequence, pulses: Pulses, energy: Float[np.ndarray, " pulse"], ceiling_T: float, basis: str) -> Finding:
    """B1+rms over the worst 6 min against the lowest that a SAR limit allows."""
    length = WINDOWS_S["6 min"][0]
    square, begin = worst_window(pulses, energy, length)
    value, limit = math.sqrt(square) * _UT, ceiling_T * _UT
    excess = max((value / limit) ** 2, 1.0)
    return _mean(sequence, "B1+rms, 6 min", value, limit, "uT", length, begin, basis, excess=excess)


def _mean(
    sequence: Sequence,
    check: str,
    value: float,
    limit: float,
    unit: str,
    length_s: float,
    begin_s: float,
    basis: str,
    *,
    binding: bool = True,
    excess: float = 0.0,
) -> Finding:
    """One windowed mean; excess: by how much too much power, value over limit unless told."""
    excess = excess or max(value / limit, 1.0)
    lower = 1 / math.sqrt(excess)
    inside, total = kept(value, limit), sequence.total_duration_s
    where = f"worst window from t = {begin_s:.3g} s"
    if total <= length_s:
        where = f"mean over its {total:.3g} s as if repeated without a pause"
    return Finding(
        check=check,
        value=value,
        limit=limit,
        unit=unit,
        allowed=inside or not binding,
        where=where if value > 0 else "",
        advice="" if inside else f"Lengthen TR by {excess - 1:.1%}, or lower every flip angle to {lower:.1%}.",
        event="all RF pulses in the window" if value > 0 else "",
        block=int(np.searchsorted(np.cumsum(sequence.duration_s), begin_s, side="right")) if value > 0 else None,
        time_s=begin_s if value > 0 else None,
        changes=()
        if inside
        else (Change(quantity="repetition time", factor=excess), Change(quantity="flip angle", factor=lower)),
        binding=binding,
        basis=basis,
    )
