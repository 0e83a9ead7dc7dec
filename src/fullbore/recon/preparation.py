"""From raw data to what an encoding makes of them: channels whitened and compressed, samples placed."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Complex, Float

from fullbore.data import RawData
from fullbore.errors import DataError
from fullbore.recon.admission import imaging_rows, live_channels
from fullbore.recon.assembly import Channels
from fullbore.recon.calibration.coil_compression import aligned_channels, principal_channels
from fullbore.recon.calibration.whitening import noise_covariance, periphery_noise, whitening_matrix
from fullbore.recon.completions.completed import completed
from fullbore.recon.encodings.cartesian import CartesianData, prepare_cartesian
from fullbore.recon.encodings.non_uniform import prepare_non_uniform
from fullbore.recon.encodings.path import outermost_samples
from fullbore.recon.encodings.readouts import check_complete
from fullbore.recon.encodings.simultaneous import simultaneous
from fullbore.recon.encodings.volume import Prepared
from fullbore.recon.encodings.wave import prepare_wave, wave_course
from fullbore.recon.recipe import NonUniform, Recipe, SmsSense, Wave

# Readouts nearest to the centre of k-space that decide which channel combinations are worth keeping.
_COMPRESSION_ROWS = 512


def prepare(raw: RawData, recipe: Recipe, workers: int) -> tuple[Prepared, Channels]:
    """The data as the recipe's encoding wants them, and how the channels were changed."""
    live = live_channels(raw)
    covariance, whitening = _whitening(raw, live, recipe)
    mixing = whitening @ np.eye(len(live))[live]
    data = _placed(raw, recipe, mixing, workers)
    compression = _compression(data, recipe)
    unwhitening = np.linalg.inv(whitening)
    if compression is not None:
        unwhitening = unwhitening @ compression.conj().swapaxes(-1, -2)
    return _filled(_compressed(data, compression), recipe), Channels(
        unwhitening=unwhitening,
        covariance=covariance,
        mixing=mixing,
        compression=compression,
        live=int(live.sum()),
        dropped=int((~live).sum()),
    )


def prepare_white(raw: RawData, recipe: Recipe, channels: Channels, workers: int) -> Prepared:
    """Data whose channels are white already, otherwise made ready like those that `channels` came from."""
    data = _placed(raw, recipe, np.eye(channels.live, dtype=complex), workers)
    return _filled(_compressed(data, channels.compression), recipe)


def _filled(data: Prepared, recipe: Recipe) -> Prepared:
    return completed(data, recipe.completion, recipe.partial_fourier, recipe.noise_map != "none")


def _placed(raw: RawData, recipe: Recipe, mixing: Complex[np.ndarray, "out coil"], workers: int) -> Prepared:
    """Raw data made ready by the encoding that the recipe names."""
    if isinstance(recipe.encoding, NonUniform):
        slices = 1 if raw.encoding.geometry.is_3d else len(raw.encoding.geometry.slice_offsets_m)
        return prepare_non_uniform(raw, recipe.encoding, mixing, _shift_m(raw), workers if slices == 1 else 1)
    if isinstance(recipe.encoding, Wave):
        course = wave_course(raw)
        if course is None:
            raise DataError("Wave encoding: the readouts do not swing, or not all alike. Use Cartesian.")
        return prepare_wave(raw, mixing, _shift_m(raw), course)
    data = prepare_cartesian(raw, mixing, _shift_m(raw), recipe)
    if not isinstance(recipe.multiband, SmsSense):
        return data
    found = simultaneous(data, raw)
    if isinstance(found, CartesianData):
        check_complete(found.readouts)
    return found


def _compression(data: Prepared, recipe: Recipe) -> np.ndarray | None:
    """Orthonormal combinations of white channels, (virtual, live) or (x, virtual, live); None when all are kept."""
    if recipe.virtual_coils is None or recipe.virtual_coils >= data.channels:
        return None
    if recipe.compression == "principal":
        return principal_channels(data.strongest_samples(_COMPRESSION_ROWS).numpy(), recipe.virtual_coils)
    if type(data) is not CartesianData:
        raise DataError('geometric compression: the columns of these data are not independent. Use compression "principal".')
    return aligned_channels(data.strongest_columns(_COMPRESSION_ROWS).numpy(), recipe.virtual_coils)


def _compressed(data: Prepared, compression: np.ndarray | None) -> Prepared:
    if compression is None:
        return data
    matrix = torch.from_numpy(compression.astype(np.complex64))
    if matrix.ndim == 2:
        return data.mixed(matrix)
    assert isinstance(data, CartesianData)
    return data.mixed_columns(matrix)


def _whitening(
    raw: RawData, live: Bool[np.ndarray, " coil"], recipe: Recipe
) -> tuple[Complex[np.ndarray, "live live"] | None, Complex[np.ndarray, "live live"]]:
    if raw.noise is None or not np.any(raw.noise[live]):
        noise = periphery_noise(_peripheral_samples(raw, recipe)) or 1.0
        return None, np.eye(int(live.sum()), dtype=np.complex128) / noise
    covariance = noise_covariance(raw.noise[live], raw.noise_dwell_s, raw.encoding.dwell_s)
    return covariance, whitening_matrix(covariance)


def _peripheral_samples(raw: RawData, recipe: Recipe) -> Complex[np.ndarray, " n"]:
    """Samples of the tenth of the readouts that is farthest from the centre of k-space, or of the samples on curves."""
    rows = np.flatnonzero(imaging_rows(raw))
    if isinstance(recipe.encoding, NonUniform):
        return outermost_samples(raw.take(rows))[:, live_channels(raw)].reshape(-1)
    matrix = raw.encoding.geometry.encoded_matrix
    line, partition = raw.encoding.counter("line")[rows], raw.encoding.counter("partition")[rows]
    distance = np.hypot(line / matrix[1] - 0.5, partition / matrix[2] - 0.5 * (matrix[2] > 1))
    farthest = rows[np.argsort(distance)[-max(1, len(rows) // 10) :]]
    return raw.samples[farthest][:, live_channels(raw)].reshape(-1)


def _shift_m(raw: RawData) -> Float[np.ndarray, 3]:
    """(read, phase, slice) of the image's centre as seen from the origin of the data's phases."""
    geometry = raw.encoding.geometry
    if raw.trajectory_per_m is None:
        return np.zeros(3)
    shift = np.stack([geometry.read, geometry.phase, geometry.slice]) @ geometry.centre_m
    along_slice = shift[2] + geometry.slice_offsets_m[0] if geometry.is_3d else 0.0
    return np.array([shift[0], shift[1], along_slice])
