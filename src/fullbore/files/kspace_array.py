"""A bare k-space array as `RawData`: which axis was read out, what was sampled, and what has to be assumed."""

from __future__ import annotations

import numpy as np

from fullbore.data import Geometry, RawData
from fullbore.errors import FormatError, ValueRangeError
from fullbore.files.cartesian import Timing, cartesian_encoding, counters_table

VOXEL_M = 1e-3

# The encoded axes kz, ky, kx of an array along the patient's S, P, L: an axial slice shows ky down and kx to the right.
_DIRECTIONS = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
# Readout axis (0 = kz, 1 = ky, 2 = kx) to the axes that become (partition, line, readout).
_ORDERS = {2: (0, 1, 2), 1: (0, 2, 1), 0: (2, 1, 0)}


def raw_from_array(kspace: np.ndarray, source: str, who: str) -> RawData:
    """`RawData` of Cartesian k-space (contrast, repetition, slice, coil, kz, ky, kx), k = 0 at n // 2, zeros not sampled.

    The readout is an axis along which the sampling does not change, kx if it can be; its unsampled ends are cut off.
    When a 2D array has none, every sample becomes a readout of length 1 and both axes are phase encoded.
    Assumed, and said in the provenance: voxels of 1 mm at the isocentre, an axial slice, no oversampling.
    Errors: FormatError when nothing is sampled or a 3D array has no readout axis; ValueRangeError for NaN.
    """
    _check(kspace, who)
    sampled = np.any(kspace != 0, axis=3)
    if not sampled.any():
        raise FormatError(f"{who}: all of its k-space is zero. Give the measured data.")
    axis = _readout_axis(sampled.reshape(-1, *sampled.shape[3:]), who)
    order = _ORDERS[axis]
    kspace = kspace.transpose(0, 1, 2, 3, *(4 + number for number in order))
    sampled = sampled.transpose(0, 1, 2, *(3 + number for number in order))
    columns = np.flatnonzero(sampled.any(axis=(0, 1, 2, 3, 4)))
    first, last = int(columns[0]), int(columns[-1]) + 1
    contrast, repetition, number, partition, line = np.nonzero(sampled.any(axis=-1))
    samples = kspace[contrast, repetition, number, :, partition, line, first:last]
    counters = counters_table(len(line), line=line, partition=partition, slice=number, contrast=contrast, repetition=repetition)
    encoding = cartesian_encoding(
        _geometry(kspace.shape, order),
        samples=last - first,
        centre_sample=kspace.shape[6] // 2 - first,
        counters=counters,
        flags=np.zeros(len(line), np.uint64),
        timing=Timing(),
        protocol="unknown",
    )
    assumed = f"voxels of {VOXEL_M * 1e3:g} mm, axial at the isocentre, readout along {('kz', 'ky', 'kx')[axis]}"
    if kspace.shape[6] == 1:
        assumed = f"{assumed} (of one sample: both other axes are phase encoded)"
    return RawData(
        encoding=encoding,
        samples=np.ascontiguousarray(samples, dtype=np.complex64),
        b0_T=0.0,
        system="unknown",
        provenance={"source": source, "assumed": assumed},
    )


def _check(kspace: np.ndarray, who: str) -> None:
    if not np.iscomplexobj(kspace):
        raise FormatError(f"{who}: its numbers are {kspace.dtype}, wanted complex k-space. Save it as complex64.")
    if kspace.size == 0:
        raise FormatError(f"{who}: its shape {kspace.shape} holds no sample. Give the measured data.")
    if max(kspace.shape) > 65535:
        raise FormatError(f"{who}: an axis of {max(kspace.shape)} is too long for Cartesian k-space. Check the order of axes.")
    # Beyond float32 counts as infinite: complex64 is what raw data are kept in.
    bad = int(np.count_nonzero(~(np.abs(kspace) < np.finfo(np.float32).max)))
    if bad:
        raise ValueRangeError(f"{who}: NaN or infinity in {bad} of {kspace.size} samples. Export the data again.")


def _readout_axis(sampled: np.ndarray, who: str) -> int:
    """The axis (0 = kz, 1 = ky, 2 = kx) of `sampled` (frame, kz, ky, kx) that was read out."""
    for axis in (2, 1, 0):
        others = tuple(number for number in range(4) if number != 1 + axis)
        columns = sampled.any(axis=others, keepdims=True)
        where = np.flatnonzero(columns)
        whole = np.array_equal(sampled, sampled.any(axis=1 + axis, keepdims=True) & columns)
        if sampled.shape[1 + axis] > 1 and whole and where[-1] - where[0] + 1 == len(where):
            return axis
    if sampled.shape[1] == 1:
        return 0
    got = "no axis along which whole lines are sampled"
    raise FormatError(f"{who}: its sampling has {got}. Give Cartesian data with a readout axis, or one slice at a time.")


def _geometry(shape: tuple[int, ...], order: tuple[int, int, int]) -> Geometry:
    slices, matrix = shape[2], (shape[6], shape[5], shape[4])
    normal, phase, read = _DIRECTIONS[list(order)]
    if matrix[0] == 1:
        read = np.cross(phase, normal)
    fov = (matrix[0] * VOXEL_M, matrix[1] * VOXEL_M, matrix[2] * VOXEL_M)
    return Geometry(
        read=read,
        phase=phase,
        slice=normal,
        centre_m=np.zeros(3),
        fov_m=fov,
        matrix=matrix,
        encoded_fov_m=fov,
        encoded_matrix=matrix,
        slice_offsets_m=(np.arange(slices) - (slices - 1) / 2) * VOXEL_M,
    )
