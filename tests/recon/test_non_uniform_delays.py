"""Gradient delays from the data alone."""

# TRUTHS of gradient delays: none found where there is none | isotropic and anisotropic found to 0.01 samples
#   | also beyond a sample | noise moves them little | spirals and stacks of stars too
#   | the corrected image = the one without delays

import numpy as np
import pytest

from fullbore.errors import DataError
from fullbore.recon import Combination, NonUniform, Recipe, reconstruct
from fullbore.recon.calibration.gradient_delays import corrected_path, estimate_delays
from tests.recon.measured import array_of
from tests.recon.trajectories import measure_along, spirals, spokes, stacked

MATRIX = (64, 60, 1)
CASES = {
    "none": np.zeros((3, 3)),
    "isotropic": np.diag([0.7, 0.7, 0]),
    "turned": np.array([[1.3, 0.2, 0], [0.2, 0.8, 0], [0, 0, 0]]),
    "large": np.diag([-3.2, -2.5, 0]),
}


def late(path, delays):
    """What is played when gradients are late: exact for readouts of constant velocity."""
    return path - np.gradient(path, axis=1) @ delays


def delayed(path, delays, matrix=MATRIX, coils=4, **kwargs):
    return measure_along(path, matrix, array_of(coils, 3 if matrix[2] > 1 else 2), true_path=late(path, delays), **kwargs)


@pytest.mark.parametrize("name", CASES)
def test_found_to_a_hundredth_of_a_sample(name):
    raw = delayed(spokes(64, MATRIX), CASES[name])
    assert np.abs(estimate_delays(raw, isotropic=False) - CASES[name]).max() < 0.01


def test_isotropic_is_one_number():
    found = estimate_delays(delayed(spokes(64, MATRIX), CASES["isotropic"]), isotropic=True)
    assert np.abs(found - CASES["isotropic"]).max() < 0.01
    assert found[0, 0] == found[1, 1]


def test_noise_moves_them_little():
    raw = delayed(spokes(64, MATRIX), CASES["turned"], noise=1e-6)
    assert np.abs(estimate_delays(raw, isotropic=False) - CASES["turned"]).max() < 0.03


def test_spirals():
    path = spirals(20, MATRIX, 3.5, 400)
    raw = delayed(path, np.diag([1.5, 1.1, 0]))
    assert np.abs(estimate_delays(raw, isotropic=False) - np.diag([1.5, 1.1, 0])).max() < 0.02  # velocity changes within a delay


def test_stack_of_stars():
    matrix = (32, 30, 8)
    path, partition = stacked(spokes(40, matrix), range(8), matrix)
    raw = delayed(path, CASES["turned"], matrix, partition=partition)
    assert np.abs(estimate_delays(raw, isotropic=False) - CASES["turned"]).max() < 0.02


def test_corrected_image_is_the_one_without_delays():
    path = spokes(110, MATRIX, golden=False)
    gridding = Recipe(encoding=NonUniform(), solver=Combination())
    reference = reconstruct(measure_along(late(path, CASES["turned"]), MATRIX, array_of(4, 2)), gridding).values
    raw = delayed(path, CASES["turned"])
    corrected = reconstruct(raw, Recipe(encoding=NonUniform(delays="anisotropic"), solver=Combination()))
    error = np.linalg.norm(np.abs(corrected.values) - np.abs(reference)) / np.linalg.norm(reference)
    wrong = np.linalg.norm(np.abs(reconstruct(raw, gridding).values) - np.abs(reference)) / np.linalg.norm(reference)
    assert error < 0.005  # a few thousandths of a sample remain
    assert wrong > 20 * error
    assert np.allclose(corrected.report["gradient_delays_samples"], CASES["turned"], atol=0.01)


def test_no_readout_at_the_centre():
    path = spokes(64, MATRIX)[:, :40]
    with pytest.raises(DataError, match="delays"):
        estimate_delays(measure_along(path, MATRIX, array_of(4, 2)), isotropic=True)


def test_nominal_trajectory_is_corrected_too():
    raw = delayed(spokes(8, MATRIX), CASES["none"])
    bare = corrected_path(type(raw)(encoding=raw.encoding, samples=raw.samples, b0_T=3.0), CASES["isotropic"])
    moved = raw.encoding.k_first_per_m - 0.7 * raw.encoding.k_step_per_m
    assert np.allclose(bare.encoding.k_first_per_m, moved)
    assert bare.trajectory_per_m is None
