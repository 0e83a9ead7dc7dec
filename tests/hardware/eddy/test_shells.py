# TRUTHS of eddy currents in shells: modes part both matrices | a loop's flux through a mode = its mutual inductances with loops
# | a Maxwell pair and Golay's saddles have their published gradients | a symmetric machine has no cross and no B0 terms
# | out of place it has, odd in the displacement | a coil whose shield is perfect leaves none | Lenz: the field lags
# | a mesh = the analytic cylinder, a mesh = the sphere's mu0 sigma t a / (2l + 1), 2l + 1 of each | mesh and shell fields agree
# | what a coil gives = what shells store and lose | still currents leave nothing
import numpy as np
import pytest
from scipy.spatial import ConvexHull

from fullbore.data import GradientResponse
from fullbore.errors import ShapeError, ValueRangeError
from fullbore.hardware.eddy import (
    Pose,
    SheetSpace,
    Shell,
    eddy_response,
    mode_fields_T,
    sheet_coil,
    sheet_flux_Wb,
    shell_modes,
    wire_flux_Wb,
)
from fullbore.hardware.eddy.cylinder import MU0, CylinderBasis, azimuthal_current, coupling, mutual_inductance_H, resistance_ohm
from fullbore.hardware.eddy.mesh import (
    SurfaceMesh,
    cylinder_mesh,
    inductance_matrix,
    mesh_fields_T,
    mesh_flux_Wb,
    mesh_modes,
)
from fullbore.hardware.eddy.play import played
from fullbore.hardware.eddy.projection import ball_points, projected
from fullbore.hardware.eddy.sheet_coil import SheetCoil
from fullbore.hardware.eddy.wires import loop_track, maxwell_tracks, saddle_tracks
from fullbore.hardware.gradient_response import frequency_response
from fullbore.hardware.magnet.loop import loop_mutual_inductance
from fullbore.physics.straight_wires import piece_field_T, track_pieces

BORE = Shell(name="bore", radius_m=0.505, half_length_m=0.8, thickness_m=3e-3, conductivity_S_per_m=1.4e6)
COLD = Shell(name="cold", radius_m=0.525, half_length_m=0.75, thickness_m=4e-3, conductivity_S_per_m=3e8)
MODES = shell_modes((BORE, COLD), waves=10)


def amplitudes(modes, fluxes):
    points, weights = ball_points()
    field = projected(points, weights, mode_fields_T(modes, points)[:, :, 2])
    return field.T @ (fluxes / modes.time_constant_s[:, None])


def test_modes_part_both_matrices():
    block = MODES.blocks[1]
    inductance = np.block([[mutual_inductance_H(a, b) for b in block.bases] for a in block.bases])
    loss = np.concatenate([resistance_ohm(b, 1 / s.conductance_S) for b, s in zip(block.bases, MODES.shells, strict=True)])
    v = block.vectors
    assert np.allclose(v.T @ (loss[:, None] * v), np.eye(20), atol=1e-9)
    assert np.allclose(v.T @ inductance @ v, np.diag(block.time_constant_s), atol=1e-7 * block.time_constant_s[0])


def test_flux_of_a_loop():
    modes = shell_modes((BORE,), orders=(0,), waves=6)
    found = wire_flux_Wb(modes, [loop_track(0.41, 0.21, corners=720)])
    x, w = np.polynomial.legendre.leggauss(200)
    z = BORE.half_length_m * x
    mutual = loop_mutual_inductance(np.array([[0.41, 0.21]]), np.stack([np.full(200, 0.505), z], axis=1))[0]
    basis = modes.blocks[0].bases[0]
    wanted = modes.blocks[0].vectors.T @ (azimuthal_current(basis, z) @ (w * BORE.half_length_m * mutual))
    assert np.abs(found - wanted).max() < 1e-4 * np.abs(wanted).max()


def test_published_gradients_of_simple_coils():
    points, weights = ball_points(0.05)
    maxwell = projected(points, weights, piece_field_T(points, *track_pieces(maxwell_tracks(0.4)))[:, 2])
    assert maxwell == pytest.approx([0, 0, 48 / 49 * np.sqrt(3 / 7) * MU0 / 0.4**2, 0], abs=1e-10)
    saddles = saddle_tracks(0.4, 0.389 * 0.4, 2.57 * 0.4, 2 * np.pi / 3)
    golay = projected(points, weights, piece_field_T(points, *track_pieces(saddles))[:, 2])
    # the textbooks' figure has three digits, and the arcs are of 39 chords
    assert golay[0] == pytest.approx(9.18e-7 / 0.4**2, rel=4e-3)
    assert np.abs(golay[1:]).max() < 1e-9 * golay[0]


def test_a_symmetric_machine_has_no_cross_and_no_uniform_terms():
    space = SheetSpace(primary_radius_m=0.41, shield_radius_m=0.485, primary_half_m=0.65, shield_half_m=0.75, shielding=30.0)
    sheets = np.stack([sheet_flux_Wb(MODES, sheet_coil(axis, space)) for axis in "xyz"], axis=1)
    wires = np.stack(
        [wire_flux_Wb(MODES, saddle_tracks(0.4, 0.16, 0.6, 2.0, axis), 64, 80) for axis in "xy"]
        + [wire_flux_Wb(MODES, maxwell_tracks(0.4), 64, 80)], axis=1,
    )  # fmt: skip
    for fluxes in (sheets, wires):
        found = amplitudes(MODES, fluxes)
        own = np.diag(found[:3])
        assert (own > 0).all()  # Lenz: the field lags
        assert np.abs(found - np.vstack([np.diag(own), np.zeros(3)])).max() < 1e-9 * own.max()


def test_out_of_place_there_are_cross_and_uniform_terms():
    tracks = [saddle_tracks(0.4, 0.16, 0.6, 2.0, "x"), saddle_tracks(0.4, 0.16, 0.6, 2.0, "y"), maxwell_tracks(0.4)]

    def found(pose):
        modes = shell_modes((BORE,), orders=(0, 1, 2), waves=8, pose=pose)
        return amplitudes(modes, np.stack([wire_flux_Wb(modes, t, 64, 64) for t in tracks], axis=1))

    none, along, back = (found(Pose(offset_m=(0.0, 0.0, d))) for d in (0.0, 5e-3, -5e-3))
    assert np.abs(none[3]).max() < 1e-7 * abs(none[2, 2])  # 64 points around
    # along z it is small: an endless shell would not know that it moved
    assert abs(along[3, 2]) > 1e2 * np.abs(none[3]).max() and along[3, 2] == pytest.approx(-back[3, 2], rel=1e-6)
    aside = found(Pose(offset_m=(5e-3, 0.0, 0.0)))
    assert abs(aside[3, 0]) > 1e2 * np.abs(none[3]).max() and abs(aside[3, 1]) < 1e-9 * abs(aside[3, 0])
    tilted = found(Pose(tilt_rad=(0.0, 5e-3)))
    assert abs(tilted[0, 2]) > 1e2 * np.abs(none[:2, 2]).max() and abs(tilted[1, 2]) < 1e-6 * abs(tilted[0, 2])


def test_a_perfect_shield_leaves_none():
    # endless sheets: a long piece of a wave, far from its ends
    wave = {"half_length_m": 12.0, "order": 1, "numbers": (48,)}
    primary, shield = CylinderBasis(radius_m=0.41, **wave), CylinderBasis(radius_m=0.485, **wave)
    k = primary.kappa_per_m
    back = -coupling(1, k, 0.41, 0.6) / coupling(1, k, 0.485, 0.6) * 0.41 / 0.485
    modes = shell_modes((BORE,), orders=(1,), waves=12)

    def flux(strength):
        coil = SheetCoil(
            axis="x", sheets=(primary, shield), amplitudes=(np.ones(1), strength), energy_J=1.0, loss_W=1.0, linearity=0.0
        )
        return np.abs(sheet_flux_Wb(modes, coil)).max()

    assert flux(back) < 1e-5 * flux(np.zeros(1))  # what is left comes from the ends, eleven metres away


def test_energy_given_is_stored_and_lost():
    # one mode of unit resistance, its back-flux read from the played field: reciprocity makes field and flux one number
    tau, link, coil_H = 0.02, 3e-4, 5e-4
    response = eddy_response(np.array([tau]), np.array([[link, 0.0, 0.0]]), np.array([[link, 0.0, 0.0, 0.0]]))
    times, amperes = np.array([0.0, 5e-3, 3e-2, 3.4e-2]), np.array([0.0, 700.0, 700.0, -300.0])
    at = np.linspace(0, 3.4e-2 * (1 - 1e-12), 400001)
    current = np.interp(at, times, amperes)
    waveform = np.stack([amperes, 0 * amperes, 0 * amperes], axis=1)
    back = played(response, times, waveform, at)[:, 0] - current
    q = back / link
    flux = coil_H * current + back
    given = np.sum((current[1:] + current[:-1]) / 2 * np.diff(flux))
    lost = np.trapezoid(q**2, at)
    held = coil_H * current[-1] ** 2 / 2 + current[-1] * back[-1] + tau * q[-1] ** 2 / 2
    assert given == pytest.approx(held + lost, rel=1e-7) and lost > 1e-6 * held


def test_still_currents_leave_nothing():
    fluxes = np.stack([wire_flux_Wb(MODES, maxwell_tracks(0.4), 32, 60)] * 3, axis=1) / 5e-6
    points, weights = ball_points()
    response = eddy_response(MODES.time_constant_s, fluxes, projected(points, weights, mode_fields_T(MODES, points)[:, :, 2]))
    still = frequency_response(response, np.array([0.0]))[:, :, 0]
    assert np.abs(still - np.eye(4, 3)).max() == 0
    times, flat = np.array([0.0, 1e-3, 20.0]), np.outer([0.0, 0.03, 0.03], [1.0, 0.0, 0.0])
    late = played(response, times, flat, np.array([19.9]))
    assert late[0] == pytest.approx([0.03, 0, 0, 0], abs=1e-15)


def icosphere(radius, splits):
    golden = (1 + 5**0.5) / 2
    nodes = np.array([[0, s, t * golden] for s in (-1, 1) for t in (-1, 1)], float)
    nodes = np.concatenate([np.roll(nodes, k, axis=1) for k in range(3)])
    for _ in range(splits):
        hull = ConvexHull(nodes)
        pairs = np.unique(np.sort(hull.simplices[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1), axis=0)
        length = np.linalg.norm(nodes[pairs[:, 0]] - nodes[pairs[:, 1]], axis=1)
        nodes = np.concatenate([nodes, nodes[pairs].mean(axis=1)])
        assert length.max() < 3 * length.min()
        nodes /= np.linalg.norm(nodes, axis=1, keepdims=True)
    faces = ConvexHull(nodes).simplices
    p = nodes[faces]
    inward = np.einsum("tc,tc->t", np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]), p.sum(axis=1)) < 0
    faces[inward] = faces[inward][:, ::-1]
    return SurfaceMesh(nodes_m=radius * nodes, triangles=faces.astype(np.int64), conductance_S=np.full(len(faces), 1e6))


def test_a_meshed_sphere():
    mesh = icosphere(0.5, 3)
    tau = mesh_modes(mesh, 15).time_constant_s
    for degree, part in ((1, tau[:3]), (2, tau[3:8]), (3, tau[8:15])):
        wanted = MU0 * 1e6 * 0.5 / (2 * degree + 1)
        # 1280 flat triangles: the polyhedron's radius is 0.5 % less, and degree 3 is drawn by straight pieces
        assert part == pytest.approx(np.full(len(part), wanted), rel=0.02)
        assert np.ptp(part) < 5e-3 * wanted  # nearly even: flat faces split the seven of degree 3 a little


def test_a_meshed_cylinder_is_the_analytic_one():
    mesh = cylinder_mesh(0.5, 0.8, 1e6, 28, 18)
    slow = mesh_modes(mesh)
    shell = Shell(name="a", radius_m=0.5, half_length_m=0.8, thickness_m=1.0, conductivity_S_per_m=1e6)
    analytic = shell_modes((shell,), orders=(0, 1, 2), waves=12)
    wanted = np.sort(analytic.time_constant_s)[::-1][:6]
    # chords of 13 degrees: 0.8 % of the radius, 1.7 % of a twofold wave's slope
    assert slow.time_constant_s[:6] == pytest.approx(wanted, rel=0.03)
    tracks = [*saddle_tracks(0.4, 0.16, 0.6, 2.0), loop_track(0.41, 0.2, corners=60)]
    points = np.array([[0.1, 0.05, 0.1], [0.0, 0.0, 0.2]])
    fields = [
        np.einsum("m,mpc->pc", flux(modes, tracks) / modes.time_constant_s, at(modes, points))
        for modes, flux, at in ((slow, mesh_flux_Wb, mesh_fields_T), (analytic, wire_flux_Wb, mode_fields_T))
    ]
    assert np.abs(fields[0] - fields[1]).max() < 0.03 * np.abs(fields[1]).max()  # the same chords, and waves over 30 degrees
    matrix = inductance_matrix(mesh)
    assert np.abs(matrix - matrix.T).max() < 1e-12 * np.abs(matrix).max()


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueRangeError, match="thickness_m"):
        Shell(name="a", radius_m=0.5, half_length_m=0.8, thickness_m=0.0, conductivity_S_per_m=1e6)
    with pytest.raises(ValueRangeError, match="out of place"):
        space = SheetSpace(primary_radius_m=0.41, shield_radius_m=0.485, primary_half_m=0.65, shield_half_m=0.75)
        sheet_flux_Wb(shell_modes((BORE,), waves=3, pose=Pose(offset_m=(1e-3, 0.0, 0.0))), sheet_coil("z", space))
    with pytest.raises(ShapeError, match="track 0"):
        track_pieces([np.zeros((3, 2))])
    assert GradientResponse().modes == ()
