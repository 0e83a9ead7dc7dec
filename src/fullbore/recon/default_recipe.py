"""The recipe that suits an acquisition, chosen from what was measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Bool

from fullbore.data import RawData
from fullbore.recon.admission import admit, calibration_only_rows, imaging_rows, live_channels
from fullbore.recon.calibration.central_block import SMALLEST, central_block, has_gaps
from fullbore.recon.calibration.epi_phase import backward_rows
from fullbore.recon.calibration.maps import FEWEST_FOR_JOINT
from fullbore.recon.completions.slice_grappa import simultaneous_rows
from fullbore.recon.encodings.arrangement import is_stacked
from fullbore.recon.encodings.path import is_on_grid
from fullbore.recon.encodings.recounting import recounted
from fullbore.recon.encodings.wave import wave_course
from fullbore.recon.memory import available_bytes, check_memory, needed_bytes
from fullbore.recon.recipe import (
    Coils,
    Combination,
    ConjugateGradient,
    Direct,
    EpiPhase,
    Espirit,
    NlInv,
    NonUniform,
    ProximalGradient,
    Recipe,
    SliceGrappa,
    Wave,
    Wavelet,
)

_VIRTUAL_COILS = 8


def default_recipe(raw: RawData) -> Recipe:
    """Combination when nothing is missing, exact SENSE for regular 2D undersampling, l1-wavelet for everything else.

    Lines that swing alike are a wave, solved by conjugate gradients; any other trajectory that leaves the lines of the
    counters is taken as it is: `NonUniform`, by conjugate gradients. The phase between readouts of both polarities is
    removed where there are both, and simultaneous slices are told apart.
    Errors: those of `admit`.
    """
    return explained_recipe(raw)[0]


def explained_recipe(raw: RawData) -> tuple[Recipe, dict[str, str]]:
    """`default_recipe` and why: for each part of the recipe one sentence. Errors: those of `admit`."""
    admit(raw)
    check_memory(needed_bytes(raw, 1), available_bytes())
    is_3d = raw.encoding.geometry.is_3d
    if wave_course(raw) is not None:
        recipe, why = _wave_recipe(raw)
    elif raw.trajectory_per_m is None or is_on_grid(raw.take(np.flatnonzero(imaging_rows(raw)))):
        recipe, why = _grid_recipe(raw)
    elif (counted := recounted(raw)) is not None:
        recipe, why = _grid_recipe(counted)
        why["encoding"] = "the trajectory is on the lines of a grid, though not on those that the counters say: it counts"
    else:
        recipe, why = _non_uniform_recipe(raw)
    slab = f"a slab: {_VIRTUAL_COILS} virtual channels hold nearly all of its signal"
    why["virtual_coils"] = slab if is_3d else "a slice is quick with all channels"
    why["noise_map"] = "costs nothing; ask for replica to have it exact for every solver"
    return replace(recipe, virtual_coils=_VIRTUAL_COILS if is_3d else None), why


def _grid_recipe(raw: RawData) -> tuple[Recipe, dict[str, str]]:
    mask = _union_mask(raw)
    recipe, why = _by_gaps(raw, mask)
    coils, why["coils"] = _coils(raw, mask)
    why["encoding"] = "readouts that their counters place on a grid"
    recipe = replace(recipe, coils=coils)
    if simultaneous_rows(raw).any():
        recipe, why["multiband"] = replace(recipe, multiband=SliceGrappa()), "slices were excited together"
    if _both_ways(raw):
        recipe, why["readout_phase"] = replace(recipe, readout_phase=EpiPhase()), "readouts run both ways"
    return recipe, why


def _both_ways(raw: RawData) -> bool:
    """True when lines of one image run both ways. Echoes that differ as wholes keep the phase that they have."""
    imaging = imaging_rows(raw)
    backward, contrast = backward_rows(raw)[imaging], raw.encoding.counter("contrast")[imaging]
    share = [float(np.mean(backward[contrast == echo])) for echo in np.unique(contrast)]
    return any(0 < part < 1 for part in share)


def _wave_recipe(raw: RawData) -> tuple[Recipe, dict[str, str]]:
    recipe = Recipe(coils=_espirit(raw), encoding=Wave(), solver=ConjugateGradient())
    why = {"coils": "a fully sampled centre, less what the wave reaches beyond it"}
    why["encoding"] = "all readouts leave their lines alike: a wave"
    why["solver"] = "a wave makes each voxel a streak: it is solved even where every line was measured"
    if live_channels(raw).sum() == 1 and has_gaps(_union_mask(raw)):
        why["prior"] = "one channel cannot tell folded voxels apart"
        return replace(recipe, solver=ProximalGradient(), prior=Wavelet()), why
    return recipe, why


def _non_uniform_recipe(raw: RawData) -> tuple[Recipe, dict[str, str]]:
    """Least squares with the expected power spectrum; gridding where a single channel leaves no choice."""
    why = {"coils": "the centre of k-space, brought onto a grid"}
    why["encoding"] = "the trajectory leaves the lines that the counters say"
    if live_channels(raw).sum() == 1:
        why["solver"] = "one channel: gridding"
        return Recipe(encoding=NonUniform(), solver=Combination()), why
    why["solver"] = "least squares that expects the signal's own power spectrum"
    if not is_stacked(raw):
        # The density of such curves differs a thousandfold from the centre to the rim: without weights the centre, where the
        # maps' errors are largest too, outvotes everything else, and many iterations would be needed to get beyond it.
        why["encoding"] += ", along all three axes: every sample counts by its share of k-space"
        solver = ConjugateGradient(iterations=8, tolerance=1e-4, expected_power=1.0)
        return Recipe(coils=_espirit(raw), encoding=NonUniform(weights="density"), solver=solver), why
    solver = ConjugateGradient(iterations=20, tolerance=1e-4, expected_power=1.0)
    return Recipe(coils=_espirit(raw), encoding=NonUniform(), solver=solver), why


def _espirit(raw: RawData) -> Espirit:
    """A slab's patches are smaller to save time."""
    slab = raw.encoding.geometry.is_3d and raw.encoding.geometry.matrix[0] > 1
    return Espirit(kernel=5, grid=40) if slab else Espirit()


def _by_gaps(raw: RawData, mask: Bool[np.ndarray, "kz ky"]) -> tuple[Recipe, dict[str, str]]:
    share = f"{np.count_nonzero(mask)} of {mask.size} positions measured"
    if not has_gaps(mask):
        return Recipe(), {"solver": f"no gaps in k-space ({share}): nothing to solve for"}
    if mask.shape[0] == 1 and _is_regular(mask[0]) and int(live_channels(raw).sum()) > 1:
        return Recipe(solver=Direct()), {"solver": f"evenly spaced lines of a slice ({share}): SENSE in closed form"}
    return (
        Recipe(solver=ProximalGradient(), prior=Wavelet(shifts=_shifts(raw, mask))),
        {
            "solver": f"irregular or two-dimensional gaps, or one channel ({share}): iterations",
            "prior": "such gaps fold like noise, which sparse wavelet details tell from the image",
        },
    )


def _shifts(raw: RawData, mask: Bool[np.ndarray, "kz ky"]) -> int:
    """Positions of the wavelets: two of a slice; one of a slab, for time; four of a plane with gaps along both of its axes.

    Four foretold unseen samples of a measured head's plane 2.4 % better than one, for a third more time.
    """
    if mask.shape[0] == 1:
        return 2
    return 4 if raw.encoding.geometry.matrix[0] == 1 else 1


def _coils(raw: RawData, mask: Bool[np.ndarray, "kz ky"]) -> tuple[Coils, str]:
    centre = tuple(part.stop - part.start for part in central_block(mask, SMALLEST))
    if int(live_channels(raw).sum()) == 1:
        return Espirit(), "one channel: its map is 1 everywhere"
    wanted = tuple(min(SMALLEST, n) for n in mask.shape)
    separate = bool(np.any(calibration_only_rows(raw)))
    if has_gaps(mask) and not separate and centre != wanted and all(
        got >= FEWEST_FOR_JOINT or got == n for got, n in zip(centre, mask.shape, strict=True)
    ):  # fmt: skip
        return NlInv(), f"only {centre[0]} x {centre[1]} positions in the fully sampled centre: image and maps estimated together"
    if mask.shape[0] > 1 and raw.encoding.geometry.matrix[0] > 1:
        return Espirit(kernel=5, grid=40), "a fully sampled centre; a slab's patches are smaller to save time"
    return Espirit(), "a fully sampled centre" if not separate else "a calibration scan"


def _union_mask(raw: RawData) -> Bool[np.ndarray, "kz ky"]:
    """Which (kz, ky) the first frame and slice measured."""
    encoding = raw.encoding
    rows = np.flatnonzero(imaging_rows(raw))
    names = ("slice", "set", "contrast", "repetition", "phase")
    labels = np.stack([encoding.counter(name)[rows] for name in names], axis=1)
    rows = rows[np.all(labels == labels[0], axis=1)]
    mask = np.zeros((encoding.geometry.encoded_matrix[2], encoding.geometry.encoded_matrix[1]), dtype=bool)
    mask[encoding.counter("partition")[rows], encoding.counter("line")[rows]] = True
    return mask


def _is_regular(lines: Bool[np.ndarray, " ky"]) -> bool:
    """Evenly spaced lines outside the fully sampled centre."""
    centre = central_block(lines[None], len(lines))[1]
    outer = np.concatenate([np.flatnonzero(lines[: centre.start]), np.flatnonzero(lines[centre.stop :]) + centre.stop])
    left, right = np.diff(outer[outer < centre.start]), np.diff(outer[outer >= centre.stop])
    steps = np.concatenate([left, right])
    return bool(len(steps) == 0 or np.all(steps == steps[0]))
