# TRUTHS of a measured gradient response: modes with their delays, cross terms and uniform fields come back from samples to 1e-6
#   | 1 % of noise is left and no more | a trapezoid through fitted modes = its spectrum times the measured response, to 1e-3
#   | at f = 0 gradients are what was asked for | the droop of an amplifier is its low-pass | refusals by name
from __future__ import annotations

import numpy as np
import pytest

from fullbore.data import EddyMode, Gradient, GradientResponse
from fullbore.errors import ShapeError, ValueRangeError
from fullbore.hardware.gradient_response import fit_gradient_response, frequency_response
from fullbore.simulate.gradients import play_gradients
from tests.simulate.small import Event as Block
from tests.simulate.small import by_hand, pulse, trapezoid


def mixed(size: float, seed: int) -> np.ndarray:
    """Mostly each axis by itself."""
    return size * (np.eye(4, 3) + 0.1 * np.random.default_rng(seed).normal(size=(4, 3)))


TRUTH = GradientResponse(
    delay_s=(3e-6, 5e-6, -1e-6),
    modes=(
        EddyMode(time_constant_s=3e-5, amplitude=0.9 * np.eye(4, 3)),  # the amplifiers' bandwidth
        EddyMode(time_constant_s=2e-3, amplitude=mixed(6e-3, 1)),
        EddyMode(time_constant_s=0.05, amplitude=mixed(4e-3, 2)),
        EddyMode(time_constant_s=8e-3, amplitude=mixed(2e-3, 3), sine=mixed(1e-3, 4), frequency_Hz=810.0),
        EddyMode(time_constant_s=5e-3, amplitude=mixed(1e-3, 5), frequency_Hz=1350.0),
    ),
)
FREQUENCY_HZ = np.concatenate([np.geomspace(0.5, 100, 60), np.arange(100, 20_000, 25.0)])
MEASURED = frequency_response(TRUTH, FREQUENCY_HZ)


def test_modes_and_delays_come_back():
    found = fit_gradient_response(FREQUENCY_HZ, MEASURED, eddies=3, ringing=2)
    assert found.residual.max() < 1e-9
    np.testing.assert_allclose(found.response.delay_s, TRUTH.delay_s, atol=1e-12)
    for mode, true in zip(
        *(sorted(r.modes, key=lambda m: (m.frequency_Hz, m.time_constant_s)) for r in (found.response, TRUTH)), strict=True
    ):
        np.testing.assert_allclose(mode.time_constant_s, true.time_constant_s, rtol=1e-6)
        np.testing.assert_allclose(mode.frequency_Hz, true.frequency_Hz, rtol=1e-6)
        np.testing.assert_allclose(mode.amplitude, true.amplitude, atol=1e-8)
        sines = (np.zeros((4, 3)) if m.sine is None else m.sine for m in (mode, true))
        np.testing.assert_allclose(*sines, atol=1e-8)


def test_noise_is_left_and_no_more():
    random = np.random.default_rng(0)
    noise = 0.01 * (random.normal(size=MEASURED.shape) + 1j * random.normal(size=MEASURED.shape)) / np.sqrt(2)
    found = fit_gradient_response(FREQUENCY_HZ, MEASURED + noise, eddies=3, ringing=2)
    np.testing.assert_allclose(found.residual, 0.01, rtol=0.06)  # of 856 samples, less some 30 unknowns
    stray = np.abs(frequency_response(found.response, FREQUENCY_HZ) - MEASURED) ** 2
    assert np.sqrt(stray.mean()) < 0.0015


def test_a_trapezoid_through_fitted_modes_is_its_filtered_spectrum():
    lobe = trapezoid((0.02, 0.0, 0.0), 0.2e-3, 1e-3)
    sequence = by_hand([pulse(10), lobe, Block(duration_s=80e-3), Block(duration_s=1e-3, samples=True)])
    found = fit_gradient_response(FREQUENCY_HZ, MEASURED, eddies=3, ringing=2)
    count, step_s = 1 << 21, 1e-6  # 2 s, so that nothing comes round
    t = (np.arange(count) + 0.5) * step_s
    shape: Gradient = sequence.gradients[0]
    asked = 0.02 * np.interp(t - 1e-4, shape.times_s, shape.values_T_per_m, 0, 0)
    filtered = np.fft.rfft(asked)[None] * frequency_response(TRUTH, np.fft.rfftfreq(count, step_s))[:, 0]
    wanted = np.fft.irfft(filtered, count)[:, :10_000].T
    got = play_gradients(sequence, found.response).at(t[:10_000])
    np.testing.assert_allclose(got, wanted, atol=1e-3 * 0.02)
    assert np.abs(got[:, 0] - asked[:10_000]).max() > 0.02 * 0.02 and np.abs(got[2000:, 3]).max() > 1e-7


def test_at_rest_gradients_are_what_was_asked_for():
    ideal = np.eye(4, 3)[:, :, None]
    np.testing.assert_allclose(frequency_response(TRUTH, np.zeros(1)), ideal, atol=1e-15)
    droop = frequency_response(GradientResponse.droop(2.0, 0.1), np.array([1e-9, 0.3, 1e3]))[0, 0]
    np.testing.assert_allclose(droop, 1 - 2.0 / (2j * np.pi * np.array([1e-9, 0.3, 1e3]) + 10), rtol=1e-9)


def test_bad_measurements_are_refused_by_name():
    with pytest.raises(ShapeError, match=r"wanted \(4, 3, 856\)"):
        fit_gradient_response(FREQUENCY_HZ, MEASURED[:, :, :-1])
    with pytest.raises(ValueRangeError, match="10 positive frequencies"):
        fit_gradient_response(FREQUENCY_HZ[:10], MEASURED[:, :, :10])
    with pytest.raises(ValueRangeError, match="finite"):
        fit_gradient_response(FREQUENCY_HZ, MEASURED * np.nan)
    with pytest.raises(ShapeError, match=r"EddyMode.sine: got \(3, 3\)"):
        EddyMode(time_constant_s=1.0, amplitude=np.zeros((4, 3)), sine=np.zeros((3, 3)))
