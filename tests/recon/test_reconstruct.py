"""The whole way from raw data to an image, on k-space in closed form."""

# TRUTHS of reconstruction: full sampling, one channel = inverse FFT | density 1 gives 1, whatever the resolution
#   | an oversampled readout changes nothing | an off-centre object appears at its place, 2D and 3D | an asymmetric echo is placed
#   | odd sizes | a reversed readout is turned | repeats are averaged | frames are linear in the signal and in phase
#   | SENSE R = 2 = full sampling without noise | direct = conjugate gradients | l1 beats zero-filling and nears full sampling
#   | the noise map is the spread of repeated scans | a larger image matrix interpolates | the same input gives the same bytes

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import AcquisitionFlag
from fullbore.recon import Combination, ConjugateGradient, Direct, ProximalGradient, Recipe, Wavelet, default_recipe, reconstruct
from tests.recon.measured import (
    FOV,
    Array,
    array_of,
    encoding_of,
    full_lines,
    geometry_of,
    measure,
    regular_lines,
    with_rows,
)

ONE = Array(amplitudes=np.ones((1, 1), complex), frequencies=np.zeros((1, 3)))
BLOB = (((0.0, 0.0, 0.0), (0.3, 0.33, 0.35), 1.0),)


def slice_of(matrix=(64, 60), *, array=ONE, lines=None, slices=1, oversampling=1, centre_m=(0, 0, 0), before=None, **kwargs):
    geometry = geometry_of((*matrix, 1), oversampling, centre_m, slices)
    lines = np.arange(matrix[1]) if lines is None else lines
    encoding = encoding_of(geometry, np.tile(lines, slices), slice_number=np.repeat(np.arange(slices), len(lines)), before=before)
    return measure(encoding, array, **kwargs)


def slab_of(matrix, *, array=ONE, keep=None, centre_m=(0, 0, 0), **kwargs):
    line, partition = full_lines(matrix)
    keep = np.ones(len(line), bool) if keep is None else keep
    return measure(encoding_of(geometry_of(matrix, 1, centre_m), line[keep], partition[keep]), array, **kwargs)


def difference(image, reference, inside=None):
    inside = np.ones(reference.shape, bool) if inside is None else inside
    return np.linalg.norm((image - reference)[inside]) / np.linalg.norm(reference[inside])


def magnitude_difference(image, reference, inside):
    """For images whose maps come from different data: the phase convention follows the maps."""
    return difference(np.abs(image), np.abs(reference), inside)


def test_full_sampling_is_the_inverse_transform():
    raw = slice_of(objects=BLOB)
    kspace = raw.samples[:, 0].astype(np.complex128)
    wanted = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(kspace))) * kspace.size / (FOV[0] * FOV[1] * 0.005)
    image = reconstruct(raw)
    assert image.values.shape == (1, 60, 64)
    assert image.axes == ()
    assert difference(image.values[0], wanted) < 1e-5


@pytest.mark.parametrize("matrix", [(64, 60), (33, 47)])
def test_unit_density_gives_one_in_2d(matrix):
    rows = slice(matrix[1] // 2 - 4, matrix[1] // 2 + 4)
    middle = reconstruct(slice_of(matrix, objects=BLOB)).values[0, rows, matrix[0] // 2 - 4 : matrix[0] // 2 + 4]
    # Truncation of k-space rings by some percent near edges; its mean over a patch does not.
    assert np.mean(middle.real) == pytest.approx(1, abs=0.01)
    assert np.abs(middle.imag).max() < 1e-3 * 5  # half of Nyquist's line of an even matrix has no partner: a small imaginary part


def test_unit_density_gives_one_in_3d():
    image = reconstruct(slab_of((24, 22, 20), objects=BLOB))
    assert image.values.shape == (20, 22, 24)
    assert np.mean(image.values[8:13, 9:14, 10:15].real) == pytest.approx(1, abs=0.02)  # truncation ringing at this matrix


def test_channels_do_not_change_the_scale():
    raw = slice_of(array=array_of(6, 2), noise=1e-9)
    image = reconstruct(raw)
    points = image.grid.points_m()
    rss = np.sqrt((np.abs(array_of(6, 2).maps(points)) ** 2).sum(0))
    single = np.abs(reconstruct(slice_of()).values)
    inside = single > 0.3
    # The reference multiplies after truncating k-space, the measurement before: equal but for ringing at the edges.
    assert np.median(np.abs(image.values[inside]) / (single * rss)[inside]) == pytest.approx(1, abs=5e-3)


def test_oversampling_changes_nothing():
    plain, wide = reconstruct(slice_of(objects=BLOB)), reconstruct(slice_of(oversampling=2, objects=BLOB))
    assert wide.values.shape == plain.values.shape
    assert difference(wide.values, plain.values) < 0.02  # the plain readout folds the tails of its own ringing


@pytest.mark.parametrize("dimensions", [2, 3])
def test_off_centre_object_appears_at_its_place(dimensions):
    centre = (0.031, -0.017, 0.023)
    make = (lambda **k: slab_of((24, 22, 20), **k)) if dimensions == 3 else (lambda **k: slice_of(**k))
    moved = reconstruct(_moved(make, centre))
    still = reconstruct(make(objects=BLOB))
    assert difference(moved.values, still.values) < 1e-4
    shift = moved.grid.affine_m[:3, 3] - still.grid.affine_m[:3, 3]
    assert np.allclose(shift, centre, atol=1e-12)


def _moved(make, centre):
    """The field of view and the object moved together."""
    still = make(objects=BLOB)
    geometry = replace(still.encoding.geometry, centre_m=np.array(centre))
    in_plane = np.array(centre) * (np.arange(3) < (3 if geometry.is_3d else 2))
    return measure(replace(still.encoding, geometry=geometry), ONE, centre_m=in_plane, objects=BLOB)


def test_data_without_trajectory_are_not_moved():
    raw = slice_of(objects=BLOB)
    moved = replace(raw.encoding, geometry=replace(raw.encoding.geometry, centre_m=np.array([0.05, 0.02, 0])))
    image = reconstruct(replace(raw, encoding=moved, trajectory_per_m=None))
    assert difference(image.values, reconstruct(raw).values) < 1e-6
    assert image.report["fov_shift"] == "none"


def test_asymmetric_echo():
    whole, part = reconstruct(slice_of(objects=BLOB)), reconstruct(slice_of(before=24, objects=BLOB))
    assert difference(part.values, whole.values) < 0.1  # a quarter of one half of k-space is zero
    assert abs(np.angle(np.sum(part.values))) < 0.01


def test_reversed_readouts_are_turned():
    raw = slice_of(objects=BLOB, matrix=(65, 60))
    flags = raw.encoding.flags.copy()
    samples = raw.samples.copy()
    flags[::2] = np.uint64(AcquisitionFlag.REVERSE)
    samples[::2] = samples[::2, :, ::-1]
    turned = replace(raw, encoding=replace(raw.encoding, flags=flags), samples=samples)
    image = reconstruct(turned, Recipe())
    assert difference(image.values, reconstruct(raw).values) < 1e-6
    assert reconstruct(turned).report["warning"] == "none"
    assert "N/2 ghost" in image.report["warning"] and reconstruct(raw).report["warning"] == "none"


def test_repeats_are_averaged():
    lines = np.tile(np.arange(60), 4)
    raw = slice_of(lines=lines, objects=BLOB, noise=1e-8)
    once = with_rows(raw, np.arange(60))
    four, one = reconstruct(raw), reconstruct(once)
    spread = (four.values - reconstruct(slice_of(objects=BLOB)).values)[0].real.std()
    assert four.noise_std.mean() == pytest.approx(one.noise_std.mean() / 2, rel=1e-3)
    assert spread == pytest.approx(four.noise_std.mean(), rel=0.05)  # 3840 voxels: the spread itself is known to 1 %


def frames_of(factors, lines):
    geometry = geometry_of((64, 60, 1))
    frame = np.repeat(np.arange(len(factors)), len(lines))
    encoding = encoding_of(geometry, np.tile(lines, len(factors)), frame=frame)
    return measure(encoding, array_of(6, 2), frame_factor=factors)


def test_frames_are_linear_and_in_phase():
    factors = [-0.4, 0.05, 1.0]
    image = reconstruct(frames_of(factors, regular_lines(60, 2, 20)))
    assert image.axes == ("frame",)
    assert image.inversion_time_s.tolist() == [0.0, 0.5, 1.0]
    for factor, values in zip(factors, image.values, strict=True):
        assert difference(values, factor * image.values[2]) < 1e-4


def test_sense_is_full_sampling_without_noise():
    array = array_of(8, 2)
    full = slice_of(array=array)
    lines = regular_lines(60, 2, 24)
    half = with_rows(full, lines)
    recipe = default_recipe(half)
    assert isinstance(recipe.solver, Direct)
    image, reference = reconstruct(half, recipe), reconstruct(full)
    inside = np.abs(reference.values) > 0.1
    # Both use estimated maps (from 24 lines and from as many of the full data); the maps' error is what is left.
    assert magnitude_difference(image.values, reference.values, inside) < 0.01
    zero_filled = reconstruct(half, Recipe(solver=Combination()))
    assert magnitude_difference(zero_filled.values, reference.values, inside) > 0.05


def test_direct_equals_conjugate_gradients():
    half = slice_of(array=array_of(8, 2), lines=regular_lines(60, 2, 24), noise=1e-7)
    direct = reconstruct(half, Recipe(solver=Direct()))
    iterated = reconstruct(half, Recipe(solver=ConjugateGradient(iterations=100, tolerance=1e-6)))
    assert iterated.report["status"] == "converged"
    assert difference(iterated.values, direct.values) < 1e-3
    assert direct.report["condition"] > 1


def poisson_like(matrix, acceleration, centre, seed=0):
    rng = np.random.default_rng(seed)
    line, partition = full_lines(matrix)
    y, z = (line - matrix[1] // 2) / matrix[1], (partition - matrix[2] // 2) / matrix[2]
    central = (np.abs(y) * matrix[1] <= centre / 2) & (np.abs(z) * matrix[2] <= centre / 2)
    density = (1 - np.hypot(y, z) / 0.75).clip(0.02) ** 2
    wanted = len(line) / acceleration - central.sum()
    return central | (rng.random(len(line)) < density * wanted / density[~central].sum())


@pytest.fixture(scope="module")
def slab():
    matrix, array, noise = (40, 48, 44), array_of(6), 1e-6
    keep = poisson_like(matrix, 3.5, 14)
    return {
        "truth": reconstruct(slab_of(matrix, array=array)),
        "full": reconstruct(slab_of(matrix, array=array, noise=noise)),
        "raw": slab_of(matrix, array=array, keep=keep, noise=noise),
    }


def test_sparse_reconstruction_nears_full_sampling(slab):
    raw, truth = slab["raw"], slab["truth"].values
    recipe = default_recipe(raw)
    assert isinstance(recipe.prior, Wavelet)
    inside = np.abs(truth) > 0.1 * np.abs(truth).max()
    sparse = magnitude_difference(reconstruct(raw, recipe).values, truth, inside)
    full = magnitude_difference(slab["full"].values, truth, inside)
    zero_filled = magnitude_difference(reconstruct(raw, replace(recipe, solver=Combination(), prior=None)).values, truth, inside)
    # At 3.5-fold undersampling the ideal linear image has 1.9 times the noise of full sampling.
    assert sparse < 2.0 * full
    assert sparse < 0.5 * zero_filled


def test_same_input_same_bytes(slab):
    first, second = reconstruct(slab["raw"]), reconstruct(slab["raw"])
    assert first.values.tobytes() == second.values.tobytes()
    assert first.report["recipe_sha256"] == default_recipe(slab["raw"]).digest()


@pytest.mark.parametrize("step", [1, 2])
def test_noise_map_is_the_spread_of_repeated_scans(step):
    lines = regular_lines(60, step, 20)
    scans = [slice_of((40, 60), array=array_of(6, 2), lines=lines, noise=2e-7, seed=seed) for seed in range(40)]
    images = [reconstruct(scan) for scan in scans]
    # At this SNR the magnitude's spread is that of the real part. The maps are estimated anew from each scan, and 40
    # scans know a spread to 11 %, its median over voxels to 1 %.
    spread = np.std([np.abs(image.values) for image in images], axis=0, ddof=1)
    inside = np.abs(images[0].values) > 0.2 * np.abs(images[0].values).max()
    ratio = (spread / images[0].noise_std)[inside]
    assert np.median(ratio) == pytest.approx(1, abs=0.06)


def test_larger_matrix_interpolates():
    raw = slice_of(objects=BLOB)
    finer = replace(raw.encoding.geometry, matrix=(64, 90, 1))
    image = reconstruct(replace(raw, encoding=replace(raw.encoding, geometry=finer)))
    assert image.values.shape == (1, 90, 64)
    assert np.abs(image.values[0, ::3] - reconstruct(raw).values[0, ::2]).max() < 1e-4


def test_slices_keep_their_order_and_progress_ends():
    raw = slice_of(slices=3, objects=BLOB)
    scale = (1.0 + raw.encoding.counter("slice"))[:, None, None]
    seen = []
    scaled = replace(raw, samples=(raw.samples * scale).astype(np.complex64))
    image = reconstruct(scaled, progress=lambda fraction, text: seen.append((fraction, text)))
    assert np.allclose(image.values[2], 3 * image.values[0], rtol=1e-4, atol=1e-4)
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_both_axes_phase_encoded():
    matrix = (1, 48, 44)
    keep = poisson_like(matrix, 2.5, 16)
    array = array_of(6)
    line, partition = full_lines(matrix)
    geometry = replace(geometry_of((2, 48, 44)), matrix=matrix, encoded_matrix=matrix)
    full = measure(encoding_of(geometry, line, partition), array)
    image, reference = reconstruct(with_rows(full, np.flatnonzero(keep))), reconstruct(full)
    assert image.report["solver"] == ProximalGradient.__name__
    inside = np.abs(reference.values) > 0.1 * np.abs(reference.values).max()
    assert image.values.shape == (44, 48, 1)
    # A thick projection with sharp edges, 2.5-fold undersampled at random without noise.
    assert magnitude_difference(image.values, reference.values, inside) < 0.1
