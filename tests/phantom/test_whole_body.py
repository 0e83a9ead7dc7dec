# TRUTHS of a whole body: as tall as stated, built in seconds | parts of one whole at every place and at the joins
#   | no air inside the skin where parts meet, but for airways | left and right alike where no organ says otherwise
#   | blocks and points agree to rounding | cord and arteries go on across the joins | the breath moves the chest, not the limbs
#   | a part's truths hold in the whole | same seed, same bytes | nonsense refused
import time

import numpy as np
import pytest

from fullbore.data import Grid
from fullbore.errors import ValueRangeError
from fullbore.phantom.bodies.whole_body import whole_body
from fullbore.phantom.body_truth import organ_volumes
from fullbore.phantom.registry import make_body
from fullbore.phantom.sampling import mixture, organ_shares, shares

BODY = whole_body()
# Neck, loin, groin, knee at both ends: where one part takes over from the next (metres).
JOINS = {"neck": 0.3125, "loin": -0.24, "groin": -0.481, "thigh to knee": -0.701, "knee to calf": -0.881}


def sheet(low, high, spacing):
    """A grid over a box."""
    size = np.maximum(np.round((np.array(high) - low) / spacing).astype(int), 1)
    affine = np.diag([spacing] * 3 + [1.0])
    affine[:3, 3] = np.array(low) + spacing / 2
    return Grid(shape=tuple(int(n) for n in size[::-1]), affine_m=affine)


def join_grid(z, spacing=3e-3):
    return sheet((-0.27, -0.14, z - 0.012), (0.27, 0.14, z + 0.012), spacing)


def test_it_is_as_tall_as_stated_and_quickly_built():
    began = time.process_time()
    body = whole_body(height_m=1.62, mass_kg=60.0)
    assert time.process_time() - began < 5.0
    line = sheet((-0.12, -0.1, -1.2), (0.12, 0.14, 0.6), 4e-3)
    held = shares(body, line).sum(axis=(0, 2, 3)) > 0
    ends = line.affine_m[2, 3] + 4e-3 * np.flatnonzero(held)[[0, -1]]
    assert ends[1] - ends[0] + 4e-3 == pytest.approx(1.62, abs=0.012)  # crown and sole are curved within voxels of 4 mm


@pytest.mark.parametrize("name", list(JOINS))
def test_parts_meet_without_gap(name):
    grid = join_grid(JOINS[name])
    held = organ_shares(BODY, grid)
    total = held.sum(axis=0)
    assert total.max() <= 1 + 1e-5
    # Below the skin, 4 mm and more: everything is matter, or a named hole of the airways.
    surface = next(layer for layer in BODY.layers if layer.organ == "skin").shape
    deep = (surface.distance(grid.points_m().reshape(-1, 3)) < -6e-3).reshape(grid.shape)
    assert deep.sum() > 1000
    np.testing.assert_allclose(total[deep], 1.0, atol=1e-5)
    air = 1 - shares(BODY, grid).sum(axis=0)
    holes = [number for number, organ in enumerate(BODY.organs) if organ in ("airway", "pharynx", "rectal gas", "stomach gas")]
    np.testing.assert_allclose(air[deep], held[holes].sum(axis=0)[deep], atol=1e-5)


@pytest.mark.parametrize("name", ["groin", "knee to calf"])
def test_blocks_and_points_agree(name):
    grid = join_grid(JOINS[name], 4e-3)
    singly = mixture(BODY, grid.points_m().reshape(-1, 3), 4e-3).T.reshape(-1, *grid.shape)
    np.testing.assert_allclose(shares(BODY, grid), singly, atol=1e-6)


@pytest.mark.parametrize(
    ("organs", "low", "high"),
    [
        # Below the groin only: the muscles of the pelvis are rough, each side in its own way.
        (("femur", "patella", "rectus femoris", "femoral artery", "tibia"), (-0.2, -0.15, -0.92), (0.2, 0.1, -0.49)),
        (("bones of the hand", "hand"), (-0.42, -0.05, -0.5), (0.42, 0.07, -0.36)),
    ],
)
def test_left_and_right_limbs_are_mirror_images(organs, low, high):
    held = dict(zip(BODY.organs, organ_shares(BODY, sheet(low, high, 5e-3)), strict=True))
    for organ in organs:
        left, right = held[f"{organ}, left"], held[f"{organ}, right"]
        assert left.sum() > 1, organ
        np.testing.assert_allclose(left, right[:, :, ::-1], atol=1e-4)


def test_cord_and_great_vessels_go_on_across_the_joins():
    """In every plane near a join there is some of it, and its middle moves by less than its width from plane to plane."""
    for organs, low, high, box in (
        (("spinal cord",), 0.24, 0.35, ((-0.03, 0.0), (0.03, 0.12))),
        (("airway", "pharynx"), 0.22, 0.35, ((-0.03, -0.06), (0.03, 0.06))),
        (("iliac arteries", "iliac artery, left", "iliac and femoral artery, left"), -0.30, -0.19, ((0.0, -0.1), (0.09, 0.06))),
        (("iliac and femoral artery, left", "femoral artery, left"), -0.58, -0.42, ((0.02, -0.12), (0.15, 0.06))),
        (("femoral artery, left", "popliteal artery, left"), -0.78, -0.60, ((0.02, -0.05), (0.15, 0.09))),
    ):
        grid = sheet((*box[0], low), (*box[1], high), 2e-3)
        chosen = [BODY.organs.index(organ) for organ in organs]
        held = organ_shares(BODY, grid)[chosen].sum(axis=0)
        area = held.sum(axis=(1, 2))
        assert area.min() > 1, f"{organs}: missing at z = {low + 2e-3 * int(area.argmin())}"
        places = grid.points_m()[0, :, :, :2]
        middle = np.einsum("zyx,yxc->zc", held, places) / area[:, None]
        assert np.linalg.norm(np.diff(middle, axis=0), axis=1).max() < 8e-3, organs


def test_the_breath_moves_the_chest_and_leaves_the_limbs():
    movement = BODY.movement
    chest, knee, arm = np.array([[0, -0.11, 0.05]]), np.array([[0.085, -0.03, -0.79]]), np.array([[0.28, 0.0, -0.2]])
    full = BODY.truths["breathing_period_s"] / 2
    assert np.linalg.norm(movement.forward(chest, full) - chest) > 4e-3
    for still in (knee, arm):
        np.testing.assert_array_equal(movement.forward(still, full), still)
    points = np.random.default_rng(0).uniform((-0.3, -0.13, -0.5), (0.3, 0.13, 0.4), (3000, 3))
    np.testing.assert_allclose(movement.at_rest(movement.forward(points, full), full), points, atol=1e-9)


def test_truths_of_the_parts_hold_in_the_whole():
    body = whole_body(prostate_m3=50e-6, height_m=1.9, mass_kg=90.0)
    at = np.array([0.0, -0.006, -0.376]) * 1.9 / 1.75
    volumes = organ_volumes(body, sheet(at - 0.05, at + 0.07, 1.5e-3))
    gland = sum(volumes[name] for name in ("peripheral zone", "transition zone", "urethra", "prostate lesion"))
    assert body.truths["prostate_volume_m3"] == pytest.approx(50e-6)
    assert gland == pytest.approx(50e-6, rel=0.01)  # thin zones at 1.5 mm


def test_same_seed_same_bytes():
    grid = join_grid(JOINS["loin"], 6e-3)
    assert shares(make_body("whole-body"), grid, 1.1).tobytes() == shares(BODY, grid, 1.1).tobytes()
    assert np.abs(shares(whole_body(3), grid, 1.1)[:20] - shares(BODY, grid, 1.1)[:20]).max() > 0.01


def test_nonsense_is_refused():
    with pytest.raises(ValueRangeError, match="body mass index"):
        whole_body(mass_kg=250.0)
    with pytest.raises(ValueRangeError, match="ejection_fraction"):
        whole_body(ejection_fraction=1.2)
