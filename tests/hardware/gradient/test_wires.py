# TRUTHS of wires: field on the axis of a loop, centre of a square in closed form | Maxwell's pair at sqrt(3) radii has no third
# | order along z and 0.641 mu0 I / a^2 of gradient | Golay's saddles make x, and no other, gradient | self inductance of a ring =
# | mu0 a (ln(8 a / g) - 2) | two coaxial loops = Maxwell's elliptic integrals | reciprocity | cutting a wire finer changes
# | nothing | a closed wire in a uniform field: no net force, torque = moment x B | one track passes every turn once and keeps
# | their field; nests follow levels
import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ellipe, ellipk

from fullbore.hardware.gradient import mutual_inductance, wire_field
from fullbore.hardware.gradient.contours import Loop
from fullbore.hardware.gradient.figures import centre_gradient, force_figures
from fullbore.hardware.gradient.gaps import least_gap_m
from fullbore.hardware.gradient.leads import LeadRoom, cylinder_track
from fullbore.hardware.gradient.segments import axial_wire_field
from fullbore.hardware.gradient.tracks import least_spacing_m, nests
from fullbore.physics.constants import VACUUM_PERMEABILITY_N_PER_A2 as MU0


def ring(radius, height, count=720, sense=1):
    angle = sense * 2 * np.pi * np.arange(count + 1) / count
    # a polygon of the circle's area, so that its field is the circle's
    out = radius * np.sqrt(2 * np.pi / count / np.sin(2 * np.pi / count))
    return np.stack([out * np.cos(angle), out * np.sin(angle), np.full(count + 1, height)], axis=1)


def test_loop_and_square():
    heights = np.array([0.0, 0.1, 0.7])
    points = np.column_stack([0 * heights, 0 * heights, heights])
    field = wire_field(points, [ring(0.3, 0.0)])
    assert np.allclose(field[:, 2], MU0 * 0.3**2 / (2 * (0.3**2 + heights**2) ** 1.5), rtol=1e-4)
    square = np.array([[1, 1, 0], [-1, 1, 0], [-1, -1, 0], [1, -1, 0], [1, 1, 0]]) * 0.1
    assert wire_field(np.zeros((1, 3)), [square])[0, 2] == pytest.approx(np.sqrt(2) * MU0 / (np.pi * 0.1), rel=1e-12)


def maxwell(distance, radius=0.4):
    return [ring(radius, distance / 2), ring(radius, -distance / 2, sense=-1)]


def third_order(distance):
    heights = 0.02 * np.arange(-3, 4)
    field = wire_field(np.column_stack([0 * heights, 0 * heights, heights]), maxwell(distance))[:, 2]
    return np.polynomial.polynomial.polyfit(heights, field, 5)[[1, 3]]


def test_maxwell_pair():
    gradient, third = third_order(np.sqrt(3) * 0.4)
    assert gradient == pytest.approx(48 * np.sqrt(3) / (49 * np.sqrt(7)) * MU0 / 0.4**2, rel=1e-4)
    # a hundredth of the radius off the best distance makes a hundred times as much
    assert abs(third) < 0.02 * min(abs(third_order((np.sqrt(3) + off) * 0.4)[1]) for off in (-0.05, 0.05))
    assert centre_gradient(maxwell(np.sqrt(3) * 0.4), "z") == pytest.approx(gradient, rel=1e-3)


def saddle(radius, near, far, middle, sense):
    """Two arcs of 120 degrees joined along z."""
    turn = middle + np.linspace(-np.pi / 3, np.pi / 3, 200)
    arcs = [
        np.column_stack([radius * np.cos(a), radius * np.sin(a), np.full(200, z)]) for a, z in ((turn, near), (turn[::-1], far))
    ]
    path = np.concatenate([*arcs, arcs[0][:1]])
    return path if sense > 0 else path[::-1]


def test_golay():
    radius = 0.4
    places = [(side, middle) for side in (1, -1) for middle in (0.0, np.pi)]
    # even in z: inner arcs run one way on both sides
    coil = [saddle(radius, s * 0.389 * radius, s * 2.57 * radius, middle, 1 if middle == 0 else -1) for s, middle in places]
    gradient = centre_gradient(coil, "x")
    # Golay's arcs at 0.389 and 2.57 radii, 120 degrees; straight parts along z make no Bz
    arcs = 0.0
    for sign_z, z in ((1, 0.389), (-1, 2.57)):
        angle = np.linspace(-np.pi / 3, np.pi / 3, 4001)
        middle = (angle[1:] + angle[:-1]) / 2
        step = 1e-4
        values = [(1 - x * np.cos(middle)) / (1 + x * x - 2 * x * np.cos(middle) + z * z) ** 1.5 for x in (step, -step)]
        arcs += sign_z * 4 * float(((values[0] - values[1]) / (2 * step)).sum() * (angle[1] - angle[0]))
    assert abs(gradient) == pytest.approx(abs(arcs) * MU0 / (4 * np.pi) / radius**2, rel=1e-3)
    for other in "yz":
        assert abs(centre_gradient(coil, other)) < 1e-9 * abs(gradient) + 1e-12
    # even in z and without the x z^2 term to a hundredth of the gradient at a fifth of the radius
    at = np.array([[0.02, 0.0, 0.0], [0.02, 0.0, 0.2 * radius], [0.02, 0.0, -0.2 * radius]])
    field = wire_field(at, coil)[:, 2]
    assert field[1] == pytest.approx(field[2], rel=1e-9) and field[1] == pytest.approx(field[0], rel=0.02)


def test_ring_inductance():
    wire = 2e-3
    own = mutual_inductance(path := [ring(0.3, 0.0, 400)], path, wire)
    # Maxwell: mu0 a (ln(8 a / g) - 2), to the order of g / a
    assert own == pytest.approx(MU0 * 0.3 * (np.log(8 * 0.3 / wire) - 2), rel=5e-4)


@pytest.mark.parametrize("apart", [0.004, 0.05, 0.5])
def test_coaxial_loops(apart):
    a, b = 0.3, 0.32
    m = 4 * a * b / ((a + b) ** 2 + apart**2)
    wanted = MU0 * np.sqrt(a * b) * ((2 / np.sqrt(m) - np.sqrt(m)) * ellipk(m) - 2 / np.sqrt(m) * ellipe(m))
    first, second = [ring(a, 0.0, 800)], [ring(b, apart, 800)]
    assert mutual_inductance(first, second, 1e-3) == pytest.approx(wanted, rel=5e-4)
    assert mutual_inductance(second, first, 1e-3) == pytest.approx(mutual_inductance(first, second, 1e-3), rel=1e-4)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(*[st.floats(-0.5, 0.5)] * 3), min_size=3, max_size=6), st.floats(0.7, 2.0))
def test_finer_pieces_and_forces(corners, far):
    path = np.array([*corners, corners[0]])
    fine = np.concatenate([np.linspace(a, b, 7)[:-1] for a, b in itertools.pairwise(path)] + [path[:1]])
    point = np.array([[far, far, far]])
    assert np.allclose(wire_field(point, [path]), wire_field(point, [fine]), atol=1e-15)
    moment = 0.5 * np.cross(path[:-1], path[1:]).sum(axis=0)
    forces = force_figures(fine, 100.0, 3.0) if np.linalg.norm(np.diff(fine, axis=0), axis=1).max() > 1e-6 else None
    if forces is not None:
        assert forces["net_force_N"] < 1e-9
        assert forces["net_torque_Nm"] == pytest.approx(300 * np.hypot(*moment[:2]), abs=1e-9)
        assert forces["peak_force_N_per_m"] <= 300 * (1 + 1e-9)


def lobes(count=5):
    """Four nests of squares on a cylinder, two of either sign."""
    made = []
    for middle, height, sense in ((0.0, 0.3, 1), (np.pi, 0.3, -1), (0.0, -0.3, -1), (np.pi, -0.3, 1)):
        for level in range(count):
            turn = np.linspace(0, 2 * np.pi, 80, endpoint=False)[::sense]
            size = 0.2 - 0.03 * level
            angle, z = middle + size / 0.4 * np.cos(turn), height + size * np.sin(turn)
            points = np.column_stack([0.4 * np.cos(angle), 0.4 * np.sin(angle), z])
            made.append(Loop(points_m=points, level=level if sense > 0 else -1 - level))
    return made


def test_one_track():
    loops = lobes()
    found = nests(loops)
    assert sorted(len(chain) for chain in found) == [5, 5, 5, 5]
    for chain in found:
        depths = [loop.level if loop.level >= 0 else -1 - loop.level for loop in chain]
        assert depths == list(range(5))
    assert least_spacing_m(loops) == pytest.approx(0.03, rel=0.02)
    track = cylinder_track([(0.4, loops)], LeadRoom(pitch_m=5e-3, lift_m=(6e-3,)))
    passed(loops, track)
    points = np.array([[0.1, 0.0, 0.0], [0.0, 0.1, 0.1], [0.2, 0.0, 0.1]])
    turns = wire_field(points, [np.concatenate([loop.points_m, loop.points_m[:1]]) for loop in loops])
    whole = wire_field(points, [np.concatenate([track, track[:1]])])
    # bridges and leads, 6 mm over five turns of a few decimetres 3 cm apart
    assert np.abs(whole - turns).max() < 5e-3 * np.abs(turns).max()


def passed(loops, track):
    """Every turn's points lie on the track, but for those in the 4 cm that a bridge takes."""
    for loop in loops:
        away = np.linalg.norm(loop.points_m[:, None] - track[None], axis=2).min(axis=1)
        assert np.median(away) < 1e-9 and away.max() < 0.03


def rings(heights, level, sense):
    turn = np.linspace(0, 2 * np.pi, 126, endpoint=False)[::sense]
    made = [np.column_stack([0.4 * np.cos(turn), 0.4 * np.sin(turn), np.full(126, z)]) for z in heights]
    return [Loop(points_m=points, level=level + n * (1 if level >= 0 else -1)) for n, points in enumerate(made)]


def test_leads_keep_their_distance():
    room = LeadRoom(pitch_m=5.5e-3, lift_m=(6e-3, 6e-3))
    # two layers of saddles, and rings whose innermost pairs run the other way
    outer = [Loop(points_m=loop.points_m * np.array([1.2, 1.2, 1.0]), level=-1 - loop.level) for loop in lobes(3)]
    ends = 0.6 - 0.02 * np.arange(9)
    z = rings(ends, 0, 1) + rings(-ends, 0, -1) + rings([0.02, 0.06], 7, -1) + rings([-0.02, -0.06], 7, 1)
    for layers in ([(0.4, lobes()), (0.48, outer)], [(0.4, z)]):
        loops = [loop for _, own in layers for loop in own]
        track = cylinder_track(layers, replace(room, lift_m=room.lift_m[: len(layers)]))
        passed(loops, track)
        closed = np.concatenate([track, track[:1]])
        assert np.linalg.norm(track[0] - track[-1]) < 0.01
        # leads are a pitch apart on arcs whose chords cut in by 0.2 mm at most
        assert least_gap_m({"wire": closed}, 8e-3)["wire"] > 5.3e-3
        alone = [np.concatenate([loop.points_m, loop.points_m[:1]]) for loop in loops]
        ball = np.array([[0.1, 0.05, 0.1], [-0.05, 0.1, -0.1], [0.1, -0.1, 0.15]])
        turns, whole = wire_field(ball, alone)[:, 2], wire_field(ball, [closed])[:, 2]
        # a step of 6 mm over 0.4 m, of a lead among nine turns, across which its own field falls off
        assert np.abs(whole - turns).max() < 5e-3 * np.abs(turns).max()


def test_maps_of_bz():
    track = cylinder_track([(0.4, lobes())], LeadRoom(pitch_m=5e-3, lift_m=(6e-3,)))
    points = np.random.default_rng(1).uniform(-0.2, 0.2, (300, 3))  # more than a block of points
    wanted = wire_field(points, [np.repeat(track, 2, axis=0)])[:, 2]
    assert np.allclose(
        axial_wire_field(points, np.repeat(track, 2, axis=0)), wanted, rtol=1e-12, atol=1e-12 * np.abs(wanted).max()
    )
