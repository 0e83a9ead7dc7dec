# TRUTHS of blood that flows in bodies: the pace has mean 1 and the peak asked for | flow is free of divergence in bent,
#   tapered and narrowed vessels, and every section passes the same flux | children's fluxes add up to their parent's, what goes
#   down comes up | a stenosis speeds blood by the square of what it takes | a vessel that a flow fills holds blood alone, and
#   matter is counted once | a scanner measures the velocity of the leg's artery by phase, and finds it bright by inflow |
#   nonsense is refused
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import Flow, Grid, Phantom
from fullbore.errors import ValueRangeError
from fullbore.numerics.vessel import Vessel
from fullbore.phantom import Body, Layer, sampled
from fullbore.phantom.bodies.head import head
from fullbore.phantom.bodies.leg import artery_middle, leg
from fullbore.phantom.flowing import eased, flow_velocity, flux_m3_per_s, heartbeat, sharpness, vessel_flow
from fullbore.phantom.primitives import box, cylinder
from fullbore.simulate.cloud import SpinCloud, play_cloud, scatter
from tests.phantom.phase_contrast import LINES, images, phase_contrast, turns_per_m_s
from tests.simulate.small import machine

SPEC = machine(b1=False, coils=False)


@pytest.fixture(scope="module")
def narrowed():
    return head(stenosis=0.5)


@pytest.mark.parametrize(("peak", "period_s", "begin_s"), [(1.7, 0.9, 0.0), (5.0, 0.6, 0.1), (1.0, 1.1, 0.4)])
def test_the_pace_has_mean_one_and_its_peak(peak, period_s, begin_s):
    pace = heartbeat(peak, period_s, begin_s=begin_s)
    assert pace.integral(np.array([7 * period_s]))[0] == pytest.approx(7 * period_s, rel=1e-12)
    assert pace.at(np.array([begin_s + 0.15 * period_s]))[0] == pytest.approx(peak)
    assert pace.values.max() == pytest.approx(peak)
    with pytest.raises(ValueRangeError, match="flows back between beats"):
        heartbeat(7.0, 1.0)


def gradients(flow: Flow, points: np.ndarray, step: float = 2e-5) -> np.ndarray:
    """Slopes of the velocity, (n, 3, 3)."""
    vessel = Vessel(flow)
    sides = [
        (vessel.velocities(points + step * axis) - vessel.velocities(points - step * axis)) / (2 * step) for axis in np.eye(3)
    ]
    return np.stack(sides, axis=-1)


def inside(flow: Flow, count: int = 300, reach: float = 0.8) -> np.ndarray:
    """Places about the points of a path, within a share of its radius; not near its ends."""
    random, path = np.random.default_rng(0), np.asarray(flow.path_m)
    number = random.integers(2, len(path) - 3, count)
    radius = np.broadcast_to(flow.radius_m, len(path))[number]
    away = random.standard_normal((count, 3))
    away *= (reach * radius * random.random(count) ** (1 / 3) / np.linalg.norm(away, axis=1))[:, None]
    return path[number] + away


def test_flow_is_free_of_divergence_and_every_section_passes_the_same(narrowed):
    for flow in narrowed.flows:
        slope = gradients(flow, inside(flow))
        # Differences over 40 um of paths that are splines.
        assert np.abs(np.trace(slope, axis1=1, axis2=2)).max() < 5e-3 * np.linalg.norm(slope, axis=(1, 2)).max()
        path = np.asarray(flow.path_m)
        radius = np.broadcast_to(flow.radius_m, len(path))
        for number in (len(path) // 4, len(path) // 2, 3 * len(path) // 4):
            along = (path[number + 1] - path[number - 1]) / np.linalg.norm(path[number + 1] - path[number - 1])
            first = np.cross(along, np.eye(3)[np.abs(along).argmin()])
            first /= np.linalg.norm(first)
            g = (np.arange(-60, 60) + 0.5) / 50 * radius[number]
            u, v = (part.ravel()[:, None] for part in np.meshgrid(g, g))
            plane = path[number] + u * first + v * np.cross(along, first)
            passes = (Vessel(flow).velocities(plane) @ along).sum() * (g[1] - g[0]) ** 2
            assert passes == pytest.approx(flux_m3_per_s(flow), rel=2e-2)  # a section of squares


def test_fluxes_add_up_at_branches(narrowed):
    ml_min = [round(6e7 * flux_m3_per_s(flow), 6) for flow in narrowed.flows if flow.tissue == "arterial blood"]
    assert sorted(ml_min) == sorted([240.0, 150, 90, 70, 70] * 2 + [140.0])  # carotid = middle + anterior; basilar = vertebrals
    ends = {round(6e7 * flux_m3_per_s(flow)): flow for flow in narrowed.flows if flow.tissue == "venous blood"}
    assert {430, 120, 240, 310, 275, 345} <= set(ends)  # 430 + 120 = 240 + 310, and what leaves is what came in
    assert 275 + 345 == 2 * 240 + 140
    body = leg(flow_m3_per_s=4e-6)
    artery, deep, vein, skin = (flux_m3_per_s(flow) for flow in body.flows)
    assert artery == pytest.approx(body.truths["artery_flow_m3_per_s"])
    assert artery + deep == pytest.approx(vein + skin)


def test_a_stenosis_speeds_blood_up(narrowed):
    healthy = next(f for f in head().flows if f.path_m[0, 0] > 0 and round(6e7 * flux_m3_per_s(f)) == 150)
    sick = next(f for f in narrowed.flows if np.ptp(f.radius_m) > 3e-4 and f.tissue == "arterial blood")
    assert flux_m3_per_s(sick) == pytest.approx(flux_m3_per_s(healthy))
    throat = sick.path_m[[np.argmin(sick.radius_m)]]
    fast, usual = (np.linalg.norm(Vessel(flow).velocities(throat)) for flow in (sick, healthy))
    assert fast / usual == pytest.approx(4, rel=3e-2)  # the narrowest point lies between two of the path


def pipe(spacing_m: float, fills: bool) -> tuple[SpinCloud, Phantom]:
    """A slanting vessel in muscle, as spins on a grid as coarse as its radius."""
    begin, end = (-0.004, 0.002, -0.02), (0.003, -0.005, 0.02)
    flow = replace(vessel_flow(np.array([begin, end]), 3e-3, 3e-6, "arterial blood"), fills=fills)
    body = Body(
        name="pipe", flows=(flow,),
        layers=(Layer(shape=box((0, 0, 0), (0.03, 0.03, 0.06)), fill="muscle"),
                Layer(shape=cylinder(begin, end, 3e-3), fill="arterial blood")),
    )  # fmt: skip
    phantom = replace(sampled(body, spacing_m), flows=body.flows)
    phantom = replace(phantom, tissues=tuple(replace(t, proton_density=1.0, t1rho_s=None) for t in phantom.tissues))
    return scatter(phantom, SPEC, (4, 4, 4), seed=0), phantom


@pytest.mark.parametrize("spacing_m", [2e-3, 3e-3])
def test_a_filled_vessel_holds_blood_alone_and_matter_is_counted_once(spacing_m):
    cloud, phantom = pipe(spacing_m, fills=True)
    plain, _ = pipe(spacing_m, fills=False)
    vessel = Vessel(phantom.flows[0])
    held = vessel.holds(cloud.position_m)
    volume = np.pi * 9e-6 * vessel.length_m
    # Spins at random in cells of 0.5 to 0.75 mm.
    assert cloud.amount.sum() == pytest.approx(plain.amount.sum(), rel=2e-3)
    assert cloud.amount[held].sum() == pytest.approx(volume, rel=1e-2)
    assert cloud.flow is not None and (cloud.flow[held] == 0).all() and (cloud.flow[~held] == -1).all()
    assert plain.flow is not None
    assert plain.amount[plain.flow == 0].sum() < 0.93 * volume  # without, some blood stands about the vessel
    still = cloud.take(np.flatnonzero((cloud.flow == -1) & (cloud.t1_s == 1.65) & (np.abs(cloud.position_m[:, 2]) < 0.015)))
    assert still.amount.sum() < 1e-2 * volume


@pytest.mark.slow
def test_a_scanner_measures_the_velocity_of_the_legs_artery_and_finds_it_bright():
    """Short repetitions on a piece of 8 cm of the leg, at 2 mm; T2 of 4 ms spoils."""
    body = leg(flow_peak=1.0, flow_m3_per_s=12e-6)
    middle = artery_middle(np.zeros(1))[0]
    near = np.abs(body.flows[0].path_m[:, 2]) <= 40e-3
    flow = replace(body.flows[0], path_m=body.flows[0].path_m[near], radius_m=np.asarray(body.flows[0].radius_m)[near])
    grid = Grid.centred((44, 14, 14), (2e-3,) * 3, (float(middle[0]), float(middle[1]), 0.0))
    phantom = replace(sampled(body, grid), flows=(flow,))
    tissues = tuple(replace(t, t1rho_s=None, t2_prime_s=1e3, t2_s=4e-3) for t in phantom.tissues)
    cloud = scatter(replace(phantom, tissues=tissues), SPEC, (2, 2, 4))
    assert cloud.flow is not None
    cloud = cloud.take(np.flatnonzero((cloud.flow == 0) | (np.abs(cloud.position_m[:, 2]) < 6e-3)))
    cloud = replace(cloud, sensitivity=cloud.sensitivity[:1], through=None)
    centre = float(middle[0]), float(middle[1]), 0.0
    sequence, _ = phase_contrast(8e-3, centre, flip_deg=40.0, delay_s=1e-3, every_s=15e-3, dummies=12)
    seen = images(play_cloud(cloud, sequence), centre)
    resting = images(play_cloud(replace(cloud, flows=(), flow=None), sequence), centre)
    velocity = np.angle(seen[0] * seen[1].conj()) / (2 * np.pi * turns_per_m_s(8e-3))
    part = slice(LINES // 2 - 1, LINES // 2 + 2)
    g = (np.arange(-30, 30) + 0.5) * 1e-4
    plane = np.stack([*np.meshgrid(middle[0] + g, middle[1] + g), np.zeros((60, 60))], axis=-1).reshape(-1, 3)
    truth = flow_velocity((flow,), plane)[:, 2].mean()
    # Nine pixels of 2 mm within a bore of 8 mm: the image's ringing, and blood that moves on by 2 mm until it is read.
    assert velocity[part, part].mean() == pytest.approx(truth, rel=6e-2)
    assert -truth == pytest.approx(1.25 * body.truths["artery_mean_velocity_m_per_s"], rel=2e-2)  # 1.28 by Poiseuille, slanted
    assert np.abs(velocity[3:13, 2:5]).max() < 0.1
    assert np.abs(seen[0][part, part]).mean() > 3 * np.abs(resting[0][part, part]).mean()


def test_paths_are_eased_until_they_bend_no_sharper_than_their_radius():
    corner = np.array([[0.0, 0, 0], [0.02, 0, 0], [0.02, 0.02, 0]])
    path, radius = eased(corner, np.full(3, 3e-3))
    assert sharpness(path, radius) < 0.75
    np.testing.assert_allclose(path[[0, -1]], corner[[0, -1]], atol=1e-12)
