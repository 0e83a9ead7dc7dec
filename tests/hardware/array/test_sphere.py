# TRUTHS of fields in a sphere: harmonics = SciPy's, X orthonormal and across the radius | M, N obey Maxwell (curl E =
#   i omega B, curl B = mu0 (sigma - i omega eps) E) | a coaxial loop's resistance at low frequency = the series in closed form =
#   quadrature of the elliptic A | fields at low frequency = Biot-Savart | power into the loops = loss in the sphere + radiation,
#   mutually too | loss = Poynting flux into it | the more distant loops, the less correlated | reciprocity: mutual impedances
#   are symmetric | wires within are refused
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import dblquad
from scipy.special import ellipe, ellipk, lpmv, sph_harm_y, spherical_jn, spherical_yn

from fullbore.errors import ValueRangeError
from fullbore.hardware.array.loop import circle
from fullbore.hardware.array.sphere import (
    Sphere,
    entering_waves,
    mode_fields,
    mode_losses,
    sphere_fields,
    sphere_resistance,
)
from fullbore.hardware.array.vector_harmonics import mode_orders, spherical_harmonics, transverse_harmonics
from fullbore.physics.constants import SPEED_OF_LIGHT_M_PER_S, VACUUM_PERMEABILITY_N_PER_A2
from fullbore.physics.magnetostatics import loop_field

MU0 = VACUUM_PERMEABILITY_N_PER_A2
HEAD = Sphere(radius_m=0.0857, conductivity_S_per_m=0.46, permittivity=63.0, b0_T=3.0)
SLOW = Sphere(radius_m=0.1, conductivity_S_per_m=0.5, permittivity=50.0, b0_T=0.002)
WAYS = np.array([[1.0, 0, 0], [0.7, 0.7, 0], [0, 0, 1.0], [0, 1.0, 0.3], [-1.0, 0.2, 0.1]])


def ring(radius=0.05, distance=0.115):
    return tuple(circle(distance * d / np.linalg.norm(d), d + [0.1, 0.2, 0.3], radius) for d in WAYS)


def test_harmonics_are_scipys_and_orthonormal():
    points = np.random.default_rng(0).normal(size=(9, 3))
    degrees, ms = mode_orders(12)
    polar, azimuth = np.arccos(points[:, 2] / np.linalg.norm(points, axis=1)), np.arctan2(points[:, 1], points[:, 0])
    wanted = np.array([sph_harm_y(n, m, polar, azimuth) for n, m in zip(degrees, ms, strict=True)])
    scalar = spherical_harmonics(12, points)
    assert np.abs(scalar - wanted).max() < 1e-13
    assert np.abs(np.einsum("kpx,px->kp", transverse_harmonics(12, scalar), points)).max() < 1e-12
    nodes, weights = np.polynomial.legendre.leggauss(8)
    angle = 2 * np.pi * np.arange(16) / 16
    cosine, turn = (a.ravel() for a in np.meshgrid(nodes, angle, indexing="ij"))
    sine = np.sqrt(1 - cosine**2)
    ball = np.stack([sine * np.cos(turn), sine * np.sin(turn), cosine], axis=-1)
    area = np.repeat(weights, 16) * 2 * np.pi / 16
    found = transverse_harmonics(5, spherical_harmonics(5, ball))
    assert np.allclose(np.einsum("apx,bpx,p->ab", found, found.conj(), area), np.eye(35), atol=1e-12)


def test_modes_obey_maxwell():
    rng, step = np.random.default_rng(1), 1e-5
    for point in rng.uniform(-0.045, 0.045, (3, 3)):
        shifted = np.concatenate([[point], point + step * np.eye(3), point - step * np.eye(3)])
        electric, magnetic = mode_fields(HEAD, 4, shifted)
        for field, wanted in (
            (electric, 1j * HEAD.omega * magnetic[:, :, 0]),
            (magnetic, HEAD.inside_per_m**2 / (1j * HEAD.omega) * electric[:, :, 0]),
        ):
            slope = (field[:, :, 1:4] - field[:, :, 4:7]) / (2 * step)  # (kind, mode, along, component)
            curl = np.stack([slope[:, :, (k + 1) % 3, (k + 2) % 3] - slope[:, :, (k + 2) % 3, (k + 1) % 3] for k in range(3)], -1)
            assert np.abs(curl - wanted).max() < 1e-6 * np.abs(wanted).max()
    square = (HEAD.omega / SPEED_OF_LIGHT_M_PER_S) ** 2 * 63 + 1j * HEAD.omega * MU0 * 0.46
    assert HEAD.inside_per_m**2 == pytest.approx(square, rel=1e-12)


def coaxial_series(sphere, radius, height, order=40):
    """sigma omega^2 integral of A^2, A_phi = mu0 sin(alpha)/2 sum (r/c)^l P_l^1(cos alpha) P_l^1(cos theta) / (l (l+1))."""
    far, degree = np.hypot(radius, height), np.arange(1, order + 1.0)
    legendre = lpmv(1, degree, height / far)
    terms = legendre**2 / (degree * (degree + 1)) ** 2 * 4 * np.pi * degree * (degree + 1) / (2 * degree + 1)
    terms *= sphere.radius_m ** (2 * degree + 3) / far ** (2 * degree) / (2 * degree + 3)
    return sphere.conductivity_S_per_m * sphere.omega**2 * (MU0 * radius / far / 2) ** 2 * terms.sum()


def elliptic_a(radius, rho, z):
    square = 4 * radius * rho / ((radius + rho) ** 2 + z**2)
    root = np.sqrt(square)
    return MU0 / (2 * np.pi) * np.sqrt(radius / rho) * ((2 / root - root) * ellipk(square) - 2 / root * ellipe(square))


@pytest.mark.parametrize(("radius", "height"), [(0.06, 0.11), (0.03, 0.12), (0.15, 0.0)])
def test_coaxial_loop_at_low_frequency(radius, height):
    loop = circle(np.array([0, 0, height]), np.array([0, 0, 1.0]), radius)
    found = sphere_resistance(SLOW, entering_waves(SLOW, (loop,), 25))[0, 0].real
    # The skin effect that remains at 2 mT is of the order (radius / skin depth)^4 = 1e-7.
    assert found == pytest.approx(coaxial_series(SLOW, radius, height), rel=2e-6)
    a = SLOW.radius_m
    integral, _ = dblquad(
        lambda rho, z: 2 * np.pi * rho * elliptic_a(radius, rho, height - z) ** 2,
        -a,
        a,
        1e-9,
        lambda z: np.sqrt(max(a * a - z * z, 1e-18)),
        epsrel=1e-6,
        epsabs=0,
    )
    assert found == pytest.approx(0.5 * SLOW.omega**2 * integral, rel=1e-5)


def test_fields_at_low_frequency_are_biot_savarts():
    points = np.random.default_rng(2).uniform(-0.05, 0.05, (20, 3))
    loops, still = ring(0.05, 0.13), replace(SLOW, b0_T=0.0002)
    found = sphere_fields(still, entering_waves(still, loops, 25), points)
    for values, loop in zip(found, loops, strict=True):
        wanted = loop_field(points, *loop.thinned(128)) @ [1, 1j, 0]
        assert np.abs(values - wanted).max() < 1e-4 * np.abs(wanted).max()  # eddy currents: (radius / skin depth)^2 / 5


def scattered(sphere, loops, order):
    """Outgoing amplitudes with and without the sphere, and the path integrals that receive them: written anew."""
    degrees, _ = mode_orders(order)
    degree = np.arange(1, order + 1)
    k, kin = sphere.outside_per_m, sphere.inside_per_m
    out, x = k * sphere.radius_m, kin * sphere.radius_m
    j, dj = spherical_jn(degree, out), spherical_jn(degree, out, derivative=True)
    h, dh = j + 1j * spherical_yn(degree, out), dj + 1j * spherical_yn(degree, out, derivative=True)
    ji, dji = spherical_jn(degree, x), spherical_jn(degree, x, derivative=True)
    psi, xi, psii = j + out * dj, h + out * dh, ji + x * dji
    n2 = (kin / k) ** 2
    reflect = [-(ji * psi - j * psii) / (ji * xi - h * psii), -(n2 * ji * psi - j * psii) / (n2 * ji * xi - h * psii)]
    root = np.sqrt(degrees * (degrees + 1.0))
    rows = {"j": [[], []], "h": [[], []], "jc": [[], []], "hc": [[], []]}
    for loop in loops:
        points, lengths = loop.thinned(128)
        r = np.linalg.norm(points, axis=1)
        scalar = spherical_harmonics(order, points)
        across = np.einsum("kpx,px->kp", transverse_harmonics(order, scalar), lengths)
        along = (points * lengths).sum(axis=1)
        jr = spherical_jn(degree[:, None], k * r)[degrees - 1]
        hr = jr + 1j * spherical_yn(degree[:, None], k * r)[degrees - 1]
        for name, radial, bar in (("j", jr, 1), ("h", hr, 1), ("jc", jr, 0), ("hc", hr, 0)):
            angular, value = (across, scalar) if bar == 0 else (across.conj(), scalar.conj())
            sign = 1j if bar == 0 else -1j
            rows[name][0].append((radial * angular).sum(axis=1))
            rows[name][1].append(sign * k / root * ((radial * value) @ along))
    paths = {name: np.array(value) for name, value in rows.items()}
    bounce = np.stack([part[degrees - 1] for part in reflect])
    return paths, bounce


def test_power_balance_and_reciprocity():
    loops, order = ring(), 40
    paths, bounce = scattered(HEAD, loops, order)
    k, scale = HEAD.outside_per_m, HEAD.omega * MU0 * HEAD.outside_per_m
    # E = -scale * sum of (j or reflected h) modes; Z_ij = - integral of E_j along loop i.
    echo = scale * np.einsum("tik,tk,tjk->ij", paths["hc"], bounce, paths["h"])
    assert np.abs(echo - echo.T).max() < 1e-9 * np.abs(echo).max()
    alone = scale * np.einsum("tik,tjk->ij", paths["jc"], paths["j"]).real
    outgoing = -scale * (paths["j"] + bounce[:, None] * paths["h"])
    radiated = np.einsum("tik,tjk->ij", outgoing, outgoing.conj()) / (MU0 * SPEED_OF_LIGHT_M_PER_S * k**2)
    lost = sphere_resistance(HEAD, entering_waves(HEAD, loops, order))
    assert np.abs((alone + echo.real) - (lost + radiated)).max() < 1e-6 * lost[0, 0].real
    assert 0.001 < radiated[0, 0].real / lost[0, 0].real < 0.2


def test_loss_is_the_flux_of_poynting():
    nodes, weights = np.polynomial.legendre.leggauss(12)
    angle = 2 * np.pi * np.arange(24) / 24
    cosine, turn = (a.ravel() for a in np.meshgrid(nodes, angle, indexing="ij"))
    sine = np.sqrt(1 - cosine**2)
    out = np.stack([sine * np.cos(turn), sine * np.sin(turn), cosine], axis=-1)
    area = np.repeat(weights, 24) * 2 * np.pi / 24 * HEAD.radius_m**2
    electric, magnetic = mode_fields(HEAD, 5, HEAD.radius_m * out)
    flux = np.cross(electric, magnetic.conj() / MU0)
    entering = -np.einsum("tkpx,px,p->tk", flux, out, area).real
    assert np.allclose(entering, mode_losses(HEAD, 5), rtol=1e-9)


def test_distant_loops_do_not_correlate():
    found = []
    for radius in (0.1, 0.2, 0.4, 0.6):  # the same loops, 2 cm away, a right angle apart on ever larger spheres
        body = Sphere(radius_m=radius, conductivity_S_per_m=0.5, permittivity=50.0, b0_T=0.05)
        ways = np.array([[1.0, 0, 0], [0.0, 1.0, 0]])
        noise = sphere_resistance(body, entering_waves(body, tuple(circle((radius + 0.02) * d, d, 0.04) for d in ways), 60))
        found.append(abs(noise[0, 1]) / noise[0, 0].real)
    assert (np.diff(found) < 0).all() and found[-1] < 0.2 * found[0] and found[-1] < 0.02


def test_order_suffices_and_covariance_is_positive():
    loops = ring()
    one, two = (sphere_resistance(HEAD, entering_waves(HEAD, loops, order)) for order in (30, 45))
    assert np.abs(one - two).max() < 1e-6 * one[0, 0].real
    assert np.allclose(two, two.conj().T) and np.linalg.eigvalsh(two).min() > 0


def test_bad_places_are_refused():
    with pytest.raises(ValueRangeError, match="in a sphere"):
        entering_waves(HEAD, (circle(np.zeros(3), np.array([0, 0, 1.0]), 0.05),), 3)
    with pytest.raises(ValueRangeError, match="wanted at most"):
        mode_fields(HEAD, 2, np.array([[0.1, 0, 0]]))
    with pytest.raises(ValueRangeError, match="positive"):
        Sphere(radius_m=-1.0, conductivity_S_per_m=0.5, permittivity=50.0, b0_T=3.0)
