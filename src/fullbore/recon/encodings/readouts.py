"""Readouts made ready: reversed ones turned, resampled to the image's columns, placed in frame, slice and k-space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor

from fullbore.data import AcquisitionFlag, RawData
from fullbore.errors import DataError
from fullbore.numerics.fourier import ifft_centred
from fullbore.recon.admission import calibration_only_rows, imaging_rows
from fullbore.recon.frames import columns_of, frame_of

_BLOCK_ROWS = 512


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Readouts:
    """Readouts as columns of the image, still encoded along partition and line.

    values: (row, channel, x) on the image's x; frame, slice_number, partition, line: where each belongs.
    for_calibration: rows of a separate calibration scan (their frame is 0).
    matrix: encoded (kz, ky). columns_sampled: fraction of the readout's k-space that was measured.
    column_extent: from where to where, as fractions of the readout's k-space; (-0.5, 0.5) when all of it was.
    """

    values: Complex[Tensor, "row coil x"]
    frame: Int[np.ndarray, " row"]
    slice_number: Int[np.ndarray, " row"]
    partition: Int[np.ndarray, " row"]
    line: Int[np.ndarray, " row"]
    for_calibration: np.ndarray
    frames: int
    slices: int
    matrix: tuple[int, int]
    columns_sampled: float
    column_extent: tuple[float, float] = (-0.5, 0.5)

    def mask(self, frame: int, slice_: int) -> Int[np.ndarray, "kz ky"]:
        """How often each (kz, ky) was measured in the imaging rows of one frame and slice."""
        return self._count(self.rows(frame, slice_))

    def rows(self, frame: int, slice_: int) -> Int[np.ndarray, " n"]:
        """Imaging rows of one frame and slice."""
        return np.flatnonzero((self.frame == frame) & (self.slice_number == slice_) & ~self.for_calibration)

    def calibration_rows(self, slice_: int) -> Int[np.ndarray, " n"]:
        """Rows of the separate calibration scan of one slice; empty when there was none."""
        return np.flatnonzero((self.slice_number == slice_) & self.for_calibration)

    def kspace(self, rows: Int[np.ndarray, " n"], columns: slice) -> Complex[Tensor, "x coil kz ky"]:
        """Hybrid k-space of some columns: repeats averaged, zero where nothing was measured."""
        place = torch.from_numpy(self.partition[rows] * self.matrix[1] + self.line[rows])
        values = self.values[torch.from_numpy(rows)][:, :, columns]
        plane = torch.zeros((self.matrix[0] * self.matrix[1], *values.shape[1:]), dtype=values.dtype)
        plane.index_add_(0, place, values)
        count = torch.from_numpy(self._count(rows).reshape(-1))
        if int(count.max()) > 1:
            plane /= count.clamp_min(1)[:, None, None]
        return plane.permute(2, 1, 0).reshape(values.shape[2], values.shape[1], *self.matrix).contiguous()

    def _count(self, rows: Int[np.ndarray, " n"]) -> Int[np.ndarray, "kz ky"]:
        count = np.zeros(self.matrix, dtype=np.int64)
        np.add.at(count, (self.partition[rows], self.line[rows]), 1)
        return count


def prepare_readouts(raw: RawData, mixing: Complex[np.ndarray, "out coil"], shift_m: Float[np.ndarray, 3]) -> Readouts:
    """Mix channels, transform along the readout, and label every imaging and calibration row.

    mixing: applied to the channels (whitening, selection). shift_m: (read, phase, slice) of the point that goes to the
        centre of the image, (0, 0, 0) when the data were measured relative to it.
    Errors: DataError when a frame lacks a slice.
    """
    imaging = imaging_rows(raw)
    kept = np.flatnonzero(imaging | calibration_only_rows(raw))
    encoding = raw.encoding
    frame, frames = frame_of(raw, kept, imaging)
    values, sampled = _columns(raw, kept, mixing, float(shift_m[0]))
    line, partition = encoding.counter("line")[kept].astype(np.int64), encoding.counter("partition")[kept].astype(np.int64)
    values *= _shift_phase(raw, line, partition, shift_m)[:, None, None]
    geometry = encoding.geometry
    slices = 1 if geometry.is_3d else len(geometry.slice_offsets_m)
    result = Readouts(
        values=values,
        frame=frame,
        slice_number=np.zeros_like(line) if geometry.is_3d else encoding.counter("slice")[kept].astype(np.int64),
        partition=partition,
        line=line,
        for_calibration=~imaging[kept],
        frames=frames,
        slices=slices,
        matrix=(geometry.encoded_matrix[2], geometry.encoded_matrix[1]),
        columns_sampled=sampled,
    )
    _check_complete(result)
    return result


def _columns(
    raw: RawData, kept: Int[np.ndarray, " row"], mixing: Complex[np.ndarray, "out coil"], shift_m: float
) -> tuple[Complex[Tensor, "row out x"], float]:
    """Rows on the image's columns: k-space placed around its centre, transformed, oversampling cut off."""
    encoding = raw.encoding
    wide, narrow = columns_of(raw), encoding.geometry.matrix[0]
    target = np.arange(encoding.samples) - encoding.centre_sample + wide // 2
    inside = (target >= 0) & (target < wide)
    phase = 2 * np.pi * (target[inside] - wide // 2) / encoding.geometry.encoded_fov_m[0] * shift_m
    ramp = torch.from_numpy(np.exp(1j * phase).astype(np.complex64))
    mix = torch.from_numpy(mixing.astype(np.complex64))
    turned = torch.from_numpy((encoding.flags[kept].astype(np.uint64) & np.uint64(AcquisitionFlag.REVERSE)) != 0)
    first, last = wide // 2 - narrow // 2, wide // 2 - narrow // 2 + narrow
    result = torch.empty((len(kept), len(mixing), narrow), dtype=torch.complex64)
    for start in range(0, len(kept), _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        samples = torch.from_numpy(np.ascontiguousarray(raw.samples[kept[block]], dtype=np.complex64))
        samples = torch.where(turned[block, None, None], samples.flip(-1), samples) if bool(turned[block].any()) else samples
        placed = torch.zeros((len(samples), len(mixing), wide), dtype=torch.complex64)
        placed[..., torch.from_numpy(target[inside])] = (mix @ samples)[..., torch.from_numpy(inside)] * ramp
        result[block] = ifft_centred(placed, (-1,))[..., first:last]
    return result, float(inside.sum()) / wide


def _shift_phase(
    raw: RawData, line: Int[np.ndarray, " row"], partition: Int[np.ndarray, " row"], shift_m: Float[np.ndarray, 3]
) -> Complex[Tensor, " row"]:
    geometry = raw.encoding.geometry
    turns = (line - geometry.encoded_matrix[1] // 2) / geometry.encoded_fov_m[1] * shift_m[1]
    if geometry.is_3d:
        turns = turns + (partition - geometry.encoded_matrix[2] // 2) / geometry.encoded_fov_m[2] * shift_m[2]
    return torch.from_numpy(np.exp(2j * np.pi * turns).astype(np.complex64))


def _check_complete(readouts: Readouts) -> None:
    present = np.zeros((readouts.frames, readouts.slices), dtype=bool)
    imaging = ~readouts.for_calibration
    present[readouts.frame[imaging], readouts.slice_number[imaging]] = True
    if not present.all():
        frame, number = np.argwhere(~present)[0]
        raise DataError(
            f"raw data, frame {frame}, slice {number}: not one readout was measured. Leave out the incomplete frame or slice."
        )
