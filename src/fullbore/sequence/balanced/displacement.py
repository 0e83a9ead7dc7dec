"""DENSE: where the heart has gone since the trigger is written into the phase, by a tag that the readout takes off again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from fullbore.data import Geometry, Limits, Sequence
from fullbore.sequence.balanced.cine import BalancedCine, cine_rows, refuse_phases, segment_columns, segment_trains
from fullbore.sequence.balanced.shot import Beat, Train, finished, play_beats
from fullbore.sequence.balanced.tagging import SPOIL_PER_M, TAG_PULSE_S
from fullbore.sequence.balanced.view import design_view
from fullbore.sequence.block_table import BlockTable
from fullbore.sequence.module import Module, chained
from fullbore.sequence.ordering import UNUSED
from fullbore.sequence.preparations import spoiling
from fullbore.sequence.preparations.saturation import alone
from fullbore.sequence.prescription import Length
from fullbore.sequence.pulses import hard_pulse

Directions = Literal["read", "phase", "in_plane", "all"]
AXES: dict[str, tuple[int, ...]] = {"read": (0,), "phase": (1,), "in_plane": (0, 1), "all": (0, 1, 2)}
SPOILS_PER_M = (0.0, 0.0, SPOIL_PER_M)


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseCine2d(BalancedCine):
    """A spoiled cine, always triggered, of stimulated echoes that carry displacement.

    encode_length: displacement that turns the phase by 2 pi (its inverse is the encoding frequency). directions: that are
    encoded, each after a reference without encoding. phase_cycles: of the second tagging pulse: 2 (0 and 180 degrees) leave
    out what has relaxed since the trigger; 4 leave out the opposite echo too, so that encode_length need not be short.
    """

    encode_length: Length
    directions: Directions = "in_plane"
    phase_cycles: Literal[2, 4] = 4


def dense_cine_2d(protocol: DenseCine2d, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken, and where the phases do not fit into the heart period.

    set: phase cycles within the reference, then within each direction. A row's k holds its decoding lobe, measures encode_x_per_m
    and so on: an image is made of the rest, as `recon.displacement` does.
    """
    ways = np.concatenate([np.zeros((1, 3)), np.eye(3)[list(AXES[protocol.directions])] / protocol.encode_length])
    views = [design_view(protocol, limits, spoiled=True, decode_per_m=(way[0], way[1], way[2])) for way in ways.tolist()]
    trains = [segment_trains(protocol, view) for view in views]
    refuse_phases(protocol, protocol.trigger_delay + 5e-3, protocol.heart_period)
    rows = cine_rows(protocol)
    beats = []
    for number in range(-protocol.dummy_beats, len(trains[0])):
        for kind, (way, cycle) in enumerate(np.ndindex(len(ways), protocol.phase_cycles)):
            train, turn = trains[way][max(number, 0)], 2 * math.pi * cycle / protocol.phase_cycles
            prepared = encoding_pair(ways[way], turn, limits)
            columns = {"set": kind, "tag_phase_rad": turn, **segment_columns(protocol, train, number)}
            columns |= _decoded(train, ways[way], rows.geometry)
            delay = prepared.tail_s + train.lead_s
            beats.append(Beat(train=train, preparation=prepared, delay_s=delay, columns=columns, sampled=number >= 0))
    table = BlockTable(rows.geometry, limits.block_raster_s)
    play_beats(table, rows, protocol, beats, limits, "trigger_delay")
    parameters = {"encode_length_m": protocol.encode_length, "phases": float(protocol.phases)}
    return finished(protocol, views[0], table, rows, limits, echo_train_length=protocol.views_per_segment, parameters=parameters)


def encoding_pair(k_per_m: np.ndarray, turn_rad: float, limits: Limits) -> Module:
    """Two 90 degree pulses, k (read, phase, slice) between them, the second turned, and a spoiler; the centre is its start."""
    pulse = hard_pulse(math.pi / 2, TAG_PULSE_S, limits, use="p", field="encode_length")
    wound = spoiling((float(k_per_m[0]), float(k_per_m[1]), float(k_per_m[2])), limits)
    pair = chained(alone(pulse, limits), wound, alone(pulse, limits, phase_rad=turn_rad))
    return Module(blocks=pair.blocks + spoiling(SPOILS_PER_M, limits).blocks, centre_s=pair.duration_s)


def _decoded(train: Train, way: np.ndarray, geometry: Geometry) -> dict[str, Any]:
    """First k of a train's rows with the decoding lobe, and the measures that say it."""
    line = train.lines[train.lines != UNUSED]
    (samples, lines, _), fov = geometry.encoded_matrix, geometry.encoded_fov_m
    first = np.stack([np.full(len(line), -(samples // 2) / fov[0]), (line - lines // 2) / fov[1], np.zeros(len(line))], axis=1)
    lps = way @ np.stack([geometry.read, geometry.phase, geometry.slice])
    return {"k_first": first + way, **{f"encode_{axis}_per_m": lps[n] for n, axis in enumerate("xyz")}}
