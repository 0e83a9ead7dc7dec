# TRUTHS of magnetostatics: loop's axis field | dipole far away | div B = 0 | B = curl A, static and retarded
# | k -> 0 is Biot-Savart
# | dipole kernel: angle and magic cone | shim functions solve Laplace | lossy medium: 27 cm in brain at 3 T, waves decay
import numpy as np
import pytest

from fullbore.physics.constants import VACUUM_PERMEABILITY_N_PER_A2 as MU0
from fullbore.physics.magnetostatics import (
    dipole_kernel,
    loop_field,
    loop_segments,
    loop_vector_potential,
    medium_wavenumber_per_m,
    solid_harmonics,
)

RADIUS = 0.05
LOOP = loop_segments(np.zeros(3), np.array([0.0, 0.0, 1.0]), RADIUS, 64)


def jacobian(function, point, step=1e-4):
    """d f_i / d x_j by fourth-order differences."""
    offsets = step * np.eye(3)
    near = (function(point + offsets) - function(point - offsets)) / (2 * step)
    far = (function(point + 2 * offsets) - function(point - 2 * offsets)) / (4 * step)
    return ((4 * near - far) / 3).T


def curl(jac):
    return np.array([jac[2, 1] - jac[1, 2], jac[0, 2] - jac[2, 0], jac[1, 0] - jac[0, 1]])


@pytest.mark.parametrize("z", [0.0, 0.02, -0.1])
def test_field_on_the_axis(z):
    field = loop_field(np.array([[0, 0, z]]), *LOOP)[0]
    assert field[2].real == pytest.approx(MU0 * RADIUS**2 / (2 * (RADIUS**2 + z**2) ** 1.5), rel=1e-12)
    assert np.abs(field[:2]).max() < 1e-18


def test_far_away_a_loop_is_a_dipole_for_any_direction_of_its_axis():
    axis = np.array([1.0, 2.0, -0.5])
    loop = loop_segments(np.array([0.01, 0.0, 0.02]), axis, 0.001, 32)
    moment = np.pi * 0.001**2 * axis / np.linalg.norm(axis)
    offset = np.array([0.3, -0.1, 0.2])
    r, unit = np.linalg.norm(offset), offset / np.linalg.norm(offset)
    wanted = MU0 / (4 * np.pi) * (3 * unit * (unit @ moment) - moment) / r**3
    field = loop_field((offset + [0.01, 0.0, 0.02])[None], *loop)[0]
    assert np.allclose(field, wanted, rtol=1e-4)


@pytest.mark.parametrize("wavenumber", [0j, 23 - 6j])
def test_field_is_the_curl_of_the_potential_and_has_no_sources(wavenumber):
    point = np.array([[0.02, -0.03, 0.04]])
    field = loop_field(point, *LOOP, wavenumber)[0]
    potential = jacobian(lambda p: loop_vector_potential(p, *LOOP, wavenumber), point)
    assert np.allclose(curl(potential), field, rtol=0, atol=1e-8 * np.linalg.norm(field))
    divergence = np.trace(jacobian(lambda p: loop_field(p, *LOOP, wavenumber), point))
    assert abs(divergence) < 1e-6 * np.linalg.norm(field) / RADIUS


def test_dipole_kernel_follows_the_angle():
    kernel = dipole_kernel((8, 8, 8), (1e-3, 1e-3, 1e-3))
    assert kernel.shape == (8, 8, 5)
    assert kernel[0, 0, 0] == 0
    assert kernel[1, 0, 0] == pytest.approx(-2 / 3, abs=1e-6)
    assert kernel[0, 1, 0] == kernel[0, 0, 1] == pytest.approx(1 / 3, abs=1e-6)
    assert kernel[2, 2, 2] == pytest.approx(0, abs=1e-6)


def test_shim_functions_solve_laplace():
    point, step = np.array([0.3, -0.7, 0.5]), 1e-3
    offsets = step * np.eye(3)
    second = (solid_harmonics(point + offsets) + solid_harmonics(point - offsets) - 2 * solid_harmonics(point)) / step**2
    assert np.abs(second.sum(axis=0)).max() < 1e-8
    assert np.abs(second).max() > 1


def test_waves_in_brain_at_3_T_are_27_cm_long_and_decay():
    k = medium_wavenumber_per_m(127.73e6, 63.0, 0.46)
    assert 2 * np.pi / k.real == pytest.approx(0.27, abs=0.01)
    assert k.imag < 0
    assert medium_wavenumber_per_m(127.73e6, 1.0, 0.0) == pytest.approx(2 * np.pi * 127.73e6 / 299792458.0)
