"""Coil maps by every method, and several sets of them."""

# TRUTHS of coil maps: Walsh's, the relative and the jointly estimated ones are those of a known array | one set of several is the
#   set alone | sets are orthonormal | an object larger than the field of view: one set fails, two do not, at full sampling and
#   R = 2 | joining keeps a lone part and the phase | the joint estimate works with a centre too small for ESPIRiT, and the
#   default recipe falls back on it and says so | one channel needs none
#   | a fully sampled image is reproduced | noise that fills every direction of the patches does not unmake the maps

from dataclasses import replace

import numpy as np
import pytest
import torch

from fullbore.errors import DataError, UsageError
from fullbore.numerics.fourier import fft_centred
from fullbore.recon import Combination, ConjugateGradient, Direct, Espirit, NlInv, Recipe, Walsh, default_recipe, reconstruct
from fullbore.recon.calibration.espirit import coil_maps, several_maps
from fullbore.recon.calibration.nlinv import joint_estimate
from fullbore.recon.parts import join_parts
from tests.recon.measured import array_of, encoding_of, geometry_of, measure, regular_lines

MATRIX = (64, 60, 1)


def scan(lines=None, *, coils=6, folded=1.0, noise=0.0, matrix=MATRIX):
    """folded: the field of view along the lines, in fractions of the one that holds the head."""
    geometry = geometry_of(matrix)
    fov = tuple(np.array(geometry.fov_m) * (1, folded, 1))
    geometry = replace(geometry, fov_m=fov, encoded_fov_m=fov)
    lines = np.arange(matrix[1]) if lines is None else lines
    return measure(encoding_of(geometry, lines), array_of(coils, 2), noise=noise)


def map_error(image, inside, coils=6):
    truth = array_of(coils, 2).maps(image.grid.points_m())
    truth = truth / np.linalg.norm(truth, axis=0)
    seen = np.abs(np.sum(image.sensitivities.conj() * truth, axis=0))[inside]
    return np.sqrt(np.mean(1 - np.minimum(seen, 1) ** 2))


def difference(image, reference, inside):
    return np.linalg.norm((np.abs(image.values) - np.abs(reference.values))[inside]) / np.linalg.norm(reference.values[inside])


# What 24 windowed lines leave of maps that are read from an image with edges; and what smoothness leaves of the joint estimate.
@pytest.mark.parametrize(("coils", "limit"), [(Walsh(), 0.02), (Walsh(patch=1), 0.015), (NlInv(), 0.006), (Espirit(), 0.01)])
def test_maps_of_a_known_array(coils, limit):
    image = reconstruct(scan(), Recipe(coils=coils))
    inside = np.abs(image.values) > 0.3 * np.abs(image.values).max()
    assert map_error(image, inside) < limit
    assert np.allclose(np.linalg.norm(image.sensitivities, axis=0), 1, atol=1e-5)


def block_of(seed=0):
    """Calibration samples of the head, (frame, coil, kz, ky, kx)."""
    samples = scan().samples
    block = samples[18:42, :, 20:44].transpose(1, 0, 2)[None, :, None]
    return torch.from_numpy(np.ascontiguousarray(block / np.abs(block).max()))


def test_one_set_of_several_is_the_set_alone():
    one, value = coil_maps(block_of(), (1, 48, 48), Espirit(grid=48))
    several, values = several_maps(block_of(), (1, 48, 48), Espirit(maps=2))
    # One is interpolated between the points of its grid, here the same, the other evaluated.
    assert np.abs(several[0].numpy() - one).max() < 2e-3
    assert np.abs(values[0].numpy() - value).max() < 1e-3


def test_sets_are_orthonormal():
    maps, values = several_maps(block_of(), (1, 40, 40), Espirit(maps=3, extra_crop=0.0))
    gram = torch.einsum("pczyx,qczyx->pqzyx", maps.conj(), maps)
    assert torch.allclose(gram, torch.eye(3, dtype=gram.dtype)[:, :, None, None, None].expand_as(gram), atol=1e-4)
    assert torch.all(values[0] >= values[1] - 1e-5)


@pytest.mark.parametrize("lines", [np.arange(48), regular_lines(48, 2, 20)])
def test_an_object_larger_than_the_field_of_view(lines):
    matrix = (64, 48, 1)
    full, raw = scan(coils=8, folded=0.7, matrix=matrix), scan(lines, coils=8, folded=0.7, matrix=matrix)
    kspace = full.samples.transpose(1, 0, 2).astype(np.complex128)
    fov = full.encoding.geometry.encoded_fov_m
    images = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(kspace, axes=(1, 2))), axes=(1, 2)) * kspace[0].size / np.prod(fov)
    wanted = np.sqrt((np.abs(images) ** 2).sum(0))
    error = {
        maps: np.linalg.norm(np.abs(reconstruct(raw, recipe_of(maps)).values[0]) - wanted) / np.linalg.norm(wanted)
        for maps in (1, 2)
    }
    assert error[1] > 0.1
    # What 24 lines know of maps that fold; the single set is wrong by a tenth to a quarter.
    assert error[2] < 0.02


def recipe_of(maps):
    return Recipe(coils=Espirit(maps=maps), solver=ConjugateGradient(iterations=60))


def test_replicas_serve_several_sets():
    raw = scan(regular_lines(48, 2, 20), coils=8, folded=0.7, matrix=(64, 48, 1), noise=2e-7)
    image = reconstruct(raw, replace(recipe_of(2), noise_map="replica", replicas=8))
    assert np.isfinite(image.noise_std).all()
    with pytest.raises(UsageError, match="replica"):
        Recipe(coils=Espirit(maps=2), noise_map="analytic")


def test_joining_keeps_a_lone_part_and_the_phase():
    maps = torch.zeros((2, 1, 3, 1, 2), dtype=torch.complex64)
    maps[0, :, 0], maps[1, :, 1] = 1, 1
    values = torch.tensor([[3 + 4j, 1j], [0, 1j]], dtype=torch.complex64).reshape(1, 2, 1, 1, 2)
    joined = join_parts(values, maps).flatten()
    assert torch.allclose(joined, torch.tensor([3 + 4j, 2**0.5 * 1j], dtype=torch.complex64))


def test_joint_estimate_works_with_a_small_centre():
    lines = regular_lines(60, 2, 4)
    raw, full = scan(lines), reconstruct(scan())
    with pytest.raises(DataError, match="calibration"):
        reconstruct(raw, Recipe(solver=Direct()))
    inside = np.abs(full.values) > 0.1 * np.abs(full.values).max()
    recipe = default_recipe(raw)
    assert isinstance(recipe.coils, NlInv)
    image = reconstruct(raw)
    assert "joint" in image.report["warning"]
    folded = reconstruct(raw, Recipe(coils=NlInv(), solver=Combination()))
    # Five lines know little; the zero-filled image, with the same maps, is folded.
    assert difference(image, full, inside) < 0.08 < 0.15 < difference(folded, full, inside)


def test_one_channel_needs_no_calibration():
    raw = scan(np.array([3, 8, 11, *range(28, 33), 41, 46]))
    one = replace(raw, samples=raw.samples[:, :1])
    assert isinstance(default_recipe(one).coils, Espirit)
    assert reconstruct(one).report["warning"] == "none"


def test_joint_estimate_reproduces_a_fully_sampled_image():
    block = block_of()[0]
    image, maps = joint_estimate(block, torch.ones(block.shape[1:]), NlInv(newton=14))
    found = fft_centred(maps * image, (-3, -2, -1))
    scale = torch.vdot(found.flatten(), block.flatten()) / torch.linalg.vector_norm(found) ** 2
    # The product of an image and a map of 24 voxels has a wider k-space than the block: its ends wrap around.
    assert torch.linalg.vector_norm(scale * found - block) < 0.03 * torch.linalg.vector_norm(block)


@pytest.mark.parametrize("coils", [2, 4, 8, 16])
def test_noise_does_not_unmake_the_maps(coils):
    """Noise of a third to a half of the signal in every voxel: twofold SENSE stays near what the maps of Walsh give."""
    lines = regular_lines(MATRIX[1], 2, 24)
    full = reconstruct(scan(coils=coils))
    inside = np.abs(full.values) > 0.3 * np.abs(full.values).max()
    noisy = scan(lines, coils=coils, noise=1e-6)
    error = difference(reconstruct(noisy, Recipe(solver=Direct())), full, inside)
    assert error < 1.5 * difference(reconstruct(noisy, Recipe(coils=Walsh(), solver=Direct())), full, inside)
