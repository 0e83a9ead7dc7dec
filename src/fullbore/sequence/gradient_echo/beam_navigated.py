"""3D spoiled gradient echo with pencil-beam navigators: before each group of views, one line along a beam."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fullbore.data import Limits, Sequence
from fullbore.sequence.block_table import BlockTable, definitions
from fullbore.sequence.gradient_echo.beam_navigator import Beam, BeamNavigator, beam_navigator
from fullbore.sequence.gradient_echo.multi_echo import MultiEchoGre3d, measured_points, multi_echo_view
from fullbore.sequence.gradient_echo.navigated import navigated_encoding
from fullbore.sequence.gradient_echo.view import EchoView
from fullbore.sequence.placement import axes_of
from fullbore.sequence.prescription import Angle, Centre, Length, Number, Tilt, Time
from fullbore.sequence.readout_rows import ReadoutRows, centre_range
from fullbore.sequence.refusal import Refusal
from fullbore.sequence.spoiled_view import spoil_phase_rad

_FLIP_RAD = math.radians(20.0)
MOST_FLIP_RAD = math.pi / 2
"""Beyond this a spiral's beam is no longer that of its transform."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamNavigatedGre3d(MultiEchoGre3d):
    """3D spoiled gradient echo; before every `navigator_interval` views a pencil beam is excited and read along its length.

    navigator_centre: LPS m, a place on the beam. navigator_tilt: turns the beam from head-foot about L, then P, then S; the
    prescription's own tilt then turns it with the image.
    navigator_diameter: full width at half height. navigator_field: radius of the beam's first side ring, to lie outside of the
    body. navigator_flip_angle: on the beam's axis, up to 90 degrees. The readout is the image's own, turned along the beam.
    """

    echo_spacing: Time = 5e-3
    echoes: Number = 1
    navigator_interval: Number = 32
    navigator_centre: Centre = (-60e-3, 0.0, 0.0)
    navigator_tilt: Tilt = (0.0, 0.0, 0.0)
    navigator_diameter: Length = 30e-3
    navigator_field: Length = 300e-3
    navigator_flip_angle: Angle = _FLIP_RAD


def beam_navigated_gre_3d(protocol: BeamNavigatedGre3d, limits: Limits) -> Sequence:
    """A navigator and its views in turn, after `dummy_views`. Errors: Refusal for a limit that is broken."""
    if protocol.echoes != 1:
        raise Refusal(field="echoes", asked=protocol.echoes, legal=1, bound="largest", reason="navigators read one echo")
    view = multi_echo_view(protocol, limits)
    navigator = _navigator(protocol, view, limits)
    geometry = protocol.geometry()
    table = BlockTable(geometry, limits.block_raster_s)
    line, partition = measured_points(protocol)
    played, every = protocol.dummy_views, protocol.navigator_interval
    offset = float(geometry.centre_m @ geometry.slice) if protocol.excitation != "hard" else 0.0
    calibration = [centre_range(n, c) for n, c in zip(protocol.matrix[1:], protocol.calibration, strict=True)]
    rows = ReadoutRows(geometry, (calibration[0], calibration[1]) if protocol.acceleration > 1 else ((0, 0), (0, 0)))
    if played:
        none = np.zeros(played)
        table.play(*view.blocks(none, none, spoil_phase_rad(0, played), sampled=False, offset_m=offset), times=played)
    for group, start in enumerate(range(0, len(line), every)):
        lines, partitions = line[start : start + every], partition[start : start + every]
        table.play(*navigator.module(float(spoil_phase_rad(played, 1)[0])).blocks)
        k_phase = (lines - protocol.matrix[1] // 2) / protocol.fov[1]
        k_slice = (partitions - protocol.matrix[2] // 2) / protocol.fov[2]
        phase = spoil_phase_rad(played + 1, len(lines))
        table.play(*view.blocks(k_phase, k_slice, phase, offset_m=offset), times=len(lines))
        played += 1 + len(lines)
        rows.add(1, **navigator.columns(geometry), segment=group)
        rows.add(
            len(lines), line=lines, partition=partitions, segment=group, **view.echoes.columns(len(lines), view.first_echo_s)
        )
    encoding = navigated_encoding(
        protocol,
        view,
        rows,
        navigator_interval=float(protocol.navigator_interval),
        navigator_diameter_m=protocol.navigator_diameter,
        navigator_field_m=protocol.navigator_field,
        navigator_flip_rad=protocol.navigator_flip_angle,
        navigator_echo_time_s=navigator.echo_s,
    )
    return table.finish(protocol.name, encoding, definitions(protocol.name, geometry, limits))


def _navigator(protocol: BeamNavigatedGre3d, view: EchoView, limits: Limits) -> BeamNavigator:
    """The beam. Errors: Refusal for its flip, diameter or field."""
    flip, most = protocol.navigator_flip_angle, MOST_FLIP_RAD
    if flip > most + 1e-9:
        reason = "a spiral makes a beam of its shape up to 90 degrees"
        raise Refusal(field="navigator_flip_angle", asked=flip, legal=most, bound="largest", reason=reason)
    if protocol.navigator_field < 2 * protocol.navigator_diameter:
        reason = "the ring would touch the beam within twice its diameter"
        legal = 2 * protocol.navigator_diameter
        raise Refusal(field="navigator_field", asked=protocol.navigator_field, legal=legal, bound="smallest", reason=reason)
    beam = Beam(
        centre_m=protocol.navigator_centre,
        along=axes_of("axial", protocol.navigator_tilt)[2] @ np.stack(axes_of("axial", protocol.tilt)),
        diameter_m=protocol.navigator_diameter,
        ring_m=protocol.navigator_field,
        flip_rad=flip,
    )
    return beam_navigator(beam, protocol.geometry(), view.echoes, limits, field="navigator_flip_angle")
