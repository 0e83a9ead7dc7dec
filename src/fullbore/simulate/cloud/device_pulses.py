"""What each pulse does to each spin on a device: looked up in a table where spins are many, integrated where they are few."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int, Int64
from torch import Tensor

from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.simulate.cloud.device_cloud import DeviceCloud
from fullbore.simulate.cloud.device_fused import fused
from fullbore.simulate.cloud.device_polynomials import chebyshev_rows, coefficients_at, scaled
from fullbore.simulate.cloud.pulse_shapes import POINTS, POINTS_PER_CYCLE, TOLERANCE
from fullbore.simulate.cloud.pulses import MOST_RATES
from fullbore.simulate.nodes import chebyshev_nodes, chebyshev_terms
from fullbore.simulate.pulse_kernel import TERMS, propagate
from fullbore.simulate.timeline import PulseKind, Timeline

LOOK_UP_BYTES = 256_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Table:
    """Propagators of one kind over (pair of T1 and T2, frequency) as Chebyshev coefficients over the transmit scale.

    values: (rate * frequency * coefficient, 12).
    """

    first_Hz: float
    step_Hz: float
    frequencies: int
    coefficients: int
    values: Float32[Tensor, "entry 12"]


class DevicePulses:
    """Propagators of all pulses that a timeline plays, for any spins of one cloud."""

    def __init__(self, timeline: Timeline, cloud: DeviceCloud):
        self._timeline = timeline
        self.played, which = np.unique(np.column_stack([timeline.kind, timeline.frequency_Hz]), axis=0, return_inverse=True)
        self.which = which.ravel()
        low, high = torch.aminmax(cloud.b1_size)
        self._scale = float(low), float(high)
        self._pairs, self._rate = _pairs(cloud)
        self._tables = {kind: self._make_table(kind, cloud) for kind in map(int, np.unique(self.played[:, 0]))}

    def terms(
        self, part: DeviceCloud, which: Int64[Tensor, " n"], rows: Int[np.ndarray, " kind"]
    ) -> Float32[Tensor, "kind 12 n"]:
        """Propagators of these rows of `played`, (kind, frequency), for spins of the cloud; which: their numbers in it."""
        result = torch.empty((len(rows), TERMS, len(part)), dtype=torch.float32, device=part.device)
        for number, (kind, frequency_Hz) in enumerate(self.played[rows]):
            pulse, table = self._timeline.kinds[int(kind)], self._tables[int(kind)]
            if table is None:
                result[number] = integrate(pulse, part, frequency_Hz)
            else:
                offset = part.off_resonance_Hz - frequency_Hz + part.place @ _constant(pulse, part.device)
                self._look_up(table, offset, part.b1_size, self._rate[which], result[number])
        return result

    def _make_table(self, kind: int, cloud: DeviceCloud) -> _Table | None:
        """None where integrating every spin is cheaper, or where the gradient changes during the pulse."""
        pulse = self._timeline.kinds[kind]
        if not len(self._pairs) or not pulse.has_constant_gradient:
            return None
        frequencies = self.played[self.played[:, 0] == kind, 1]
        low, high = torch.aminmax(cloud.off_resonance_Hz + cloud.place @ _constant(pulse, cloud.device))
        low_Hz, high_Hz = float(low) - frequencies.max(), float(high) - frequencies.min()
        reach = GYROMAGNETIC_RATIO_RAD_PER_S_T * float(np.abs(pulse.b1_T).sum()) * pulse.step_s
        nodes = chebyshev_nodes(chebyshev_terms(reach * (self._scale[1] - self._scale[0]), TOLERANCE), *self._scale)
        step = 1 / (POINTS_PER_CYCLE * pulse.duration_s)
        axis = low_Hz + step * np.arange(-3, int(np.ceil((high_Hz - low_Hz) / step)) + 4)
        if len(axis) * len(nodes) * len(self._pairs) > len(cloud) * len(frequencies):
            return None
        t1, t2 = self._pairs.T
        relax, offset, scale = (a.ravel() for a in np.meshgrid(np.arange(len(t1)), axis, nodes, indexing="ij"))
        still = torch.zeros((len(offset), 0), dtype=torch.float64, device=cloud.device)
        fields = (torch.tensor(x, device=cloud.device) for x in (offset, scale, 1 / t1[relax], 1 / t2[relax]))
        values = _step_through(pulse, np.zeros((len(pulse.b1_T), 0)), still, *fields).T.cpu().double().numpy()
        values = coefficients_at(nodes, values.reshape(len(t1), len(axis), len(nodes), TERMS)).reshape(-1, TERMS)
        return _Table(
            first_Hz=float(axis[0]), step_Hz=float(step), frequencies=len(axis), coefficients=len(nodes),
            values=torch.tensor(values, dtype=torch.float32, device=cloud.device),
        )  # fmt: skip

    def _look_up(
        self,
        table: _Table,
        offset_Hz: Float64[Tensor, " n"],
        scale: Float64[Tensor, " n"],
        rate: Int64[Tensor, " n"],
        out: Float32[Tensor, "12 n"],
    ) -> None:
        """A weighted sum of a table's rows for each spin, a bounded number of spins at a time."""
        size = max(LOOK_UP_BYTES // (40 * POINTS * table.coefficients), 1)
        inner = torch.arange(table.coefficients, device=rate.device)
        for run in (slice(first, first + size) for first in range(0, len(rate), size)):
            x = (offset_Hz[run] - table.first_Hz) / table.step_Hz
            base = x.floor().clamp(2, table.frequencies - 4)
            near = base.long()[:, None] + torch.arange(-2, POINTS - 2, device=x.device)
            rows = ((rate[run, None] * table.frequencies + near) * table.coefficients)[:, :, None] + inner
            weight = lagrange(x - base)[:, :, None] * chebyshev_rows(scaled(scale[run], *self._scale), len(inner))[:, None, :]
            sums = torch.nn.functional.embedding_bag(
                rows.flatten(1), table.values, per_sample_weights=weight.flatten(1), mode="sum"
            )
            out[:, run] = sums.T


def lagrange(t: Float64[Tensor, " n"]) -> Float32[Tensor, "n 6"]:
    """Weights of the polynomial through values at -2, -1, 0, 1, 2, 3, at t."""
    columns = []
    for i in range(-2, POINTS - 2):
        others = [j for j in range(-2, POINTS - 2) if j != i]
        product = torch.ones_like(t)
        for j in others:
            product = product * (t - j) / (i - j)
        columns.append(product)
    return torch.stack(columns, dim=1).to(torch.float32)


def integrate(pulse: PulseKind, part: DeviceCloud, frequency_Hz: float) -> Float32[Tensor, "12 n"]:
    """Propagators by stepping every spin through the pulse, under any gradient."""
    fields = part.off_resonance_Hz - frequency_Hz, part.b1_size, 1 / part.t1_s, 1 / part.t2_s
    return _step_through(pulse, pulse.gradient_Hz_per_m, part.place, *fields)


def _step_through(
    pulse: PulseKind,
    gradient: np.ndarray,
    place: Float64[Tensor, "n c"],
    *fields: Float64[Tensor, " n"],
) -> Float32[Tensor, "12 n"]:
    """On the device with Triton's kernel; without it on the host. fields: offset (Hz), scale, R1, R2."""
    b1 = np.conj(pulse.b1_T) * GYROMAGNETIC_RATIO_RAD_PER_S_T
    kernels = fused(place.device)
    if kernels:
        on_device = (torch.tensor(x, device=place.device) for x in (b1, gradient))
        return kernels.propagate(*on_device, pulse.step_s, pulse.centre_s, place, *fields)
    result = np.empty((len(place), TERMS))
    host = (x.cpu().numpy() for x in (place, *fields))
    propagate(b1, gradient, pulse.step_s, pulse.centre_s, *host, result)
    return torch.tensor(result.T, dtype=torch.float32, device=place.device)


def _constant(pulse: PulseKind, device: torch.device) -> Float64[Tensor, " c"]:
    return torch.tensor(pulse.gradient_Hz_per_m[0], dtype=torch.float64, device=device)


def _pairs(cloud: DeviceCloud) -> tuple[np.ndarray, Int64[Tensor, " n"]]:
    """The different pairs of T1 and T2, (pair, 2), none when there are more than `MOST_RATES`; the pair of each spin."""
    found: list[tuple[float, float]] = []
    number = torch.zeros(len(cloud), dtype=torch.int64, device=cloud.device)
    left = torch.arange(len(cloud), device=cloud.device)
    while len(left):
        if len(found) == MOST_RATES:
            return np.zeros((0, 2)), number
        t1, t2 = cloud.t1_s[left], cloud.t2_s[left]
        found.append((float(t1[0]), float(t2[0])))
        same = (t1 == t1[0]) & (t2 == t2[0])
        number[left[same]] = len(found) - 1
        left = left[~same]
    return np.array(found), number
