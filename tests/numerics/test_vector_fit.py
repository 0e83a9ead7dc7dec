# TRUTHS of vector fitting: common poles and residues of several responses come back from their samples, from starts far away
#   | poles are stable, whatever they start from | noise is left and no more | a sample without weight is not seen
#   | refusals by name
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.errors import ShapeError, ValueRangeError
from fullbore.numerics.vector_fit import PoleSum, starting_poles, vector_fit

S = 2j * np.pi * np.geomspace(1, 2e4, 400)
POLES = np.array([-3e4, -500, -20, -60 + 5e3j, -150 + 4e4j])
RESIDUES = np.array([[1e4, 30, -2, 5 + 3j, 40 - 9j], [2e3, -8, 1, 0.5j, -30 + 2j], [0, 3, 3, 2 - 1j, 10j]])
TRUTH = PoleSum(poles=POLES, residues=RESIDUES, relative_residual=np.zeros(3))


def test_poles_and_residues_come_back():
    found = vector_fit(S, TRUTH.at(S), starting_poles(1.0, 2e4, 3, 2))
    assert found.relative_residual.max() < 1e-10
    order = np.argsort(-np.abs(found.poles))
    wanted = np.argsort(-np.abs(POLES))
    np.testing.assert_allclose(found.poles[order], POLES[wanted], rtol=1e-6)
    np.testing.assert_allclose(found.residues[:, order], RESIDUES[:, wanted], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found.at(S), TRUTH.at(S), rtol=1e-8)


def test_poles_are_stable():
    growing = replace(TRUTH, poles=np.abs(POLES.real) + 1j * POLES.imag)
    found = vector_fit(S, growing.at(S), starting_poles(1.0, 2e4, 3, 2))
    assert (found.poles.real < 0).all() and (found.poles.imag >= 0).all()


def test_noise_is_left():
    random = np.random.default_rng(0)
    clean = TRUTH.at(S)
    noise = 0.01 * np.abs(clean) * (random.normal(size=clean.shape) + 1j * random.normal(size=clean.shape)) / np.sqrt(2)
    found = vector_fit(S, clean + noise, starting_poles(1.0, 2e4, 3, 2))
    assert 0.005 < found.relative_residual.max() < 0.015


def test_a_sample_without_weight_is_not_seen():
    values, weight = TRUTH.at(S), np.ones(len(S))
    values[:, 100:110], weight[100:110] = 50.0, 0.0
    found = vector_fit(S, values, starting_poles(1.0, 2e4, 3, 2), weight=weight)
    assert found.relative_residual.max() < 1e-9


def test_bad_samples_are_refused_by_name():
    start = starting_poles(1.0, 2e4, 3, 2)
    with pytest.raises(ShapeError, match="400 for s_per_s"):
        vector_fit(S, np.ones((1, 3), complex), start)
    with pytest.raises(ValueRangeError, match="NaN"):
        vector_fit(S, np.full((1, 400), np.nan, complex), start)
    with pytest.raises(ValueRangeError, match="6 frequencies for 5 poles"):
        vector_fit(S[:6], np.ones((1, 6), complex), start)
