# TRUTHS of the kernels of distances: each is its plain formula in NumPy, for points in a row of neighbours and for scattered ones
import numpy as np
import pytest

from fullbore.phantom import distances as d
from fullbore.phantom import joins
from fullbore.phantom.primitives import lofted, smooth_path

RANDOM = np.random.default_rng(3)
AXIS = np.arange(24) * 4e-3 - 0.05
POINTS = {
    "scattered": RANDOM.uniform(-0.06, 0.06, (700, 3)),
    "in a row": np.stack(np.meshgrid(AXIS, AXIS, AXIS, indexing="ij"), axis=-1).reshape(-1, 3),
    "one": np.array([[0.01, 0.02, -0.01]]),
}
PATH = smooth_path(RANDOM.uniform(-0.04, 0.04, (9, 3)))
RADII = RANDOM.uniform(2e-3, 8e-3, len(PATH))
ANGLE = np.linspace(0, 2 * np.pi, 30, endpoint=False)
RING = np.stack([np.cos(ANGLE), 0.6 * np.sin(ANGLE)], axis=1) * (1 + 0.3 * np.cos(3 * ANGLE))[:, None]
LEVELS = np.linspace(-0.04, 0.04, 7)
STACK = np.stack([(0.03 - 5 * z * z) * RING + [0.2 * z, 0] for z in LEVELS])


def plain_tube(points):
    start, along = PATH[:-1], np.diff(PATH, axis=0)
    part = ((points[:, None] - start) * along).sum(axis=2) / (along**2).sum(axis=1)
    part = np.clip(part, 0, 1)
    far = np.linalg.norm(points[:, None] - start - part[:, :, None] * along, axis=2)
    return (far - RADII[:-1] - part * np.diff(RADII)).min(axis=1)


def plain_loft(points):
    z = np.clip(points[:, 2], LEVELS[0], LEVELS[-1])
    k = np.clip(np.searchsorted(LEVELS, z) - 1, 0, len(LEVELS) - 2)
    part = ((z - LEVELS[k]) / np.diff(LEVELS)[k])[:, None, None]
    end = (1 - part) * STACK[k] + part * STACK[k + 1]
    start, place = np.roll(end, 1, axis=1), points[:, None, :2]
    edge, off = end - start, place - start
    share = np.clip((off * edge).sum(axis=2) / (edge**2).sum(axis=2), 0, 1)
    far = np.linalg.norm(off - share[:, :, None] * edge, axis=2).min(axis=1)
    crossed = (start[:, :, 1] > place[:, :, 1]) != (end[:, :, 1] > place[:, :, 1])
    with np.errstate(divide="ignore", invalid="ignore"):
        left = off[:, :, 0] < edge[:, :, 0] * off[:, :, 1] / edge[:, :, 1]
    return np.where((crossed & left).sum(axis=1) % 2, -far, far)


def plain_ellipsoid(points):
    scaled = (points - [0.01, 0, 0]) / [0.04, 0.02, 0.03]
    size = np.linalg.norm(scaled, axis=1)
    return (size - 1) * size / np.linalg.norm(scaled / [0.04, 0.02, 0.03], axis=1)


def plain_box(points):
    over = np.abs(points - [0.01, 0, 0]) - (np.array([0.03, 0.02, 0.01]) - 0.004)
    return np.linalg.norm(np.maximum(over, 0), axis=1) + np.minimum(over.max(axis=1), 0) - 0.004


def plain_beyond(points):
    return np.linalg.norm(np.maximum(np.maximum(-0.02 - points, points - 0.03), 0), axis=1)


def plain_fillet(points):
    first, second = plain_box(points), plain_ellipsoid(points)
    share = np.clip(1 - np.abs(first - second) / 0.013, 0, 1)
    return np.minimum(first, second) - share**2 * 0.013 / 4


def plain_ends(points):
    both = np.stack([plain_loft(points), np.abs(points[:, 2] - 0.01) - 0.02])
    return np.minimum(both.max(axis=0), 0) + np.linalg.norm(np.maximum(both, 0), axis=0)


KERNELS = {
    "tube": (plain_tube, lambda points: d.tube_distance(points, PATH, RADII)),
    "along a tube": (plain_tube, lambda points: d.along_tube_distance(points, PATH, RADII)[0]),
    "loft": (plain_loft, lambda points: d.lofted_distance(points, LEVELS, STACK, d.wall_table(STACK))),
    "ellipsoid": (plain_ellipsoid, lambda p: d.ellipsoid_distance(p, np.array([0.01, 0, 0]), np.array([0.04, 0.02, 0.03]))),
    "box": (plain_box, lambda p: d.box_distance(p, np.array([0.01, 0, 0]), np.array([0.03, 0.02, 0.01]), 0.004)),
    "near a box": (plain_beyond, lambda p: joins.near_box(p, np.full(3, -0.02), np.full(3, 0.03), 0.01)[0]),
    "fillet": (plain_fillet, lambda points: joins.fillet(plain_box(points), plain_ellipsoid(points), 0.013)),
    "flat ends": (plain_ends, lambda points: joins.capped(plain_loft(points), points, 0.01, 0.02)),
}


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("points", POINTS.values(), ids=POINTS)
def test_a_kernel_is_its_formula(name, points):
    plain, kernel = KERNELS[name]
    np.testing.assert_allclose(kernel(points), plain(points), rtol=0, atol=1e-14)


def test_what_is_near_a_box_is_found():
    points = POINTS["scattered"]
    far, where, places = joins.near_box(points, np.full(3, -0.02), np.full(3, 0.03), 0.01)
    assert np.array_equal(where, np.flatnonzero(far <= 0.01))
    assert np.array_equal(places, points[where])


@pytest.mark.parametrize("radius_m", [1e-3, 8e-3])
def test_a_loft_stays_within_its_span(radius_m):
    shape = lofted(LEVELS, STACK)
    least, most = shape.span(POINTS["scattered"], radius_m)
    for _ in range(20):
        way = RANDOM.normal(size=(700, 3))
        way *= radius_m * RANDOM.random((700, 1)) / np.linalg.norm(way, axis=1, keepdims=True)
        distance = shape.distance(POINTS["scattered"] + way)
        assert (distance >= least - 1e-12).all()
        assert (distance <= most + 1e-12).all()


@pytest.mark.parametrize("name", ["tube", "loft"])
def test_a_distance_does_not_know_its_neighbours(name):
    points, (_, kernel) = POINTS["in a row"], KERNELS[name]
    order = RANDOM.permutation(len(points))
    assert np.array_equal(kernel(points)[order], kernel(points[order]))
