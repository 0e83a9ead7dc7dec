"""The verb of the room: an image and a model give maps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool

from fullbore.data import FitStatus, Image, ParameterMap, ParameterMaps
from fullbore.errors import DataError, ValueRangeError
from fullbore.quant.signal_model import Estimates, Samples, SignalModel

CHUNK = 16384  # voxels fitted at once: bounds the memory
NOISE_FACTOR = 4.0  # foreground: root mean square over frames above this many noise standard deviations,
BRIGHT_FRACTION = 0.04  # and above this fraction of the image's bright end (99th percentile)

Progress = Callable[[float, str], None]


def fit(image: Image, model: SignalModel, progress: Progress | None = None) -> ParameterMaps:
    """Maps of the parameters of `model` with their standard deviations, NaN outside the object.

    The standard deviations come from the image's noise map, or from the residual where it has none. A voxel that fails is NaN
    too, with status FAILED. report: number of voxels by status; with a noise map the median misfit, the residual over the
    noise variance, which is 1 for a true model.
    Errors: ValueRangeError for values that are not finite; DataError when the frames cannot determine the parameters.
    """
    values = image.values.reshape(-1, *image.grid.shape)
    if not np.all(np.isfinite(values)):
        raise ValueRangeError(
            f"quant.fit, image {image.name}: has NaN or infinite values; wanted finite ones. Look at the raw data."
        )
    inside = foreground(values, image.noise_std)
    samples = _samples(image, values, inside)
    parts = []
    for first in range(0, max(len(samples.signal), 1), CHUNK):
        parts.append(model.estimate(samples.voxels(slice(first, first + CHUNK))))
        if progress is not None:
            done = min(first + CHUNK, len(samples.signal))
            progress(done / max(len(samples.signal), 1), f"{type(model).__name__}: {done} of {len(samples.signal)} voxels")
    return _maps(image, model, inside, parts, samples.noise_std)


def foreground(values: np.ndarray, noise_std: np.ndarray | None) -> Bool[np.ndarray, "z y x"]:
    """Voxels with signal, of `values` (frame, z, y, x): well above the noise, where it is known, and above the faintest part."""
    level = np.sqrt((np.abs(values.astype(np.complex128)) ** 2).mean(axis=0))
    threshold = BRIGHT_FRACTION * np.percentile(level, 99)
    return np.asarray(level > (threshold if noise_std is None else np.fmax(threshold, NOISE_FACTOR * noise_std)))


def _samples(image: Image, values: np.ndarray, inside: np.ndarray) -> Samples:
    return Samples(
        signal=values[:, inside].T.astype(np.complex128),
        noise_std=None if image.noise_std is None else _noise(image, inside),
        echo_time_s=_per_frame(image, image.echo_time_s, len(values), "echo_time_s"),
        inversion_time_s=_per_frame(image, image.inversion_time_s, len(values), "inversion_time_s"),
        refocusing_flip_rad=float(image.encoding.refocusing_flip_rad),
        echo_spacing_s=float(image.encoding.echo_spacing_s),
    )


def _noise(image: Image, inside: np.ndarray) -> np.ndarray:
    noise = np.asarray(image.noise_std)[inside].astype(np.float64)
    if not np.all(noise > 0):
        raise ValueRangeError(
            f"quant.fit, image {image.name}: its noise map is not positive in the object. Leave it out or mend it."
        )
    return noise


def _per_frame(image: Image, times: np.ndarray | None, frames: int, name: str) -> np.ndarray:
    """Times of all frames as float64; NaN where the image does not know them."""
    if times is None:
        return np.full(frames, np.nan)
    if np.shape(times) != (frames,):
        raise DataError(f"quant.fit, image {image.name}: {name} has shape {np.shape(times)}, wanted one per frame, ({frames},).")
    return np.asarray(times, dtype=np.float64)


def _maps(
    image: Image, model: SignalModel, inside: np.ndarray, parts: list[Estimates], noise_std: np.ndarray | None
) -> ParameterMaps:
    found = np.concatenate([part.status for part in parts])
    usable = found != FitStatus.FAILED

    def volume(pieces: list[np.ndarray]) -> np.ndarray:
        out = np.full(image.grid.shape, np.nan, dtype=np.float32)
        out[inside] = np.where(usable, np.concatenate(pieces), np.nan)
        return out

    maps = tuple(
        ParameterMap(
            name=name,
            value=volume([part.parameters[name].value for part in parts]),
            std=volume([part.parameters[name].std for part in parts]),
            unit=parameter.unit,
        )
        for name, parameter in parts[0].parameters.items()
    )
    status = np.full(image.grid.shape, FitStatus.BACKGROUND, dtype=np.uint8)
    status[inside] = found
    report: dict[str, object] = {item.name.lower(): int((status == item).sum()) for item in FitStatus}
    if noise_std is not None and len(found) > 0:
        power = np.concatenate([part.residual_power for part in parts])
        report["median_misfit"] = float(np.median(power / (parts[0].freedom * noise_std**2)))
    return ParameterMaps(model=type(model).__name__, maps=maps, status=status, grid=image.grid, report=report)
