# TRUTHS of motion: rigid, deforming and composed clouds = the float64 reference | a cloud that is displaced all the time = the
#   same cloud placed there | a shift between readouts is the Fourier shift theorem | moving through a coil's field, a spin is
#   seen as where it is | a few spins of a body tell where all others are | a phantom that moves is played by spins, each line
#   of a tissue in its own vessel and course | bad motion is refused by name
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import Composed, Course, Deformation, Motion, RigidMotion, Species, TissueCourse
from fullbore.errors import ShapeError, UsageError, ValueRangeError
from fullbore.numerics.vessel import Vessel
from fullbore.simulate import acquire
from fullbore.simulate.cloud import play_cloud, reference, scatter
from fullbore.simulate.cloud.motion import REACH_M, carried, make_moves, places
from fullbore.simulate.fields import Linear
from tests.simulate.moving import BEAT, BREATH, COIL, RIGID, SHIFT, SPEC, TURN, course, pipe, semicircle, wave
from tests.simulate.small import GRE, TSE, box, built, cut, error, tissue
from tests.simulate.test_cloud import spins, turning

TRAIN = TSE | {"repetition_time": "80 ms", "dummy_shots": 0}
MOTIONS: dict[str, Motion] = {
    "rigid": RIGID, "rigid through a coil": RIGID, "deforming": BREATH,
    "beating, breathing, turning": Composed(parts=(BEAT, BREATH, RIGID)),
}  # fmt: skip


@pytest.mark.parametrize("name", MOTIONS)
@pytest.mark.parametrize("which", ["gre", "turning"])
def test_moving_spins_are_the_reference(name, which):
    """Sensitivities are taken to change straightly during a readout: 2e-3 for a motion this wild."""
    whole = turning() if "beating" in name else cut(turning(), 2)
    sequence = whole if which == "turning" else cut(built(GRE, SPEC, dummy_views=1), 2)
    seen = {"coils": 1} if "coil" in name else {}
    cloud = replace(spins(20, **seen), motion=MOTIONS[name], through=COIL if seen else None)
    wanted = reference(cloud, sequence)
    assert error(play_cloud(cloud, sequence), wanted) < (2e-3 if "coil" in name else 1e-5)
    assert error(play_cloud(replace(cloud, motion=None), sequence), wanted) > 1e-2


def test_a_skeleton_answers_for_all_others_at_any_time():
    """Where 40 spins are that beat, breathe and turn, from those of a few, at times that it was not made from."""
    moves, home = make_moves(MOTIONS["beating, breathing, turning"]), spins(40).position_m
    term, times = carried((Linear(),), moves, home), np.random.default_rng(0).uniform(0, 0.03, 300)
    assert len(term.skeleton_m) < 20
    answered = np.einsum("nk,tkx->tnx", term.shapes(home) / REACH_M, places(moves, term.skeleton_m, times))
    np.testing.assert_allclose(answered, places(moves, home, times), rtol=0, atol=1e-10)  # `TOLERANCE` of 10 cm


def test_a_spin_at_the_isocentre_of_a_turn_stays():
    """All fields that it meets are zero, and so is its skeleton's, which has fewer spins than space has directions."""
    one, sequence = replace(spins(1), position_m=np.zeros((1, 3))), built(GRE, SPEC)
    turn = RigidMotion(turn=TURN, shift=replace(SHIFT, values=0 * SHIFT.values))
    term = carried((Linear(),), make_moves(turn), one.position_m)
    assert term.shapes(one.position_m).shape == (1, 3) and not term.courses(np.zeros(2), np.ones((2, 4))).any()
    assert error(play_cloud(replace(one, motion=turn), sequence), play_cloud(one, sequence)) < 1e-6


def test_a_turning_spin_echo_train_is_the_reference():
    cloud, sequence = replace(spins(20), motion=MOTIONS["rigid"]), cut(built(TRAIN, SPEC), 2)
    assert error(play_cloud(cloud, sequence), reference(cloud, sequence)) < 1e-5


def test_displaced_all_the_time_is_placed_there():
    cloud, sequence = spins(40), built(TRAIN, SPEC)
    turn, shift = np.array([[0.3, -0.1, 0.2]]), np.array([[0.01, 0.0, -0.02]])
    motion = RigidMotion(turn=Course(times_s=np.zeros(1), values=turn), shift=Course(times_s=np.zeros(1), values=shift))
    placed = replace(cloud, position_m=places(make_moves(motion), cloud.position_m, np.zeros(1))[0])
    assert error(play_cloud(replace(cloud, motion=motion), sequence), play_cloud(placed, sequence)) < 1e-5


def test_a_shift_between_readouts_is_a_phase_ramp():
    """Everything moves 3 mm along x after the first half of a short scan: readouts after it gather exp(-2 pi i k d)."""
    sequence = built(GRE, SPEC, dummy_views=0)
    cloud = replace(spins(20), t2_s=np.full(20, 4e-4))  # nothing transverse is left from one repetition to the next
    starts = sequence.block_starts_s()[sequence.adc >= 0]
    when = starts[8] - 3e-3
    still = Course(times_s=np.zeros(1), values=np.zeros((1, 3)))
    shift = Course(times_s=np.array([when, when + 1e-6]), values=np.array([[0.0, 0, 0], [3e-3, 0, 0]]))
    moved = play_cloud(replace(cloud, motion=RigidMotion(turn=still, shift=shift)), sequence)
    rest = play_cloud(cloud, sequence)
    k = sequence.encoding.trajectory_per_m()[..., 0]
    ramped = rest * np.exp(-2j * np.pi * k * 3e-3)[:, None]
    # the hard pulse of a 3D scan does not know where spins are
    assert error(moved[:8], rest[:8]) < 1e-6 and error(moved[8:], ramped[8:]) < 1e-4


def test_a_phantom_that_moves_is_played_by_spins():
    """What the phantom says, its cloud does; states refuse by name."""
    sequence, told = built(GRE, SPEC, dummy_views=0), []
    body = replace(box((2, 2, 12), (4e-3,) * 3, tissue("blood")), motion=RIGID)
    vessel = pipe(path_m=np.array([[-0.025, 0.0, 0.0], [0.02, 0.0, 0.0]]), radius_m=6e-3)
    raw = acquire(replace(body, flows=(vessel,)), sequence, SPEC, spins=300, progress=lambda f, what: told.append(what))
    assert raw.encoding.rows == sequence.encoding.rows
    assert any("it moves, and states know bodies at rest" in what for what in told)
    with pytest.raises(UsageError, match=r"has 1 flow\(s\), and states"):
        acquire(replace(body, motion=None, flows=(vessel,)), sequence, SPEC, engine="states")
    cloud = scatter(replace(body, flows=(vessel,)), SPEC, (1, 1, 1), seed=0)
    assert cloud.motion is RIGID and cloud.through is SPEC.receive.sensitivity
    assert 0 < (cloud.flow == 0).sum() < len(cloud)
    with pytest.raises(UsageError, match="no tissue 'lymph', there are blood"):
        replace(body, flows=(replace(vessel, tissue="lymph"),))


def test_lines_of_a_tissue_flow_and_follow_its_course():
    """Water and fat in one vessel, a second tissue beside it: each spin has the flow and the course of its own tissue."""
    blood = replace(tissue("blood"), species=(Species(shift_ppm=0.0, fraction=0.7), Species(shift_ppm=-3.4, fraction=0.3)))
    body = box((2, 2, 12), (4e-3,) * 3, blood)
    half = np.concatenate([0.5 * body.fractions, 0.5 * body.fractions])
    vessel = pipe(path_m=np.array([[-0.025, 0.0, 0.0], [0.02, 0.0, 0.0]]), radius_m=6e-3)
    agent = TissueCourse(tissue="blood", times_s=np.array([0.0, 0.02]), r1_per_s=np.array([0.0, 4.0]))
    body = replace(body, tissues=(blood, tissue("wall")), fractions=half, flows=(vessel,), courses=(agent,), motion=RIGID)
    cloud = scatter(body, SPEC, (1, 1, 1), seed=0)
    per_line = len(cloud) // 3
    of_blood = np.arange(len(cloud)) < 2 * per_line
    np.testing.assert_array_equal(cloud.flow, np.where(of_blood & Vessel(vessel).holds(cloud.position_m), 0, -1))
    np.testing.assert_array_equal(cloud.follows, np.where(of_blood, 0, -1))
    sequence = built(GRE, SPEC, dummy_views=0)
    alike = cloud.take(cloud.flow == 0), cloud.take(cloud.flow == -1)
    assert error(play_cloud(cloud, sequence), sum(play_cloud(part, sequence) for part in alike)) < 1e-5


def test_bad_motion_is_refused_by_name():
    with pytest.raises(ValueRangeError, match="rising times"):
        Course(times_s=np.array([0.0, 0.0]), values=np.zeros((2, 3)))
    with pytest.raises(ShapeError, match="one amplitude for each mode"):
        Deformation(modes=(wave(),), amplitude=course((1.0, 2.0)))
    with pytest.raises(ShapeError, match="at least two points"):
        pipe(path_m=np.zeros((0, 3)))
    with pytest.raises(ValueRangeError, match=r"radius_m: -0\.01, wanted positive"):
        pipe(radius_m=-0.01)
    with pytest.raises(ValueRangeError, match="bends with a radius of 5 mm, the vessel's is 8 mm"):
        semicircle(bend_m=5e-3)
    with pytest.raises(ValueRangeError, match=r"Course.period_s: 0.5"):
        Course(times_s=np.array([0.0, 1.0]), values=np.zeros(2), period_s=0.5)
    with pytest.raises(UsageError, match=r"SpinCloud.flow"):
        replace(spins(3), flows=(pipe(),), flow=np.array([0, 1, -1]))
    with pytest.raises(ValueRangeError, match="never negative"):
        pipe(pace=course(-1.0))
