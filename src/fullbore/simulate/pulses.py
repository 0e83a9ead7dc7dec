"""Propagators of RF pulses between configuration states.

A propagator acts at the pulse's centre on (F+, F-, Z): precession and relaxation before and after the centre are taken
out exactly, because the intervals between centres account for them. What is left is a smooth function of off-resonance,
so a pulse under a constant gradient needs one table over frequency for all positions, frequency offsets and slices.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.simulate.pulse_kernel import TERMS, propagate
from fullbore.simulate.timeline import PulseKind

POINTS_PER_CYCLE = 20
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


def active_half_width(kind: PulseKind, threshold: float, widest_Hz: float, b1_scale: float) -> float:
    """Frequency (Hz, either side) beyond which the pulse does less than `threshold` to any component, at most `widest_Hz`."""
    step = 1.0 / (8 * kind.duration_s)
    offset = np.arange(-widest_Hz, widest_Hz + step, step)
    ones = np.ones_like(offset)
    still = np.zeros(3)
    terms = propagators(kind, still, 0 * offset, offset, b1_scale * ones, 1e9 * ones, 1e9 * ones)
    active = np.abs(offset[effect(terms) > threshold])
    return float(active.max()) + 2 * step if len(active) else 0.0


def effect(terms: Float[np.ndarray, "*n 12"]) -> Float[np.ndarray, "*n"]:
    """How much a pulse changes a spin: the larger of the transverse magnetisation it makes and the loss of Mz."""
    makes = np.hypot(terms[..., 4], terms[..., 5])
    return np.asarray(np.maximum(makes, np.abs(1 - terms[..., 8])))


class FrequencyTable:
    """Propagators of one kind on a frequency axis for the scale nodes of one tissue, interpolated with four points."""

    def __init__(self, kind: PulseKind, half_width_Hz: float, b1_scale: Float[np.ndarray, " b"], t1_s: float, t2_s: float):
        self._step = 1.0 / (POINTS_PER_CYCLE * kind.duration_s)
        points = int(np.ceil(half_width_Hz / self._step)) + 3
        axis = np.arange(-points, points + 1) * self._step
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
