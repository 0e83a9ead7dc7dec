# TRUTHS of the shielded coil and the layered cylinder: mutual inductance of windows = Neumann's integral without a shield | a
#   long coil's orders = mu0 m / 2 (1 - (a/b)^2m) with image rungs | full wave at 1 kHz = static inductance | power from the
#   coil = Poynting flux = loss inside | tangential E vanishes on the shield, curl E = -i omega mu H, E is continuous | layers of
#   one tissue = one layer | a long empty coil's field is uniform and turns one way
from __future__ import annotations

import numpy as np
import pytest

from fullbore.errors import ValueRangeError
from fullbore.hardware.rf.birdcage import (
    CoilShape,
    mesh_matrix,
    mode_inductances_H,
    order_inductances_H,
    order_kernel,
    rotating_mode,
)
from fullbore.hardware.rf.cylinder import empty_body, mode_impedances_ohm, solve_cylinder
from fullbore.hardware.rf.layers import MU0, Layer, LayeredBody

FREQUENCY_HZ = 127.74e6
SHAPE = CoilShape(radius_m=0.14, length_m=0.22, rungs=8, shield_radius_m=0.18, rung_width_m=0.02, ring_width_m=0.02)
HEAD = LayeredBody(
    layers=(
        Layer(outer_radius_m=0.06, permittivity=63.0, conductivity_S_per_m=0.46),
        Layer(outer_radius_m=0.08, permittivity=12.4, conductivity_S_per_m=0.07),
    ),
    frequency_Hz=FREQUENCY_HZ,
)
CURRENTS = np.array([rotating_mode(8), np.eye(8)[0] + 0j])


@pytest.fixture(scope="module")
def solution():
    return solve_cylinder(SHAPE, HEAD, 10)


def window(angle: float, shift_m: float, shape: CoilShape, pieces: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Midpoints and lengths of a filament round a window."""
    low, high, half = angle - np.pi / shape.rungs, angle + np.pi / shape.rungs, shape.length_m / 2
    t = np.linspace(0, 1, pieces + 1)
    angles = np.concatenate([low + t * (high - low), np.full(pieces, high), high + t[1:] * (low - high), np.full(pieces, low)])
    heights = np.concatenate(
        [np.full(pieces + 1, -half), -half + t[1:] * 2 * half, np.full(pieces, half), half - t[1:] * 2 * half]
    )
    corners = np.stack([shape.radius_m * np.cos(angles), shape.radius_m * np.sin(angles), heights + shift_m], -1)
    return (corners[1:] + corners[:-1]) / 2, np.diff(corners, axis=0)


@pytest.mark.parametrize("apart", [2, 3, 4])
def test_mutual_inductance_is_neumanns(apart):
    shape = CoilShape(radius_m=0.14, length_m=0.22, rungs=8, shield_radius_m=14.0)
    x, w = np.polynomial.legendre.leggauss(2)
    wanted = 0.0
    for a1, w1 in zip(x, w, strict=True):
        for a2, w2 in zip(x, w, strict=True):
            for z1, w3 in zip(x, w, strict=True):
                for z2, w4 in zip(x, w, strict=True):
                    turn, shift = shape.rung_width_m / 2 / shape.radius_m, shape.ring_width_m / 2
                    m1, l1 = window(a1 * turn, z1 * shift, shape)
                    m2, l2 = window(apart * np.pi / 4 + a2 * turn, z2 * shift, shape)
                    inverse = 1 / np.linalg.norm(m1[:, None] - m2[None], axis=-1)
                    wanted += MU0 / (4 * np.pi) * np.sum(l1 @ l2.T * inverse) * w1 * w2 * w3 * w4 / 16
    got = mesh_matrix(mode_inductances_H(shape))[0, apart]
    assert got == pytest.approx(wanted, rel=5e-4)


@pytest.mark.parametrize("order", [1, 2, 5])
def test_a_long_coil_is_two_dimensional(order):
    per_metre = []
    for length in (20.0, 40.0):
        shape = CoilShape(radius_m=0.3, length_m=length, rungs=16, shield_radius_m=0.36, rung_width_m=0.06, ring_width_m=0.3)
        k = (np.arange(20000) + 0.5) * 0.01
        per_metre.append(0.02 * order_kernel(shape, order, k) / shape.azimuthal(order) ** 2)
    wanted = 2 * np.pi * MU0 * order / 2 * (1 - (0.3 / 0.36) ** (2 * order))
    assert (per_metre[1] - per_metre[0]) / 20 == pytest.approx(wanted, rel=1e-4)  # the ends' share is the same in both


def test_low_frequency_is_static():
    body = empty_body(SHAPE, 1e3)
    got = mode_impedances_ohm(solve_cylinder(SHAPE, body, 6))
    wanted = 1j * body.omega_per_s * mode_inductances_H(SHAPE)
    assert np.abs(got - wanted).max() < 1e-6 * np.abs(wanted).max()
    exact = solve_cylinder(SHAPE, body, 2).order_impedances_ohm()
    assert np.abs(exact.imag / body.omega_per_s / order_inductances_H(SHAPE)[[2, 1, 0, 1, 2]] - 1).max() < 0.02  # k is cut off


def test_power_balance(solution):
    radius = HEAD.radii_m[-1]
    weights = [abs(SHAPE.weights(f.order, CURRENTS[:1])[0]) ** 2 for f in solution.orders]
    supplied = 0.5 * float(np.array(weights) @ solution.order_impedances_ohm().real)
    flux = solution.inward_power_W(radius, CURRENTS[0])
    assert flux > 0 and solution.inward_power_W(0.12, CURRENTS[0]) == pytest.approx(flux, rel=1e-9)
    assert supplied == pytest.approx(flux, rel=1e-6)
    x, w = np.polynomial.legendre.leggauss(8)
    heights, low, lost = np.linspace(-1, 1, 161), 0.0, 0.0
    angles = 2 * np.pi * np.arange(24) / 24
    for layer in HEAD.layers:
        half = (layer.outer_radius_m - low) / 2
        r = low + half * (x + 1)
        rr, pp, zz = (v.ravel() for v in np.meshgrid(r, angles, heights, indexing="ij"))
        e, _ = solution.fields(np.stack([rr * np.cos(pp), rr * np.sin(pp), zz], -1), CURRENTS[:1])
        density = layer.conductivity_S_per_m / 2 * (np.abs(e[0]) ** 2).sum(-1).reshape(len(r), -1)
        lost += float((w * half * r) @ density.sum(1)) * 2 * np.pi / 24 * (heights[1] - heights[0])
        low = layer.outer_radius_m
    assert lost == pytest.approx(flux, rel=1e-3)


def test_maxwell_and_interfaces(solution):
    step, where = 1e-5, np.array([[0.02, 0.03, 0.01], [0.05, 0.045, -0.06], [-0.07, 0.06, 0.02]])
    _, h = solution.fields(where, CURRENTS)
    slopes = [
        np.subtract(solution.fields(where + step * a, CURRENTS), solution.fields(where - step * a, CURRENTS)) / (2 * step)
        for a in np.eye(3)
    ]
    d = np.stack(slopes, axis=-2)[0]  # (channel, p, derivative, component)
    curl = np.stack([d[..., 1, 2] - d[..., 2, 1], d[..., 2, 0] - d[..., 0, 2], d[..., 0, 1] - d[..., 1, 0]], -1)
    assert np.abs(curl + 1j * HEAD.omega_per_s * MU0 * h).max() < 1e-5 * np.abs(curl).max()
    normal = np.array([0.6, 0.8, 0.0])
    for radius in HEAD.radii_m:
        pair = [solution.fields((radius + s) * normal[None] + [0, 0, 0.05], CURRENTS) for s in (-1e-9, 1e-9)]
        assert np.abs(pair[0][1] - pair[1][1]).max() < 1e-6 * np.abs(pair[0][1]).max()
        assert np.abs(np.cross(normal, pair[0][0] - pair[1][0])).max() < 1e-6 * np.abs(pair[0][0]).max()


def test_equal_layers_are_one():
    def body(*radii: float) -> LayeredBody:
        layers = tuple(Layer(outer_radius_m=r, permittivity=63.0, conductivity_S_per_m=0.46) for r in radii)
        return LayeredBody(layers=layers, frequency_Hz=FREQUENCY_HZ)

    where = np.array([[0.02, 0.03, 0.01], [0.05, 0.045, -0.06], [-0.07, 0.06, 0.02]])
    one, two = (solve_cylinder(SHAPE, b, 3).fields(where, CURRENTS) for b in (body(0.08), body(0.03, 0.08)))
    assert np.abs(one[0] - two[0]).max() < 1e-9 * np.abs(one[0]).max()


def test_long_empty_coil_is_uniform_and_circular():
    shape = CoilShape(radius_m=0.3, length_m=8.0, rungs=32, shield_radius_m=0.36, rung_width_m=0.02, ring_width_m=0.1)
    body = empty_body(shape, 1e5)
    _, h = solve_cylinder(shape, body, 2, period_m=60.0).fields(np.array([[0, 0, 0], [0.1, 0.05, 0.3]]), rotating_mode(32)[None])
    plus, minus = (MU0 / 2 * (h[0, :, 0] + sign * 1j * h[0, :, 1]) for sign in (1, -1))
    weight = shape.azimuthal(1) * 32
    wanted = MU0 / 2 * weight / shape.radius_m * (1 - (shape.radius_m / shape.shield_radius_m) ** 2)
    assert np.abs(plus) == pytest.approx(wanted, rel=1e-3)  # of half the coil's length, ends 4 m away
    assert np.abs(minus).max() < 1e-3 * wanted


def test_a_body_too_large_is_refused(solution):
    with pytest.raises(ValueRangeError, match="reaches the coil"):
        solve_cylinder(CoilShape(radius_m=0.07, length_m=0.2, rungs=8, shield_radius_m=0.1), HEAD, 2)
    with pytest.raises(ValueRangeError, match="beyond"):
        solution.fields(np.array([[0.15, 0, 0]]), CURRENTS)
    with pytest.raises(ValueRangeError, match="shield"):
        CoilShape(radius_m=0.07, length_m=0.2, rungs=8, shield_radius_m=0.05)
    with pytest.raises(ValueRangeError, match="no window"):
        CoilShape(radius_m=0.07, length_m=0.2, rungs=8, shield_radius_m=0.1, rung_width_m=0.06)
