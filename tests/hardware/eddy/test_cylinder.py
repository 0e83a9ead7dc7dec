# TRUTHS of current sheets on cylinders: long waves decay with mu0 sigma t r / 2 (uniform field along or across), / 2m beyond
# | a long finite cylinder's slowest current does too | a uniform sheet is Lorenz's solenoid, in inductance and on its axis
# | no divergence, no curl within | field = sum of the sheet's pieces by Biot and Savart | inductances reciprocal, energy positive
# | what a sheet and its like send through each other falls with distance | a ball's first harmonics are exact
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ellipe, ellipk

from fullbore.errors import LimitError, ValueRangeError
from fullbore.hardware.eddy import SheetSpace, sheet_coil
from fullbore.hardware.eddy.cylinder import (
    MU0,
    CylinderBasis,
    azimuthal_current,
    decay_time_s,
    field_T,
    mutual_inductance_H,
    resistance_ohm,
    stream,
)
from fullbore.hardware.eddy.projection import ball_points, projected
from fullbore.hardware.eddy.sheet_coil import coil_field_T

SPACE = SheetSpace(primary_radius_m=0.41, shield_radius_m=0.485, primary_half_m=0.65, shield_half_m=0.75)
POINTS = np.array([[0.1, 0.05, -0.2], [0.2, -0.1, 0.1], [0.0, 0.0, 0.3], [-0.15, 0.2, 0.0]])


@pytest.mark.parametrize(("order", "divisor"), [(0, 2), (1, 2), (2, 4), (3, 6)])
def test_long_waves_decay_as_in_a_uniform_field(order, divisor):
    wanted = MU0 * 2.5e6 * 0.3 / divisor
    assert decay_time_s(order, 1e-4, 0.3, 2.5e6) == pytest.approx(wanted, rel=1e-5)


def test_a_long_cylinder_decays_like_an_endless_one():
    basis = CylinderBasis(radius_m=0.4, half_length_m=20.0, order=1, numbers=(1,))
    tau = mutual_inductance_H(basis, basis)[0, 0] / resistance_ohm(basis, 1e-6)[0]
    assert tau == pytest.approx(decay_time_s(1, np.pi / 40, 0.4, 1e6), rel=5e-4)  # its two ends, a radius each of 40 m


def test_a_uniform_sheet_is_a_solenoid():
    a, half = 0.4, 0.65
    basis = CylinderBasis(radius_m=a, half_length_m=half, order=0, numbers=(0,))
    square = a**2 / (a**2 + half**2)
    k = np.sqrt(square)
    shape = (2 * square - 1) / k**3 * ellipe(square) + (1 - square) / k**3 * ellipk(square) - 1
    assert mutual_inductance_H(basis, basis)[0, 0] == pytest.approx(8 / 3 * MU0 * a**3 * shape, rel=1e-6)
    z = np.array([0.0, 0.2, 0.5])
    on_axis = MU0 / 2 * ((z + half) / np.hypot(z + half, a) - (z - half) / np.hypot(z - half, a))
    field = field_T(basis, np.stack([0 * z, 0 * z, z], axis=1))[0]
    assert field[:, 2] == pytest.approx(on_axis, rel=1e-9)
    assert np.abs(field[:, :2]).max() < 1e-18


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize("sine", [False, True])
def test_maxwell_within(order, sine):
    basis = CylinderBasis(radius_m=0.45, half_length_m=0.7, order=order, numbers=(1, 2, 5))
    step = 1e-4
    slope = np.stack(
        [(field_T(basis, POINTS + e, sine) - field_T(basis, POINTS - e, sine)) / (2 * step) for e in step * np.eye(3)], axis=-1
    )
    size = np.abs(slope).max() + 1e-30
    assert np.abs(np.trace(slope, axis1=2, axis2=3)).max() < 1e-6 * size
    assert np.abs(slope - np.swapaxes(slope, 2, 3)).max() < 1e-6 * size


@pytest.mark.parametrize(("order", "sine"), [(0, False), (1, False), (1, True), (2, True)])
def test_field_is_biot_and_savarts(order, sine):
    a, half = 0.45, 0.7
    basis = CylinderBasis(radius_m=a, half_length_m=half, order=order, numbers=(1, 2))
    x, w = np.polynomial.legendre.leggauss(120)
    z, phi = (part.ravel() for part in np.meshgrid(half * x, 2 * np.pi * np.arange(96) / 96, indexing="ij"))
    around, across = (np.sin, np.cos) if sine else (np.cos, lambda p: -np.sin(p))
    area = np.repeat(w, 96) * half * a * 2 * np.pi / 96
    place = np.stack([a * np.cos(phi), a * np.sin(phi), z], axis=1)
    for n in range(2):
        flow = around(order * phi) * azimuthal_current(basis, z)[n]
        rise = -order / a * across(order * phi) * stream(basis, z)[n]
        sheet = np.stack([-np.sin(phi) * flow, np.cos(phi) * flow, rise], axis=1) * area[:, None]
        away = POINTS[:, None] - place
        wanted = MU0 / (4 * np.pi) * np.cross(sheet, away / np.linalg.norm(away, axis=2, keepdims=True) ** 3).sum(axis=1)
        found = field_T(basis, POINTS, sine)[n]
        assert np.abs(found - wanted).max() < 1e-7 * np.abs(wanted).max()


def test_inductances_are_reciprocal_and_energy_is_positive():
    one = CylinderBasis(radius_m=0.41, half_length_m=0.65, order=1, numbers=tuple(range(1, 9)))
    other = CylinderBasis(radius_m=0.5, half_length_m=0.8, order=1, numbers=tuple(range(1, 9)))
    cross = mutual_inductance_H(one, other)
    assert np.allclose(cross, mutual_inductance_H(other, one).T, rtol=1e-12, atol=0)
    whole = np.block([[mutual_inductance_H(one, one), cross], [cross.T, mutual_inductance_H(other, other)]])
    assert np.linalg.eigvalsh(whole).min() > 0


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_a_sheet_coil_is_linear_and_gives_its_gradient(axis):
    coil = sheet_coil(axis, SPACE)
    points, weights = ball_points(0.2, 12)
    wanted = np.eye(4)["xyz".index(axis)]
    found = projected(points, weights, coil_field_T(coil, points)[:, 2])
    assert found == pytest.approx(wanted, abs=2e-5)  # its gradient is set by a difference over a millimetre
    edge, _ = ball_points(0.225, 12)
    deviation = coil_field_T(coil, edge)[:, 2] - edge[:, "xyz".index(axis)]
    assert np.abs(deviation).max() / 0.225 <= coil.linearity * (1 + 1e-3) <= 0.05 * (1 + 1e-3)


def test_less_linear_costs_less_and_turns_do_not_matter():
    wide = sheet_coil("x", replace(SPACE, linearity=0.15))
    tight = sheet_coil("x", SPACE)
    assert wide.energy_J < tight.energy_J
    (l1, r1), (l2, r2) = tight.wound(1e-5), tight.wound(2e-5)
    assert (l2 / l1, r2 / r1) == pytest.approx((4.0, 4.0))


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueRangeError, match="CylinderBasis"):
        CylinderBasis(radius_m=0.4, half_length_m=0.5, order=1, numbers=(0,))
    with pytest.raises(ValueRangeError, match="from the axis"):
        field_T(CylinderBasis(radius_m=0.4, half_length_m=0.5, order=1, numbers=(1,)), np.array([[0.395, 0.0, 0.0]]))
    with pytest.raises(ValueRangeError, match="SheetSpace"):
        SheetSpace(primary_radius_m=0.2, shield_radius_m=0.3, primary_half_m=0.5, shield_half_m=0.5)
    short = SheetSpace(primary_radius_m=0.41, shield_radius_m=0.485, primary_half_m=0.2, shield_half_m=0.2, linearity=1e-4)
    with pytest.raises(LimitError, match="is the best"):
        sheet_coil("x", short)
