"""A pencil-beam navigator: a thin cylinder is excited, and one line read along it says where what it crosses lies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fullbore.data import AcquisitionFlag, Geometry, Gradient, Limits
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence.block_table import Block
from fullbore.sequence.gradient_echo.echoes import Echoes
from fullbore.sequence.gradients import end_s, gentle_lobe, lobe, raster_up, spoiler
from fullbore.sequence.module import Module
from fullbore.sequence.pulses import SelectivePulse, moved
from fullbore.sequence.pulses.pencil_beam import pencil_beam

SPOIL_PER_M = 5000.0
"""What a navigator moves k by, before its excitation and after its readout, along the beam and across it (cycles/m).

What views leave of everything is more than a thin beam's signal: of a sharp edge a spoiler leaves 1 / (2 pi k). Views have moved
it along the image's read axis by whole multiples of their own spoiling, so a spoiler along that axis alone refocuses some view's
magnetisation; the part across the beam is across that axis too, and the part along the beam has the views' own sense.
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Beam:
    """Where a beam runs and how it is made: through centre_m along the unit vector `along`, both LPS.

    diameter_m: full width at half height of Mxy. ring_m: radius of the first side ring, which should lie outside of the body.
    """

    centre_m: tuple[float, float, float]
    along: np.ndarray
    diameter_m: float
    ring_m: float
    flip_rad: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BeamNavigator:
    """Spoiler, excitation along a spiral, prephaser, one readout along the beam, spoiler. along: of the beam on the logical axes.

    turns: of the excitation, whose slice axis is the beam, and of the readout, whose read axis is and whose phase axis is across
    the image's read axis. sense: of the spoilers along the beam, that of the image's read axis.
    """

    pulse: SelectivePulse
    echoes: Echoes
    prephase: Gradient
    spoil: Gradient
    lobes_s: tuple[float, float]
    along: np.ndarray
    turns: tuple[np.ndarray, np.ndarray]
    sense: float

    @property
    def echo_s(self) -> float:
        """From the excitation's effective centre, its end, to k = 0."""
        return self.pulse.block_s - self.pulse.centre_s + self.lobes_s[0] + self.echoes.first_s

    def module(self, phase_rad: float = 0.0) -> Module:
        """One navigator with this RF phase, about its excitation."""
        excite, read = self.turns
        pulse = Block(
            duration_s=self.pulse.block_s,
            rf=self.pulse.pulse,
            rf_phase_rad=phase_rad,
            read=self.pulse.read,
            phase=self.pulse.phase,
            turn=excite,
        )
        line = [replace(block, turn=read) for block in self.echoes.blocks(phase_rad, True)]
        prephase = Block(duration_s=self.lobes_s[0], read=self.prephase, turn=read)
        spoil = Block(duration_s=self.lobes_s[1], read=self.spoil, phase=self.spoil, read_scale=self.sense, turn=read)
        return Module(blocks=(spoil, pulse, prephase, *line, spoil), centre_s=self.lobes_s[1] + self.pulse.centre_s)

    def columns(self, geometry: Geometry) -> dict[str, Any]:
        """Columns of its row: a line through k = 0 along the beam, in the middle of the encoding's counters, `set` 1."""
        step = self.along * GYROMAGNETIC_RATIO_HZ_PER_T * self.echoes.shape.amplitude * self.echoes.shape.dwell_s
        return {
            "line": geometry.encoded_matrix[1] // 2,
            "partition": geometry.encoded_matrix[2] // 2,
            "set": 1,
            "flags": int(AcquisitionFlag.NAVIGATION),
            "echo_time_s": self.echo_s,
            "k_first": -step * (self.echoes.shape.samples // 2),
            "k_step": step,
        }


def beam_navigator(beam: Beam, geometry: Geometry, echoes: Echoes, limits: Limits, *, field: str) -> BeamNavigator:
    """The navigator of a beam, read by the first of `echoes`. field: the protocol's, of the flip angle.

    Errors: Refusal for the peak B1. Source: Pauly, Nishimura, Macovski, J Magn Reson 81:43 (1989).
    """
    frame = np.stack([geometry.read, geometry.phase, geometry.slice])
    along = frame @ beam.along
    across = np.eye(3)[np.abs(along).argmin()]
    first = np.cross(across, along) / np.linalg.norm(np.cross(across, along))
    second = np.cross(along, first)
    place = frame @ np.array(beam.centre_m)
    pulse = pencil_beam(beam.flip_rad, beam.diameter_m, beam.ring_m, limits, field=field)
    pulse = moved(pulse, (float(first @ place), float(second @ place), 0.0), limits)
    lobes = _lobes(echoes, limits)
    apart = _across_read(along)
    return BeamNavigator(
        pulse=pulse,
        echoes=replace(echoes, count=1, flyback=None, spacing_s=echoes.block_s),
        prephase=lobes[0][0],
        spoil=lobes[1][0],
        lobes_s=(lobes[0][1], lobes[1][1]),
        along=along,
        turns=(np.stack([first, second, along], axis=1), np.stack([along, apart, np.cross(along, apart)], axis=1)),
        sense=-1.0 if along[0] < 0 else 1.0,
    )


def _across_read(along: np.ndarray) -> np.ndarray:
    """A unit vector across the beam and across the read axis, all on the logical axes."""
    apart = np.cross([1.0, 0.0, 0.0], along)
    length = float(np.linalg.norm(apart))
    return np.asarray(apart / length) if length > 1e-6 else np.array([0.0, 1.0, 0.0])


def _lobes(echoes: Echoes, limits: Limits) -> tuple[tuple[Gradient, float], tuple[Gradient, float]]:
    """Prephaser and spoiler along the readout, each with its block's length."""
    raster = limits.block_raster_s
    area = -echoes.line.half_area
    before_s = raster_up(end_s(lobe(area, limits)), raster)
    after = spoiler(SPOIL_PER_M, limits)
    return (gentle_lobe(area, before_s, limits), before_s), (after, raster_up(end_s(after), raster))
