# TRUTHS of bodies of one's own: a label map gives back its labels and volumes, oblique too | maps give back their times to 3 %
# and their density | a description adds organs and tissues to a body | what cannot be understood is refused
import numpy as np
import pytest

from fullbore.data import Grid
from fullbore.errors import UsageError, ValueRangeError
from fullbore.phantom.body_truth import organ_volumes, property_maps, tissue_labels
from fullbore.phantom.described import described_body
from fullbore.phantom.imported import body_from_labels, body_from_maps
from fullbore.phantom.sampling import mixture, shares
from fullbore.phantom.shape import rotation


def oblique(shape):
    affine = np.eye(4)
    affine[:3, :3] = rotation((1, 0.5, 0), 0.4) * 2e-3
    affine[:3, 3] = [-0.02, 0.01, -0.03]
    return Grid(shape=shape, affine_m=affine)


def test_a_label_map_gives_back_its_labels():
    grid = oblique((12, 14, 16))
    labels = np.random.default_rng(0).integers(0, 4, grid.shape)
    body = body_from_labels("mine", labels, grid, {1: "liver", 2: "spleen", 3: "fat"})
    assert np.array_equal(tissue_labels(body, grid), labels)
    wide = Grid.centred((60, 60, 60), (1e-3,) * 3, (-0.005, 0.01, -0.015))
    volumes = shares(body, wide).sum(axis=(1, 2, 3)) * 1e-9
    # Linear borders keep the volume of every label but at the map's own edge, where half a voxel is cut.
    inner = (np.pad(labels, 1) > 0).sum() * 8e-9
    assert volumes.sum() == pytest.approx(inner, rel=0.12)
    assert body.truths["label_2_volume_m3"] == pytest.approx((labels == 2).sum() * 8e-9)


def test_maps_give_back_their_values():
    grid = oblique((8, 9, 10))
    generator = np.random.default_rng(1)
    t1, t2, density = (
        generator.uniform(0.3, 2.0, grid.shape),
        generator.uniform(0.03, 0.2, grid.shape),
        generator.uniform(0.6, 1, grid.shape),
    )
    t1[0] = np.nan
    body = body_from_maps("measured", t1, t2, density, grid)
    maps = property_maps(body, grid, names=("T1", "T2", "PD"))
    step = body.truths["time_step"]
    assert len(body.tissues) <= 200
    assert np.isnan(maps["T1"].value[0]).all()
    for name, wanted in (("T1", t1), ("T2", t2)):
        assert np.abs(np.log(maps[name].value[1:] / wanted[1:])).max() < step
    protons = shares(body, grid).sum(axis=0)
    assert np.abs(protons[1:] - density[1:]).max() < 1e-5


DESCRIPTION = {
    "name": "sphere with a lesion",
    "from": "uniform-sphere",
    "parameters": {"radius_m": 0.05},
    "tissue": {"my lesion": {"like": "liver", "t2_s": 0.07}, "paint": {"t1_s": 0.3, "t2_s": 0.03, "proton_density": 0.5}},
    "organ": [
        {"name": "lesion", "shape": "ball", "centre_mm": [10, 0, -5], "radius_mm": 9, "tissue": "my lesion", "texture": 0.05},
        {
            "name": "rod",
            "shape": "cylinder",
            "start_mm": [-20, 0, -20],
            "end_mm": [-20, 0, 20],
            "radius_mm": 4,
            "tissue": "paint",
        },
        {"name": "gas", "shape": "ellipsoid", "centre_mm": [0, 30, 0], "semi_axes_mm": [5, 4, 6], "tissue": "air"},
    ],
}


def test_a_description_adds_to_a_body():
    body = described_body(DESCRIPTION)
    volumes = organ_volumes(body, 1e-3)
    assert volumes["lesion"] == pytest.approx(4 / 3 * np.pi * 9e-9 * 81, rel=5e-3)  # (1 / 9)^2 / 4 = 0.3 %
    names = {tissue.name: tissue for tissue in body.tissues}
    assert names["paint"].t1_s == 0.3
    assert (names["my lesion -"].t2_s + names["my lesion +"].t2_s) / 2 == pytest.approx(0.07)
    assert mixture(body, np.array([[0, 0.03, 0]])).sum() == 0
    alone = described_body({**{k: v for k, v in DESCRIPTION.items() if k not in ("from", "parameters")}})
    assert alone.organs == ("lesion", "rod", "gas")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": 1}, "unknown colour"),
        ({"from": "unicorn"}, "wanted one of"),
        ({"organ": [{"name": "x", "shape": "cube"}]}, "wanted one of ball"),
        ({"organ": [{"name": "x", "shape": "ball", "tissue": "liver"}]}, "no centre_mm, radius_mm"),
        ({"organ": [{"name": "x", "shape": "ball", "tissue": "liver", "centre_mm": 3, "radius_mm": 1}]}, "Wanted numbers"),
        (
            {"organ": [{"name": "x", "shape": "ball", "tissue": "livr", "centre_mm": [0, 0, 0], "radius_mm": 1}]},
            "Did you mean liver",
        ),
        ({"tissue": {"x": {"t9_s": 1.0}}}, "unknown t9_s"),
        ({"tissue": {"x": {"t1_s": 1.0}}}, "proton_density"),
    ],
)
def test_what_cannot_be_understood_is_refused(change, words):
    with pytest.raises(UsageError, match=words):
        described_body({**DESCRIPTION, **change})


def test_maps_and_tables_that_make_no_body_are_refused():
    grid = oblique((3, 3, 3))
    ones = np.ones(grid.shape)
    with pytest.raises(ValueRangeError, match="none of the map's labels"):
        body_from_labels("x", ones, grid, {7: "fat"})
    with pytest.raises(ValueRangeError, match="not whole"):
        body_from_labels("x", 0.5 * ones, grid, {1: "fat"})
    with pytest.raises(ValueRangeError, match="at most 1"):
        body_from_maps("x", ones, 0.1 * ones, 90 * ones, grid)
