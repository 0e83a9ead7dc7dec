"""T2 preparation: magnetisation decays with T2 in the plane for a while, refocused, and is stored again."""

from __future__ import annotations

import math

import numpy as np

from fullbore.data import Limits
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T, GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.sequence.module import Module, chained, wait_for
from fullbore.sequence.preparations.saturation import HARD_SHARE, alone
from fullbore.sequence.preparations.spoiling import spoiling
from fullbore.sequence.pulses.shaped import SHAPE_RASTER_S, shaped_pulse

# (flip, phase) in degrees of the steps of a composite pulse
Steps = tuple[tuple[float, float], ...]
TIP_DOWN: Steps = ((90.0, 0.0),)
REFOCUS: Steps = ((90.0, 0.0), (180.0, 90.0), (90.0, 0.0))
TIP_UP: Steps = ((270.0, 0.0), (360.0, 180.0))
MLEV_PHASES_DEG = (0.0, 0.0, 180.0, 180.0)
"""Phases that are added to the composite refocusing pulses: errors of one undo those of another."""
SPOIL_PER_M = 4000.0


def t2_preparation(
    preparation_time_s: float, limits: Limits, *, field: str = "preparation_times", refocusings: int = 4
) -> Module:
    """Tip down, `refocusings` composite 180s with MLEV phases, tip up by 270x(-360x), and a spoiler.

    Mz afterwards is exp(-preparation_time / T2) of what it was, longitudinal relaxation aside: the time counts the share of
    the magnetisation that is in the plane, during the pulses, too (B1 of 0.85 makes 40 ms count as 37). The module's centre
    is the end of the tip up.
    Source: Brittain et al., Magn Reson Med 33:689 (1995); Levitt, Freeman, Ernst, J Magn Reson 47:328 (1982).
    Errors: Refusal naming `field` when the pulses do not fit.
    """
    middles = [_played(REFOCUS, MLEV_PHASES_DEG[n % len(MLEV_PHASES_DEG)], limits) for n in range(refocusings)]
    parts = [_played(TIP_DOWN, 0.0, limits), *middles, _played(TIP_UP, 0.0, limits)]
    spent = _in_plane_s(parts)
    shares = np.full(refocusings + 1, 1.0 / refocusings)
    shares[[0, -1]] /= 2
    raster = limits.block_raster_s
    gaps = [wait_for(field, preparation_time_s * share, spent * share, "the pulses", raster) for share in shares]
    left = preparation_time_s - spent - sum(gap.duration_s for gap in gaps)
    gaps[0] = wait_for(field, gaps[0].duration_s + left, 0.0, "the pulses", raster)
    between = [part for gap, pulse in zip(gaps, parts[1:], strict=True) for part in (gap, pulse)]
    whole = chained(parts[0], *between)
    return Module(blocks=whole.blocks + spoiling((0.0, 0.0, SPOIL_PER_M), limits).blocks, centre_s=whole.duration_s)


def _played(steps: Steps, phase_deg: float, limits: Limits) -> Module:
    """A composite pulse of constant amplitude in its block."""
    amplitude = HARD_SHARE * limits.b1_peak_T
    shape: list[complex] = []
    for flip_deg, turn_deg in steps:
        count = math.ceil(flip_deg / 360 / (GYROMAGNETIC_RATIO_HZ_PER_T * amplitude * SHAPE_RASTER_S) - 1e-9)
        height = math.radians(flip_deg) / (GYROMAGNETIC_RATIO_RAD_PER_S_T * count * SHAPE_RASTER_S)
        shape += [height * np.exp(1j * math.radians(turn_deg + phase_deg))] * count
    flip = math.radians(sum(flip for flip, _ in steps))
    return alone(shaped_pulse(np.array(shape), SHAPE_RASTER_S, limits, flip_rad=flip, use="p"), limits)


def _in_plane_s(parts: list[Module]) -> float:
    """The integral of the transverse share of |M|^2 over the pulses and their dead times, on resonance, from Mz = 1.

    Between the first pulse and the last, all of it is in the plane at the ends of the pulses.
    """
    spin, total = np.array([0.0, 0.0, 1.0]), 0.0
    for module in parts:
        pulse = module.blocks[0].rf
        assert pulse is not None
        before, after = pulse.delay_s, module.duration_s - pulse.delay_s - pulse.duration_s
        total += before * (spin[0] ** 2 + spin[1] ** 2)
        for value in pulse.b1_T:
            turned = _turned(spin, value, pulse.raster_s)
            total += pulse.raster_s * 0.5 * (2 - spin[2] ** 2 - turned[2] ** 2)
            spin = turned
        total += after * (spin[0] ** 2 + spin[1] ** 2)
    return float(total)


def _turned(spin: np.ndarray, b1_T: complex, length_s: float) -> np.ndarray:
    """A spin after a rotation about B1."""
    axis = np.array([b1_T.real, b1_T.imag, 0.0]) / abs(b1_T)
    angle = GYROMAGNETIC_RATIO_RAD_PER_S_T * abs(b1_T) * length_s
    along = axis * (axis @ spin) * (1 - math.cos(angle))
    return np.asarray(spin * math.cos(angle) + np.cross(axis, spin) * math.sin(angle) + along)
