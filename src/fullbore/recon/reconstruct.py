"""RawData and Recipe to Image: the order of the steps, and the way back to the scale of the magnetisation."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import torch
from jaxtyping import Complex
from torch import Tensor

from fullbore.data import Image, RawData
from fullbore.errors import DataError
from fullbore.numerics.threads import map_threaded, one_thread
from fullbore.recon.admission import admit
from fullbore.recon.assembly import Channels, SolvedSlice, assemble
from fullbore.recon.calibration.maps import estimate_maps
from fullbore.recon.default_recipe import default_recipe
from fullbore.recon.encodings.arrangement import arranged
from fullbore.recon.encodings.moving import Poses
from fullbore.recon.encodings.subspace import courses
from fullbore.recon.encodings.volume import EncodedVolume, Prepared
from fullbore.recon.frames import frame_times
from fullbore.recon.memory import available_bytes, check_memory, needed_bytes
from fullbore.recon.motion import motion_report, with_motion
from fullbore.recon.noise.g_factor import ideal_variance
from fullbore.recon.noise.replica import Chain, replica_variance
from fullbore.recon.parts import join_parts
from fullbore.recon.preparation import prepare, prepare_white
from fullbore.recon.recipe import ConjugateGradient, Direct, Recipe
from fullbore.recon.solvers.solve import solve_volume

# Slabs of more samples than this are worth torch's own threads; all else is many small steps, better one thread each.
_LARGE_SLAB = 1 << 23
# Of the progress, when noise replicas follow.
_SHARE_BESIDE_REPLICAS = 0.2

Progress = Callable[[float, str], None]


def reconstruct(
    raw: RawData, recipe: Recipe | None = None, progress: Progress | None = None, *, poses: Poses | None = None
) -> Image:
    """The coil-combined complex image of one acquisition.

    recipe: None takes `default_recipe(raw)`. progress: called with (fraction done, what is happening).
    poses: where the head was at each readout, (row, 6): rotation vector (rad) about the isocentre and shift (m), LPS, from
    where it is drawn; None when it was still or the recipe estimates them.
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
    raw, told = arranged(raw, recipe.encoding)
    if raw.encoding.geometry.is_3d and raw.samples.size > _LARGE_SLAB:
        image = _reconstructed(raw, recipe, poses, say, torch.get_num_threads())
    else:
        with one_thread() as workers:
            image = _reconstructed(raw, recipe, poses, say, workers)
    image.report.update(told)
    image.report["seconds"] = round(time.perf_counter() - began, 3)
    say(1.0, "done")
    return image


def _silent(fraction: float, text: str) -> None:
    pass


def _reconstructed(raw: RawData, recipe: Recipe, poses: Poses | None, say: Progress, workers: int) -> Image:
    say(0.0, "readouts")
    data, channels = prepare(raw, recipe, workers)

    def encoded(number: int, tell: Progress) -> EncodedVolume:
        volume = data.volume(number, estimate_maps(data, number, recipe.coils))
        return with_motion(volume, raw, number, recipe, poses, lambda done: tell(0.05 + 0.25 * done, "motion"))

    basis = courses(recipe.subspace, frame_times(raw)[0]) if recipe.subspace else None
    if recipe.noise_map != "replica":
        return assemble(raw, recipe, data, channels, _solve_all(data, encoded, recipe, basis, say, workers))
    if poses is not None or recipe.motion is not None or basis is not None:
        raise DataError('noise replicas: not of moving heads or subspaces. Use noise_map "estimated".')
    slices = _solve_all(data, encoded, recipe, None, lambda done, text: say(_SHARE_BESIDE_REPLICAS * done, text), workers)
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
        prepare=lambda replica: prepare_white(replica, recipe, channels, workers),
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


def _check_solvable(data: Prepared, recipe: Recipe, gaps: bool) -> None:
    sense = isinstance(recipe.solver, Direct | ConjugateGradient)
    if sense and data.channels == 1 and gaps:
        raise DataError("SENSE: one channel cannot tell folded voxels apart. Use ProximalGradient with a prior.")


def _solve_all(
    data: Prepared,
    encoded: Callable[[int, Progress], EncodedVolume],
    recipe: Recipe,
    basis: Complex[Tensor, "frame course"] | None,
    say: Progress,
    workers: int,
) -> list[SolvedSlice]:
    """Every slice, or the slab. Slices are independent and share the cores.

    encoded: gives each. basis: of a subspace of the frames.
    """
    solved: list[SolvedSlice] = []
    only = data.slices == 1
    tell = say if only else _silent

    def solve(number: int) -> SolvedSlice:
        volume = encoded(number, tell)
        if number == 0:
            _check_solvable(data, recipe, volume.has_gaps)
        tell(0.3, "solve")
        return SolvedSlice(
            solved=solve_volume(volume, recipe, lambda done: tell(0.3 + 0.68 * done, "solve"), basis),
            maps=volume.maps,
            acceleration=volume.acceleration,
            notes=motion_report(volume),
            ideal_variance=ideal_variance(volume, recipe.solver),
        )

    say(0.05, "coil maps")
    # A single slab runs here and now, so that torch's threads serve its few large steps.
    for part in map(solve, range(1)) if only else map_threaded(solve, range(data.slices), workers):
        solved.append(part)
        say(0.05 + 0.93 * len(solved) / data.slices, "slices")
    return solved
