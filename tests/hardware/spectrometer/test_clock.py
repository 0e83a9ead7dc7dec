# TRUTHS of the clock: times are half a tick off at most, and exact on the raster | a raster that is no whole number of
#   ticks is refused with one that is | triggers come late by the pipeline and half a tick, spread by 1 / sqrt(12) | white
#   phase noise L over B is a jitter sqrt(2 L B) / (2 pi f) | any law of a line in dB over log f agrees with its integral by
#   quadrature
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from fullbore.errors import LimitError, ValueRangeError
from fullbore.hardware.spectrometer.clock import jitter_of_phase_noise, raster_ticks, ticks_of, trigger_ticks

CLOCK = 100e6


@given(st.floats(0, 100), st.integers(0, 10**9))
def test_times_become_ticks(time_s, number):
    assert abs(ticks_of(np.array([time_s]), CLOCK)[0] / CLOCK - time_s) <= 0.5 / CLOCK * (1 + 1e-6)
    assert ticks_of(np.array([number * 1e-7]), CLOCK)[0] == 10 * number


def test_rasters():
    assert [raster_ticks(raster, CLOCK) for raster in (1e-7, 1e-6, 10e-6)] == [10, 100, 1000]
    with pytest.raises(LimitError, match=r"12\.5 ticks.*Take 120 ns"):
        raster_ticks(125e-9, CLOCK)
    with pytest.raises(LimitError, match=r"0\.5 ticks"):
        raster_ticks(5e-9, CLOCK)


def test_triggers_come_late():
    arrivals = np.random.default_rng(1).uniform(0, 1e-3, 100_000)
    late = trigger_ticks(arrivals, CLOCK, pipeline=2) / CLOCK - arrivals
    assert late.min() >= 2 / CLOCK * (1 - 1e-6) and late.max() <= 3 / CLOCK * (1 + 1e-6)
    assert late.mean() * CLOCK == pytest.approx(2.5, abs=5 / np.sqrt(12 * len(late)))  # five standard errors of a mean
    assert late.std() * CLOCK == pytest.approx(1 / np.sqrt(12), abs=0.003)  # as many of a standard deviation


def test_white_phase_noise():
    got = jitter_of_phase_noise(np.array([1e3, 20e6]), np.array([-150.0, -150.0]), 100e6)
    assert got == pytest.approx(np.sqrt(2 * 1e-15 * (20e6 - 1e3)) / (2 * np.pi * 100e6), rel=1e-9)


@given(st.lists(st.floats(-170, -80), min_size=2, max_size=5))
def test_any_phase_noise_agrees_with_quadrature(levels):
    offsets = 10.0 ** np.arange(2, 2 + len(levels))
    power = sum(
        quad(lambda u: 10 ** (np.interp(u, np.log10(offsets), levels) / 10) * 10**u * np.log(10), a, a + 1, epsrel=1e-9)[0]
        for a in np.log10(offsets[:-1])
    )
    wanted = np.sqrt(2 * power) / (2 * np.pi * 1e8)
    assert jitter_of_phase_noise(offsets, np.array(levels), 1e8) == pytest.approx(wanted, rel=1e-6)


def test_offsets_must_grow():
    with pytest.raises(ValueRangeError, match="growing"):
        jitter_of_phase_noise(np.array([1e3, 1e2]), np.array([-100.0, -100.0]), 1e8)
