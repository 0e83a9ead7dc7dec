"""RawData and Recipe to Image: the order of the steps, and the way back to the scale of the magnetisation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from jaxtyping import Complex
from torch import Tensor

from fullbore.data import FieldMap, Image, RawData
from fullbore.errors import DataError
from fullbore.numerics.threads import map_threaded, one_thread
from fullbore.recon.admission import admit
from fullbore.recon.assembly import Channels, SolvedSlice, assemble
from fullbore.recon.calibration.maps import estimate_maps
from fullbore.recon.default_recipe import default_recipe
from fullbore.recon.device import Carrier, carrier, named_device
from fullbore.recon.encodings.arrangement import arranged
from fullbore.recon.encodings.moving import Poses
from fullbore.recon.encodings.subspace import courses
from fullbore.recon.encodings.volume import EncodedVolume, Prepared
from fullbore.recon.frames import frame_times
from fullbore.recon.memory import available_bytes, check_memory, needed_bytes
from fullbore.recon.motion import motion_report, with_motion
from fullbore.recon.noise.g_factor import ideal_variance
from fullbore.recon.noise.replica import Chain, replica_variance
from fullbore.recon.off_resonance import field_report, for_field, with_field
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
    raw: RawData,
    recipe: Recipe | None = None,
    progress: Progress | None = None,
    *,
    poses: Poses | None = None,
    field_Hz: FieldMap | None = None,
    device: str = "cpu",
) -> Image:
    """The coil-combined complex image of one acquisition.

    recipe: None takes `default_recipe(raw)`. progress: called with (fraction done, what is happening).
    poses: where the head was at each readout, (row, 6): rotation vector (rad) about the isocentre and shift (m), LPS, from
    where it is drawn; None when it was still or the recipe estimates them.
    field_Hz: off-resonance, in patient coordinates on a grid of its own; None when there is none or the recipe estimates it.
    device: where the image is solved for, "cpu" or "cuda": readouts, maps, fields, poses and completions are made ready on the
    processor and carried there once. Images agree between devices to single precision, not byte by byte.
    The value is magnetisation density times the root sum of squares of the channels' sensitivities, in the units of the
    raw data: a uniform object of density 1 seen by one channel of sensitivity 1 gives 1. `noise_std` is that of the real
    part; with a prior it is that of an unregularised image of perfect coil geometry (g = 1), not of the shrunk one.
    k-space with a trajectory is relative to the isocentre and moved to the image's centre; without one it is taken to be
    relative to the image's centre already, as scanners deliver it.
    Errors: ValueRangeError for NaN; DataError for silence, a header that contradicts the data, a missing calibration;
    LimitError when there is not enough memory; UsageError for a device that is not there.
    """
    began = time.perf_counter()
    say = progress or _silent
    where = named_device(device)
    admit(raw)
    check_memory(needed_bytes(raw, 1), available_bytes())
    if recipe is None:
        recipe = default_recipe(raw) if field_Hz is None else for_field(default_recipe(raw))[0]
    check_memory(needed_bytes(raw, recipe.virtual_coils, getattr(recipe.coils, "maps", 1)), available_bytes())
    raw, told = arranged(raw, recipe.encoding)
    if raw.encoding.geometry.is_3d and raw.samples.size > _LARGE_SLAB:
        image = _reconstructed(raw, recipe, poses, field_Hz, say, torch.get_num_threads(), where)
    else:
        with one_thread() as workers:
            image = _reconstructed(raw, recipe, poses, field_Hz, say, workers, where)
    image.report.update(told)
    image.report["device"] = str(where)
    image.report["seconds"] = round(time.perf_counter() - began, 3)
    say(1.0, "done")
    return image


def _silent(fraction: float, text: str) -> None:
    pass


def _reconstructed(
    raw: RawData,
    recipe: Recipe,
    poses: Poses | None,
    field_Hz: FieldMap | None,
    say: Progress,
    workers: int,
    device: torch.device,
) -> Image:
    say(0.0, "readouts")
    data, channels = prepare(raw, recipe, workers)
    to = carrier(device, data)

    def encoded(number: int, tell: Progress) -> EncodedVolume:
        members = data.members(number)
        found = [estimate_maps(data, member, recipe.coils) for member in members]
        maps = found[0] if len(found) == 1 else torch.cat(found)
        volume = data.volume(number, maps)
        volume = with_field(volume, data, raw, number, recipe, field_Hz, lambda done: tell(0.05 + 0.25 * done, "field"))
        return with_motion(volume, raw, number, recipe, poses, lambda done: tell(0.05 + 0.25 * done, "motion"))

    basis = courses(recipe.subspace, frame_times(raw)[0]) if recipe.subspace else None
    if recipe.noise_map != "replica":
        return assemble(raw, recipe, data, channels, _solve_all(data, encoded, to, recipe, basis, say, workers))
    field = field_Hz is not None or recipe.off_resonance is not None
    if poses is not None or recipe.motion is not None or basis is not None or field:
        raise DataError('noise replicas: not of moving heads, fields or subspaces. Use noise_map "estimated".')
    part = lambda done, text: say(_SHARE_BESIDE_REPLICAS * done, text)  # noqa: E731
    slices = _solve_all(data, encoded, to, recipe, None, part, workers)
    slices = _with_replica_noise(raw, recipe, data, channels, slices, say, workers, device)
    return assemble(raw, recipe, data, channels, slices)


def _with_replica_noise(
    raw: RawData,
    recipe: Recipe,
    data: Prepared,
    channels: Channels,
    slices: list[SolvedSlice],
    say: Progress,
    workers: int,
    device: torch.device,
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
        device=device,
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
    to: Carrier,
    recipe: Recipe,
    basis: Complex[Tensor, "frame course"] | None,
    say: Progress,
    workers: int,
) -> list[SolvedSlice]:
    """Every slice, or the slab. Slices are independent and share the cores.

    encoded: gives each. to: carries it to where it is solved. basis: of a subspace of the frames.
    """
    solved: list[SolvedSlice] = []
    only = data.slices == 1
    tell = say if only else _silent

    def solve(number: int) -> SolvedSlice:
        volume = encoded(number, tell)
        if number == 0:
            _check_solvable(data, recipe, volume.has_gaps)
        tell(0.3, "solve")
        with to.room():
            there = to.there(volume)
            solved = to.back(solve_volume(there, recipe, lambda done: tell(0.3 + 0.68 * done, "solve"), basis))
            ideal = to.back(ideal_variance(there, recipe.solver))
        notes = {**motion_report(volume), **field_report(volume)}
        return SolvedSlice(solved=solved, maps=volume.maps, acceleration=volume.acceleration, notes=notes, ideal_variance=ideal)

    say(0.05, "coil maps")
    # A single slab runs here and now, so that torch's threads serve its few large steps.
    for part in map(solve, range(1)) if only else map_threaded(solve, range(data.slices), workers):
        solved.append(part)
        say(0.05 + 0.93 * len(solved) / data.slices, "slices")
    return [single for _, single in sorted(_singles(data, solved), key=lambda pair: pair[0])]


def _singles(data: Prepared, solved: list[SolvedSlice]) -> Iterator[tuple[int, SolvedSlice]]:
    """Each slice and its number; those that were solved for together lie in `part`."""
    for number, group in enumerate(solved):
        members = data.members(number)
        if len(members) == 1:
            yield members[0], group
            continue
        for place, member in enumerate(members):
            own = slice(place, place + 1)
            yield member, replace(group, solved=replace(group.solved, values=group.solved.values[:, own]), maps=group.maps[own])
