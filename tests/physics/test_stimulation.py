# TRUTHS of stimulation: sum of exponentials = c/(c+t)^2 | its integral is 1 | a ramp stimulates on the IEC curve
# | 0.2 ms -> 56 T/s, 0.5 ms -> 34.4 T/s | the heart follows 20/(1-exp(-ts/3 ms)) | a step of B answers with the kernel
# | fed in pieces = fed at once
import numpy as np
import pytest

from fullbore.physics.stimulation import (
    cardiac_exponentials,
    cardiac_threshold_T_per_s,
    filter_peaks,
    nerve_exponentials,
    nerve_kernel_per_s,
    ramp_threshold_T_per_s,
)

CHRONAXIE = 0.36e-3


def respond(durations, dbdt, exponentials, step=None):
    dbdt = np.asarray(dbdt, dtype=float)
    step = np.zeros_like(dbdt) if step is None else np.asarray(step, dtype=float)
    state = np.zeros((dbdt.shape[1], len(exponentials[0])))
    return filter_peaks(np.asarray(durations, dtype=float), dbdt, step, *exponentials, state)


def test_exponentials_are_the_kernel():
    rates, weights = nerve_exponentials(CHRONAXIE)
    t = np.concatenate([[0.0], np.geomspace(1e-7, 10.0, 2000)])
    error = np.exp(-np.outer(t, rates)) @ weights - nerve_kernel_per_s(t, CHRONAXIE)
    assert np.abs(error).max() * CHRONAXIE < 1e-5
    assert (weights / rates).sum() == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("ramp_s", [20e-6, 0.2e-3, 0.5e-3, 2e-3])
def test_ramp_stimulates_on_the_iec_curve(ramp_s):
    threshold = ramp_threshold_T_per_s(ramp_s, 20.0, CHRONAXIE)
    response = respond([ramp_s], [[threshold, 0.0, 0.0]], nerve_exponentials(CHRONAXIE))
    assert response[0, 0] / 20.0 == pytest.approx(1.0, rel=1e-4)


def test_iec_values():
    assert ramp_threshold_T_per_s(0.2e-3, 20.0, CHRONAXIE) == pytest.approx(56.0)
    assert ramp_threshold_T_per_s(0.5e-3, 20.0, CHRONAXIE) == pytest.approx(34.4)


@pytest.mark.parametrize("ramp_s", [0.1e-3, 1e-3, 30e-3])
def test_heart_follows_its_curve(ramp_s):
    response = respond([ramp_s], [[cardiac_threshold_T_per_s(ramp_s)]], cardiac_exponentials())
    assert response[0, 0] == pytest.approx(20.0, rel=1e-9)


def test_step_answers_with_the_kernel():
    response = respond([0.0], [[0.0]], nerve_exponentials(CHRONAXIE), step=[[0.01]])
    assert response[0, 0] == pytest.approx(0.01 / CHRONAXIE, rel=1e-5)


def test_pieces_equal_the_whole():
    rng = np.random.default_rng(0)
    durations, dbdt, step = rng.uniform(1e-5, 1e-3, 40), rng.normal(size=(40, 3)), rng.normal(size=(40, 3)) * 1e-4
    rates, weights = nerve_exponentials(CHRONAXIE)
    whole = filter_peaks(durations, dbdt, step, rates, weights, np.zeros((3, len(rates))))
    state = np.zeros((3, len(rates)))
    parts = [filter_peaks(durations[s], dbdt[s], step[s], rates, weights, state) for s in (slice(0, 7), slice(7, 40))]
    np.testing.assert_array_equal(whole, np.concatenate(parts))
