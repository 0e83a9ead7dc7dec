# TRUTHS of occupancy: own grid = own fractions | volume kept on any grid | parallel = oblique path
# | thick slice averages through | beyond: air
# TRUTHS of truth maps: T1, T2, PD, field of what is there | pure voxels only are OK | objects hold their volume
# | bad names refused
import numpy as np
import pytest

from fullbore import phantom
from fullbore.data import FitStatus, Grid, Tissue
from fullbore.errors import UsageError
from fullbore.phantom.truth import _mean_oblique

BALL = phantom.sphere(0.03, 2e-3, centre_m=(0.004, -0.003, 0.002), field_ppm=0.5)
VOLUME = 4 / 3 * np.pi * 0.03**3


def rotated(angle, shape, spacing):
    grid = Grid.centred(shape, spacing)
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    affine = np.eye(4)
    affine[:3] = turn @ grid.affine_m[:3]
    return Grid(shape=shape, affine_m=affine)


def test_own_grid_at_one_sample_gives_own_fractions():
    assert np.allclose(phantom.occupancy(BALL, BALL.grid, 1), BALL.fractions, atol=1e-6)


@pytest.mark.parametrize("angle", [0.0, np.pi / 2, 0.4])
@pytest.mark.parametrize("spacing", [(1.5e-3, 3e-3, 2e-3), (4e-3, 2e-3, 12e-3)])
def test_matter_is_kept_on_any_grid(angle, spacing):
    shape = tuple(int(0.09 / s) for s in reversed(spacing))
    grid = rotated(angle, shape, spacing)
    filled = phantom.occupancy(BALL, grid).sum() * grid.voxel_volume_m3
    assert filled == pytest.approx(
        BALL.fractions.sum() * BALL.grid.voxel_volume_m3, rel=2e-3
    )  # points sample a voxel, they do not fill it


def test_parallel_and_oblique_paths_agree_also_with_swapped_and_flipped_axes():
    affine = np.zeros((4, 4))
    affine[2, 0], affine[0, 1], affine[1, 2] = -3e-3, 2e-3, 4e-3
    affine[:, 3] = [-0.03, -0.03, 0.04, 1]
    grid = Grid(shape=(14, 30, 25), affine_m=affine)
    fast = phantom.occupancy(BALL, grid)
    to_source = np.linalg.inv(BALL.grid.affine_m) @ affine
    slow = _mean_oblique(BALL.fractions, to_source, np.array(grid.shape), np.array([3, 3, 3]))
    assert fast.shape == (1, 14, 30, 25)
    assert np.abs(fast - slow).max() < 1e-5
    assert fast.max() > 0.99


def test_a_thick_slice_averages_along_its_thickness():
    grid = Grid.centred((1, 1, 1), (1e-3, 1e-3, 0.12), (0.004, -0.003, 0.002))
    # A column through the middle of a ball of 60 mm fills half of 120 mm; ends are soft by a voxel over 120 mm.
    assert phantom.occupancy(BALL, grid)[0, 0, 0, 0] == pytest.approx(0.5, abs=0.01)


def test_beyond_the_phantom_there_is_air():
    assert phantom.occupancy(BALL, Grid.centred((4, 4, 4), (1e-2,) * 3, (0.5, 0.0, 0.0))).max() == 0


def test_truth_of_a_ball():
    maps = phantom.truth_maps(BALL, Grid.centred((40, 40, 40), (2e-3,) * 3), 3.0)
    inside = maps.status == FitStatus.OK
    matter = maps.status != FitStatus.BACKGROUND
    # The shell that is not pure, or next to what is not, is one to two voxels thick.
    assert (26 / 30) ** 3 < inside.sum() * 8e-9 / VOLUME < (28 / 30) ** 3
    assert matter.sum() * 8e-9 == pytest.approx(VOLUME, rel=0.02)
    tissue = BALL.tissues[0]
    for name, value in (("T1", tissue.t1_s), ("T2", tissue.t2_s), ("PD", 1.0), ("off_resonance", 0.5 * 127.729)):
        assert np.allclose(maps[name].value[matter], value, rtol=1e-4)
        assert np.isnan(maps[name].value[~matter]).all()


def test_a_mixed_voxel_has_no_single_truth():
    maps = phantom.truth_maps(BALL, Grid.centred((9, 9, 9), (9e-3,) * 3, (0.004, -0.003, 0.002)), 3.0)
    assert maps.status[4, 4, 4] == FitStatus.OK
    assert maps.status[4, 4, 7] != FitStatus.OK


def test_slice_neighbours_are_a_smallest_spacing_away():
    box = phantom.uniform_box((0.06, 0.06, 0.009), 1e-3)
    maps = phantom.truth_maps(box, Grid.centred((1, 20, 20), (2e-3, 2e-3, 4e-3)), 3.0)
    assert maps.status[0, 10, 10] == FitStatus.OK
    thin = phantom.uniform_box((0.06, 0.06, 0.006), 1e-3)
    assert phantom.truth_maps(thin, Grid.centred((1, 20, 20), (2e-3, 2e-3, 4e-3)), 3.0).status[0, 10, 10] == FitStatus.FAILED


def test_objects_hold_their_volume():
    assert BALL.fractions.sum() * BALL.grid.voxel_volume_m3 == pytest.approx(VOLUME, rel=5e-3)  # curvature of the soft border
    box = phantom.uniform_box((0.05, 0.03, 0.02), 2e-3)
    assert box.fractions.sum() * box.grid.voxel_volume_m3 == pytest.approx(0.05 * 0.03 * 0.02, rel=1e-6)
    vials = phantom.cylinder_vials()
    assert vials.fractions.sum(axis=(1, 2, 3)) * vials.grid.voxel_volume_m3 == pytest.approx(np.pi * 0.012**2 * 0.08, rel=5e-3)
    assert vials.fractions.sum(axis=0).max() <= 1


def test_tissue_index_by_name():
    vials = phantom.cylinder_vials(((0.5, 0.05), (1.0, 0.1)))
    assert phantom.tissue_index(vials, "vial 2") == 1
    with pytest.raises(UsageError, match="spleen"):
        phantom.tissue_index(vials, "spleen")


def test_a_ball_of_no_size_is_refused():
    with pytest.raises(UsageError, match="positive"):
        phantom.sphere(-1.0)
    other = Tissue(name="oil", t1_s=0.3, t2_s=0.06, t2_prime_s=1.0, proton_density=0.9)
    assert phantom.sphere(tissue=other).tissues == (other,)
