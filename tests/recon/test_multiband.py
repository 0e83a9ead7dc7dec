"""Simultaneous slices, told apart by kernels from single slices."""

# TRUTHS of simultaneous slices: the slices come back, with and without in-plane undersampling, whatever the blips' shift
#   | without the recipe it is refused, without calibration too, and blips that advance unevenly
#   | SENSE of the group: the slices come back, uneven blips too; better than kernels at sixfold acceleration; less noise with
#   sparse wavelets; its adjoint and normal operator are those of its forward one
#   | the split kernel lets less of another slice through than the plain one | data without the label are untouched

from dataclasses import replace

import numpy as np
import pytest
import torch

from fullbore.data import AcquisitionFlag, RawData
from fullbore.errors import DataError, UsageError
from fullbore.recon import Combination, ConjugateGradient, Espirit, ProximalGradient, Recipe, Wavelet, default_recipe, reconstruct
from fullbore.recon.completions import slice_grappa
from fullbore.recon.encodings.readouts import kept_rows, prepare_readouts
from fullbore.recon.preparation import prepare
from fullbore.recon.recipe import Grappa, SliceGrappa, SmsSense
from tests.recon.measured import HEAD, Array, array_of, encoding_of, geometry_of, head_signal, regular_lines

MATRIX, GAP_M = (48, 48), 0.03
CENTRE = (0.0, 0.0, 0.013)


def objects_of(number):
    """A head that changes from slice to slice."""
    shrink = 1 - 0.12 * number
    return tuple(((c[0], c[1] * shrink, c[2]), (h[0] * shrink, h[1], h[2]), d * (1 + 0.2 * number)) for c, h, d in HEAD)


def slice_array(z):
    """The channels at one height."""
    array = array_of(12, 3)
    amplitudes = array.amplitudes * np.exp(2j * np.pi * array.frequencies[:, 2] * z)
    return Array(amplitudes=amplitudes, frequencies=array.frequencies * np.array([1, 1, 0]))


def scan(slices, bands, shift, lines, *, together=True, uneven=0.0, calibrate=True, noise=0.0):
    """Groups of `bands` slices with blips that shift neighbours in a group by 1 / shift of the field of view."""
    geometry = replace(geometry_of((*MATRIX, 1), slices=slices, centre_m=CENTRE), slice_offsets_m=np.arange(slices) * GAP_M)
    groups = slices // bands if together else slices
    all_lines = np.arange(MATRIX[1])
    line = np.concatenate([np.tile(lines, groups), np.tile(all_lines, slices)])
    number = np.concatenate([np.repeat(np.arange(groups), len(lines)), np.repeat(np.arange(slices), MATRIX[1])])
    sms = np.arange(len(line)) < groups * len(lines)
    step = int(np.diff(np.unique(lines)).min())
    # Blips go up to `shift` steps and rewind: k_z stays small.
    rise = 1 / (shift * (slices // bands) * GAP_M)
    blips = ((line - MATRIX[1] // 2) // step % shift) * rise * (1 + uneven * (line % 3)) * (sms & together)
    encoding = encoding_of(geometry, line, slice_number=number)
    k = encoding.trajectory_per_m() + blips[:, None, None] * geometry.slice
    samples = np.zeros((len(line), 12, k.shape[1]), complex)
    for z_number in range(slices):
        z = geometry.slice_offsets_m[z_number] + CENTRE[2]
        seen = (number == z_number) if not together else np.where(sms, number == z_number % groups, number == z_number)
        rows = np.flatnonzero(seen)
        flat = k[rows] * np.array([1, 1, 0])
        signal = np.moveaxis(head_signal(flat, slice_array(z), 2, objects=objects_of(z_number)), 0, 1)
        samples[rows] += signal * np.exp(-2j * np.pi * k[rows, :, 2] * z)[:, None] * 0.005
    draw = np.random.default_rng(1).normal(size=(*samples.shape, 2)) @ np.array([1, 1j]) / np.sqrt(2)
    samples += noise * draw * sms[:, None, None]
    flags = np.where(sms, 0, int(AcquisitionFlag.CALIBRATION)).astype(np.uint64)
    keep = sms | calibrate
    encoding = replace(encoding, flags=flags, labels={"SMS": (sms & together).astype(np.int32)})
    raw = RawData(encoding=encoding, samples=samples.astype(np.complex64), b0_T=3.0, trajectory_per_m=k)
    return raw if keep.all() else raw.take(keep)


def error(image, reference):
    return np.linalg.norm(np.abs(image.values) - np.abs(reference.values)) / np.linalg.norm(reference.values)


@pytest.mark.parametrize(("slices", "bands", "shift"), [(2, 2, 2), (4, 2, 2), (3, 3, 3)])
@pytest.mark.parametrize("step", [1, 2])
def test_slices_come_back(slices, bands, shift, step):
    lines = np.arange(0, 48, step)
    alone = reconstruct(scan(slices, bands, shift, np.arange(48), together=False), Recipe())
    raw = scan(slices, bands, shift, lines)
    recipe = replace(default_recipe(raw), solver=Recipe().solver, completion=Grappa() if step > 1 else None)
    assert recipe.multiband == SliceGrappa()
    # Kernels of 5 x 5 predict slices 30 to 60 mm apart up to some percent with these channels.
    assert error(reconstruct(raw, recipe), alone) < (0.06 if step == 1 else 0.12)


def test_the_split_kernel_leaks_less():
    raw = scan(3, 3, 3, np.arange(48))
    readouts, kept = prepare_readouts(raw, np.eye(12, dtype=complex), np.zeros(3)), kept_rows(raw)
    leaks = {}
    for method in ("plain", "split"):
        recipe = SliceGrappa(method=method)
        rows = np.flatnonzero(~readouts.for_calibration)
        along = slice_grappa.slice_k(raw, kept)[rows]
        place = slice_grappa.slice_places(raw)
        group = slice_grappa._group(np.arange(3), along, place - place[0], readouts.line[rows])
        kernels = slice_grappa.calibrate(readouts, group, recipe)
        leaks[method] = 0.0
        for other in range(3):
            columns = readouts.kspace(readouts.calibration_rows(other), slice(None))[:, :, 0].permute(2, 0, 1)
            blipped = columns * torch.from_numpy(group.phases(np.arange(48))[other].astype(np.complex64))[:, None, None]
            for index in range(3):
                if index != other:
                    leak = slice_grappa.apply_kernel(kernels[index], blipped)
                    leaks[method] += float(torch.linalg.vector_norm(leak) / torch.linalg.vector_norm(blipped))
    assert leaks["split"] < 0.8 * leaks["plain"]


def test_what_cannot_be_separated_is_refused():
    raw = scan(2, 2, 2, np.arange(48))
    with pytest.raises(DataError, match="does not say how to separate"):
        reconstruct(raw, Recipe())
    with pytest.raises(DataError, match="not measured alone"):
        reconstruct(scan(2, 2, 2, np.arange(48), calibrate=False))
    with pytest.raises(DataError, match="not measured alone"):
        reconstruct(scan(2, 2, 2, np.arange(48), calibrate=False), CG)
    with pytest.raises(UsageError, match="iterative solver"):
        Recipe(multiband=SmsSense())
    with pytest.raises(DataError, match="off an even advance"):
        reconstruct(scan(2, 2, 2, np.arange(48), uneven=0.3))


CG = Recipe(coils=Espirit(crop=0.8), solver=ConjugateGradient(iterations=40), multiband=SmsSense())


def test_sense_of_a_group():
    alone = reconstruct(scan(4, 2, 2, np.arange(48), together=False), Recipe())
    # What the maps' errors leave: 24 central lines of channels whose images ring at sharp edges.
    assert error(reconstruct(scan(4, 2, 2, np.arange(48)), CG), alone) < 0.03
    assert error(reconstruct(scan(4, 2, 2, np.arange(0, 48, 2)), CG), alone) < 0.05


def test_sense_of_a_group_beats_kernels_where_six_voxels_share_a_place():
    alone = reconstruct(scan(3, 3, 3, np.arange(48), together=False), Recipe())
    raw = scan(3, 3, 3, np.arange(0, 48, 2), noise=3e-8)
    kernels = replace(default_recipe(raw), solver=Combination(), prior=None, completion=Grappa())
    assert error(reconstruct(raw, CG), alone) < 0.95 * error(reconstruct(raw, kernels), alone)


def test_uneven_blips_are_no_matter():
    alone = reconstruct(scan(2, 2, 2, np.arange(48), together=False), Recipe())
    # Fewer lines of either phase lie beside each other: a little more of the maps' errors, no fold.
    assert error(reconstruct(scan(2, 2, 2, np.arange(48), uneven=0.3), CG), alone) < 0.03


def test_a_wavelet_prior_lowers_the_noise_of_a_group():
    alone = reconstruct(scan(2, 2, 2, np.arange(48), together=False), Recipe())
    raw = scan(2, 2, 2, np.arange(0, 48, 2), noise=3e-7)
    sparse = Recipe(coils=CG.coils, solver=ProximalGradient(iterations=40), prior=Wavelet(), multiband=SmsSense())
    kernels = replace(default_recipe(raw), solver=Combination(), prior=None, completion=Grappa())
    errors = [error(reconstruct(raw, recipe), alone) for recipe in (sparse, CG, kernels)]
    assert errors[0] < 0.9 * min(errors[1:])


def test_the_operators_of_a_group():
    raw = scan(4, 2, 2, np.arange(0, 48, 2))
    data, _ = prepare(raw, CG, 1)
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn((2, 48, 12, 1, 48), generator=generator, dtype=torch.complex64)
    volume = data.volume(1, maps)
    assert data.members(1) == (1, 3)
    image = torch.randn(volume.shape, generator=generator, dtype=torch.complex64)
    measured = volume.readouts.kspace(volume.rows[0], slice(None))
    sides = (
        torch.vdot(volume.forward(image[0], 0).flatten(), measured.flatten()),
        torch.vdot(image.flatten(), volume.adjoint().flatten()),
    )
    assert abs(sides[0] - sides[1]) < 1e-5 * abs(sides[0])
    assert torch.vdot(image.flatten(), volume.normal(image).flatten()).real == pytest.approx(
        float(torch.linalg.vector_norm(volume.forward(image[0], 0)) ** 2), rel=1e-5
    )


def test_single_slices_are_untouched():
    raw = scan(2, 2, 2, regular_lines(48, 2, 16), together=False)
    plain, same = (reconstruct(raw, Recipe(multiband=multiband)) for multiband in (None, SliceGrappa()))
    sense = Recipe(solver=ConjugateGradient())
    assert np.array_equal(reconstruct(raw, sense).values, reconstruct(raw, replace(sense, multiband=SmsSense())).values)
    assert np.array_equal(plain.values, same.values)
