# TRUTHS of induced fields: a trunk's volume | an ellipse in an even field has E in closed form | a round trunk in a longitudinal
#   gradient too | a gauge changes nothing | no current leaves | whole-body coils are
#   felt from 40 to 100 T/m/s, y first and z last; a slim trunk feels them later | SAFE follows | coils that touch the trunk are
#   refused
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.errors import LimitError, ValueRangeError
from fullbore.hardware import Brief, design
from fullbore.hardware.gradient import design_axis, load_gradient_brief
from fullbore.hardware.gradient.stimulation import (
    Trunk,
    effective_length_m,
    felt_model,
    induced_field,
    trunk_mesh,
)
from fullbore.physics.straight_wires import piece_potential_T_m, track_pieces

A, B = 0.19, 0.13
MESH = trunk_mesh(Trunk())
X, Y, Z = MESH.nodes_m.T
CENTRES = MESH.nodes_m[MESH.cells].mean(axis=1)


def curl_of_even_field(nodes):
    return 0.5 * np.stack([-nodes[:, 1], nodes[:, 0], 0 * nodes[:, 0]], axis=1)


def ring(radius, height, points=400):
    angle = np.linspace(0, 2 * np.pi, points + 1)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), np.full_like(angle, height)], axis=1)


def potential(nodes, path):
    return piece_potential_T_m(nodes, *track_pieces([path]))


def test_the_mesh_fills_the_trunk():
    fine = trunk_mesh(Trunk(rings=16, around=80))
    ratios = [mesh.volumes_m3.sum() / (np.pi * A * B * 1.4) for mesh in (MESH, fine)]
    assert 0.99 < ratios[0] < ratios[1] < 1
    # a polygon of n sides lacks 2 pi^2 / 3 n^2 of its circle
    assert 1 - ratios[1] == pytest.approx(2 * np.pi**2 / 3 / 80**2, rel=0.01)


def test_an_ellipse_in_an_even_field():
    fine = trunk_mesh(Trunk(rings=16, around=80, along=28))
    errors = []
    for mesh in (MESH, fine):
        x, y, _ = mesh.nodes_m[mesh.cells].mean(axis=1).T
        exact = np.stack([A**2 * y, -(B**2) * x, 0 * x], axis=1) / (A**2 + B**2)
        found = induced_field(mesh, curl_of_even_field(mesh.nodes_m))
        errors.append(np.abs(found - exact).max() / np.abs(exact).max())
    assert errors[1] < 0.6 * errors[0] < 0.6 * 0.05  # linear elements: first order of the cell
    assert np.linalg.norm(found, axis=1).max() == pytest.approx(A**2 * B / (A**2 + B**2), rel=0.01)


def test_a_round_trunk_in_a_longitudinal_gradient():
    mesh = trunk_mesh(Trunk(half_width_m=0.16, half_depth_m=0.16, length_m=0.8))
    x, y, z = mesh.nodes_m.T
    found = induced_field(mesh, 0.5 * z[:, None] * np.stack([-y, x, 0 * x], axis=1))
    cx, cy, cz = mesh.nodes_m[mesh.cells].mean(axis=1).T
    exact = -0.5 * cz[:, None] * np.stack([-cy, cx, 0 * cx], axis=1)
    assert np.abs(found - exact).max() < 0.04 * np.abs(exact).max()  # linear elements, eight rings


def test_a_gauge_changes_nothing():
    rates = potential(MESH.nodes_m, ring(0.4, 0.2))
    slope = np.array([0.3, -0.2, 0.5]) * 1e-6  # of a potential that linear elements hold exactly
    one, two = induced_field(MESH, rates), induced_field(MESH, rates + slope)
    assert np.abs(one - two).max() < 1e-6 * np.abs(one).max()


def test_no_current_leaves():
    found = induced_field(MESH, potential(MESH.nodes_m, ring(0.4, 0.2) + (0.1, 0, 0)))
    fluxes = np.einsum("cid,cd,c->ci", MESH.slopes_per_m, found, MESH.volumes_m3)
    total = np.bincount(MESH.cells.ravel(), fluxes.ravel(), minlength=len(MESH.nodes_m))
    assert np.abs(total).max() < 1e-6 * np.abs(fluxes).max()


@pytest.fixture(scope="module")
def coils():
    """The 75 cm preset's x and z with a third of their turns; y is x turned."""
    brief = load_gradient_brief("75cm")
    few = replace(brief, drive=replace(brief.drive, current_A=3600.0, voltage_V=2000.0))
    x, z = (design_axis(few, axis) for axis in "xz")
    return x, replace(x, axis="y", track_m=x.track_m @ np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])), z


def test_where_nerves_feel_coils(coils):
    x, y, z = (effective_length_m(coil) for coil in coils)
    # 20 T/s over the length is the slew rate of long ramps; whole-body coils are felt at some 60 T/m/s
    assert 100 > 20 / z > 20 / x > 20 / y > 40
    assert effective_length_m(coils[1], Trunk(half_width_m=0.14, half_depth_m=0.10)) < y
    assert effective_length_m(coils[1], Trunk(rings=12, around=48, along=60)) == pytest.approx(y, rel=0.03)  # linear elements


def test_a_machine_with_coils():
    model = design(Brief(preset="fullbore-75cm")).stimulation
    made = felt_model(model, (0.2, 0.4, 0.5), "these")
    assert made.safe is not None and model.safe is not None and "these" in made.source
    assert made.rheobase_T_per_s == model.rheobase_T_per_s and made.effective_length_m == (0.2, 0.4, 0.5)
    for axis in range(3):
        assert made.safe.stim_limit_T_per_m_s[axis] == pytest.approx(20 / made.effective_length_m[axis], rel=1e-4)
        assert made.safe.stim_threshold_T_per_m_s[axis] == pytest.approx(0.8 * made.safe.stim_limit_T_per_m_s[axis], rel=1e-4)


def test_trunks_that_do_not_fit(coils):
    with pytest.raises(LimitError, match="trunk"):
        effective_length_m(coils[0], Trunk(half_width_m=0.5))
    with pytest.raises(ValueRangeError, match="Trunk"):
        Trunk(rings=1)
