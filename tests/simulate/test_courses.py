# TRUTHS of tissues that change in time: rates, R2' and frequency that change by the millisecond = the float64 reference to 1e-5
#   in a gradient echo, a spin-echo train and turning gradients, beside others at rest, and while spins turn and flow | a course
#   of zeros changes nothing | slow enhancement is the recursion of its own integrals, and the Ernst steady state | a bolus passes
#   as exp(-TE dR2) of its own curve | added R2' is exp(-TE dR2') at an echo of gradients and nothing at one of spins | the same
#   bytes for any threads | courses of one phantom through the front door | bad courses are refused by name
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import TissueCourse
from fullbore.errors import ShapeError, UsageError, ValueRangeError
from fullbore.simulate import acquire
from fullbore.simulate.cloud import SpinCloud, play_cloud, reference, scatter
from fullbore.simulate.cloud.changing import Changing
from fullbore.simulate.timeline import compile_timeline
from tests.simulate.moving import RIGID, semicircle, staying, within
from tests.simulate.small import CENTRE, GRE, TSE, Event, box, built, by_hand, cut, error, machine, point, pulse, rod, tissue
from tests.simulate.test_cloud import spins, turning

SPEC = machine(b1=False, coils=False)
TRAIN = TSE | {"repetition_time": "80 ms", "dummy_shots": 0}
KNOTS = np.array([0.0, 4e-3, 9e-3, 21e-3, 40e-3])
RATES = Changing(times_s=KNOTS, values=np.array([[0, 0, 0, 0], [0.2, 0.3, 0, 0], [0, 0.6, 0, 0], [0.6, 1, 0, 0], [0, 0.4, 0, 0]]))
ALL = Changing(times_s=KNOTS, values=RATES.values + np.outer([0, 1, -0.5, 2, 0.3], [0, 0, 20, 40]))


def following(cloud: SpinCloud, *courses: Changing) -> SpinCloud:
    """Spins in turn follow none, the first, the second ..."""
    line = np.random.default_rng(1).normal(0, 0.2, len(cloud))
    return replace(cloud, courses=courses, follows=np.arange(len(cloud)) % (len(courses) + 1) - 1, line=line)


@pytest.mark.parametrize("which", ["gre", "turning", "train"])
def test_changing_spins_are_the_reference(which):
    sequences = {
        "gre": lambda: cut(built(GRE, SPEC, dummy_views=2), 3),
        "turning": lambda: cut(turning(), 2),
        "train": lambda: cut(built(TRAIN, SPEC), 2),
    }
    part = 0.25 if which == "train" else 1.0  # rates are held during its pulses of 2.6 ms, see `changing.HELD_DECAY`
    chosen = (RATES, ALL) if which == "gre" else (RATES,)  # frequencies that change are a term like drift
    courses = [replace(course, values=course.values * [part, part, 1, 1]) for course in chosen]
    sequence, cloud = sequences[which](), following(spins(9), *courses)
    if which == "train":
        cloud = replace(cloud, position_m=CENTRE + 0.05 * cloud.position_m)  # within its slice
    found = play_cloud(cloud, sequence)
    assert error(found, reference(cloud, sequence)) < 1e-5
    still = replace(cloud, courses=(), follows=None)
    assert error(play_cloud(still, sequence), found) > 2e-4  # twenty times what is allowed, even in the shortest


@pytest.mark.parametrize("how", ["turning", "flowing", "flowing in a head that turns"])
def test_changing_spins_that_move_are_the_reference(how):
    """A contrast agent in blood: rates, R2' and frequency go with a spin wherever it goes, through its renewal too."""
    sequence = cut(built(GRE, SPEC, dummy_views=1), 2)
    cloud = spins(12) if how == "turning" else staying(within(semicircle(), 12), sequence)
    cloud = following(cloud, ALL)
    if how != "turning":  # where some follow nothing
        cloud = replace(cloud, follows=np.zeros(len(cloud), int))
    cloud = replace(cloud, motion=None if how == "flowing" else RIGID)
    found, wanted = play_cloud(cloud, sequence), reference(cloud, sequence)
    assert error(found, wanted) < 1e-5
    assert error(play_cloud(replace(cloud, courses=(), follows=None), sequence), wanted) > 1e-2
    assert error(play_cloud(replace(cloud, motion=None, flows=(), flow=None), sequence), wanted) > 1e-2


def test_many_spins_in_tables_are_the_reference():
    """Relaxation during pulses is looked up at rounded rates."""
    few, all_spins = spins(1), spins(6000, 1, 1)
    count, place = len(all_spins), CENTRE + 0.1 * all_spins.position_m
    t1, t2 = np.full(count, few.t1_s[0]), np.full(count, few.t2_s[0])
    many = replace(all_spins, position_m=place, t1_s=t1, t2_s=t2)
    many = replace(many, courses=(RATES,), follows=np.zeros(count, int))
    one, sequence = many.take(np.arange(60)), built(TRAIN, SPEC)
    difference = play_cloud(many, sequence) - play_cloud(many.take(np.arange(60, count)), sequence)
    assert error(difference, reference(one, sequence)) < 2e-4  # what is left of much larger sums


def test_a_course_of_zeros_changes_nothing():
    cloud, sequence = spins(40), built(GRE, SPEC)
    nothing = Changing(times_s=KNOTS, values=np.zeros((5, 4)))
    same = replace(cloud, courses=(nothing,), follows=np.zeros(40, int))
    assert error(play_cloud(same, sequence), play_cloud(cloud, sequence)) < 1e-6


def test_the_same_bytes_for_any_threads_and_blocks(monkeypatch):
    monkeypatch.setattr("fullbore.simulate.cloud.play.MOST_SPINS", 64)
    monkeypatch.setattr("fullbore.simulate.cloud.play.FEWEST_SPINS", 64)
    cloud, sequence = following(spins(200), ALL), cut(built(GRE, SPEC, dummy_views=2), 6)
    one = play_cloud(cloud, sequence, threads=1)
    assert one.tobytes() == play_cloud(cloud, sequence, threads=3).tobytes()
    monkeypatch.setattr("fullbore.simulate.cloud.schedule.MOST_CHANGING", 2)
    assert error(play_cloud(cloud, sequence, memory_bytes=200_000), one) < 1e-6


def views(count: int, flip_deg: float, repetition_s: float, read_s: float) -> list[Event]:
    """A pulse, a readout, and rest until the next one."""
    rest = Event(duration_s=repetition_s - read_s - 1e-5)
    return [pulse(flip_deg, duration_s=1e-5), Event(duration_s=read_s, samples=True), rest] * count


def read(kind, course: TissueCourse | None, events: list[Event]) -> tuple[np.ndarray, np.ndarray]:
    """Magnitudes of one point at the first sample of each readout, and their times."""
    sequence = by_hand(events, samples=2, dwell_s=1e-5)
    body = replace(point(kind), courses=() if course is None else (course,))
    found = np.abs(play_cloud(scatter(body, SPEC, (1, 1, 1)), sequence)[:, 0, 0]) / 1e-9
    return found, compile_timeline(sequence).sample_time_s[:, 0]


def test_the_ernst_steady_state_follows_slow_enhancement():
    """A contrast agent of 0 to 1 mM that flows in over 30 s; T2 of 1 ms spoils."""
    kind, repetition_s, flip = replace(tissue("tumour", t1=1.2, t2=1e-3)), 40e-3, np.deg2rad(20)
    knots = np.linspace(0, 30, 7)
    course = TissueCourse(tissue="tumour", times_s=knots, r1_per_s=4.5 * knots / 30)
    found, time = read(kind, course, views(750, 20, repetition_s, 1e-3))
    e1 = np.exp(-repetition_s * (1 / 1.2 + 4.5 * (time + 0.5 * repetition_s) / 30))  # straight: the integral is the middle's
    along = np.ones(750)
    for view in range(749):
        along[view + 1] = 1 + (along[view] * np.cos(flip) - 1) * e1[view]
    np.testing.assert_allclose(found / found[0], along, rtol=2e-4)
    steady = (1 - e1) / (1 - np.cos(flip) * e1)
    np.testing.assert_allclose(along[350:] / steady[350:], 1, atol=0.01)  # it follows half a second late
    assert steady[-1] > 1.8 * steady[0]


def test_a_bolus_passes_as_its_own_curve():
    """Gradient echoes every second of a tissue through which a gamma variate of contrast agent passes."""
    knots = np.linspace(0, 40, 161)
    bolus = np.where(knots > 8, ((np.maximum(knots, 8) - 8) / 4) ** 3 * np.exp(3 - 0.75 * (np.maximum(knots, 8) - 8)), 0)
    kind, echo_s = tissue("grey matter", t1=1.33, t2=0.055), 25e-3
    course = TissueCourse(tissue="grey matter", times_s=knots, r2_per_s=40 * bolus)
    events = [pulse(90, duration_s=1e-5), Event(duration_s=2 * echo_s, samples=True), Event(duration_s=0.949)] * 40
    found, time = read(kind, course, events)
    without, _ = read(kind, None, events)
    since = time - compile_timeline(by_hand(events, samples=2, dwell_s=1e-5)).time_s
    middle = np.interp(time - since / 2, knots, bolus)
    np.testing.assert_allclose(found[2:] / without[2:], np.exp(-40 * middle[2:] * since[2:]), rtol=2e-3)  # R2 bends at knots
    assert (found / without).min() < 0.4


def test_added_r2_prime_is_seen_by_gradient_echoes_alone():
    """BOLD: R2' rises by 3 per second between two echoes, of gradients or of spins."""
    kind = replace(tissue("cortex", t1=1.3, t2=0.1), t2_prime_s=0.1)
    body = box((4, 4, 4), (2e-3,) * 3, kind)
    course = TissueCourse(tissue="cortex", times_s=np.array([0.1, 0.2]), r2_prime_per_s=np.array([0.0, 3.0]))
    echo = Event(duration_s=30e-3, samples=True)
    free, refocused = [echo], [Event(duration_s=15e-3), pulse(180, 90, "r", 1e-5), Event(duration_s=30e-3, samples=True)]
    for events, kept in ((free, np.exp(-3 * 15e-3)), (refocused, 1.0)):
        one = [pulse(90, duration_s=1e-5), *events]
        late = by_hand([Event(duration_s=0.3), *one], samples=2, dwell_s=1e-5)
        cloud = [scatter(part, SPEC, (4, 4, 4), seed=1) for part in (replace(body, courses=(course,)), body)]
        changed, still = (abs(play_cloud(part, late)[0, 0].mean()) for part in cloud)
        assert changed / still == pytest.approx(kept, abs=3e-3)  # of 8000 spins


def test_courses_of_a_phantom_through_the_front_door():
    sequence, body = cut(built(GRE, SPEC), 4), rod(8)
    changes = {"r1_per_s": np.ones(1), "r2_per_s": np.full(1, 5.0), "shift_ppm": np.full(1, 0.5)}
    course, own = TissueCourse(tissue="b", times_s=np.zeros(1), **changes), body.tissues[1]
    shift_ppm = own.chemical_shift_ppm + 0.5
    other = replace(own, t1_s=1 / (1 / own.t1_s + 1), t2_s=1 / (1 / own.t2_s + 5), chemical_shift_ppm=shift_ppm)
    raw = acquire(replace(body, courses=(course,)), sequence, SPEC, spins=5000)
    assert raw.provenance["simulator"] == "isochromats"
    wanted = acquire(replace(body, tissues=(body.tissues[0], other)), sequence, SPEC, spins=5000, engine="spins")
    assert error(raw.samples, wanted.samples) < 1e-5


def test_bad_courses_are_refused_by_name():
    with pytest.raises(ValueRangeError, match="rising"):
        TissueCourse(tissue="a", times_s=np.array([1.0, 1.0]))
    with pytest.raises(ShapeError, match="r1_per_s"):
        TissueCourse(tissue="a", times_s=np.array([0.0, 1.0]), r1_per_s=np.zeros(3))
    with pytest.raises(ValueRangeError, match="shift_ppm: NaN"):
        TissueCourse(tissue="a", times_s=np.zeros(1), shift_ppm=np.full(1, np.nan))
    course = TissueCourse(tissue="a", times_s=np.array([0.0, 2.0]), r2_per_s=np.array([0.0, -20.0]))
    with pytest.raises(ValueRangeError, match="of a at 2 s"):
        replace(rod(8), courses=(course,))
    safe = replace(course, r2_per_s=np.array([0.0, 1.0]))
    with pytest.raises(ValueRangeError, match="two of a"):
        replace(rod(8), courses=(safe, safe))
    with pytest.raises(UsageError, match="Say which spin follows which"):
        replace(spins(3), courses=(RATES,))
    with pytest.raises(ValueRangeError, match="spin 1 follows 4"):
        replace(spins(3), courses=(RATES,), follows=np.array([0, 4, 0]))
