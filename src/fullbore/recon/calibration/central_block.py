"""The fully sampled centre of k-space: where it is, and its samples on all three axes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Complex, Float, Int
from torch import Tensor

from fullbore.errors import DataError
from fullbore.numerics.fourier import fft_centred
from fullbore.recon.encodings.readouts import Readouts

# ESPIRiT needs room for its patches to move; with less than this along an undersampled axis its maps are guesses.
SMALLEST = 8
# Frames that share their coil maps: the strongest few hold all there is to learn.
_FRAMES = 4


def has_gaps(mask: Bool[np.ndarray, "kz ky"]) -> bool:
    """True when a position is missing between measured ones along kz or ky: not just zero-filled edges."""
    return any(_gaps_along(mask, axis) for axis in (0, 1))


def _gaps_along(mask: Bool[np.ndarray, "kz ky"], axis: int) -> bool:
    before = np.maximum.accumulate(mask, axis=axis)
    after = np.flip(np.maximum.accumulate(np.flip(mask, axis), axis=axis), axis)
    return bool(np.any(before & after & ~mask))


def central_block(mask: Bool[np.ndarray, "kz ky"], largest: int) -> tuple[slice, slice]:
    """The fully sampled block around k = 0, grown evenly along both axes up to `largest`; empty if the centre is missing."""
    extent = [0, 0]
    growing = [True, True]
    while any(growing):
        for axis in (0, 1):
            wider = list(extent)
            wider[axis] += 1
            block = _centred(mask.shape, wider if min(wider) > 0 else [max(1, n) for n in wider])
            growing[axis] = growing[axis] and wider[axis] <= min(mask.shape[axis], largest) and bool(mask[block].all())
            extent = [max(1, n) for n in wider] if growing[axis] else extent
    return _centred(mask.shape, extent)


def _centred(shape: tuple[int, ...], extent: list[int]) -> tuple[slice, slice]:
    first = [n // 2 - count // 2 for n, count in zip(shape, extent, strict=True)]
    return slice(first[0], first[0] + extent[0]), slice(first[1], first[1] + extent[1])


def calibration_rows(readouts: Readouts, slice_: int) -> list[Int[np.ndarray, " n"]]:
    """The separate calibration scan of a slice, or the strongest frames of the acquisition itself."""
    separate = readouts.calibration_rows(slice_)
    if len(separate):
        return [separate]
    candidates = [readouts.rows(frame, slice_) for frame in range(readouts.frames)]
    if len(candidates) == 1:
        return candidates
    energy = [float(torch.linalg.vector_norm(readouts.values[torch.from_numpy(rows)])) for rows in candidates]
    strongest = np.argsort(energy)[::-1][:_FRAMES]
    return [candidates[index] for index in sorted(strongest)]


def calibration_block(
    readouts: Readouts, slice_: int, largest: int, *, wide: bool = False
) -> Complex[Tensor, "frame coil kz ky kx"]:
    """Samples of the central block on all three axes, for the frames that calibrate a slice.

    wide: keep all of k along the readout. Errors: DataError when the fully sampled centre is missing or too small.
    """
    blocks = []
    for rows in calibration_rows(readouts, slice_):
        region = central_block(_measured(readouts, rows), largest)
        _check_size(readouts, region)
        kspace = _columns_of_block(readouts, rows, region, readouts.values.shape[2] if wide else largest)
        blocks.append(kspace)
    smallest = tuple(min(block.shape[axis] for block in blocks) for axis in (1, 2, 3))
    return torch.stack([_trimmed(block, smallest) for block in blocks])


def _measured(readouts: Readouts, rows: Int[np.ndarray, " n"]) -> Bool[np.ndarray, "kz ky"]:
    mask = np.zeros(readouts.matrix, dtype=bool)
    mask[readouts.partition[rows], readouts.line[rows]] = True
    return mask


def _columns_of_block(
    readouts: Readouts, rows: Int[np.ndarray, " n"], region: tuple[slice, slice], largest: int
) -> Complex[Tensor, "coil kz ky kx"]:
    near = (readouts.partition[rows] >= region[0].start) & (readouts.partition[rows] < region[0].stop)
    near &= (readouts.line[rows] >= region[1].start) & (readouts.line[rows] < region[1].stop)
    # Only the block is placed: whole k-space on its grid may be many times the data.
    partition, line = readouts.partition - region[0].start, readouts.line - region[1].start
    matrix = (region[0].stop - region[0].start, region[1].stop - region[1].start)
    hybrid = replace(readouts, partition=partition, line=line, matrix=matrix).kspace(rows[near], slice(None))
    x = hybrid.shape[0]
    width = min(x, largest)
    full = fft_centred(hybrid.permute(1, 2, 3, 0), (-1,))
    return full[..., x // 2 - width // 2 : x // 2 - width // 2 + width].contiguous()


def _trimmed(block: Complex[Tensor, "coil kz ky kx"], size: tuple[int, ...]) -> Complex[Tensor, "coil kz2 ky2 kx2"]:
    z, y, x = (slice(n // 2 - m // 2, n // 2 - m // 2 + m) for n, m in zip(block.shape[1:], size, strict=True))
    return block[:, z, y, x]


def _check_size(readouts: Readouts, region: tuple[slice, slice]) -> None:
    for name, n, part in zip(("partitions", "lines"), readouts.matrix, region, strict=True):
        got = part.stop - part.start
        if got < min(SMALLEST, n):
            raise DataError(
                f"calibration: the fully sampled centre of k-space has {got} {name}, wanted at least {min(SMALLEST, n)}. "
                "Acquire calibration lines around k = 0, or give a separate calibration scan."
            )


def sampled_centre(
    readouts: Readouts, slice_: int, largest: int
) -> tuple[Complex[Tensor, "coil kz ky kx"], Float[Tensor, "kz ky kx"]]:
    """Samples of the first calibrating frame around k = 0, at most `largest` along each axis, and 1 where there are any."""
    rows = calibration_rows(readouts, slice_)[0]
    extent = [min(n, largest) for n in readouts.matrix]
    region = _centred(readouts.matrix, extent)
    block = _columns_of_block(readouts, rows, region, largest)
    measured = torch.from_numpy(_measured(readouts, rows)[region].astype(np.float32))
    return block, measured[:, :, None].expand(*block.shape[1:]).contiguous()
