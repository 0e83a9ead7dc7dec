"""Hints about spins: phase by concomitant fields at a radius, and whether a repetition spoils."""

from __future__ import annotations

import math
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float

from fullbore.data import Change, Finding, Sequence
from fullbore.numerics.unique_rows import unique_rows
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.safety.place import Place, finding, kept, moment, time_s
from fullbore.safety.waveform import Waveform

RADIUS_M = 0.1
"""Where the concomitant phase is told: the worst point of this sphere around the isocentre."""
PHASE_HINT_RAD = math.pi / 2
SPOILING_CYCLES = 1.0
"""Cycles per voxel from one excitation to the next that spoil."""
_BALANCED_CYCLES = 0.01

_EXCITES, _REFOCUSES = 1, 2


@numba.njit(cache=True, nogil=True)
@no_type_check
def _integrals(shape, until, offset, start_s, duration_s, begin, end):
    """Integrals from the block's start until a time: x, y, z, xx, yy, zz, xz, yz of unscaled gradients: (row, 8)."""
    out = np.zeros((len(shape), 8))
    u, v, pair = np.zeros(3), np.zeros(3), np.array([[0, 0], [1, 1], [2, 2], [0, 2], [1, 2]])
    for r in range(len(shape)):
        for i in range(offset[shape[r]], offset[shape[r] + 1]):
            d = min(until[r] - start_s[i], duration_s[i])
            if d <= 0:
                break
            for a in range(3):
                u[a] = begin[i, a]
                v[a] = u[a] + (end[i, a] - u[a]) * d / duration_s[i]
                out[r, a] += 0.5 * d * (u[a] + v[a])
            for p in range(5):
                a, b = pair[p]
                out[r, 3 + p] += d * (2 * u[a] * u[b] + u[a] * v[b] + v[a] * u[b] + 2 * v[a] * v[b]) / 6
    return out


@numba.njit(cache=True, nogil=True)
@no_type_check
def _largest(form):
    """Largest size on the unit sphere of zz (x^2 + y^2) / 4 + (xx + yy) z^2 - xz x z - yz y z: its eigenvalue."""
    side, axial = form[2] / 4, form[0] + form[1]
    spread = np.sqrt(((side - axial) / 2) ** 2 + (form[3] ** 2 + form[4] ** 2) / 4)
    return max(abs(side), abs((side + axial) / 2) + spread)


@numba.njit(cache=True, nogil=True)
@no_type_check
def _cycles(voxel, now, pulse, w, factor):
    """Largest area along an edge of the voxel, T s, until the centre of the pulse."""
    largest = 0.0
    for v in range(3):
        area = 0.0
        for a in range(3):
            area += voxel[v, a] * (now[a] + pulse[w, a] * factor[a])
        largest = max(largest, abs(area))
    return largest


@numba.njit(cache=True, nogil=True)
@no_type_check
def _played(which, scale, role, reads, whole, pulse, read, voxel):
    """Follow moments and products of the gradients from excitation to excitation.

    Returns (largest quadratic form at a readout, T^2 s/m^2, its block; least and largest cycles per voxel / gamma of a
    repetition without refocusing, T s, and the block of the excitation that ends the least).
    """
    now, factor = np.zeros(8), np.zeros(8)
    best, block, least, most, at = 0.0, 0, np.inf, 0.0, 0
    excited, refocused = False, False
    for b in range(len(which)):
        w = which[b]
        x, y, z = scale[b, 0], scale[b, 1], scale[b, 2]
        factor[0], factor[1], factor[2], factor[3], factor[4] = x, y, z, x * x, y * y
        factor[5], factor[6], factor[7] = z * z, x * z, y * z
        if role[w] == _EXCITES:
            if excited and not refocused:
                cycles = _cycles(voxel, now, pulse, w, factor)
                most = max(most, cycles)
                if cycles < least:
                    least, at = cycles, b
            excited, refocused = True, False
        if reads[w] and (excited or role[w] == _EXCITES):
            form = np.zeros(5)
            for p in range(5):
                state = now[3 + p] + read[w, 3 + p] * factor[3 + p]
                if role[w] == _EXCITES:
                    state = (read[w, 3 + p] - pulse[w, 3 + p]) * factor[3 + p]
                elif role[w] == _REFOCUSES:
                    state = -now[3 + p] + (read[w, 3 + p] - 2 * pulse[w, 3 + p]) * factor[3 + p]
                form[p] = state
            if _largest(form) > best:
                best, block = _largest(form), b
        for p in range(8):
            if role[w] == _EXCITES:
                now[p] = (whole[w, p] - pulse[w, p]) * factor[p]
            elif role[w] == _REFOCUSES:
                now[p] = -now[p] + (whole[w, p] - 2 * pulse[w, p]) * factor[p]
            else:
                now[p] += whole[w, p] * factor[p]
        refocused |= role[w] == _REFOCUSES
    return best, block, least, most, at


def phase_findings(sequence: Sequence, wave: Waveform, b0_T: float) -> list[Finding]:
    """Concomitant phase at the middle of the readouts, rad, and cycles per voxel that a repetition spoils: both hints."""
    rows, which = unique_rows(np.column_stack([wave.kind, sequence.rf, sequence.adc]))
    shape, rf, adc = wave.kind[rows].astype(np.int64), sequence.rf[rows], sequence.adc[rows]
    pulses, adcs = sequence.rf_pulses, sequence.adcs
    role = np.array([_role(pulses[i].use) if i >= 0 else 0 for i in rf], dtype=np.int64)
    centre = np.array([pulses[i].delay_s + pulses[i].centre_s if i >= 0 else 0.0 for i in rf])
    middle = np.array([adcs[i].delay_s + adcs[i].samples * adcs[i].dwell_s / 2 if i >= 0 else 0.0 for i in adc])
    whole, pulse, read = (
        _integrals(shape, until, wave.offset, wave.start_s, wave.duration_s, wave.begin, wave.end)
        for until in (wave.shape_s[shape] + 1.0, centre, middle)
    )
    voxel = _voxel_m(sequence)
    form, block, least, most, at = _played(which, wave.scale, role, adc >= 0, whole, pulse, read, voxel)
    phase = math.pi * GYROMAGNETIC_RATIO_HZ_PER_T / b0_T * RADIUS_M**2 * float(form)
    found = [_concomitant(sequence, phase, int(block))]
    least, most = GYROMAGNETIC_RATIO_HZ_PER_T * float(least), GYROMAGNETIC_RATIO_HZ_PER_T * float(most)
    if np.isfinite(least) and most > _BALANCED_CYCLES:
        found.append(_spoiling(sequence, least, int(at)))
    return found


def _role(use: str) -> int:
    """Preparation pulses leave the phase alone; a pulse of unknown use counts as an excitation."""
    return {"r": _REFOCUSES, "i": 0, "s": 0, "p": 0}.get(use, _EXCITES)


def _voxel_m(sequence: Sequence) -> Float[np.ndarray, "3 3"]:
    """Edges of a voxel as vectors, one a row, m."""
    geometry = sequence.encoding.geometry
    size = np.asarray(geometry.fov_m) / np.asarray(geometry.matrix)
    return np.ascontiguousarray(np.stack([geometry.read, geometry.phase, geometry.slice]) * size[:, None], dtype=np.float64)


def _concomitant(sequence: Sequence, phase: float, block: int) -> Finding:
    """Phase of the Maxwell terms, Bc = (Gz^2 (x^2+y^2)/4 + (Gx^2+Gy^2) z^2 - Gx Gz x z - Gy Gz y z) / (2 B0)."""
    excess = max(phase / PHASE_HINT_RAD, 1.0)
    return finding(
        sequence, f"concomitant phase at {RADIUS_M * 1e3:.0f} mm", phase, PHASE_HINT_RAD, "rad", binding=False,
        place=Place(block=block, event="middle of the readout"),
        advice=f"Correct it in the reconstruction, balance lobes around a refocusing pulse, or lower them to {excess**-0.5:.1%}.",
        changes=(Change(quantity="gradient amplitude", factor=excess**-0.5),),
    )  # fmt: skip


def _spoiling(sequence: Sequence, cycles: float, block: int) -> Finding:
    """Least cycles per voxel between two excitations, against what dephases a voxel."""
    enough = kept(SPOILING_CYCLES, cycles) if cycles > 0 else False
    voxel = float(np.linalg.norm(_voxel_m(sequence), axis=1).max())
    missing = max(SPOILING_CYCLES - cycles, 0.0) / (GYROMAGNETIC_RATIO_HZ_PER_T * voxel)
    return Finding(
        check="spoiling",
        value=cycles,
        limit=SPOILING_CYCLES,
        unit="cycles per voxel",
        allowed=True,
        where=f"repetition before {moment(sequence, block)}",
        advice="" if enough else f"Enlarge the spoiler by {missing * 1e6:.3g} mT/m ms along the longest edge of the voxel.",
        event="gradients since the last excitation",
        block=block,
        time_s=time_s(sequence, block),
        changes=() if enough else (Change(quantity="spoiler area", added=missing, unit="T s/m"),),
        binding=False,
        at_least=True,
    )
