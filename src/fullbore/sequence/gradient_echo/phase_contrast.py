"""Phase contrast: a cine of velocity through or in slices, and 4D flow of a slab; gated to the heart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.data import Encoding, Geometry, Limits, Sequence
from fullbore.sequence.block_table import BlockTable, definitions, pause
from fullbore.sequence.gradient_echo.echoes import design_echoes
from fullbore.sequence.gradient_echo.excitation import Excitation, excitation
from fullbore.sequence.gradient_echo.velocity import (
    Encoding4,
    moment_columns,
    moment_difference_T_s2_per_m,
    velocity_moments,
)
from fullbore.sequence.gradient_echo.view import EchoView, ViewTask, design_view
from fullbore.sequence.module import heartbeat
from fullbore.sequence.prescription import (
    Angle,
    Bandwidth,
    Count,
    Factor,
    Number,
    Share,
    SlabPrescription,
    StackPrescription,
    Time,
    Velocity,
)
from fullbore.sequence.readout_rows import ReadoutRows, centre_range
from fullbore.sequence.refusal import Refusal
from fullbore.sequence.sampling import poisson_disc, regular_lines
from fullbore.sequence.spoiled_view import spoil_phase_rad


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseContrast2d(StackPrescription):
    """Cine phase contrast of slices, a slice after the other.

    encoding: `velocity.Encoding4`. venc: speed whose phase is pi. repetition_time: from view to view; one line's views of all
    encodings follow each other. lines_per_beat: of each cardiac phase. heart_period: as timing assumes it. acceleration: every
    n-th line, `calibration_lines` complete. dummy_beats: played unsampled at the start of each slice.
    """

    repetition_time: Time
    echo_time: Time
    flip_angle: Angle
    bandwidth: Bandwidth
    venc: Velocity
    encoding: Encoding4 = "through_plane"
    heart_period: Time = 0.9
    cardiac_phases: Number = 20
    lines_per_beat: Number = 4
    acceleration: Number = 1
    calibration_lines: Count = 24
    dummy_beats: Count = 1
    excitation: Excitation = "sinc"
    excitation_duration: Time = 1.2e-3
    time_bandwidth: Factor = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow4d(SlabPrescription):
    """Velocity in three directions in a slab through the cardiac cycle.

    As in phase contrast of slices; views_per_beat: points of the (phase, partition) plane of each cardiac phase.
    acceleration: points of that plane over points measured, `calibration` (lines, partitions) complete. slab_share: of the
    partitions' field of view that is excited.
    """

    repetition_time: Time
    echo_time: Time
    flip_angle: Angle
    bandwidth: Bandwidth
    venc: Velocity
    encoding: Encoding4 = "balanced"
    heart_period: Time = 0.9
    cardiac_phases: Number = 20
    views_per_beat: Number = 2
    acceleration: Factor = 1.0
    calibration: tuple[Count, Count] = (16, 16)
    sampling_seed: Count = 1
    dummy_beats: Count = 1
    excitation: Excitation = "slr"
    excitation_duration: Time = 1.0e-3
    time_bandwidth: Factor = 6.0
    slab_share: Share = 0.9


def phase_contrast_2d(protocol: PhaseContrast2d, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken, and for cardiac phases that a beat does not hold."""
    geometry = protocol.geometry()
    view = _design(protocol, (protocol.matrix[1] // 2) / protocol.fov[1], 0.0, protocol.slice_thickness, limits)
    line = regular_lines(protocol.matrix[1], protocol.acceleration, protocol.calibration_lines)
    calibration = centre_range(protocol.matrix[1], protocol.calibration_lines), (0, 1)
    rows = ReadoutRows(geometry, calibration if protocol.acceleration > 1 else ((0, 0), (0, 0)))
    table = BlockTable(geometry, limits.block_raster_s)
    beats = _beats(len(line), protocol.lines_per_beat)
    for number, offset in enumerate(protocol.slice_positions_m()):
        k = (line - protocol.matrix[1] // 2) / protocol.fov[1]
        _play(protocol, view, beats, k, np.zeros(len(line)), offset, table, limits)
        _add(protocol, view, beats, rows, line=line, partition=np.zeros_like(line), slice=number)
    parameters = {"acceleration": protocol.matrix[1] / len(line)}
    encoding = _encoding(protocol, view, geometry, rows, parameters)
    return table.finish(protocol.name, encoding, definitions(protocol.name, geometry, limits))


def flow_4d(protocol: Flow4d, limits: Limits) -> Sequence:
    """The sequence. Errors: as `phase_contrast_2d`."""
    geometry = protocol.geometry()
    _, lines, partitions = protocol.matrix
    edges = tuple((n // 2) / fov for n, fov in zip(protocol.matrix[1:], protocol.fov[1:], strict=True))
    view = _design(protocol, edges[0], edges[1], protocol.slab_share * protocol.fov[2], limits)
    mask = np.ones((partitions, lines), bool)
    if protocol.acceleration > 1:
        mask = poisson_disc((partitions, lines), protocol.acceleration, protocol.calibration[::-1], protocol.sampling_seed)
    partition, line = np.nonzero(mask)
    complete = centre_range(lines, protocol.calibration[0]), centre_range(partitions, protocol.calibration[1])
    rows = ReadoutRows(geometry, complete if protocol.acceleration > 1 else ((0, 0), (0, 0)))
    table = BlockTable(geometry, limits.block_raster_s)
    beats = _beats(len(line), protocol.views_per_beat)
    k = [(n - size // 2) / fov for n, size, fov in ((line, lines, protocol.fov[1]), (partition, partitions, protocol.fov[2]))]
    _play(protocol, view, beats, k[0], k[1], float(geometry.centre_m @ geometry.slice), table, limits)
    _add(protocol, view, beats, rows, line=line, partition=partition, slice=0)
    encoding = _encoding(protocol, view, geometry, rows, {"acceleration": lines * partitions / len(line)})
    return table.finish(protocol.name, encoding, definitions(protocol.name, geometry, limits))


def _design(
    protocol: PhaseContrast2d | Flow4d, phase_edge: float, slice_edge: float, thickness_m: float, limits: Limits
) -> EchoView:
    """The view with all its windings. Errors: Refusal."""
    pulse = excitation(
        protocol.excitation,
        protocol.flip_angle,
        protocol.excitation_duration,
        protocol.time_bandwidth,
        thickness_m,
        limits,
        thickness_field="slab_share" if isinstance(protocol, Flow4d) else "slice_thickness",
    )
    matrix, fov, oversampling = protocol.matrix[0], protocol.fov[0], protocol.readout_oversampling
    echoes = design_echoes(matrix, fov, protocol.bandwidth, oversampling, limits)
    task = ViewTask(
        echo_time_s=protocol.echo_time,
        spacing_field="repetition_time",
        spacing_s=protocol.repetition_time,
        edges_per_m=(phase_edge, slice_edge),
        pixel_m=fov / matrix,
        moments_T_s2_per_m=velocity_moments(protocol.encoding, protocol.venc),
    )
    return design_view(pulse, echoes, task, limits)


def _beats(points: int, per_beat: int) -> np.ndarray:
    """Number of the point that each (beat, place) measures; -1 where the last beat has fewer."""
    count = -(-points // per_beat)
    return np.where(np.arange(count * per_beat) < points, np.arange(count * per_beat), -1).reshape(count, per_beat)


def _play(
    protocol: PhaseContrast2d | Flow4d,
    view: EchoView,
    beats: np.ndarray,
    k_phase: np.ndarray,
    k_slice: np.ndarray,
    offset_m: float,
    table: BlockTable,
    limits: Limits,
) -> None:
    """All beats of a slice or slab: in each the trigger, then every cardiac phase, with the same points."""
    sets = len(view.winds)
    trigger = heartbeat()
    views = protocol.cardiac_phases * beats.shape[1]
    rest = _rest(protocol, trigger.duration_s + views * sets * protocol.repetition_time, beats.shape[1] * sets, limits)
    rounds = protocol.dummy_beats + len(beats)
    beat = np.maximum(np.arange(rounds) - protocol.dummy_beats, 0)
    item = np.tile(beats[beat], protocol.cardiac_phases).ravel()
    phases = spoil_phase_rad(0, rounds * views * sets).reshape(-1, sets)
    sampled = (item >= 0) & (np.arange(len(item)) >= protocol.dummy_beats * views)
    played = tuple(
        block
        for number in range(sets)
        for block in view.blocks(
            np.where(item >= 0, k_phase[item], 0.0),
            np.where(item >= 0, k_slice[item], 0.0),
            phases[:, number],
            sampled=sampled,
            offset_m=offset_m,
            number=number,
        )
    )
    table.play_rounds((trigger.blocks, 1), (played, views), (pause(rest), 1), rounds=rounds)


def _rest(protocol: PhaseContrast2d | Flow4d, used_s: float, views: int, limits: Limits) -> float:
    """What is left of a beat. Errors: Refusal for the cardiac phases."""
    rest = protocol.heart_period - used_s
    if rest < -1e-9:
        legal = max(int((protocol.heart_period - 1e-3) / (views * protocol.repetition_time)), 1)
        reason = f"they take {used_s * 1e3:.1f} ms of a beat of {protocol.heart_period * 1e3:g} ms"
        if legal == protocol.cardiac_phases:
            period = used_s + limits.block_raster_s
            raise Refusal(field="heart_period", asked=protocol.heart_period, legal=period, bound="shortest", reason=reason)
        raise Refusal(field="cardiac_phases", asked=protocol.cardiac_phases, legal=legal, bound="largest", reason=reason)
    return round(rest / limits.block_raster_s) * limits.block_raster_s


def _add(protocol: PhaseContrast2d | Flow4d, view: EchoView, beats: np.ndarray, rows: ReadoutRows, **columns: object) -> None:
    """Rows of a slice or slab, in playing order: beat, cardiac phase, point, set."""
    sets, places = len(view.winds), beats.shape[1]
    shape = (len(beats), protocol.cardiac_phases, places, sets)
    beat, phase, place, number = (index.ravel() for index in np.indices(shape))
    item = beats[beat, place]
    used = item >= 0
    beat, phase, place, number, item = (column[used] for column in (beat, phase, place, number, item))
    line, partition = np.asarray(columns["line"]), np.asarray(columns["partition"])
    since = 1e-3 + ((phase * places + place) * sets + number) * protocol.repetition_time
    rows.add(
        len(item),
        line=line[item],
        partition=partition[item],
        slice=columns["slice"],
        phase=phase,
        set=number,
        segment=beat,
        echo_time_s=view.first_echo_s,
        trigger_delay_s=since + view.pulse.centre_s + view.first_echo_s,
        **moment_columns(view.moment_T_s2_per_m[number], rows.geometry),
    )


def _encoding(
    protocol: PhaseContrast2d | Flow4d, view: EchoView, geometry: Geometry, rows: ReadoutRows, parameters: dict[str, float]
) -> Encoding:
    """The table of readouts with its header."""
    return Encoding(
        geometry=geometry,
        **view.echoes.sampling(),
        **rows.arrays(),
        repetition_time_s=protocol.repetition_time,
        flip_rad=protocol.flip_angle,
        echo_times_s=(view.first_echo_s,),
        calibration=rows.calibration,
        acceleration=(parameters.pop("acceleration"), 1.0),
        protocol=protocol.name,
        parameters={
            "bandwidth_Hz_per_px": view.echoes.shape.bandwidth,
            "heart_period_s": protocol.heart_period,
            "moment_difference_T_s2_per_m": moment_difference_T_s2_per_m(protocol.venc),
            "venc_m_per_s": protocol.venc,
        },
    )
