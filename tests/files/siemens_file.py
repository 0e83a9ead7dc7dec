"""A small VD/VE `.dat` file with known content, built from twixtools' structures."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from twixtools.hdr_def import MultiRaidFileHeader
from twixtools.mdb import Mdb_local


@dataclass
class Readout:
    data: np.ndarray
    counters: dict[str, int]
    flags: tuple[str, ...] = ()
    centre: tuple[int, int, int] = (0, 0, 0)
    position_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    quaternion: tuple[float, float, float, float] = (0.70710678, 0.0, 0.0, 0.70710678)


PROTOCOL = """### ASCCONV BEGIN ###
tProtocolName = "gre3d"
sSliceArray.asSlice[0].dReadoutFOV = 240.0
sSliceArray.asSlice[0].dPhaseFOV = 160.0
sSliceArray.asSlice[0].dThickness = 80.0
sSliceArray.lSize = 1
sKSpace.lBaseResolution = 12
sKSpace.lPhaseEncodingLines = {lines}
sKSpace.lPartitions = {partitions}
sKSpace.ucDimension = {dimension}
lContrasts = 2
alTE[0] = 5000
alTE[1] = 7500
alTR[0] = 20000
adFlipAngleDegree[0] = 15.0
sRXSPEC.alDwellTime[0] = 4000
sProtConsistencyInfo.flNominalB0 = 2.89
### ASCCONV END ###
"""


def write_dat(path: Path, readouts: list[Readout], lines: int = 10, partitions: int = 4, end_mark: bool = True) -> None:
    text = PROTOCOL.format(lines=lines, partitions=partitions, dimension=4 if partitions > 1 else 2).encode()
    buffer = b"MeasYaps\0" + struct.pack("<I", len(text)) + text
    header = struct.pack("<II", 8 + len(buffer), 1) + buffer
    body = b"".join(_bytes(readout) for readout in readouts)
    if end_mark:
        end = Mdb_local()
        end.add_flag("ACQEND")
        body += bytes(bytearray(end.mdh)) + bytes(160)
    raid = np.zeros(1, MultiRaidFileHeader)[0]
    raid["hdr"]["count_"] = 1
    raid["entry"]["off_"][0], raid["entry"]["len_"][0] = 10240, len(header) + len(body)
    path.write_bytes(raid.tobytes().ljust(10240, b"\0") + header + body)


def _bytes(readout: Readout) -> bytes:
    line = Mdb_local(np.ascontiguousarray(readout.data, dtype=np.complex64))
    for flag in readout.flags:
        line.add_flag(flag)
    for name, value in readout.counters.items():
        setattr(line.mdh.Counter, name, value)
    line.mdh.CenterCol, line.mdh.CenterLin, line.mdh.CenterPar = readout.centre
    line.mdh.SliceData.SlicePos.Sag, line.mdh.SliceData.SlicePos.Cor, line.mdh.SliceData.SlicePos.Tra = readout.position_mm
    line.mdh.SliceData.Quaternion[:] = readout.quaternion
    channels = (bytes(bytearray(line.channel_hdr[c])) + line.data[c].tobytes() for c in range(len(line.data)))
    return bytes(bytearray(line.mdh)) + b"".join(channels)
