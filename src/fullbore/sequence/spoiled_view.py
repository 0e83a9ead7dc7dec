"""One spoiled gradient-echo view: the brick of the 3D scout and of MPRAGE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, runtime_checkable
from typing import Protocol as Interface

import numpy as np

from fullbore.data import Gradient, Limits, RfPulse
from fullbore.sequence.block_table import Block
from fullbore.sequence.gradients import area_of, end_s, gentle_lobe, lobe, raster_down, raster_up
from fullbore.sequence.pulses import hard_pulse
from fullbore.sequence.read_line import LineShape, SpoiledLine, line_shape, spoiled_line
from fullbore.sequence.refusal import Refusal, refuse_spacing

SPOIL_PER_M = 1250.0
"""Net k (cycles/m) that each view gathers along read: more than 1.2 per mm, so that old pathways stay outside the image."""
RF_SPOIL_DEG = 117
"""Quadratic phase increment of RF spoiling. Source: Zur, Wood, Neuringer, Magn Reson Med 21:251 (1991)."""


@runtime_checkable
class SpoiledView(Interface):
    """What a protocol says about its views."""

    @property
    def fov(self) -> tuple[float, float, float]:
        """(read, phase, partition), m."""

    @property
    def matrix(self) -> tuple[int, int, int]:
        """(read, phase, partition)."""

    @property
    def echo_time(self) -> float:
        """Seconds."""

    @property
    def flip_angle(self) -> float:
        """Radians."""

    @property
    def bandwidth(self) -> float:
        """Hz per pixel."""

    @property
    def excitation_duration(self) -> float:
        """Seconds."""

    @property
    def readout_oversampling(self) -> int:
        """Samples over pixels."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class View:
    """One spoiled gradient-echo view: excitation, encoding, readout with rewinding and spoiling.

    phase_edge, partition_edge: k (cycles/m) that scale 1 of the encoding lobes moves. spacing_s: from view to view.
    """

    pulse: RfPulse
    excitation_s: float
    prephase: Gradient
    phase: Gradient
    partition: Gradient
    encoding_s: float
    line: SpoiledLine
    shape: LineShape
    phase_rewind: Gradient
    partition_rewind: Gradient
    phase_edge: float
    partition_edge: float
    spacing_s: float

    @property
    def excitation_centre_s(self) -> float:
        """Centre of the excitation, from the view's start."""
        return self.pulse.delay_s + self.pulse.centre_s

    @property
    def echo_time_s(self) -> float:
        """From the excitation's centre to k = 0."""
        return self.excitation_s - self.excitation_centre_s + self.encoding_s + self.line.echo_s

    def sampling(self) -> dict[str, Any]:
        """samples, dwell_s and centre_sample, as Encoding names them."""
        shape = self.shape
        return {"samples": shape.samples, "dwell_s": shape.dwell_s, "centre_sample": shape.samples // 2}

    def blocks(
        self, k_phase: np.ndarray, k_partition: np.ndarray, rf_phase_rad: np.ndarray, sampled: np.ndarray
    ) -> tuple[Block, ...]:
        """The three blocks of views at (k_phase, k_partition) cycles/m, one repetition each."""
        phase, partition = k_phase / self.phase_edge, k_partition / self.partition_edge
        return (
            Block(duration_s=self.excitation_s, rf=self.pulse, rf_phase_rad=rf_phase_rad),
            Block(
                duration_s=self.encoding_s,
                read=self.prephase,
                phase=self.phase,
                slice=self.partition,
                phase_scale=phase,
                slice_scale=partition,
            ),
            Block(
                duration_s=self.spacing_s - self.excitation_s - self.encoding_s,
                read=self.line.gradient,
                phase=self.phase_rewind,
                slice=self.partition_rewind,
                phase_scale=-phase,
                slice_scale=-partition,
                adc=self.line.adc,
                adc_phase_rad=rf_phase_rad,
                sampled=sampled,
            ),
        )


def design_view(protocol: SpoiledView, spacing: str, limits: Limits) -> View:
    """The view that a protocol asks for. spacing: name of the field that holds the time from view to view.

    All lobes take the time there is. Errors: Refusal for flip, bandwidth, echo time or spacing.
    """
    pulse = hard_pulse(protocol.flip_angle, protocol.excitation_duration, limits)
    excitation = raster_up(pulse.delay_s + pulse.duration_s + limits.rf_ringdown_time_s, limits.block_raster_s)
    shape = line_shape(protocol.matrix[0], protocol.fov[0], protocol.bandwidth, protocol.readout_oversampling, limits)
    edges = tuple((n // 2) / fov for n, fov in zip(protocol.matrix[1:], protocol.fov[1:], strict=True))
    tail = excitation - pulse.delay_s - pulse.centre_s
    encoding, shift = _encoding_time(protocol, shape, edges, tail, limits)
    shortest = excitation + encoding + _readout_time(shape, edges, limits)
    view_s = getattr(protocol, spacing)
    refuse_spacing(spacing, view_s, shortest, "a view's events", limits.block_raster_s)
    end = view_s - excitation - encoding
    line = spoiled_line(shape, SPOIL_PER_M, limits, shift_s=shift, end_s=end)
    wind = [gentle_lobe(area_of(edge), encoding, limits) for edge in edges]
    unwind = [gentle_lobe(area_of(edge), end - line.window_end_s, limits, line.window_end_s) for edge in edges]
    return View(
        pulse=pulse,
        excitation_s=excitation,
        prephase=gentle_lobe(-line.lead_area, encoding, limits),
        phase=wind[0],
        partition=wind[1],
        encoding_s=encoding,
        line=line,
        shape=shape,
        phase_rewind=unwind[0],
        partition_rewind=unwind[1],
        phase_edge=edges[0],
        partition_edge=edges[1],
        spacing_s=view_s,
    )


def _encoding_time(
    protocol: SpoiledView, shape: LineShape, edges: tuple[float, ...], tail_s: float, limits: Limits
) -> tuple[float, float]:
    """Length of the encoding block and shift of the window that give the echo time; tail_s: from RF centre to block end."""
    raster = limits.gradient_raster_s
    late = spoiled_line(shape, SPOIL_PER_M, limits, shift_s=raster)
    shortest = max(end_s(lobe(area, limits)) for area in (late.lead_area, *map(area_of, edges)))
    spare = protocol.echo_time - tail_s - shortest - spoiled_line(shape, SPOIL_PER_M, limits).echo_s
    if spare < -1e-9:
        legal = raster_up(protocol.echo_time - spare, raster)
        reason = f"excitation, encoding and half the readout take {-spare * 1e3:.3f} ms more"
        raise Refusal(field="echo_time", asked=protocol.echo_time, legal=legal, bound="shortest", reason=reason)
    whole = raster_down(spare, raster)
    return shortest + whole, spare - whole


def _readout_time(shape: LineShape, edges: tuple[float, ...], limits: Limits) -> float:
    """Shortest block that reads, rewinds and spoils."""
    line = spoiled_line(shape, SPOIL_PER_M, limits, shift_s=limits.gradient_raster_s)
    rewound = line.window_end_s + max(end_s(lobe(area_of(edge), limits)) for edge in edges)
    return raster_up(max(end_s(line.gradient), rewound), limits.block_raster_s)


def spoil_phase_rad(first: int, count: int) -> np.ndarray:
    """RF phase of excitations first..first+count-1 under quadratic spoiling; exact, so equal phases are equal numbers."""
    n = np.arange(first, first + count, dtype=np.int64)
    return np.deg2rad((RF_SPOIL_DEG * n * (n + 1) // 2) % 360)
