"""3D spoiled gradient echo with line navigators: now and then one line of k-space along each axis says where the head is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fullbore.data import AcquisitionFlag, Encoding, Geometry, Limits, Sequence
from fullbore.errors import UsageError
from fullbore.sequence.block_table import Block, BlockTable, definitions
from fullbore.sequence.gradient_echo.multi_echo import MultiEchoGre3d, measured_points, multi_echo_view
from fullbore.sequence.gradient_echo.view import EchoView
from fullbore.sequence.prescription import Number, Time
from fullbore.sequence.readout_rows import ReadoutRows, centre_range
from fullbore.sequence.refusal import Refusal
from fullbore.sequence.spoiled_view import RF_SPOIL_DEG, spoil_phase_rad

# read, phase and slice in turn as the direction of the readout; each is right-handed
_TURNS = (np.eye(3), np.roll(np.eye(3), 1, axis=0), np.roll(np.eye(3), 2, axis=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class NavigatedGre3d(MultiEchoGre3d):
    """3D spoiled gradient echo; before every `navigator_interval` views three navigators read along read, phase and slice.

    A navigator is a view without encoding whose readout is turned; the steady state goes on through it. The excitation is of
    everything, one echo is read.
    """

    echo_spacing: Time = 5e-3
    echoes: Number = 1
    navigator_interval: Number = 64


def navigated_gre_3d(protocol: NavigatedGre3d, limits: Limits) -> Sequence:
    """Groups of three navigators and their views, after `dummy_views`. Errors: Refusal for a limit, UsageError for a slab."""
    if protocol.echoes != 1:
        raise Refusal(field="echoes", asked=protocol.echoes, legal=1, bound="largest", reason="navigators read one echo")
    if protocol.excitation != "hard":
        raise UsageError(f"navigated_gre_3d: excitation {protocol.excitation}, wanted hard: turned navigators see no slab.")
    view = multi_echo_view(protocol, limits)
    geometry = protocol.geometry()
    table = BlockTable(geometry, limits.block_raster_s)
    line, partition = measured_points(protocol)
    dummies, every = protocol.dummy_views, protocol.navigator_interval
    calibration = [centre_range(n, c) for n, c in zip(protocol.matrix[1:], protocol.calibration, strict=True)]
    rows = ReadoutRows(geometry, (calibration[0], calibration[1]) if protocol.acceleration > 1 else ((0, 0), (0, 0)))
    if dummies:
        table.play(*_views(view, np.zeros(dummies), np.zeros(dummies), 0, sampled=False), times=dummies)
    played = dummies
    for group, start in enumerate(range(0, len(line), every)):
        lines, partitions = line[start : start + every], partition[start : start + every]
        for axis in range(3):
            table.play(*_turned(_views(view, np.zeros(1), np.zeros(1), played + axis), _TURNS[axis]))
        k_phase = (lines - protocol.matrix[1] // 2) / protocol.fov[1]
        k_slice = (partitions - protocol.matrix[2] // 2) / protocol.fov[2]
        table.play(*_views(view, k_phase, k_slice, played + 3), times=len(lines))
        played += 3 + len(lines)
        rows.add(3, **_navigators(protocol, view, geometry, group))
        columns = view.echoes.columns(len(lines), view.first_echo_s)
        rows.add(len(lines), line=lines, partition=partitions, segment=group, **columns)
    encoding = navigated_encoding(protocol, view, rows, navigator_interval=float(protocol.navigator_interval))
    return table.finish(protocol.name, encoding, definitions(protocol.name, geometry, limits))


def _views(view: EchoView, k_phase: np.ndarray, k_slice: np.ndarray, first: int, *, sampled: bool = True) -> list[Block]:
    """Views from the first's number on, which sets the phase of their RF spoiling."""
    return view.blocks(k_phase, k_slice, spoil_phase_rad(first, len(k_phase)), sampled=sampled)


def _turned(blocks: list[Block], turn: np.ndarray) -> list[Block]:
    return [replace(block, turn=turn) for block in blocks]


def _navigators(protocol: NavigatedGre3d, view: EchoView, geometry: Geometry, group: int) -> dict[str, object]:
    """Columns of three navigators: lines through k = 0 along each axis, `set` 1 to 3."""
    step = np.eye(3) / geometry.encoded_fov_m[0]
    return {
        "line": protocol.matrix[1] // 2,
        "partition": protocol.matrix[2] // 2,
        "set": np.arange(1, 4),
        "segment": group,
        "flags": int(AcquisitionFlag.NAVIGATION),
        "echo_time_s": view.first_echo_s,
        "k_first": -step * (view.echoes.shape.samples // 2),
        "k_step": step,
    }


def navigated_encoding(protocol: MultiEchoGre3d, view: EchoView, rows: ReadoutRows, **further: float) -> Encoding:
    """The table of readouts of a 3D gradient echo with navigators, with its header; further: parameters of the navigator."""
    columns = rows.arrays()
    measured = int((rows.column("set") == 0).sum())
    return Encoding(
        geometry=rows.geometry,
        **view.echoes.sampling(),
        **columns,
        repetition_time_s=protocol.repetition_time,
        flip_rad=protocol.flip_angle,
        echo_times_s=view.echo_times_s(),
        calibration=rows.calibration,
        acceleration=(protocol.matrix[1] * protocol.matrix[2] / measured, 1.0),
        protocol=protocol.name,
        parameters={
            "bandwidth_Hz_per_px": view.echoes.shape.bandwidth,
            "dummy_views": float(protocol.dummy_views),
            **further,
            "rf_spoil_rad": float(np.deg2rad(RF_SPOIL_DEG)),
        },
    )
