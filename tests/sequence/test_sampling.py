# TRUTHS of sampling: Poisson disc: asked R within 5 % (here exact) | centre full | same seed, same mask | denser in the centre |
#   no two points touch where it is sparse | corners empty | below 0.5 s | an impossible R is a UsageError
#   regular: every R-th line and k = 0 | calibration lines all there

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullbore.errors import UsageError
from fullbore.sequence.sampling import poisson_disc, regular_lines


@settings(deadline=None, max_examples=40)
@given(st.integers(4, 60), st.integers(4, 60), st.floats(1, 12), st.integers(0, 12), st.integers(0, 3))
def test_poisson_disc_meets_the_acceleration_or_refuses(rows: int, columns: int, r: float, centre: int, seed: int) -> None:
    size = (min(centre, rows), min(centre, columns))
    target = round(rows * columns / r)
    if size[0] * size[1] > target:
        with pytest.raises(UsageError, match="calibration"):
            poisson_disc((rows, columns), r, size, seed)
        return
    mask = poisson_disc((rows, columns), r, size, seed)
    assert mask.sum() == target
    first = [n // 2 - s // 2 for n, s in zip(mask.shape, size, strict=True)]
    assert mask[first[0] : first[0] + size[0], first[1] : first[1] + size[1]].all()


def test_poisson_disc_of_the_exam() -> None:
    poisson_disc((16, 16), 2.0, (4, 4), 0)  # compiles
    start = time.perf_counter()
    mask = poisson_disc((192, 160), 4.0, (24, 24), 7)
    assert time.perf_counter() - start < 0.5
    assert np.array_equal(mask, poisson_disc((192, 160), 4.0, (24, 24), 7))
    assert not np.array_equal(mask, poisson_disc((192, 160), 4.0, (24, 24), 8))
    row, column = (2 * (np.arange(n) - n // 2) / n for n in mask.shape)
    radius = np.hypot(row[:, None], column[None, :])
    assert not mask[radius > 1].any()
    inner, outer = mask[(radius > 0.2) & (radius < 0.5)].mean(), mask[(radius > 0.7) & (radius < 1)].mean()
    assert inner > 1.5 * outer


def test_poisson_disc_keeps_its_points_apart() -> None:
    mask = poisson_disc((160, 160), 12.0, (8, 8), 3)
    row, column = (2 * (np.arange(160) - 80) / 160 for _ in range(2))
    sparse = mask & (np.hypot(row[:, None], column[None, :]) > 0.6)
    neighbours = sum(np.roll(mask, shift, axis) for shift in (-1, 1) for axis in (0, 1))
    assert neighbours[sparse].mean() < 0.02  # the few points that make the count exact may touch; random ones would at 0.2


@given(st.integers(8, 200), st.integers(1, 6), st.integers(0, 32))
def test_regular_lines(count: int, step: int, calibration: int) -> None:
    lines = regular_lines(count, step, calibration)
    assert np.all(np.diff(lines) > 0)
    assert count // 2 in lines
    wanted = set(range(max(count // 2 - calibration // 2, 0), min(count // 2 - calibration // 2 + calibration, count)))
    rest = [line for line in lines if line not in wanted]
    assert wanted <= set(lines.tolist())
    assert all((line - count // 2) % step == 0 for line in rest)
