"""3D spoiled gradient echo: the scout."""

from __future__ import annotations

import numpy as np

from fullbore.data import Encoding, Geometry, Limits, Sequence
from fullbore.sequence.block_table import BlockTable, definitions
from fullbore.sequence.placement import slab
from fullbore.sequence.protocol import SpoiledGre3d
from fullbore.sequence.readout_rows import ReadoutRows
from fullbore.sequence.spoiled_view import RF_SPOIL_DEG, View, design_view, spoil_phase_rad


def spoiled_gre_3d(protocol: SpoiledGre3d, limits: Limits) -> Sequence:
    """Partitions outside, lines inside, after `dummy_views` unsampled views. Errors: Refusal for a limit that is broken."""
    view = design_view(protocol, "repetition_time", limits)
    geometry = slab(protocol.orientation, protocol.centre, protocol.fov, protocol.matrix, protocol.readout_oversampling)
    _, lines, partitions = protocol.matrix
    partition, line = (index.ravel() for index in np.indices((partitions, lines)))
    dummies = np.zeros(protocol.dummy_views)
    k_phase = np.concatenate([dummies, (line - lines // 2) / protocol.fov[1]])
    k_partition = np.concatenate([dummies, (partition - partitions // 2) / protocol.fov[2]])
    count = len(k_phase)
    sampled = np.arange(count) >= len(dummies)
    table = BlockTable(geometry, limits.block_raster_s)
    table.play(*view.blocks(k_phase, k_partition, spoil_phase_rad(0, count), sampled), times=count)
    rows = ReadoutRows(geometry)
    rows.add(len(line), line=line, partition=partition, echo_time_s=view.echo_time_s)
    return table.finish(protocol.name, _encoding(protocol, view, geometry, rows), definitions(protocol.name, geometry, limits))


def _encoding(protocol: SpoiledGre3d, view: View, geometry: Geometry, rows: ReadoutRows) -> Encoding:
    """The table of readouts with its header."""
    return Encoding(
        geometry=geometry,
        **view.sampling(),
        **rows.arrays(),
        repetition_time_s=protocol.repetition_time,
        flip_rad=protocol.flip_angle,
        echo_times_s=(view.echo_time_s,),
        protocol=protocol.name,
        parameters={
            "bandwidth_Hz_per_px": view.shape.bandwidth,
            "dummy_views": float(protocol.dummy_views),
            "rf_spoil_rad": float(np.deg2rad(RF_SPOIL_DEG)),
        },
    )
