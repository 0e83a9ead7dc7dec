"""Gradient amplitude, slew and continuity: as played and in every rotation; and the voltage that the coil asks for."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float

from fullbore.data import Change, Finding, GradientChain, Limits, Sequence
from fullbore.physics.units import UNITS
from fullbore.safety.place import AXES, TOLERANCE, Place, finding, gradient_event
from fullbore.safety.waveform import Waveform

_MT_PER_M = 1.0 / UNITS["gradient"]["mT/m"]
_US = 1.0 / UNITS["time"]["us"]
_ROTATED = "The sequence is within the limits as played; turned as a whole, an axis would go beyond them."


@numba.njit(cache=True, nogil=True)
@no_type_check
def worst_blocks(kind, scale, peaks):
    """For each axis, the largest peaks[kind, axis] * |scale| of all blocks: (value (3,), block (3,))."""
    value, block = np.zeros(3), np.zeros(3, dtype=np.int64)
    for b in range(len(kind)):
        for a in range(3):
            size = peaks[kind[b], a] * abs(scale[b, a])
            if size > value[a]:
                value[a], block[a] = size, b
    return value, block


@numba.njit(cache=True, nogil=True)
@no_type_check
def shape_peaks(offset, values):
    """Largest |values| (segment, axis) of each shape: (shape, axis)."""
    out = np.zeros((len(offset) - 1, values.shape[1]))
    for k in range(len(out)):
        for i in range(offset[k], offset[k + 1]):
            for a in range(values.shape[1]):
                out[k, a] = max(out[k, a], abs(values[i, a]))
    return out


@numba.njit(cache=True, nogil=True)
@no_type_check
def worst_vectors(kind, scale, offset, first, second, peaks):
    """Longest vector of `first` and `second` (segment, axis) times scale: (length, block, segment).

    peaks: (shape, axis), the largest of both; blocks that cannot be longer than the best so far are passed over.
    """
    best, block, segment = 0.0, 0, 0
    for b in range(len(kind)):
        k = kind[b]
        x, y, z = scale[b, 0] ** 2, scale[b, 1] ** 2, scale[b, 2] ** 2
        if x * peaks[k, 0] ** 2 + y * peaks[k, 1] ** 2 + z * peaks[k, 2] ** 2 <= best:
            continue
        for i in range(offset[k], offset[k + 1]):
            one = x * first[i, 0] ** 2 + y * first[i, 1] ** 2 + z * first[i, 2] ** 2
            two = x * second[i, 0] ** 2 + y * second[i, 1] ** 2 + z * second[i, 2] ** 2
            if max(one, two) > best:
                best, block, segment = max(one, two), b, i
    return np.sqrt(best), block, segment


@numba.njit(cache=True, nogil=True)
@no_type_check
def worst_jumps(kind, scale, offset, begin, end):
    """Largest jumps of the waveform, at block edges, inside blocks and at the end: axes x, y, z and (last) the vector.

    Returns (size (4,), block (4,), segment (4,), signed jump (3,)); segment -1 is the end of the sequence.
    """
    size, block = np.zeros(4), np.zeros(4, dtype=np.int64)
    segment, signed = np.zeros(4, dtype=np.int64), np.zeros(3)
    carry, jump = np.zeros(3), np.zeros(4)
    inner = np.zeros(len(offset) - 1, dtype=np.bool_)
    for k in range(len(offset) - 1):
        for i in range(offset[k] + 1, offset[k + 1]):
            for a in range(3):
                inner[k] |= abs(begin[i, a] - end[i - 1, a]) > 0.0
    for b in range(len(kind) + 1):
        low, high = (0, 1) if b == len(kind) else (offset[kind[b]], offset[kind[b] + 1])
        if high > low and (b == len(kind) or not inner[kind[b]]):
            high = low + 1
        for i in range(low, high):
            jump[3] = 0.0
            for a in range(3):
                now = 0.0 if b == len(kind) else begin[i, a] * scale[b, a]
                jump[a] = now - (carry[a] if i == low else end[i - 1, a] * scale[b, a])
                jump[3] += jump[a] * jump[a]
            jump[3] = np.sqrt(jump[3])
            for a in range(4):
                if abs(jump[a]) > size[a]:
                    size[a], block[a] = abs(jump[a]), min(b, len(kind) - 1)
                    segment[a] = -1 if b == len(kind) else i
                    if a < 3:
                        signed[a] = jump[a]
        if b < len(kind) and offset[kind[b] + 1] > low:
            for a in range(3):
                carry[a] = end[offset[kind[b] + 1] - 1, a] * scale[b, a]
    return size, block, segment, signed


def amplitude_findings(sequence: Sequence, wave: Waveform, limits: Limits, any_rotation: bool) -> list[Finding]:
    """Largest gradient of each axis, and of the vector, against the machine's, mT/m."""
    limit = limits.gradient_T_per_m
    peaks = np.maximum(shape_peaks(wave.offset, wave.begin), shape_peaks(wave.offset, wave.end))
    values, blocks = worst_blocks(wave.kind, wave.scale, peaks)
    found = [_amplitude(sequence, axis, float(values[axis]), int(blocks[axis]), limit) for axis in range(3)]
    length, block, _ = worst_vectors(wave.kind, wave.scale, wave.offset, wave.begin, wave.end, peaks)
    return [*found, _vector(sequence, "gradient vector", length * _MT_PER_M, limit * _MT_PER_M, "mT/m", block, any_rotation)]


def _amplitude(sequence: Sequence, axis: int, value: float, block: int, limit: float) -> Finding:
    """The finding of one axis."""
    excess = max(value / limit, 1.0)
    return finding(
        sequence, "gradient", value * _MT_PER_M, limit * _MT_PER_M, "mT/m", prefix=f"axis {AXES[axis]}",
        place=Place(block=block, event=gradient_event(sequence, block, axis)),
        advice=f"Lower it to {1 / excess:.1%} and lengthen it by {excess - 1:.1%} to keep its area.",
        changes=(Change(quantity="gradient amplitude", factor=1 / excess, axis=axis),),
    )  # fmt: skip


def _vector(sequence: Sequence, check: str, value: float, limit: float, unit: str, block: int, binding: bool) -> Finding:
    """The finding of the vector: what one axis plays when the whole sequence is turned the worst way."""
    excess = max(value / limit, 1.0)
    quantity, factor = ("gradient amplitude", 1 / excess) if unit == "mT/m" else ("ramp time", excess)
    how = f"Lower all axes to {1 / excess:.1%}" if unit == "mT/m" else f"Lengthen the ramps there by {excess - 1:.1%}"
    return finding(
        sequence, check, value, limit, unit, place=Place(block=block, event="gradients of all axes"), binding=binding,
        advice=f"{how} to play it in every rotation.", changes=(Change(quantity=quantity, factor=factor),),
        basis="" if binding else _ROTATED,
    )  # fmt: skip


def slew_findings(sequence: Sequence, wave: Waveform, limits: Limits, any_rotation: bool) -> list[Finding]:
    """Fastest slew of each axis and of the vector, T/m/s; a jump counts as one ramp over the gradient raster."""
    slew = wave.slew
    peaks = shape_peaks(wave.offset, slew)
    ramps, blocks = worst_blocks(wave.kind, wave.scale, peaks)
    jumps = worst_jumps(wave.kind, wave.scale, wave.offset, wave.begin, wave.end)
    found = []
    for axis in range(3):
        if jumps[0][axis] / limits.gradient_raster_s > ramps[axis]:
            found.append(_jump(sequence, wave, axis, jumps, limits))
        else:
            found.append(_ramp(sequence, wave, slew, axis, float(ramps[axis]), int(blocks[axis]), limits))
    length, block, _ = worst_vectors(wave.kind, wave.scale, wave.offset, slew, slew, peaks)
    jump = float(jumps[0][3]) / limits.gradient_raster_s
    length, block = (jump, int(jumps[1][3])) if jump > length else (float(length), block)
    vector = _vector(sequence, "slew vector", length, limits.slew_T_per_m_s, "T/m/s", block, any_rotation)
    return [*found, vector]


def _ramp(
    sequence: Sequence, wave: Waveform, slew: Float[np.ndarray, "segment 3"], axis: int, value: float, block: int, limits: Limits
) -> Finding:
    """The finding of an axis whose fastest change is a ramp."""
    low, high = wave.offset[wave.kind[block]], wave.offset[wave.kind[block] + 1]
    size = np.abs(slew[low:high, axis])
    i = low + int(np.argmax(size >= (1 - TOLERANCE) * size.max())) if high > low else 0
    start, length = (float(wave.start_s[i]), float(wave.duration_s[i])) if high > low else (0.0, 0.0)
    needed = max(length * (value / limits.slew_T_per_m_s - 1), 0.0)
    whole = np.ceil(needed / limits.gradient_raster_s - TOLERANCE) * limits.gradient_raster_s
    return finding(
        sequence, "slew", value, limits.slew_T_per_m_s, "T/m/s", prefix=f"axis {AXES[axis]}",
        place=Place(block=block, offset_s=start, event=gradient_event(sequence, block, axis)),
        advice=f"Lengthen the ramp by {whole * _US:.0f} us.",
        changes=(Change(quantity="ramp time", added=float(whole), unit="s", axis=axis),),
    )  # fmt: skip


def _jump(
    sequence: Sequence, wave: Waveform, axis: int, jumps: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray], limits: Limits
) -> Finding:
    """The finding of an axis whose fastest change is a jump."""
    size, block, segment = float(jumps[0][axis]), int(jumps[1][axis]), int(jumps[2][axis])
    offset = float(wave.start_s[segment]) if segment >= 0 else float(sequence.duration_s[block])
    jump = float(jumps[3][axis]) * _MT_PER_M
    return finding(
        sequence, "slew", size / limits.gradient_raster_s, limits.slew_T_per_m_s, "T/m/s", prefix=f"axis {AXES[axis]}",
        place=Place(block=block, offset_s=offset, event=gradient_event(sequence, block, axis)),
        advice=f"The waveform jumps by {jump:.3g} mT/m there: make its ends meet, or ramp it to zero.",
        changes=(Change(quantity="gradient end", added=-jump / _MT_PER_M, unit="T/m", axis=axis),),
    )  # fmt: skip


def voltage_findings(sequence: Sequence, wave: Waveform, chain: GradientChain) -> list[Finding]:
    """Largest L dI/dt + R I, V, and largest current, A, of each axis, at both ends of every ramp."""
    sensitivity = np.asarray(chain.sensitivity_T_per_m_A)
    inductive = wave.slew * np.asarray(chain.inductance_H)
    both = [inductive + ends * np.asarray(chain.resistance_ohm) for ends in (wave.begin, wave.end)]
    volts = np.maximum(*(shape_peaks(wave.offset, part / sensitivity) for part in both))
    amperes = np.maximum(*(shape_peaks(wave.offset, part / sensitivity) for part in (wave.begin, wave.end)))
    found = []
    for axis in range(3):
        name, limits = AXES[axis], (chain.voltage_V[axis], chain.current_A[axis])
        (volt, ampere), blocks = zip(*(_worst(wave, peaks, axis) for peaks in (volts, amperes)), strict=True)
        resistive = chain.resistance_ohm[axis] * float(amperes[wave.kind[blocks[0]], axis] * abs(wave.scale[blocks[0], axis]))
        places = [Place(block=block, event=gradient_event(sequence, block, axis)) for block in blocks]
        changes = _slower(volt, limits[0], resistive, axis), _lower(volt, limits[0], axis)
        how = f"Lengthen the ramps there by {changes[0].factor - 1:.1%}, or lower the gradient to {changes[1].factor:.1%}."
        found.append(
            finding(
                sequence, "coil voltage", volt, limits[0], "V", prefix=f"axis {name}", place=places[0], advice=how,
                changes=changes if changes[0].factor < np.inf else changes[1:], basis=chain.source,
            )
        )  # fmt: skip
        lower = _lower(ampere, limits[1], axis)
        found.append(
            finding(
                sequence, "coil current", ampere, limits[1], "A", prefix=f"axis {name}", place=places[1],
                advice=f"Lower the gradient to {lower.factor:.1%}.", changes=(lower,), basis=chain.source,
            )
        )  # fmt: skip
    return found


def _worst(wave: Waveform, peaks: Float[np.ndarray, "shape 3"], axis: int) -> tuple[float, int]:
    """Largest value of one axis and its block."""
    values, blocks = worst_blocks(wave.kind, wave.scale, peaks)
    return float(values[axis]), int(blocks[axis])


def _slower(volt: float, limit: float, resistive: float, axis: int) -> Change:
    """Ramps so much longer that the inductive part fits beside the resistive one, which stays."""
    factor = max((volt - resistive) / (limit - resistive), 1.0) if limit > resistive else np.inf
    return Change(quantity="ramp time", factor=factor, axis=axis)


def _lower(value: float, limit: float, axis: int) -> Change:
    """The gradient as much lower as the value is over its limit."""
    return Change(quantity="gradient amplitude", factor=min(limit / value, 1.0) if value > 0 else 1.0, axis=axis)
