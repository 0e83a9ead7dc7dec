"""Spin locks for T1rho: tip, lock, tip back, in one pulse without pauses."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from fullbore.data import Limits, RfPulse
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T, GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.sequence.gradients import raster_up
from fullbore.sequence.pulses.adiabatic import adiabatic_half_passage
from fullbore.sequence.pulses.shaped import SHAPE_RASTER_S, refuse_duration, shaped_pulse
from fullbore.sequence.refusal import Refusal

Lock = Literal["simple", "rotary_echo", "balanced"]

_TIP, _TURN = math.pi / 2, math.pi
# (share of the lock or flip of a hard pulse, phase): tips turn about phase 0, which leaves the spins at phase -90 degrees.
_PARTS: dict[str, tuple[tuple[str, float, float], ...]] = {
    "simple": (("tip", _TIP, 0.0), ("lock", 1.0, -_TIP), ("tip", _TIP, _TURN)),
    "rotary_echo": (("tip", _TIP, 0.0), ("lock", 0.5, -_TIP), ("lock", 0.5, _TIP), ("tip", _TIP, _TURN)),
    "balanced": (
        ("tip", _TIP, 0.0),
        ("lock", 0.25, -_TIP),
        ("tip", _TURN, -_TIP),
        ("lock", 0.5, _TIP),
        ("tip", _TURN, _TIP),
        ("lock", 0.25, -_TIP),
        ("tip", _TIP, _TURN),
    ),
}


def spin_lock(
    lock_s: float,
    lock_b1_T: float,
    limits: Limits,
    *,
    kind: Lock = "rotary_echo",
    tip_b1_T: float | None = None,
    inverted: bool = False,
    field: str = "spin_lock_b1",
    duration_field: str = "spin_lock_duration",
) -> RfPulse:
    """A spin lock of lock_s at lock_b1_T between hard pulses: +z returns to +z times exp(-lock_s / T1rho).

    inverted: it returns to -z, for the other half of a phase cycle.
    simple is one lock; rotary_echo turns its second half round, so that errors of B1 unwind; balanced has two 180s as well,
    so that those of B0 do. tip_b1_T: of the hard pulses, the lock's own at least, three quarters of the limit if None.
    Source: Charagundla et al., J Magn Reson 162:113 (2003); Gram et al., Magn Reson Med 85:2771 (2021).
    Errors: Refusal for a B1 above the limit.
    """
    refuse_duration(duration_field, lock_s)
    _refuse_lock(lock_b1_T, limits, field)
    tip = max(0.75 * limits.b1_peak_T, lock_b1_T) if tip_b1_T is None else tip_b1_T
    _refuse_lock(tip, limits, field)
    pieces = []
    parts = _PARTS[kind]
    last = (*parts[-1][:2], 0.0) if inverted else parts[-1]
    for what, size, phase in (*parts[:-1], last):
        if what == "lock":
            amplitude, steps = lock_b1_T, _even_share(lock_s, size)
        else:
            time = raster_up(size / (GYROMAGNETIC_RATIO_RAD_PER_S_T * tip), SHAPE_RASTER_S)
            amplitude, steps = size / (GYROMAGNETIC_RATIO_RAD_PER_S_T * time), round(time / SHAPE_RASTER_S)
        pieces.append(np.full(steps, amplitude * np.exp(1j * phase)))
    return shaped_pulse(np.concatenate(pieces), SHAPE_RASTER_S, limits, flip_rad=0.0, use="p")


def adiabatic_spin_lock(
    lock_s: float,
    lock_b1_T: float,
    limits: Limits,
    *,
    passage_s: float = 6e-3,
    inverted: bool = False,
    field: str = "spin_lock_b1",
    duration_field: str = "spin_lock_duration",
) -> RfPulse:
    """A lock between a half passage down and one back, all of one B1: robust against errors of B1 and B0.

    Spins follow the effective field, whatever its angle, so that nothing turns about it that longer locks would turn further:
    hard pulses off resonance leave some beside it. inverted: the way down sweeps the other side, so that they are locked
    against B1 and return to -z; what recovers along the tilted field is alike in both and cancels in the difference.
    What relaxes in the passages is the same for every lock_s.
    gamma lock_b1 passage_s / 2 pi should be 1.5 or more. Source: Chen, Magn Reson Med 75:1608 (2016).
    """
    refuse_duration(duration_field, lock_s)
    _refuse_lock(lock_b1_T, limits, field)
    least = 1.5 / (GYROMAGNETIC_RATIO_HZ_PER_T * passage_s)
    if lock_b1_T < least:
        reason = f"half passages of {passage_s * 1e3:.3g} ms are not adiabatic below {least * 1e6:.2f} uT"
        raise Refusal(field=field, asked=lock_b1_T, legal=math.ceil(least * 1e9) * 1e-9, bound="smallest", reason=reason)
    down, up = (adiabatic_half_passage(passage_s, limits, b1_T=lock_b1_T, reverse=back) for back in (False, True))
    raster = down.raster_s
    way_down = np.conj(down.b1_T) if inverted else down.b1_T  # its last phase is 0
    lock = np.full(round(lock_s / raster), lock_b1_T)
    return shaped_pulse(np.concatenate([way_down, lock, up.b1_T]), raster, limits, flip_rad=0.0, use="p")


def _even_share(lock_s: float, share: float) -> int:
    """Steps of a share of the lock; a quarter twice is a half."""
    quarter = round(lock_s / SHAPE_RASTER_S / 4)
    return {0.25: quarter, 0.5: 2 * quarter, 1.0: round(lock_s / SHAPE_RASTER_S)}[share]


def _refuse_lock(b1_T: float, limits: Limits, field: str) -> None:
    """Raise Refusal for a B1 above the limit."""
    if b1_T > limits.b1_peak_T * (1 + 1e-12):
        reason = f"the limit of the peak B1 is {limits.b1_peak_T * 1e6:.2f} uT"
        raise Refusal(field=field, asked=b1_T, legal=limits.b1_peak_T, bound="largest", reason=reason)
