# TRUTHS of the layered sphere: a sphere of air changes nothing, for a dipole and for a plane wave | Mie: extinction of a
#   dielectric sphere by its closed form | quasi-static: E inside is 3 / (eps + 2) | tangential E and H are continuous at each
#   interface, eps E normal too | curl E = -i omega mu H in each layer | power through the surface = loss inside = forward less
#   scattered | layers of one tissue = one layer | reciprocity: dipole 1 feels 2 as 2 feels 1 | rotation of source and point
from __future__ import annotations

import numpy as np
import pytest
from scipy.special import hankel2, jv

from fullbore.errors import ShapeError, ValueRangeError
from fullbore.hardware.rf.layers import EPSILON0, FREE_IMPEDANCE_OHM, MU0, Layer, LayeredBody
from fullbore.hardware.rf.sphere import SphereSolution, element_fields, element_sphere, plane_wave_sphere

FREQUENCY_HZ = 127.74e6
AIR = LayeredBody(layers=(Layer(outer_radius_m=0.09, permittivity=1.0, conductivity_S_per_m=0.0),), frequency_Hz=FREQUENCY_HZ)
HEAD = LayeredBody(
    layers=(
        Layer(outer_radius_m=0.076, permittivity=63.0, conductivity_S_per_m=0.46),
        Layer(outer_radius_m=0.083, permittivity=14.7, conductivity_S_per_m=0.067),
        Layer(outer_radius_m=0.090, permittivity=65.4, conductivity_S_per_m=0.52),
    ),
    frequency_Hz=FREQUENCY_HZ,
)
SOURCES_M = np.array([[0.14, 0.03, 0.05], [-0.02, 0.16, -0.04]])
MOMENTS = np.array([[[0.2, 1.0, 0.5j], [0.3j, 0.1, -1.0]]])


def points(count: int, largest_m: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (count, 3)) * largest_m / np.sqrt(3)


def head(degree: int = 45) -> SphereSolution:
    return element_sphere(HEAD, SOURCES_M, MOMENTS, degree)


def assert_close(got: np.ndarray, wanted: np.ndarray, tolerance: float) -> None:
    assert np.abs(got - wanted).max() <= tolerance * np.abs(wanted).max()


def test_air_in_air_is_the_dipoles_own_field():
    where = points(40, 0.1)
    electric, magnetic = element_sphere(AIR, SOURCES_M, MOMENTS, 60).fields(where)
    direct = element_fields(where, SOURCES_M, MOMENTS[0], FREQUENCY_HZ)
    assert_close(electric[0], direct[0], 1e-8)
    assert_close(magnetic[0], direct[1], 1e-8)


def test_air_in_air_is_the_plane_wave():
    direction, field = np.array([1.0, 2.0, -2.0]) / 3, np.array([2.0, 1.0, 2.0]) + 1j * np.array([0.0, 1.0, 1.0])
    where = points(40, 0.2)
    electric, magnetic = plane_wave_sphere(AIR, direction, field, 12).fields(where)
    phase = np.exp(-1j * AIR.wavenumbers_per_m[-1] * where @ direction)[:, None]
    assert_close(electric[0], phase * field, 1e-12)
    assert_close(magnetic[0], phase * np.cross(direction, field) / FREE_IMPEDANCE_OHM, 1e-12)


def mie(body: LayeredBody, degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Scattering coefficients of one layer by the textbook (Bohren and Huffman 1983, eq. 4.56-57), conjugated in time."""
    n = np.arange(1, degree + 1)
    x = complex(body.wavenumbers_per_m[-1] * body.radii_m[0])
    m = body.wavenumbers_per_m[0] / body.wavenumbers_per_m[-1]

    def psi(z: complex) -> tuple[np.ndarray, np.ndarray]:
        value, below = (np.sqrt(np.pi * z / 2) * jv(n + s, z) for s in (0.5, -0.5))
        return value, below - n * value / z

    value, below = (np.sqrt(np.pi * x / 2) * hankel2(n + s, x) for s in (0.5, -0.5))
    xi, xi_slope = value, below - n * value / x
    (px, dx), (pm, dm) = psi(x), psi(m * x)
    a = (m * pm * dx - px * dm) / (m * pm * xi_slope - xi * dm)
    b = (pm * dx - m * px * dm) / (pm * xi_slope - m * xi * dm)
    return a, b


@pytest.mark.parametrize("conductivity", [0.0, 0.46])
def test_absorption_is_mies(conductivity):
    layer = Layer(outer_radius_m=0.2, permittivity=52.0, conductivity_S_per_m=conductivity)
    body = LayeredBody(layers=(layer,), frequency_Hz=300e6)
    a, b = mie(body, 40)
    n = np.arange(1, 41)
    k = body.wavenumbers_per_m[-1].real
    extinct = 2 * np.pi / k**2 * np.sum((2 * n + 1) * (a + b).real)
    scattered = 2 * np.pi / k**2 * np.sum((2 * n + 1) * (np.abs(a) ** 2 + np.abs(b) ** 2))
    wave = plane_wave_sphere(body, np.array([0.0, 0, 1]), np.array([1.0 + 0j, 0, 0]), 40)
    got = wave.inward_power_W(0.2)[0, 0].real * 2 * FREE_IMPEDANCE_OHM
    assert got == pytest.approx(extinct - scattered, abs=1e-10 * extinct)


def test_quasi_static_limit():
    layer = Layer(outer_radius_m=0.05, permittivity=10.0, conductivity_S_per_m=0.0)
    body = LayeredBody(layers=(layer,), frequency_Hz=1e4)
    wave = plane_wave_sphere(body, np.array([0.0, 0, 1]), np.array([1.0 + 0j, 0, 0]), 4)
    electric, magnetic = wave.fields(points(20, 0.05))
    assert_close(electric[0], np.broadcast_to([3 / 12, 0, 0], (20, 3)), 1e-4)
    assert_close(magnetic[0], np.broadcast_to([0, 1 / FREE_IMPEDANCE_OHM, 0], (20, 3)), 1e-4)


@pytest.mark.parametrize("interface", [0, 1, 2])
def test_interfaces_are_continuous(interface):
    radius, step = HEAD.radii_m[interface], 1e-12
    normal = points(30, 1.0)
    normal /= np.linalg.norm(normal, axis=1)[:, None]
    (e_in, h_in), (e_out, h_out) = (head().fields((radius + s) * normal) for s in (-step, step))
    assert_close(np.cross(normal, e_in[0]), np.cross(normal, e_out[0]), 1e-6)
    assert_close(h_in[0], h_out[0], 1e-6)
    k = HEAD.wavenumbers_per_m
    flux = [k[s] ** 2 * (normal * e[0]).sum(1) for s, e in ((interface, e_in), (interface + 1, e_out))]
    assert_close(flux[0], flux[1], 1e-6)


def test_maxwell_in_each_layer():
    step, axes = 1e-5, np.eye(3)
    solution = head()
    for radius in (0.03, 0.079, 0.0865, 0.1):
        where = np.array([[0.6, -0.48, 0.64]]) * radius
        slopes = [
            [
                f[0, 0]
                for f in np.subtract(solution.fields(where + step * axis), solution.fields(where - step * axis)) / (2 * step)
            ]
            for axis in axes
        ]
        e, h = (f[0, 0] for f in solution.fields(where))
        k = HEAD.wavenumbers_per_m[HEAD.shell_of(np.array([radius]))[0]]
        omega = HEAD.omega_per_s
        for which, wanted in ((0, -1j * omega * MU0 * h), (1, 1j * k**2 / (omega * MU0) * e)):
            d = np.array([slopes[i][which] for i in range(3)])
            curl = np.array([d[1, 2] - d[2, 1], d[2, 0] - d[0, 2], d[0, 1] - d[1, 0]])
            assert_close(curl, wanted, 1e-5)


def test_power_through_the_surface_is_lost_inside():
    solution = head(10)
    z, weight_z = np.polynomial.legendre.leggauss(12)
    phi = 2 * np.pi * np.arange(24) / 24
    cosine, angle = (x.ravel() for x in np.meshgrid(z, phi, indexing="ij"))
    sphere = np.stack([np.sqrt(1 - cosine**2) * np.cos(angle), np.sqrt(1 - cosine**2) * np.sin(angle), cosine], -1)
    weight = np.repeat(weight_z, 24) * 2 * np.pi / 24
    lost, low = 0.0, 0.0
    for layer in HEAD.layers:
        x, w = np.polynomial.legendre.leggauss(14)
        for r, part in zip(low + (x + 1) / 2 * (layer.outer_radius_m - low), w, strict=True):
            e, _ = solution.fields(r * sphere)
            density = layer.conductivity_S_per_m * (np.abs(e[0]) ** 2).sum(1) / 2
            lost += part * (layer.outer_radius_m - low) / 2 * r * r * float(weight @ density)
        low = layer.outer_radius_m
    assert solution.inward_power_W(0.09)[0, 0].real == pytest.approx(lost, rel=1e-9)
    assert solution.inward_power_W(0.11)[0, 0].real == pytest.approx(lost, rel=1e-9)


def test_equal_layers_are_one():
    def body(*radii: float) -> LayeredBody:
        return LayeredBody(
            layers=tuple(Layer(outer_radius_m=r, permittivity=63.0, conductivity_S_per_m=0.46) for r in radii),
            frequency_Hz=FREQUENCY_HZ,
        )

    where = points(20, 0.1)
    one, three = (element_sphere(b, SOURCES_M, MOMENTS, 30).fields(where) for b in (body(0.09), body(0.02, 0.05, 0.09)))
    assert_close(three[0], one[0], 1e-10)
    assert_close(three[1], one[1], 1e-10)


def test_reciprocity():
    # what the head scatters of dipole 2 onto 1 is what it scatters of 1 onto 2
    near, far = np.array([[0.10, 0.0, 0.02]]), np.array([[0.05, -0.2, 0.1]])
    first, second = np.array([[[0.3, 1.0, 0.2]]]) + 0j, np.array([[[1.0, -0.4, 0.7]]]) + 0j
    on_first = element_sphere(HEAD, far, second, 45).scattered_fields(near)[0][0, 0] @ first[0, 0]
    on_second = element_sphere(HEAD, near, first, 45).scattered_fields(far)[0][0, 0] @ second[0, 0]
    assert on_first == pytest.approx(on_second, rel=1e-9)
    total = element_sphere(HEAD, far, second, 45).fields(near)[0][0, 0] @ first[0, 0]
    direct = element_fields(near, far, second[0], FREQUENCY_HZ)[0][0] @ first[0, 0]
    assert total == pytest.approx(on_first + direct, rel=1e-9) and abs(on_first) > 0.01 * abs(direct)


def test_rotation():
    turn, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))
    turn *= np.linalg.det(turn)
    where = points(15, 0.1)
    plain = head(30).fields(where)
    turned = element_sphere(HEAD, SOURCES_M @ turn.T, MOMENTS @ turn.T, 30).fields(where @ turn.T)
    assert_close(turned[0], plain[0] @ turn.T, 1e-10)
    assert_close(turned[1], plain[1] @ turn.T, 1e-10)


def test_the_poles_and_the_centre_are_finite():
    where = np.array([[0.0, 0, 0], [0, 0, 0.05], [0, 0, -0.05], [0, 0, 0.1]])
    electric, magnetic = head().fields(where)
    near = head().fields(where + 1e-7)
    assert_close(electric, near[0], 1e-4)
    assert_close(magnetic, near[1], 1e-4)
    assert pytest.approx(8.8541878e-12, rel=1e-7) == EPSILON0


def test_bad_input_is_refused():
    with pytest.raises(ValueRangeError, match="growing"):
        LayeredBody(layers=HEAD.layers[::-1], frequency_Hz=1e8)
    with pytest.raises(ValueRangeError, match="within"):
        element_sphere(HEAD, SOURCES_M / 2, MOMENTS)
    with pytest.raises(ValueRangeError, match="beyond"):
        head().fields(np.array([[0.2, 0, 0]]))
    with pytest.raises(ValueRangeError, match="not normal"):
        plane_wave_sphere(HEAD, np.array([0.0, 0, 1]), np.array([0, 0, 1.0 + 0j]))
    with pytest.raises(ShapeError):
        SphereSolution(body=HEAD, a=np.zeros((1, 5), complex), b=np.zeros((1, 5), complex), degree=3)
