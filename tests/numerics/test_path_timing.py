# TRUTHS of the quickest way: arc length of a circle | curvature 1 / radius | straight from rest: x = 2 u s and the trapezoid's
#   time; on a circle the speed is sqrt(bound * radius) | per axis on a diagonal: sqrt 2 of the bound

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullbore.numerics.path_timing import ArcPath, squared_speeds, times_of


def circle(radius: float) -> ArcPath:
    angle = np.linspace(0, 2 * np.pi, 400)
    return ArcPath(radius * np.stack([np.cos(angle), np.sin(angle)], axis=1))


@given(st.floats(0.1, 1000))
@settings(deadline=None, max_examples=20)
def test_circle(radius: float) -> None:
    path = circle(radius)
    assert path.length == pytest.approx(2 * np.pi * radius, rel=1e-7)
    arc = np.linspace(0.05, 0.95, 50) * path.length
    assert np.allclose(np.linalg.norm(path.curvature(arc), axis=1), 1 / radius, rtol=1e-3)
    arc = np.linspace(0, path.length, 4000)
    cap, bound = np.full(4000, 1e12), np.full(4000, 7.0)
    squared = squared_speeds(arc, path.tangent(arc), path.curvature(arc), cap, bound, True)
    assert squared[2000] == pytest.approx(7.0 * radius, rel=1e-3)


@pytest.mark.parametrize("joint", [True, False])
def test_diagonal_line(joint: bool) -> None:
    path = ArcPath(np.linspace(0, 1, 9)[:, None] * np.array([[10.0, 10.0]]))
    arc = np.linspace(0, path.length, 3001)
    cap = np.full(3001, 16.0)
    cap[[0, -1]] = 0
    squared = squared_speeds(arc, path.tangent(arc), path.curvature(arc), cap, np.full(3001, 2.0), joint)
    push = 2.0 if joint else 2.0 * np.sqrt(2)
    assert np.allclose(squared, np.minimum(16, 2 * push * np.minimum(arc, path.length - arc)), atol=1e-6)
    closed = path.length / 4 + 4 / push
    assert times_of(arc, squared)[-1] == pytest.approx(closed, rel=1e-5)
