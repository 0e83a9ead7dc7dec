# TRUTHS of gradient lobes: area as asked | inside amplitude and slew | corners on the raster | shortest really is short |
#   a gentle lobe fills its time and slews less | joining keeps both areas | raster rounding keeps multiples

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullbore.data import Gradient
from fullbore.sequence.gradients import end_s, gentle_lobe, joined, lobe, raster_down, raster_up, spoiler
from tests.sequence.reference import LIMITS

areas = st.floats(1e-8, 3e-4) | st.floats(-3e-4, -1e-8)


def slews(gradient: Gradient) -> np.ndarray:
    return np.abs(np.diff(gradient.values_T_per_m) / np.diff(gradient.times_s))


def inside(gradient: Gradient) -> bool:
    peak = np.abs(gradient.values_T_per_m).max() <= LIMITS.gradient_T_per_m * (1 + 1e-9)
    return bool(peak and slews(gradient).max() <= LIMITS.slew_T_per_m_s * (1 + 1e-9))


def on_raster(gradient: Gradient) -> bool:
    steps = gradient.times_s / LIMITS.gradient_raster_s
    return bool(np.abs(steps - np.round(steps)).max() < 1e-6)


@given(areas)
def test_lobe_has_its_area_inside_the_limits(area: float) -> None:
    g = lobe(area, LIMITS)
    assert g.area_T_s_per_m == pytest.approx(area, rel=1e-12)
    assert inside(g)
    assert on_raster(g)


@given(areas)
def test_lobe_is_within_three_raster_steps_of_the_continuous_optimum(area: float) -> None:
    peak = min(np.sqrt(abs(area) * LIMITS.slew_T_per_m_s), LIMITS.gradient_T_per_m)
    optimum = abs(area) / peak + peak / LIMITS.slew_T_per_m_s
    assert optimum - 1e-9 <= end_s(lobe(area, LIMITS)) <= optimum + 3 * LIMITS.gradient_raster_s


@given(areas, st.integers(0, 400))
def test_gentle_lobe_has_its_area_inside_the_limits_and_takes_the_time(area: float, extra: int) -> None:
    shortest = lobe(area, LIMITS)
    duration = end_s(shortest) + extra * LIMITS.gradient_raster_s
    g = gentle_lobe(area, duration, LIMITS)
    assert g.area_T_s_per_m == pytest.approx(area, rel=1e-12)
    assert inside(g)
    assert on_raster(g)
    assert end_s(g) <= duration + 1e-12


def test_gentle_lobe_halves_what_nerves_feel_when_time_doubles() -> None:
    quick = lobe(1e-5, LIMITS)
    slow = gentle_lobe(1e-5, 2 * end_s(quick), LIMITS)
    assert end_s(slow) == pytest.approx(2 * end_s(quick), abs=1e-12)
    assert np.abs(slow.values_T_per_m).max() < 0.6 * np.abs(quick.values_T_per_m).max()
    assert slews(slow).max() < slews(quick).max() / 2


def test_gentle_lobe_is_the_shortest_when_there_is_no_time() -> None:
    assert end_s(gentle_lobe(1e-5, 1e-5, LIMITS)) == end_s(lobe(1e-5, LIMITS))


def test_spoiler_moves_k_as_asked() -> None:
    for k in (100.0, 1000.0, 9500.0):
        assert spoiler(k, LIMITS).area_T_s_per_m * 42.57638543e6 == pytest.approx(k, rel=1e-12)
        assert inside(spoiler(k, LIMITS))


def test_joining_keeps_both_areas() -> None:
    first, second = lobe(1e-5, LIMITS), lobe(-3e-6, LIMITS, delay_s=2e-3)
    assert joined(first, second).area_T_s_per_m == pytest.approx(7e-6, rel=1e-12)
    touching = lobe(1e-5, LIMITS, delay_s=end_s(first))
    assert joined(first, touching).area_T_s_per_m == pytest.approx(2e-5, rel=1e-12)


@given(st.integers(0, 10**7))
def test_raster_rounding_keeps_multiples(steps: int) -> None:
    time = steps * 1e-5
    assert round(raster_up(time, 1e-5) / 1e-5) == steps
    assert round(raster_down(time, 1e-5) / 1e-5) == steps
