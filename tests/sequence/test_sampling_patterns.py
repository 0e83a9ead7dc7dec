# TRUTHS of patterns: frames of a k-t Poisson series: each the asked count, together they cover more than independent ones |
#   256 x 256 well below a second, at any R | an impossible request is a sentence | VISTA: each frame's count,
#   no energy above random, all lines within the series, a frame's widest gap below random's | partial Fourier keeps the centre |
#   Caipi: density 1 / R, its aliases = the peaks of its FFT, a sheared lattice's g below the rectangle's |
#   golden spokes: at most three gaps, two for Fibonacci counts | golden means and phyllotaxis even over the half sphere |
#   Fibonacci interleaves step little | spiral phyllotaxis: all points differ, the whole grid when asked

import time

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fullbore.errors import UsageError
from fullbore.numerics.lattice_g_factor import lattice_g_factor
from fullbore.sequence.sampling import best_caipi, golden_spokes_rad, phyllotaxis, poisson_disc, poisson_frames, regular_lines
from fullbore.sequence.sampling.angles import golden_angle_rad, golden_means, spiral_phyllotaxis
from fullbore.sequence.sampling.noise import coil_ring
from fullbore.sequence.sampling.regular import Caipi, lattices
from fullbore.sequence.sampling.vista import riesz_energy, vista_lines


def test_poisson_frames_complement_each_other() -> None:
    masks = poisson_frames(8, (96, 80), 8.0, (6, 6), 5)
    assert (masks.sum(axis=(1, 2)) == 960).all()
    alone = np.stack([poisson_disc((96, 80), 8.0, (6, 6), seed) for seed in range(8)])
    assert masks.any(axis=0).sum() > 1.1 * alone.any(axis=0).sum()


def test_poisson_disc_is_quick() -> None:
    poisson_disc((16, 16), 2.0, (4, 4), 0)  # compiles
    start = time.perf_counter()
    poisson_disc((256, 256), 8.0, (24, 24), 1)
    assert time.perf_counter() - start < 0.5  # 0.04 s on an idle core


@pytest.mark.parametrize("r", [50.0, 500.0, 5000.0, 60000.0])
def test_poisson_disc_is_quick_at_any_acceleration(r: float) -> None:
    poisson_disc((16, 16), 2.0, (4, 4), 0)  # compiles
    start = time.process_time()
    mask = poisson_disc((256, 256), r, (0, 0), 1)
    assert time.process_time() - start < 0.3  # 0.05 s at most; 1.5 s where every candidate searched its whole disc
    assert mask.sum() == round(65536 / r)


def test_poisson_lines() -> None:
    mask = poisson_disc((160, 1), 5.0, (12, 1), 2)
    assert mask.shape == (160, 1) and mask.sum() == 32 and mask[74:86].all()


@pytest.mark.parametrize(("shape", "r"), [((0, 8), 2.0), ((8, 8), 0.5), ((8, 8), 200.0), ((8, 8), np.inf), ((8, 8), np.nan)])
def test_impossible_poisson_is_refused(shape: tuple[int, int], r: float) -> None:
    with pytest.raises(UsageError, match=r"wanted|lower"):
        poisson_disc(shape, r, (0, 0), 0)


@settings(deadline=None, max_examples=25)
@given(st.integers(8, 80), st.integers(1, 12), st.floats(1, 8), st.integers(0, 8), st.integers(0, 3))
@example(8, 1, 1.0, 8, 0)  # nothing is left to choose
@example(8, 1, 8.0, 1, 0)
def test_vista_counts(lines: int, frames: int, r: float, calibration: int, seed: int) -> None:
    count = round(lines / r)
    if calibration > count:
        with pytest.raises(UsageError, match="lower"):
            vista_lines(lines, frames, r, seed, calibration=calibration)
        return
    mask = vista_lines(lines, frames, r, seed, calibration=calibration)
    assert (mask.sum(axis=1) == count).all()
    assert mask[:, lines // 2 - calibration // 2 : lines // 2 - calibration // 2 + calibration].all()
    assert np.array_equal(mask, vista_lines(lines, frames, r, seed, calibration=calibration))


def test_vista_spreads_in_lines_and_time() -> None:
    mask = vista_lines(128, 24, 6.0, 1)
    rng = np.random.default_rng(0)
    random = rng.permuted(mask, axis=0)  # the same lines as often, at random times
    assert riesz_energy(mask) < 0.5 * riesz_energy(random)

    def widest(frames: np.ndarray) -> float:
        return float(np.mean([np.diff(np.flatnonzero(frame)).max() for frame in frames]))

    def repeated(frames: np.ndarray) -> float:
        return float((frames[1:] & frames[:-1]).sum() / frames[1:].sum())

    assert widest(mask) < widest(random)
    assert repeated(mask) < 0.5 * repeated(random)
    assert mask.any(axis=0).mean() > 0.9
    assert mask[:, 48:80].mean() > 1.2 * mask.mean()


def test_partial_fourier() -> None:
    lines = regular_lines(128, 2, 24, 0.75)
    assert lines.min() == 32 and lines.max() == 126 and set(range(52, 76)) <= set(lines.tolist())
    assert np.array_equal(regular_lines(128, 2, 24, 1.0), regular_lines(128, 2, 24))
    with pytest.raises(UsageError, match="partial_fourier"):
        regular_lines(128, 1, 0, 0.4)


@pytest.mark.parametrize("lattice", lattices(6) + lattices(4))
def test_caipi_aliases_are_the_peaks_of_its_spread(lattice: Caipi) -> None:
    mask = lattice.mask((24, 24))
    assert mask.sum() * lattice.acceleration == mask.size and mask[12, 12]
    spread = np.abs(np.fft.ifft2(np.fft.ifftshift(mask)))
    peaks = {(int(i), int(j)) for i, j in np.argwhere(spread > 1e-9)}
    assert peaks == {(round(r * 24) % 24, round(c * 24) % 24) for r, c in lattice.aliases()}


def test_caipi_beats_the_rectangle() -> None:
    coils = coil_ring(12, (64, 64), (0.24, 0.24))
    y, x = np.mgrid[-32:32, -32:32]
    support = y**2 + x**2 < 28**2
    plain = lattice_g_factor(coils, Caipi(rows=2, columns=3, shift=0).aliases(), support)[support]
    choice = best_caipi(6, (0.24, 0.24), coils, support)
    assert choice.worst_g < 0.95 * np.percentile(plain, 99) and choice.mean_g < plain.mean()
    assert all(
        choice.worst_g <= np.percentile(lattice_g_factor(coils, one.aliases(), support)[support], 99) for one in lattices(6)
    )


def test_caipi_by_its_spread_alone() -> None:
    # In a square field of view the nearest alias of 2 x 2 moves from 1/2 of it to sqrt(5)/4 when sheared (rows of one, shift 2).
    assert best_caipi(4, (0.24, 0.2)).nearest_alias_m == pytest.approx(np.hypot(0.06, 0.1), rel=1e-12)
    with pytest.raises(UsageError, match="acceleration"):
        best_caipi(0, (0.2, 0.2))


@given(st.integers(2, 400), st.integers(1, 8), st.integers(0, 1000))
def test_three_gaps(count: int, order: int, first: int) -> None:
    angles = np.sort(np.mod(golden_spokes_rad(count, order, first), np.pi))
    gaps = np.sort(np.diff(np.append(angles, angles[0] + np.pi)))
    assert 1 + (np.diff(gaps) > 1e-9).sum() <= 3


def test_golden_angles() -> None:
    assert np.rad2deg(golden_angle_rad()) == pytest.approx(111.2461, abs=1e-4)
    assert np.rad2deg(golden_angle_rad(7)) == pytest.approx(23.6281, abs=1e-4)
    gaps = np.diff(np.sort(np.mod(golden_spokes_rad(34), np.pi)))
    assert len(np.unique(np.round(gaps, 9))) == 2


@pytest.mark.parametrize("directions", [golden_means(987), phyllotaxis(21, 47).reshape(-1, 3)])
def test_even_over_the_half_sphere(directions: np.ndarray) -> None:
    assert np.allclose(np.linalg.norm(directions, axis=1), 1) and (directions[:, 2] >= 0).all()
    # The equal-area measure: for even points the mean of z is 1/2 and that of (x, y) is 0. Piccini's rule has polar angle
    # ~ sqrt(n / N), whose mean of z is 2 (pi/2 - 1) 4/pi^2 = 0.4627 by construction: slightly denser near the equator's rim.
    assert np.abs(directions[:, :2].mean(axis=0)).max() < 0.02
    assert directions[:, 2].mean() == pytest.approx(0.5, abs=0.04)
    nearest = np.sort(2 * np.arcsin(np.clip(np.linalg.norm(directions[:, None] - directions[None], axis=-1) / 2, 0, 1)), axis=1)[
        :, 1
    ]
    even = np.sqrt(2 * np.pi / len(directions))
    assert nearest.min() > 0.3 * even and nearest.mean() > 0.6 * even


def test_fibonacci_interleaves_step_little() -> None:
    def longest(interleaves: int) -> float:
        return float(np.linalg.norm(np.diff(phyllotaxis(interleaves, 40), axis=1), axis=-1)[:, 3:].max())

    assert longest(21) < 0.2 * longest(20)


@settings(deadline=None, max_examples=20)
@given(st.integers(2, 40), st.integers(2, 40), st.integers(1, 6), st.data())
def test_spiral_phyllotaxis_measures_nothing_twice(rows: int, columns: int, interleaves: int, data: st.DataObject) -> None:
    points = data.draw(st.integers(1, max(rows * columns // interleaves, 1)))
    if interleaves * points > rows * columns:
        return
    arms = spiral_phyllotaxis((rows, columns), interleaves, points)
    flat = arms.reshape(-1, 2)
    assert len(np.unique(flat, axis=0)) == interleaves * points
    assert (flat >= 0).all() and (flat < [rows, columns]).all()


def test_spiral_phyllotaxis_runs_outwards() -> None:
    arms = spiral_phyllotaxis((128, 96), 21, 60)
    radius = np.hypot((arms[..., 0] - 64) / 64, (arms[..., 1] - 48) / 48)
    assert (np.diff(radius, axis=1) > -0.1).all() and radius[:, -1].min() > 0.9
    with pytest.raises(UsageError, match="points"):
        spiral_phyllotaxis((8, 8), 9, 8)
