# TRUTHS of the knee: a defect has the volume of a sector between two spheres, by depth and width | the effusion that of its
# parameter | T2 and T1rho rise from bone to surface, as the truths say at both ends | cartilage is as thick as asked
# | every organ is in sight, none outside the skin | menisci lie between the bones, the cruciates in the notch
# | same seed same bytes, another seed another knee | impossible parameters refused
import numpy as np
import pytest

from fullbore.errors import ValueRangeError
from fullbore.phantom.bodies.cartilage import mean_times
from fullbore.phantom.bodies.knee import knee
from fullbore.phantom.body_truth import empty_organs, organ_volumes
from fullbore.phantom.registry import make_body
from fullbore.phantom.sampling import mixture, organ_shares
from tests.phantom.blocks import block, check_seeds

BODY = knee()
BODY_WITHOUT_DEFECT = knee(defect_m=0.0)


def ray(far_m, cartilage_m=2.2e-3, seed=0):
    """Places on a ray from the middle of the ball that the inner condyle's loaded surface is part of."""
    radius = 30e-3 + np.random.default_rng(seed).uniform(-1, 1) * 1e-3
    centre = np.array([-23.5e-3, -1e-3, cartilage_m + 0.15e-3 + radius])
    return centre + (far_m + radius - 30e-3)[:, None] * np.array([0, -0.4, -1]) / np.hypot(1, 0.4)


@pytest.mark.parametrize(("defect_m", "defect_depth", "seed"), [(10e-3, 1.0, 0), (14e-3, 0.5, 1), (6e-3, 1.0, 2)])
def test_a_defect_has_the_volume_of_its_closed_form(defect_m, defect_depth, seed):
    body = knee(seed, defect_m=defect_m, defect_depth=defect_depth)
    half = defect_m * 500 + 1
    measured = organ_volumes(body, block((-23.5 - half, -13 - half, -1), (-23.5 + half, -12 + half, 8), 0.2e-3))
    # A disc 2 mm thick and 10 mm wide has an edge of 5 samples a millimetre: the wall's softness costs some 0.5 %.
    assert measured["cartilage defect"] == pytest.approx(body.truths["cartilage_defect_volume_m3"], rel=1e-2)
    assert body.truths["cartilage_defect_volume_m3"] == pytest.approx(
        np.pi / 4 * defect_m**2 * defect_depth * 2.2e-3, rel=0.12  # a flat disc instead of a cone on a curve
    )  # fmt: skip


@pytest.mark.parametrize("effusion_m3", [1e-6, 4e-6, 12e-6])
def test_the_effusion_has_its_volume(effusion_m3):
    body = knee(effusion_m3=effusion_m3)
    measured = organ_volumes(body, block((-30, -36, 47), (30, -21, 90), 0.4e-3))["joint effusion"]
    assert measured == pytest.approx(effusion_m3, rel=5e-3)  # a pouch 4 mm thin in samples of 0.4 mm


def test_times_rise_from_bone_to_surface_in_the_law_and_in_the_body():
    t2, t1rho = mean_times(np.linspace(0, 1, 41))
    assert np.all(np.diff(t2) > 0)
    assert np.all(np.diff(t1rho) > 0)
    held = mixture(BODY_WITHOUT_DEFECT, ray(np.linspace(32.1e-3, 30.1e-3, 60)))
    seen = {name: np.array([getattr(t, name) or 1e9 for t in BODY_WITHOUT_DEFECT.tissues]) for name in ("t2_s", "t1rho_s")}
    density = np.array([tissue.proton_density for tissue in BODY_WITHOUT_DEFECT.tissues])
    assert {t.name for t, part in zip(BODY_WITHOUT_DEFECT.tissues, held.max(axis=0), strict=True) if part > 0} <= {
        "cartilage, deep", "cartilage, lower", "cartilage, middle", "cartilage, upper", "cartilage, superficial"
    }  # fmt: skip
    for values in seen.values():
        course = (held @ density) / ((held * density) @ (1 / values))
        assert np.all(np.diff(course) <= 1e-12)
        assert course[0] > 1.4 * course[-1]
    assert BODY.truths["cartilage_deep_T2_s"] == pytest.approx(0.024)
    assert BODY.truths["cartilage_superficial_T2_s"] == pytest.approx(0.048)


@pytest.mark.parametrize("cartilage_m", [1.2e-3, 2.2e-3, 3.2e-3])
def test_cartilage_is_as_thick_as_asked(cartilage_m):
    body = knee(cartilage_m=cartilage_m, defect_m=0.0)
    names = [tissue.name.startswith("cartilage") for tissue in body.tissues]
    thick = mixture(body, ray(29.9e-3 + 1e-6 * np.arange(round(1e6 * cartilage_m) + 200), cartilage_m))[:, names].sum() * 1e-6
    assert thick == pytest.approx(cartilage_m, abs=2e-6)  # a point every micrometre, two surfaces


def test_every_organ_is_in_sight_and_none_outside_the_skin():
    assert empty_organs(BODY, 2e-3) == ()
    grid = block((-80, -80, -60), (80, 84, 60), 2e-3)
    held = organ_shares(BODY, grid)
    skin = BODY.layers[0].shape.distance(grid.points_m().reshape(-1, 3)).reshape(grid.shape)
    assert held[:, skin > 2e-3].max() == 0
    inner = held[[n for n, organ in enumerate(BODY.organs) if organ not in ("skin", "subcutaneous fat")]].sum(axis=0)
    assert inner[skin > 0].max() < 1e-6


def test_organs_lie_where_they_belong():
    grid = block((-45, -50, -15), (45, 40, 32), 1e-3)
    held, z = organ_shares(BODY, grid), grid.points_m()[..., 2]
    middle = {name: float((part * z).sum() / part.sum()) for name, part in zip(BODY.organs, held, strict=True) if part.sum() > 0}
    for name in ("medial meniscus", "lateral meniscus"):
        assert middle["tibia cartilage"] < middle[name] < middle["femur cartilage"]
    places = np.array([[1e-3, 0, 7e-3], [-5e-3, 13e-3, 14e-3], [0, -4e-2, 3e-2], [-22e-3, 0, -2e-2], [0, 0, 60e-3]])
    names = [BODY.tissues[n].name for n in mixture(BODY, places).argmax(axis=1)]
    assert names[:2] == ["ligament", "ligament"]
    assert all(name.startswith("yellow marrow") for name in names[2:])


def test_same_seed_same_bytes_and_another_seed_another_knee():
    check_seeds(knee, block((-45, -40, -10), (45, 40, 20), 2e-3))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"defect_m": 0.03}, "room for one of 16 mm"), ({"defect_depth": 1.2}, "share"), ({"cartilage_m": 0.02}, "not found"),
     ({"effusion_m3": 1e-4}, "pouch")],
)  # fmt: skip
def test_impossible_parameters_are_refused_in_a_sentence(wrong, says):
    with pytest.raises(ValueRangeError, match=says):
        make_body("knee", wrong)


def test_no_defect_on_request():
    body = knee(defect_m=0.0)
    assert "cartilage defect" not in body.organs
    assert body.truths["cartilage_defect_volume_m3"] == 0
