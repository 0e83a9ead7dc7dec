# TRUTHS of the pelvis: zones, lesion, bladder, rectal gas and femoral heads have the volumes of their closed forms, for small and
# large glands and lesions in either zone | the zones order as T2 and diffusion have them | every organ in sight, left as right
# | bladder above, rectum behind, symphysis in front of the prostate | same seed same bytes
# | a lesion that does not fit is refused
import numpy as np
import pytest

from fullbore.errors import UsageError, ValueRangeError
from fullbore.phantom.bodies.pelvis import pelvis
from fullbore.phantom.bodies.pelvis_walls import HEAD_MM
from fullbore.phantom.body import family
from fullbore.phantom.body_truth import empty_organs
from fullbore.phantom.registry import make_body
from fullbore.phantom.sampling import organ_shares
from tests.phantom.blocks import block, check_seeds


def volumes(body, grid):
    held = organ_shares(body, grid).sum(axis=(1, 2, 3), dtype=np.float64) * grid.voxel_volume_m3
    return dict(zip(body.organs, held, strict=True))


@pytest.mark.parametrize(
    ("prostate_m3", "lesion_m", "zone"), [(40e-6, 10e-3, "peripheral"), (90e-6, 14e-3, "transition"), (20e-6, 6e-3, "peripheral")]
)
def test_prostate_zones_and_lesion_have_their_volumes(prostate_m3, lesion_m, zone):
    body = pelvis(prostate_m3=prostate_m3, lesion_m=lesion_m, lesion_zone=zone)
    got = volumes(body, block((-40, -30, -25), (40, 30, 45), 0.7e-3))
    assert got["prostate lesion"] == pytest.approx(body.truths["lesion_volume_m3"], rel=1.6e-2)  # (0.7 / 3)^2 / 4 = 1.4 %
    assert got["peripheral zone"] == pytest.approx(body.truths["peripheral_zone_volume_m3"], rel=3e-3)
    inner = got["transition zone"] + got["urethra"]
    assert inner == pytest.approx(body.truths["transition_zone_volume_m3"], rel=3e-3)
    whole = inner + got["peripheral zone"] + got["prostate lesion"]
    # A surface of an ellipsoid with half axes of 13 to 35 mm in samples of 0.7 mm.
    assert whole == pytest.approx(prostate_m3, rel=2e-3)


@pytest.mark.parametrize("bladder_m3", [60e-6, 300e-6])
def test_bladder_gas_and_femoral_heads_have_theirs(bladder_m3):
    body = pelvis(bladder_m3=bladder_m3)
    got = volumes(body, block((-60, -70, 10), (60, 60, 125), 1.5e-3))
    assert got["bladder"] == pytest.approx(bladder_m3, rel=3e-3)  # half axes from 22 mm in samples of 1.5 mm
    gas = volumes(body, block((-12, 30, 5), (12, 58, 48), 0.5e-3))["rectal gas"]
    assert gas == pytest.approx(body.truths["rectal_gas_volume_m3"], rel=5e-3)  # half axes from 5.8 mm in samples of 0.5 mm
    # The upper inner half of the left head, away from the neck.
    x, y, z = HEAD_MM
    directions = np.random.default_rng(0).standard_normal((500, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    free = directions[directions @ np.array([-0.7, 0.0, 0.7]) > 0.5]
    rim = np.array([x, y, z]) * 1e-3 + free * body.truths["femoral_head_radius_m"]
    femur = next(layer.shape for layer in body.layers if layer.organ == "femur, left")
    assert np.abs(femur.distance(rim)).max() < 1e-6


def test_zones_and_lesion_differ_as_radiologists_see_them():
    tissues = {family(tissue.name): tissue for tissue in pelvis().tissues}
    outer, inner, lesion = (
        tissues[f"prostate, {name}"] for name in ("peripheral zone", "central gland", "lesion")
    )  # fmt: skip
    assert outer.t2_s > 1.4 * inner.t2_s
    assert lesion.t2_s < 0.65 * outer.t2_s
    assert lesion.diffusivity_m2_per_s < 0.65 * inner.diffusivity_m2_per_s


def test_every_organ_is_in_sight_and_lies_where_it_belongs():
    body = pelvis()
    assert empty_organs(body, 3e-3) == ()
    grid = block((-180, -120, -85), (180, 120, 115), 4e-3)
    held, points = organ_shares(body, grid), grid.points_m()
    middle = {n: (part[..., None] * points).sum(axis=(0, 1, 2)) / part.sum() for n, part in zip(body.organs, held, strict=True)}
    gland = middle["peripheral zone"]
    assert middle["bladder"][2] > gland[2] + 0.03
    assert middle["rectum wall"][1] > gland[1] + 0.02
    assert middle["pubic symphysis"][1] < gland[1] - 0.03
    amount = dict(zip(body.organs, held.sum(axis=(1, 2, 3)), strict=True))
    for name in body.organs:
        if name.endswith(", left"):
            other = name.replace("left", "right")
            # Both sides are the same but for the muscles' seeded surface, 1.5 mm on half widths from 8 mm.
            assert amount[name] == pytest.approx(amount[other], rel=0.25)
            assert middle[name][0] == pytest.approx(-middle[other][0], abs=3e-3)


def test_same_seed_same_bytes_and_another_seed_another_pelvis():
    check_seeds(pelvis, block((-60, -60, -20), (60, 60, 20), 4e-3))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"lesion_m": 0.03}, "does not fit into the peripheral zone"), ({"prostate_m3": 1e-3}, "between the muscles"),
     ({"lesion_m": 0.02, "lesion_zone": "transition"}, "does not fit"), ({"bladder_m3": 2e-3}, "urine"),
     ({"gas_m3": 1e-4}, "22 mm")],
)  # fmt: skip
def test_impossible_parameters_are_refused_in_a_sentence(wrong, says):
    with pytest.raises(ValueRangeError, match=says):
        make_body("pelvis", wrong)
    with pytest.raises(UsageError, match="peripheral or transition"):
        make_body("pelvis", {"lesion_zone": "left"})
