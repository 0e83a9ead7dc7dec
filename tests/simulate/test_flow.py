# TRUTHS of flow: flowing clouds = the float64 reference, in straight, bent and narrowed vessels | a bipolar pair gives a flowing
#   spin the phase gamma M1 v, on a semicircle the integral of G z(t) | blood that comes in fresh is brighter: Mz between pulses
#   follows its number of pulses, in a bent vessel as in a straight one of its length | a stenosis keeps the flux
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import Course
from fullbore.numerics.vessel import Vessel
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.simulate.cloud import play_cloud, reference
from fullbore.simulate.timeline import compile_timeline
from tests.simulate.moving import SPEC, bipolar, course, flowing, laps, pipe, semicircle, staying, within
from tests.simulate.small import GRE, built, cut, error
from tests.simulate.test_cloud import spins, turning

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


def test_flow_without_renewal_is_the_reference():
    """Too slow for any spin to reach the end: no allowance is needed."""
    sequence = cut(built(GRE, SPEC, dummy_views=1), 2)
    cloud = flowing(spins(20), pipe(peak_velocity_m_per_s=0.2, length_m=0.4))
    assert laps(cloud, 0.1).max() == 0
    assert error(play_cloud(cloud, sequence), reference(cloud, sequence)) < 1e-5


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
