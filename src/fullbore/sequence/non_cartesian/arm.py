"""Readouts that are turned from shot to shot: spokes through the centre, half-spokes and spirals from the centre out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fullbore.data import Adc, Gradient, Limits
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence.block_table import Block
from fullbore.sequence.gradients import delayed, end_s, gentle_lobe, raster_down, raster_up
from fullbore.sequence.read_line import line_shape, spoiled_line
from fullbore.sequence.refusal import Refusal
from fullbore.sequence.waveforms import spiral, spoke

_PATH_SHARE = 0.8
"""Steps of a spiral along its path, of the Nyquist distance 1 / fov."""
_SPIRAL_SLEW = 0.6
"""Share of the gradient mode's slew rate for spirals: nerves feel a long run of turns more than a single ramp."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arm:
    """One readout in a block of its own, on axes of its own that each shot turns.

    read, phase: gradients; phase is None for straight ones. echo_s: when k = 0, from the block's start. lead_area: of the
    read axis by then (T s/m), to be undone beforehand; end_area: what it leaves behind, to be rewound. path_per_m: k of each
    sample, (sample, 3). shiftable: made for any sub-raster shift of its echo. straight: its samples are evenly spaced.
    """

    read: Gradient
    phase: Gradient | None
    adc: Adc
    block_s: float
    echo_s: float
    lead_area: float
    end_area: float
    path_per_m: np.ndarray
    centre_sample: int
    straight: bool

    def block(self, turn: np.ndarray, adc_phase_rad: np.ndarray, sampled: bool) -> Block:
        """The block, turned by (repetition, 3, 3)."""
        events: dict[str, Any] = {"read": self.read, "phase": self.phase, "turn": turn}
        return Block(duration_s=self.block_s, adc=self.adc, adc_phase_rad=adc_phase_rad, sampled=sampled, **events)

    def rows(self, turn: np.ndarray, k_slice: np.ndarray) -> dict[str, Any]:
        """Where the samples of arms lie: turned by (row, 3, 3), on planes at k_slice (row,) cycles/m."""
        level = np.stack([0 * k_slice, 0 * k_slice, k_slice], axis=1)
        if not self.straight:
            return {"curve": 0, "turn": turn, "k_first": level}
        direction, along = turn[:, :, 0], self.path_per_m[:, 0]
        return {"k_first": along[0] * direction + level, "k_step": (along[1] - along[0]) * direction}

    @property
    def curves(self) -> tuple[np.ndarray, ...]:
        """What curved rows follow, as in Encoding."""
        return () if self.straight else (self.path_per_m,)

    def sampling(self) -> dict[str, Any]:
        """samples, dwell_s and centre_sample, as Encoding names them."""
        return {"samples": self.adc.samples, "dwell_s": self.adc.dwell_s, "centre_sample": self.centre_sample}


def spoke_arm(matrix: int, fov_m: float, bandwidth: float, oversampling: int, limits: Limits, *, shift_s: float = 0.0) -> Arm:
    """A full spoke, evenly sampled on its flat top; shift_s moves its echo later by part of a raster step.

    Errors: Refusal for the bandwidth.
    """
    shape = line_shape(matrix, fov_m, bandwidth, oversampling, limits)
    line = spoiled_line(shape, 0.0, limits, shift_s=shift_s)
    along = (np.arange(shape.samples) - shape.samples // 2) / (fov_m * oversampling)
    return Arm(
        read=line.gradient,
        phase=None,
        adc=line.adc,
        block_s=_block_s(line.adc, end_s(line.gradient), limits),
        echo_s=line.echo_s,
        lead_area=line.lead_area,
        end_area=line.gradient.area_T_s_per_m - line.lead_area,
        path_per_m=_on_read(along),
        centre_sample=shape.samples // 2,
        straight=True,
    )


def half_spoke_arm(matrix: int, fov_m: float, bandwidth: float, oversampling: int, limits: Limits) -> Arm:
    """A half-spoke from the centre out, sampled from the first instant of its ramp: the readout of ultrashort echo times.

    bandwidth: Hz per pixel of a full spoke on the flat top. Errors: Refusal for the bandwidth.
    """
    shape = line_shape(matrix, fov_m, bandwidth, oversampling, limits)
    lead = raster_up(limits.adc_dead_time_s, limits.gradient_raster_s)
    radial = spoke(fov_m * oversampling, matrix * oversampling, shape.dwell_s, limits, centre_out=True, ramp_sampling=True)
    gradient = delayed(radial.gradient, lead)
    adc = Adc(samples=radial.adc.samples, dwell_s=shape.dwell_s, delay_s=lead)
    at = lead + (np.arange(adc.samples) + 0.5) * adc.dwell_s
    return Arm(
        read=gradient,
        phase=None,
        adc=adc,
        block_s=_block_s(adc, end_s(gradient), limits),
        echo_s=lead,
        lead_area=0.0,
        end_area=gradient.area_T_s_per_m,
        path_per_m=_on_read(GYROMAGNETIC_RATIO_HZ_PER_T * gradient.area_until_T_s_per_m(at)),
        centre_sample=0,
        straight=False,
    )


def spiral_arm(matrix: int, fov_m: float, interleaves: int, limits: Limits, *, outer_density: float = 1.0) -> Arm:
    """A spiral interleaf from the centre out, which rewinds itself; sampled finely enough for its quickest stretch.

    Errors: Refusal when its dwell time would fall below the ADC's raster.
    """
    calm = replace(limits, slew_T_per_m_s=_SPIRAL_SLEW * limits.slew_T_per_m_s)
    wound = spiral(fov_m, matrix / (2 * fov_m), interleaves, calm, outer_density=outer_density)
    whole = wound.whole()
    fastest = float(np.linalg.norm(wound.readout.values_T_per_m, axis=1).max())
    dwell = raster_down(_PATH_SHARE / (GYROMAGNETIC_RATIO_HZ_PER_T * fastest * fov_m), limits.adc_raster_s)
    if dwell < limits.adc_raster_s:
        legal = tuple([_PATH_SHARE / (GYROMAGNETIC_RATIO_HZ_PER_T * fastest * limits.adc_raster_s)] * 2)
        raise Refusal(field="fov", asked=(fov_m, fov_m), legal=legal, bound="largest", reason="the ADC is no faster")
    lead = raster_up(limits.adc_dead_time_s, limits.gradient_raster_s)
    adc = Adc(samples=int(wound.readout.duration_s / dwell), dwell_s=dwell, delay_s=lead)
    plane = whole.k_per_m((np.arange(adc.samples) + 0.5) * dwell)
    read, phase = whole.gradients(lead)
    return Arm(
        read=read,
        phase=phase,
        adc=adc,
        block_s=_block_s(adc, end_s(read), limits),
        echo_s=lead,
        lead_area=0.0,
        end_area=0.0,
        path_per_m=np.column_stack([plane, np.zeros(len(plane))]),
        centre_sample=0,
        straight=False,
    )


def directed(gradient: Gradient, size: float, areas_T_s_per_m: np.ndarray, duration_s: float) -> Block:
    """A block of one lobe of area `size`, played along vectors of area (repetition, 3) on the logical axes."""
    scale = areas_T_s_per_m / size
    return Block(
        duration_s=duration_s,
        read=gradient,
        phase=gradient,
        slice=gradient,
        read_scale=scale[:, 0],
        phase_scale=scale[:, 1],
        slice_scale=scale[:, 2],
    )


def vector_lobe(areas_T_s_per_m: np.ndarray, duration_s: float, limits: Limits) -> Block:
    """A block that plays vectors of gradient area (repetition, 3) by one shape, legal in every direction."""
    size = float(np.linalg.norm(areas_T_s_per_m, axis=1).max(initial=0.0))
    if size < 1e-15:
        return Block(duration_s=duration_s)
    return directed(gentle_lobe(size, duration_s, limits), size, areas_T_s_per_m, duration_s)


def _on_read(along_per_m: np.ndarray) -> np.ndarray:
    return np.column_stack([along_per_m, np.zeros((len(along_per_m), 2))])


def _block_s(adc: Adc, gradient_end_s: float, limits: Limits) -> float:
    """A block that holds a gradient, and a window with its dead time."""
    read = adc.delay_s + adc.samples * adc.dwell_s + limits.adc_dead_time_s
    return raster_up(max(gradient_end_s, read), limits.block_raster_s)
