# TRUTHS of solids: balls and capsules exact, centre too | ellipsoid 0 on its surface, right sign | blend adds at most its fillet
# | painting: soft border is half at the surface, later strokes cover
import numpy as np
import pytest

from fullbore.phantom import solids
from fullbore.phantom.paint import paint_layers

POINTS = np.random.default_rng(1).uniform(-20, 20, (500, 3)).astype(np.float32)


def test_a_ball_is_exact_also_at_its_centre():
    with_centre = np.concatenate([POINTS, np.array([[1, 2, 3]], np.float32)])
    wanted = np.linalg.norm(with_centre - [1, 2, 3], axis=-1) - 7
    assert np.allclose(solids.ellipsoid(with_centre, (1, 2, 3), (7, 7, 7)), wanted, atol=1e-4)
    assert np.allclose(solids.capsule(with_centre, (1, 2, 3), (1, 2, 3.0001), 7), wanted, atol=1e-3)  # a capsule of no length


def test_ellipsoid_is_zero_on_its_surface_and_has_the_right_sign():
    unit = POINTS / np.linalg.norm(POINTS, axis=-1, keepdims=True)
    axes = np.array([5, 9, 13], np.float32)
    assert np.abs(solids.ellipsoid(unit * axes, (0, 0, 0), (5, 9, 13))).max() < 1e-4
    assert solids.ellipsoid(unit * axes * 1.05, (0, 0, 0), (5, 9, 13)).min() > 0.2
    assert solids.ellipsoid(unit * axes * 0.95, (0, 0, 0), (5, 9, 13)).max() < -0.2


def test_capsule_distance_beside_and_beyond():
    points = np.array([[5, 0, 0], [0, 0, 13], [0, 0, 5]], np.float32)
    assert np.allclose(solids.capsule(points, (0, 0, 0), (0, 0, 10), 2), [3, 1, -2], atol=1e-5)


def test_blend_is_the_union_with_a_fillet_no_thicker_than_a_quarter():
    first, second = solids.ellipsoid(POINTS, (-5, 0, 0), (6, 6, 6)), solids.ellipsoid(POINTS, (5, 0, 0), (6, 6, 6))
    union, blend = solids.union(first, second), solids.blend(first, second, 4)
    assert np.all(blend <= union)
    assert (union - blend).max() <= 1 + 1e-5
    apart = np.abs(first - second) > 4
    assert np.array_equal(blend[apart], union[apart])


@pytest.mark.parametrize(("distance", "cover"), [(0.0, 0.5), (-0.25, 0.75), (0.5, 0.0), (-3.0, 1.0)])
def test_painting_covers_what_lies_below(distance, cover):
    layers = np.stack([np.full((2, 2, 2), -5.0), np.full((2, 2, 2), distance)]).astype(np.float32)
    out = paint_layers(layers, np.array([0, 1]), 2, 1.0)
    assert out.shape == (2, 3, 3, 3)
    assert np.allclose(out[1], cover)
    assert np.allclose(out[0], 1 - cover)
    air = paint_layers(layers, np.array([0, -1]), 2, 1.0)
    assert np.allclose(air.sum(axis=0), 1 - cover)
