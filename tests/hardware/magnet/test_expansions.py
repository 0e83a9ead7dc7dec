# TRUTHS of expansions: harmonics = field in the bore | exterior moments = field far on the axis | symmetric windings have no odd
# | harmonics, antisymmetric ones no even | slopes = finite differences (harmonics, moments, stray field) | a few loops stand for
# | a distant coil
import numpy as np
import pytest

from fullbore.hardware.magnet.exterior import (
    distant_field,
    distant_field_slopes,
    exterior_moment_slopes,
    exterior_moments,
)
from fullbore.hardware.magnet.harmonics import (
    harmonic_values,
    loop_harmonics,
    solenoid_harmonic_slopes,
    solenoid_harmonics,
)
from fullbore.hardware.magnet.loop import loop_field
from fullbore.hardware.magnet.solenoid import solenoid_field
from tests.hardware.magnet.coils import SYMMETRIC, THREE, central_difference

REFERENCE = 0.225
FAR = np.array([[2.0, 1.0], [0.5, 4.0], [2.5, -1.5]])


def test_harmonics_are_the_field_in_the_bore():
    points = np.array([[0.1, 0.1], [0.15, -0.16], [0.0, 0.2], [0.2, 0.0]])
    got = harmonic_values(60, REFERENCE, points) @ solenoid_harmonics(THREE, 60, REFERENCE).sum(axis=1)
    assert np.allclose(got, solenoid_field(points, THREE)[:, 1], rtol=1e-12)


def test_harmonics_of_a_loop():
    points = np.array([[0.1, 0.05], [0.02, -0.1]])
    coefficients = loop_harmonics(np.array([0.4]), np.array([0.3]), 60, REFERENCE)[:, 0]
    field = loop_field(points, np.array([[0.4, 0.3]]), np.ones(1))[:, 1]
    assert np.allclose(harmonic_values(60, REFERENCE, points) @ coefficients, field, rtol=1e-12)


def test_parity():
    even = solenoid_harmonics(SYMMETRIC, 13, REFERENCE)
    scale = np.abs(even).sum(axis=1)
    assert np.abs(even.sum(axis=1))[1::2].max() < 1e-14 * scale.max()
    assert np.all(np.abs(even.sum(axis=1))[::2] > 1e-6 * scale[::2])  # and the even ones are there
    odd = np.array([[0.5, 0.6, 0.3, 0.6, 1e8], [0.5, 0.6, -0.6, -0.3, -1e8]])
    assert np.abs(solenoid_harmonics(odd, 13, REFERENCE).sum(axis=1))[::2].max() < 1e-14 * scale.max()


def test_moments_are_the_field_far_on_the_axis():
    z = np.array([4.0, 6.0])
    moments = exterior_moments(THREE, 40).sum(axis=1)
    got = (moments / z[:, None] ** (np.arange(41) + 3)).sum(axis=1)
    assert np.allclose(got, solenoid_field(np.column_stack([0 * z, z]), THREE)[:, 1], rtol=1e-9)


def test_the_first_moment_is_the_dipole():
    inner, outer, low, high, density = THREE[0]
    moment = density * np.pi * (outer**3 - inner**3) / 3 * (high - low)
    assert exterior_moments(THREE[:1], 0)[0, 0] == pytest.approx(2e-7 * moment, rel=1e-9)


def test_distant_coils():
    assert np.allclose(distant_field(FAR, THREE).sum(axis=1), solenoid_field(FAR, THREE), rtol=1e-6)


@pytest.mark.parametrize(
    ("values", "slopes"),
    [
        (lambda s: solenoid_harmonics(s, 14, REFERENCE)[:, 0], lambda s: solenoid_harmonic_slopes(s, 14, REFERENCE)[:, 0]),
        (lambda s: exterior_moments(s, 6)[:, 0], lambda s: exterior_moment_slopes(s, 6)[:, 0]),
        (lambda s: distant_field(FAR, s)[:, 0], lambda s: distant_field_slopes(FAR, s)[:, 0]),
    ],
)
def test_slopes_are_finite_differences(values, slopes):
    wanted = central_difference(values, THREE)
    assert np.abs(slopes(THREE) - wanted).max() < 1e-6 * np.abs(wanted).max()
