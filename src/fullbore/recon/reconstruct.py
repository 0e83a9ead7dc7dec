"""RawData and Recipe to Image: the order of the steps, and the way back to the scale of the magnetisation."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Complex, Float

from fullbore.data import Image, RawData
from fullbore.errors import DataError
from fullbore.numerics.threads import map_threaded, one_thread
from fullbore.recon.admission import admit, check_on_grid, imaging_rows, live_channels
from fullbore.recon.assembly import Channels, SolvedSlice, assemble
from fullbore.recon.calibration.coil_compression import aligned_channels, principal_channels
from fullbore.recon.calibration.maps import estimate_maps
from fullbore.recon.calibration.whitening import noise_covariance, periphery_noise, whitening_matrix
from fullbore.recon.default_recipe import default_recipe
from fullbore.recon.encodings.cartesian import CartesianData, prepare_cartesian
from fullbore.recon.encodings.volume import Prepared
from fullbore.recon.memory import available_bytes, check_memory, needed_bytes
from fullbore.recon.noise.g_factor import ideal_variance
from fullbore.recon.noise.replica import Chain, replica_variance
from fullbore.recon.parts import join_parts
from fullbore.recon.recipe import ConjugateGradient, Direct, Recipe
from fullbore.recon.solvers.solve import solve_volume

# Readouts nearest to the centre of k-space that decide which channel combinations are worth keeping.
_COMPRESSION_ROWS = 512
# Slabs of more samples than this are worth torch's own threads; all else is many small steps, better one thread each.
_LARGE_SLAB = 1 << 23
# Of the progress, when noise replicas follow.
_SHARE_BESIDE_REPLICAS = 0.2

Progress = Callable[[float, str], None]


def reconstruct(raw: RawData, recipe: Recipe | None = None, progress: Progress | None = None) -> Image:
    """The coil-combined complex image of one acquisition.

    recipe: None takes `default_recipe(raw)`. progress: called with (fraction done, what is happening).
    The value is magnetisation density times the root sum of squares of the channels' sensitivities, in the units of the
    raw data: a uniform object of density 1 seen by one channel of sensitivity 1 gives 1. `noise_std` is that of the real
    part; with a prior it is that of an unregularised image of perfect coil geometry (g = 1), not of the shrunk one.
    k-space with a trajectory is relative to the isocentre and moved to the image's centre; without one it is taken to be
    relative to the image's centre already, as scanners deliver it.
    Errors: ValueRangeError for NaN; DataError for silence, a header that contradicts the data, a missing calibration;
    LimitError when there is not enough memory.
    """
    began = time.perf_counter()
    say = progress or _silent
    admit(raw)
    check_memory(needed_bytes(raw, 1), available_bytes())
    recipe = recipe or default_recipe(raw)
    check_memory(needed_bytes(raw, recipe.virtual_coils, getattr(recipe.coils, "maps", 1)), available_bytes())
    if raw.encoding.geometry.is_3d and raw.samples.size > _LARGE_SLAB:
        image = _reconstructed(raw, recipe, say, torch.get_num_threads())
    else:
        with one_thread() as workers:
            image = _reconstructed(raw, recipe, say, workers)
    image.report["seconds"] = round(time.perf_counter() - began, 3)
    say(1.0, "done")
    return image


def _reconstructed(raw: RawData, recipe: Recipe, say: Progress, workers: int) -> Image:
    say(0.0, "readouts")
    data, channels = _prepared(raw, recipe)
    if recipe.noise_map != "replica":
        return assemble(raw, recipe, data, channels, _solve_all(data, recipe, say, workers))
    slices = _solve_all(data, recipe, lambda done, text: say(_SHARE_BESIDE_REPLICAS * done, text), workers)
    slices = _with_replica_noise(raw, recipe, data, channels, slices, say, workers)
    return assemble(raw, recipe, data, channels, slices)


def _with_replica_noise(
    raw: RawData, recipe: Recipe, data: Prepared, channels: Channels, slices: list[SolvedSlice], say: Progress, workers: int
) -> list[SolvedSlice]:
    """The slices with their noise variance measured instead of computed."""
    chain = Chain(
        raw=raw,
        recipe=recipe,
        mixing=channels.mixing,
        prepare=lambda replica: _compressed(_encoded(replica, np.eye(channels.live, dtype=complex)), channels.compression),
        maps=[part.maps for part in slices],
        images=[join_parts(part.solved.values[:1], part.maps)[0] for part in slices],
        workers=workers,
    )
    rest = 0.98 - _SHARE_BESIDE_REPLICAS
    variances = replica_variance(chain, lambda done: say(_SHARE_BESIDE_REPLICAS + rest * done, "noise replicas"))
    # A column's noise is that of the part of its k-space that was measured; solvers count it as 1, and so does the image.
    return [
        replace(part, solved=replace(part.solved, noise_variance=variance / data.columns_sampled, noise_is_exact=True))
        for part, variance in zip(slices, variances, strict=True)
    ]


def _encoded(raw: RawData, mixing: Complex[np.ndarray, "out coil"]) -> Prepared:
    check_on_grid(raw)
    return prepare_cartesian(raw, mixing, _shift_m(raw))


def _silent(fraction: float, text: str) -> None:
    pass


def _prepared(raw: RawData, recipe: Recipe) -> tuple[Prepared, Channels]:
    live = live_channels(raw)
    covariance, whitening = _whitening(raw, live)
    mixing = whitening @ np.eye(len(live))[live]
    data = _encoded(raw, mixing)
    compression = _compression(data, recipe)
    unwhitening = np.linalg.inv(whitening)
    if compression is not None:
        unwhitening = unwhitening @ compression.conj().swapaxes(-1, -2)
    return _compressed(data, compression), Channels(
        unwhitening=unwhitening,
        covariance=covariance,
        mixing=mixing,
        compression=compression,
        live=int(live.sum()),
        dropped=int((~live).sum()),
    )


def _compression(data: Prepared, recipe: Recipe) -> np.ndarray | None:
    """Orthonormal combinations of white channels, (virtual, live) or (x, virtual, live); None when all are kept."""
    if recipe.virtual_coils is None or recipe.virtual_coils >= data.channels:
        return None
    if recipe.compression == "principal":
        return principal_channels(data.strongest_samples(_COMPRESSION_ROWS).numpy(), recipe.virtual_coils)
    if not isinstance(data, CartesianData):
        raise DataError('geometric compression: the samples are not on a grid. Use compression "principal".')
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
    raw: RawData, live: Bool[np.ndarray, " coil"]
) -> tuple[Complex[np.ndarray, "live live"] | None, Complex[np.ndarray, "live live"]]:
    if raw.noise is None or not np.any(raw.noise[live]):
        noise = periphery_noise(_peripheral_samples(raw)) or 1.0
        return None, np.eye(int(live.sum()), dtype=np.complex128) / noise
    covariance = noise_covariance(raw.noise[live], raw.noise_dwell_s, raw.encoding.dwell_s)
    return covariance, whitening_matrix(covariance)


def _peripheral_samples(raw: RawData) -> Complex[np.ndarray, " n"]:
    """Samples of the tenth of the readouts that is farthest from the centre of k-space."""
    rows = np.flatnonzero(imaging_rows(raw))
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


def _check_solvable(data: Prepared, recipe: Recipe, gaps: bool) -> None:
    sense = isinstance(recipe.solver, Direct | ConjugateGradient)
    if sense and data.channels == 1 and gaps:
        raise DataError("SENSE: one channel cannot tell folded voxels apart. Use ProximalGradient with a prior.")


def _solve_all(data: Prepared, recipe: Recipe, say: Progress, workers: int) -> list[SolvedSlice]:
    """Every slice, or the slab. Slices are independent and share the cores."""
    solved: list[SolvedSlice] = []
    only = data.slices == 1

    def solve(number: int) -> SolvedSlice:
        volume = data.volume(number, estimate_maps(data, number, recipe.coils))
        if number == 0:
            _check_solvable(data, recipe, volume.has_gaps)
        if only:
            say(0.3, "solve")
        result = solve_volume(volume, recipe, lambda done: say(0.3 + 0.68 * done, "solve") if only else None)
        ideal = ideal_variance(volume, recipe.solver)
        return SolvedSlice(solved=result, maps=volume.maps, acceleration=volume.acceleration, ideal_variance=ideal)

    say(0.05, "coil maps")
    # A single slab runs here and now, so that torch's threads serve its few large steps.
    for part in map(solve, range(1)) if only else map_threaded(solve, range(data.slices), workers):
        solved.append(part)
        say(0.05 + 0.93 * len(solved) / data.slices, "slices")
    return solved
