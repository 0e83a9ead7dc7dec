# TRUTHS of phantoms that change: the area below a perfused tissue's curve is its blood fraction times the blood's, a leaking
#   one follows its Ktrans | tissue behind a stroke is late by its delay | rates are relaxivity times concentration | the scanner
#   sees the bolus: gradient echoes fall by exp(-TE dR2*), spin echoes by less, T1-weighted ones rise where it leaks | active
#   cortex is brighter by exp(TE dR2*) at the plateau and as the resting cortex before | courses add up | nonsense is refused by
#   name
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import Course, Perfusion, Phantom
from fullbore.errors import UsageError, ValueRangeError
from fullbore.phantom import uniform_box, with_activation, with_contrast
from fullbore.phantom.bodies.head import head
from fullbore.phantom.courses import concentrations_mM
from fullbore.phantom.fill import renamed
from fullbore.phantom.tissues import library_tissue
from fullbore.physics.perfusion import AGENTS, HAEMATOCRIT, arterial_input_mM
from fullbore.simulate.cloud import play_cloud, scatter
from tests.simulate.small import Event, by_hand, machine, pulse

TIMES = np.linspace(0, 600, 12001)
SPEC = machine(b1=False, coils=False)


def of(*names: str) -> Phantom:
    """A box of equal parts of some tissues of the library."""
    whole = uniform_box((2e-3,) * 3, 1e-3)
    share = whole.fractions[0] / len(names)
    tissues = tuple(replace(library_tissue(name), t2_prime_s=np.inf) for name in names)
    return replace(whole, tissues=tissues, fractions=np.stack([share] * len(names)))


def test_areas_are_blood_fractions_and_leaks_follow_ktrans():
    tissues = [library_tissue(name) for name in ("grey matter", "white matter", "tumour rim", "arterial blood", "csf")]
    held = concentrations_mM(tissues, TIMES)
    assert set(held) == {"grey matter", "white matter", "tumour rim", "arterial blood"}
    for tissue in tissues[:2]:
        assert tissue.perfusion is not None
        late = np.searchsorted(TIMES, 600 - tissue.perfusion.transit_s)
        area = np.trapezoid(arterial_input_mM(TIMES[:late]), TIMES[:late])
        whole, vessels = held[tissue.name]
        mean_transit_s = tissue.perfusion.blood_fraction / tissue.perfusion.flow_per_s
        still_there = whole[-1] * mean_transit_s  # an exponential residue
        assert (np.trapezoid(whole, TIMES) + still_there) / area == pytest.approx(tissue.perfusion.blood_fraction, rel=1e-3)
        assert vessels is whole
    rim = tissues[2].perfusion
    assert rim is not None
    whole, vessels = held["tumour rim"]
    plasma = vessels / rim.plasma_fraction
    # What is outside of vessels obeys d/dt = Ktrans (Cp - C / ve).
    outside = whole - vessels
    slope = rim.transfer_per_s * (plasma - outside / rim.extravascular_fraction)
    # Central differences over 50 ms of a bolus that is over in seconds.
    np.testing.assert_allclose(np.gradient(outside, TIMES)[50:], slope[50:], atol=2e-3 * np.abs(slope).max())
    assert plasma.max() == pytest.approx(arterial_input_mM(TIMES).max() / (1 - HAEMATOCRIT), rel=1e-4)


def test_tissue_behind_a_stroke_is_late_by_its_delay():
    healthy, sick = head(stroke_core_m3=20e-6, stroke_penumbra_m3=30e-6, stroke_delay_s=5.0), {}
    held = concentrations_mM(healthy.tissues, TIMES)
    for name in ("grey matter", "grey matter, stroke penumbra", "grey matter, stroke core"):
        each = next(t for t in healthy.tissues if t.name in (name, f"{name} -"))
        sick[name] = held[each.name][0]
    begins = {name: TIMES[np.argmax(curve > 1e-9)] for name, curve in sick.items()}
    assert begins["grey matter, stroke penumbra"] - begins["grey matter"] == pytest.approx(5.0, abs=0.06)  # steps of 50 ms
    assert begins["grey matter, stroke core"] - begins["grey matter"] == pytest.approx(7.5, abs=0.06)
    assert sick["grey matter, stroke core"].max() < 0.2 * sick["grey matter"].max()


def test_rates_are_relaxivity_times_concentration():
    phantom = with_contrast(of("grey matter", "tumour rim", "arterial blood"), 120.0, begin_s=10.0, agent="gadoterate")
    named = {course.tissue: course for course in phantom.courses}
    agent, blood = AGENTS["gadoterate"], named["arterial blood"]
    np.testing.assert_allclose(blood.added[:, 0], agent.r1_blood * arterial_input_mM(blood.times_s - 10.0))
    held = concentrations_mM(phantom.tissues, blood.times_s, begin_s=10.0)
    for name in ("grey matter", "tumour rim"):
        whole, vessels = held[name]
        wanted = np.stack([agent.r1 * whole, agent.r2 * whole, agent.r2_prime_vessels * vessels, 0 * whole], axis=1)
        np.testing.assert_allclose(named[name].added, wanted)
    assert named["grey matter"].added[:, 2].max() > 10 * named["grey matter"].added[:, 1].max()


def views(count: int, echo_s: float, every_s: float, *, refocused: bool = False) -> list[Event]:
    """A pulse of 90 degrees, an echo (a spin echo where refocused) read at its middle, and rest; T1 recovers between."""
    half = [Event(duration_s=echo_s / 2 - 1e-5), pulse(180, duration_s=1e-5, use="r"), Event(duration_s=echo_s / 2 - 2.1e-4)]
    read = [Event(duration_s=4e-4, samples=True)]
    wait = half if refocused else [Event(duration_s=echo_s - 2e-4)]
    spent = sum(event.duration_s for event in (*wait, *read)) + 1e-5
    return [pulse(90, duration_s=1e-5), *wait, *read, Event(duration_s=every_s - spent)] * count


def signals(phantom: Phantom, events: list[Event]) -> np.ndarray:
    sequence = by_hand(events, samples=4, dwell_s=1e-5)
    return np.abs(play_cloud(scatter(phantom, SPEC, (5, 5, 5), seed=1), sequence)[:, 0].mean(axis=-1))


def test_the_scanner_sees_the_bolus_pass():
    """A view every 1.5 s; R2' is played by spins in a Lorentzian line, R1 by its integral between pulses."""
    echo_s, kind = 30e-3, replace(library_tissue("grey matter"), t2_prime_s=np.inf)
    still = replace(of("grey matter"), tissues=(kind,))
    given = with_contrast(still, 40.0)
    found = {}
    for refocused in (False, True):
        events = views(20, echo_s, 1.5, refocused=refocused)
        found[refocused] = signals(given, events) / signals(still, events)
    course, start = given.courses[0], 1.5 * np.arange(20)
    r1, r2, r2_prime = (Course(times_s=course.times_s, values=values).integral for values in course.added[:, :3].T)

    def grown(level: np.ndarray, first: np.ndarray, last: np.ndarray, more: bool) -> np.ndarray:
        taken = r1(last) - r1(first) if more else 0.0
        return 1 - (1 - level) * np.exp(-(last - first) / kind.t1_s - taken)

    for refocused, decay in ((False, r2(start + echo_s) - r2(start) + r2_prime(start + echo_s) - r2_prime(start)),
                             (True, r2(start + echo_s) - r2(start))):  # fmt: skip
        half = start + (echo_s / 2 if refocused else 0.0)
        ready = [
            grown((-1.0 if refocused else 1.0) * grown(0 * start, start, half, m), half, start + 1.5, m) for m in (True, False)
        ]
        before = np.concatenate([[1.0], (ready[0] / ready[1])[:-1]])
        # Thousands of spins draw their Lorentzian lines at random, which a spin echo undoes.
        np.testing.assert_allclose(found[refocused], before * np.exp(-decay), rtol=2e-3 if refocused else 1e-2)
    assert found[False].min() < 0.85 < 0.97 < found[True].min()


def test_a_leaking_rim_lights_up_under_t1_weighting():
    still = of("tumour rim")
    kind = replace(still.tissues[0], t2_s=0.02)  # nothing transverse is left from one view to the next
    given = with_contrast(replace(still, tissues=(kind,)), 300.0)
    early, late = signals(given, [*views(6, 5e-3, 0.3), Event(duration_s=240.0), *views(6, 5e-3, 0.3)]).reshape(2, 6)[:, -1]
    course = given.courses[0]
    r1 = 1 / kind.t1_s + np.interp([1.5, 243.0], course.times_s, course.added[:, 0])
    r2 = np.interp([1.5, 243.0], course.times_s, course.added[:, 1] + course.added[:, 2])
    seen = (1 - np.exp(-0.3 * r1)) * np.exp(-5e-3 * r2)
    assert late / early == pytest.approx(seen[1] / seen[0], rel=1e-2)  # the first is seen while the bolus has not come
    assert late / early > 1.3


def test_active_cortex_is_brighter_at_the_plateau_and_rests_before():
    kind = library_tissue("grey matter")
    rate = (1 / kind.t2_s + 1 / kind.t2_prime_s) / 1.2  # far more than in life, to be seen above the spins' chance
    work = renamed(kind, "grey matter, active", t2_prime_s=1 / (rate - 1 / kind.t2_s))
    whole, echo_s = uniform_box((2e-3,) * 3, 1e-3), 30e-3
    both = replace(whole, tissues=(kind, work), fractions=np.concatenate([0 * whole.fractions, whole.fractions]))
    events = [
        *views(1, echo_s, 10.0),
        Event(duration_s=40.0),
        *views(1, echo_s, 10.0),
        Event(duration_s=60.0),
        *views(1, echo_s, 10.0),
    ]
    rest, on, off = signals(with_activation(both, [(10.0, 60.0)], 140.0), events)
    change = (1 / kind.t2_s + 1 / kind.t2_prime_s) - rate
    # Some thousand spins draw their line at random, the same at all three times.
    assert on / rest == pytest.approx(np.exp(echo_s * change), rel=1e-2)
    assert off / rest == pytest.approx(1, abs=1e-4)
    assert 1 - rest / on == pytest.approx(1 - np.exp(-echo_s * change), rel=0.1)


def test_courses_add_up():
    once = with_contrast(of("grey matter"), 60.0)
    twice = with_contrast(once, 90.0, begin_s=30.0)
    alone, at = with_contrast(of("grey matter"), 90.0, begin_s=30.0), np.array([12.0, 45.0])
    wanted = sum(np.interp(at, each.courses[0].times_s, each.courses[0].added[:, 0]) for each in (once, alone))
    assert np.interp(at, twice.courses[0].times_s, twice.courses[0].added[:, 0]) == pytest.approx(wanted)


def test_nonsense_is_refused_by_name():
    with pytest.raises(ValueRangeError, match="dose -1"):
        with_contrast(of("grey matter"), 60.0, dose_mmol_per_kg=-1.0)
    with pytest.raises(UsageError, match="wanted one of gadobutrol"):
        with_contrast(of("grey matter"), 60.0, agent="salt")
    with pytest.raises(UsageError, match="no blood reaches"):
        with_contrast(of("csf"), 60.0)
    with pytest.raises(ValueRangeError, match="before the end"):
        with_contrast(of("grey matter"), 60.0, begin_s=70.0)
    with pytest.raises(UsageError, match="no tissue is active"):
        with_activation(of("grey matter"), [(0.0, 10.0)], 60.0)
    with pytest.raises(ValueRangeError, match="begin < end"):
        with_activation(of("grey matter"), [(10.0, 0.0)], 60.0)
    assert Perfusion(flow_per_s=0.01, transit_s=1.0).blood_fraction == 0
