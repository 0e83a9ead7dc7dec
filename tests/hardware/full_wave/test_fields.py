# TRUTHS of the fields: a sphere and a layered sphere are Mie's, ever nearer with smaller cubes | a dielectric sphere in a slow
# field: 3 / (eps + 2) | a conducting sphere in a slow B: E = -i omega B r / 2 | extinction = absorption + radiation | the coil
# gives what body and space take | power of loops in a sphere, shared too = the array's exact sphere | J_a . E_b = J_b . E_a
# power matrix = sum of squares | no body, no change | Ctrl-C ends it
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from fullbore.data import Grid
from fullbore.errors import ShapeError, ValueRangeError
from fullbore.hardware.array.loop import circle
from fullbore.hardware.array.sphere import Sphere, entering_waves, sphere_resistance
from fullbore.hardware.full_wave import VoxelBody, body_fields, incident_on, loop_array
from fullbore.hardware.full_wave.body import on_edges
from fullbore.hardware.full_wave.currents import CoilCurrents, birdcage, coil_field
from fullbore.hardware.full_wave.solution import absorbed_W, fields_of_currents
from tests.hardware.full_wave.bodies import (
    C0,
    EPS0,
    MU0,
    LARMOR_Hz,
    complex_permittivity,
    plane_wave,
    scattered_wave,
    sphere_body,
)
from tests.hardware.full_wave.mie import absorbed_power_W, mie_fields

BRAIN = (52.0, 0.55)


def _errors(fields, layers, depth_m):
    """Relative root mean square errors of E and B in voxels at least `depth_m` from every surface."""
    points = fields.body.grid.points_m()
    radius = np.linalg.norm(points, axis=-1)
    inside = np.all([np.abs(radius - outer) > depth_m for outer, *_ in layers], axis=0) & (radius < layers[-1][0])
    eps = [complex_permittivity(*rest) for _, *rest in layers]
    exact = mie_fields(points[inside], [outer for outer, *_ in layers], eps, fields.frequency_Hz)
    found = fields.electric[0][:, inside], fields.magnetic[0][:, inside]
    return [np.linalg.norm(f - e) / np.linalg.norm(e) for f, e in zip(found, exact, strict=True)]


def test_mie_itself():
    points = np.random.default_rng(0).normal(size=(40, 3)) * 0.02
    e, b = mie_fields(points, [0.03, 0.3], [1, 1], LARMOR_Hz)
    wave = np.exp(-2j * np.pi * LARMOR_Hz / C0 * points[:, 2])
    assert_allclose(e, [wave, 0 * wave, 0 * wave], atol=1e-8)
    assert_allclose(b * C0, [0 * wave, wave, 0 * wave], atol=1e-8)
    eps = complex_permittivity(*BRAIN)
    assert_allclose(
        mie_fields(points, [0.15], [eps], LARMOR_Hz), mie_fields(points, [0.03, 0.15], [eps, eps], LARMOR_Hz), atol=1e-9
    )


@pytest.mark.slow
def test_sphere_is_mie_and_converges():
    layers = [(0.06, *BRAIN)]
    errors = [_errors(scattered_wave(sphere_body(h, layers)), layers, 0.015) for h in (0.01, 0.006, 0.004)]
    # steps of the surface are first order in the edge: 4 mm leave 4 % of E and 1 % of B, less than the tissues are known to
    assert errors[2][0] < 0.045 and errors[2][1] < 0.01
    assert errors[1][0] < 0.7 * errors[0][0] and errors[2][0] < 0.75 * errors[1][0]
    assert errors[1][1] < 0.75 * errors[0][1] and errors[2][1] < 0.8 * errors[1][1]


def test_absorbed_power_goes_to_mie():
    eps, sigma = BRAIN
    exact = absorbed_power_W(0.06, complex_permittivity(eps, sigma), sigma, LARMOR_Hz)
    ratio = [absorbed_W(scattered_wave(sphere_body(h, [(0.06, eps, sigma)])))[0, 0].real / exact for h in (0.012, 0.006)]
    # first order: an edge that only touches the body feels the strong field before a surface that a plane wave meets head on
    assert 0 < ratio[1] - 1 < 0.12 and ratio[1] - 1 < 0.75 * (ratio[0] - 1)


def test_power_in_a_coil_hardly_depends_on_the_cubes():
    power = []
    for h in (0.012, 0.006):
        body = sphere_body(h, [(0.06, *BRAIN)])
        share = body.matter.sum() * h**3 / (4 / 3 * np.pi * 0.06**3)
        fields = body_fields(body, *incident_on(birdcage(8, 0.14, 0.2), body, LARMOR_Hz), LARMOR_Hz)
        power.append(absorbed_W(fields)[0, 0].real / share ** (5 / 3))  # eddy losses go with the fifth power of the radius
    assert power[0] == pytest.approx(power[1], rel=0.02)  # first order in the edge


def _loops_about(count, distance_m, radius_m):
    """Circles that look at the axis, as wires for the array's exact sphere and as the same currents for the solver."""
    turns = 2 * np.pi * np.arange(count) / count
    ways = np.stack([np.cos(turns), np.sin(turns), 0 * turns], axis=1)
    loops = tuple(circle(distance_m * way, way, radius_m) for way in ways)
    wires = [loop.thinned(128) for loop in loops]
    return loops, CoilCurrents(
        name="loops",
        midpoints_m=np.concatenate([points for points, _ in wires]),
        lengths_m=np.concatenate([lengths for _, lengths in wires]),
        amplitude=np.kron(np.eye(count), np.ones(128)),
    )


def test_power_from_loops_is_the_exact_spheres():
    loops, coil = _loops_about(4, 0.11, 0.06)
    exact = Sphere(radius_m=0.07, permittivity=BRAIN[0], conductivity_S_per_m=BRAIN[1], b0_T=3.0)
    frequency = exact.omega / (2 * np.pi)
    wanted = sphere_resistance(exact, entering_waves(exact, loops, 40)).real
    off = []
    for h in (0.014, 0.007):
        body = sphere_body(h, [(0.07, *BRAIN)])
        found = 2 * absorbed_W(body_fields(body, *incident_on(coil, body, frequency), frequency)).real
        share = body.matter.sum() * h**3 / (4 / 3 * np.pi * 0.07**3)  # eddy losses: the fifth power of the radius
        off.append([found[0, 0] / wanted[0, 0] / share ** (5 / 3) - 1, found[0, 1] / wanted[0, 1] / share ** (5 / 3) - 1])
    # steps of the surface: ten cubes in a radius leave 1 % of a loop's power, 3 % of what two loops share
    assert abs(off[1][0]) < 0.015 and abs(off[1][1]) < 0.03
    assert np.all(np.abs(off[1]) < 0.5 * np.abs(off[0]))


@pytest.mark.slow
def test_layered_sphere_is_mie():
    layers = [(0.04, 70.0, 0.9), (0.06, 12.0, 0.1)]
    # the thin poor layer has only its middle far enough from steps
    e, b = _errors(scattered_wave(sphere_body(0.004, layers)), layers, 0.008)
    assert e < 0.08 and b < 0.015


def test_slow_electric_field():
    eps = 6.0
    fields = scattered_wave(sphere_body(0.004, [(0.04, eps, 0.0)]), 1e6)
    middle = fields.electric[0, 0, 8:12, 8:12, 8:12]
    assert_allclose(middle, 3 / (eps + 2), rtol=0.05)  # ten cubes in a radius, and first order in the edge


def test_slow_magnetic_field_drives_eddies():
    frequency, body = 1e5, sphere_body(0.004, [(0.04, 1.0, 0.5)])
    edges = body.edge_points_m()
    uniform = np.zeros((1, *edges.shape[:4]), complex)
    omega = 2 * np.pi * frequency
    uniform[0, 0], uniform[0, 1] = 0.5j * omega * edges[0, ..., 1], -0.5j * omega * edges[1, ..., 0]
    magnetic = np.zeros((1, 3, *body.grid.shape), complex)
    magnetic[0, 2] = 1
    fields = body_fields(body, uniform, magnetic, frequency, tolerance=1e-6, dtype=torch.complex128)
    points = body.grid.points_m()
    deep = np.linalg.norm(points, axis=-1) < 0.03
    expected = 0.5j * omega * np.stack([points[..., 1], -points[..., 0], 0 * points[..., 0]])
    # the induced current's own field is (radius / skin depth)^2 ~ 3e-4 of it; the rest is the surface's steps
    found = fields.electric[0][:, deep]
    assert np.linalg.norm(found - expected[:, deep]) < 0.02 * np.linalg.norm(expected[:, deep])


def _radiated_W(current_moment, places, frequency_Hz):
    """Power through a sphere at infinity of moments (A m) at places: quadrature over directions."""
    k = 2 * np.pi * frequency_Hz / C0
    cosine, weight = np.polynomial.legendre.leggauss(12)
    total = 0.0
    for c, w in zip(cosine, weight, strict=True):
        for phi in np.arange(16) * np.pi / 8:
            along = np.array([np.sqrt(1 - c * c) * np.cos(phi), np.sqrt(1 - c * c) * np.sin(phi), c])
            seen = (current_moment * np.exp(1j * k * places @ along)[:, None]).sum(axis=0)
            total += w * np.pi / 8 * (np.abs(seen - along * (along @ seen)) ** 2).sum()
    return MU0 * C0 * k**2 / (32 * np.pi**2) * total


def _moments(fields, channel=0):
    body = fields.body
    held = on_edges(body.matter.astype(float)) > 0
    moment = fields.edge_current[channel][held] * body.spacing_m**3
    return moment[:, None] * np.eye(3)[np.nonzero(held)[0]], body.edge_points_m()[held]


def test_extinction_is_absorption_and_radiation():
    body = sphere_body(0.006, [(0.06, *BRAIN)])
    fields = scattered_wave(body, tolerance=1e-6, dtype=torch.complex128)
    incident = plane_wave(body, LARMOR_Hz)[0]
    extinct = 0.5 * np.real(np.vdot(incident[0], fields.edge_current[0])) * body.spacing_m**3
    taken = absorbed_W(fields)[0, 0].real + _radiated_W(*_moments(fields), LARMOR_Hz)
    assert extinct == pytest.approx(taken, rel=1e-4)


@pytest.mark.slow
def test_coil_gives_what_body_and_space_take():
    body = sphere_body(0.006, [(0.05, *BRAIN)])
    coil = loop_array(1, 0.10, 0.08, 0.3)
    fields = body_fields(body, *incident_on(coil, body, LARMOR_Hz), LARMOR_Hz, tolerance=1e-6, dtype=torch.complex128)
    drive = coil.amplitude[0][:, None] * coil.lengths_m
    back = fields_of_currents(fields, coil.midpoints_m)[0][0]
    # of the coil's own field the part in phase: mu0 omega sin(k R) / 4 pi R, which has no singularity
    distance = np.linalg.norm(coil.midpoints_m[:, None] - coil.midpoints_m, axis=-1)
    k = 2 * np.pi * LARMOR_Hz / C0
    own = -MU0 * 2 * np.pi * LARMOR_Hz * k / (4 * np.pi) * np.sinc(k * distance / np.pi) @ drive
    given = -0.5 * np.real(np.sum(drive.conj() * (back.T + own)))
    moment, places = _moments(fields)
    everything = np.concatenate([moment, drive]), np.concatenate([places, coil.midpoints_m])
    assert given == pytest.approx(absorbed_W(fields)[0, 0].real + _radiated_W(*everything, LARMOR_Hz), rel=1e-3)


@pytest.mark.slow
def test_reciprocity():
    body = sphere_body(0.006, [(0.03, 70.0, 0.9), (0.05, *BRAIN)])
    coil = loop_array(3, 0.09, 0.08)
    incident, magnetic = incident_on(coil, body, LARMOR_Hz)
    fields = body_fields(body, incident, magnetic, LARMOR_Hz, tolerance=1e-7, dtype=torch.complex128)
    # coil to coil through the body: the reaction of a's currents with the field that b's body currents have, and the other way
    reaction = np.einsum("aeijk,beijk->ab", incident, fields.edge_current)
    assert_allclose(reaction, reaction.T, atol=1e-5 * np.abs(reaction).max())
    back = fields_of_currents(fields, coil.midpoints_m)[0]
    at_coil = np.einsum("an,ni,bin->ab", coil.amplitude, coil.lengths_m, back)
    assert_allclose(at_coil, reaction * body.spacing_m**3, atol=1e-3 * np.abs(at_coil).max())
    assert_allclose(reaction[0, 1], reaction[0, 2], rtol=0.05)  # a ball of cubes is not quite round


def test_power_matrix_is_hermitian_and_sums_squares():
    body = sphere_body(0.01, [(0.05, *BRAIN)])
    fields = body_fields(body, *incident_on(birdcage(8, 0.12, 0.15), body, LARMOR_Hz), LARMOR_Hz)
    power = absorbed_W(fields)
    assert_allclose(power, power.conj().T)
    assert np.linalg.eigvalsh(power)[0] > 0
    turned = np.array([1, 1j])
    total = np.tensordot(turned, fields.edge_electric, axes=1)
    direct = 0.5 * body.spacing_m**3 * (on_edges(body.conductivity) * np.abs(total) ** 2).sum()
    assert (turned.conj() @ power @ turned).real == pytest.approx(direct, rel=1e-5)


def test_quadrature_turns_with_the_spins():
    body = sphere_body(0.01, [(0.05, *BRAIN)])
    fields = body_fields(body, *incident_on(birdcage(16, 0.15, 0.2), body, LARMOR_Hz), LARMOR_Hz)
    centre = (slice(None), 5, 5, 5)
    good = np.array([1, -1j]).conj() @ fields.b1_plus[centre]
    bad = np.array([1, 1j]).conj() @ fields.b1_plus[centre]
    assert abs(bad) < 0.01 * abs(good)  # the middle voxels lie half a voxel off the axis
    # in time: the magnetic field at the centre turns from x towards y, as protons do about -z
    b = np.tensordot(np.array([1, -1j]), fields.magnetic[(slice(None), slice(None), 5, 5, 5)], axes=1)
    quarter = np.real(b * np.exp(0.5j * np.pi))[:2], np.real(b)[:2]
    assert quarter[1][0] * quarter[0][1] - quarter[1][1] * quarter[0][0] > 0


def test_loop_field_in_space():
    frequency, radius = 1e3, 0.1
    angle = 2 * np.pi * np.arange(200) / 200
    ring = radius * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    coil = CoilCurrents(
        name="ring",
        midpoints_m=(ring + np.roll(ring, -1, 0)) / 2,
        lengths_m=np.roll(ring, -1, 0) - ring,
        amplitude=np.ones((1, 200)),
    )
    z = np.array([0.0, 0.05, 0.2])
    _, b = coil_field(coil, np.stack([0 * z, 0 * z, z], axis=1), frequency)
    assert_allclose(b[0, 2], MU0 * radius**2 / 2 / (radius**2 + z**2) ** 1.5, rtol=5e-4)  # a polygon of 200 sides


def test_birdcage_loses_no_current_and_its_shield_is_tight():
    coil = birdcage(12, 0.3, 1.6, 0.36)
    ends = np.concatenate([coil.midpoints_m - coil.lengths_m / 2, coil.midpoints_m + coil.lengths_m / 2])
    flow = np.concatenate([-coil.amplitude, coil.amplitude], axis=1)
    _, node = np.unique(np.round(ends, 6), axis=0, return_inverse=True)
    for port in flow:
        total = np.bincount(node.ravel(), port.real)
        assert np.abs(total).max() < 1e-12
    angle = np.arange(12) * np.pi / 6 + 0.1
    wall = 0.36 * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    _, b = coil_field(coil, wall, 1e5)
    _, bare = coil_field(birdcage(12, 0.3, 1.6), wall, 1e5)
    normal = np.einsum("pi,cip->cp", wall / 0.36, b), np.einsum("pi,cip->cp", wall / 0.36, bare)
    # exact for endless rungs; at 1.6 m the ends still show
    assert np.abs(normal[0]).max() < 0.03 * np.abs(normal[1]).max()


def test_refusals():
    body = sphere_body(0.01, [(0.05, *BRAIN)])
    with pytest.raises(ValueRangeError, match="wider coil"):
        incident_on(loop_array(4, 0.05, 0.05), body, LARMOR_Hz)
    with pytest.raises(ShapeError, match="incident"):
        body_fields(body, np.zeros((1, 3, 2, 2, 2), complex), np.zeros((1, 3, 2, 2, 2), complex), LARMOR_Hz)
    with pytest.raises(ValueRangeError, match="iterations"):
        scattered_wave(body, iterations=2)
    with pytest.raises(KeyboardInterrupt):
        scattered_wave(body, tell=_interrupt)
    with pytest.raises(ValueRangeError, match="rungs"):
        birdcage(3, 0.1, 0.1)
    with pytest.raises(ValueRangeError, match="shield"):
        birdcage(8, 0.1, 0.1, 0.09)
    cube = np.full((2, 2, 2), 2.0)
    with pytest.raises(ShapeError, match="cubes"):
        VoxelBody(permittivity=cube, conductivity=cube, density=cube, grid=Grid.centred((2, 2, 2), (1e-3, 1e-3, 2e-3)))
    with pytest.raises(ValueRangeError, match="air"):
        VoxelBody(permittivity=cube / 2, conductivity=0 * cube, density=cube, grid=Grid.centred((2, 2, 2), (1e-3,) * 3))
    with pytest.raises(ValueRangeError, match="permittivity"):
        VoxelBody(permittivity=cube / 4, conductivity=cube, density=cube, grid=Grid.centred((2, 2, 2), (1e-3,) * 3))


def _interrupt(share, text):
    assert 0 <= share <= 1 and EPS0 > 0
    raise KeyboardInterrupt
