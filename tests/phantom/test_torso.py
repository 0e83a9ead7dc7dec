# TRUTHS of a torso: parts of one whole, nothing empty, same seed same bytes | organs as large as an adult's
# | fat fraction and R2* of the liver as stated, everywhere | lesions have the volumes of balls
# | breathing displaces as stated, its inverse is exact
# | the heart ejects its fraction while the chest breathes | fat under the skin as thick as stated | nonsense refused
import numpy as np
import pytest

from fullbore.data import Grid
from fullbore.errors import UsageError, ValueRangeError
from fullbore.phantom.bodies.torso import torso
from fullbore.phantom.body import organ_movement
from fullbore.phantom.body_truth import organ_labels, organ_volumes
from fullbore.phantom.movement import jacobian
from fullbore.phantom.registry import make_body
from fullbore.phantom.sampling import body_grid, mixture, organ_shares, shares

BODY = torso()
LIVER_POINTS = np.random.default_rng(0).uniform((-0.11, -0.05, -0.03), (-0.04, 0.04, 0.045), (4000, 3))
# Millilitres; wide, since adults are.
ADULT = {
    "liver": (1000, 2000), "spleen": (80, 300), "left kidney cortex": (70, 160), "right kidney medulla": (12, 60),
    "pancreas": (40, 110), "left lung": (1300, 3500), "right lung": (1500, 4000), "gallbladder": (15, 50),
    "aorta": (90, 250), "spinal cord": (12, 35),
    "subcutaneous fat": (3000, 9000), "stomach": (200, 800), "vertebra L3": (25, 60),
    "left atrium": (40, 90), "right atrium": (40, 100),
}  # fmt: skip


def around(low, high, spacing):
    """A grid over a box."""
    size = np.round((np.array(high) - low) / spacing).astype(int)
    affine = np.diag([spacing] * 3 + [1.0])
    affine[:3, 3] = np.array(low) + spacing / 2
    return Grid(shape=tuple(int(n) for n in size[::-1]), affine_m=affine)


def test_organs_are_there_and_as_large_as_an_adults():
    grid = body_grid(BODY, 4e-3)
    held = organ_shares(BODY, grid)
    assert held.sum(axis=0).max() <= 1 + 1e-5
    volumes = dict(zip(BODY.organs, 1e6 * held.sum(axis=(1, 2, 3), dtype=np.float64) * grid.voxel_volume_m3, strict=True))
    assert min(volumes.values()) > 0
    for name, (low, high) in ADULT.items():
        assert low < volumes[name] < high, f"{name}: {volumes[name]:.0f} ml"


def test_same_seed_same_bytes_and_another_seed_another_body():
    grid = around((-0.12, -0.06, -0.03), (0.12, 0.06, 0.09), 6e-3)
    first = shares(BODY, grid, 1.3)
    assert shares(make_body("torso"), grid, 1.3).tobytes() == first.tobytes()
    other = shares(torso(1), grid, 1.3)
    assert np.abs(other - first).max() > 0.1
    # Another texture and other vessels, but the same organs: of all voxels, few change hands.
    labels = [organ_labels(body, grid, 1.3) for body in (BODY, torso(1))]
    assert 0.001 < np.mean(labels[0] != labels[1]) < 0.1


@pytest.mark.parametrize(("fraction", "rate"), [(0.0, None), (0.07, 60.0), (0.31, 400.0)])
def test_the_livers_fat_fraction_and_rate_are_the_parameters_everywhere(fraction, rate):
    body = torso(liver_fat_fraction=fraction, liver_r2star_per_s=rate)
    held = mixture(body, LIVER_POINTS)
    names = [tissue.name for tissue in body.tissues]
    own = [names.index(name) for name in ("liver -", "liver +", "liver fat") if name in names]
    pure = held[:, own].sum(axis=1) > 0.999
    assert pure.sum() > 2000
    density = np.array([body.tissues[index].proton_density for index in own])
    protons = held[pure][:, own] * density
    if fraction == 0:
        assert "liver fat" not in names
    else:
        assert np.abs(protons[:, 2] / protons.sum(axis=1) - fraction).max() < 1e-6
    rates = np.array([1 / body.tissues[index].t2_s + 1 / body.tissues[index].t2_prime_s for index in own])
    seen = (protons @ rates) / protons.sum(axis=1)
    # Texture: +-6 % about the mean, in which the mean itself is right to the square of that.
    assert seen.mean() == pytest.approx(body.truths["liver_r2star_per_s"], rel=1e-2)


def test_lesions_have_the_volumes_of_balls():
    kinds = (("haemangioma", 0.016), ("metastasis", 0.016), ("cyst", 0.016), ("cyst", 0.016), ("metastasis", 0.016))
    body = torso(2, liver_lesions=kinds)
    volumes = organ_volumes(body, around((-0.14, -0.06, -0.06), (-0.01, 0.07, 0.09), 2e-3))
    for number in range(1, 6):
        # Sampled at 2 mm: (2 / 16)^2 / 4 = 0.4 %.
        assert volumes[f"liver lesion {number}"] == pytest.approx(body.truths[f"liver_lesion_{number}_m3"], rel=5e-3)


def test_breathing_displaces_as_stated_and_its_inverse_is_exact():
    body = torso(breathing_down_m=0.02, breathing_forward_m=0.008)
    middle = body.truths["breathing_period_s"] / 2
    for organ, name in (("liver", "liver"), ("left kidney cortex", "kidney"), ("spleen", "spleen")):
        move = organ_movement(body, organ)
        way = move.forward(LIVER_POINTS, middle) - LIVER_POINTS
        assert np.abs(way - (0, 0, -body.truths[f"breathing_{name}_down_m"])).max() < 1e-9
    assert body.truths["breathing_liver_down_m"] == 0.02
    points = np.random.default_rng(1).uniform((-0.15, -0.1, -0.2), (0.15, 0.1, 0.2), (3000, 3))
    wall, cavity = (next(layer.shape for layer in body.layers if layer.organ == f"left ventricle{w}") for w in (" wall", ""))
    beating = points * 0.3 + (0.05, -0.04, 0.08)
    beating = beating[(wall.distance(beating) < 0) & (cavity.distance(beating) > 0)]
    assert len(beating) > 100
    for places, move in (
        (points, body.movement), (points, organ_movement(body, "diaphragm")),
        (beating, organ_movement(body, "left ventricle wall")),
    ):  # fmt: skip
        for time in (0.7, middle):
            assert np.abs(move.at_rest(move.forward(places, time), time) - places).max() < 1e-9
            assert np.linalg.det(jacobian(move, places, time)).min() > 0.5
    front = np.array([[0.0, body.low_m[1] + 0.008, 0.0]])
    assert (body.movement.forward(front, middle) - front)[0, 1] == pytest.approx(-0.008, rel=1e-6)
    assert np.array_equal(body.movement.forward(points, 0.0), points)


def test_a_breath_moves_the_sampled_liver_and_fills_the_lungs():
    grid = around((-0.18, -0.14, -0.14), (0.18, 0.14, 0.12), 4e-3)
    body = torso(breathing_forward_m=0.0)
    rest, deep = (organ_shares(body, grid, time) for time in (0.0, body.truths["breathing_period_s"] / 2))
    index, z = body.organs.index("liver"), grid.points_m()[..., 2]
    heights = [float((held[index] * z).sum() / held[index].sum()) for held in (rest, deep)]
    # The kidney, which moves less, covers a little of it.
    assert heights[0] - heights[1] == pytest.approx(0.015, rel=0.05)
    lungs = [body.organs.index(name) for name in ("left lung", "right lung")]
    assert 1.1e-4 < (deep[lungs].sum() - rest[lungs].sum()) * grid.voxel_volume_m3 < 1e-3


def test_the_heart_ejects_its_fraction_while_the_chest_breathes():
    body = torso(ejection_fraction=0.55, breathing_forward_m=0.0)
    end = body.truths["end_systole_s"]
    grid = around((-0.02, -0.10, 0.0), (0.12, 0.06, 0.14), 2e-3)
    parts = ("left ventricle", "anterolateral papillary muscle", "posteromedial papillary muscle")
    beats = (0.0, 2 * body.truths["heart_period_s"] + end)
    first, last = (sum(organ_volumes(body, grid, time)[name] for name in parts) for time in beats)
    assert first == pytest.approx(body.truths["end_diastolic_volume_m3"], rel=5e-3)  # Sampled at 2 mm.
    assert 1 - last / first == pytest.approx(0.55, abs=5e-3)


@pytest.mark.parametrize(("height", "mass"), [(1.75, 74.0), (1.6, 95.0), (1.9, 62.0)])
def test_fat_under_the_skin_is_as_thick_as_stated(height, mass):
    body = torso(height_m=height, mass_kg=mass)
    scale = height / 1.75
    y = np.arange(body.low_m[1] - 0.01, -0.05, 2e-4)
    held = mixture(body, np.stack([0 * y, y, 0 * y - 0.1 * scale], axis=1))
    fat = held[:, [tissue.name == "fat" for tissue in body.tissues]].sum() * 2e-4
    # The wall's surface is rough by up to 1.5 mm.
    assert fat == pytest.approx(max(body.truths["subcutaneous_fat_m"], 2e-3), abs=1.7e-3)
    assert body.truths["body_mass_index"] == pytest.approx(mass / height**2)


def test_impossible_torsos_are_refused():
    for change in (
        {"height_m": 17.5}, {"mass_kg": 20.0}, {"liver_fat_fraction": 1.2}, {"liver_r2star_per_s": 10.0},
        {"breathing_down_m": 0.2}, {"ejection_fraction": 1.2}, {"liver_stiffness_Pa": 0.0},
        {"liver_lesions": (("cyst", 0.01),) * 6},
    ):  # fmt: skip
        with pytest.raises(ValueRangeError):
            torso(**change)
    with pytest.raises(UsageError, match="haemangioma, metastasis, cyst"):
        torso(liver_lesions=(("cist", 0.01),))
    with pytest.raises(UsageError, match="liver_fat"):
        make_body("torso", {"liver_fat": 0.1})
