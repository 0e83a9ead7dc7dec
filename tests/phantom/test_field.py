# TRUTHS of field: sphere inside 0, outside dipole | linear in chi | cylinder across B0: -1/6 inside, endless along B0: 1/3
# | shim removes second order wholly | block mean keeps the mean
import numpy as np
import pytest

from fullbore.data import Grid
from fullbore.phantom.field import block_mean, shim, susceptibility_field

GRID = Grid.centred((64, 64, 64), (2e-3,) * 3)
POINTS = GRID.points_m()


def cover(distance_m):
    return np.clip(0.5 - distance_m / 2e-3, 0, 1).astype(np.float32)


def test_sphere_agrees_with_theory_to_1_percent():
    radius, chi = 0.032, 9.2
    r = np.linalg.norm(POINTS, axis=-1)
    field = susceptibility_field(chi * cover(r - radius), (2e-3,) * 3)
    cosine = np.divide(POINTS[..., 2], r, out=np.zeros_like(r), where=r > 0)
    wanted = np.where(r < radius, 0, chi / 3 * (radius / np.maximum(r, radius)) ** 3 * (3 * cosine**2 - 1))
    off_surface = np.abs(r - radius) > 6e-3
    # 1 % of the pole field 2 chi / 3: the voxelled surface and the images of the periodic transform.
    assert np.abs(field - wanted)[off_surface].max() < 0.01 * 2 * chi / 3


def test_long_cylinder_across_the_field():
    distance = np.hypot(POINTS[..., 1], POINTS[..., 2])
    tall = np.concatenate([cover(distance - 0.012)] * 3, axis=2)
    field = susceptibility_field(tall, (2e-3,) * 3)
    # chi (1/6)(3 cos^2 90 - 1) = -chi/6; within 3 % for a cylinder of 16 diameters in a box of four.
    assert field[32, 32, 96] == pytest.approx(-1 / 6, rel=0.03)


def test_endless_cylinder_along_the_field():
    distance = np.hypot(POINTS[..., 0], POINTS[..., 1])
    field = susceptibility_field(cover(distance - 0.012), (2e-3,) * 3, continue_below=True, continue_above=True)
    cut = susceptibility_field(cover(distance - 0.012), (2e-3,) * 3)
    # chi / 3 inside of an endless one, all along; at a cut end half of the demagnetisation of a plate is felt: chi (1/3 - 1/2).
    assert field[[2, 32, 61], 32, 32] == pytest.approx([1 / 3] * 3, rel=0.03)  # the images of the transform, as across
    assert cut[1, 32, 32] < 0.1


def test_field_is_linear():
    first, second = (cover(np.linalg.norm(POINTS - c, axis=-1) - 0.015) for c in ([0.02, 0, 0], [0, 0, -0.03]))
    one, two = (susceptibility_field(v, (2e-3,) * 3) for v in (first, second))
    both = susceptibility_field(2 * first - second, (2e-3,) * 3)
    assert np.allclose(both, 2 * one - two, atol=1e-5)


def test_shim_removes_a_second_order_field_wholly_and_only_that():
    x, y, z = np.moveaxis(POINTS, -1, 0)
    inside = (np.linalg.norm(POINTS, axis=-1) < 0.06).astype(float)
    low = 3 + 20 * x - 7 * z + 300 * (z * z - (x * x + y * y) / 2) + 150 * x * y
    assert np.abs(shim(low, POINTS, inside)).max() < 1e-9
    third = 5e4 * (x**3 - 3 * x * y * y)
    assert np.abs(shim(third, POINTS, inside)[inside > 0]).std() > 0.1 * third[inside > 0].std()


def test_block_mean_keeps_the_mean():
    volume = np.random.default_rng(0).random((6, 8, 10)).astype(np.float32)
    assert block_mean(volume, 2).shape == (3, 4, 5)
    assert block_mean(volume, 2).mean() == pytest.approx(volume.mean(), rel=1e-6)
    assert block_mean(volume, 2)[0, 0, 0] == pytest.approx(volume[:2, :2, :2].mean(), rel=1e-6)
