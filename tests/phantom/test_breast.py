# TRUTHS of the breast: the lesion is a ball of its diameter, on its side, wholly in sight | gland fills its share of a block
# | more gland on request, in every body | every organ in sight, nothing of a breast outside its skin | layers from skin to lung
# | same seed same bytes | impossible parameters refused
import numpy as np
import pytest

from fullbore.errors import UsageError, ValueRangeError
from fullbore.phantom.bodies.breast import breast, gland_fill
from fullbore.phantom.body import family
from fullbore.phantom.body_truth import empty_organs, tissue_volumes
from fullbore.phantom.registry import make_body
from fullbore.phantom.sampling import mixture, organ_shares
from tests.phantom.blocks import block, check_seeds


@pytest.mark.parametrize(
    ("lesion_m", "side", "kind", "projection_m"),
    [(12e-3, "left", "carcinoma", 0.08), (8e-3, "right", "fibroadenoma", 0.06), (40e-3, "left", "carcinoma", 0.08)],
)
def test_a_lesion_has_its_volume_and_side(lesion_m, side, kind, projection_m):
    body = breast(lesion_m=lesion_m, lesion_side=side, lesion_kind=kind, projection_m=projection_m)
    sign = 1 if side == "left" else -1
    middle, half = np.array([96 * sign, -50, 14]), 1e3 * lesion_m / 2
    grid = block(middle - half - (2, 12, 2), middle + half + (2, 12, 2), 0.06 * lesion_m)
    held = organ_shares(body, grid)[body.organs.index("lesion")].sum(dtype=np.float64) * grid.voxel_volume_m3
    assert held == pytest.approx(body.truths["lesion_volume_m3"], rel=5e-3)  # (0.06 / 0.5)^2 / 4 = 0.4 % by the soft surface
    skin = next(layer.shape for layer in body.layers if layer.organ == "skin")
    rim = np.random.default_rng(0).standard_normal((500, 3))
    lesion = next(layer.shape for layer in body.layers if layer.organ == "lesion")
    centre = (np.array(lesion.low_m) + lesion.high_m) / 2
    assert skin.distance(centre + rim / np.linalg.norm(rim, axis=1)[:, None] * lesion_m / 2).max() < -2e-3


@pytest.mark.parametrize("share", [0.1, 0.4, 0.9])
def test_gland_fills_its_share(share):
    points = np.random.default_rng(0).uniform(-0.3, 0.3, (200_000, 3))
    held = [gland_fill(seed, share).shares(points, np.zeros(len(points)), 0.0)[:, 1].mean() for seed in range(6)]
    # 32 waves are nearly, not wholly, normal: their tails lack a percent.
    assert np.mean(held) == pytest.approx(share, abs=0.02)


def test_more_gland_on_request():
    amounts = [tissue_volumes(breast(1, gland_share=share), 4e-3)["breast gland"] for share in (0.1, 0.4, 0.8)]
    assert amounts[0] < 0.5 * amounts[1] < 0.4 * amounts[2]


def test_every_organ_is_in_sight():
    body = breast()
    assert empty_organs(body, 2e-3) == ()
    grid = block((-160, -115, -90), (160, 60, 90), 4e-3)
    skin = next(layer.shape for layer in body.layers if layer.organ == "skin")
    outside = skin.distance(grid.points_m().reshape(-1, 3)).reshape(grid.shape) > 4e-3
    held = organ_shares(body, grid)[:, outside].max(axis=1)
    assert {name for name, most in zip(body.organs, held, strict=True) if most > 1e-6} <= {"nipples"}


def test_layers_lie_in_order_from_skin_to_lung():
    body = breast()
    line = np.stack([np.full(2000, 95e-3), np.linspace(-0.12, 0.05, 2000), np.full(2000, -40e-3)], axis=1)
    held = mixture(body, line)
    names = [family(body.tissues[n].name) for n, full in zip(held.argmax(axis=1), held.max(axis=1), strict=True) if full > 0]
    course = list(dict.fromkeys(names))
    first = {name: names.index(name) for name in course}
    assert first["skin"] < first["breast fat"] < first["muscle"] < first["lung"]


def test_same_seed_same_bytes_and_another_seed_another_breast():
    check_seeds(breast, block((40, -80, -40), (120, 0, 40), 4e-3))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"lesion_m": 0.03, "projection_m": 0.05}, "does not fit"), ({"gland_share": 1.2}, "rest is fat"),
     ({"projection_m": 0.5}, "nipple")],
)  # fmt: skip
def test_impossible_parameters_are_refused_in_a_sentence(wrong, says):
    with pytest.raises(ValueRangeError, match=says):
        make_body("breast", wrong)
    with pytest.raises(UsageError, match="left or right"):
        make_body("breast", {"lesion_side": "up"})
