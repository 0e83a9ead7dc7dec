"""Propagators of RF pulses between configuration states.

A propagator acts at the pulse's centre on (F+, F-, Z): precession and relaxation before and after the centre are taken
out exactly, because the intervals between centres account for them. What is left is a smooth function of off-resonance,
so a pulse under a constant gradient needs one table over frequency for all positions, frequency offsets and slices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.simulate.pulse_kernel import TERMS, propagate, spinors
from fullbore.simulate.timeline import PulseKind

POINTS_PER_CYCLE = 20
WIDEST_TURN_RAD = 0.3
IDENTITY = np.array([1.0, 0, 0, 0, 0, 0, 0, 0, 1.0, 0, 0, 0])


def propagators(
    kind: PulseKind,
    direction: Float[np.ndarray, " 3"],
    position_m: Float[np.ndarray, " n"],
    offset_Hz: Float[np.ndarray, " n"],
    b1_scale: Float[np.ndarray, " n"],
    t1_s: Float[np.ndarray, " n"],
    t2_s: Float[np.ndarray, " n"],
) -> Float[np.ndarray, "n 12"]:
    """Integrate the Bloch equation through the pulse for n spins.

    position_m: along `direction`, the only direction in which the pulse's gradient is felt. offset_Hz: off-resonance less
    the pulse's frequency offset. The RF phase at the centre is taken as zero. Columns: `pulse_kernel.TERMS`.
    """
    result = np.empty((len(position_m), TERMS))
    b1 = np.conj(kind.b1_T) * GYROMAGNETIC_RATIO_RAD_PER_S_T
    gradient, position = (kind.gradient_Hz_per_m @ direction)[:, None], position_m[:, None]
    propagate(b1, gradient, kind.step_s, kind.centre_s, position, offset_Hz, b1_scale, 1 / t1_s, 1 / t2_s, result)
    return result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """How much a pulse changes a spin without relaxation, over offsets `step_Hz` apart."""

    offset_Hz: Float[np.ndarray, " n"]
    effect: Float[np.ndarray, " n"]

    def half_width_Hz(self, threshold: float) -> float:
        """Offset, either side, beyond which the pulse does less than `threshold` to any component; 0 where it does nothing."""
        active = np.abs(self.offset_Hz[self.effect > threshold])
        return float(active.max() + 2 * (self.offset_Hz[1] - self.offset_Hz[0])) if len(active) else 0.0


def profile(kind: PulseKind, widest_Hz: float, b1_scale: float) -> Profile:
    """What a pulse does at offsets up to `widest_Hz` either side."""
    step = 1.0 / (8 * kind.duration_s)
    offset = np.arange(-widest_Hz, widest_Hz + step, step)
    b1 = np.conj(kind.b1_T) * GYROMAGNETIC_RATIO_RAD_PER_S_T * b1_scale
    turn = kind.step_s * np.hypot(np.abs(b1).max(), 2 * np.pi * widest_Hz)
    state = np.empty((4, len(offset)))
    spinors(b1, kind.step_s, int(np.ceil(turn / WIDEST_TURN_RAD)), offset, state)
    kept, flipped = (state[:2] ** 2).sum(axis=0), (state[2:] ** 2).sum(axis=0)
    return Profile(offset_Hz=offset, effect=2 * np.maximum(np.sqrt(kept * flipped), flipped) / (kept + flipped))


def table_points(kind: PulseKind, half_width_Hz: float) -> int:
    """Frequencies in the table of a pulse, an odd number."""
    return 2 * int(np.ceil(half_width_Hz * POINTS_PER_CYCLE * kind.duration_s)) + 7


class FrequencyTable:
    """Propagators of one kind on a frequency axis for the scale nodes of one tissue, interpolated with four points."""

    def __init__(self, kind: PulseKind, half_width_Hz: float, b1_scale: Float[np.ndarray, " b"], t1_s: float, t2_s: float):
        self._step = 1.0 / (POINTS_PER_CYCLE * kind.duration_s)
        points = table_points(kind, half_width_Hz)
        axis = (np.arange(points) - points // 2) * self._step
        self._first = float(axis[0])
        offset, scale = (a.ravel() for a in np.meshgrid(axis, b1_scale, indexing="ij"))
        ones = np.ones_like(offset)
        table = propagators(kind, np.zeros(3), 0 * offset, offset, scale, t1_s * ones, t2_s * ones)
        self._table = table.reshape(len(axis), len(b1_scale), TERMS)

    def __call__(self, offset_Hz: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n b 12"]:
        """Propagators at each offset; the identity outside the table."""
        position = (offset_Hz - self._first) / self._step
        base = np.floor(position).astype(np.int64)
        inside = (base >= 1) & (base < len(self._table) - 2)
        base = np.clip(base, 1, len(self._table) - 3)
        t = np.clip(position - base, 0, 1)[:, None, None]
        weights = (-t * (t - 1) * (t - 2) / 6, (t * t - 1) * (t - 2) / 2, -t * (t + 1) * (t - 2) / 2, t * (t * t - 1) / 6)
        value = sum(w * self._table[base + i - 1] for i, w in enumerate(weights))
        return np.where(inside[:, None, None], value, IDENTITY)
