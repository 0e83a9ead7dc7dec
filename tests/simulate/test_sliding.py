# TRUTHS of bodies that slide: a cloud whose pieces move in different ways = the float64 references of its pieces, each with a
#   motion of its own, added up: at rest, rigid, deforming, under a turn of it all, through coils, with blood and with walks
#   | periods may differ | a field that is known at any place moves as its closed form | a phantom's pieces become spins that
#   follow them: those of a place add up to the matter there, and blood follows its vessel's | bad pieces are refused by name
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import (
    Composed,
    Course,
    Deformation,
    Phantom,
    Piece,
    RigidMotion,
    Sliding,
    TissueCourse,
    VectorField,
)  # fmt: skip
from fullbore.errors import ShapeError, UsageError, ValueRangeError
from fullbore.simulate import acquire
from fullbore.simulate.cloud import SpinCloud, play_cloud, reference, scatter
from fullbore.simulate.cloud.device_cloud import carry
from fullbore.simulate.cloud.motion import make_moves, places
from fullbore.simulate.cloud.movers import motion_of
from fullbore.simulate.cloud.scatter import scattered
from tests.simulate.moving import BEAT, BREATH, COIL, RIGID, pipe, within
from tests.simulate.small import GRE, box, built, cut, error, machine, tissue
from tests.simulate.test_cloud import spins
from tests.simulate.test_walk import SHORT

SPEC = machine()
SEQUENCE = cut(built(GRE, SPEC, dummy_views=1), 2)
SWELLS = Deformation(
    modes=(VectorField(at=lambda places: 0.1 * np.sin(20 * places[:, ::-1])),),
    amplitude=Course(times_s=np.array([0.0, 4e-3]), values=np.array([[0.0], [0.05]]), period_s=7e-3),
)


def sliding(*parts: RigidMotion | Deformation | Composed, of_flow: tuple[int, ...] = ()) -> Sliding:
    """Parts for a cloud that says itself which spin follows which."""
    return Sliding(parts=parts, pieces=(), of_flow=of_flow)


def slid(cloud: SpinCloud, motion: Sliding | Composed, parts: int) -> SpinCloud:
    """Spin i follows part i mod (parts + 1), less one."""
    return replace(cloud, motion=motion, mover=np.arange(len(cloud)) % (parts + 1) - 1)


def apart(cloud: SpinCloud, motions: list) -> list[SpinCloud]:
    """The clouds of the spins of -1, 0, ..., each as a body of its own that moves so."""
    plain = replace(cloud, motion=None, mover=None)
    return [
        replace(plain.take(np.flatnonzero(cloud.mover == mover)), motion=motion)
        for mover, motion in zip(range(-1, len(motions)), motions, strict=False)
    ]


def total(clouds: list[SpinCloud]) -> np.ndarray:
    return np.sum([reference(cloud, SEQUENCE) for cloud in clouds], axis=0)


@pytest.mark.parametrize("name", ["rigid, deforming, still", "then all turns", "through a coil"])
def test_pieces_are_their_references(name):
    """Sensitivities are taken to change straightly during a readout: 2e-3 for motions this wild."""
    own = sliding(RIGID, BREATH, SWELLS)
    seen = replace(spins(24, coils=1), through=COIL) if "coil" in name else spins(24)
    cloud = slid(seen, Composed(parts=(own, RIGID)) if "turns" in name else own, 3)
    each = [None, RIGID, BREATH, SWELLS]
    if "turns" in name:
        each = [RIGID, *(Composed(parts=(one, RIGID)) for one in (RIGID, BREATH, SWELLS))]
    wanted = total(apart(cloud, each))
    assert error(play_cloud(cloud, SEQUENCE), wanted) < (2e-3 if "coil" in name else 1e-5)
    assert error(reference(cloud, SEQUENCE), wanted) < 1e-12
    assert error(play_cloud(replace(cloud, motion=BREATH, mover=None), SEQUENCE), wanted) > 1e-2


def test_periods_may_differ():
    """A beat of 10 ms beside a swelling of 7 ms."""
    cloud = slid(spins(20), sliding(BEAT, SWELLS), 2)
    assert error(play_cloud(cloud, SEQUENCE), total(apart(cloud, [None, BEAT, SWELLS]))) < 1e-5


def test_blood_goes_with_their_piece():
    vessel = pipe(peak_velocity_m_per_s=0.2, length_m=0.4)  # too slow for any to reach its end
    bloody = within(vessel, 24)
    bloody = replace(bloody, flow=np.where(np.arange(24) < 12, bloody.flow, -1))
    cloud = slid(bloody, sliding(RIGID, BREATH, of_flow=(0,)), 2)
    assert error(play_cloud(cloud, SEQUENCE), total(apart(cloud, [None, RIGID, BREATH]))) < 1e-5


def test_walks_go_with_their_piece():
    """The middle of the readout, as in `test_walk`."""
    walking = replace(
        spins(15), tensors_m2_per_s=2e-9 * np.eye(3)[None], diffuses=np.zeros(15, int), walker=np.arange(15), walk_seed=1
    )
    cloud = slid(walking, sliding(RIGID, BREATH), 2)
    pieces, found = apart(cloud, [None, RIGID, BREATH]), play_cloud(cloud, SHORT)
    assert error(found, np.sum([play_cloud(piece, SHORT) for piece in pieces], axis=0)) < 1e-6
    assert error(found[..., 4], np.sum([reference(piece, SHORT) for piece in pieces], axis=0)[..., 4]) < 2e-5


def test_a_field_known_anywhere_is_its_closed_form():
    home = spins(30).position_m
    gone = places(make_moves(SWELLS), home, np.array([2e-3, 4e-3, 11e-3])) - home
    np.testing.assert_allclose(gone, np.multiply.outer([0.5, 1.0, 1.0], 0.005 * np.sin(20 * home[:, ::-1])), rtol=0, atol=1e-15)


def shared() -> Phantom:
    """Water of which three pieces move, one for each z and one everywhere, and fat that stays."""
    body = box((4, 3, 6), (4e-3,) * 3, tissue("water"))
    high = np.zeros((2, 3, 6), np.float32)
    high[:] = 0.2
    pieces = (
        Piece(tissue="water", mover=0, share=high), Piece(tissue="water", mover=1, share=high, corner=(2, 0, 0)),
        Piece(tissue="water", mover=-1, share=np.full((4, 3, 6), 0.3, np.float32)), Piece(tissue="fat", mover=-1),
    )  # fmt: skip
    return replace(
        body, tissues=(tissue("water"), tissue("fat")), fractions=0.5 * np.ones((2, 4, 3, 6), np.float32),
        motion=Sliding(parts=(RIGID, BREATH), pieces=pieces),
    )  # fmt: skip


@pytest.mark.parametrize("seed", [None, 1])
def test_spins_of_a_place_add_up_to_its_matter(seed):
    """As without motion; of each piece as much as its share."""
    body = shared()
    cloud, rest = (scatter(one, SPEC, (2, 2, 2), seed=seed) for one in (body, replace(body, motion=None)))
    for found, wanted in zip(places_and_amounts(cloud), places_and_amounts(rest), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
    assert rest.mover is None and len(rest) < len(cloud) <= scattered(body, (2, 2, 2))
    water = np.arange(len(cloud)) < len(cloud) - len(rest) // 2
    assert (cloud.mover[~water] == -1).all()
    for mover, share in ((0, 0.2), (1, 0.2), (-1, 0.6)):
        part = cloud.amount[water & (cloud.mover == mover)].sum()
        assert part / cloud.amount[water].sum() == pytest.approx(share, rel=2e-2 if seed else 1e-6)  # shares of sheared places
    deep = cloud.position_m[:, 2] > 4e-3  # beyond the linear step between the planes of z at -4 and 0 mm
    assert not (deep & (cloud.mover == 0)).any() and (deep & (cloud.mover == 1)).any()


def places_and_amounts(cloud: SpinCloud) -> tuple[np.ndarray, np.ndarray]:
    place, which = np.unique(np.round(cloud.position_m, 9), axis=0, return_inverse=True)
    return place, np.bincount(which.ravel(), cloud.amount)


def test_blood_follows_its_vessel_and_a_course_its_tissue():
    vessel = pipe(path_m=np.array([[-9e-3, 0.0, 0.0], [9e-3, 0.0, 0.0]]), radius_m=5e-3, tissue="water", fills=True)
    agent = TissueCourse(tissue="water", times_s=np.array([0.0, 0.02]), r1_per_s=np.array([0.0, 4.0]))
    body = shared()
    assert isinstance(body.motion, Sliding)
    body = replace(body, flows=(vessel,), courses=(agent,), motion=replace(body.motion, of_flow=(1,)))
    cloud, rest = (scatter(one, SPEC, (2, 2, 2), seed=0) for one in (body, replace(body, motion=None)))
    assert cloud.mover is not None and cloud.flow is not None
    assert 0 < (cloud.flow == 0).sum() == (rest.flow == 0).sum()
    np.testing.assert_array_equal(cloud.mover[cloud.flow == 0], 1)
    assert cloud.amount.sum() == pytest.approx(rest.amount.sum(), rel=1e-12)
    raw = acquire(body, SEQUENCE, SPEC, spins=3000)
    assert raw.provenance["spins"] == str(len(scatter(body, SPEC, (1, 1, 1)))) or int(raw.provenance["spins"]) <= 3000


def share(shape: tuple[int, int, int], value: float) -> np.ndarray:
    return np.full(shape, value, np.float32)


def test_bad_pieces_are_refused_by_name():
    body = shared()
    assert isinstance(body.motion, Sliding)
    water = Piece(tissue="water", mover=0)
    for pieces, flows, kind, told in (
        ((replace(water, tissue="lymph"),), (), UsageError, "motion: it has a piece of 'lymph', there are water, fat"),
        ((water,), (), UsageError, "motion: no piece of fat"),
        (
            (replace(water, share=np.ones((9, 3, 6), np.float32)),),
            (),
            ShapeError,
            r"Piece of water, share: it ends at \(9, 3, 6\)",
        ),
        (
            (replace(water, share=0.4 * np.ones((4, 3, 6), np.float32)),),
            (),
            ValueRangeError,
            "the pieces of water miss its .* 0.1",
        ),
        (body.motion.pieces, (0,), ShapeError, "motion.of_flow: got 1 flows, wanted 0"),
    ):
        with pytest.raises(kind, match=told):
            replace(body, motion=replace(body.motion, pieces=pieces, of_flow=flows))
    with pytest.raises(ValueRangeError, match="part 2 moves water, wanted -1 to 1"):
        replace(body.motion, pieces=(replace(water, mover=2),))
    with pytest.raises(ValueRangeError, match="part -2 moves a flow"):
        replace(body.motion, of_flow=(-2,))
    with pytest.raises(UsageError, match="all of water moves in one way, and some in another"):
        replace(body.motion, pieces=(water, replace(water, mover=1)))
    with pytest.raises(UsageError, match="one of them slides itself"):
        Sliding(parts=(Composed(parts=(body.motion,)),), pieces=())
    with pytest.raises(UsageError, match="two of them slide"):
        Composed(parts=(body.motion, body.motion))
    with pytest.raises(ShapeError, match="Piece of water, share"):
        replace(water, share=np.ones((4, 3), np.float32))


def test_clouds_that_do_not_say_what_moves_a_spin_are_refused():
    both = sliding(RIGID, BREATH)
    with pytest.raises(UsageError, match=r"SpinCloud.mover: wanted -1 to 1 for each spin"):
        replace(spins(3), motion=both)
    with pytest.raises(UsageError, match=r"SpinCloud.mover: wanted -1 to 1"):
        replace(spins(3), motion=both, mover=np.array([0, 1, 2]))
    with pytest.raises(UsageError, match=r"SpinCloud.mover: wanted None, where nothing slides"):
        replace(spins(3), motion=RIGID, mover=np.zeros(3, int))
    with pytest.raises(UsageError, match=r"carry, SpinCloud.mover"):
        carry(slid(spins(3), both, 2), "cpu")
    with pytest.raises(UsageError, match="pieces of it slide"):
        make_moves(both)
    assert motion_of(both, -1) is None and motion_of(Composed(parts=(both,)), -1) is None
    with pytest.raises(UsageError, match="it moves, and states know bodies at rest"):
        acquire(shared(), SEQUENCE, SPEC, engine="states")
