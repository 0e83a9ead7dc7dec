# TRUTHS of the leg: the artery's volume is its section's area times its length at every time of the beat | its section widens by
# the pulse, at rest in diastole, the same a period later | the fat under the skin is as thick as asked | every organ in sight
# | same seed same bytes | impossible parameters refused
import numpy as np
import pytest

from fullbore.data import Grid
from fullbore.errors import ValueRangeError
from fullbore.phantom.bodies.leg import artery_middle, leg, wave
from fullbore.phantom.body import organ_movement
from fullbore.phantom.body_truth import empty_organs
from fullbore.phantom.movement import jacobian
from fullbore.phantom.registry import make_body
from fullbore.phantom.sampling import mixture, organ_shares, shares

BODY = leg(pulse=0.1, period_s=0.8)


def slab(spacing_m, low_mm=(-60, -60, -20), high_mm=(10, 30, 20)):
    size = np.rint((np.array(high_mm) - low_mm) * 1e-3 / spacing_m).astype(int)
    affine = np.diag([spacing_m] * 3 + [1.0])
    affine[:3, 3] = (np.array(low_mm) * 1e-3) + spacing_m / 2
    nx, ny, nz = (int(n) for n in size)
    return Grid(shape=(nz, ny, nx), affine_m=affine)


@pytest.mark.parametrize("part", [0.0, 0.15, 0.4, 0.7])
def test_the_artery_has_its_volume_at_every_time(part):
    time_s = part * 0.8
    grid = slab(0.5e-3)
    held = organ_shares(BODY, grid, time_s)[BODY.organs.index("femoral artery")].sum(dtype=np.float64) * grid.voxel_volume_m3
    radius = 4e-3 * (1 + 0.1 * float(wave(np.array(part))))
    assert held == pytest.approx(np.pi * radius**2 * 0.04, rel=5e-3)  # (0.5 / 4)^2 / 4 = 0.4 % by the soft surface


def test_the_beat_starts_at_rest_peaks_in_systole_and_repeats():
    phase = np.linspace(0, 1, 2001)
    assert wave(phase).min() == 0
    assert wave(phase).max() == pytest.approx(1)
    assert phase[wave(phase).argmax()] * 0.8 == pytest.approx(BODY.truths["systole_s"], abs=1e-3)
    assert BODY.truths["artery_systolic_area_m2"] == pytest.approx(1.21 * BODY.truths["artery_diastolic_area_m2"])
    move = organ_movement(BODY, "femoral artery")
    points = np.random.default_rng(0).uniform(-0.05, 0.05, (100, 3))
    assert np.abs(move.forward(points, 0.0) - points).max() < 1e-15
    assert np.abs(move.forward(points, 0.13) - move.forward(points, 0.93)).max() < 1e-15
    assert np.abs(move.at_rest(move.forward(points, 0.2), 0.2) - points).max() < 1e-15
    swelling = np.linalg.det(jacobian(move, points, BODY.truths["systole_s"]))
    assert swelling == pytest.approx(1.1**2, rel=1e-9)
    near = points.copy()
    near[:, :2] = artery_middle(points[:, 2]) + 4e-3 * np.array([0.6, 0.8])
    steep = np.linalg.norm(np.linalg.inv(jacobian(move, near, 0.12)), 2, axis=(1, 2)).max()
    assert steep < move.stretch


@pytest.mark.parametrize("fat_m", [5e-3, 12e-3, 40e-3])
def test_fat_under_the_skin_is_as_thick_as_asked(fat_m):
    body = leg(fat_m=fat_m)
    line = np.stack([np.zeros(30000), np.linspace(-0.05, -0.13, 30000), np.full(30000, 0.03)], axis=1)
    held = mixture(body, line)
    families = np.array([tissue.name for tissue in body.tissues])[held.argmax(axis=1)]
    sheet, skin = np.flatnonzero(families == "ligament"), np.flatnonzero(families == "skin")
    # Surfaces are level sets of one rough distance whose slope differs from one by up to 3 x 1.5 mm / 40 mm, mostly far less.
    assert (skin[0] - sheet[-1]) * 0.08 / 29999 == pytest.approx(fat_m, rel=4e-2)


def test_every_organ_is_in_sight():
    assert empty_organs(BODY, 2e-3) == ()


def test_same_seed_same_bytes_and_another_seed_another_leg():
    grid = slab(4e-3)
    assert shares(leg(3), grid, 0.2).tobytes() == shares(leg(3), grid, 0.2).tobytes()
    assert shares(leg(3), grid).tobytes() != shares(leg(4), grid).tobytes()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"pulse": 1.2}, "tears"),
        ({"fat_m": -0.01}, "under the skin"),
        ({"artery_m": 0.05}, "femoral"),
        ({"period_s": 0.0}, "beats"),
    ],
)
def test_impossible_parameters_are_refused_in_a_sentence(wrong, says):
    with pytest.raises(ValueRangeError, match=says):
        make_body("leg", wrong)
