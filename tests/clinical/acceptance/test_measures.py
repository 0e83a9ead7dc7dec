# TRUTHS of acceptance measurements: a disc stretched by 2 % along x measures 2 % there and none along y | shading does not move
#   an edge | a grid scaled by 0.98 reads -2 % and the displacement of its rim | a pair with Gaussian noise gives its SNR, for
#   one channel the air's Rayleigh spread gives the same, factor 0.655 | a dead channel hears nothing | PIU of a known gradient |
#   a flat image deviates nowhere | a ghost of 5 % reads its PSG | ramps of an analytic slice give its thickness, tilted too |
#   a slice moved by 1 mm makes bars differ by 2 mm | bars of a grating are told apart until they merge | discs far over the
#   noise count, spokes stop at the first gap | a drift is read from phase | spheres read their medians | a reading passes only
#   inside its limits and a NaN never | places on ACR's phantom are those of the body that is scanned
from __future__ import annotations

import numpy as np
import pytest
from scipy.special import erf

from fullbore.clinical.acceptance import CHOICE, MEMORY, Plane, Reading, acr, spheres
from fullbore.clinical.acceptance.contrast import complete_spokes, disc_scores
from fullbore.clinical.acceptance.frequency import frequency_change_Hz
from fullbore.clinical.acceptance.geometry import chord_m, grid_crossings_m, grid_distortion, length_m
from fullbore.clinical.acceptance.ghosting import signal_ghosting
from fullbore.clinical.acceptance.noise import RAYLEIGH, background_snr, difference_snr, power_ratio
from fullbore.clinical.acceptance.plane import centre_of
from fullbore.clinical.acceptance.position import bar_difference_m
from fullbore.clinical.acceptance.resolution import finest_hole_m, row_modulation
from fullbore.clinical.acceptance.thickness import full_width_m, ramp_thickness_m
from fullbore.clinical.acceptance.uniformity import integral_uniformity, peak_deviation
from fullbore.errors import DataError
from fullbore.phantom import make_body
from fullbore.phantom.objects import acr as body
from fullbore.phantom.objects import system_phantom

AXIS = (np.arange(250) - 125) * 1e-3
X, Y = np.meshgrid(AXIS, AXIS)


def picture(values: np.ndarray) -> Plane:
    return Plane(values=np.asarray(values, np.float64), x_m=AXIS, y_m=AXIS)


def edge(distance_m: np.ndarray) -> np.ndarray:
    """A surface seen with a pixel's blur: 1 inside (negative distances)."""
    return 0.5 * (1 - erf(distance_m / 1e-3))


def disc(radius_m: float, x_scale: float = 1.0) -> np.ndarray:
    return edge(np.hypot(X / x_scale, Y) - radius_m)


@pytest.mark.parametrize("shading", [0.0, 4.0])
def test_a_stretched_disc_measures_its_stretch(shading):
    plane = picture(disc(0.095, 1.02) * (1 + shading * X))
    across = length_m(chord_m(plane, (0.0, 0.0), 0.0, 0.12))
    along = length_m(chord_m(plane, (0.0, 0.0), np.pi / 2, 0.12))
    # Half of the level inside lies within 0.1 mm of the surface under shading of 40 % across the disc.
    assert across == pytest.approx(0.190 * 1.02, abs=1e-4) and along == pytest.approx(0.190, abs=1e-4)
    assert centre_of(plane) == pytest.approx((0.0, 0.0), abs=1e-3)  # to a pixel


def test_an_object_beyond_the_picture_is_refused():
    with pytest.raises(DataError, match="field of view"):
        chord_m(picture(np.ones((250, 250))), (0.0, 0.0), 0.0, 0.12)


def test_a_shrunken_grid_reads_its_scale():
    pitch, scale = 0.0144, 0.98
    away = [np.abs(part / scale - pitch * np.rint(part / scale / pitch)) for part in (X, Y)]
    values = 1 - np.maximum(edge(away[0] - 0.75e-3), edge(away[1] - 0.75e-3))
    true, found = grid_crossings_m(picture(values), (0.0, 0.0), pitch, 10, 0.075)
    fitted, largest, _ = grid_distortion(true, found)
    assert fitted == pytest.approx(scale, abs=5e-4)
    # A wall's middle is found to a tenth of a pixel.
    assert largest == pytest.approx(0.02 * np.hypot(*true.T).max(), abs=1e-4)


def test_a_pair_gives_its_signal_to_noise():
    generator = np.random.default_rng(1)
    inside, signal, noise = np.hypot(X, Y) < 0.08, 50.0, 2.0
    pair = [
        np.abs(signal * inside + noise * (generator.normal(size=X.shape) + 1j * generator.normal(size=X.shape))) for _ in "ab"
    ]
    ratio, spread = difference_snr(pair[0], pair[1], inside)
    # 20106 pixels: the spread of a median absolute deviation is 1.17 / sqrt(n) = 0.8 %; less than three of them.
    assert ratio == pytest.approx(signal / noise, rel=0.02) and spread == pytest.approx(noise, rel=0.02)
    jumps = pair[0] + 1000 * ((X == 0) & (np.abs(Y) < 0.02))
    assert difference_snr(jumps, pair[1], inside)[1] == pytest.approx(noise, rel=0.02)
    assert background_snr(pair[0], inside, np.hypot(X, Y) > 0.10) == pytest.approx(signal / noise, rel=0.02)
    assert pytest.approx(0.655, abs=5e-4) == RAYLEIGH
    with pytest.raises(DataError, match="the same"):
        difference_snr(pair[0], pair[0], inside)


def test_a_dead_channel_hears_nothing():
    generator = np.random.default_rng(2)
    noise = generator.normal(size=(3, 20000)) + 1j * generator.normal(size=(3, 20000))
    samples = generator.normal(size=(100, 3, 200)) + 1j * generator.normal(size=(100, 3, 200))
    samples[:, :2] *= np.array([3.0, 2.0])[:, None]
    heard = power_ratio(samples, noise)
    # Powers are known to 1 / sqrt(20000) = 0.7 %; of the dead one that leaves at most sqrt(4 * 0.01) = 0.2.
    assert heard[:2] == pytest.approx(np.sqrt([8.0, 3.0]), rel=0.03) and heard[2] < 0.2


def test_uniformity_of_a_known_gradient():
    inside = np.hypot(X, Y) < 0.08
    plane = picture(1 + 2 * X)
    value, dark, bright = integral_uniformity(plane, inside)
    reach = abs(dark[0])
    assert reach == pytest.approx(0.08 - np.sqrt(1e-4 / np.pi), abs=1e-3) and bright[0] == -dark[0] > 0  # to a pixel
    assert value == pytest.approx(100 * (1 - 2 * reach), rel=1e-9)
    assert peak_deviation(plane, inside) == pytest.approx(100 * 2 * abs(X[inside]).max(), rel=1e-9)
    assert integral_uniformity(picture(np.full(X.shape, 3.0)), inside)[0] == pytest.approx(100, abs=1e-9)
    assert peak_deviation(picture(np.full(X.shape, 3.0)), inside) == pytest.approx(0, abs=1e-9)


def test_a_ghost_reads_its_share():
    whole = (np.hypot(X, Y) < 0.095) * 1.0
    ghost = 0.05 * np.roll(whole, 125, axis=0)
    value, marks = signal_ghosting(picture(np.where(whole > 0, whole, ghost)), (0.0, 0.0), 0.102)
    # The ghost fills top and bottom, which the sum counts both, and lies in no part of left and right: 5 %.
    assert value == pytest.approx(5.0, abs=1e-9) and len(marks) == 4
    assert signal_ghosting(picture(whole), (0.0, 0.0), 0.102)[0] == 0.0
    with pytest.raises(DataError, match="larger field of view"):
        signal_ghosting(picture(whole), (0.0, 0.0), 0.124)


@pytest.mark.parametrize(("thickness", "tilt"), [(5e-3, 0.0), (4.2e-3, 0.0), (5e-3, 0.01)])
def test_ramps_give_the_thickness_of_a_slice(thickness, tilt):
    x = np.arange(-0.075, 0.075, 1e-4)
    lengths = []
    for slope in (0.1 + tilt, 0.1 - tilt):
        height = slope * x  # a slice of thickness t sees a ramp over t / slope, with edges as soft as the pulse's
        first, last = full_width_m(x, edge(np.abs(height) / 0.1 - thickness / 0.2))
        lengths.append(last - first)
    # A tilt is cancelled to first order; what is left is (tilt / slope)^2 = 1 %.
    assert ramp_thickness_m(lengths[0], lengths[1]) == pytest.approx(thickness, rel=1e-3 if tilt == 0 else 0.0102)
    with pytest.raises(DataError, match="ramps"):
        full_width_m(x, np.ones_like(x))


def test_a_moved_slice_makes_bars_differ_by_twice_as_much():
    shift = 1e-3
    end = np.where(X < 0, -0.070 + shift, -0.070 - shift)
    difference, _ = bar_difference_m(picture(edge(end - Y)), (-5.5e-3, -1.5e-3), (1.5e-3, 5.5e-3), (-0.085, -0.055))
    assert difference == pytest.approx(-2 * shift, abs=2e-5)


def test_bars_are_told_apart_until_they_merge():
    holes = np.stack([2e-3 * np.arange(4), np.zeros(4)], axis=1)
    clear = picture(1 + np.cos(2 * np.pi * X / 2e-3))
    assert row_modulation(clear, holes) > 0.9
    assert row_modulation(picture(1 - np.cos(2 * np.pi * X / 2e-3)), holes) < 0.1
    assert row_modulation(picture(np.ones(X.shape)), holes) == pytest.approx(0, abs=1e-9)
    assert finest_hole_m({1.1e-3: 0.5, 1.0e-3: 0.3, 0.9e-3: 0.0}) == 1.0e-3
    assert finest_hole_m({1.1e-3: 0.0, 1.0e-3: 0.3, 0.9e-3: 0.5}) == np.inf


def test_discs_stand_out_of_noise_by_their_contrast():
    centres, radii = acr.contrast_discs_m(11)
    values, noise = np.ones(X.shape), 2e-3
    for (x, y), radius in zip(centres, radii, strict=True):
        values += 0.05 * edge(np.hypot(X - x, Y - y) - radius)
    noisy = values + noise * np.random.default_rng(3).normal(size=X.shape)
    assert (disc_scores(picture(noisy), centres, radii, noise) > 3).all()
    blank = disc_scores(picture(1 + noise * np.random.default_rng(4).normal(size=X.shape)), centres, radii, noise)
    # Thirty draws of unit variance: their mean square is 1 +- sqrt(2 / 30), three of them.
    assert np.mean(blank**2) == pytest.approx(1, abs=0.8)
    assert complete_spokes(np.array([True] * 8 + [False] + [True] * 21)) == 2
    assert complete_spokes(np.ones(30, bool)) == 10


def test_a_drift_is_read_from_phase():
    first = disc(0.095) * np.exp(1j * 3 * X)
    second = first * np.exp(-2j * np.pi * 12.0 * 5e-3)
    assert frequency_change_Hz(first, second, 5e-3) == pytest.approx(12.0, rel=1e-9)


def test_spheres_read_their_medians():
    values = np.full(X.shape, np.nan)
    for number, (x, y) in enumerate(spheres.sphere_centres_m()[:-1]):
        values[np.hypot(X - x, Y - y) < 7e-3] = number
    found = spheres.sphere_medians(values, picture(np.ones(X.shape)))
    assert np.array_equal(found[:-1], np.arange(13)) and np.isnan(found[-1])


def test_a_reading_passes_only_inside_its_limits():
    def reading(value: float, basis: str = "sourced") -> Reading:
        return Reading(test="t", name="n", value=value, unit="mm", low=-2.0, high=2.0, basis=basis)

    assert reading(1.9).word == "pass" and reading(-2.1).word == "FAIL" and reading(float("nan")).passed is False
    assert reading(0.0, MEMORY).word == "pass (memory)" and reading(3.0, CHOICE).word == "FAIL (choice)"
    assert Reading(test="t", name="n", value=1.0, unit="").word == "info"


def test_places_are_those_of_the_body_that_is_scanned():
    made = make_body("acr-large")
    assert made.truths["inner_diameter_m"] == acr.DIAMETER_M
    assert made.truths["grid_pitch_m"] == pytest.approx(acr.GRID_PITCH_M) and made.truths["ramp_slope"] == acr.RAMP_SLOPE
    for number in (8, 11):
        for ours, theirs in zip(acr.contrast_discs_m(number), body.contrast_discs(number), strict=True):
            assert np.allclose(ours, theirs)
    holes = body.resolution_holes()[0]
    for diameter, x in zip(acr.HOLES_M, acr.HOLES_X_M, strict=True):
        for axis in (0, 1):
            for line in range(4):
                row = acr._row(diameter, axis, line) + (x, acr.HOLES_Y_M)
                assert all(np.hypot(*(holes - hole).T).min() < 1e-9 for hole in row)
    assert np.allclose(spheres.sphere_centres_m(), system_phantom.array_m("T1")[:, :2])
    assert [t1 for t1, _ in system_phantom.NICKEL_MS][:13] == list(spheres.NICKEL_T1_MS)[:13]
    assert [t2 for _, t2 in system_phantom.MANGANESE_MS] == list(spheres.MANGANESE_T2_MS)
