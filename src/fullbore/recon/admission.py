"""What raw data must fulfil to be reconstructed; each refusal says what to do."""

from __future__ import annotations

import numpy as np

from fullbore.data import AcquisitionFlag, RawData
from fullbore.errors import DataError, ValueRangeError
from fullbore.recon.encodings.path import is_curved

# Samples over the encoded matrix along a readout without a trajectory: more is a header that forgot the oversampling.
_MOST_OVERSAMPLING = 2
_NOT_IMAGING = AcquisitionFlag.NOISE | AcquisitionFlag.NAVIGATION | AcquisitionFlag.PHASE_CORRECTION


def admit(raw: RawData) -> None:
    """Raise unless the samples are finite, something was received, and counters, trajectory and noise fit header and data.

    Errors: ValueRangeError for NaN or infinity; DataError for silence and for a header that contradicts the data.
    """
    admit_signal(raw)
    _check_readout(raw)
    _check_counters(raw)


def admit_signal(raw: RawData) -> None:
    """Raise unless something was received, all of it finite, with noise in every channel: for images and spectra alike."""
    if raw.encoding.rows == 0 or not np.any(imaging_rows(raw)):
        raise DataError("raw data: no imaging readouts. Give a file that holds the acquisition itself.")
    _check_finite(raw)
    if not np.any(raw.samples):
        raise DataError("raw data: every sample is zero. Check the receiver and the export.")
    _check_noise(raw)


def imaging_rows(raw: RawData) -> np.ndarray:
    """Which readouts make the image, bool (row,): no noise, navigation, phase correction or pure calibration."""
    flags = raw.encoding.flags.astype(np.uint64)
    other = (flags & np.uint64(_NOT_IMAGING)) != 0
    return np.asarray(~other & ~calibration_only_rows(raw))


def calibration_only_rows(raw: RawData) -> np.ndarray:
    """Readouts of a separate calibration scan, bool (row,)."""
    flags = raw.encoding.flags.astype(np.uint64)
    both = (flags & np.uint64(AcquisitionFlag.CALIBRATION_AND_IMAGING)) != 0
    return np.asarray(((flags & np.uint64(AcquisitionFlag.CALIBRATION)) != 0) & ~both)


def live_channels(raw: RawData) -> np.ndarray:
    """Which channels received anything, bool (coil,)."""
    return np.asarray(np.abs(raw.samples).max(axis=(0, 2)) > 0)


def _check_finite(raw: RawData) -> None:
    # The sum of the parts is finite when all are; only a bad one is searched for.
    if not np.isfinite(np.sum(raw.samples.view(np.float32), dtype=np.float64)):
        row, coil, sample = np.argwhere(~np.isfinite(raw.samples))[0]
        bad = int(np.count_nonzero(~np.isfinite(raw.samples)))
        raise ValueRangeError(
            f"raw data: {bad} samples are NaN or infinite, the first at readout {row}, channel {coil}, sample {sample}. "
            "Leave out the broken readouts or export the data again."
        )
    if raw.noise is not None and not np.all(np.isfinite(raw.noise)):
        raise ValueRangeError("raw data, noise scan: NaN or infinity. Export it again or leave it out.")
    if raw.trajectory_per_m is not None and not np.all(np.isfinite(raw.trajectory_per_m)):
        raise ValueRangeError("raw data, trajectory: NaN or infinity. Export it again or leave it out.")


def _check_noise(raw: RawData) -> None:
    """A channel that receives but has no noise would outweigh all others without limit."""
    if raw.noise is None or raw.noise.size == 0 or not np.any(raw.noise):
        return
    silent = live_channels(raw) & ~np.any(raw.noise, axis=1)
    if np.any(silent):
        raise DataError(
            f"raw data, noise scan: channel {int(np.argmax(silent))} is zero, but its data are not. Leave the noise scan or the "
            "channel out."
        )


def _check_counters(raw: RawData) -> None:
    geometry = raw.encoding.geometry
    slices = 1 if geometry.is_3d else len(geometry.slice_offsets_m)
    sizes = {"line": geometry.encoded_matrix[1], "partition": geometry.encoded_matrix[2], "slice": slices}
    imaging = np.flatnonzero(imaging_rows(raw))
    if raw.trajectory_per_m is not None and is_curved(raw.take(imaging)):
        del sizes["line"], sizes["partition"]  # curves are placed by their trajectory; counters only count them
    for name, size in sizes.items():
        counter = raw.encoding.counter(name)[imaging]
        if counter.min() < 0 or counter.max() >= size:
            bad = counter.min() if counter.min() < 0 else counter.max()
            raise DataError(f"raw data, {name} counter: got {bad}, wanted 0 to {size - 1}. Correct the header's matrix.")


def _check_readout(raw: RawData) -> None:
    encoding, geometry = raw.encoding, raw.encoding.geometry
    if not 0 <= encoding.centre_sample < encoding.samples:
        raise DataError(
            f"raw data, centre sample: got {encoding.centre_sample} of {encoding.samples} samples. Correct the header."
        )
    sizes = (*geometry.fov_m[:2], *geometry.encoded_fov_m[:2], *geometry.matrix, *geometry.encoded_matrix)
    if not (np.all(np.isfinite(sizes)) and min(sizes) > 0):
        raise DataError("raw data, header: a field of view or matrix is not positive. Correct the header's encoding.")
    if geometry.encoded_matrix[:2] == (1, 1):
        raise DataError("raw data: one voxel and no k-space, a spectrum's. It has no image; use recon.spectrum(raw).")
    if encoding.samples > _MOST_OVERSAMPLING * geometry.encoded_matrix[0] and raw.trajectory_per_m is None:
        raise DataError(
            f"raw data, header: {encoding.samples} samples in a readout, {geometry.encoded_matrix[0]} in the encoded matrix. "
            "Correct the encoded matrix and field of view, or give the trajectory."
        )
    if geometry.encoded_fov_m[0] < geometry.fov_m[0] * (1 - 1e-6):
        raise DataError(
            f"raw data, header: the encoded field of view along the readout ({geometry.encoded_fov_m[0]:.4g} m) is smaller than "
            f"the image's ({geometry.fov_m[0]:.4g} m). Correct one of them."
        )
