"""Curves in slabs: stacks of stars and of spirals, and curves that run through all three axes."""

# TRUTHS of curves in slabs: a stack = the same points in 3D, data and normal operator | its partitions may differ or be missing
#   | density 1 gives 1 in stack and kooshball | full stack of stars = the Cartesian image
#   | undersampled along kz or turned stars: SENSE beats gridding | an object within the measured ball of k-space: the default
#   beats gridding in stacks and kooshballs, full and undersampled | what lies beyond that ball does not enter
#   | several slices = each by itself

from dataclasses import replace

import numpy as np
import pytest
import torch

from fullbore.recon import Combination, ConjugateGradient, NonUniform, Recipe, default_recipe, reconstruct
from fullbore.recon.encodings.non_uniform import NonUniformVolume
from fullbore.recon.encodings.sampling import Sampling
from tests.recon.measured import FOV, Array, array_of, encoding_of, full_lines, geometry_of, measure
from tests.recon.trajectories import kooshball, measure_along, spirals, spokes, stacked

MATRIX = (24, 22, 16)
ONE = Array(amplitudes=np.ones((1, 1), complex), frequencies=np.zeros((1, 3)))
BLOB = (((0.0, 0.0, 0.0), (0.4, 0.3, 0.36), 1.0),)
GRIDDING = Recipe(encoding=NonUniform(), solver=Combination())
SENSE = Recipe(encoding=NonUniform(), solver=ConjugateGradient(iterations=40, tolerance=1e-4))


def difference(image, reference, inside):
    return np.linalg.norm((np.abs(image) - np.abs(reference))[inside]) / np.linalg.norm(reference[inside])


def sampling_of(points, planes):
    return Sampling(points=tuple(points), planes=planes, shape=(6, 9, 8), tolerance=1e-6, threads=1)


@pytest.mark.parametrize("planes", [(0, 1, 2, 3, 4, 5), (0, 2, 3)])
@pytest.mark.parametrize("same", [True, False])
def test_a_stack_is_the_same_points_in_3d(planes, same):
    rng = torch.Generator().manual_seed(1)
    flat = [(torch.rand(30, 2, generator=rng) - 0.5) * torch.tensor([9.0, 8.0]) for _ in planes]
    flat = [flat[0]] * len(planes) if same else flat
    values = [torch.randn(3, 30, generator=rng, dtype=torch.complex64) for _ in planes]
    stack = sampling_of(flat, planes)
    deep = torch.cat([torch.nn.functional.pad(p, (1, 0), value=float(z - 3)) for z, p in zip(planes, flat, strict=True)])
    free = sampling_of([deep], ())
    assert stack.uncoupled == (same and len(planes) == 6)
    maps = torch.randn(2, 9, 3, 6, 8, generator=rng, dtype=torch.complex64)
    volumes = [
        NonUniformVolume(samplings=(s,), values=(tuple(v),), maps=maps, weighted=False)
        for s, v in ((stack, values), (free, [torch.cat(values, 1)]))
    ]
    image = torch.randn(1, 2, 9, 6, 8, generator=rng, dtype=torch.complex64)
    for got, wanted in ([v.adjoint() for v in volumes], [v.normal(image) for v in volumes]):
        assert torch.linalg.vector_norm(got - wanted) < 2e-5 * torch.linalg.vector_norm(wanted)  # single precision
    assert volumes[0].acceleration == pytest.approx(volumes[1].acceleration, rel=0.5)  # ball against cylinder


def star_stack(count, partitions, array, turn=False, **head):
    rows, index = [], []
    for number, partition in enumerate(partitions):
        path, which = stacked(spokes(count, MATRIX, golden=turn, first=count * number if turn else 0), [partition], MATRIX)
        rows.append(path)
        index.append(which)
    return measure_along(np.concatenate(rows), MATRIX, array, partition=np.concatenate(index), **head)


def _spirals():
    path, partition = stacked(spirals(8, MATRIX, 3, 150), range(16), MATRIX)
    return measure_along(path, MATRIX, ONE, partition=partition, objects=BLOB)


PATHS = {
    "stars": lambda: star_stack(40, range(16), ONE, objects=BLOB),
    "turned stars": lambda: star_stack(48, range(16), ONE, turn=True, objects=BLOB),
    "spirals": _spirals,
    "kooshball": lambda: measure_along(kooshball(700, MATRIX), MATRIX, ONE, objects=BLOB),
}


@pytest.mark.parametrize("name", PATHS)
def test_unit_density_gives_one(name):
    raw = PATHS[name]()
    for recipe in (GRIDDING, replace(SENSE, solver=ConjugateGradient(iterations=12))):
        image = reconstruct(raw, recipe)
        assert image.values.shape == (16, 22, 24)
        assert np.mean(image.values[5:11, 8:14, 8:16].real) == pytest.approx(1, abs=0.04)  # rings at 8 cells
    assert image.report["trajectory"] == ("curves in 3D" if name == "kooshball" else "stack of curves")


@pytest.fixture(scope="module")
def whole():
    array = array_of(8)
    line, partition = full_lines(MATRIX)
    raw = measure(encoding_of(geometry_of(MATRIX), line, partition), array)
    edge = min(n / f for n, f in zip(MATRIX[:2], FOV, strict=False)) / 2
    within = np.linalg.norm(raw.trajectory_per_m[..., :2], axis=-1) <= edge
    image = reconstruct(replace(raw, samples=raw.samples * within[:, None]), Recipe()).values
    return array, image, np.abs(image) > 0.1 * np.abs(image).max()


def test_full_stack_of_stars_is_the_cartesian_image(whole):
    array, reference, inside = whole
    image = reconstruct(star_stack(40, range(16), array), GRIDDING)
    # The rim of the circle is a good part of so small a k-space.
    assert difference(image.values, reference, inside) < 0.06


def test_missing_partitions(whole):
    array, reference, inside = whole
    partitions = [0, 2, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15]
    raw = star_stack(40, partitions, array, noise=1e-7)
    assert default_recipe(raw).encoding == NonUniform()
    gridding, expected = (difference(reconstruct(raw, recipe).values, reference, inside) for recipe in (GRIDDING, None))
    assert expected < 0.7 * gridding


def test_turned_stars_beat_gridding(whole):
    array, reference, inside = whole
    raw = star_stack(12, range(16), array, turn=True, noise=1e-7)
    gridding, expected = (difference(reconstruct(raw, recipe).values, reference, inside) for recipe in (GRIDDING, None))
    assert expected < 0.8 * gridding


# Blurred so that the rim of the ball (40 cycles/m) holds 1e-3 of the centre: the samples know all of it, and truth has no
# rim of its own.
SOFT_M = np.sqrt(np.log(1000) / 2) / (np.pi * 40)
SCANS = {
    "full kooshball": lambda array: measure_along(kooshball(700, MATRIX), MATRIX, array, noise=1e-7, softness_m=SOFT_M),
    "few of a kooshball": lambda array: measure_along(kooshball(150, MATRIX), MATRIX, array, noise=1e-7, softness_m=SOFT_M),
    "noisy kooshball": lambda array: measure_along(kooshball(700, MATRIX), MATRIX, array, noise=1e-5, softness_m=SOFT_M),
    "full stars": lambda array: star_stack(40, range(16), array, noise=1e-7, softness_m=SOFT_M),
    "few turned stars": lambda array: star_stack(12, range(16), array, turn=True, noise=1e-7, softness_m=SOFT_M),
}


@pytest.fixture(scope="module")
def soft():
    """The channels, and the blurred density times their root sum of squares."""
    array = array_of(8)
    line, partition = full_lines(MATRIX)
    one = measure(encoding_of(geometry_of(MATRIX), line, partition), ONE, softness_m=SOFT_M)
    places = [(np.arange(n) - n // 2) * f / n for n, f in zip(MATRIX, FOV, strict=True)]
    points = np.stack(np.meshgrid(*places, indexing="ij"), -1).transpose(2, 1, 0, 3)
    return array, reconstruct(one, Recipe()).values * np.linalg.norm(array.maps(points), axis=0)


@pytest.mark.parametrize("name", SCANS)
def test_the_default_beats_gridding(soft, name):
    array, truth = soft
    inside = np.abs(truth) > 0.1 * np.abs(truth).max()
    raw = SCANS[name](array)
    gridding, expected = (difference(reconstruct(raw, recipe).values, truth, inside) for recipe in (GRIDDING, None))
    assert expected < 0.9 * gridding


def test_nothing_beyond_the_samples_enters():
    points = torch.from_numpy(kooshball(200, (12, 12, 12), 2).reshape(-1, 3) * np.array(FOV))[:, [2, 0, 1]].float()
    reach = points.abs().amax(0)
    sampling = Sampling(points=(points,), planes=(), shape=(16, 16, 16), tolerance=1e-6, threads=1)
    maps = torch.ones((1, 16, 1, 16, 16), dtype=torch.complex64)
    volume = NonUniformVolume(samplings=(sampling,), values=((torch.ones(1, len(points)) + 0j,),), maps=maps, weighted=True)
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(1, 1, 16, 16, 16, generator=generator, dtype=torch.complex64)
    cells = torch.stack(torch.meshgrid(*[torch.fft.fftfreq(16, 1 / 16)] * 3, indexing="ij"), -1)
    beyond = (cells / (reach + 0.5)).square().sum(-1) > 1.1
    for seen in (volume.adjoint(), volume.normal(image)):
        spectrum = torch.fft.fftn(seen[0, 0].permute(1, 0, 2), norm="ortho")
        assert float(spectrum[beyond].abs().max()) < 1e-5 * float(spectrum.abs().max())


def test_slices_are_independent():
    array, path = array_of(4, 2), spokes(60, (32, 30, 1))
    one = measure_along(path, (32, 30, 1), array)
    geometry = geometry_of((32, 30, 1), slices=2)
    encoding = replace(one.encoding, geometry=geometry).take(np.tile(np.arange(60), 2))
    counters = encoding.counters.copy()
    counters[:, 2] = np.repeat([0, 1], 60)
    samples = np.concatenate([one.samples, 2 * one.samples])
    two = replace(
        one,
        encoding=replace(encoding, counters=counters),
        samples=samples,
        trajectory_per_m=np.tile(path, (2, 1, 1)),
    )
    few = replace(SENSE, solver=ConjugateGradient(iterations=8))
    image, single = reconstruct(two, few), reconstruct(one, few)
    inside = np.abs(single.values) > 0.1 * np.abs(single.values).max()  # maps without signal are rounding
    # Single precision, and the iterations magnify it where the problem is ill-conditioned.
    assert difference(image.values[:1], single.values, inside) < 5e-3
    assert difference(image.values[1:], 2 * single.values, inside) < 5e-3
