# TRUTHS of motion: rigid, deforming and flowing clouds = the float64 reference
#   | a cloud that is displaced all the time = the same cloud placed there | a shift between readouts is the Fourier shift theorem
#   | a bipolar pair gives a flowing spin the phase gamma M1 v | blood that comes in fresh is brighter: Mz between pulses
#   follows its number of pulses | moving through a coil's field, a spin is seen as where it is | bad motion is refused by name
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import Composed, Course, Deformation, FieldMap, Flaws, Flow, Gradient, Grid, Motion, RigidMotion, Sequence
from fullbore.errors import ShapeError, ValueRangeError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.simulate.cloud import SpinCloud, play_cloud, reference
from fullbore.simulate.cloud.motion import places
from fullbore.simulate.cloud.vessel import Vessel
from fullbore.simulate.timeline import compile_timeline
from tests.simulate.small import GRE, TSE, built, cut, error, machine
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
    sequence = turning() if which == "turning" else cut(built(GRE, SPEC, dummy_views=2), 3)
    seen = {"coils": 1} if "coil" in name else {}
    cloud = replace(spins(40, **seen), motion=MOTIONS[name], through=COIL if seen else None)
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


@pytest.mark.parametrize("name", FLOWS)
@pytest.mark.parametrize("which", ["gre", "turning"])
def test_flowing_spins_are_the_reference(name, which):
    sequence = turning() if which == "turning" else cut(built(GRE, SPEC, dummy_views=2), 3)
    cloud = staying(within(FLOWS[name], 150), sequence)
    assert laps(cloud, sequence.total_duration_s).max() >= 1  # some do come in fresh
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


def test_a_turning_spin_echo_train_is_the_reference():
    cloud, sequence = replace(spins(40), motion=MOTIONS["rigid"]), built(TRAIN, SPEC)
    assert error(play_cloud(cloud, sequence), reference(cloud, sequence)) < 1e-5


def test_flow_without_renewal_is_the_reference():
    """Too slow for any spin to reach the end: no allowance is needed."""
    sequence = cut(built(GRE, SPEC, dummy_views=2), 3)
    cloud = flowing(spins(40), pipe(peak_velocity_m_per_s=0.2, length_m=0.4))
    assert laps(cloud, 0.1).max() == 0
    assert error(play_cloud(cloud, sequence), reference(cloud, sequence)) < 1e-5


def test_flow_under_flaws_is_the_reference():
    sequence, spec = cut(built(GRE, SPEC, dummy_views=2), 3), replace(SPEC, flaws=Flaws(drift_Hz_per_s=100.0))
    cloud = flowing(spins(40), pipe(peak_velocity_m_per_s=0.2, length_m=0.4))
    assert error(play_cloud(cloud, sequence, spec), reference(cloud, sequence, spec)) < 1e-5


def test_displaced_all_the_time_is_placed_there():
    cloud, sequence = spins(40), built(TRAIN, SPEC)
    turn, shift = np.array([[0.3, -0.1, 0.2]]), np.array([[0.01, 0.0, -0.02]])
    motion = RigidMotion(turn=Course(times_s=np.zeros(1), values=turn), shift=Course(times_s=np.zeros(1), values=shift))
    placed = replace(cloud, position_m=places(motion, cloud.position_m, np.zeros(1))[0])
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
    sequence, velocity = turning(), 0.7
    lobe = Gradient(times_s=np.array([0, 1e-4, 7e-4, 8e-4]), values_T_per_m=np.array([0, 0.01, 0.01, 0]))
    back = Gradient(times_s=lobe.times_s + 8e-4, values_T_per_m=-lobe.values_T_per_m)
    times = np.concatenate([lobe.times_s, back.times_s[1:]])
    pair = Gradient(times_s=times, values_T_per_m=np.concatenate([lobe.values_T_per_m, back.values_T_per_m[1:]]))
    gradient = np.full_like(sequence.gradient, -1)
    gradient[1, 2] = 0
    adc = replace(sequence.adcs[0], delay_s=1.7e-3, dwell_s=5e-6)
    encoding = replace(sequence.encoding, dwell_s=5e-6)
    sequence = replace(
        sequence, gradients=(pair,), gradient=gradient, gradient_scale=np.ones_like(sequence.gradient_scale), adcs=(adc,),
        encoding=encoding,
    )  # fmt: skip
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

    c is what resting spins show; those that leave between pulse and readout are missing.
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
    gone = 0.25 * (middle_s - timeline.time_s[last]) / tr
    shares = 0.25 * kept ** np.arange(4)
    shares[3] -= gone * kept**3
    np.testing.assert_allclose(renewed[0] / still[0] * kept**last, shares.sum(), rtol=2e-3)  # a pipe of 4000 spins
    assert renewed[0] > 1.1 * still[0]


def test_bad_motion_is_refused_by_name():
    with pytest.raises(ValueRangeError, match="rising times"):
        Course(times_s=np.array([0.0, 0.0]), values=np.zeros((2, 3)))
    with pytest.raises(ShapeError, match="one amplitude for each mode"):
        Deformation(modes=(wave(),), amplitude=course((1.0, 2.0)))
    with pytest.raises(ValueRangeError, match="never negative"):
        pipe(pace=course(-1.0))
