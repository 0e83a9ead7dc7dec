"""Curves in slices: from closed-form k-space along radial, spiral and PROPELLER trajectories to images."""

# TRUTHS of curves in slices: full radial, spiral, PROPELLER = the Cartesian image of the same circle of k-space, by gridding
#   and by least squares | density 1 gives 1
#   | a grid seen as curves = the inverse FFT | off centre | undersampled: SENSE beats gridding,
#   the expected power beats plain least squares
#   | extent frees an object that sticks out | frames by readouts = those readouts alone
#   | short readouts' filling is ignored | density compensation = the ramp | the noise map is the spread of repeated scans
#   | recipes: curves are noticed and said; Cartesian refuses them | bad input raises

from dataclasses import replace

import numpy as np
import pytest
import torch

from fullbore.errors import DataError, UsageError, ValueRangeError
from fullbore.recon import (
    Combination,
    ConjugateGradient,
    NonUniform,
    ProximalGradient,
    Recipe,
    Wavelet,
    default_recipe,
    reconstruct,
)
from fullbore.recon.calibration.density import density_compensation
from tests.recon.measured import FOV, Array, array_of, encoding_of, geometry_of, measure
from tests.recon.trajectories import blades, measure_along, spirals, spokes

MATRIX = (64, 60, 1)
ONE = Array(amplitudes=np.ones((1, 1), complex), frequencies=np.zeros((1, 3)))
BLOB = (((0.0, 0.0, 0.0), (0.3, 0.33, 0.35), 1.0),)
GRIDDING = Recipe(encoding=NonUniform(), solver=Combination())
SENSE = Recipe(encoding=NonUniform(), solver=ConjugateGradient(iterations=60, tolerance=1e-4))
CURVES = {
    "radial": spokes(110, MATRIX, golden=False),
    "golden": spokes(150, MATRIX),
    "spiral": spirals(20, MATRIX, 3.5, 400),
    "propeller": blades(11, 14, MATRIX),
}


def difference(image, reference, inside):
    return np.linalg.norm((np.abs(image) - np.abs(reference))[inside]) / np.linalg.norm(reference[inside])


def cartesian(array, **head):
    """The image of all of k-space within the circle that the curves reach."""
    encoding = encoding_of(geometry_of(MATRIX), np.arange(60))
    raw = measure(encoding, array, **head)
    edge = min(n / f for n, f in zip(MATRIX[:2], FOV, strict=False)) / 2
    within = np.linalg.norm(raw.trajectory_per_m, axis=-1) <= edge
    return reconstruct(replace(raw, samples=raw.samples * within[:, None]), Recipe()).values


@pytest.fixture(scope="module")
def whole():
    array = array_of(6, 2)
    image = cartesian(array)
    return array, image, np.abs(image) > 0.1 * np.abs(image).max()


@pytest.mark.parametrize("recipe", [GRIDDING, SENSE], ids=["gridding", "sense"])
@pytest.mark.parametrize("name", CURVES)
def test_full_sampling_is_the_cartesian_image(name, recipe, whole):
    array, reference, inside = whole
    image = reconstruct(measure_along(CURVES[name], MATRIX, array), recipe)
    # The rims of the circles differ by part of a cell, blades and spirals do not end on a circle at all, and least
    # squares continues k-space a little beyond it: some of the head's edges, 2 to 3 % of its norm.
    assert difference(image.values, reference, inside) < 0.035


@pytest.mark.parametrize("name", CURVES)
def test_unit_density_gives_one(name):
    for recipe in (GRIDDING, SENSE):
        image = reconstruct(measure_along(CURVES[name], MATRIX, ONE, objects=BLOB), recipe)
        # Truncation of k-space rings by some percent near edges; its mean over a patch does not.
        assert np.mean(image.values[0, 26:34, 28:36].real) == pytest.approx(1, abs=0.01)


def test_a_grid_seen_as_curves():
    raw = measure(encoding_of(geometry_of(MATRIX), np.arange(60)), array_of(6, 2))
    assert difference(reconstruct(raw, SENSE).values, reconstruct(raw).values, np.ones((1, 60, 64), bool)) < 1e-3


def test_off_centre():
    centre = np.array([0.031, -0.017, 0.0])
    path = CURVES["radial"]
    still = measure_along(path, MATRIX, ONE, objects=BLOB)
    phase = np.exp(-2j * np.pi * path @ centre).astype(np.complex64)
    geometry = replace(still.encoding.geometry, centre_m=centre)
    moved = replace(still, samples=still.samples * phase[:, None], encoding=replace(still.encoding, geometry=geometry))
    image, reference = reconstruct(moved, GRIDDING), reconstruct(still, GRIDDING)
    assert np.linalg.norm(image.values - reference.values) < 1e-4 * np.linalg.norm(reference.values)
    assert np.allclose(image.grid.affine_m[:3, 3] - reference.grid.affine_m[:3, 3], centre)


def test_sense_beats_gridding_and_expected_power_beats_sense(whole):
    array, reference, inside = whole
    raw = measure_along(spokes(28, MATRIX), MATRIX, array, noise=4e-7)
    recipe = default_recipe(raw)
    errors = [difference(reconstruct(raw, kind).values, reference, inside) for kind in (GRIDDING, SENSE, recipe)]
    early = replace(SENSE, solver=ConjugateGradient(iterations=6))
    errors.append(difference(reconstruct(raw, early).values, reference, inside))
    gridding, converged, expected, stopped = errors

    assert recipe.solver.expected_power == 1
    assert expected < 0.9 * gridding
    assert expected < 0.5 * converged  # least squares to the end is all noise here
    assert expected < 0.8 * stopped


@pytest.mark.parametrize("weights", ["none", "density"])
def test_sparse_beats_gridding(weights, whole):
    array, reference, inside = whole
    raw = measure_along(spokes(28, MATRIX), MATRIX, array, noise=4e-7)
    recipe = Recipe(encoding=NonUniform(weights=weights), solver=ProximalGradient(iterations=30), prior=Wavelet())
    assert difference(reconstruct(raw, recipe).values, reference, inside) < 0.8 * difference(
        reconstruct(raw, GRIDDING).values, reference, inside
    )


def test_extent_frees_an_object_that_sticks_out():
    large = (((0.0, 0.3, 0.0), (0.2, 0.4, 0.35), 1.0),)
    raw = measure_along(spokes(200, MATRIX, golden=False), MATRIX, ONE, objects=large)
    narrow, wide = (
        reconstruct(raw, replace(SENSE, encoding=NonUniform(extent=e), solver=ConjugateGradient(iterations=15)))
        for e in (1.0, 1.5)
    )
    assert wide.values.shape == narrow.values.shape
    empty = np.s_[0, :20, 20:44]  # below the object
    assert np.abs(wide.values[empty]).max() < 0.5 * np.abs(narrow.values[empty]).max()


def test_frames_by_readouts():
    path = spokes(90, MATRIX)
    raw = measure_along(path, MATRIX, array_of(4, 2), noise=1e-7)
    image = reconstruct(raw, replace(GRIDDING, encoding=NonUniform(readouts_per_frame=40)))
    assert image.axes == ("frame",)
    assert image.values.shape == (2, 1, 60, 64)
    one = reconstruct(measure_along(path[40:80], MATRIX, ONE), GRIDDING)
    whole = reconstruct(replace(measure_along(path, MATRIX, ONE)), replace(GRIDDING, encoding=NonUniform(readouts_per_frame=40)))
    assert np.allclose(whole.values[1], one.values, atol=1e-4)
    with pytest.raises(DataError, match="readouts_per_frame"):
        reconstruct(raw, replace(GRIDDING, encoding=NonUniform(readouts_per_frame=91)))


def test_frames_with_equal_points_are_linear():
    path = np.tile(spokes(60, MATRIX), (2, 1, 1))
    raw = measure_along(path, MATRIX, array_of(4, 2), frame=np.repeat([0, 1], 60))
    samples = raw.samples * np.repeat([1.0, -0.3], 60)[:, None, None].astype(np.float32)
    image = reconstruct(replace(raw, samples=samples), replace(SENSE, solver=ConjugateGradient(iterations=10)))
    assert np.linalg.norm(image.values[1] + 0.3 * image.values[0]) < 1e-3 * np.linalg.norm(image.values[1])


def test_filling_of_short_readouts_is_ignored():
    raw = measure_along(CURVES["radial"], MATRIX, ONE, objects=BLOB)
    reference = reconstruct(raw, GRIDDING).values
    lengths = np.full(raw.encoding.rows, 128)
    longer = replace(raw.encoding, samples=150, row_samples=lengths)
    samples = np.concatenate([raw.samples, np.full((len(lengths), 1, 22), 0.3, np.complex64)], -1)
    path = np.concatenate([raw.trajectory_per_m, np.zeros((len(lengths), 22, 3))], 1)
    image = reconstruct(replace(raw, encoding=longer, samples=samples, trajectory_per_m=path), GRIDDING)
    assert np.allclose(image.values, reference, atol=1e-5)


def test_density_compensation_is_the_ramp():
    count, matrix = 120, (64, 64, 1)
    path = spokes(count, (64, 64, 1), golden=False)[..., :2] * np.array([FOV[0], FOV[0]])
    cells = path * (32 / np.abs(path).max())
    radius = np.linalg.norm(cells, axis=-1)
    ramp = np.pi * radius * 0.5 / count  # half-cell steps; each diameter counts twice over 2 pi r
    weights = (
        density_compensation(torch.from_numpy(cells.reshape(-1, 2)), matrix[:2], iterations=12).numpy().reshape(radius.shape)
    )
    middle = (radius > 3) & (radius < 26)
    # The kernel averages over a cell, the rim is felt some cells away, and 12 steps settle to 1 %.
    assert np.abs(weights / np.maximum(ramp, 1e-6) - 1)[middle].max() < 0.03
    assert weights.sum() == pytest.approx(np.pi * 32.5**2, rel=0.02)  # samples on the rim speak for half a cell beyond it


def test_noise_map_is_the_spread_of_repeated_scans():
    array, path = array_of(6, 2), spokes(110, (40, 40, 1), golden=False)
    images = []
    for seed in range(30):
        images.append(reconstruct(measure_along(path, (40, 40, 1), array, noise=2e-7, seed=seed), GRIDDING))
    spread = np.std([np.abs(image.values) for image in images], axis=0, ddof=1)
    inside = np.abs(images[0].values) > 0.2 * np.abs(images[0].values).max()
    # 30 scans know a spread to 13 %, its median over voxels to 1 %; the maps are estimated anew from each.
    assert np.median((spread / images[0].noise_std)[inside]) == pytest.approx(1, abs=0.06)


def test_curves_are_noticed():
    raw = measure_along(spokes(64, MATRIX), MATRIX, array_of(4, 2))
    assert isinstance(default_recipe(raw).encoding, NonUniform)
    image = reconstruct(raw)
    assert image.report["encoding"] == "NonUniform"
    assert image.report["trajectory"] == "curves in each slice"
    with pytest.raises(DataError, match="Use the encoding NonUniform"):
        reconstruct(raw, Recipe())
    straight = measure(encoding_of(geometry_of(MATRIX), np.arange(60)), array_of(4, 2))
    assert default_recipe(straight) == Recipe()


def test_recipe_is_written_and_read():
    recipe = replace(SENSE, encoding=NonUniform(extent=1.5, delays="isotropic", readouts_per_frame=21))
    assert Recipe.from_dict(recipe.to_dict()) == recipe
    for wrong in ({"extent": 0.5}, {"tolerance": 0.0}, {"readouts_per_frame": 0}):
        with pytest.raises(UsageError, match="NonUniform"):
            NonUniform(**wrong)
    with pytest.raises(UsageError, match="expected_power"):
        raw = measure(encoding_of(geometry_of(MATRIX), np.arange(60)), array_of(4, 2))
        reconstruct(raw, Recipe(solver=ConjugateGradient(expected_power=1.0)))


def test_bad_input():
    raw = measure_along(spokes(64, MATRIX), MATRIX, array_of(4, 2))
    path = raw.trajectory_per_m.copy()
    path[3, 5, 0] = np.nan
    with pytest.raises(ValueRangeError, match="trajectory"):
        reconstruct(replace(raw, trajectory_per_m=path))
    with pytest.raises(DataError, match="calibration"):
        reconstruct(measure_along(spokes(5, MATRIX), MATRIX, array_of(4, 2)))
    with pytest.raises(DataError, match="no sample"):
        reconstruct(replace(raw, trajectory_per_m=raw.trajectory_per_m + 1e4), GRIDDING)
