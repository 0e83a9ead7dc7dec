# TRUTHS of primitives: sampled volume = closed form to 0.1 %, upright and turned | distance never exceeds the true one by more
# than stretch | boxes hold the solid | blend keeps what union has | spans hold what distances are nearby
# | impossible sizes refused
import numpy as np
import pytest

from fullbore.errors import ShapeError, ValueRangeError
from fullbore.phantom import primitives as p
from fullbore.phantom.bodies.whole_outline import near
from fullbore.phantom.body import Body, Layer
from fullbore.phantom.body_truth import tissue_volumes
from fullbore.phantom.sampling import body_grid
from fullbore.phantom.shape import blend, flipped, grown, mirrored, placed, rotation, rough, shell, spanned, union
from fullbore.phantom.texture import smooth_field

BEAN = p.smooth_path(np.array([[0.03, 0.0], [0.02, 0.025], [-0.02, 0.02], [-0.03, -0.01], [0.01, -0.02]]), closed=True)
SOLIDS = {
    "ball": p.ball((0.003, 0, 0.001), 0.03),
    "ellipsoid": p.ellipsoid((0, 0, 0), (0.04, 0.025, 0.03)),
    "box": p.box((0.001, 0, 0), (0.05, 0.03, 0.04)),
    "cylinder": p.cylinder((-0.01, 0.002, -0.03), (0.01, 0, 0.03), 0.025),
    "cone": p.cone((0, 0, -0.03), (0.01, 0.01, 0.02), 0.015, 0.03),
    "capsule": p.capsule((-0.02, 0, 0), (0.02, 0.01, 0.005), 0.02),
    "torus": p.torus((0, 0, 0), 0.03, 0.012),
    "extruded": p.extruded(BEAN, -0.02, 0.03),
    "revolved": p.revolved(np.array([[0, -0.03], [0.02, -0.03], [0.03, 0.0], [0.012, 0.02], [0.01, 0.03], [0, 0.03]])),
    "lofted": p.lofted(np.array([-0.03, 0.0, 0.03]), np.stack([0.6 * BEAN, BEAN, 0.8 * BEAN + 0.005])),
}
TURN = rotation((1, 2, -0.5), 0.7)


def volume(shape, spacing=1e-3):
    body = Body(name="solid", layers=(Layer(shape=shape, fill="water"),))
    return tissue_volumes(body, body_grid(body, spacing))["water"]


@pytest.mark.parametrize("name", SOLIDS)
def test_volume_is_the_closed_form_to_a_thousandth(name):
    solid = SOLIDS[name]
    assert volume(solid) == pytest.approx(solid.volume_m3, rel=1e-3)
    assert volume(placed(solid, (0.01, -0.02, 0.03), TURN)) == pytest.approx(solid.volume_m3, rel=1e-3)


def test_the_error_of_a_volume_falls_with_the_square_of_the_spacing():
    ball = SOLIDS["ball"]
    coarse, fine = (abs(volume(ball, spacing) / ball.volume_m3 - 1) for spacing in (6e-3, 3e-3))
    # Theory: (spacing / radius)^2 / 4 = 1.0 % at 6 mm, times the mean over the lattice's position.
    assert 5e-3 < coarse < 2e-2
    assert fine < coarse / 3


@pytest.mark.parametrize("name", SOLIDS)
@pytest.mark.parametrize("turn", [None, TURN])
def test_distance_is_right_in_sign_and_overstates_by_no_more_than_its_stretch(name, turn):
    solid = placed(SOLIDS[name], (0.01, 0, 0), turn)
    generator = np.random.default_rng(1)
    points = generator.uniform(-0.08, 0.08, (4000, 3))
    own = solid.distance(points)
    # Two points on opposite sides have the surface between them: its distance cannot exceed theirs.
    for step in (2e-3, 8e-3, 2e-2):
        others = points + step * generator.standard_normal(points.shape)
        crossed = np.sign(solid.distance(others)) != np.sign(own)
        gap = np.linalg.norm(others - points, axis=1)
        assert crossed.sum() > 10
        assert np.all(np.abs(own[crossed]) <= gap[crossed] * solid.stretch * (1 + 1e-9))
    inside = points[own < 0]
    assert np.all((inside >= np.array(solid.low_m) - 1e-12) & (inside <= np.array(solid.high_m) + 1e-12))


def test_volumes_of_the_algebra():
    ball, box = SOLIDS["ball"], p.box((0.003, 0, 0.021), (0.1, 0.1, 0.04))
    assert volume(ball & box) == pytest.approx(ball.volume_m3 / 2, rel=1e-3)
    assert volume(ball - box) == pytest.approx(ball.volume_m3 / 2, rel=1e-3)
    assert volume(shell(ball, -0.005, 0.0)) == pytest.approx(4 / 3 * np.pi * (0.03**3 - 0.025**3), rel=1e-3)
    assert volume(grown(ball, 0.004)) == pytest.approx(4 / 3 * np.pi * 0.034**3, rel=1e-3)
    apart = placed(p.ball((0.04, 0, 0), 0.02), (0, 0.01, 0))
    assert volume(mirrored(apart)) == pytest.approx(2 * 4 / 3 * np.pi * 0.02**3, rel=1e-3)
    assert volume(flipped(apart)) == pytest.approx(4 / 3 * np.pi * 0.02**3, rel=1e-3)


def test_a_blend_holds_the_union_and_is_the_union_far_from_the_seam():
    first, second = p.ball((-0.02, 0, 0), 0.025), p.ball((0.02, 0, 0), 0.025)
    points = np.random.default_rng(2).uniform(-0.06, 0.06, (5000, 3))
    joined, soft = union(first, second).distance(points), blend(0.01, first, second).distance(points)
    assert np.all(soft <= joined)
    assert (joined - soft).max() <= 0.0025 + 1e-12
    apart = np.abs(first.distance(points) - second.distance(points)) > 0.01
    assert np.array_equal(soft[apart], joined[apart])


def test_a_rough_surface_keeps_its_mean_volume_and_its_box():
    ball = p.ball((0, 0, 0), 0.03)
    bumpy = rough(ball, smooth_field(3, 6e-3), 1e-3, 6e-3)
    # The field's mean over the sphere is that of about 4 pi (30 / 6)^2 / 6 independent patches of rms 1 / sqrt 3: 8 %, of 1 mm.
    assert volume(bumpy) == pytest.approx(ball.volume_m3, rel=3 * 0.08 * 3e-3 / 0.03)
    points = np.random.default_rng(4).uniform(-0.04, 0.04, (20000, 3))
    assert np.abs(points[bumpy.distance(points) < 0]).max() <= bumpy.high_m[0]


def test_a_bent_tube_has_the_volume_of_its_length():
    angle = np.linspace(0, np.pi, 40)
    ring = np.stack([0.03 * np.cos(angle), 0.03 * np.sin(angle), 0 * angle], axis=1)
    wanted = np.pi * 0.006**2 * (np.pi * 0.03 + 4 / 3 * 0.006)
    assert volume(p.tube(ring, 0.006), 5e-4) == pytest.approx(wanted, rel=2e-3)  # 39 chords are 3e-4 short; curvature of 6 mm
    far, along = p.along_tube(np.array([[0.0, 0.034, 0.003]]), ring)
    assert far[0] == pytest.approx(0.005, rel=1e-2)  # chords lie 6e-5 m inside of 30 mm
    assert along[0] == pytest.approx(19.5, abs=1e-6)


def test_what_is_impossible_is_refused():
    with pytest.raises(ValueRangeError, match="positive"):
        p.ball((0, 0, 0), -1.0)
    with pytest.raises(ShapeError, match="path"):
        p.tube(np.zeros((1, 3)), 0.01)
    with pytest.raises(ValueRangeError, match="empty"):
        p.ball((0, 0, 0), 0.01) & p.ball((1, 0, 0), 0.01)
    with pytest.raises(ValueRangeError, match="rotation"):
        placed(SOLIDS["ball"], turn=2 * np.eye(3))
    with pytest.raises(ValueRangeError, match="radius of"):
        p.revolved(np.array([[-0.01, 0], [0.01, 0], [0, 0.01]]))


PARTS = {
    **SOLIDS,
    "union": SOLIDS["ball"] | SOLIDS["lofted"],
    "difference": SOLIDS["ellipsoid"] - SOLIDS["cone"],
    "intersection": SOLIDS["ellipsoid"] & SOLIDS["lofted"],
    "blend": blend(0.01, SOLIDS["ellipsoid"], SOLIDS["capsule"], SOLIDS["torus"]),
    "grown": grown(SOLIDS["lofted"], 0.004),
    "mirrored": mirrored(placed(SOLIDS["ellipsoid"], (0.03, 0, 0), TURN)),
    "flipped": flipped(SOLIDS["lofted"]),
    "rough": rough(SOLIDS["ellipsoid"], smooth_field(1, 8e-3), 1e-3, 8e-3),
    "near": near(SOLIDS["ellipsoid"], 0.02),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_distance_lies_within_its_span(name):
    solid, generator = PARTS[name], np.random.default_rng(2)
    points = generator.uniform(-0.07, 0.07, (3000, 3))
    for radius in (1e-3, 5e-3, 15e-3):
        least, most = spanned(solid, points, radius)
        for _ in range(8):
            aside = generator.standard_normal(points.shape)
            aside *= radius / np.linalg.norm(aside, axis=1, keepdims=True)
            there = solid.distance(points + aside)
            assert np.all(there >= least - 1e-12)
            assert np.all(there <= most + 1e-12)
