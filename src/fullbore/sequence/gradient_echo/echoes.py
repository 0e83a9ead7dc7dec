"""Several readouts after one excitation: each symmetric about its echo, there and back or with a fly-back between."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fullbore.data import AcquisitionFlag, Gradient, Limits
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence.block_table import Block, Value
from fullbore.sequence.gradients import end_s, gentle_lobe, lobe, ramp_s, raster_up
from fullbore.sequence.read_line import EVEN_DWELL_S, BalancedLine, LineShape, balanced_line, balanced_plateau_s, line_shape
from fullbore.sequence.refusal import refuse_spacing

_LONGEST_FLYBACK_S = 1.5e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Echoes:
    """Readouts of one excitation.

    block_s: of each readout, k = 0 at its middle. bipolar: every other runs backward. flyback: between readouts that all run
    forward. spacing_s: from echo to echo.
    """

    count: int
    line: BalancedLine
    shape: LineShape
    bipolar: bool
    block_s: float
    flyback: Gradient | None
    spacing_s: float

    @property
    def first_s(self) -> float:
        """From the start to the first echo."""
        return self.block_s / 2

    @property
    def duration_s(self) -> float:
        """From the first block's start to the last one's end."""
        return (self.count - 1) * self.spacing_s + self.block_s

    @property
    def signs(self) -> np.ndarray:
        """+1 for readouts that run forward, -1 for the others, (echo,)."""
        backward = (np.arange(self.count) % 2 == 1) & self.bipolar
        return np.where(backward, -1.0, 1.0)

    @property
    def area_after_T_s_per_m(self) -> float:
        """Read area from the last echo to the end."""
        return float(self.signs[-1]) * self.line.half_area

    def times_s(self, first_s: float) -> np.ndarray:
        """Echo times, given the first one."""
        return first_s + self.spacing_s * np.arange(self.count)

    def blocks(self, phase_rad: Value, sampled: bool | np.ndarray) -> list[Block]:
        """The readouts and what lies between them."""
        played: list[Block] = []
        for sign in self.signs:
            if played and self.spacing_s - self.block_s > 1e-9:
                played.append(Block(duration_s=self.spacing_s - self.block_s, read=self.flyback))
            read, adc = self.line.gradient, self.line.adc
            block = Block(duration_s=self.block_s, read=read, adc=adc, adc_phase_rad=phase_rad, sampled=sampled)
            played.append(replace(block, read_scale=float(sign)))
        return played

    def sampling(self) -> dict[str, Any]:
        """samples, dwell_s and centre_sample, as Encoding names them."""
        shape = self.shape
        return {"samples": shape.samples, "dwell_s": shape.dwell_s, "centre_sample": shape.samples // 2}

    def columns(self, views: int, first_s: float) -> dict[str, np.ndarray]:
        """Columns of the rows of so many views, echoes inside: contrast, echo time, k along read and flags."""
        step = self.signs * GYROMAGNETIC_RATIO_HZ_PER_T * self.shape.amplitude * self.shape.dwell_s
        first = -step * (self.shape.samples // 2)
        unset = np.full((self.count, 2), np.nan)
        flags = np.where(self.signs < 0, int(AcquisitionFlag.REVERSE), 0)
        columns = {"contrast": np.arange(self.count), "echo_time_s": self.times_s(first_s), "flags": flags}
        if (self.signs < 0).any():
            columns |= {"k_first": np.column_stack([first, unset]), "k_step": np.column_stack([step, unset])}
        return {name: np.tile(value, (views, *[1] * (value.ndim - 1))) for name, value in columns.items()}


def design_echoes(
    matrix: int,
    fov_m: float,
    bandwidth: float,
    oversampling: int,
    limits: Limits,
    *,
    count: int = 1,
    spacing_s: float | None = None,
    bipolar: bool = False,
    field: str = "echo_spacing",
) -> Echoes:
    """The readouts. spacing_s: from echo to echo, on the block raster; as short as it can be when None.

    Errors: Refusal for the bandwidth, and for the field that names the spacing.
    """
    shape = line_shape(matrix, fov_m, bandwidth, oversampling, limits, dwell_raster_s=EVEN_DWELL_S)
    raster, ramp = limits.block_raster_s, ramp_s(shape.amplitude, limits)
    plateau = max(balanced_plateau_s(shape, limits), raster_up(shape.window_s + shape.dwell_s, 2 * raster))
    block = plateau + 2 * max(ramp, raster_up(limits.adc_dead_time_s, raster))
    line = balanced_line(shape, block, limits)
    back = 0.0 if bipolar else raster_up(end_s(lobe(2 * line.half_area, limits)), raster)
    spacing = block + back
    if spacing_s is not None and count > 1:
        refuse_spacing(field, spacing_s, spacing, "a readout and its way back", raster)
        spacing = round(spacing_s / raster) * raster
    flyback = None
    if not bipolar and count > 1:
        flyback = gentle_lobe(-2 * line.half_area, min(spacing - block, _LONGEST_FLYBACK_S), limits)
    return Echoes(count=count, line=line, shape=shape, block_s=block, flyback=flyback, spacing_s=spacing, bipolar=bipolar)
