"""What each pulse does to each spin of a cloud: interpolated in a table where spins are many, integrated where they are few."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Complex, Float, Float32

from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.simulate.cloud.spins import SpinCloud
from fullbore.simulate.nodes import barycentric_matrix, chebyshev_nodes, chebyshev_terms
from fullbore.simulate.pulse_kernel import TERMS, propagate
from fullbore.simulate.timeline import PulseKind, Timeline

POINTS_PER_CYCLE = 32
MOST_RATES = 64
TOLERANCE = 1e-7


class CloudPulses:
    """Propagators of all pulses that a timeline plays, for any part of one cloud."""

    def __init__(self, timeline: Timeline, cloud: SpinCloud):
        self._timeline = timeline
        label = np.column_stack([timeline.kind, timeline.frequency_Hz])
        self.played, which = np.unique(label, axis=0, return_inverse=True)
        self.which = which.ravel()
        self._rates = _pairs(cloud.t1_s + 1j * cloud.t2_s)
        scale = np.abs(cloud.b1_scale)
        self._scale = float(scale.min()), float(scale.max())
        self._tables = {kind: self._make_tables(kind, cloud) for kind in map(int, np.unique(self.played[:, 0]))}

    def terms(self, part: SpinCloud) -> Float32[np.ndarray, "kind 12 n"]:
        """Propagators of every (kind, frequency) in `played` for spins of the cloud."""
        result = np.empty((len(self.played), TERMS, len(part)), np.float32)
        for number, (kind, frequency_Hz) in enumerate(self.played):
            pulse, tables = self._timeline.kinds[int(kind)], self._tables[int(kind)]
            if tables is None:
                result[number] = integrate(pulse, part, frequency_Hz).T
            else:
                offset = part.off_resonance_Hz - frequency_Hz + part.position_m @ pulse.gradient_Hz_per_m[0]
                self._look_up(tables, offset, part, result[number])
        return result

    def _make_tables(self, kind: int, cloud: SpinCloud) -> _Tables | None:
        """Tables over frequency and transmit scale for every pair of relaxation times; None where integration is cheaper."""
        pulse = self._timeline.kinds[kind]
        if self._rates is None or not pulse.has_constant_gradient:
            return None
        offset = cloud.off_resonance_Hz + cloud.position_m @ pulse.gradient_Hz_per_m[0]
        frequencies = self.played[self.played[:, 0] == kind, 1]
        low, high = float(offset.min() - frequencies.max()), float(offset.max() - frequencies.min())
        reach = GYROMAGNETIC_RATIO_RAD_PER_S_T * float(np.abs(pulse.b1_T).sum()) * pulse.step_s
        scales = chebyshev_nodes(chebyshev_terms(reach * (self._scale[1] - self._scale[0]), TOLERANCE), *self._scale)
        step = 1 / (POINTS_PER_CYCLE * pulse.duration_s)
        axis = low + step * np.arange(-3, int(np.ceil((high - low) / step)) + 4)
        if len(axis) * len(scales) * len(self._rates) > len(cloud) * len(frequencies):
            return None
        return _Tables(pulse, axis, scales, self._rates)

    def _look_up(
        self, tables: _Tables, offset: Float[np.ndarray, " n"], part: SpinCloud, out: Float32[np.ndarray, "12 n"]
    ) -> None:
        assert self._rates is not None
        rate = np.searchsorted(self._rates, part.t1_s + 1j * part.t2_s)  # complex numbers sort by both parts
        weight = barycentric_matrix(tables.scales, np.abs(part.b1_scale))
        _interpolate((offset - tables.first) / tables.step, rate, weight, tables.values, out)


def _pairs(t1_and_t2_s: Complex[np.ndarray, " n"]) -> Complex[np.ndarray, " r"] | None:
    """The different pairs (T1 + i T2), sorted, or None when there are more than `MOST_RATES`."""
    found: list[complex] = []
    while len(t1_and_t2_s):
        if len(found) == MOST_RATES:
            return None
        found.append(complex(t1_and_t2_s[0]))
        t1_and_t2_s = t1_and_t2_s[t1_and_t2_s != found[-1]]
    return np.sort(np.array(found))


class _Tables:
    """Propagators of one pulse kind over relaxation times (T1 + i T2), frequency and transmit scale."""

    def __init__(
        self, pulse: PulseKind, axis: Float[np.ndarray, " f"], scales: Float[np.ndarray, " b"], rates: Complex[np.ndarray, " r"]
    ):
        self.first, self.step, self.scales = float(axis[0]), float(axis[1] - axis[0]), scales
        relax, offset, scale = (a.ravel() for a in np.meshgrid(np.arange(len(rates)), axis, scales, indexing="ij"))
        values = np.empty((len(offset), TERMS))
        b1 = np.conj(pulse.b1_T) * GYROMAGNETIC_RATIO_RAD_PER_S_T
        still = np.zeros((len(b1), 0)), np.zeros((len(offset), 0))
        r1, r2 = 1 / rates.real[relax], 1 / rates.imag[relax]
        propagate(b1, still[0], pulse.step_s, pulse.centre_s, still[1], offset, scale, r1, r2, values)
        self.values: Float[np.ndarray, "r f b 12"] = values.reshape(len(rates), len(axis), len(scales), TERMS)


def integrate(pulse: PulseKind, part: SpinCloud, frequency_Hz: float) -> Float[np.ndarray, "n 12"]:
    """Propagators by stepping every spin through the pulse, under any gradient."""
    result = np.empty((len(part), TERMS))
    b1 = np.conj(pulse.b1_T) * GYROMAGNETIC_RATIO_RAD_PER_S_T
    offset = part.off_resonance_Hz - frequency_Hz
    propagate(
        b1, pulse.gradient_Hz_per_m, pulse.step_s, pulse.centre_s, part.position_m, offset, np.abs(part.b1_scale),
        1 / part.t1_s, 1 / part.t2_s, result,
    )  # fmt: skip
    return result


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _interpolate(position, rate, weight, table, out):
    """Six points in frequency, all nodes of the scale. position: (n,) in steps; weight: (n, b); table: (r, f, b, 12)."""
    factor = np.empty(6)
    value = np.empty(table.shape[3])
    for n in range(position.shape[0]):
        base = min(max(int(np.floor(position[n])), 2), table.shape[1] - 4)
        t = position[n] - base
        for i in range(6):
            product = 1.0
            for j in range(6):
                if j != i:
                    product *= (t - (j - 2)) / (i - j)
            factor[i] = product
        value[:] = 0.0
        own = table[rate[n]]
        for i in range(6):
            for b in range(table.shape[2]):
                w = factor[i] * weight[n, b]
                for k in range(value.shape[0]):
                    value[k] += w * own[base - 2 + i, b, k]
        for k in range(value.shape[0]):
            out[k, n] = value[k]
