# TRUTHS of transmit fields: a sphere of air in a shielded coil sees what cylinder harmonics give (two methods) | the two ports in
#   quadrature = the rotating mode | quadrature halves the power of one port for the same B1+ | body power = integral of SAR |
#   B1+ is the same along the axis's mirror | shimming: one channel and two apart in closed form, no worse than any start, beats
#   quadrature in a lossy cylinder and sphere, keeps a power limit | the relative field is 1 in the mean
from __future__ import annotations

import numpy as np
import pytest

from fullbore.data import Grid
from fullbore.errors import LimitError, ShapeError, ValueRangeError
from fullbore.hardware.rf.birdcage import CoilShape, rotating_mode
from fullbore.hardware.rf.coil_sphere import coil_sphere
from fullbore.hardware.rf.cylinder import empty_body, solve_cylinder
from fullbore.hardware.rf.ladder import mesh_resistance_ohm
from fullbore.hardware.rf.layers import Layer, LayeredBody
from fullbore.hardware.rf.shimming import rms_error, scaled_drive, shim_magnitude
from fullbore.hardware.rf.transmit import (
    cylinder_transmit,
    mean_b1_T_per_A,
    quadrature_currents,
    relative_channels,
    relative_field,
    sphere_transmit,
)

FREQUENCY_HZ = 127.74e6
SHAPE = CoilShape(radius_m=0.15, length_m=0.25, rungs=8, shield_radius_m=0.19)
COPPER = mesh_resistance_ohm(8, 0.02, 0.05)


def body(radius_m: float, permittivity: float = 63.0, conductivity: float = 0.46) -> LayeredBody:
    layer = Layer(outer_radius_m=radius_m, permittivity=permittivity, conductivity_S_per_m=conductivity)
    return LayeredBody(layers=(layer,), frequency_Hz=FREQUENCY_HZ)


@pytest.fixture(scope="module")
def sphere():
    grid = Grid.centred((9, 15, 15), (0.012,) * 3)
    return sphere_transmit(SHAPE, body(0.09), grid, np.eye(8) + 0j, COPPER)


def test_two_methods_agree_in_air():
    currents = np.stack([rotating_mode(8), np.eye(8)[0] + 0j])
    where = np.random.default_rng(0).uniform(-0.05, 0.05, (30, 3))
    by_sphere = coil_sphere(SHAPE, body(0.06, 1.0, 0.0), currents, 9).fields(where)
    by_cylinder = solve_cylinder(SHAPE, empty_body(SHAPE, FREQUENCY_HZ), 9).fields(where, currents)
    for got, wanted in zip(by_sphere, by_cylinder, strict=True):
        for channel in (0, 1):
            error = np.abs(got[channel] - wanted[channel]).max() / np.abs(wanted[channel]).max()
            assert error < 1e-3


def test_quadrature(sphere):
    ports = quadrature_currents(8)
    turning = np.array([1, -1j]) @ ports
    assert turning == pytest.approx(rotating_mode(8))
    one, both = ports[0], turning / 2  # the same B1+ at the centre
    grid_mean = [mean_b1_T_per_A(sphere, drive, 0.02) for drive in (one, both)]
    assert grid_mean[0] == pytest.approx(grid_mean[1], rel=0.02)  # other circular part only touches phase and rim
    assert sphere.forward_W(both) / sphere.forward_W(one) == pytest.approx(0.5, rel=1e-6)


def test_body_power_is_the_integral_of_sar():
    grid = Grid.centred((49, 49, 49), (0.004,) * 3)
    fields = sphere_transmit(SHAPE, body(0.09), grid, rotating_mode(8)[None], COPPER, highest=1, degree=16)
    lost = float((fields.sar_W_per_kg(np.ones(1) + 0j) * fields.density_kg_per_m3).sum() * grid.voxel_volume_m3)
    assert lost == pytest.approx(fields.body_power_W[0, 0].real, rel=0.01)  # voxels cut the rim in steps of 4 mm
    assert fields.body_mass_kg == pytest.approx(4 / 3 * np.pi * 0.09**3 * 1040)


def test_axial_mirror_and_relative_field(sphere):
    drive = rotating_mode(8)
    driven = sphere.driven_T(drive)
    assert np.abs(driven - driven[::-1]).max() < 1e-9 * np.abs(driven).max()
    relative = relative_field(sphere, drive)
    near = np.linalg.norm(sphere.grid.points_m(), axis=-1) <= 0.06
    assert np.abs(relative.values[0][near]).mean() == pytest.approx(1, rel=1e-5)
    centre, rim = relative.values[0, 4, 7, [7, 13]]
    assert abs(centre) > 1.1 > abs(rim)  # the wave in the head is brighter in its middle
    assert np.angle(rim / centre) < -0.1  # and comes from outside: the rim is ahead, which the signal's frame counts downward


def test_channels_add_up_to_the_drive(sphere):
    ports = sphere_transmit(SHAPE, body(0.09), sphere.grid, quadrature_currents(8), COPPER)
    each = relative_channels(ports, np.array([1, -1j]))
    whole = relative_field(sphere, rotating_mode(8))
    assert each.values.shape[0] == 2
    assert np.abs(each.values.sum(0) - whole.values[0]).max() < 1e-5


def test_one_channel_in_closed_form():
    field = np.array([[1.0], [2.0 * np.exp(1j)], [0.5j]])
    found = shim_magnitude(field, 3.0, [np.array([0.2 + 0.1j])])
    assert abs(found.weights[0]) == pytest.approx(3 * 3.5 / 5.25)
    assert scaled_drive(field, 3.0, np.ones(1) + 0j)[0] == pytest.approx(3 * 3.5 / 5.25)


def test_two_channels_apart_are_two_ones():
    field = np.zeros((6, 2), complex)
    field[:3, 0], field[3:, 1] = [1, 2, 0.5j], [0.3, 0.4j, -0.2]
    found = shim_magnitude(field, 1.0, [np.ones(2) + 0j])
    for c in (0, 1):
        size = np.abs(field[:, c])
        assert abs(found.weights[c]) == pytest.approx(size.sum() / (size**2).sum())


def test_shimming_beats_quadrature_in_sphere_and_cylinder(sphere):
    grid = Grid.centred((3, 15, 15), (0.012, 0.012, 0.03))
    cylinder = cylinder_transmit(SHAPE, body(0.09), grid, np.eye(8) + 0j, COPPER)
    rng = np.random.default_rng(0)
    for fields in (sphere, cylinder):
        region = fields.b1_T_per_A[:, fields.inside].T
        quadrature = scaled_drive(region, 1e-6, rotating_mode(8))
        starts = [rotating_mode(8), *np.exp(2j * np.pi * rng.random((4, 8)))]
        found = shim_magnitude(region, 1e-6, starts)
        before = rms_error(region, 1e-6, quadrature)
        assert found.rms_error < 0.9 * before
        limit = fields.forward_W(quadrature) * 0.8
        kept = shim_magnitude(region, 1e-6, starts, fields.power_W, limit)
        assert kept.power <= limit * (1 + 1e-9)
        weaker = quadrature * np.sqrt(0.8)
        assert found.rms_error <= kept.rms_error + 1e-9 and kept.rms_error <= rms_error(region, 1e-6, weaker)


def test_bad_shims_are_refused():
    field = np.ones((4, 2)) + 0j
    with pytest.raises(ShapeError):
        shim_magnitude(field, 1.0, [np.ones(2) + 0j], np.eye(3) + 0j)
    with pytest.raises(ValueRangeError):
        shim_magnitude(field, 0.0, [np.ones(2) + 0j])
    with pytest.raises(LimitError):
        shim_magnitude(field, 1.0, [np.ones(2) + 0j], np.eye(2) + 0j, 0.0)
