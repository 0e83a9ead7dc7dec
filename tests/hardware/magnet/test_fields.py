# TRUTHS of coil fields: K and E | loop on the axis | loop = sum of short segments | Helmholtz and Maxwell pairs are flat
# | long solenoid: mu0 n I inside, nothing outside | thick coil = its loops, outside, in the bore and inside the winding
# | div B = 0 everywhere, curl B = 0 in air and mu0 J in the winding | B = curl A | potential = its loops | nothing cancels near
# | the axis | racetrack without sides = loop, far away = dipole, div B = curl B = 0
import numpy as np
import pytest
from scipy.special import ellipe, ellipkm1

from fullbore.errors import ValueRangeError
from fullbore.hardware.magnet.elliptic import cel
from fullbore.hardware.magnet.loop import loop_field, loop_matrix, loop_potential
from fullbore.hardware.magnet.racetrack import Racetrack, racetrack_field
from fullbore.hardware.magnet.solenoid import sheet_field, solenoid_field, solenoid_potential
from fullbore.physics import magnetostatics
from fullbore.physics.constants import VACUUM_PERMEABILITY_N_PER_A2 as MU0
from tests.hardware.magnet.coils import THREE, filaments

ONE = np.ones(1)


def axis_field(loops: np.ndarray, currents: np.ndarray, z: np.ndarray) -> np.ndarray:
    return loop_field(np.column_stack([0 * z, z]), loops, currents)[:, 1]


@pytest.mark.parametrize("kc", [1e-6, 0.01, 0.3, 0.99, 1.0, 3.0])
def test_cel_gives_the_standard_integrals(kc):
    assert cel(kc, 1.0, 1.0, 1.0) == pytest.approx(ellipkm1(kc**2), rel=1e-12)
    assert cel(kc, 1.0, 1.0, kc**2) == pytest.approx(ellipe(1 - kc**2), rel=1e-12)


def test_loop_on_its_axis():
    z = np.linspace(-1, 1, 9)
    wanted = MU0 * 0.3**2 / (2 * (0.3**2 + z**2) ** 1.5)
    assert np.allclose(axis_field(np.array([[0.3, 0.0]]), ONE, z), wanted, rtol=1e-13)


def test_loop_is_the_sum_of_its_segments():
    points = np.array([[0.1, 0.05], [0.4, -0.2], [0.28, 0.2], [1e-9, 0.1]])
    segments = magnetostatics.loop_segments(np.zeros(3), np.array([0.0, 0.0, 1.0]), 0.3, 400)
    space = np.column_stack([points[:, 0], 0 * points[:, 0], points[:, 1]])
    wanted = magnetostatics.loop_field(space, *segments)[:, [0, 2]].real
    got = loop_field(points, np.array([[0.3, 0.0]]), ONE)
    assert np.abs(got - wanted).max() < 1e-12 * np.abs(wanted).max()
    assert np.allclose(loop_matrix(points, np.array([[0.3, 0.0]]))[:, :, 0].T, got, rtol=1e-15)


@pytest.mark.parametrize(
    ("loops", "currents", "order"),
    [
        ([[0.5, 0.25], [0.5, -0.25]], [1.0, 1.0], 4),  # Helmholtz: error of fourth order
        # Maxwell: three coils on a sphere, ampere turns 49 : 64 : 49, error of sixth order
        (
            [[0.5 * np.sqrt(4 / 7), 0.5 * np.sqrt(3 / 7)], [0.5, 0.0], [0.5 * np.sqrt(4 / 7), -0.5 * np.sqrt(3 / 7)]],
            [49, 64, 49],
            6,
        ),
    ],
)
def test_classic_coils_are_flat_to_their_order(loops, currents, order):
    loops, currents = np.array(loops), np.array(currents, dtype=float)
    centre, near, far = axis_field(loops, currents, np.array([0.0, 0.02, 0.04]))
    assert abs(far / centre - 1) < 4 * (0.04 / 0.5) ** order
    # Twice as far, the deviation is 2^order times as large, but for the next order's share (0.08 squared).
    assert (far - centre) / (near - centre) == pytest.approx(2**order, rel=0.06)


def test_a_long_solenoid():
    sheet = np.array([[0.1, -50.0, 50.0, 1e5]])
    inside = sheet_field(np.array([[0.0, 0.0], [0.09, 1.0]]), sheet)[:, 1]
    assert np.allclose(inside, MU0 * 1e5, rtol=3e-6)  # ends 50 m off subtend 2e-6
    outside = sheet_field(np.array([[0.3, 0.0]]), sheet)[0]
    assert np.abs(outside).max() < 1e-5 * MU0 * 1e5


def test_a_thick_coil_is_its_loops():
    points = np.array([[0.1, 0.1], [0.45, 0.05], [0.8, 0.3], [1e-7, 0.05], [0.2, 1.0], [0.56, 0.35]])
    wanted = loop_field(points, *filaments(THREE[0]))
    got = solenoid_field(points, THREE[:1])
    assert np.abs(got - wanted).max() < 1e-9 * np.abs(wanted).max()
    potential = loop_potential(points, *filaments(THREE[0]))
    assert np.allclose(solenoid_potential(points[[0, 1, 2, 4]], THREE[:1]), potential[[0, 1, 2, 4]], rtol=1e-10)


def gradient(function, point, step):
    """(d f / d r, d f / d z) by fourth-order differences."""
    parts = []
    for offset in step * np.eye(2):
        near = function(point + offset) - function(point - offset)
        far = function(point + 2 * offset) - function(point - 2 * offset)
        parts.append((8 * near - far) / (12 * step))
    return parts


@pytest.mark.parametrize(
    ("point", "density"),
    [((0.3, 0.1), 0.0), ((0.7, -0.2), 0.0), ((1.3, 0.9), 0.0), ((0.54, -0.1), 1e8), ((0.58, 0.6), 1e8), ((1.03, 0.3), -1e8)],
)
def test_maxwell_in_air_and_in_the_winding(point, density):
    point = np.array(point)

    def field(at):
        return solenoid_field(at[None], THREE)[0]

    size = np.linalg.norm(field(point))
    by_r, by_z = gradient(field, point, 1e-3)
    divergence = by_r[0] + field(point)[0] / point[0] + by_z[1]
    assert abs(divergence) < 1e-6 * size / 0.1
    # J = (dBr/dz - dBz/dr) / mu0; the quadrature's error near the radius of the point is what remains
    assert (by_z[0] - by_r[1]) / MU0 == pytest.approx(density, abs=1e-5 * 1e8)


@pytest.mark.parametrize("point", [(0.3, 0.1), (0.7, -0.2), (0.54, -0.1)])
def test_field_is_the_curl_of_the_potential(point):
    point = np.array(point)

    def flux(at):
        return at[0] * solenoid_potential(at[None], THREE)[0]

    by_r, by_z = gradient(flux, point, 1e-3)
    assert np.allclose([-by_z / point[0], by_r / point[0]], solenoid_field(point[None], THREE)[0], rtol=1e-7, atol=1e-8)


def test_near_the_axis_the_radial_field_is_linear():
    radial = solenoid_field(np.array([[1e-8, 0.4], [1e-4, 0.4]]), THREE)[:, 0]
    assert radial[0] == pytest.approx(radial[1] * 1e-4, rel=1e-5)


def test_a_racetrack_without_sides_is_a_loop():
    points = np.array([[0.05, 0.02, 0.1], [0.3, 0.1, -0.05]])
    got = racetrack_field(points, Racetrack(straight_m=0.0, bend_m=0.2))
    radius = np.hypot(points[:, 0], points[:, 1])
    loop = loop_field(np.column_stack([radius, points[:, 2]]), np.array([[0.2, 0.0]]), ONE)
    wanted = np.column_stack([loop[:, :1] * points[:, :2] / radius[:, None], loop[:, 1]])
    assert np.abs(got - wanted).max() < 1e-9 * np.abs(wanted).max()


def test_far_away_a_racetrack_is_a_dipole():
    coil = Racetrack(straight_m=0.02, bend_m=0.01, width_m=0.004, thickness_m=0.003, ampere_turns=7.0)
    # Mean area over the section: sides plus circle, with the section's second moment width^2 / 12.
    moment = 7.0 * (2 * 0.02 * 0.01 + np.pi * (0.01**2 + 0.004**2 / 12)) * np.array([0, 0, 1.0])
    offset = np.array([3.0, -2.0, 4.0])
    distance = np.linalg.norm(offset)
    unit = offset / distance
    wanted = MU0 / (4 * np.pi) * (3 * unit * (unit @ moment) - moment) / distance**3
    assert np.allclose(racetrack_field(offset[None], coil)[0], wanted, rtol=5e-5)  # octupole: (0.02 / 5.4)^2


def test_a_racetrack_obeys_maxwell():
    coil = Racetrack(straight_m=0.3, bend_m=0.1, width_m=0.02, thickness_m=0.03, ampere_turns=1e3)
    point, step = np.array([0.1, 0.04, 0.05]), 1e-3
    offsets = step * np.eye(3)
    near = racetrack_field(point + offsets, coil) - racetrack_field(point - offsets, coil)
    far = racetrack_field(point + 2 * offsets, coil) - racetrack_field(point - 2 * offsets, coil)
    slopes = (8 * near - far) / (12 * step)  # slopes[i, j] = d B_j / d x_i
    assert abs(np.trace(slopes)) < 1e-6 * np.abs(slopes).max()
    assert np.abs(slopes - slopes.T).max() < 1e-6 * np.abs(slopes).max()


def test_a_racetrack_wider_than_its_bend_is_refused():
    with pytest.raises(ValueRangeError, match="half the width"):
        Racetrack(straight_m=0.1, bend_m=0.01, width_m=0.03)
