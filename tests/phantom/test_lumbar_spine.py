# TRUTHS of the lumbar spine: the discs' volumes in sight are section times height, leaning endplates or not, worn or not
# | a nucleus is its ellipsoid | the worn disc is as low and as dark as asked, and no other is | every organ in sight
# | fluid in the sac, cord above, roots below | vertebrae in order along the lordosis
# | same seed same bytes | nonsense refused
import numpy as np
import pytest

from fullbore.errors import UsageError, ValueRangeError
from fullbore.phantom.bodies.lumbar_bones import DISC_HIGH
from fullbore.phantom.bodies.lumbar_spine import lumbar_spine
from fullbore.phantom.body import family
from fullbore.phantom.body_truth import empty_organs
from fullbore.phantom.registry import make_body
from fullbore.phantom.sampling import mixture, organ_shares
from tests.phantom.blocks import block, check_seeds

BODY = lumbar_spine(protrusion_m=0.0)


SPINE = block((-26, -22, -110), (26, 56, 100), 1e-3)


def test_discs_have_the_volumes_of_their_closed_forms():
    held = dict(zip(BODY.organs, organ_shares(BODY, SPINE).sum(axis=(1, 2, 3), dtype=np.float64), strict=True))
    for name in DISC_HIGH:
        nucleus = held[f"disc {name}, nucleus"] * SPINE.voxel_volume_m3
        whole = nucleus + held[f"disc {name}, annulus"] * SPINE.voxel_volume_m3
        # Sampled at 1 mm, a disc 6 to 11 mm high; laminae and articular processes of the neighbours do not reach it.
        assert whole == pytest.approx(BODY.truths[f"disc_{name}_volume_m3"], rel=5e-3)
        assert nucleus == pytest.approx(BODY.truths[f"disc_{name}_nucleus_volume_m3"], rel=2e-2)  # 4 mm high at L4-L5


def test_the_worn_disc_is_low_and_dark_and_no_other_is():
    healthy = lumbar_spine(worn_disc="", protrusion_m=0.0)
    assert BODY.truths["disc_L4-L5_volume_m3"] == pytest.approx(0.6 * healthy.truths["disc_L4-L5_volume_m3"])
    assert BODY.truths["disc_L3-L4_volume_m3"] == healthy.truths["disc_L3-L4_volume_m3"]
    assert "disc nucleus, degenerate -" in {tissue.name for tissue in BODY.tissues}
    assert "disc nucleus, degenerate -" not in {tissue.name for tissue in healthy.tissues}
    t2 = {family(tissue.name): tissue.t2_s for tissue in BODY.tissues}
    assert t2["disc nucleus, degenerate"] < 0.6 * t2["disc nucleus"]


def test_every_organ_is_in_sight():
    assert empty_organs(lumbar_spine(), 2e-3) == ()


def test_vertebrae_stand_in_order_and_the_sac_behind_them():
    grid = block((-60, -30, -150), (60, 90, 110), 2e-3)
    held, points = organ_shares(BODY, grid), grid.points_m()
    middle = {
        name: (part[..., None] * points).sum(axis=(0, 1, 2)) / part.sum() for name, part in zip(BODY.organs, held, strict=True)
        if part.sum() > 0
    }  # fmt: skip
    heights = [middle[name][2] for name in ("T12", "L1", "L2", "L3", "L4", "L5", "S1")]
    assert np.all(np.diff(heights) < -0.025)
    # A lordosis: the middle is in front of both ends.
    assert middle["disc L3-L4, annulus"][1] < min(middle["disc T12-L1, annulus"][1], middle["disc L5-S1, annulus"][1]) - 4e-3
    for name in DISC_HIGH:
        assert middle["thecal sac"][1] > middle[f"disc {name}, nucleus"][1]
    assert middle["spinal cord"][2] > middle["disc L1-L2, nucleus"][2] > middle["cauda equina"][2]
    at_disc = mixture(BODY, middle["disc L2-L3, nucleus"][None])[0]
    assert family(BODY.tissues[int(at_disc.argmax())].name) == "disc nucleus"


def test_a_protrusion_narrows_the_canal_of_its_level_alone():
    grid = block((-20, 0, -110), (20, 60, 100), 1e-3)
    bulging = lumbar_spine(protrusion_m=6e-3)
    flat, bulged = (dict(zip(b.organs, organ_shares(b, grid), strict=True)) for b in (BODY, bulging))
    gone = (flat["epidural fat"] - bulged["epidural fat"]).sum(axis=(1, 2))
    z = grid.points_m()[:, 0, 0, 2]
    assert gone.sum() > 50
    worn = (bulged["disc L4-L5, nucleus"].sum(axis=(1, 2)) * z).sum() / bulged["disc L4-L5, nucleus"].sum()
    assert abs((gone * z).sum() / gone.sum() - worn) < 12e-3  # 17 mm behind the middle of a disc that leans 13 degrees: 4 mm


def test_same_seed_same_bytes_and_another_seed_another_spine():
    check_seeds(lumbar_spine, block((-60, -60, -20), (60, 60, 20), 4e-3))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"worn_height": 1.4}, "share"), ({"protrusion_m": 0.02}, "16 mm deep"), ({"fat_m": -0.01}, "under the skin")],
)
def test_impossible_parameters_are_refused_in_a_sentence(wrong, says):
    with pytest.raises(ValueRangeError, match=says):
        make_body("lumbar_spine", wrong)
    with pytest.raises(UsageError, match="wanted one of T12-L1"):
        make_body("lumbar_spine", {"worn_disc": "L9"})
