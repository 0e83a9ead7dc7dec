# TRUTHS of blood in a trunk: the stroke volume of aorta and pulmonary trunk is the heart's own, at any rate and strength; at
#   every moment of systole the aorta passes what the ventricle loses | fluxes add up at every junction, what the heart gives
#   comes back to it | along the aorta the pulse gets lower; its walls hold less than a stroke | the flow is free of divergence
#   and every section passes the same | vessels lie in blood of their own kind, where they are when the body has moved, too |
#   velocities as published | a phase-contrast scan of the aorta measures its velocity in systole | nonsense is refused
from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from fullbore.data import Course, Flow, Grid
from fullbore.errors import ValueRangeError
from fullbore.numerics.vessel import Vessel
from fullbore.phantom.bodies.heart_motion import heart_cycle
from fullbore.phantom.bodies.torso import torso
from fullbore.phantom.bodies.torso_flows import JUNCTIONS, SHARES, heart_pace, paces
from fullbore.phantom.flowing import STEADY, buffered, ejection, flux_m3_per_s, heartbeat
from fullbore.phantom.moving import displacement
from fullbore.phantom.sampling import mixture, sampled
from fullbore.simulate.cloud import play_cloud, scatter
from tests.phantom.phase_contrast import LINES, images, phase_contrast, turns_per_m_s
from tests.phantom.test_flowing import gradients
from tests.simulate.small import machine

BODY = torso()


def named(body) -> dict[str, Flow]:
    """The flows of a torso by name: its truths tell of them in their order."""
    suffix = "_peak_velocity_m_per_s"
    names = [key.removesuffix(suffix).replace("_", " ") for key in body.truths if key.endswith(suffix)]
    return dict(zip(names, body.flows, strict=True))


FLOWS = named(BODY)


def key(name: str) -> str:
    return name.replace(",", "")


@pytest.mark.parametrize(("rate", "fraction"), [(65.0, 0.6), (110.0, 0.55), (45.0, 0.35)])
def test_the_aorta_and_the_pulmonary_trunk_pass_the_hearts_stroke_volume(rate, fraction):
    body = torso(heart_rate_per_min=rate, ejection_fraction=fraction)
    period = body.truths["heart_period_s"]
    stroke = body.truths["end_diastolic_volume_m3"] - body.truths["end_systolic_volume_m3"]
    for name in ("ascending aorta", "pulmonary trunk"):
        flow = named(body)[name]
        passed = flux_m3_per_s(flow) * np.diff(flow.pace.integral(np.array([3.0, 4.0]) * period))[0]
        assert passed == pytest.approx(stroke, rel=1e-9)


def test_at_every_moment_of_systole_the_aorta_passes_what_the_ventricle_loses():
    activity, period, end = heart_cycle(65.0)
    pace = heart_pace(65.0)
    times = np.linspace(0, end, 200)
    passed = pace.integral(times) / period
    left = np.array([activity(float(time)) for time in times])
    # Straight pieces of 5 ms of a curve that bends.
    np.testing.assert_allclose(passed, left, atol=3e-3)
    assert pace.at(np.linspace(end, period, 50)[1:-1]).max() == 0.0


def test_fluxes_add_up_at_every_junction_and_all_comes_back():
    flux = {name: flux_m3_per_s(FLOWS[key(name)]) for name in SHARES}
    output = BODY.truths["cardiac_output_m3_per_s"]
    for place in JUNCTIONS:
        come, go = (sum(flux[name] for name in names) for names in (place.come, place.go))
        assert come == pytest.approx(go + place.undrawn * output, rel=1e-9), place.come
    # A circulation: what vessels that are not drawn take they bring back, and so does every part.
    assert sum(place.undrawn for place in JUNCTIONS) == pytest.approx(0, abs=1e-12)
    to_head = ("brachiocephalic artery", "left carotid artery", "left subclavian artery")
    assert sum(flux[name] for name in to_head) == pytest.approx(
        flux["left brachiocephalic vein"] + flux["right brachiocephalic vein"]
    )
    for part in ("left renal", "right renal", "left iliac", "right iliac"):
        assert flux[f"{part} artery"] == pytest.approx(flux[f"{part} vein"])
    for come, go in (
        (("splenic artery",), ("splenic vein",)), (("superior mesenteric artery",), ("superior mesenteric vein",)),
        (("hepatic artery", "portal vein"), ("right hepatic vein", "middle hepatic vein", "left hepatic vein")),
    ):  # fmt: skip
        assert sum(flux[name] for name in come) == pytest.approx(sum(flux[name] for name in go)), come
    assert {name for place in JUNCTIONS for name in (*place.come, *place.go)} == set(SHARES)
    for name, value in flux.items():
        assert BODY.truths[f"{key(name).replace(' ', '_')}_flow_m3_per_s"] == pytest.approx(value)


def test_walls_hold_what_has_come_and_not_yet_gone():
    """Along the aorta the pulse gets lower and later; what lies between two of its sections swings by less than a stroke."""
    found, period = paces(65.0), 60 / 65.0
    times = np.linspace(0, period, 400)
    names = ("ascending aorta", "descending aorta", "abdominal aorta")
    peaks = [found[name].values.max() for name in names]
    assert peaks[0] > peaks[1] > peaks[2] > 1
    for first, second in pairwise(names):
        held = (found[first].integral(times) - found[second].integral(times)) / period
        assert 0.02 < np.ptp(held) < 0.5  # of a stroke; between heart and a resistance without pulse it would be 0.6
    for name, pace in found.items():
        assert pace.values.min() >= 0, name
        assert np.mean(pace.at(period * (np.arange(4096) + 0.5) / 4096)) == pytest.approx(1, abs=1e-4), name


@pytest.mark.parametrize("name", sorted(FLOWS))
def test_flow_is_free_of_divergence_and_every_section_passes_the_same(name):
    flow = FLOWS[name]
    vessel = Vessel(flow)
    slope = gradients(flow, lumen(flow, 200))
    assert np.abs(np.trace(slope, axis1=1, axis2=2)).max() < 5e-3 * max(
        np.linalg.norm(slope, axis=(1, 2)).max(), flow.peak_velocity_m_per_s / vessel.widest_m
    )  # differences over 40 um of paths that are splines
    for part in (0.2, 0.5, 0.8):
        middle = vessel._table(np.array([part * vessel.length_m]))[0]
        g = (np.arange(-60, 60) + 0.5) / 50 * middle[9]
        u, v = (each.ravel()[:, None] for each in np.meshgrid(g, g))
        plane = middle[:3] + u * middle[3:6] + v * middle[6:9]
        passes = (vessel.velocities(plane) @ np.cross(middle[3:6], middle[6:9])).sum() * (g[1] - g[0]) ** 2
        assert abs(passes) == pytest.approx(flux_m3_per_s(flow), rel=2e-2)  # a section of squares


def lumen(flow: Flow, count: int = 400) -> np.ndarray:
    """Places all over a vessel, within 0.8 of its radius."""
    random, vessel = np.random.default_rng(0), Vessel(flow)
    row = vessel._table(random.uniform(0.02, 0.98, count) * vessel.length_m)
    share, angle = 0.8 * np.sqrt(random.random((count, 1))), random.uniform(0, 2 * np.pi, (count, 1))
    return row[:, :3] + row[:, 9:] * share * (np.cos(angle) * row[:, 3:6] + np.sin(angle) * row[:, 6:9])


def test_vessels_lie_in_blood_of_their_own_kind():
    names = [tissue.name for tissue in BODY.tissues]
    for name, flow in FLOWS.items():
        held = mixture(BODY, lumen(flow), 1e-3)
        # Walls of vessels that touch, and the slanting mouths of branches.
        assert held[:, names.index(flow.tissue)].mean() > 0.9, name
        other = {"arterial blood": "venous blood", "venous blood": "arterial blood"}[flow.tissue]
        assert held[:, names.index(other)].mean() < 0.05, name


def test_vessels_are_in_their_blood_when_the_body_has_moved():
    """At the end of systole in a deep breath: vessels are displaced as the organ that they are painted as."""
    names, time = [tissue.name for tissue in BODY.tissues], BODY.truths["end_systole_s"] + 2 * BODY.truths["heart_period_s"]
    for name, organ, least_m in (
        ("ascending aorta", "ascending aorta", 5e-3), ("pulmonary trunk", "pulmonary trunk", 5e-3),
        ("portal vein", "portal vein", 6e-3), ("left renal artery", "left renal artery", 0.0),
        ("hepatic artery", "hepatic artery", 6e-3), ("splenic artery", "splenic artery", 6e-3),
        ("superior mesenteric artery", "superior mesenteric artery", 2e-3), ("right hepatic vein", "hepatic veins", 1e-2),
    ):  # fmt: skip
        places = lumen(FLOWS[name])
        if name == "ascending aorta":  # from the arch on, where it is another organ and at rest
            places = places[places[:, 2] < 0.17]
        gone = displacement(BODY, places, np.full(len(places), 1 + BODY.organs.index(organ)), time)
        assert np.linalg.norm(gone, axis=1).max() >= least_m, name
        held = mixture(BODY, places + gone, 1e-3, time)
        assert held[:, names.index(FLOWS[name].tissue)].mean() > 0.85, name


def test_velocities_are_those_of_adults():
    """Ascending aorta 1.28 +- 0.18 m/s (Doppler, 40 adults); two standard deviations to either side, and round ranges."""
    for name, low, high in (
        ("ascending aorta", 0.92, 1.64), ("descending aorta", 0.7, 1.6), ("pulmonary trunk", 0.5, 1.2),
        ("left renal artery", 0.6, 1.5), ("portal vein", 0.1, 0.4), ("inferior vena cava", 0.15, 0.8),
        ("superior vena cava", 0.1, 0.8),
        ("coeliac trunk", 0.6, 2.0), ("superior mesenteric artery", 0.8, 2.75), ("right hepatic vein", 0.1, 0.8),
    ):  # fmt: skip
        assert low < BODY.truths[f"{name.replace(' ', '_')}_peak_velocity_m_per_s"] < high, name


def test_a_pace_that_runs_off_keeps_its_mean_and_has_the_peak_asked_for():
    beat = ejection(lambda time_s: (1 - time_s) ** 2, 0.1, 0.4, 0.9)
    assert beat.integral(np.array([0.9]))[0] == pytest.approx(0.9, rel=1e-12)
    # Of what leaves between 0.1 and 0.4 s, half the time passes more than half.
    part = (0.81 - 0.75**2) / (0.81 - 0.36)
    assert beat.integral(np.array([0.25]))[0] / 0.9 == pytest.approx(part, rel=2e-3)  # the first and last 5 ms rise and fall
    for peak in (1.1, 2.0):
        late = buffered(beat, peak, 0.05)
        assert late.values.max() == pytest.approx(peak, rel=1e-6)
        assert late.integral(np.array([9.0]))[0] == pytest.approx(9.0, rel=1e-9)
    # One compartment: what it holds is its time constant times what it gives, so that both have their peak at one time.
    late = buffered(heartbeat(5.0, 0.9), 2.0)
    at = np.linspace(0, 0.9, 2001)
    held = heartbeat(5.0, 0.9).integral(at) - late.integral(at)
    top = at[np.argmax(held)]
    assert late.at(np.array([top]))[0] == pytest.approx(late.values.max(), rel=1e-2)  # 64 samples in a period
    for wrong in (1.0, 7.0):
        with pytest.raises(ValueRangeError, match="buffered"):
            buffered(beat, wrong)
    with pytest.raises(ValueRangeError, match="which has a period"):
        buffered(Course(times_s=np.zeros(1), values=np.ones(1)), 0.9)


@pytest.mark.slow
def test_a_scanner_measures_the_velocity_of_the_aorta_in_systole():
    """The abdominal aorta with its pace held at its peak; short repetitions on a piece of 6 cm, at 2 mm; T2 of 4 ms spoils."""
    whole, level = FLOWS["abdominal aorta"], -0.105
    path, radius, top = np.asarray(whole.path_m), np.asarray(whole.radius_m), float(whole.pace.values.max())
    near, number = np.flatnonzero(np.abs(path[:, 2] - level) <= 30e-3), int(np.argmin(np.abs(path[:, 2] - level)))
    speed = whole.peak_velocity_m_per_s * top * float(radius[0] / radius[near[0]]) ** 2
    flow = replace(whole, path_m=path[near], radius_m=radius[near], peak_velocity_m_per_s=speed, pace=STEADY)
    centre = float(path[number, 0]), float(path[number, 1]), level
    phantom = replace(sampled(BODY, Grid.centred((32, 14, 14), (2e-3,) * 3, centre)), flows=(flow,))
    tissues = tuple(replace(t, t1rho_s=None, t2_prime_s=1e3, t2_s=4e-3, pools=()) for t in phantom.tissues)
    cloud = scatter(replace(phantom, tissues=tissues), machine(b1=False, coils=False), (1, 1, 3))
    assert cloud.flow is not None
    cloud = cloud.take(np.flatnonzero((cloud.flow == 0) | (np.abs(cloud.position_m[:, 2] - level) < 6e-3)))
    cloud = replace(cloud, sensitivity=cloud.sensitivity[:1], through=None)
    sequence, _ = phase_contrast(8e-3, centre, flip_deg=40.0, delay_s=1e-3, every_s=15e-3, dummies=6)
    seen = images(play_cloud(cloud, sequence), centre)
    velocity = np.angle(seen[0] * seen[1].conj()) / (2 * np.pi * turns_per_m_s(8e-3))
    part = slice(LINES // 2 - 2, LINES // 2 + 3)
    passes = BODY.truths["abdominal_aorta_flow_m3_per_s"] * top / (np.pi * float(radius[number]) ** 2)
    # Blood at one velocity all across, which slants by 2 degrees; the ringing of tissue that rests reaches into the lumen.
    assert -velocity[part, part].mean() == pytest.approx(passes, rel=5e-2)


def test_a_heart_that_leaves_no_room_for_its_vessels_is_refused():
    with pytest.raises(ValueRangeError, match="too large or too small for the trunk"):
        torso(height_m=1.3, mass_kg=40.0, end_diastolic_volume_m3=250e-6, ejection_fraction=0.4)
