# TRUTHS of organs that slide: on both sides of a border each spin is displaced as its own side, at any distance from it, of one
#   tissue or two | the picture of a slid body is that of the body painted then, its edges where they were painted up to the
#   border; one field over both sides is wrong by millimetres there | matter at rest is what it was | liver, wall, heart and all
#   else of a breathing torso stand within the tolerance of where the body's movements say, at and between the moments that are
#   known, and so does blood in its vessels
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from jaxtyping import Float
from scipy.ndimage import distance_transform_edt

from fullbore.data import Course, Deformation, FieldMap, Phantom, Sliding, Tissue
from fullbore.errors import ValueRangeError
from fullbore.phantom import Body, Layer, make_body, moving
from fullbore.phantom.body_truth import organ_labels
from fullbore.phantom.movement import Movement
from fullbore.phantom.moving import at_rest, displacement
from fullbore.phantom.primitives import box
from fullbore.phantom.sampling import body_grid, organ_shares, sampled
from fullbore.phantom.sliding import along_path, moved, told_apart
from fullbore.simulate.cloud import SpinCloud, play_cloud, scatter
from fullbore.simulate.cloud.motion import make_moves, places
from fullbore.simulate.cloud.movers import motion_of
from tests.simulate.small import GRE, built, error, machine, tissue

SPEC = machine(b1=False, coils=False)
WAY_M, PERIOD_S = 6e-3, 2.0
BRIGHT, DARK = tissue("bright", density=1.0, t2=4e-3), tissue("dark", density=0.2, t2=4e-3)


def slide(way_m: float = WAY_M) -> Movement:
    """Up and back."""
    way = np.array([0.0, 0.0, way_m])

    def course(time_s: float) -> float:
        return float(np.sin(np.pi * time_s / PERIOD_S) ** 2)

    return Movement(
        forward=lambda points, t: points + course(t) * way, backward=lambda points, t: points - course(t) * way,
        stretch=1.0, period_s=PERIOD_S,
    )  # fmt: skip


def kinds(alike: bool) -> Tissue:
    return BRIGHT if alike else DARK


def halves(alike: bool, movement: Movement | None) -> Body:
    """Two blocks that meet at x = 0, each with a bright bar across; the one at x > 0 slides. alike: of one tissue."""
    kind = kinds(alike)
    layers = [
        Layer(shape=box((0.0, 0.0, 0.0), (0.04, 0.02, 0.06)), fill=kind, organ="still"),
        Layer(shape=box((0.0, 0.0, 0.0), (0.04, 0.02, 0.016)), fill=BRIGHT, organ="bar"),
        Layer(shape=box((0.02, 0.0, 0.0), (0.04, 0.04, 0.1)), fill="air", organ="room"),
        Layer(shape=box((0.01, 0.0, 0.0), (0.02, 0.02, 0.06)), fill=kind, organ="slid", movement=movement),
        Layer(shape=box((0.01, 0.0, 0.0), (0.02, 0.02, 0.016)), fill=BRIGHT, organ="slid bar", movement=movement),
    ]
    return Body(name="halves", layers=tuple(layers), low_m=(-0.022, -0.012, -0.038), high_m=(0.022, 0.012, 0.038))


def one_field(body: Body, time_s: float, spacing_m: float = 3e-3) -> Deformation:
    """All of a body by one field that is continuous on a grid, by what fills most of each of its points."""
    grid = body_grid(at_rest(body), spacing_m)
    labels = organ_labels(at_rest(body), grid)
    labels[labels == 1 + body.organs.index("room")] = 0
    distance, nearest = distance_transform_edt(labels == 0, return_indices=True)  # on into the air, for 4 points
    points, labels = grid.points_m().reshape(-1, 3), np.where(distance <= 4, labels[tuple(nearest)], labels).ravel()
    gone = displacement(body, points, labels, time_s).T.reshape(3, *grid.shape)
    mode = FieldMap(values=np.ascontiguousarray(gone), grid=grid, unit="m")
    return Deformation(modes=(mode,), amplitude=Course(times_s=np.zeros(1), values=np.ones((1, 1))))


def places_of(cloud: SpinCloud, time_s: float) -> Float[np.ndarray, "n 3"]:
    """Where the spins of a cloud are at a time."""
    found, time = cloud.position_m.copy(), np.array([time_s])
    assert cloud.mover is not None
    for mover in np.unique(cloud.mover).tolist():
        own, motion = cloud.mover == mover, motion_of(cloud.motion, mover)
        if motion is not None:
            found[own] = places(make_moves(motion), found[own], time)[0]
    return found


@pytest.mark.parametrize("alike", [True, False])
def test_each_side_of_a_border_goes_its_own_way(alike):
    """Spins 1 mm apart, from the border on; shares of the cells at the border are of both sides."""
    body = halves(alike, slide())
    phantom = moving(body, 3e-3, np.array([0.0, 0.5, 1.0]))
    cloud = scatter(phantom, SPEC, (3, 1, 1))
    assert cloud.mover is not None and set(cloud.mover.tolist()) == {-1, 0}
    for time, share in ((0.0, 0.0), (0.5, 0.5), (1.0, 1.0)):
        gone = places_of(cloud, time) - cloud.position_m
        np.testing.assert_allclose(gone[cloud.mover == 0] - [0, 0, share * WAY_M], 0, atol=1e-9)
        np.testing.assert_array_equal(gone[cloud.mover == -1], 0)
    x, amount, beyond = cloud.position_m[:, 0], cloud.amount, 3.1e-3  # a cell, over which shares are linear
    lost = ((x < -beyond) & (cloud.mover == 0)) | ((x > beyond) & (cloud.mover == -1))
    assert amount[lost].sum() < 1e-12 * amount.sum()
    held = dict(zip(body.organs, organ_shares(at_rest(body), phantom.grid), strict=True))
    slid = sum(kind.proton_density * held[organ].sum() for organ, kind in (("slid", kinds(alike)), ("slid bar", BRIGHT)))
    assert amount[cloud.mover == 0].sum() == pytest.approx(slid * phantom.grid.voxel_volume_m3, rel=1e-6)
    old = places(make_moves(one_field(body, 1.0)), cloud.position_m, np.zeros(1))[0] - cloud.position_m
    wrong = np.abs(old[:, 2] - np.where(cloud.mover == 0, WAY_M, 0.0))
    assert wrong.max() > 2e-3 and wrong[np.abs(x) < 3e-3].mean() > 5e-4


def test_a_slid_body_looks_as_it_was_painted_then():
    """Edges of the bar that slides and of the one that stays, 1 mm from the border on, in a picture of 1.25 mm."""
    wide = {"orientation": "coronal", "matrix": [64, 40, 4], "fov": ["80 mm", "50 mm", "40 mm"], "bandwidth": "1000 Hz/px"}
    sequence = built(GRE, SPEC, dummy_views=0, **wide)
    body = halves(False, slide())
    phantom, then = moving(body, 1e-3, np.array([1.0])), sampled(body, 1e-3, 1.0)
    counts = (1, 1, 1)
    new, wanted = scatter(phantom, SPEC, counts), scatter(then, SPEC, counts)
    old = scatter(replace(phantom, motion=one_field(body, 1.0)), SPEC, counts)
    signals = [play_cloud(replace(cloud, through=None), sequence) for cloud in (wanted, new, old)]
    errors = [error(signal, signals[0]) for signal in signals[1:]]
    assert errors[0] < 1e-5 and errors[1] > 1000 * errors[0]
    k = sequence.encoding.trajectory_per_m()
    for x in (-2.5e-3, -1.25e-3, 1.25e-3, 2.5e-3):
        right, found, smeared = (edges(signal[:, 0], k, x) for signal in signals)
        middle = WAY_M if x > 0 else 0.0
        np.testing.assert_allclose(right, [middle - 8e-3, middle + 8e-3], atol=0.7e-3)  # pixels of 1.25 mm ring
        np.testing.assert_allclose(found, right, atol=2.6e-5)  # a step of the profile
        if abs(x) < 2e-3:
            assert np.abs(smeared - right).max() > 2e-4


def edges(signal: np.ndarray, k_per_m: np.ndarray, x_m: float) -> Float[np.ndarray, " 2"]:
    """Where the bar begins and ends along z, at half height."""
    z = np.linspace(-20e-3, 20e-3, 1601)
    line = np.stack([np.full(len(z), x_m), np.zeros(len(z)), z], axis=1)
    flat = k_per_m.reshape(-1, 3)
    seen = np.abs(np.exp(2j * np.pi * line @ flat.T) @ signal.ravel())
    level = 0.5 * (np.median(seen[np.abs(z) > 15.5e-3]) + np.max(seen))
    above = np.flatnonzero(seen > level)
    return z[[above[0], above[-1]]]


def test_a_movement_to_nowhere_is_refused():
    away = Movement(forward=lambda points, t: points / 0.0 if t > 0 else points, period_s=PERIOD_S)
    with np.errstate(all="ignore"), pytest.raises(ValueRangeError, match="Body halves: a movement takes its matter to NaN"):
        moving(halves(False, away), 4e-3, np.array([0.0, 1.0]))


@pytest.fixture(scope="module")
def torso() -> tuple[Body, Phantom]:
    body = make_body("torso")
    return body, moving(body, 8e-3)


def test_matter_at_rest_is_what_it_was(torso):
    body, phantom = torso
    still = sampled(at_rest(body), phantom.grid)
    assert phantom.tissues == body.tissues == still.tissues
    np.testing.assert_allclose(phantom.fractions, still.fractions, atol=1e-6)
    np.testing.assert_allclose(phantom.field_ppm.values, still.field_ppm.values, atol=1e-5)
    assert isinstance(phantom.motion, Sliding)
    summed = {tissue.name: np.zeros(phantom.grid.shape) for tissue in phantom.tissues}
    for piece in phantom.motion.pieces:
        share = piece.within(phantom.grid.shape)
        number = body.tissues.index(next(kind for kind in body.tissues if kind.name == piece.tissue))
        summed[piece.tissue] += phantom.fractions[number] if share is None else share
    np.testing.assert_allclose(list(summed.values()), phantom.fractions, atol=1e-6)
    moved_cloud, rest = (scatter(one, SPEC, (1, 1, 1)) for one in (phantom, replace(phantom, motion=None)))
    assert moved_cloud.amount.sum() == pytest.approx(rest.amount.sum(), rel=1e-12)


def test_organs_of_a_torso_stand_where_the_body_says(torso):
    """Everything that there is: 0.1 mm, at and between the moments that are known, of ways of up to 28 mm."""
    body, phantom = torso
    apart, motion = told_apart(body), phantom.motion
    assert isinstance(motion, Sliding)
    cloud, random = scatter(phantom, SPEC, (1, 1, 1), seed=0), np.random.default_rng(1)
    checked = set[str]()
    for own, organs in organs_of(body).items():
        movers = {piece.mover for piece in motion.pieces} & {number_of(apart, motion, own)}
        for mover in movers:
            which = np.flatnonzero((cloud.mover == mover) & (cloud.flow < 0))
            home = cloud.position_m[random.permutation(which)[:500]]
            times = motion.parts[mover].amplitude.times_s
            times = np.concatenate([times[::5], (times[:-1] + 0.5 * np.diff(times))[::5]])
            found = places(make_moves(motion.parts[mover]), home, times)
            wanted = np.stack([moved(body, own, home, time) for time in times.tolist()])
            assert np.linalg.norm(found - wanted, axis=2).max(initial=0.0) < 1e-4, organs
            checked |= set(organs) if len(home) else set()
    assert {"liver", "spleen", "stomach", "muscle", "skin", "left ventricle wall", "right ventricle wall", "diaphragm"} <= checked


def organs_of(body: Body) -> dict[Movement | None, list[str]]:
    found: dict[Movement | None, list[str]] = {}
    for layer in body.layers:
        found.setdefault(layer.movement, []).append(layer.organ)
    return found


def number_of(apart, motion: Sliding, own: Movement | None) -> int:
    """The part of a movement: that of a piece of a tissue that it moves, which are in the same order."""
    return apart.movers.index(own)


def test_blood_goes_with_its_vessel(torso):
    """As one of the movements of the body; where a vessel passes from one of them to the next, between the two."""
    body, phantom = torso
    motion, apart = phantom.motion, told_apart(body)
    assert isinstance(motion, Sliding) and len(motion.of_flow) == len(body.flows)
    for flow, mover in zip(body.flows, motion.of_flow, strict=True):
        path = np.asarray(flow.path_m)
        time = np.array([1.5])
        found = places(make_moves(motion.parts[mover]), path, time)[0]
        each = np.stack([moved(body, own, path, 1.5) for own in apart.movers])
        nearest = np.linalg.norm(each - found, axis=2).min(axis=0)
        single = len(set(along_path(apart, flow).tolist())) == 1
        # A grid of 3 mm where an organ's slope bends; where the two movements are millimetres apart, it is between them.
        assert nearest.max() < (1e-4 if single else 2.5e-3)
