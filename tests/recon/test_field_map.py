"""Off-resonance from echoes and from pairs, and what it does to echo-planar images."""

# TRUTHS of field maps: the field of echoes in closed form comes back, beyond half a turn between echoes, in Hz and with its sign
#   | noise averages over echoes | bad times are refused | a stretched image is brought back, with its intensity
#   | an image displaced by the law of signal is displaced the same way here | a pair finds its displacement
#   | real pairs agree after it, unwarped or in the model, real spheres have a smooth field

import numpy as np
import pytest
from scipy import ndimage

from fullbore.data import RawData
from fullbore.errors import DataError, ShapeError
from fullbore.files.siemens import read_siemens
from fullbore.recon import Recipe, reconstruct
from fullbore.recon.blip_pair import reconstruct_pair, with_lines_reversed
from fullbore.recon.calibration.field_map import displacement_of_field, displacement_of_pair, field_map_Hz, unwarped
from tests.recon.measured import FOV, ellipsoid_signal, encoding_of, geometry_of

Z, Y, X = np.meshgrid(np.arange(5.0), np.arange(50.0), np.arange(60.0), indexing="ij")
FIELD = 90 * np.exp(-(((X - 20) / 12) ** 2) - ((Y - 20) / 10) ** 2) - 0.8 * (Y - 25) + 6 * (Z - 2)
BALL = ((X - 30) / 26) ** 2 + ((Y - 25) / 21) ** 2 < 1


def echoes(times, noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    start = BALL * np.exp(1j * (0.5 + 0.02 * X))
    signal = np.stack([start * np.exp(-2j * np.pi * FIELD * t - 20 * t) for t in times])
    return signal + noise * (rng.normal(size=signal.shape) + 1j * rng.normal(size=signal.shape)) / np.sqrt(2)


@pytest.mark.parametrize("times", [(0.004, 0.006), (0.003, 0.009), (0.003, 0.0055, 0.012, 0.02)])
def test_the_field_of_echoes_comes_back(times):
    # 6 ms and 90 Hz are more than half a turn; the longest delay here is one and a half.
    field, mask = field_map_Hz(echoes(times), np.array(times))
    assert np.array_equal(mask, BALL) and not field[~mask].any()
    assert np.abs(field - FIELD)[mask].max() < 1e-6


def test_more_echoes_less_noise():
    spread = []
    for times in ((0.004, 0.006), (0.004, 0.006, 0.008, 0.012)):
        field, mask = field_map_Hz(echoes(times, 0.05), np.array(times))
        spread.append(np.std((field - FIELD)[mask]))
    assert spread[0] == pytest.approx(0.05 / (2 * np.pi * 2e-3) * np.exp(0.1), rel=0.1)  # both echoes add half of the noise power
    assert spread[1] < 0.4 * spread[0]


def test_bad_times_are_refused():
    for times in ((0.004,), (0.006, 0.004), (0.004, 0.004)):
        with pytest.raises(DataError, match="at least two at rising times"):
            field_map_Hz(echoes(times), np.array(times))
    with pytest.raises(ShapeError, match="wanted one shape"):
        unwarped(np.zeros((2, 3, 4)), np.zeros((2, 3, 5)))


def bump(y, x):
    return np.exp(-(((y - 30) / 9) ** 2) - ((x - 28) / 11) ** 2) * (1.2 + np.sin(y / 3))


def test_a_stretched_image_is_brought_back():
    y, x = np.meshgrid(np.arange(64.0), np.arange(60.0), indexing="ij")
    shift = 4 * np.sin(y / 10) * np.cos(x / 15)
    # Where signal at y goes to y + shift(y), its density falls by the stretch: found by inverting the map, column by column.
    warped = np.zeros_like(y)
    for column in range(60):
        fine = np.linspace(0, 63, 6400)
        to = fine + 4 * np.sin(fine / 10) * np.cos(column / 15)
        density = bump(fine, column) / (1 + 0.4 * np.cos(fine / 10) * np.cos(column / 15))
        warped[:, column] = np.interp(np.arange(64.0), to, density)
    back = unwarped(warped[None], shift[None])[0]
    inner = (slice(5, 59), slice(None))
    # The slope of the displacement is a difference of neighbours: good to the square of 1/10 over 6.
    assert np.abs(back - bump(y, x))[inner].max() < 0.01
    assert np.abs(warped - bump(y, x))[inner].max() > 0.3
    assert unwarped((1j * warped)[None], shift[None])[0].imag == pytest.approx(back)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_displacement_follows_the_law_of_signal(sign):
    """A disc with off-resonance, seen by an echo-planar train in closed form."""
    geometry, spacing, off = geometry_of((64, 60, 1)), 0.6e-3, 50.0
    encoding = encoding_of(geometry, np.arange(60))
    k = encoding.trajectory_per_m()
    disc = ellipsoid_signal(k, (0, 0, 0), (0.2 * FOV[0], 0.2 * FOV[1], 0), 2) * 0.005
    times = sign * (np.arange(60) - 30) * spacing
    samples = (disc * np.exp(-2j * np.pi * off * times)[:, None])[:, None]
    raw = RawData(encoding=encoding, samples=samples.astype(np.complex64), b0_T=3.0, trajectory_per_m=k)
    values = np.abs(reconstruct(raw, Recipe()).values[0])
    centre = (values**2).sum(1) @ np.arange(60) / (values**2).sum() - 30
    expected = displacement_of_field(np.full((1, 1, 1), off), spacing, 60, sign)[0, 0, 0]
    assert centre == pytest.approx(expected, abs=0.05) and abs(expected) > 1.5


def test_a_pair_finds_its_displacement():
    y, x = np.meshgrid(np.arange(64.0), np.arange(60.0), indexing="ij")
    wanted = 3 * np.exp(-(((y - 24) / 14) ** 2) - ((x - 34) / 12) ** 2)
    pair = []
    for sign in (1, -1):
        warped = np.zeros_like(y)
        for column in range(60):
            fine = np.linspace(0, 63, 6400)
            shift = sign * 3 * np.exp(-(((fine - 24) / 14) ** 2) - ((column - 34) / 12) ** 2)
            warped[:, column] = np.interp(np.arange(64.0), fine + shift, bump(fine, column) / (1 + np.gradient(shift, fine)))
        pair.append(warped)
    found = displacement_of_pair(pair[0], pair[1])
    inside = bump(y, x) > 0.2
    assert np.abs(found - wanted)[inside].mean() < 0.05 and np.abs(found - wanted)[inside].max() < 0.3
    # Swapped images are displaced the other way.
    assert np.abs(displacement_of_pair(pair[1], pair[0]) + wanted)[inside].mean() < 0.05


# --- real scans

PAIRS = [
    ("02_01_ro_dur_1200_pe+", "02_02_ro_dur_1200_pe-"),
    ("04_02_01_ro_dur_1200_pe+", "04_02_05_ro_dur_1200_pe-"),
    ("04_02_03_ro_dur_480_pe+", "04_02_07_ro_dur_480_pe-"),
]


@pytest.mark.parametrize("names", PAIRS)
def test_real_pairs_agree_after_correction(shared_data, names):
    folder = shared_data / "raw_siemens_pulseq" / "epi"
    plus, minus = (np.abs(reconstruct(read_siemens(folder / f"{name}.dat")).values[0]).astype(float) for name in names)
    # The files number lines as they were acquired; with reversed blips that is from the other end.
    minus = np.roll(minus[::-1], 1, axis=0)
    shift = displacement_of_pair(plus, minus)
    one, two = unwarped(plus[None], shift[None])[0], unwarped(minus[None], -shift[None])[0]
    differ = lambda a, b: np.linalg.norm(a - b) / np.linalg.norm((a + b) / 2)  # noqa: E731
    assert differ(one, two) < 0.11 and differ(one, two) < 0.35 * differ(plus, minus)
    # A sphere: after correction its outline is a circle.
    outline = ndimage.binary_fill_holes(ndimage.gaussian_filter(one + two, 1) > 0.35 * np.percentile(one + two, 95))
    y, x = np.nonzero(outline)
    radius = np.hypot(y - y.mean(), x - x.mean()).max()
    assert outline.sum() / (np.pi * radius**2) > 0.85


def test_a_real_sphere_has_a_smooth_field(shared_data):
    raw = read_siemens(shared_data / "raw_siemens_pulseq" / "fieldmap" / "2024-02-06-161542.dat")
    image = reconstruct(raw, Recipe())
    assert image.axes == ("frame",) and image.values.shape[0] == 2
    field, mask = field_map_Hz(image.values[:, :1].astype(complex), np.array([0.0, 2.46e-3]))
    inside = ndimage.binary_erosion(mask[0], iterations=3)
    # The echo times are not in the file; whatever they are, a wrap would be a step of one over their difference.
    assert inside.sum() > 3000
    assert np.abs(np.diff(field[0], axis=0))[inside[1:] & inside[:-1]].max() < 0.3 / 2.46e-3


@pytest.mark.parametrize("names", PAIRS)
def test_real_pairs_agree_in_the_model(shared_data, names):
    folder = shared_data / "raw_siemens_pulseq" / "epi"
    plus, minus = (read_siemens(folder / f"{name}.dat") for name in names)
    minus = with_lines_reversed(minus)
    pair = reconstruct_pair(plus, minus)
    joint = np.abs(pair.image.values[0])
    one, two = (np.abs(reconstruct(raw, field_Hz=pair.field).values[0]) for raw in (plus, minus))
    before = [np.abs(reconstruct(raw).values[0]) for raw in (plus, minus)]
    differ = lambda a, b: np.linalg.norm(a - b) / np.linalg.norm((a + b) / 2)  # noqa: E731
    # As far as unwarped images agree; where the field folds voxels together neither alone knows what the other sees.
    assert differ(one, two) < 0.12 and differ(one, two) < 0.35 * differ(*before)
    assert max(differ(one, joint), differ(two, joint)) < 0.7 * differ(one, two)
    # One image explains both measurements, within the ghosts and what decays during the trains.
    assert max(pair.misfit) < 0.11
    outline = ndimage.binary_fill_holes(ndimage.gaussian_filter(joint, 1) > 0.35 * np.percentile(joint, 95))
    y, x = np.nonzero(outline)
    radius = np.hypot(y - y.mean(), x - x.mean()).max()
    assert outline.sum() / (np.pi * radius**2) > 0.9
