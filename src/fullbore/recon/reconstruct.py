"""RawData and Recipe to Image: the order of the steps, and the way back to the scale of the magnetisation."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Bool, Complex, Float
from torch import Tensor

from fullbore.data import Image, RawData
from fullbore.errors import DataError
from fullbore.numerics.threads import map_threaded, one_thread
from fullbore.recon.admission import admit, imaging_rows, live_channels
from fullbore.recon.assembly import Channels, SolvedSlice, assemble
from fullbore.recon.calibration.coil_compression import principal_channels
from fullbore.recon.calibration.espirit import coil_maps
from fullbore.recon.calibration.whitening import noise_covariance, periphery_noise, whitening_matrix
from fullbore.recon.default_recipe import default_recipe
from fullbore.recon.encodings.cartesian import prepare_cartesian
from fullbore.recon.encodings.subspace import courses
from fullbore.recon.encodings.volume import Prepared
from fullbore.recon.frames import frame_times
from fullbore.recon.recipe import ConjugateGradient, Direct, Recipe
from fullbore.recon.solvers.solve import solve_volume

# Readouts nearest to the centre of k-space that decide which channel combinations are worth keeping.
_COMPRESSION_ROWS = 512
# Slabs of more samples than this are worth torch's own threads; all else is many small steps, better one thread each.
_LARGE_SLAB = 1 << 23

Progress = Callable[[float, str], None]


def reconstruct(raw: RawData, recipe: Recipe | None = None, progress: Progress | None = None) -> Image:
    """The coil-combined complex image of one acquisition.

    recipe: None takes `default_recipe(raw)`. progress: called with (fraction done, what is happening).
    The value is magnetisation density times the root sum of squares of the channels' sensitivities, in the units of the
    raw data: a uniform object of density 1 seen by one channel of sensitivity 1 gives 1. `noise_std` is that of the real
    part; with a prior it is that of an unregularised image of perfect coil geometry (g = 1), not of the shrunk one.
    k-space with a trajectory is relative to the isocentre and moved to the image's centre; without one it is taken to be
    relative to the image's centre already, as scanners deliver it.
    Errors: ValueRangeError for NaN; DataError for silence, a header that contradicts the data, a missing calibration.
    """
    began = time.perf_counter()
    say = progress or _silent
    admit(raw)
    recipe = recipe or default_recipe(raw)
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
    basis = courses(recipe.subspace, frame_times(raw)[0]) if recipe.subspace else None
    return assemble(raw, recipe, data, channels, _solve_all(data, recipe, basis, say, workers))


def _silent(fraction: float, text: str) -> None:
    pass


def _prepared(raw: RawData, recipe: Recipe) -> tuple[Prepared, Channels]:
    live = live_channels(raw)
    covariance, whitening = _whitening(raw, live)
    mixing = whitening @ np.eye(len(live))[live]
    data: Prepared = prepare_cartesian(raw, mixing, _shift_m(raw))
    keep = min(recipe.virtual_coils or len(whitening), len(whitening))
    compression = np.eye(len(whitening), dtype=np.complex128)
    if keep < len(whitening):
        compression = principal_channels(data.strongest_samples(_COMPRESSION_ROWS).numpy(), keep)
        data = data.mixed(torch.from_numpy(compression.astype(np.complex64)))
    unwhitening = np.linalg.inv(whitening) @ compression.conj().T
    return data, Channels(unwhitening=unwhitening, covariance=covariance, live=int(live.sum()), dropped=int((~live).sum()))


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


def _solve_all(
    data: Prepared, recipe: Recipe, basis: Complex[Tensor, "frame course"] | None, say: Progress, workers: int
) -> list[SolvedSlice]:
    """Every slice, or the slab. Slices are independent and share the cores. basis: of a subspace of the frames."""
    solved: list[SolvedSlice] = []
    only = data.slices == 1

    def solve(number: int) -> SolvedSlice:
        volume = data.volume(number, _maps(data, number, recipe))
        if number == 0:
            _check_solvable(data, recipe, volume.has_gaps)
        if only:
            say(0.3, "solve")
        result = solve_volume(volume, recipe, lambda done: say(0.3 + 0.68 * done, "solve") if only else None, basis)
        return SolvedSlice(solved=result, maps=volume.maps, acceleration=volume.acceleration)

    say(0.05, "coil maps")
    # A single slab runs here and now, so that torch's threads serve its few large steps.
    for part in map(solve, range(1)) if only else map_threaded(solve, range(data.slices), workers):
        solved.append(part)
        say(0.05 + 0.93 * len(solved) / data.slices, "slices")
    return solved


def _maps(data: Prepared, number: int, recipe: Recipe) -> Complex[Tensor, "part x channel z y"]:
    z, y, x = data.grid
    if data.channels == 1:
        return torch.ones((1, x, 1, z, y), dtype=torch.complex64)
    maps = coil_maps(data.calibration(number, recipe.coils.calibration), data.grid, recipe.coils)[0]
    return torch.from_numpy(maps).permute(3, 0, 1, 2)[None].contiguous()
