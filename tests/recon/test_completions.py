"""k-space with gaps, completed from its neighbours or from its mirror image."""

# TRUTHS of completion: the lattice of a mask is found, whatever its steps, shift and calibration block | random sampling is none
#   | GRAPPA: nothing missing -> nothing changed; 1D, 2D and CAIPIRINHA without noise = full sampling; more calibration, less
#   error; with noise the error is the noise that its map foretells (Breuer = repeated scans); it leaves an unmeasured edge empty
#   | SPIRiT: measured samples stay; a random mask nears full sampling where combination cannot
#   | l1-SPIRiT: measured samples stay; with noise and random lines it errs less than SPIRiT
#   | partial Fourier: 5/8 of a real object under a smooth phase, along line, partition and readout: homodyne and POCS beat zeros
#   | both together | what does not fit is refused

from functools import lru_cache

import numpy as np
import pytest
import torch

from fullbore.errors import DataError, UsageError
from fullbore.recon import Direct, Recipe, reconstruct
from fullbore.recon.completions import grappa, sparse_spirit, spirit
from fullbore.recon.completions.lattice import find_lattice
from fullbore.recon.recipe import Espirit, Grappa, PartialFourier, SparseSpirit, Spirit
from tests.recon.measured import array_of, encoding_of, full_lines, geometry_of, measure, regular_lines, with_rows

QUIET = 1e-12


def slice_of(lines, matrix=(64, 64), coils=8, noise=QUIET, seed=0, before=None):
    return measure(encoding_of(geometry_of((*matrix, 1)), lines, before=before), array_of(coils, 2), noise=noise, seed=seed)


@lru_cache
def full_slab(matrix):
    """Quiet; the closed form of a slab takes seconds, so it is made once."""
    line, partition = full_lines(matrix)
    return measure(encoding_of(geometry_of(matrix), line, partition), array_of(6, 3), noise=QUIET)


def slab_of(mask, matrix):
    return with_rows(full_slab(matrix), np.flatnonzero(mask.reshape(-1)))


def lattice_mask(shape, partitions, lines, shift, block):
    z, y = np.meshgrid(*(np.arange(n) - n // 2 for n in shape), indexing="ij")
    inside = (np.abs(z + 0.5) < block / 2) & (np.abs(y + 0.5) < block / 2)
    return ((z % partitions == 0) & ((y - shift * (z // partitions)) % lines == 0)) | inside


def error(image, reference):
    return np.linalg.norm(np.abs(image.values) - np.abs(reference.values)) / np.linalg.norm(reference.values)


@pytest.mark.parametrize(("partitions", "lines", "shift"), [(1, 2, 0), (2, 2, 0), (2, 2, 1), (1, 4, 2), (3, 2, 1), (2, 1, 0)])
@pytest.mark.parametrize("block", [0, 9])
def test_lattice_is_found(partitions, lines, shift, block):
    mask = lattice_mask((36, 40), partitions, lines, shift, block)
    found = find_lattice(mask)
    assert (found.partitions, found.lines, found.shift) == (partitions, lines, shift)
    z, y = np.nonzero(lattice_mask((36, 40), partitions, lines, shift, 0))
    assert found.contains(z, y).all() and found.acceleration == partitions * lines


def test_random_sampling_is_no_lattice():
    mask = np.random.default_rng(0).random((40, 40)) < 0.2
    assert find_lattice(mask).acceleration == 1
    raw = slice_of(np.flatnonzero((np.random.default_rng(1).random(64) < 0.4) | (np.abs(np.arange(64) - 32) < 8)))
    with pytest.raises(DataError, match="no regular lattice"):
        reconstruct(raw, Recipe(completion=Grappa()))


def test_grappa_of_full_sampling_changes_nothing():
    raw = slice_of(np.arange(64))
    plain, same = reconstruct(raw, Recipe()), reconstruct(raw, Recipe(completion=Grappa()))
    assert np.abs(same.values - plain.values).max() <= 1e-6 * np.abs(plain.values).max()
    assert np.allclose(same.noise_std, plain.noise_std)


def test_grappa_nears_full_sampling_with_more_calibration():
    full = slice_of(np.arange(64))
    reference = reconstruct(full, Recipe())
    errors = []
    for block in (10, 14, 24):
        raw = with_rows(full, regular_lines(64, 2, block))
        errors.append(error(reconstruct(raw, Recipe(completion=Grappa())), reference))
        assert errors[-1] < 0.25 * error(reconstruct(raw, Recipe()), reference)
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < error(reconstruct(raw, Recipe(solver=Direct())), reference)
    # Sensitivities of a broad spectrum are predicted by few neighbours up to this.
    assert errors[2] < 5e-3


@pytest.mark.parametrize(("partitions", "lines", "shift"), [(2, 2, 0), (2, 2, 1), (1, 3, 1)])
def test_grappa_in_two_directions(partitions, lines, shift):
    matrix = (20, 36, 32)
    mask = lattice_mask((32, 36), partitions, lines, shift, 16)
    coils = Espirit(kernel=4, grid=20)
    reference = reconstruct(full_slab(matrix), Recipe(coils=coils))
    raw = slab_of(mask, matrix)
    zeros = error(reconstruct(raw, Recipe(coils=coils)), reference)
    # Calibration blocks of 16 x 16 x 20 leave few equations for six channels.
    assert error(reconstruct(raw, Recipe(coils=coils, completion=Grappa())), reference) < 0.6 * zeros


def test_the_noise_map_of_grappa_is_the_spread_of_repeated_scans():
    matrix, repeats = (32, 48), 60
    calibration = slice_of(np.arange(48), matrix, coils=6)
    lines = np.arange(0, 48, 2)
    data = torch.from_numpy(np.ascontiguousarray(calibration.samples.transpose(1, 0, 2)))[None, :, None, 12:36]
    mask = np.isin(np.arange(48), lines)[None]
    kernels = grappa.calibrate(data.contiguous(), mask, 32, Grappa(damping=1e-3))
    rng = np.random.default_rng(0)
    maps = torch.from_numpy((rng.normal(size=(32, 6, 1, 48)) + 1j * rng.normal(size=(32, 6, 1, 48))).astype(np.complex64))
    maps /= torch.linalg.vector_norm(maps, dim=1, keepdim=True)
    power = torch.zeros((32, 48))
    for _ in range(repeats):
        noise = rng.normal(size=(32, 6, 1, 48)) + 1j * rng.normal(size=(32, 6, 1, 48))
        filled = kernels.complete(torch.from_numpy((noise / np.sqrt(2) * mask).astype(np.complex64)), mask)
        image = torch.fft.fftshift(torch.fft.ifft(torch.fft.ifftshift(filled, dim=-1), dim=-1, norm="ortho"), dim=-1)
        power += ((maps.conj() * image).sum(1).abs().square()[:, 0]) / repeats
    foretold = grappa.noise_variance(kernels, maps, mask.astype(np.int64))[:, 0]
    ratio = (power / foretold).numpy()
    # 60 repeats know each voxel's variance to 13 %; the mean over 1536 voxels to 1 %, and lines beyond the edge are zero.
    assert ratio.mean() == pytest.approx(1, abs=0.04)
    assert ratio.std() < 0.2
    assert foretold.max() > 1.3 * foretold.min()


def test_the_noise_map_beside_a_calibration_block():
    lines = regular_lines(48, 2, 16)
    images = [reconstruct(slice_of(lines, (48, 48), 6, 1e-7, seed), Recipe(completion=Grappa())) for seed in range(40)]
    values = np.stack([image.values[0] for image in images])
    mean = values.mean(0)
    spread = (values * np.exp(-1j * np.angle(mean))).real.std(0)
    inside = np.abs(mean) > 0.4 * np.abs(mean).max()
    # The kernels change with the noise of the calibration, and 40 repeats know a deviation to 11 %.
    assert np.median(images[0].noise_std[0][inside] / spread[inside]) == pytest.approx(1, abs=0.07)


def test_grappa_leaves_an_unmeasured_edge_empty():
    kspace = torch.ones((4, 2, 1, 32), dtype=torch.complex64)
    mask = np.zeros((1, 32), bool)
    mask[0, 10::2] = True
    mask[0, 12:24] = True
    block = torch.randn((1, 2, 1, 12, 4), dtype=torch.complex64)
    kernels = grappa.calibrate(block, mask, 4, Grappa(columns=3))
    filled = kernels.complete(kspace * torch.from_numpy(mask), mask)
    assert float(filled[..., :10].abs().max()) == 0 and float(filled[..., 10:].abs().min()) > 0
    assert torch.equal(filled[..., mask[0]], kspace[..., mask[0]])


def test_a_calibration_smaller_than_the_kernel_is_refused():
    raw = slice_of(regular_lines(64, 5, 9))
    with pytest.raises(DataError, match="the kernel spans"):
        reconstruct(raw, Recipe(completion=Grappa()))


def test_spirit_nears_full_sampling_of_a_random_mask():
    rng = np.random.default_rng(3)
    index = np.arange(64)
    lines = np.flatnonzero((rng.random(64) < 0.5) | (np.abs(index - 31.5) < 10))
    full = slice_of(index)
    reference, raw = reconstruct(full, Recipe()), with_rows(full, lines)
    found = reconstruct(raw, Recipe(completion=Spirit()))
    assert error(found, reference) < 0.03  # gaps of four lines are wider than the kernel predicts exactly
    assert error(reconstruct(raw, Recipe()), reference) > 3 * error(found, reference)


def test_spirit_keeps_what_was_measured():
    rng = np.random.default_rng(0)
    kspace = torch.from_numpy((rng.normal(size=(6, 3, 8, 20)) + 1j * rng.normal(size=(6, 3, 8, 20))).astype(np.complex64))
    mask = rng.random((8, 20)) < 0.5
    recipe = Spirit(kernel=3, calibration=8)
    taps = spirit.calibrate(torch.randn((1, 3, 6, 8, 6), dtype=torch.complex64), recipe)
    filled = spirit.complete(kspace * torch.from_numpy(mask), mask, taps, recipe)
    place = torch.from_numpy(mask)
    assert torch.equal(filled[..., place], kspace[..., place]) and float(filled[..., ~place].abs().max()) > 0


def test_sparse_spirit_keeps_what_was_measured_and_nothing_missing_changes_nothing():
    rng = np.random.default_rng(0)
    kspace = torch.from_numpy((rng.normal(size=(16, 3, 1, 20)) + 1j * rng.normal(size=(16, 3, 1, 20))).astype(np.complex64))
    mask = rng.random((1, 20)) < 0.5
    recipe = SparseSpirit(kernel=3, calibration=8, iterations=3)
    taps = spirit.calibrate(torch.randn((1, 3, 1, 8, 8), dtype=torch.complex64), recipe)
    filled = sparse_spirit.complete(kspace * torch.from_numpy(mask), mask, taps, recipe)
    place = torch.from_numpy(mask)
    assert torch.equal(filled[..., place], kspace[..., place])
    assert torch.equal(sparse_spirit.complete(kspace, np.ones_like(mask), taps, recipe), kspace)


def test_sparse_spirit_beats_spirit_on_noisy_random_lines():
    rng = np.random.default_rng(3)
    index = np.arange(48)
    lines = np.flatnonzero((rng.random(48) < 0.5) | (np.abs(index - 23.5) < 10))
    reference = reconstruct(slice_of(index, (48, 48)), Recipe())
    raw = with_rows(slice_of(index, (48, 48), noise=2e-7), lines)
    linear, plain, sparse = (
        error(reconstruct(raw, Recipe(completion=completion)), reference)
        for completion in (Spirit(), SparseSpirit(weight=0.0), SparseSpirit())
    )
    assert sparse < 0.9 * linear and sparse < plain


def kept_five_eighths(axis):
    """Raw data with 5/8 of k-space along one axis, and the same in full."""
    if axis == "readout":
        return slice_of(np.arange(64), before=8), slice_of(np.arange(64))
    if axis == "line":
        return slice_of(np.arange(24, 64)), slice_of(np.arange(64))
    mask = np.ones((32, 36), bool)
    full = slab_of(mask, (20, 36, 32))
    mask[:12] = False
    return slab_of(mask, (20, 36, 32)), full


@pytest.mark.parametrize("axis", ["line", "partition", "readout"])
def test_partial_fourier_beats_zeros(axis):
    part, full = kept_five_eighths(axis)
    coils = Espirit(kernel=4, grid=20) if axis == "partition" else Espirit()
    reference = reconstruct(full, Recipe(coils=coils))
    errors = {
        method: error(reconstruct(part, Recipe(coils=coils, partial_fourier=PartialFourier(method=method))), reference)
        for method in ("zero", "homodyne", "pocs")
    }
    assert errors["zero"] == pytest.approx(error(reconstruct(part, Recipe(coils=coils)), reference), rel=1e-3)
    assert errors["homodyne"] < 0.6 * errors["zero"] and errors["pocs"] < 0.6 * errors["zero"]


def test_the_noise_of_partial_fourier():
    lines = np.arange(18, 48)
    for method in ("homodyne", "pocs"):
        recipe = Recipe(partial_fourier=PartialFourier(method=method))
        images = [reconstruct(slice_of(lines, (48, 48), 4, 1e-7, seed), recipe) for seed in range(40)]
        values = np.stack([image.values[0] for image in images])
        mean = values.mean(0)
        spread = (values * np.exp(-1j * np.angle(mean))).real.std(0)
        inside = np.abs(mean) > 0.5 * np.abs(mean).max()
        # The low-resolution phase is noisy as well, and the ramp of the weights is softer than the step that is counted.
        assert np.median(images[0].noise_std[0][inside] / spread[inside]) == pytest.approx(1, abs=0.12)


def test_grappa_and_partial_fourier_together():
    full = slice_of(np.arange(64))
    reference = reconstruct(full, Recipe())
    lines = regular_lines(64, 2, 18)
    raw = with_rows(full, lines[lines >= 20])
    both = error(reconstruct(raw, Recipe(completion=Grappa(), partial_fourier=PartialFourier())), reference)
    alone = error(reconstruct(raw, Recipe(completion=Grappa())), reference)
    assert both < 0.7 * alone < 0.7 * error(reconstruct(raw, Recipe()), reference)


def test_parts_that_do_not_go_together():
    with pytest.raises(UsageError, match="a completion with Combination only"):
        Recipe(completion=Grappa(), solver=Direct())
    for wrong in (
        lambda: Grappa(columns=4),
        lambda: Spirit(kernel=2),
        lambda: SparseSpirit(name="db9"),
        lambda: SparseSpirit(weight=-1.0),
        lambda: PartialFourier(iterations=0),
    ):
        with pytest.raises(UsageError):
            wrong()
    recipe = Recipe(completion=Spirit(), partial_fourier=PartialFourier(method="homodyne"))
    assert Recipe.from_dict(recipe.to_dict()) == recipe
