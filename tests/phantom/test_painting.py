# TRUTHS of the painter's shortcuts: slabs painted together are those painted alone, to the bit, spin by spin and on grids
# | layers that share a surface see what they would see alone | organs' holes stay empty on pages
from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import Grid
from fullbore.phantom import make_body, sampling, spins
from fullbore.phantom.body import Body, Layer
from fullbore.phantom.movement import rigid
from fullbore.phantom.primitives import ball, box
from fullbore.phantom.sampling import body_grid, mixture, organ_shares, shares
from fullbore.phantom.shape import grown
from fullbore.phantom.surfaces import cores


@pytest.mark.parametrize("oversampling", [1, 3])
def test_slabs_painted_together_are_those_painted_alone(monkeypatch, oversampling):
    body = make_body("heart")
    grid = body_grid(body, 4e-3 * oversampling)
    monkeypatch.setattr(sampling, "_SLAB_POINTS", (1 << 13) * oversampling**2)
    monkeypatch.setattr(sampling, "_STACKS", 1)
    found = []
    for tallest in (1, 3):
        monkeypatch.setattr(sampling, "_TALLEST", tallest)
        parts = sampling.voxel_parts(grid, oversampling)
        assert max(len(stack) for stack in sampling.stacked(grid, parts, 1)) == tallest
        blocks = [column.tobytes() for block in spins(body, grid, oversampling=oversampling, time_s=0.2) for column in block]
        found.append((blocks, shares(body, grid, 0.2, oversampling=oversampling).tobytes()))
    assert found[0] == found[1]


@pytest.mark.parametrize(("name", "spacing_m"), [("heart", 4e-3), ("knee", 3e-3), ("leg", 5e-3)])
def test_layers_that_share_a_surface_see_what_they_would_alone(name, spacing_m):
    body = make_body(name)
    assert any(core is not None for core in cores(body))
    # Shapes of their own, so that nothing is shared.
    layers = tuple(replace(layer, shape=replace(layer.shape, grown_from=None)) for layer in body.layers)
    alone = replace(body, layers=layers)
    assert not any(core is not None for core in cores(alone))
    grid = body_grid(body, spacing_m)
    assert np.array_equal(shares(body, grid, 0.3), shares(alone, grid, 0.3))
    points = grid.points_m().reshape(-1, 3)[::11]
    assert np.array_equal(mixture(body, points, spacing_m, 0.3), mixture(alone, points, spacing_m, 0.3))


def test_a_surface_that_moves_is_another_one():
    """One ball at rest and the same ball elsewhere, each with its skin."""
    inner, away = ball((0, 0, 0), 0.01), rigid(lambda t: np.eye(3), lambda t: np.array([0.03, 0, 0]))
    pairs = [((grown(inner, 3e-3), "skin", own), (inner, "fat", own)) for own in (None, away)]
    layers = tuple(Layer(shape=shape, fill=fill, movement=own) for pair in pairs for shape, fill, own in pair)
    body = Body(name="two", layers=layers, low_m=(-0.02, -0.02, -0.02), high_m=(0.05, 0.02, 0.02))
    points = np.array([[0.0, 0, 0], [0.0, 0.0115, 0], [0.03, 0, 0], [0.03, 0.0115, 0], [0.015, 0, 0]])
    assert mixture(body, points).tolist() == [[0, 1], [1, 0], [0, 1], [1, 0], [0, 0]]
    held = shares(body, Grid.centred((41, 41, 121), (1e-3,) * 3))
    assert held[1, :, :, :75].sum() == pytest.approx(held[1, :, :, 75:].sum(), rel=1e-6)


def test_a_shell_of_one_surface_has_the_volume_between_two_balls():
    inner = ball((0, 0, 0), 0.02)
    body = Body(name="shell", layers=(Layer(shape=grown(inner, 4e-3), fill="skin"), Layer(shape=inner, fill="air", organ="hole")))
    assert [core is not None for core in cores(body)] == [True, True]
    grid = Grid.centred((60, 60, 60), (1e-3,) * 3)
    held = organ_shares(body, grid)
    volume = held.sum(axis=(1, 2, 3), dtype=np.float64) * 1e-9
    assert volume[0] == pytest.approx(4 / 3 * np.pi * (0.024**3 - 0.02**3), rel=2e-3)
    assert volume[1] == pytest.approx(4 / 3 * np.pi * 0.02**3, rel=2e-3)
    assert len(shares(body, grid)) == 1


def test_nothing_in_sight_is_nothing_painted():
    body = Body(name="far", layers=(Layer(shape=box((1, 0, 0), (0.1, 0.1, 0.1)), fill="skin"),))
    grid = Grid.centred((8, 8, 8), (1e-3,) * 3)
    assert shares(body, grid).max() == 0
    assert sum(len(block.amount) for block in spins(body, grid)) == 0
    assert mixture(body, np.zeros((0, 3)), 1e-3).shape == (0, 1)
