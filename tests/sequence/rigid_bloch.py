"""Bloch's equation of many spins of a body that moves as one: pulses as rotations, all between them as gradient areas.

Slow truth beside the simulator: spins stand in columns along which no pulse has a gradient, so that a pulse is one rotation for
each column, and a rigid shift adds the same phase to all. A million spins take seconds. All have the first one's T1 and T2; the
body must be still while a pulse with gradients plays and while a navigator is read.
"""

from __future__ import annotations

import numpy as np

from fullbore.data import AcquisitionFlag, Gradient, RfPulse, Sequence
from fullbore.data.motion import RigidMotion
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence.pulses import SelectivePulse, pulse_response
from fullbore.simulate.cloud import SpinCloud

FINE_S = 1e-6


def navigator_samples(cloud: SpinCloud, played: Sequence, column: np.ndarray) -> np.ndarray:
    """Samples (row, sample) of what is flagged NAVIGATION, zeros elsewhere. column: (n,) which of its columns a spin is in."""
    rows = np.flatnonzero(played.adc >= 0)
    flagged = (played.encoding.flags & int(AcquisitionFlag.NAVIGATION)) != 0
    result = np.zeros((played.encoding.rows, played.encoding.samples), complex)
    body = _Body(cloud, column)
    for block, start in enumerate(played.block_starts_s()):
        time = FINE_S * np.arange(round(played.duration_s[block] / FINE_S) + 1)
        gradients = [_gradient(played, block, axis) for axis in range(3)]
        if played.rf[block] >= 0:
            pulse = played.rf_pulses[played.rf[block]]
            body.turn(pulse, gradients, float(played.rf_phase_rad[block]), start, time[-1])
            continue
        shape = np.stack([np.interp(time, g.times_s, g.values_T_per_m) for g in gradients], axis=1)
        area = _running(shape)
        if played.adc[block] >= 0 and flagged[row := int(np.searchsorted(rows, block))]:
            adc = played.adcs[played.adc[block]]
            at = adc.delay_s + (np.arange(adc.samples) + 0.5) * adc.dwell_s
            k = np.stack([np.interp(at, time, area[:, axis]) for axis in range(3)], axis=1)
            result[row] = body.read(k, at, start) * np.exp(1j * played.adc_phase_rad[block])
        body.wait(area[-1], float(_running((shape * body.shift_m(start + time)).sum(axis=1))[-1]), time[-1])
    return result


def _running(values: np.ndarray) -> np.ndarray:
    """gamma times the integral up to each fine step."""
    steps = 0.5 * FINE_S * (values[1:] + values[:-1])
    return GYROMAGNETIC_RATIO_HZ_PER_T * np.concatenate([0 * values[:1], np.cumsum(steps, axis=0)])


def _gradient(played: Sequence, block: int, axis: int) -> Gradient:
    index, scale = played.gradient[block, axis], played.gradient_scale[block, axis]
    if index < 0:
        return Gradient(times_s=np.array([0.0, FINE_S]), values_T_per_m=np.zeros(2))
    shape = played.gradients[index]
    return Gradient(times_s=shape.times_s, values_T_per_m=scale * shape.values_T_per_m)


class _Body:
    """Where the spins are and what they have become."""

    def __init__(self, cloud: SpinCloud, column: np.ndarray):
        self.cloud, self.column = cloud, column
        self.first = np.unique(column, return_index=True)[1]  # a spin of each column
        self.m, self.mz = np.zeros(len(cloud), complex), np.ones(len(cloud))
        self.k, self.cycles, self.waited_s = np.zeros(3), 0.0, 0.0

    def shift_m(self, time_s: np.ndarray) -> np.ndarray:
        motion = self.cloud.motion
        assert isinstance(motion, RigidMotion) and not motion.turn.values.any()
        return np.stack([np.interp(time_s, motion.shift.times_s, axis) for axis in motion.shift.values.T], axis=-1)

    def wait(self, k_per_m: np.ndarray, cycles: float, length_s: float) -> None:
        self.k, self.cycles, self.waited_s = self.k + k_per_m, self.cycles + cycles, self.waited_s + length_s

    def settle(self) -> None:
        """What has been waited for happens."""
        turns = self.cloud.position_m @ self.k + self.cycles
        self.m *= np.exp(-2j * np.pi * turns - self.waited_s / self.cloud.t2_s)
        self.mz = 1 + (self.mz - 1) * np.exp(-self.waited_s / self.cloud.t1_s)
        self.k, self.cycles, self.waited_s = np.zeros(3), 0.0, 0.0

    def turn(self, pulse: RfPulse, gradients: list[Gradient], phase_rad: float, start_s: float, length_s: float) -> None:
        """A block with a pulse: what it makes of each column's equilibrium and of each component."""
        self.settle()
        here = self.cloud.position_m[self.first] + self.shift_m(np.array(start_s + length_s / 2))
        axes = dict(zip(("read", "phase", "slice"), gradients, strict=True))
        made = SelectivePulse(pulse=pulse, block_s=length_s, bandwidth_Hz=1.0, thickness_m=1.0, **axes)
        place, relaxing = (here[:, 0], here[:, 1], here[:, 2]), {"t1_s": self.cloud.t1_s[0], "t2_s": self.cloud.t2_s[0]}
        starts = ((0.0, 0.0), (1.0, 0.0), (1j, 0.0), (0.0, 1.0))
        ends = [pulse_response(made, position_m=place, start=start, **relaxing) for start in starts]
        # the phase turns the axis of B1's conjugate by its negative
        turned = self.m * np.exp(1j * phase_rad)
        (m, mz), parts = ends[0], (turned.real, turned.imag, self.mz)
        own = [(m_xy - m, m_z - mz) for m_xy, m_z in ends[1:]]
        now = m[self.column] + sum(one[self.column] * part for (one, _), part in zip(own, parts, strict=True))
        self.mz = mz[self.column] + sum(one[self.column] * part for (_, one), part in zip(own, parts, strict=True))
        self.m = now * np.exp(-1j * phase_rad)

    def read(self, k_per_m: np.ndarray, at_s: np.ndarray, start_s: float) -> np.ndarray:
        """Samples at even steps along a line."""
        self.settle()
        place = self.cloud.position_m + self.shift_m(np.array(start_s + at_s.mean()))
        now = self.m * self.cloud.amount * np.exp(-2j * np.pi * (place @ k_per_m[0]))
        step = np.exp(-2j * np.pi * (place @ (k_per_m[1] - k_per_m[0])))
        found = []
        for _ in at_s:
            found.append(now.sum())
            now *= step
        return np.array(found) * np.exp(-at_s / self.cloud.t2_s[0])
