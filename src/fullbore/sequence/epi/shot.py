"""One echo-planar shot after an excitation: reference lines, then lines with blips; how long it takes and where its rows lie."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fullbore.data import AcquisitionFlag, Limits
from fullbore.errors import LimitError
from fullbore.sequence.block_table import Block
from fullbore.sequence.gradients import area_of, end_s, gentle_lobe, lobe, raster_up
from fullbore.sequence.refusal import Refusal
from fullbore.sequence.waveforms.echo_train import EchoTrain, echo_train

REFERENCES = 3
"""Lines without phase encoding after the excitation, from which the phase between both polarities is known."""

GENTLE = 1.7
"""Winding lobes take that many times the shortest duration, for the sake of nerves."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EpiLines:
    """Which lines of a plane shots measure. lines: (shot, echo), indices along phase, rising. centre: echo that is nearest k = 0.

    step: lines from echo to echo.
    """

    lines: np.ndarray
    centre: int
    step: int


def epi_lines(count: int, shots: int, partial_fourier: float, step: int | None = None) -> EpiLines:
    """Lines of `shots` interleaved shots over `count` lines, of which the first 1 - partial_fourier are left out.

    step: lines from echo to echo, `shots` when None (all lines are measured). Shot s starts s lines later. A single shot
    measures k = 0 (index count // 2); of several, one does, at echo `centre` as well.
    """
    stride = shots if step is None else step
    middle = count // 2
    first = stride * (math.floor((1 - partial_fourier) * count + 1e-9) // stride)
    offset = np.arange(shots) if shots > 1 else np.array([middle % stride])
    echoes = (count - 1 - first - int(offset.max())) // stride + 1
    lines = first + offset[:, None] + stride * np.arange(echoes)
    return EpiLines(lines=lines, centre=(middle - first) // stride, step=stride)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EpiShot:
    """The bricks of a shot.

    prephase_s: block that winds the read gradient (and rephases the slice). wind_s: shortest block that winds phase and slice
    for the first line. fov_phase_m: for the scales of the winding lobe, whose edge is k (cycles/m) at scale 1.
    first_sign: 1 when the first line rises, -1 when it falls.
    """

    train: EchoTrain
    plane: EpiLines
    fov_phase_m: float
    prephase_s: float
    wind_s: float
    edge: float
    references: int
    slice_k: np.ndarray
    limits: Limits
    first_sign: int

    @property
    def centre_s(self) -> float:
        """From the first line's start to the middle of the line at k = 0."""
        return (self.plane.centre + 0.5) * self.train.spacing_s

    @property
    def lines_s(self) -> float:
        """Length of all lines."""
        return self.plane.lines.shape[1] * self.train.spacing_s

    def prephase(self, slice_area: float) -> Block:
        """The block after the excitation; slice_area: of the rephaser, T s/m."""
        rephaser = gentle_lobe(slice_area, self.prephase_s, self.limits) if slice_area else None
        read = gentle_lobe(self.train.prephase_T_s_per_m, self.prephase_s, self.limits)
        return Block(duration_s=self.prephase_s, read=read, slice=rephaser)

    def reference_blocks(self) -> list[Block]:
        """Lines without blips, the first one rising."""
        return [self._line(number, 1, None, None, True) for number in range(self.references)]

    def wind(self, duration_s: float, shot: np.ndarray) -> Block:
        """The block that goes to the first line of each repetition's shot, `shot` (repetition,)."""
        k = (self.plane.lines[shot, 0] - self.count // 2) / self.fov_phase_m
        slice_lobe = gentle_lobe(area_of(float(self.slice_k[0])), duration_s, self.limits) if self.slice_k[0] else None
        phase = gentle_lobe(area_of(self.edge), duration_s, self.limits)
        return Block(duration_s=duration_s, phase=phase, phase_scale=k / self.edge, slice=slice_lobe)

    @property
    def count(self) -> int:
        """Lines of the whole plane: k = 0 is at half of it."""
        return round(2 * self.edge * self.fov_phase_m)

    def line_blocks(self, sampled: bool | np.ndarray = True) -> list[Block]:
        """All lines with their blips; alternating from where the references ended."""
        echoes = self.plane.lines.shape[1]
        blip = self.plane.step / self.fov_phase_m
        blocks = []
        for echo in range(echoes):
            ends = [blip * (echo > 0), blip * (echo < echoes - 1)]
            along = [float(self.slice_k[echo] - self.slice_k[max(echo - 1, 0)])]
            along.append(float(self.slice_k[min(echo + 1, echoes - 1)] - self.slice_k[echo]))
            blocks.append(self._line(echo, self.first_sign, ends, along, sampled))
        return blocks

    def _line(
        self, number: int, first: int, blips: list[float] | None, along: list[float] | None, sampled: bool | np.ndarray
    ) -> Block:
        train = self.train
        sign = float(first if number % 2 == 0 else -first)
        phase = train.blip(blips[0], blips[1]) if blips else None
        slice_ = train.blip(along[0], along[1]) if along else None
        return Block(
            duration_s=train.spacing_s,
            read=train.lobe,
            read_scale=sign,
            phase=phase,
            slice=slice_,
            adc=train.adc,
            sampled=sampled,
        )

    @property
    def curves(self) -> tuple[np.ndarray, np.ndarray]:
        """k of a rising and of a falling line, (sample, 3) each, on the logical axes."""
        k = np.stack([self.train.k_per_m, np.zeros_like(self.train.k_per_m), np.zeros_like(self.train.k_per_m)], axis=1)
        return k, -k

    def rows(self, shot: int) -> dict[str, Any]:
        """Columns of one shot's rows (references first), to be merged with slice, repetition and the like."""
        echoes = self.plane.lines.shape[1]
        number = np.arange(self.references + echoes)
        is_line = number >= self.references
        line = np.where(is_line, self.plane.lines[shot][np.maximum(number - self.references, 0)], self.count // 2)
        slice_k = np.where(is_line, self.slice_k[np.maximum(number - self.references, 0)], 0.0)
        first = np.stack([np.zeros(len(number)), (line - self.count // 2) / self.fov_phase_m, slice_k], axis=1)
        falling = np.where(is_line, (number - self.references + (self.first_sign < 0)) % 2, number % 2)
        flags = np.where(falling, AcquisitionFlag.REVERSE, 0) | np.where(is_line, 0, AcquisitionFlag.PHASE_CORRECTION)
        return {"line": line, "curve": falling, "k_first": first, "flags": flags, "segment": shot}

    def echo_times_s(self, first_line_s: float, first_reference_s: float) -> np.ndarray:
        """Times of the rows' centres, from those of the first line's and the first reference's start, (row,)."""
        spacing = self.train.spacing_s
        lines = first_line_s + (np.arange(self.plane.lines.shape[1]) + 0.5) * spacing
        return np.concatenate([first_reference_s + (np.arange(self.references) + 0.5) * spacing, lines])


def design_shot(
    *,
    matrix: tuple[int, int],
    fov_m: tuple[float, float],
    oversampling: int,
    bandwidth: float,
    plane: EpiLines,
    limits: Limits,
    slice_area: float,
    references: int = REFERENCES,
    slice_k: np.ndarray | None = None,
    refocused: bool = False,
) -> EpiShot:
    """The shot of a plane. refocused: a pulse between references and lines turns k, so the first line rises as they did.
    slice_area: of the slice rephaser that plays with the read prephaser. slice_k: of each echo, cycles/m.

    Errors: Refusal for a bandwidth that no echo spacing meets.
    """
    samples = matrix[0] * oversampling
    along = np.zeros(plane.lines.shape[1]) if slice_k is None else slice_k
    blips = max(plane.step / fov_m[1], float(np.abs(np.diff(along)).max(initial=0.0)))
    coarse = replace(limits, gradient_raster_s=2 * limits.gradient_raster_s)  # half a line lies on the raster, too
    try:
        train = echo_train(fov_m[0] * oversampling, samples, blips, coarse, dwell_s=1 / (bandwidth * samples))
    except LimitError as error:
        raise Refusal(field="bandwidth", asked=bandwidth, legal=2 * bandwidth, bound="lowest", reason=str(error)) from None
    edge = (matrix[1] // 2) / fov_m[1]
    raster = limits.block_raster_s
    prephase = max(end_s(lobe(train.prephase_T_s_per_m, limits)), end_s(lobe(slice_area, limits)) if slice_area else 0.0)
    wind = max(end_s(lobe(area_of(edge), limits)), end_s(lobe(area_of(float(along[0])), limits)) if along[0] else 0.0)
    return EpiShot(
        train=train,
        plane=plane,
        fov_phase_m=fov_m[1],
        prephase_s=raster_up(GENTLE * prephase, raster),
        wind_s=raster_up(GENTLE * wind, raster),
        edge=edge,
        references=references,
        slice_k=along,
        limits=limits,
        first_sign=1 if refocused or references % 2 == 0 else -1,
    )
