# TRUTHS of energy: M12 = M21 | coaxial loops: Maxwell's formula, dipoles far apart | a thin loop's self-inductance is that of a
# | round tube | energy = 1/2 L I^2 = integral of B^2 / 2 mu0 over space | its slopes = finite differences | force between coils =
# | - dM/dz, as the field has it
import numpy as np
import pytest
from scipy.special import ellipe, ellipk

from fullbore.hardware.magnet.energy import energy_matrix_J, inductance_matrix_H, stored_energy_J, stored_energy_slopes
from fullbore.hardware.magnet.loop import loop_mutual_inductance
from fullbore.hardware.magnet.solenoid import solenoid_field
from fullbore.physics.constants import VACUUM_PERMEABILITY_N_PER_A2 as MU0
from tests.hardware.magnet.coils import THREE, central_difference


def test_reciprocity():
    matrix = energy_matrix_J(THREE)
    assert np.abs(matrix - matrix.T).max() < 1e-9 * np.abs(matrix).max()
    one, two = np.array([[0.3, 0.0], [0.5, 0.2]]), np.array([[0.4, 0.3], [0.2, -0.1], [0.6, 1.0]])
    assert np.allclose(loop_mutual_inductance(one, two), loop_mutual_inductance(two, one).T, rtol=1e-13)


def test_two_loops():
    a, b, d = 0.3, 0.4, 0.25
    k2 = 4 * a * b / ((a + b) ** 2 + d**2)
    k = np.sqrt(k2)
    wanted = MU0 * np.sqrt(a * b) * ((2 / k - k) * ellipk(k2) - 2 / k * ellipe(k2))
    assert loop_mutual_inductance(np.array([[a, 0.0]]), np.array([[b, d]]))[0, 0] == pytest.approx(wanted, rel=1e-12)
    far = loop_mutual_inductance(np.array([[a, 0.0]]), np.array([[b, 100.0]]))[0, 0]
    assert far == pytest.approx(MU0 * np.pi * a**2 * b**2 / (2 * 100.0**3), rel=1e-4)


def test_a_long_coils_inductance():
    # Nagaoka: mu0 N^2 pi a^2 / l (1 - 8 / 3 pi * a / l + ...), the next term being a^2 / 2 l^2 = 5e-5
    section, turns = np.array([[0.0995, 0.1005, -5.0, 5.0, 1.0]]), 1000.0
    wanted = MU0 * turns**2 * np.pi * 0.1**2 / 10 * (1 - 8 / (3 * np.pi) * 0.01 + 0.5 * 0.01**2)
    assert inductance_matrix_H(section, np.array([turns]))[0, 0] == pytest.approx(wanted, rel=2e-3)  # 1 % thick, ends by 8 nodes


def test_energy_is_half_l_i_squared():
    turns, current = np.array([800.0, 300.0, -200.0]), 500.0
    sections = THREE.copy()
    sections[:, 4] = turns * current / ((THREE[:, 1] - THREE[:, 0]) * (THREE[:, 3] - THREE[:, 2]))
    inductance = inductance_matrix_H(sections, np.abs(turns) * np.sign(turns)).sum()
    assert stored_energy_J(sections) == pytest.approx(0.5 * inductance * current**2, rel=1e-12)


def test_energy_is_in_the_field():
    # Midpoints over r, z = tan(u): all of space. Coarse, because |B|^2 has kinks at the windings' faces.
    u = (np.arange(240) + 0.5) / 240 * np.pi / 2
    r, weight = np.tan(u) * 0.6, 0.6 / np.cos(u) ** 2 * (np.pi / 480)
    z, height = np.concatenate([-r[::-1], r]), np.concatenate([weight[::-1], weight])
    rr, zz = np.meshgrid(r, z, indexing="ij")
    square = (solenoid_field(np.column_stack([rr.ravel(), zz.ravel()]), THREE) ** 2).sum(axis=1).reshape(rr.shape)
    energy = float((square * np.outer(2 * np.pi * r * weight, height)).sum() / (2 * MU0))
    assert energy == pytest.approx(stored_energy_J(THREE), rel=2e-3)  # the coarse grid's own error


def test_slopes_are_finite_differences():
    wanted = central_difference(stored_energy_J, THREE)
    assert np.allclose(stored_energy_slopes(THREE)[0], wanted, rtol=1e-4)  # quadrature of faces against that of volumes


def test_force_is_the_slope_of_the_mutual_energy():
    moved = THREE.copy()
    moved[1, 2:4] += 1e-4
    back = THREE.copy()
    back[1, 2:4] -= 1e-4
    force = (energy_matrix_J(moved)[0, 1] - energy_matrix_J(back)[0, 1]) / 2e-4
    nodes, weights = np.polynomial.legendre.leggauss(12)
    inner, outer, low, high, density = THREE[1]
    radius, height = np.meshgrid((inner + outer) / 2 + (outer - inner) / 2 * nodes, (low + high) / 2 + (high - low) / 2 * nodes)
    radial = solenoid_field(np.column_stack([radius.ravel(), height.ravel()]), THREE[:1])[:, 0].reshape(radius.shape)
    cell = np.outer(weights, weights) * (outer - inner) * (high - low) / 4
    assert force == pytest.approx(-float((2 * np.pi * radius * density * radial * cell).sum()), rel=1e-6)
