"""MRD streaming: the messages that scanners and reconstruction servers exchange, as bytes and back.

Every message begins with a 16-bit identifier. Source: ismrmrd/doc/mrd_streaming_protocol.md and mrd_messages.md
(github.com/ismrmrd/ismrmrd, version 1.14). All numbers are little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import h5py
import ismrmrd
import numpy as np

from fullbore.data import Image, RawData
from fullbore.errors import FormatError
from fullbore.files.atomic import atomic_path
from fullbore.files.mrd_foreign import convert
from fullbore.files.mrd_header import parse_header
from fullbore.files.mrd_layout import ACQUISITION_TYPE, GROUP, HEAD_TYPE
from fullbore.files.mrd_rows import Rows

Read = Callable[[int], bytes]
"""Gives exactly so many bytes, or raises EOFError when the stream has ended before."""

_CONFIG_FILE_BYTES = 1024
_LARGEST_TEXT = 16 << 20
_WAVEFORM_HEAD_BYTES = 40
# Of MRD's head, the counts that decide how many bytes follow.
_LARGEST_CHANNELS = 1024
_LARGEST_DIMENSIONS = 3


class MessageId(IntEnum):
    """What follows in the stream."""

    CONFIG_FILE = 1
    CONFIG_TEXT = 2
    HEADER = 3
    CLOSE = 4
    TEXT = 5
    ACQUISITION = 1008
    IMAGE = 1022
    WAVEFORM = 1026


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The reconstruction that a client asks for by name, or as a text of its own."""

    text: str
    is_name: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderText:
    """The MRD header (XML) of all that follows."""

    xml: bytes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Acquisition:
    """One readout, (1,) of ACQUISITION_TYPE, as it would lie in a file."""

    row: np.ndarray

    @property
    def stored_bytes(self) -> int:
        """What keeping it costs."""
        return HEAD_TYPE.itemsize + int(self.row["data"][0].nbytes) + int(self.row["traj"][0].nbytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A remark for people."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waveform:
    """A physiological signal; its samples are not kept."""


Message = Config | HeaderText | Acquisition | Text | Waveform


def read_messages(read: Read, who: str) -> Iterator[Message]:
    """Messages until the sender closes.

    Errors: FormatError for an identifier or a length that MRD does not know (from there on the stream cannot be
    understood); EOFError from `read` when it ends in the middle of a message.
    """
    while True:
        number = struct.unpack("<H", read(2))[0]
        match number:
            case MessageId.CLOSE:
                return
            case MessageId.CONFIG_FILE:
                name = read(_CONFIG_FILE_BYTES).split(b"\0", 1)[0]
                yield Config(text=name.decode("utf-8", "replace").strip(), is_name=True)
            case MessageId.CONFIG_TEXT:
                yield Config(text=_text(read, who).decode("utf-8", "replace").strip("\0"), is_name=False)
            case MessageId.HEADER:
                yield HeaderText(xml=_text(read, who).rstrip(b"\0"))
            case MessageId.TEXT:
                yield Text(text=_text(read, who).decode("utf-8", "replace").strip("\0"))
            case MessageId.ACQUISITION:
                yield Acquisition(row=_acquisition(read, who))
            case MessageId.WAVEFORM:
                _skip_waveform(read, who)
                yield Waveform()
            case _:
                raise FormatError(
                    f"{who}: got message {number}, wanted one of {', '.join(f'{m} ({m.name.lower()})' for m in MessageId)}. "
                    "The lengths in an earlier message may be wrong."
                )


def _text(read: Read, who: str) -> bytes:
    length = struct.unpack("<I", read(4))[0]
    if length > _LARGEST_TEXT:
        raise FormatError(f"{who}: a text of {length} bytes, wanted at most {_LARGEST_TEXT}. Send a shorter one.")
    return read(length)


def _acquisition(read: Read, who: str) -> np.ndarray:
    row = np.empty(1, ACQUISITION_TYPE)
    row["head"] = np.frombuffer(read(HEAD_TYPE.itemsize), HEAD_TYPE)
    head = row["head"][0]
    samples, channels, dimensions = (
        int(head[name]) for name in ("number_of_samples", "active_channels", "trajectory_dimensions")
    )
    if not 0 < channels <= _LARGEST_CHANNELS or dimensions > _LARGEST_DIMENSIONS or head["version"] != 1:
        got = f"version {head['version']}, {channels} channels and a trajectory of {dimensions} dimensions"
        raise FormatError(f"{who}: a readout of {got}; wanted version 1, 1 to {_LARGEST_CHANNELS} and at most 3.")
    row["traj"][0] = np.frombuffer(read(4 * samples * dimensions), "<f4")
    row["data"][0] = np.frombuffer(read(8 * samples * channels), "<f4")
    return row


def _skip_waveform(read: Read, who: str) -> None:
    head = read(_WAVEFORM_HEAD_BYTES)
    samples, channels = struct.unpack_from("<HH", head, 28)
    read(4 * samples * channels)


def text_message(text: str) -> bytes:
    """A remark."""
    encoded = text.encode()
    return struct.pack("<HI", MessageId.TEXT, len(encoded)) + encoded


def close_message() -> bytes:
    """The end."""
    return struct.pack("<H", MessageId.CLOSE)


def image_messages(image: Image, series: int, comment: str) -> Iterator[bytes]:
    """A message per slice (or slab) and frame: complex float, (channel, z, y, x), where it lies in the patient.

    series: MRD's image_series_index, which tells previews from the image. comment: for people.
    """
    frames = image.values.reshape(-1, *image.values.shape[-3:])
    geometry = image.encoding.geometry
    step = image.grid.affine_m[:3, 2]
    middle = image.grid.affine_m @ np.array([*(n // 2 for n in reversed(image.grid.shape)), 1.0])
    thickness = geometry.fov_m[2] if geometry.is_3d else float(np.linalg.norm(step))
    index = 0
    for frame, volume in enumerate(frames):
        slabs = [volume] if geometry.is_3d else list(volume[:, None])
        for number, slab in enumerate(slabs):
            index += 1
            offset = 0 if geometry.is_3d else number - len(volume) // 2
            made = ismrmrd.Image.from_array(
                np.ascontiguousarray(slab[None], dtype=np.complex64),
                image_type=ismrmrd.IMTYPE_COMPLEX,
                field_of_view=tuple(1e3 * extent for extent in (*geometry.fov_m[:2], thickness)),
                position=tuple(1e3 * (middle[:3] + offset * step)),
                read_dir=tuple(geometry.read),
                phase_dir=tuple(geometry.phase),
                slice_dir=tuple(geometry.slice),
                slice=number,
                repetition=frame,
                image_index=index,
                image_series_index=series,
            )
            made.meta = ismrmrd.Meta({"ImageComments": comment, "DataRole": "Image"})
            yield struct.pack("<H", MessageId.IMAGE) + made.to_bytes()


def gathered(xml: bytes, acquisitions: list[Acquisition], who: str) -> RawData:
    """The raw data of what has arrived. Errors: FormatError when it is nothing, or contradicts itself."""
    if not acquisitions:
        raise FormatError(f"{who}: not one readout arrived before the end. Send the acquisitions, then close.")
    rows = np.concatenate([acquisition.row for acquisition in acquisitions])
    return convert(parse_header(xml, who), Rows(data=rows, heads=rows["head"], who=who), who)


def write_gathered(xml: bytes, acquisitions: list[Acquisition], path: str | Path) -> None:
    """What has arrived, as an MRD file, untouched."""
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        group = file.create_group(GROUP)
        group.create_dataset("xml", (1,), dtype=h5py.special_dtype(vlen=bytes))[0] = xml
        rows = np.concatenate([acquisition.row for acquisition in acquisitions])
        group.create_dataset("data", data=rows, maxshape=(None,), dtype=ACQUISITION_TYPE)
