# TRUTHS of ordering: every item once | the centre at its place | rising: items rise with the place | cyclic: fewest trains |
#   centre-out: distance from the centre never falls with the place

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fullbore.sequence.ordering import UNUSED, centre_out, cyclic, rising


@st.composite
def cases(draw: st.DrawFn) -> tuple[int, int, int, int]:
    count, places = draw(st.integers(1, 300)), draw(st.integers(1, 40))
    return count, draw(st.integers(0, count - 1)), places, draw(st.integers(0, places - 1))


def check_once(table: np.ndarray, count: int) -> None:
    assert np.array_equal(np.sort(table[table != UNUSED]), np.arange(count))


@given(cases())
def test_rising(case: tuple[int, int, int, int]) -> None:
    count, centre, places, place = case
    table = rising(count, centre, places, place)
    check_once(table, count)
    assert np.argwhere(table == centre)[0, 1] == place
    for train in table:
        assert np.all(np.diff(train[train != UNUSED]) > 0)


@given(cases())
def test_cyclic(case: tuple[int, int, int, int]) -> None:
    count, centre, places, place = case
    table = cyclic(count, centre, places, place)
    check_once(table, count)
    assert np.argwhere(table == centre)[0, 1] == place
    assert len(table) == -(-count // places)


@given(cases())
def test_centre_out(case: tuple[int, int, int, int]) -> None:
    count, centre, places, _ = case
    table = centre_out(count, centre, places)
    check_once(table, count)
    assert np.argwhere(table == centre)[0, 1] == 0
    distance = np.where(table == UNUSED, -1, np.abs(table - centre))
    for before, after in zip(distance.T[:-1], distance.T[1:], strict=True):
        assert after[after >= 0].min(initial=10**6) >= before.max()
