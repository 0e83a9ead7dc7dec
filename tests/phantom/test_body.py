# TRUTHS of a body: shares sum to one inside, never more | blocks = points = the plain painter
# | same seed same bytes, for any number of threads, of spins too | turning the grid keeps volumes | a moved body keeps its volume
# | a cortex is as thick in fine samples | later strokes cover, holes show | thin skin | onion, gradient, voxels
# | truth of a textured tissue lies between its variants | spins hold the body's matter | nonsense refused
import numpy as np
import pytest

from fullbore.data import Grid, Phantom, Tissue
from fullbore.errors import UsageError, ValueRangeError
from fullbore.phantom import fill, make_body, sampling
from fullbore.phantom.bodies.limb_parts import bone
from fullbore.phantom.body import Body, Layer, families
from fullbore.phantom.body_truth import organ_labels, organ_volumes, property_maps, tissue_volumes
from fullbore.phantom.movement import Movement, chained, jacobian, rigid
from fullbore.phantom.plain_painting import painted_plainly
from fullbore.phantom.primitives import ball, box, ellipsoid, half_space, smooth_path, tube
from fullbore.phantom.sampling import body_grid, mixture, sampled, shares
from fullbore.phantom.shape import rotation
from fullbore.phantom.spins import spins
from fullbore.phantom.tissues import RECORDS, library_tissue, tissue_names, water_variant, with_bound_pool

TRUNK = ellipsoid((0, 0, 0), (0.1, 0.07, 0.09))
VESSEL = tube(smooth_path(np.array([[-0.03, 0, -0.06], [-0.02, 0.02, 0], [-0.04, 0, 0.05]])), 0.008)


def torso(movement=None, beating=None):
    return Body(
        name="torso",
        layers=(
            Layer(shape=TRUNK, fill="fat", organ="fat"),
            Layer(shape=ellipsoid((0, 0, 0), (0.09, 0.06, 0.08)), fill=fill.textured("muscle", 0.1, 6e-3, seed=1)),
            Layer(shape=ball((0.04, 0, 0), 0.03), fill=fill.textured("liver", 0.08, 5e-3, seed=2), movement=beating),
            Layer(shape=VESSEL, fill="arterial blood", organ="aorta"),
            Layer(shape=ball((-0.03, 0.0, 0.03), 0.01), fill="air", organ="gas"),
        ),
        movement=movement,
    )


def swirl():
    """Incompressible: every height turns about z by its own angle, which grows and falls."""

    def turned(points, angle):
        c, s = np.cos(angle), np.sin(angle)
        return np.stack([c * points[:, 0] - s * points[:, 1], s * points[:, 0] + c * points[:, 1], points[:, 2]], axis=1)

    def forward(points, time_s):
        return turned(points, 8 * points[:, 2] * np.sin(2 * np.pi * time_s))

    def backward(points, time_s):
        return turned(points, -8 * points[:, 2] * np.sin(2 * np.pi * time_s))

    return Movement(forward=forward, backward=backward, stretch=2.3, incompressible=True, period_s=1.0)


BODY = torso()
GRID = body_grid(BODY, 3e-3)


def test_shares_are_parts_of_one_whole():
    held = shares(BODY, GRID)
    total = held.sum(axis=0)
    assert held.min() >= 0
    assert total.max() <= 1 + 1e-5
    points = GRID.points_m()
    inside = TRUNK.distance(points.reshape(-1, 3)).reshape(GRID.shape) < -6e-3
    gas = np.linalg.norm(points - (-0.03, 0, 0.03), axis=-1) < 0.01 + 6e-3
    assert np.abs(total[inside & ~gas] - 1).max() < 1e-5
    assert total[~inside & (TRUNK.distance(points.reshape(-1, 3)).reshape(GRID.shape) > 6e-3)].max() == 0


@pytest.mark.parametrize(("movement", "time_s"), [(None, 0.0), (swirl(), 0.15)])
def test_blocks_see_what_points_see(movement, time_s):
    body = torso(movement, beating=swirl())
    affine = np.eye(4)
    affine[:3, :3] = rotation((1, 1, 0), 0.5) * 3e-3
    affine[:3, 3] = [-0.07, -0.06, -0.05]
    grid = Grid(shape=(30, 37, 41), affine_m=affine)
    one_by_one = mixture(body, grid.points_m().reshape(-1, 3), 3e-3, time_s)
    assert np.array_equal(one_by_one.T.reshape(-1, *grid.shape), shares(body, grid, time_s))


@pytest.mark.parametrize(("name", "spacing_m"), [("knee", 0.7e-3), ("heart", 2.5e-3), ("torso", 5e-3), ("whole-head", 4e-3)])
def test_rich_bodies_are_what_the_plain_painter_paints(name, spacing_m):
    body = make_body(name)
    affine = np.eye(4)
    affine[:3, :3] = rotation((1, 1, 0.3), 0.4) * spacing_m
    affine[:3, 3] = (np.array(body.low_m) + body.high_m) / 2 - affine[:3, :3] @ [15, 13, 10]
    grid = Grid(shape=(21, 27, 31), affine_m=affine)
    time_s = 0.3
    plain = painted_plainly(body, grid.points_m().reshape(-1, 3), spacing_m, time_s)
    # Sight is kept in float32, and what is below 1e-6 of it is hidden.
    assert np.abs(plain.T.reshape(-1, *grid.shape) - shares(body, grid, time_s)).max() < 3e-6


def test_fine_samples_see_a_thick_cortex():
    """Blocks that lie inside a bone as a whole may lie in its cortex."""
    cortex = Body(name="bone", layers=(Layer(shape=ball((0, 0, 0), 0.012), fill=bone(4e-3)),))
    grid = Grid.centred((8, 60, 60), (4e-4,) * 3)
    held = shares(cortex, grid)[[tissue.name for tissue in cortex.tissues].index("cortical bone")]
    away = np.linalg.norm(grid.points_m(), axis=-1)
    # Half a sample of softness on either side of the surfaces.
    assert np.all(held[(away > 8.3e-3) & (away < 11.7e-3)] == 1)
    assert np.all(held[away < 7.7e-3] == 0)


def test_same_seed_same_bytes_on_any_number_of_threads(monkeypatch):
    first = shares(torso(), GRID).tobytes()
    monkeypatch.setattr(sampling.os, "cpu_count", lambda: 1)
    assert shares(torso(), GRID).tobytes() == first


@pytest.mark.parametrize("time_s", [0.0, 0.37])
def test_spins_come_in_one_order_on_any_number_of_threads(monkeypatch, time_s):
    body, pieces = make_body("heart"), []
    grid = body_grid(body, 3e-3)
    for workers in (1, 3):
        monkeypatch.setattr(sampling.os, "cpu_count", lambda count=workers: count)
        pieces.append([column.tobytes() for block in spins(body, grid, time_s=time_s) for column in block])
    assert len(pieces[0]) > 7  # more than one slab, or there is no order to keep
    assert pieces[0] == pieces[1]


def test_spins_may_be_left_half_way():
    some = spins(make_body("heart"), body_grid(make_body("heart"), 3e-3))
    assert len(next(some).amount) > 0
    some.close()
    assert next(some, None) is None


def test_a_texture_is_the_same_at_every_resolution():
    points = GRID.points_m().reshape(-1, 3)[::7]
    whole = mixture(BODY, points)
    assert np.array_equal(mixture(BODY, points[::3]), whole[::3])


def test_turning_the_grid_keeps_volumes():
    affine = np.eye(4)
    affine[:3, :3] = rotation((1, 2, 3), 0.6) * 3e-3
    affine[:3, 3] = -affine[:3, :3] @ np.full(3, 44.0)
    turned = tissue_volumes(BODY, Grid(shape=(89, 89, 89), affine_m=affine), oversampling=2)
    for name, volume in tissue_volumes(BODY, 3e-3, oversampling=2).items():
        assert turned[name] == pytest.approx(volume, rel=1e-3)


def test_incompressible_movement_keeps_volumes_and_its_jacobian_is_one():
    move = chained(swirl(), rigid(lambda t: rotation((0, 1, 0), 0.3 * t), lambda t: np.array([0.01 * t, 0, 0])))
    assert move.incompressible
    points = np.random.default_rng(0).uniform(-0.08, 0.08, (200, 3))
    assert np.abs(np.linalg.det(jacobian(move, points, 0.2)) - 1).max() < 1e-5
    assert np.abs(move.at_rest(move.forward(points, 0.2), 0.2) - points).max() < 1e-12
    rest, moved = (organ_volumes(torso(move), Grid.centred((84, 84, 84), (3e-3,) * 3), t, oversampling=2) for t in (0.0, 0.2))
    for name in ("fat", "liver", "aorta"):
        # Sampled at 1.5 mm, the 8 mm vessel's wall is soft over a distance that the twist shears.
        assert moved[name] == pytest.approx(rest[name], rel=3e-3 if name == "aorta" else 1e-3)


def test_an_inverse_is_found_where_there_is_one_and_refused_where_not():
    gentle = Movement(forward=lambda x, t: x + 0.004 * t * np.sin(x / 0.01))
    points = np.random.default_rng(0).uniform(-0.05, 0.05, (100, 3))
    assert np.abs(gentle.forward(gentle.at_rest(points, 1.0), 1.0) - points).max() < 1e-7
    with pytest.raises(ValueRangeError, match="not inverted"):
        gentle.at_rest(points, 8.0)


def test_later_strokes_cover_and_holes_show():
    at = mixture(BODY, np.array([[0.04, 0, 0], [-0.02, 0.02, 0], [-0.03, 0, 0.03], [0, 0, 0.085], [0.3, 0, 0]]))
    names = [tissue.name for tissue in BODY.tissues]
    assert at[0, names.index("liver -")] + at[0, names.index("liver +")] == pytest.approx(1, abs=1e-6)
    assert at[1, names.index("arterial blood")] == 1
    assert at[2].sum() == 0
    assert at[3, names.index("fat")] == 1
    assert at[4].sum() == 0


def test_labels_name_organs():
    labels = organ_labels(BODY, GRID)
    z, y, x = (int(n) for n in np.rint(np.linalg.inv(GRID.affine_m) @ [-0.02, 0.02, 0, 1])[2::-1])
    assert BODY.organs[labels[z, y, x] - 1] == "aorta"
    assert labels[0, 0, 0] == 0
    assert organ_volumes(BODY, 2e-3)["gas"] == pytest.approx(4 / 3 * np.pi * 0.01**3, rel=2e-2)  # (2 / 10)^2 / 4 = 1 %


def test_onion_layers_have_the_volumes_of_shells():
    body = Body(
        name="onion", layers=(Layer(shape=ball((0, 0, 0), 0.03), fill=fill.onion((0.002, 0.005), ("skin", "fat", "muscle"))),)
    )
    volumes = tissue_volumes(body, 1e-3)
    radii = np.array([0.03, 0.028, 0.025, 0.0])
    for name, outer, inner in zip(("skin", "fat", "muscle"), radii[:-1], radii[1:], strict=True):
        assert volumes[name] == pytest.approx(4 / 3 * np.pi * (outer**3 - inner**3), rel=1e-3)


def test_a_skin_thinner_than_a_voxel_keeps_its_volume():
    layers = tuple(Layer(shape=ball((0, 0, 0), r), fill=name) for r, name in ((0.03, "skin"), (0.029, "fat"), (0.029, "muscle")))
    volumes = tissue_volumes(Body(name="thin", layers=layers), 3e-3)
    assert volumes["skin"] == pytest.approx(4 / 3 * np.pi * (0.03**3 - 0.029**3), rel=2e-2)
    # 1 mm of skin in voxels of 3 mm: both of its surfaces are right to 1e-3 of the ball, ten times its volume.
    assert volumes["fat"] < 1e-12


def test_a_gradient_and_a_mixture_have_their_shares():
    shape = box((0, 0, 0), (0.04, 0.02, 0.02))
    ramp = fill.graded("fat", "muscle", lambda points: points[:, 0] / 0.04 + 0.5)
    body = Body(name="ramp", layers=(Layer(shape=shape, fill=ramp),))
    assert np.allclose(mixture(body, np.array([[0.01, 0, 0]])), [[0.25, 0.75]])
    half = Body(name="half", layers=(Layer(shape=shape, fill=fill.mixed((("liver", 0.8), ("liver fat", 0.2)))),))
    assert np.allclose(mixture(half, np.array([[0.01, 0, 0]])), [[0.8, 0.2]])


def test_voxels_show_their_values_and_what_lies_below():
    grid = Grid.centred((4, 5, 6), (4e-3,) * 3)
    measured = np.random.default_rng(1).random((2, 4, 5, 6)).astype(np.float32) / 2
    layers = (
        Layer(shape=box((0, 0, 0), (0.1, 0.1, 0.1)), fill="csf"),
        Layer(shape=fill.voxel_box(grid), fill=fill.voxels(measured, grid, ("white matter", "grey matter")), organ="brain"),
    )
    body = Body(name="voxels", layers=layers)
    at = mixture(body, grid.points_m().reshape(-1, 3)).T.reshape(3, *grid.shape)
    assert np.allclose(at[1:], measured, atol=1e-6)
    assert np.allclose(at.sum(axis=0), 1, atol=1e-6)


def test_a_textured_tissue_lies_between_its_variants_and_varies_as_stated():
    body = Body(name="block", layers=(Layer(shape=box((0, 0, 0), (0.1, 0.1, 0.1)), fill=fill.textured("liver", 0.1, 4e-3)),))
    maps = property_maps(body, Grid.centred((40, 40, 40), (2e-3,) * 3), names=("T1", "T2", "PD"))
    t1 = maps["T1"].value
    liver = library_tissue("liver")
    assert families(body) == ("liver",)
    assert 0.9 * liver.t1_s <= t1.min() < t1.max() <= 1.1 * liver.t1_s
    # Uniform in +-10 %: root mean square 5.8 %; some 8000 patches, 32 waves: to a tenth. The mean of rates lies a^2 / 3 below.
    assert t1.std() / t1.mean() == pytest.approx(0.1 / np.sqrt(3), rel=0.1)
    assert t1.mean() == pytest.approx(liver.t1_s, rel=0.02)
    assert np.corrcoef(t1.ravel(), maps["PD"].value.ravel())[0, 1] > 0.99
    near = [np.corrcoef(np.moveaxis(t1, axis, 0)[:-2].ravel(), np.moveaxis(t1, axis, 0)[2:].ravel())[0, 1] for axis in range(3)]
    # 32 waves, not infinitely many: each axis to about 0.05, and the error function takes 0.02 of it.
    assert near == pytest.approx([np.exp(-0.5)] * 3, abs=0.1)


def test_spins_hold_the_matter_of_the_body():
    each = list(spins(BODY, GRID, oversampling=1))
    names = families(BODY)
    volumes = tissue_volumes(BODY, GRID)
    for name, wanted in volumes.items():
        got = sum(block.volume_m3[block.tissue == names.index(name)].sum() for block in each)
        assert got == pytest.approx(wanted, rel=1e-4)
    blood = library_tissue("arterial blood")
    one = [block.t1_s[block.tissue == names.index("arterial blood")] for block in each]
    assert np.allclose(np.concatenate(one), blood.t1_s)
    density = sum(block.amount.sum() for block in each) / sum(volumes.values())
    assert 0.8 < density < 0.9


def test_a_sampled_body_is_what_the_scanner_takes():
    body = Body(name="shimmed", layers=BODY.layers, shim_over=("muscle",))
    taken = sampled(body, 4e-3)
    assert isinstance(taken, Phantom)
    assert 0.05 < np.abs(taken.field_ppm.values).max() <= 12
    assert sampled(BODY, GRID).field_ppm.values.max() == 0


def test_every_tissue_of_the_library_is_physical_and_names_its_source():
    for name in tissue_names():
        tissue = library_tissue(name)
        assert tissue.t2_s <= tissue.t1_s * 2
        assert 0 < tissue.proton_density <= 1
        assert len(tissue.source) > 10
        assert tissue.t2_prime_s > 0
    assert with_bound_pool(library_tissue("white matter")).pools[0].fraction == 0.139


def test_wetter_tissue_is_slower_and_denser():
    liver = library_tissue("liver")
    dry, wet = water_variant(liver, -0.1), water_variant(liver, 0.1)
    assert dry.t1_s < liver.t1_s < wet.t1_s
    assert dry.proton_density < liver.proton_density < wet.proton_density < 1
    assert (dry.name, wet.name) == ("liver -", "liver +")


def test_nonsense_is_refused_in_a_sentence():
    with pytest.raises(UsageError, match=r"liverr.*Did you mean liver"):
        Body(name="x", layers=(Layer(shape=TRUNK, fill="liverr"),))
    with pytest.raises(ValueRangeError, match="no layers"):
        Body(name="x", layers=())
    with pytest.raises(ValueRangeError, match="all air"):
        Body(name="x", layers=(Layer(shape=TRUNK, fill="air"),))
    with pytest.raises(ValueRangeError, match="Cut endless"):
        Body(name="x", layers=(Layer(shape=half_space((0, 0, 0), (0, 0, 1)), fill="fat"),))
    other = Tissue(name="fat", t1_s=1.0, t2_s=0.1, t2_prime_s=1.0, proton_density=1.0)
    with pytest.raises(ValueRangeError, match="two tissues named 'fat' differ"):
        Body(name="x", layers=(Layer(shape=TRUNK, fill="fat"), Layer(shape=TRUNK, fill=other)))
    with pytest.raises(ValueRangeError, match="amplitude"):
        fill.textured("liver", 1.5)
    with pytest.raises(UsageError, match="more than 16 GB"):
        body_grid(BODY, 1e-4)
    with pytest.raises(UsageError, match="no property"):
        property_maps(BODY, GRID, names=("T3",))
    assert "liver" in RECORDS
