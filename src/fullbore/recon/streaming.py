"""Images while readouts arrive: quick looks at what is there, and the image itself at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from fullbore.data import Image, RawData
from fullbore.data.encoding import OPTIONAL_COLUMNS
from fullbore.errors import DataError
from fullbore.numerics.fourier import ifft_centred
from fullbore.recon.admission import admit, imaging_rows, live_channels
from fullbore.recon.encodings.readouts import Readouts, prepare_readouts
from fullbore.recon.recipe import Recipe
from fullbore.recon.reconstruct import reconstruct


def preview(raw: RawData) -> Image:
    """A quick look at an unfinished Cartesian acquisition: its latest frame, root sum of squares over the channels.

    What has not been measured counts as zero, so missing lines blur and fold; no maps, no whitening, no scale: magnitude
    in units of the raw data's samples. Errors: those of `admit`.
    """
    admit(raw)
    live = live_channels(raw)
    readouts = prepare_readouts(_latest_frame(raw), np.eye(len(live), dtype=np.complex128)[live], np.zeros(3))
    slabs = torch.stack([_root_sum_of_squares(readouts, number) for number in range(readouts.slices)])
    values = slabs[0] if raw.encoding.geometry.is_3d else slabs[:, 0]
    values = _cut(values, raw)
    return Image(
        name=raw.encoding.protocol or "image",
        values=values.numpy().astype(np.complex64),
        axes=(),
        grid=raw.encoding.geometry.grid(),
        encoding=raw.encoding,
        report={"preview": True, "readouts": raw.encoding.rows},
    )


def reconstruct_stream(
    pieces: Iterable[RawData],
    recipe: Recipe | None = None,
    *,
    every_s: float = 1.0,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Image]:
    """Previews while pieces of an acquisition arrive, then its image, the last one given.

    pieces: readouts in playing order with one and the same header; a piece may be a single readout. every_s: least time
    between previews. Errors: DataError when nothing arrives; those of `reconstruct`.
    """
    arrived: list[RawData] = []
    shown = clock()
    for piece in pieces:
        arrived.append(piece)
        if clock() - shown >= every_s:
            raw = joined(arrived)
            if np.any(imaging_rows(raw)):
                yield preview(raw)
            arrived, shown = [raw], clock()
    if not arrived:
        raise DataError("stream: it ended before the first readout. Give an iterator of RawData.")
    yield reconstruct(joined(arrived), recipe)


def joined(pieces: list[RawData]) -> RawData:
    """Pieces of one acquisition, one after the other; header and noise are the first one's."""
    if len(pieces) == 1:
        return pieces[0]
    encodings = [piece.encoding for piece in pieces]
    columns = ("counters", "flags", "k_first_per_m", "k_step_per_m", "echo_time_s", "inversion_time_s")
    optional = [name for name in OPTIONAL_COLUMNS if getattr(encodings[0], name) is not None]
    rows: dict[str, Any] = {name: np.concatenate([getattr(e, name) for e in encodings]) for name in (*columns, *optional)}
    labels = {name: np.concatenate([e.labels[name] for e in encodings]) for name in encodings[0].labels}
    measures = {name: np.concatenate([e.measures[name] for e in encodings]) for name in encodings[0].measures}
    paths = [piece.trajectory_per_m for piece in pieces if piece.trajectory_per_m is not None]
    return replace(
        pieces[0],
        encoding=replace(encodings[0], labels=labels, measures=measures, **rows),
        samples=np.concatenate([piece.samples for piece in pieces]),
        trajectory_per_m=np.concatenate(paths) if len(paths) == len(pieces) else None,
    )


def _latest_frame(raw: RawData) -> RawData:
    """The rows that share the last imaging row's counters of frames."""
    rows = np.flatnonzero(imaging_rows(raw))
    labels = np.stack([raw.encoding.counter(name)[rows] for name in ("set", "contrast", "repetition", "phase")], axis=1)
    return raw.take(rows[np.all(labels == labels[-1], axis=1)])


def _root_sum_of_squares(readouts: Readouts, number: int) -> torch.Tensor:
    """(z, y, x) of one slice or slab."""
    x = readouts.values.shape[2]
    rows = readouts.rows(0, number)
    if not len(rows):
        return torch.zeros((*readouts.matrix, x))
    channels = ifft_centred(readouts.kspace(rows, slice(None)), (-2, -1))
    return (channels.real.square() + channels.imag.square()).sum(1).sqrt().permute(1, 2, 0)


def _cut(values: torch.Tensor, raw: RawData) -> torch.Tensor:
    """The image's matrix out of the encoded one: cut or filled up with zeros around the centre."""
    shape = raw.encoding.geometry.grid().shape
    result = torch.zeros(shape)
    there = [min(a, b) for a, b in zip(values.shape, shape, strict=True)]
    source = tuple(slice(n // 2 - m // 2, n // 2 - m // 2 + m) for n, m in zip(values.shape, there, strict=True))
    target = tuple(slice(n // 2 - m // 2, n // 2 - m // 2 + m) for n, m in zip(shape, there, strict=True))
    result[target] = values[source]
    return result
