"""What a timeline plays, and a pulse as few steps: what all ways to make propagators share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float, Int

from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.simulate.timeline import PulseKind, Timeline

STILL_TURNS = 1e-5
"""A course that strays from its mean by less than this during the pulse, in turns of the farthest spin, is taken as constant."""


def played_pulses(
    timeline: Timeline, *more: Int[np.ndarray, " pulse"]
) -> tuple[Float[np.ndarray, "row _"], Int[np.ndarray, " row"], Int[np.ndarray, " pulse"]]:
    """All that differs: kind, frequency, shim and `more`; the first pulse that plays each, and which each pulse plays."""
    label = np.column_stack([timeline.kind, timeline.frequency_Hz, timeline.shim, *more])
    played, first, which = np.unique(label, axis=0, return_index=True, return_inverse=True)
    return played, first, which.ravel()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PulseSteps:
    """A pulse as few steps: w (step,) gamma b1 in the signal's frame, power its mean square, dt_s, gradient (step, part)."""

    w: Complex[np.ndarray, " step"]
    power: Float[np.ndarray, " step"]
    dt_s: Float[np.ndarray, " step"]
    gradient_Hz_per_m: Float[np.ndarray, "step part"]

    def joined(self, edges: Int[np.ndarray, " n"]) -> PulseSteps:
        """Steps from each of the edges to the next put together, with the means of what they play."""
        dt = np.add.reduceat(self.dt_s, edges)
        mean = [
            np.add.reduceat(part * (self.dt_s if part.ndim == 1 else self.dt_s[:, None]), edges, axis=0)
            for part in (self.w, self.power, self.gradient_Hz_per_m)
        ]
        return PulseSteps(w=mean[0] / dt, power=mean[1] / dt, dt_s=dt, gradient_Hz_per_m=mean[2] / dt[:, None])


def strayed_turns(stray_Hz: Float[np.ndarray, "step part"], step_s: float) -> float:
    """The most that courses without a mean turn a spin during the pulse, beside what their mean does."""
    return float(np.abs(stray_Hz).sum()) * step_s


def is_still(pulse: PulseKind, reach: Float[np.ndarray, " part"]) -> bool:
    """True when spins within `reach` of the shapes do not feel that the gradient changes during the pulse."""
    stray = pulse.gradient_Hz_per_m - pulse.gradient_Hz_per_m.mean(axis=0)
    return strayed_turns(stray * reach, pulse.step_s) < STILL_TURNS


def equal_steps(pulse: PulseKind, reach: Float[np.ndarray, " part"]) -> PulseSteps:
    """The pulse with each run of equal raster steps as one, and the mean gradient where spins within `reach` feel no other."""
    w = np.conj(pulse.b1_T) * GYROMAGNETIC_RATIO_RAD_PER_S_T
    gradient = pulse.gradient_Hz_per_m
    if is_still(pulse, reach):
        gradient = np.repeat(gradient.mean(axis=0, keepdims=True), len(w), axis=0)
    fine = PulseSteps(w=w, power=np.abs(w) ** 2, dt_s=np.full(len(w), pulse.step_s), gradient_Hz_per_m=gradient)
    differs = (np.abs(np.diff(w)) > 1e-12 * np.abs(w).max()) | (np.abs(np.diff(gradient, axis=0)) > 1e-6).any(axis=1)
    return fine.joined(np.concatenate([[0], np.flatnonzero(differs) + 1]))
