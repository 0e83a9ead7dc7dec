# TRUTHS of a heart: volumes of both ventricles at both ends of systole, and between, those stated; equal strokes
# | the wall keeps its volume, Jacobian 1 | strains and twist from displaced points = parameters | the map undone is no map
# | papillary muscles keep theirs | a scar has its volume and moves less | periodic, same seed same bytes | nonsense refused
import numpy as np
import pytest

from fullbore.data import Grid
from fullbore.errors import UsageError, ValueRangeError
from fullbore.phantom.bodies.heart import heart, heart_model
from fullbore.phantom.bodies.heart_motion import beating, heart_cycle
from fullbore.phantom.bodies.heart_spec import HeartSpec
from fullbore.phantom.body import organ_movement
from fullbore.phantom.body_truth import empty_organs, organ_volumes
from fullbore.phantom.movement import jacobian
from fullbore.phantom.registry import make_body
from fullbore.phantom.sampling import body_grid, mixture, shares

PAPILLARY = ("anterolateral papillary muscle", "posteromedial papillary muscle")
BASE = np.array([-0.012, 0.008, 0.012])


def cavity(volumes):
    return sum(volumes[name] for name in ("left ventricle", *PAPILLARY))


def around(body, spacing=2e-3):
    """A grid over the ventricles."""
    shapes = [layer.shape for layer in body.layers if layer.organ in ("left ventricle wall", "right ventricle wall")]
    low, high = np.min([shape.low_m for shape in shapes], axis=0), np.max([shape.high_m for shape in shapes], axis=0)
    affine = np.diag([spacing] * 3 + [1.0])
    affine[:3, 3] = low
    return Grid(shape=tuple(int(n) for n in np.ceil((high - low) / spacing)[::-1] + 1), affine_m=affine)


def wall_points(model, count=400, seed=0):
    """Places in the left ventricle's wall, in the body."""
    random, plan = np.random.default_rng(seed), model.plan
    z = random.uniform(plan.middle_m - 0.8 * plan.half_m, plan.base_m - 1e-3, count)
    part = (z - plan.middle_m) / plan.half_m
    radius = plan.width_m * np.sqrt(1 - part**2) + random.uniform(1e-4, 0.9, count) * plan.wall_m * 0.9
    angle = random.uniform(-np.pi, np.pi, count)
    return plan.frame.body(np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=1))


@pytest.mark.parametrize("change", [{}, {"end_diastolic_volume_m3": 220e-6, "ejection_fraction": 0.25, "infarct": "LAD"}])
def test_both_ventricles_have_their_volumes_through_the_cycle(change):
    body = heart(**change)
    truth = body.truths
    activity, _, end = heart_cycle(65.0)
    for time in (0.0, 0.5 * end, end):
        volumes = organ_volumes(body, around(body), time)
        stated = truth["end_diastolic_volume_m3"] * (1 - truth["ejection_fraction"] * activity(time))
        # Sampled at 2 mm: (2 mm / 15 mm)^2 / 4 = 0.5 % of a small cavity, and the muscles' ends in the wall.
        assert cavity(volumes) == pytest.approx(stated, rel=8e-3)
        if time in (0.0, end):
            name = "right_end_diastolic_volume_m3" if time == 0 else "right_end_systolic_volume_m3"
            assert volumes["right ventricle"] == pytest.approx(truth[name], rel=8e-3)
    strokes = [truth[f"{side}end_diastolic_volume_m3"] - truth[f"{side}end_systolic_volume_m3"] for side in ("", "right_")]
    assert strokes[0] == pytest.approx(strokes[1], rel=1e-3)


def test_ejection_fraction_is_the_parameter():
    body = heart(ejection_fraction=0.47)
    first, last = (cavity(organ_volumes(body, around(body), time)) for time in (0.0, body.truths["end_systole_s"]))
    # Both volumes to 0.5 %, see above.
    assert 1 - last / first == pytest.approx(0.47, abs=5e-3)


@pytest.mark.parametrize("infarct", ["", "RCA"])
def test_the_wall_is_incompressible_and_the_inverse_undoes_the_map(infarct):
    model = heart_model(HeartSpec(infarct=infarct, infarct_transmurality=1.0), BASE)
    activity, period, end = heart_cycle(65.0)
    points = wall_points(model)
    for squeeze in (model.left, model.right):
        move = beating(squeeze, model.plan.frame, activity, period)
        if squeeze is model.right:
            points = points - 0.075 * model.plan.frame.axes[:, 0] * (model.plan.width_m / 0.027)
        for time in (0.1, end, 0.6):
            assert np.abs(np.linalg.det(jacobian(move, points, time)) - 1).max() < 1e-3
            assert np.abs(move.at_rest(move.forward(points, time), time) - points).max() < 1e-12


def test_the_wall_keeps_its_volume():
    body = heart()
    for time in (0.0, body.truths["end_systole_s"]):
        # Sampled at 2 mm.
        assert organ_volumes(body, around(body), time)["left ventricle wall"] == pytest.approx(
            body.truths["left_ventricle_wall_m3"], rel=5e-3
        )


def test_strains_and_twist_of_displaced_points_are_the_parameters():
    body = heart(longitudinal_strain=-0.2, twist_rad=0.25, ejection_fraction=0.62)
    plan = heart_model(HeartSpec(longitudinal_strain=-0.2, twist_rad=0.25, ejection_fraction=0.62), BASE).plan
    move, end = organ_movement(body, "left ventricle wall"), body.truths["end_systole_s"]
    angle = np.linspace(0, 2 * np.pi, 721)

    def ring(radius, z):
        local = np.stack([radius * np.cos(angle), radius * np.sin(angle), np.full_like(angle, z)], axis=1)
        return plan.frame.local(move.forward(plan.frame.body(local), end)), local

    def length(points):
        return np.linalg.norm(np.diff(points, axis=0), axis=1).sum()

    middle, inner, outer = plan.middle_m, plan.width_m, plan.width_m + plan.wall_m
    moved, rest = ring((inner + outer) / 2, middle)
    assert length(moved) / length(rest) - 1 == pytest.approx(body.truths["circumferential_strain"], abs=1e-6)
    moved, rest = ring(inner, middle)
    assert length(moved) / length(rest) - 1 == pytest.approx(body.truths["circumferential_strain_endocardium"], abs=1e-6)
    tip, base = ring(1e-3, 0.0)[0], ring(outer, plan.base_m)[0]
    assert (base[:, 2].mean() - tip[:, 2].mean()) / plan.base_m - 1 == pytest.approx(-0.2, abs=1e-9)
    turn = np.angle(np.exp(1j * (np.arctan2(base[:, 1], base[:, 0]) - np.arctan2(tip[:, 1], tip[:, 0]))))
    assert turn == pytest.approx(0.25, abs=1e-9)
    thick = [np.hypot(*ring(radius, middle)[0][0, :2]) for radius in (inner, outer)]
    assert (thick[1] - thick[0]) / plan.wall_m - 1 == pytest.approx(body.truths["radial_strain"], abs=1e-9)
    assert -0.3 < body.truths["circumferential_strain"] < -0.15


def test_papillary_muscles_and_scar_keep_their_volume():
    body = heart(infarct="LCX", infarct_transmurality=0.5)
    before, after = (organ_volumes(body, around(body, 1.5e-3), time) for time in (0.0, body.truths["end_systole_s"]))
    for name in PAPILLARY:
        # Muscles of 4 mm radius sampled at 1.5 mm; a foot of each lies in the wall.
        assert after[name] == pytest.approx(before[name], rel=5e-2)
    # A wedge 4 mm thick sampled at 1.5 mm.
    assert before["scar"] == pytest.approx(body.truths["scar_volume_m3"], rel=1e-2)
    assert after["scar"] == pytest.approx(body.truths["scar_volume_m3"], rel=2e-2)


def test_an_infarct_thickens_less_than_the_wall_across():
    model = heart_model(HeartSpec(infarct="LAD", infarct_transmurality=1.0), BASE)
    plan, angle = model.plan, np.deg2rad(65.0)
    thick = []
    for side in (angle, angle + np.pi):
        ends = np.array([[r * np.cos(side), r * np.sin(side), plan.middle_m] for r in (plan.width_m, plan.width_m + plan.wall_m)])
        inner, outer = np.hypot(*model.left.outward(ends, 1.0)[:, :2].T)
        thick.append((outer - inner) / plan.wall_m - 1)
    assert thick[0] < 0.3 * thick[1]


def test_blocks_see_what_points_see_while_it_contracts():
    body = heart(infarct="RCA", infarct_acute=True, fibrosis=0.2)
    end = body.truths["end_systole_s"]
    grid = body_grid(body, 4e-3)
    whole = shares(body, grid, end)
    points = mixture(body, grid.points_m().reshape(-1, 3), 4e-3, end)
    assert np.abs(points.T.reshape(whole.shape) - whole).max() < 1e-6
    assert whole.sum(axis=0).max() <= 1 + 1e-5


def test_it_beats_at_its_rate_and_repeats_its_bytes():
    body = make_body("heart", {"heart_rate_per_min": 80.0, "seed": 3})
    assert body.truths["heart_period_s"] == pytest.approx(0.75)
    grid = body_grid(body, 6e-3)
    first = shares(body, grid, 0.2)
    assert np.abs(first - shares(body, grid, 0.2 + 0.75)).max() < 1e-5
    assert shares(heart(3, heart_rate_per_min=80.0), grid, 0.2).tobytes() == first.tobytes()
    assert np.abs(shares(heart(4, heart_rate_per_min=80.0), grid, 0.2) - first).max() > 0.01
    assert empty_organs(body, 3e-3) == ()


def test_impossible_hearts_are_refused():
    for change in (
        {"ejection_fraction": 1.2}, {"longitudinal_strain": 0.1}, {"heart_rate_per_min": 300.0},
        {"end_diastolic_volume_m3": 0.14}, {"fibrosis": -0.1}, {"wall_m": 0.05}, {"ejection_fraction": 0.84, "infarct": "LAD"},
    ):  # fmt: skip
        with pytest.raises(ValueRangeError, match="heart"):
            heart(**change)
    with pytest.raises(UsageError, match="LAD, LCX, RCA"):
        heart(infarct="LADD")
