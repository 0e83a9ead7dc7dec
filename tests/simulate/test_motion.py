# TRUTHS of motion: rigid, deforming, composed and flowing clouds = the float64 reference, in straight, bent and narrowed
#   vessels, under ideal and flawed fields | a cloud that is displaced all the time = the same cloud placed there | a shift
#   between readouts is the Fourier shift theorem | a bipolar pair gives a flowing spin the phase gamma M1 v, on a semicircle the
#   integral of G z(t) | a shift through a quadratic coil gives the difference of its shapes | blood that comes in fresh is
#   brighter: Mz between pulses follows its number of pulses, in a bent vessel as in a straight one of its length | a stenosis
#   keeps the flux | moving through a coil's field, a spin is seen as where it is | a few spins of a body tell
#   where all others are | a phantom that moves is played by spins, each line of a tissue in its own vessel and course
#   | bad motion is refused by name
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import (
    Composed,
    Course,
    Deformation,
    FieldMap,
    Flaws,
    Flow,
    Gradient,
    Grid,
    Motion,
    RigidMotion,
    Sequence,
    Species,
    TissueCourse,
)  # fmt: skip
from fullbore.errors import ShapeError, UsageError, ValueRangeError
from fullbore.numerics.vessel import Vessel
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.simulate import acquire
from fullbore.simulate.cloud import SpinCloud, play_cloud, reference, scatter
from fullbore.simulate.cloud.motion import REACH_M, carried, make_moves, places
from fullbore.simulate.fields import Linear
from fullbore.simulate.timeline import compile_timeline
from tests.simulate.small import GRE, TSE, box, built, cut, error, machine, tissue
from tests.simulate.test_cloud import spins, turning

SPEC = machine()
TRAIN = TSE | {"repetition_time": "80 ms", "dummy_shots": 0}
BOX = Grid.centred((9, 9, 9), (15e-3,) * 3)


def wave() -> FieldMap:
    points = BOX.points_m()
    return FieldMap(values=np.stack([np.sin(20 * points[..., a]) * 3e-3 for a in (1, 2, 0)]), grid=BOX, unit="m")


def course(*values: tuple[float, ...], every_s: float = 7e-3) -> Course:
    return Course(times_s=every_s * np.arange(len(values)), values=np.array(values))


def pipe(length_m: float = 0.1, **changes) -> Flow:
    """Along z from -5 cm, straight."""
    parts = {
        "path_m": np.array([[0.0, 0.01, -0.05], [0.0, 0.01, length_m - 0.05]]), "radius_m": 0.05,
        "peak_velocity_m_per_s": 2.0, "pace": course(1.0, 0.4, 1.6, 0.7, every_s=20e-3),
    }  # fmt: skip
    return Flow(**parts | changes)


def semicircle(points: int = 60, bend_m: float = 0.04, **changes) -> Flow:
    """In the plane of x and z, about the origin, from +x over +z to -x."""
    angle = np.linspace(0, np.pi, points)
    path = bend_m * np.stack([np.cos(angle), np.zeros(points), np.sin(angle)], axis=1)
    return pipe(**{"path_m": path, "radius_m": 8e-3, "peak_velocity_m_per_s": 0.8} | changes)


def flowing(cloud: SpinCloud, *flows: Flow) -> SpinCloud:
    """The cloud with every spin in the first vessel that holds it."""
    flow = np.full(len(cloud), -1)
    for number in reversed(range(len(flows))):
        flow[Vessel(flows[number]).holds(cloud.position_m)] = number
    return replace(cloud, flows=flows, flow=flow)


def within(flow: Flow, count: int = 60, **own) -> SpinCloud:
    """Spins at random in a vessel."""
    random = np.random.default_rng(1)
    path = np.asarray(flow.path_m)
    at = random.uniform(0, len(path) - 1, count)
    middle = np.stack([np.interp(at, np.arange(len(path)), path[:, axis]) for axis in range(3)], axis=1)
    away = random.normal(size=(count, 3))
    away *= (random.uniform(0, 0.7, count) * np.min(flow.radius_m) / np.linalg.norm(away, axis=1))[:, None]
    return flowing(replace(spins(count, **own), position_m=middle + away), flow)


def laps(cloud: SpinCloud, time_s: float) -> np.ndarray:
    """How often each spin has come in fresh."""
    found = np.zeros(len(cloud))
    for number, flow in enumerate(cloud.flows):
        own = cloud.flow == number
        found[own] = Vessel(flow).enter(cloud.position_m[own]).laps(float(flow.pace.integral(np.array([time_s]))[0]))
    return found


COIL = FieldMap(values=(1 + 5 * BOX.points_m()[..., 0] + 3j * BOX.points_m()[..., 2])[None], grid=BOX, unit="1")
TURN = course((0.0, 0.0, 0.0), (0.05, -0.02, 0.1), (0.0, 0.1, 0.05), (0.02, 0.0, 0.0))
SHIFT = course((0.0, 0.0, 0.0), (2e-3, -1e-3, 4e-3), (0.0, 5e-3, 1e-3), (1e-3, 0.0, 0.0))
RIGID = RigidMotion(turn=TURN, shift=SHIFT, centre_m=(0.0, 0.02, -0.03))
BREATH = Deformation(modes=(wave(),), amplitude=course((0.0,), (1.0,), (-0.5,), (0.8,)))
BEAT = Deformation(modes=(wave(),), amplitude=replace(course((0.0,), (0.3,), (-0.1,), every_s=3e-3), period_s=10e-3))
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


NARROW = np.linspace(0, 1, 60)
FLOWS = {
    "straight": pipe(), "bent": semicircle(), "bent and narrow": semicircle(radius_m=8e-3 - 3e-3 * np.sin(np.pi * NARROW) ** 4),
    "a periodic plug": semicircle(
        laminar=False, pace=Course(times_s=np.array([0.0, 5e-3]), values=np.array([1.0, 0.2]), period_s=9e-3)
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "which"), [*((name, "gre") for name in FLOWS), ("bent and narrow", "turning")])
def test_flowing_spins_are_the_reference(name, which):
    sequence = cut(turning(), 2) if which == "turning" else cut(built(GRE, SPEC, dummy_views=1), 2)
    cloud = staying(within(FLOWS[name], 30), sequence)
    assert which == "turning" or laps(cloud, sequence.total_duration_s).max() >= 1  # some do come in fresh
    wanted = reference(cloud, sequence)
    assert error(play_cloud(cloud, sequence), wanted) < 1e-5
    assert error(play_cloud(replace(cloud, flows=(), flow=None), sequence), wanted) > 1e-2


def staying(cloud: SpinCloud, sequence: Sequence) -> SpinCloud:
    """Spins that do not leave during a pulse or between it and the end of a readout: at once in the reference, at the pulse's or
    readout's middle in the engine."""
    timeline = compile_timeline(sequence)
    stays = np.ones(len(cloud), bool)
    for pulse, (kind, time_s) in enumerate(zip(timeline.kind, timeline.time_s, strict=True)):
        first = time_s - timeline.kinds[kind].centre_s
        last = first + timeline.kinds[kind].duration_s
        last = max([last, *timeline.sample_time_s[timeline.last_pulse == pulse].ravel()])
        stays &= laps(cloud, float(first)) == laps(cloud, float(last))
    return cloud.take(np.flatnonzero(stays))


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


def test_flow_without_renewal_is_the_reference():
    """Too slow for any spin to reach the end: no allowance is needed."""
    sequence = cut(built(GRE, SPEC, dummy_views=1), 2)
    cloud = flowing(spins(20), pipe(peak_velocity_m_per_s=0.2, length_m=0.4))
    assert laps(cloud, 0.1).max() == 0
    assert error(play_cloud(cloud, sequence), reference(cloud, sequence)) < 1e-5


def test_flow_under_flaws_is_the_reference():
    sequence, spec = cut(built(GRE, SPEC, dummy_views=1), 2), replace(SPEC, flaws=Flaws(drift_Hz_per_s=100.0))
    cloud = flowing(spins(20), pipe(peak_velocity_m_per_s=0.2, length_m=0.4))
    assert error(play_cloud(cloud, sequence, spec), reference(cloud, sequence, spec)) < 1e-5


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


def test_a_bipolar_pair_measures_velocity():
    """Phase = 2 pi gamma-bar M1 v, M1 about the echo's time; positions at rest cancel."""
    (sequence, _), velocity = bipolar(), 0.7
    base = spins(1, coils=1)
    cloud = replace(base, position_m=np.array([[0.0, 0.01, -0.04]]), off_resonance_Hz=np.zeros(1))
    plug = pipe(peak_velocity_m_per_s=velocity, laminar=False, pace=course(1.0))
    moving, rest = play_cloud(flowing(cloud, plug), sequence), play_cloud(cloud, sequence)
    first_moment = -0.01 * 7e-4 * 8e-4  # T s^2/m: area times the distance of the lobes, negative first moment
    turns = GYROMAGNETIC_RATIO_HZ_PER_T * first_moment * velocity
    found = np.angle(moving[0, 0] / rest[0, 0]) / (-2 * np.pi)
    np.testing.assert_allclose(found, turns, rtol=1e-4)


def test_fresh_blood_is_brighter():
    """Plug flow through a pipe that is pulsed every TR, a quarter of it in each: spins that have seen n pulses have Mz = c^n.

    c is what resting spins show; those that leave between a pulse's start and its readout are missing.
    """
    sequence = built(GRE, SPEC, dummy_views=12)
    plain = replace(sequence, gradient=np.full_like(sequence.gradient, -1))  # all spins add
    tr, count = sequence.encoding.repetition_time_s, 4000
    along = (np.arange(count) + 0.5) / count * 0.1 - 0.05
    cloud = replace(
        spins(count, coils=1), position_m=np.column_stack([np.zeros(count), np.full(count, 0.01), along]),
        off_resonance_Hz=np.zeros(count), t1_s=np.full(count, 1e6), t2_s=np.full(count, 1e-4), amount=np.full(count, 1 / count),
        b1_scale=np.ones(count), sensitivity=np.ones((1, count), np.complex64),
    )  # fmt: skip
    flow = pipe(peak_velocity_m_per_s=0.25 * 0.1 / tr, laminar=False, pace=course(1.0))
    renewed, still = (np.abs(play_cloud(c, plain)[:, 0, 0]) for c in (flowing(cloud, flow), cloud))
    kept = still[1] / still[0]
    timeline = compile_timeline(plain)
    last = timeline.last_pulse[0]
    middle_s = timeline.sample_time_s[0, timeline.samples[0] // 2]
    gone = 0.25 * (middle_s - timeline.time_s[last] + timeline.kinds[timeline.kind[last]].centre_s) / tr
    shares = 0.25 * kept ** np.arange(4)
    shares[3] -= gone * kept**3
    np.testing.assert_allclose(renewed[0] / still[0] * kept**last, shares.sum(), rtol=2e-3)  # a pipe of 4000 spins
    assert renewed[0] > 1.1 * still[0]


def bowl(grid: Grid) -> FieldMap:
    """Coils whose fields are a third-order polynomial, so that a cubic spline is exact within its grid."""
    x, y, z = np.moveaxis(grid.points_m(), -1, 0)
    return FieldMap(values=np.stack([x + 2 * z * z - x * y, y + 3 * x * z, z + x * x - y * y]), grid=grid, unit="m")


FINE, WIDE = Grid.centred((41,) * 3, (8e-3,) * 3), Grid.centred((13,) * 3, (20e-3,) * 3)
PPM = FieldMap(values=(40 * WIDE.points_m()[..., 0] ** 2 + 5 * WIDE.points_m()[..., 2])[None], grid=WIDE, unit="ppm")
UNEVEN = replace(SPEC, flaws=Flaws(gradient_fields_m=bowl(WIDE), concomitant=True, field_ppm=PPM, drift_Hz_per_s=20.0))


@pytest.mark.parametrize("name", ["rigid", "flowing", "flowing in a head that turns"])
def test_what_moves_meets_flawed_fields_where_it_is(name):
    """Bent coils, concomitant fields and the magnet's own, for a rigid body and for flow; concomitant fields for both at once."""
    spec = replace(SPEC, flaws=Flaws(concomitant=True)) if "head" in name else UNEVEN
    sequence = cut(built(GRE, SPEC, dummy_views=0), 1)
    cloud = replace(spins(30), motion=RIGID) if name == "rigid" else staying(within(semicircle(), 30), sequence)
    if "head" in name:
        cloud = replace(cloud, motion=RIGID)
    wanted = reference(cloud, sequence, spec)
    assert error(play_cloud(cloud, sequence, spec), wanted) < 1e-5
    assert error(play_cloud(cloud, sequence), wanted) > (1e-4 if "head" in name else 1e-2)


def test_a_shift_through_a_quadratic_coil_gives_its_phase():
    """Bz = G (x + 2 z^2 - x y): a spin that jumps to another place between two lobes gathers the difference of the two shapes."""
    sequence, lobe = bipolar()
    base = replace(spins(1, coils=1), position_m=np.array([[0.01, 0.02, -0.03]]), off_resonance_Hz=np.zeros(1))
    away = np.array([0.004, -0.003, 0.006])
    when = sequence.block_starts_s()[1] + 8e-4
    shift = Course(times_s=np.array([when - 1e-9, when + 1e-9]), values=np.array([[0.0, 0, 0], away]))
    moving = replace(base, motion=RigidMotion(turn=replace(shift, values=np.zeros((2, 3))), shift=shift))
    spec = replace(SPEC, flaws=Flaws(gradient_fields_m=bowl(FINE)))
    found = np.angle(play_cloud(moving, sequence, spec)[0, 0] / play_cloud(base, sequence, spec)[0, 0])

    def shape(r: np.ndarray) -> float:
        return r[2] + r[0] ** 2 - r[1] ** 2  # the z coil's

    turns = GYROMAGNETIC_RATIO_HZ_PER_T * lobe.area_T_s_per_m * (shape(base.position_m[0]) - shape(base.position_m[0] + away))
    np.testing.assert_allclose(np.exp(1j * found), np.exp(-2j * np.pi * turns), atol=1e-4)


def bipolar() -> tuple[Sequence, Gradient]:
    """A pulse, a bipolar pair along z, and a readout right after it, twice; the pair's first lobe, which ends at 0.8 ms."""
    lobe = Gradient(times_s=np.array([0, 1e-4, 7e-4, 8e-4]), values_T_per_m=np.array([0, 0.01, 0.01, 0]))
    back = Gradient(times_s=lobe.times_s + 8e-4, values_T_per_m=-lobe.values_T_per_m)
    times = np.concatenate([lobe.times_s, back.times_s[1:]])
    pair = Gradient(times_s=times, values_T_per_m=np.concatenate([lobe.values_T_per_m, back.values_T_per_m[1:]]))
    sequence = turning()
    gradient = np.full_like(sequence.gradient, -1)
    gradient[1, 2] = 0
    return replace(
        sequence, gradients=(pair,), gradient=gradient, gradient_scale=np.ones_like(sequence.gradient_scale),
        adcs=(replace(sequence.adcs[0], delay_s=1.7e-3, dwell_s=5e-6),), encoding=replace(sequence.encoding, dwell_s=5e-6),
    ), lobe  # fmt: skip


def test_velocity_phase_along_a_semicircle_has_its_closed_form():
    """z = b sin(a0 + v t / b): the phase of a trapezoid is the integral of G(t) z(t), which straight pieces give by parts."""
    sequence, _ = bipolar()
    velocity, bend, angle = 0.9, 0.04, 0.8
    plug = semicircle(points=80, bend_m=bend, peak_velocity_m_per_s=velocity, laminar=False, pace=course(1.0))
    place = bend * np.array([[np.cos(angle), 0.0, np.sin(angle)]])
    rest = replace(spins(1, coils=1), position_m=place, off_resonance_Hz=np.zeros(1))
    found = play_cloud(flowing(rest, plug), sequence)[0, 0] / play_cloud(replace(rest, position_m=0 * place), sequence)[0, 0]
    start, pair = sequence.block_starts_s()[1], sequence.gradients[0]
    omega, total = velocity / bend, 0.0
    for a, b, g, h in zip(pair.times_s[:-1], pair.times_s[1:], pair.values_T_per_m[:-1], pair.values_T_per_m[1:], strict=True):
        p, q = (angle + omega * (start + t) for t in (a, b))
        slope = (h - g) / (b - a)
        total += bend * (g * np.cos(p) - h * np.cos(q)) / omega + bend * slope * (np.sin(q) - np.sin(p)) / omega**2
    turns = GYROMAGNETIC_RATIO_HZ_PER_T * total
    np.testing.assert_allclose(found, np.exp(-2j * np.pi * turns) * np.abs(found), atol=1e-4)


def test_fresh_blood_does_not_know_that_its_vessel_bends():
    """No gradients, one B1: the same number of pulses on the same way, in a semicircle and a pipe of its length."""
    sequence = built(GRE, SPEC, dummy_views=8)
    plain = replace(sequence, gradient=np.full_like(sequence.gradient, -1))
    bent, count = semicircle(points=100, laminar=False), 300
    line = pipe(length_m=0.04 * np.pi, radius_m=8e-3, laminar=False, peak_velocity_m_per_s=0.8)
    share = (np.arange(count) + 0.5) / count
    straight = np.column_stack([np.zeros(count), np.full(count, 0.01), 0.04 * np.pi * share - 0.05])
    circle = 0.04 * np.column_stack([np.cos(np.pi * share), np.zeros(count), np.sin(np.pi * share)])
    cloud = replace(spins(count), b1_scale=np.ones(count))
    signals = [play_cloud(flowing(replace(cloud, position_m=r), f), plain) for r, f in ((straight, line), (circle, bent))]
    assert error(signals[1], signals[0]) < 1e-5
    assert error(play_cloud(cloud, plain), signals[0]) > 1e-2


def test_a_stenosis_keeps_the_flux():
    """Spins that fill a bent, narrowed vessel evenly fill it so ever after, and pass its middle 1 / area faster."""
    throat = 1 - 0.5 * np.exp(-(((np.linspace(0, 1, 80) - 0.5) / 0.12) ** 2))
    vessel = Vessel(semicircle(points=80, radius_m=8e-3 * throat, pace=course(1.0)))
    axis = vessel.enter(0.04 * np.array([[1.0, 0, 1e-9], [np.cos(1.57), 0, np.sin(1.57)]]))
    early, late = (vessel.places(axis, np.array([way]), np.zeros(2))[0] for way in (0.0, 1e-5))
    speed = np.linalg.norm(late - early, axis=1) / 1e-5
    np.testing.assert_allclose(speed, [0.8, 0.8 / 0.5**2], rtol=1e-3)  # the throat is as narrow as that at one point only
    home = np.random.default_rng(0).uniform(-0.05, 0.05, (400_000, 3)) * [1, 0.2, 1]
    home = home[vessel.holds(home)]
    streams = vessel.enter(home)
    later = vessel.places(streams, np.array([0.07]), streams.laps(0.07))[0]
    assert vessel.holds(later).mean() > 0.9999
    before, after = (np.histogram(np.arctan2(r[:, 2], r[:, 0]), 8, (0, np.pi))[0] for r in (home, later))
    np.testing.assert_allclose(after, before, atol=5 * np.sqrt(2 * before.max()))  # counts of random spins


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
