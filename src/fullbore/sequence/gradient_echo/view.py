"""One repetition of a gradient echo: excitation, winding, echoes, unwinding; with moments where they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fullbore.data import Gradient, Limits
from fullbore.sequence.block_table import Block, Value, pause
from fullbore.sequence.gradient_echo.echoes import Echoes
from fullbore.sequence.gradient_echo.excitation import advanced
from fullbore.sequence.gradients import area_of, end_s, gentle_lobe, lobe, raster_down, raster_up
from fullbore.sequence.moments import moments
from fullbore.sequence.pulses import SelectivePulse
from fullbore.sequence.refusal import Refusal, refuse_spacing
from fullbore.sequence.waveforms import to_moments

SPOIL_PER_M = 1250.0
SPOIL_CYCLES = 1.5
"""What a view gathers along read: at least so many cycles per metre, and so many per voxel."""
_LONGEST_WIND_S = 3e-3
"""Winding with moments takes no more than this; what time there is beyond is a pause."""

Lobes = tuple[Gradient | None, Gradient | None, Gradient | None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EchoView:
    """One repetition, `spacing_s` long.

    winds: lobes (read, phase, slice) of the winding block, one triple for each set of moments; moment_T_s2_per_m: what each
    makes of M1 at the echo on those axes, (set, 3). phase, slice: lobes that scale 1 moves by phase_edge and slice_edge
    (cycles/m); they play with the winding block where encode_s is 0, else after it. rephase_per_m: what the winding must move
    along slice beside encoding. unwind: read, phase, slice lobes of the last block.
    """

    pulse: SelectivePulse
    winds: tuple[Lobes, ...]
    moment_T_s2_per_m: np.ndarray
    wind_s: float
    encode_s: float
    wait_s: float
    phase: Gradient
    slice: Gradient
    phase_edge: float
    slice_edge: float
    rephase_per_m: float
    echoes: Echoes
    unwind: tuple[Gradient, Gradient, Gradient]
    unwind_s: float
    spacing_s: float

    @property
    def first_echo_s(self) -> float:
        """Echo time of the first echo."""
        tail = self.pulse.block_s - self.pulse.centre_s
        return tail + self.wait_s + self.wind_s + self.encode_s + self.echoes.first_s

    def echo_times_s(self) -> tuple[float, ...]:
        """All echo times."""
        return tuple(float(time) for time in self.echoes.times_s(self.first_echo_s))

    def blocks(
        self,
        k_phase: Value,
        k_slice: Value,
        rf_phase_rad: Value,
        *,
        sampled: bool | np.ndarray = True,
        offset_m: float = 0.0,
        number: int = 0,
    ) -> list[Block]:
        """The blocks at (k_phase, k_slice) cycles/m, one repetition each. offset_m: of the slice. number: of the winding."""
        frequency, turn = self.pulse.tuning(offset_m)
        pulse = self.pulse
        phase, partition = np.asarray(k_phase) / self.phase_edge, np.asarray(k_slice) / self.slice_edge
        excite = Block(
            duration_s=pulse.block_s,
            rf=pulse.pulse,
            slice=pulse.slice,
            rf_frequency_Hz=frequency,
            rf_phase_rad=np.asarray(rf_phase_rad) + turn,
        )
        return [
            excite,
            *pause(self.wait_s),
            *self._winding(phase, partition, number),
            *self.echoes.blocks(rf_phase_rad, sampled),
            Block(
                duration_s=self.unwind_s,
                read=self.unwind[0],
                phase=self.unwind[1],
                slice=self.unwind[2],
                phase_scale=-phase,
                slice_scale=-partition,
            ),
        ]

    def _winding(self, phase: np.ndarray, partition: np.ndarray, number: int) -> list[Block]:
        """What comes between excitation and echoes."""
        read, along_phase, along_slice = self.winds[number]
        if self.encode_s:
            return [
                Block(duration_s=self.wind_s, read=read, phase=along_phase, slice=along_slice),
                Block(duration_s=self.encode_s, phase=self.phase, slice=self.slice, phase_scale=phase, slice_scale=partition),
            ]
        if along_slice is not None:
            return [Block(duration_s=self.wind_s, read=read, phase=self.phase, slice=along_slice, phase_scale=phase)]
        shifted = partition + self.rephase_per_m / self.slice_edge
        block = Block(duration_s=self.wind_s, read=read, phase=self.phase, slice=self.slice, phase_scale=phase)
        return [replace(block, slice_scale=shifted)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewTask:
    """What a view must do. edges_per_m: largest k along phase and slice (0 where there are no partitions).

    moments_T_s2_per_m: M1 at the echo, (set, (read, phase, slice)), NaN for any; None where no moment is asked for.
    spacing_field, spacing_s: the protocol's time from view to view. echo_field: that of its echo time. pixel_m: along read.
    """

    echo_time_s: float
    spacing_field: str
    spacing_s: float
    edges_per_m: tuple[float, float]
    pixel_m: float
    moments_T_s2_per_m: np.ndarray | None = None
    echo_field: str = "echo_time"


def design_view(pulse: SelectivePulse, echoes: Echoes, task: ViewTask, limits: Limits) -> EchoView:
    """The view, its lobes as long as the time allows. Errors: Refusal for echo time and spacing."""
    raster = limits.block_raster_s
    plan = _Winding(pulse, echoes, task, limits)
    spare = _spare_s(pulse, echoes, task, plan)
    moved = advanced(pulse, spare - raster_down(spare, raster), limits)
    if spare > -1e-9 and moved is not pulse:
        plan = _Winding(moved, echoes, task, limits, plan.shortest_s + raster)
        spare = _spare_s(moved, echoes, task, plan)
    if spare < -1e-9:
        legal = raster_up(task.echo_time_s - spare, raster)
        reason = f"excitation, encoding and half the readout take {-spare * 1e3:.3f} ms more"
        raise Refusal(field=task.echo_field, asked=task.echo_time_s, legal=legal, bound="shortest", reason=reason)
    wind = plan.shortest_s + round(spare / raster) * raster
    held = min(wind, max(_LONGEST_WIND_S, plan.shortest_s))
    winds = plan.lobes(held)
    unwind, unwind_s = _unwinding(moved, echoes, task, wind, plan, limits)
    return EchoView(
        pulse=moved,
        winds=winds,
        moment_T_s2_per_m=plan.reached(winds, held),
        wind_s=held,
        encode_s=plan.encode_s,
        wait_s=wind - held,
        phase=gentle_lobe(area_of(plan.phase_edge), plan.encode_s or held, limits),
        slice=gentle_lobe(area_of(plan.slice_edge), plan.encode_s or held, limits),
        phase_edge=plan.phase_edge,
        slice_edge=plan.slice_edge,
        rephase_per_m=plan.rephase_per_m,
        echoes=echoes,
        unwind=unwind,
        unwind_s=unwind_s,
        spacing_s=task.spacing_s,
    )


def _spare_s(pulse: SelectivePulse, echoes: Echoes, task: ViewTask, plan: _Winding) -> float:
    """Time that the echo time leaves beside the shortest winding."""
    return task.echo_time_s - (pulse.block_s - pulse.centre_s) - plan.shortest_s - plan.encode_s - echoes.first_s


def _unwinding(
    pulse: SelectivePulse, echoes: Echoes, task: ViewTask, wind_s: float, plan: _Winding, limits: Limits
) -> tuple[tuple[Gradient, Gradient, Gradient], float]:
    """Lobes that spoil along read and undo the encoding, and how long they take. Errors: Refusal for the spacing."""
    sign = float(echoes.signs[-1])
    spoil = max(SPOIL_PER_M, SPOIL_CYCLES / task.pixel_m)
    areas = [sign * max(area_of(spoil) - abs(echoes.area_after_T_s_per_m), 0.0)]
    areas += [area_of(plan.phase_edge), area_of(plan.slice_edge)]
    used = pulse.block_s + wind_s + plan.encode_s + echoes.duration_s
    shortest = max(raster_up(max(end_s(lobe(area, limits)) for area in areas), limits.block_raster_s), limits.block_raster_s)
    refuse_spacing(task.spacing_field, task.spacing_s, used + shortest, "a view's events", limits.block_raster_s)
    length = round((task.spacing_s - used) / limits.block_raster_s) * limits.block_raster_s
    read, phase, slice_ = (gentle_lobe(area, min(length, max(_LONGEST_WIND_S, shortest)), limits) for area in areas)
    return (read, phase, slice_), length


class _Winding:
    """From the excitation to the echoes: which moments are missing, and the lobes that make them."""

    def __init__(
        self, pulse: SelectivePulse, echoes: Echoes, task: ViewTask, limits: Limits, length_s: float | None = None
    ) -> None:
        """length_s: one that is known to do where moments are asked for; the shortest is sought when None."""
        self.pulse, self.echoes, self.task, self.limits = pulse, echoes, task, limits
        self.rephase_per_m = -_per_m(pulse.rephasing_area_T_s_per_m)
        phase, partition = task.edges_per_m
        self.targets = task.moments_T_s2_per_m
        raster = limits.block_raster_s
        self.phase_edge = phase
        if self.targets is None:
            self.slice_edge = max(partition + abs(self.rephase_per_m), 1.0)
            self.encode_s = 0.0
            areas = (echoes.line.half_area, area_of(phase), area_of(self.slice_edge))
            self.shortest_s = raster_up(max(end_s(lobe(area, limits)) for area in areas), raster)
            return
        self.slice_edge = max(partition, 1.0)
        lobes = max(end_s(lobe(area_of(edge), limits)) for edge in (phase, partition))
        self.apart = partition > 0 or bool(np.nan_to_num(self.targets[:, 1]).any())
        self.encode_s = raster_up(lobes, raster) if self.apart else 0.0
        self.wanted = np.stack([self._wanted(target) for target in self.targets])
        length = length_s or 0.0
        for wanted in self.wanted if length_s is None else ():
            length = to_moments(self._asked(wanted), limits, least_s=length).duration_s
        self.shortest_s = raster_up(max(length, 0.0 if self.apart else lobes), raster)

    def _wanted(self, target: np.ndarray) -> np.ndarray:
        """M0 and M1 about the winding's end on each axis, (axis, 2), that rephase, prephase and make M1 at the echo."""
        known = self._known()
        zeroth = -known[0]
        first = target - known[1]
        return np.stack([zeroth, first + (self.encode_s + self.echoes.first_s) * zeroth], axis=1)

    def _known(self) -> np.ndarray:
        """M0 and M1 about the echo that excitation and readout make by themselves, (2, axis)."""
        pulse, echo = self.pulse, self.task.echo_time_s
        excite = Block(duration_s=pulse.block_s, slice=pulse.slice)
        before = moments([excite], start_s=pulse.centre_s, about_s=pulse.centre_s + echo)
        read = Block(duration_s=self.echoes.block_s, read=self.echoes.line.gradient)
        lead = moments([read], end_s=self.echoes.first_s, about_s=self.echoes.first_s)
        return np.asarray(before[:2] + lead[:2])

    def _asked(self, wanted: np.ndarray) -> np.ndarray:
        """Moments of the axes that play: phase plays in the winding only where it has a moment to make."""
        return wanted if self.apart else wanted[[0, 2]]

    def lobes(self, duration_s: float) -> tuple[Lobes, ...]:
        """The lobes of every set, of one duration."""
        if self.targets is None:
            return ((gentle_lobe(-self.echoes.line.half_area, duration_s, self.limits), None, None),)
        made = []
        for wanted in self.wanted:
            played = to_moments(self._asked(wanted), self.limits, duration_s=duration_s).gradients()
            made.append((played[0], played[1] if self.apart else None, played[-1]))
        return tuple(made)

    def reached(self, winds: tuple[Lobes, ...], duration_s: float) -> np.ndarray:
        """M1 at the echo of every set, integrated from what plays, (set, axis); of the phase lobe nothing."""
        if self.targets is None:
            return np.full((1, 3), np.nan)
        result = []
        for read, phase, slice_ in winds:
            block = Block(duration_s=duration_s, read=read, phase=phase, slice=slice_)
            about = duration_s + self.encode_s + self.echoes.first_s
            result.append(self._known()[1] + moments([block], about_s=about)[1])
        return np.stack(result)


def _per_m(area_T_s_per_m: float) -> float:
    return area_T_s_per_m / area_of(1.0)
