"""The measurements and readouts of a Siemens `.dat`, walked with bounds so that broken bytes cannot loop or run away.

The structures and the protocol parser are twixtools' (github.com/pehses/twixtools, MIT).
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from twixtools.hdr_def import MultiRaidFileHeader
from twixtools.mdb import Mdb
from twixtools.twixprot import parse_twix_hdr

from fullbore.errors import FormatError

_SMALLEST_HEADER, _LARGEST_HEADER = 32, 1 << 28
_MOST_BUFFERS = 64


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measurement:
    """One measurement of a multi-RAID file: the protocol as nested dicts, and its readouts in order."""

    protocol: dict[str, Any]
    lines: list[Mdb]


def open_measurements(path: str | Path) -> list[Measurement]:
    """All measurements of a VB or VD/VE `.dat` file, in order; the samples stay on disk until `Mdb.data` is asked for.

    Errors: FormatError when the file is missing, empty, truncated or not Siemens raw data.
    """
    who = str(path)
    if not Path(path).is_file():
        raise FormatError(f"{who}: no such file. Give the path of a Siemens .dat file.")
    size = Path(path).stat().st_size
    with Path(path).open("rb") as file:
        is_ve, places = _places(file, size, who)
        return [_measurement(file, start, end, is_ve, who) for start, end in places]


def _places(file: BinaryIO, size: int, who: str) -> tuple[bool, list[tuple[int, int]]]:
    """Whether the file is VD/VE, and the (start, end) of each measurement. Source: the MultiRAID header of VD/VE."""
    head = file.read(MultiRaidFileHeader.itemsize)
    if len(head) < 8:
        raise FormatError(f"{who}: has {size} bytes, too few for Siemens raw data. Copy it again.")
    first, count = np.frombuffer(head[:8], "<u4").tolist()
    if not (first < 10000 and 0 < count <= 64):
        return False, [(0, size)]
    if len(head) < MultiRaidFileHeader.itemsize:
        raise FormatError(f"{who}: ends inside its first header ({size} bytes). Copy it again.")
    entries = np.frombuffer(head, MultiRaidFileHeader)[0]["entry"][:count]
    places = []
    for start, length in zip(entries["off_"].tolist(), entries["len_"].tolist(), strict=True):
        end = start + length if length else size
        if start < 16 or start >= size or end > size:
            got = f"a measurement at bytes {start} to {end} of a file of {size}"
            raise FormatError(f"{who}: names {got}: truncated, or not Siemens raw data. Copy it again.")
        places.append((start, end))
    return True, places


def _measurement(file: BinaryIO, start: int, end: int, is_ve: bool, who: str) -> Measurement:
    file.seek(start)
    header_length, buffers = np.frombuffer(file.read(8).ljust(8, b"\0"), "<u4").tolist()
    is_sane = _SMALLEST_HEADER <= header_length < min(_LARGEST_HEADER, end - start) and 0 < buffers <= _MOST_BUFFERS
    if not is_sane:
        raise FormatError(f"{who}: no Siemens measurement header at byte {start}. Give a .dat file as the scanner exports it.")
    file.seek(start)
    try:
        # twixtools reports on standard output, which is not a library's to write to.
        with contextlib.redirect_stdout(io.StringIO()):
            protocol = parse_twix_hdr(file)
    except Exception as error:  # whatever a text parser may trip over in foreign bytes
        raise FormatError(f"{who}: its protocol header cannot be read ({type(error).__name__}). Copy it again.") from error
    if "MeasYaps" not in protocol:
        raise FormatError(f"{who}: its header holds no protocol. Give a .dat file as the scanner exports it.")
    return Measurement(protocol=protocol, lines=_walk(file, start + header_length, end, is_ve, who))


def _walk(file: BinaryIO, position: int, end: int, is_ve: bool, who: str) -> list[Mdb]:
    lines: list[Mdb] = []
    smallest = 192 if is_ve else 128
    while position + smallest <= end:
        file.seek(position)
        try:
            line = Mdb(file, is_ve)
        except (ValueError, OverflowError, MemoryError):
            break
        if line.is_flag_set("ACQEND"):
            return lines
        length = int(line.dma_len)
        if length < smallest or position + length > end:
            break
        lines.append(line)
        position += length
    got = f"the data end after {len(lines)} readouts without the end mark"
    raise FormatError(f"{who}: truncated: {got}. Copy it again, or finish the measurement.")
