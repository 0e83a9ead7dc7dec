"""A slot of a gradient-echo EPI sequence: what comes before, a selective pulse, the shot and a spoiler, at any slice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fullbore.data import Limits
from fullbore.sequence.block_table import Block
from fullbore.sequence.epi.shot import EpiLines, EpiShot, design_shot
from fullbore.sequence.module import Module
from fullbore.sequence.preparations import spoiling
from fullbore.sequence.pulses import SelectivePulse
from fullbore.sequence.refusal import Refusal, refuse_spacing

SPOIL_PER_M = 2500.0
"""Net k (cycles/m) along read and slice after a shot."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EpiSlot:
    """What one group of slices plays: fat saturation, pulse, shot and spoiler. wind_s: the block that makes the echo time."""

    before: Module
    pulse: SelectivePulse
    shot: EpiShot
    wind_s: float
    spoil: Module

    @property
    def length_s(self) -> float:
        """From the first block's start to the last one's end."""
        shot = self.shot
        readout = shot.prephase_s + shot.references * shot.train.spacing_s + self.wind_s + shot.lines_s
        return self.before.duration_s + self.pulse.block_s + readout + self.spoil.duration_s

    def blocks(self, offset_m: np.ndarray, shot: np.ndarray, sampled: bool) -> list[Block]:
        """The blocks at slice offsets, each with its shot of the plane, both (repetition,)."""
        tuning = [self.pulse.tuning(float(offset)) for offset in offset_m]
        excite = Block(
            duration_s=self.pulse.block_s,
            rf=self.pulse.pulse,
            slice=self.pulse.slice,
            rf_frequency_Hz=np.array([frequency for frequency, _ in tuning]),
            rf_phase_rad=np.array([phase for _, phase in tuning]),
        )
        references = [replace(block, sampled=sampled) for block in self.shot.reference_blocks()]
        prephase = self.shot.prephase(-self.pulse.rephasing_area_T_s_per_m)
        lines = [self.shot.wind(self.wind_s, shot), *self.shot.line_blocks(sampled)]
        return [*self.before.blocks, excite, prephase, *references, *lines, *self.spoil.blocks]

    def rows(self, shot: int) -> dict[str, Any]:
        """Columns of one shot's rows."""
        start = self.pulse.block_s - self.pulse.centre_s + self.shot.prephase_s
        first = start + self.shot.references * self.shot.train.spacing_s + self.wind_s
        return {**self.shot.rows(shot), "echo_time_s": self.shot.echo_times_s(first, start)}

    @property
    def lead_s(self) -> float:
        """From the slot's start to the excitation's centre."""
        return self.before.duration_s + self.pulse.centre_s

    def header(self) -> dict[str, Any]:
        """What Encoding says of its sampling and of the train."""
        train = self.shot.train
        samples = train.adc.samples
        sampling = {"samples": samples, "dwell_s": train.adc.dwell_s, "centre_sample": samples // 2}
        return {**sampling, "echo_spacing_s": train.spacing_s, "echo_train_length": self.shot.plane.lines.shape[1]}


def design_slot(
    *,
    before: Module,
    pulse: SelectivePulse,
    matrix: tuple[int, int],
    fov_m: tuple[float, float],
    oversampling: int,
    bandwidth: float,
    plane: EpiLines,
    echo_time_s: float,
    limits: Limits,
    slice_k: np.ndarray | None = None,
) -> EpiSlot:
    """The bricks of a slot. Errors: Refusal for `bandwidth` or `echo_time`."""
    shot = design_shot(
        matrix=matrix,
        fov_m=fov_m,
        oversampling=oversampling,
        bandwidth=bandwidth,
        plane=plane,
        limits=limits,
        slice_area=-pulse.rephasing_area_T_s_per_m,
        slice_k=slice_k,
    )
    start = pulse.block_s - pulse.centre_s + shot.prephase_s + shot.references * shot.train.spacing_s
    shortest = start + shot.wind_s + shot.centre_s
    refuse_spacing("echo_time", echo_time_s, shortest, "pulse, reference lines and half the shot", limits.block_raster_s / 2)
    wind = echo_time_s - start - shot.centre_s
    raster = limits.block_raster_s
    if abs(wind / raster - round(wind / raster)) > 1e-3:
        nearest = echo_time_s + (round(wind / raster + 0.5) * raster - wind)
        raise Refusal(field="echo_time", asked=echo_time_s, legal=nearest, bound="nearest", reason="blocks lie on a raster")
    spoil = spoiling((SPOIL_PER_M, 0.0, SPOIL_PER_M), limits)
    return EpiSlot(before=before, pulse=pulse, shot=shot, wind_s=round(wind / raster) * raster, spoil=spoil)
