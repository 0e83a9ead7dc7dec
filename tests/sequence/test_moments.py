# TRUTHS of moments: exact M0, M1, M2 from any start to any end | limits in every raster step | M0 from rest = the shortest
#   trapezoid | one raster step less is impossible | flow compensation's closed form: bipolar after a lobe takes
#   1 / sqrt(2)-times lobes | a spiral's interleaf returns to k = 0 (and M1 = 0) | what cannot be is an error |
#   the search finds the same duration as a scan over every one

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullbore.data import Limits
from fullbore.errors import LimitError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T as GAMMA
from fullbore.sequence.gradients import lobe
from fullbore.sequence.waveforms import spiral, to_moments

LIMITS = Limits(gradient_T_per_m=0.04, slew_T_per_m_s=150.0, b1_peak_T=20e-6)


@settings(deadline=None, max_examples=15)
@given(
    st.integers(1, 3),
    st.integers(1, 3),
    st.booleans(),
    st.sampled_from(["start", "end"]),
    st.lists(st.floats(-1, 1), min_size=18, max_size=18),
)
def test_moments_and_limits(axes: int, orders: int, turned: bool, about: str, drawn: list[float]) -> None:
    numbers = np.round(np.array(drawn), 3)
    scale = np.array([400 / GAMMA, 4e-9, 4e-12])[:orders]
    moments = numbers[: axes * orders].reshape(axes, orders) * scale
    start, end = (0.55 * 0.04 * numbers[i : i + axes] for i in (9, 12))
    waveform = to_moments(moments, LIMITS, start_T_per_m=start, end_T_per_m=end, turned=turned, about=about)
    origin = waveform.duration_s if about == "end" else 0.0
    largest = LIMITS.gradient_T_per_m * waveform.duration_s
    for n in range(orders):
        assert np.abs(waveform.moment(n, origin) - moments[:, n]).max() < 1e-9 * largest * waveform.duration_s**n
    assert np.allclose(waveform.values_T_per_m[0], start, atol=1e-12) and np.allclose(
        waveform.values_T_per_m[-1], end, atol=1e-12
    )
    for values, limit in ((waveform.values_T_per_m, 0.04), (waveform.slew_T_per_m_s, 150.0)):
        used = np.linalg.norm(values, axis=1).max() if turned else np.abs(values).max()
        assert used <= limit * (1 + 1e-9)


@given(st.floats(1, 3000))
@settings(deadline=None, max_examples=20)
def test_from_rest_to_rest_is_the_shortest_lobe(k: float) -> None:
    waveform = to_moments(np.array([[k / GAMMA]]), LIMITS)
    # `lobe` has ramps on the raster, which costs it up to two raster steps; the amplitude margin of 1e-6 is far below one.
    assert lobe(k / GAMMA, LIMITS).times_s[-1] - 21e-6 < waveform.duration_s <= lobe(k / GAMMA, LIMITS).times_s[-1] + 1e-9
    if waveform.duration_s > 25e-6:
        with pytest.raises(LimitError, match="short"):
            to_moments(np.array([[k / GAMMA]]), LIMITS, duration_s=waveform.duration_s - 10e-6)


def test_bipolar_in_closed_form() -> None:
    # M0 = 0 and M1 = m from rest, slew-limited: two triangles of area a = slew r^2, 2r apart: m = 2 slew r^3, so 4r long.
    m = 7.83e-9
    fast = Limits(gradient_T_per_m=1.0, slew_T_per_m_s=150.0, b1_peak_T=20e-6)
    r = (m / (2 * 150.0)) ** (1 / 3)
    # The optimum with three ramps +, -, + of unequal length is that bipolar pair.
    assert to_moments(np.array([[0.0, m]]), fast).duration_s == pytest.approx(4 * r, abs=20e-6)


def test_longer_is_gentler() -> None:
    short = to_moments(np.array([[300 / GAMMA]]), LIMITS)
    long = to_moments(np.array([[300 / GAMMA]]), LIMITS, duration_s=2 * short.duration_s)
    assert long.duration_s == pytest.approx(2 * short.duration_s)
    assert np.abs(long.slew_T_per_m_s).max() < 0.5 * np.abs(short.slew_T_per_m_s).max()


FLOW = [[9.3e-6, 2.1e-8], [-4.1e-6, 7.83e-9], [0.0, -7.83e-9]]  # of a 4D flow's winding: M0 (T s/m), M1 (T s2/m)


@pytest.mark.parametrize(("moments", "start"), [(FLOW, 0.0), (FLOW[:1], 0.012), ([[0.0, 0.0, 4e-12]], 0.0), ([[2e-6]], -0.02)])
def test_search_is_a_scan(moments: list[list[float]], start: float) -> None:
    asked = {"start_T_per_m": np.full(len(moments), start)}
    found = to_moments(np.array(moments), LIMITS, **asked)
    steps = round(found.duration_s / 10e-6)
    for shorter in range(max(2, steps - 25), steps):
        with pytest.raises(LimitError, match="short"):
            to_moments(np.array(moments), LIMITS, duration_s=shorter * 10e-6, **asked)
    longer = to_moments(np.array(moments), LIMITS, least_s=found.duration_s + 35e-6, **asked)
    assert longer.duration_s == pytest.approx(found.duration_s + 40e-6, abs=1e-9)
    assert to_moments(np.array(moments), LIMITS, least_s=found.duration_s, **asked).duration_s == found.duration_s


@pytest.mark.parametrize("course", ["out", "in", "in-out"])
def test_spiral_comes_back(course: str) -> None:
    whole = spiral(0.22, 250.0, 8, LIMITS, course=course).whole()
    assert np.abs(whole.k_per_m()[-1]).max() < 1e-9 * 250
    assert np.abs(whole.values_T_per_m[[0, -1]]).max() < 1e-9
    assert np.linalg.norm(whole.values_T_per_m, axis=1).max() <= 0.04 * (1 + 1e-9)
    assert np.linalg.norm(whole.slew_T_per_m_s, axis=1).max() <= 150 * (1 + 1e-9)


def test_spiral_without_first_moment() -> None:
    interleaf = spiral(0.22, 250.0, 8, LIMITS, nulled_moments=2)
    whole = interleaf.whole()
    swing = np.abs(interleaf.readout.moment(1)).max()
    assert np.abs(whole.moment(1)).max() < 1e-9 * swing and np.abs(whole.moment(1, 1.0)).max() < 1e-9 * swing


def test_what_cannot_be() -> None:
    with pytest.raises(LimitError, match="amplitude"):
        to_moments(np.array([[0.0]]), LIMITS, start_T_per_m=np.array([0.05]))
    with pytest.raises(LimitError, match="smaller"):
        to_moments(np.array([[1.0]]), LIMITS)
