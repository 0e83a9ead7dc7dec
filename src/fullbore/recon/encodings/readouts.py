"""Readouts made ready: reversed ones turned, resampled to the image's columns, placed in frame, slice and k-space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor

from fullbore.data import RawData
from fullbore.errors import DataError
from fullbore.numerics.fourier import ifft_centred
from fullbore.recon.admission import calibration_only_rows, imaging_rows
from fullbore.recon.calibration.epi_phase import (
    backward_rows,
    estimated_phase,
    linear_phase,
    local_phase,
    reference_product,
    reference_rows,
)
from fullbore.recon.encodings.ramp import gridding_matrix, is_on_grid, kinds_of, readout_positions
from fullbore.recon.frames import columns_of, frame_of
from fullbore.recon.recipe.readout_phase import EpiPhase

_BLOCK_BYTES = 4 << 20


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
        device = self.values.device
        place = torch.from_numpy(self.partition[rows] * self.matrix[1] + self.line[rows]).to(device)
        values = self.values[:, :, columns].index_select(0, torch.from_numpy(rows).to(device))
        plane = torch.zeros((self.matrix[0] * self.matrix[1], *values.shape[1:]), dtype=values.dtype, device=device)
        plane.index_add_(0, place, values)
        count = self._count(rows).reshape(-1)
        if count.max() > 1:
            plane /= torch.from_numpy(np.maximum(count, 1)).to(device)[:, None, None]
        return plane.permute(2, 1, 0).reshape(values.shape[2], values.shape[1], *self.matrix).contiguous()

    def _count(self, rows: Int[np.ndarray, " n"]) -> Int[np.ndarray, "kz ky"]:
        count = np.zeros(self.matrix, dtype=np.int64)
        np.add.at(count, (self.partition[rows], self.line[rows]), 1)
        return count


def kept_rows(raw: RawData) -> Int[np.ndarray, " row"]:
    """Rows of the raw data that become rows of `Readouts`, in order."""
    return np.flatnonzero(imaging_rows(raw) | calibration_only_rows(raw))


def prepare_readouts(
    raw: RawData,
    mixing: Complex[np.ndarray, "out coil"],
    shift_m: Float[np.ndarray, 3],
    epi: EpiPhase | None = None,
) -> Readouts:
    """Mix channels, transform along the readout, and label the rows of `kept_rows`.

    mixing: applied to the channels (whitening, selection). shift_m: (read, phase, slice) of the point that goes to the
        centre of the image, (0, 0, 0) when the data were measured relative to it. epi: what to do about the phase between
        readouts of both polarities.
    """
    imaging, kept = imaging_rows(raw), kept_rows(raw)
    encoding = raw.encoding
    frame, frames = frame_of(raw, kept, imaging)
    values, sampled, extent = columns_of_rows(raw, kept, mixing, float(shift_m[0]))
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
        column_extent=extent,
    )
    return result if epi is None else with_epi_phase(result, raw, kept, mixing, float(shift_m[0]), epi)


def columns_of_rows(
    raw: RawData, rows: Int[np.ndarray, " row"], mixing: Complex[np.ndarray, "out coil"], shift_m: float
) -> tuple[Complex[Tensor, "row out x"], float, tuple[float, float]]:
    """Rows on the image's columns: k-space transformed around its centre, oversampling cut off.

    Also the noise variance of a column over that of a fully sampled readout, and what part of k was covered.
    """
    wide, narrow = columns_of(raw), raw.encoding.geometry.matrix[0]
    positions, turned = readout_positions(raw, rows)
    if is_on_grid(positions, raw.encoding.centre_sample):
        positions = np.arange(raw.encoding.samples)[None] - float(raw.encoding.centre_sample)
        first, kind = np.zeros(1, dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
    else:
        first, kind = kinds_of(positions)
    mix, flips = torch.from_numpy(mixing.astype(np.complex64)), torch.from_numpy(turned)
    transforms = [_transform(positions[row], wide, narrow, raw, shift_m) for row in first]
    result = torch.empty((len(rows), len(mixing), narrow), dtype=torch.complex64)
    step = max(1, _BLOCK_BYTES // raw.samples[0].nbytes)
    for start in range(0, len(rows), step):
        block = np.arange(start, min(start + step, len(rows)))
        samples = torch.from_numpy(np.ascontiguousarray(raw.samples[rows[block]], dtype=np.complex64))
        flip = flips[block[0] : block[-1] + 1]
        samples = mix @ (torch.where(flip[:, None, None], samples.flip(-1), samples) if bool(flip.any()) else samples)
        for number, (transform, _, _) in enumerate(transforms):
            chosen = torch.from_numpy(np.flatnonzero(kind[block] == number))
            result[start + chosen] = transform(samples[chosen] if len(chosen) < len(block) else samples)
    low, high = min(extent[0] for _, _, extent in transforms), max(extent[1] for _, _, extent in transforms)
    return result, float(np.mean([noise for _, noise, _ in transforms])), (low, high)


def _transform(
    positions: Float[np.ndarray, " sample"], wide: int, narrow: int, raw: RawData, shift_m: float
) -> tuple[Callable[[Tensor], Tensor], float, tuple[float, float]]:
    """Samples to columns, the noise of a column, and the covered part of k, for readouts of one kind."""
    phase = 2 * np.pi * positions / raw.encoding.geometry.encoded_fov_m[0] * shift_m
    ramp = torch.from_numpy(np.exp(1j * phase).astype(np.complex64))
    keep = slice(wide // 2 - narrow // 2, wide // 2 - narrow // 2 + narrow)
    target = np.round(positions).astype(np.int64) + wide // 2
    extent = (max(-0.5, float(positions.min()) / wide), min(0.5, (float(positions.max()) + 1) / wide))
    if is_on_grid(positions[None], -int(target[0] - wide // 2)):
        inside = (target >= 0) & (target < wide)
        place, taken = torch.from_numpy(target[inside]), torch.from_numpy(inside)

        def on_grid(samples: Tensor) -> Tensor:
            placed = torch.zeros((*samples.shape[:-1], wide), dtype=samples.dtype)
            placed[..., place] = (samples * ramp)[..., taken]
            return ifft_centred(placed, (-1,))[..., keep]

        return on_grid, float(inside.sum()) / wide, extent
    matrix = gridding_matrix(positions, wide)[keep]
    by_matrix = torch.from_numpy(matrix.T.astype(np.complex64))
    return lambda samples: (samples * ramp) @ by_matrix, float((np.abs(matrix) ** 2).sum(1).mean()), extent


def _shift_phase(
    raw: RawData, line: Int[np.ndarray, " row"], partition: Int[np.ndarray, " row"], shift_m: Float[np.ndarray, 3]
) -> Complex[Tensor, " row"]:
    geometry = raw.encoding.geometry
    turns = (line - geometry.encoded_matrix[1] // 2) / geometry.encoded_fov_m[1] * shift_m[1]
    if geometry.is_3d:
        turns = turns + (partition - geometry.encoded_matrix[2] // 2) / geometry.encoded_fov_m[2] * shift_m[2]
    return torch.from_numpy(np.exp(2j * np.pi * turns).astype(np.complex64))


def with_epi_phase(
    readouts: Readouts,
    raw: RawData,
    kept: Int[np.ndarray, " row"],
    mixing: Complex[np.ndarray, "out coil"],
    shift_m: float,
    epi: EpiPhase,
) -> Readouts:
    """The phase between the polarities removed, slice by slice; half of it from either.

    Errors: DataError where references are asked for and there are none.
    """
    backward = backward_rows(raw)
    if not backward[kept].any() or backward[kept].all():
        return readouts
    references = reference_rows(raw)
    if epi.source == "reference" and not len(references):
        raise DataError("EPI phase: no readout is marked as a phase reference. Use source image or auto.")
    values = readouts.values.clone()
    for number in np.unique(readouts.slice_number).tolist():
        own = references[raw.encoding.counter("slice")[references] == number] if readouts.slices > 1 else references
        own = own if len(own) else references
        if epi.source != "image" and len(own) > 1:
            columns = columns_of_rows(raw, own, mixing, shift_m)[0].numpy()
            phase = _referenced_phase(reference_product(columns, backward[own]), epi)
        elif not len(readouts.rows(0, number)):
            continue
        else:
            phase = _estimated_phase(readouts, number, backward[kept])
        half = torch.from_numpy(np.exp(-0.5j * phase).astype(np.complex64))
        here = torch.from_numpy(readouts.slice_number == number)
        turned = torch.from_numpy(backward[kept])
        values[here & ~turned] *= half
        values[here & turned] *= half.conj()
    return replace(readouts, values=values)


def _referenced_phase(product: Complex[np.ndarray, " x"], epi: EpiPhase) -> Float[np.ndarray, " x"]:
    if epi.fit == "local":
        return local_phase(product)
    constant, slope = linear_phase(product)
    return np.asarray(constant + slope * (np.arange(len(product)) - len(product) // 2))


def _estimated_phase(readouts: Readouts, slice_: int, backward: np.ndarray) -> Float[np.ndarray, " x"]:
    """From the first frame of a slice and its central partition."""
    rows = readouts.rows(0, slice_)
    images = []
    for polarity in (False, True):
        hybrid = readouts.kspace(rows[backward[rows] == polarity], slice(None))
        images.append(ifft_centred(hybrid, (-2, -1))[:, :, readouts.matrix[0] // 2].transpose(0, 1).numpy())
    constant, slope = estimated_phase(images[0], images[1])
    x = readouts.values.shape[2]
    return np.asarray(constant + slope * (np.arange(x) - x // 2))


def check_complete(readouts: Readouts) -> None:
    """Errors: DataError when a frame lacks a slice."""
    present = np.zeros((readouts.frames, readouts.slices), dtype=bool)
    imaging = ~readouts.for_calibration
    present[readouts.frame[imaging], readouts.slice_number[imaging]] = True
    if not present.all():
        frame, number = np.argwhere(~present)[0]
        raise DataError(
            f"raw data, frame {frame}, slice {number}: not one readout was measured. Leave out the incomplete frame or slice."
        )
