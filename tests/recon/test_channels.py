"""Noise, compression and coil maps."""

# TRUTHS of channels: whitening gives unit covariance | bandwidth scales the noise | a singular covariance is held
#   | compression keeps signal and white noise | ESPIRiT finds the maps of a known array, 2D and 3D | they have unit norm
#   | geometric compression is orthonormal, smooth, and keeps more in as few | replicas know it
#   | the eigenvalue is 1 inside and small outside | the edge of k-space tells the noise

from dataclasses import replace

import numpy as np
import pytest

from fullbore.recon import Direct, Recipe, reconstruct
from fullbore.recon.calibration.coil_compression import aligned_channels, principal_channels
from fullbore.recon.calibration.whitening import noise_covariance, periphery_noise, whitening_matrix
from fullbore.recon.recipe import Espirit
from tests.recon.measured import array_of, encoding_of, full_lines, geometry_of, measure, noise_mixing, regular_lines


def draw(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)) / np.sqrt(2)


def test_whitening_gives_unit_covariance():
    scan = (noise_mixing(5) @ draw(5, 50000)).astype(np.complex64)
    whitening = whitening_matrix(noise_covariance(scan, 1e-5, 1e-5))
    fresh = whitening @ (noise_mixing(5) @ draw(5, 50000, seed=1))
    # 50000 samples know a covariance to 0.5 %.
    assert np.abs(fresh @ fresh.conj().T / 50000 - np.eye(5)).max() < 0.02
    assert np.abs(whitening @ noise_covariance(scan, 1e-5, 1e-5) @ whitening.conj().T - np.eye(5)).max() < 1e-6


def test_bandwidth_scales_the_noise():
    scan = draw(3, 1000).astype(np.complex64)
    same, double = noise_covariance(scan, 1e-5, 1e-5), noise_covariance(scan, 1e-5, 5e-6)
    assert np.allclose(double, 2 * same)
    assert np.allclose(noise_covariance(scan, 0.0, 5e-6), same)


def test_singular_covariance_is_held():
    scan = draw(1, 1000).repeat(3, axis=0).astype(np.complex64)
    assert np.all(np.isfinite(whitening_matrix(noise_covariance(scan, 0.0, 0.0))))
    few = noise_covariance(draw(4, 3).astype(np.complex64), 0.0, 0.0)
    assert np.allclose(few, np.diag(np.diag(few)))


def test_compression_keeps_signal_and_white_noise():
    signal = draw(8, 3) @ draw(3, 500)
    compression = principal_channels(signal, 3)
    assert np.allclose(compression @ compression.conj().T, np.eye(3), atol=1e-12)
    assert np.allclose(compression.conj().T @ (compression @ signal), signal, atol=1e-10)
    power = np.linalg.norm(compression @ signal, axis=1)
    assert np.all(np.diff(power) < 0)


def test_noise_from_the_edge():
    assert periphery_noise(3 * draw(20000)) == pytest.approx(3, rel=0.02)


@pytest.mark.parametrize(("matrix", "limit"), [((64, 60, 1), 1e-2), ((32, 30, 28), 2e-2)])
def test_maps_of_a_known_array(matrix, limit):
    array = array_of(6, 3 if matrix[2] > 1 else 2)
    line, partition = full_lines(matrix)
    raw = measure(encoding_of(geometry_of(matrix), line, partition), array)
    image = reconstruct(raw)
    maps = image.sensitivities
    truth = array.maps(image.grid.points_m())
    truth = truth / np.linalg.norm(truth, axis=0)
    inside = np.abs(image.values) > 0.3 * np.abs(image.values).max()
    seen = np.abs(np.sum(maps.conj() * truth, axis=0))[inside]
    # Part of the true map that lies outside the estimate: what 24 samples per axis and a rank cut of 2 % leave.
    assert np.sqrt(np.mean(1 - np.minimum(seen, 1) ** 2)) < limit
    assert np.allclose(np.linalg.norm(maps, axis=0), 1, atol=1e-5)


def test_crop_removes_air():
    raw = measure(encoding_of(geometry_of((64, 60, 1)), regular_lines(60, 2, 24)), array_of(6, 2), noise=1e-7)
    image = reconstruct(raw, Recipe(coils=Espirit(crop=0.8), solver=Direct()))
    norm = np.linalg.norm(image.sensitivities[:, 0], axis=0)
    assert np.all(norm[0, :3] == 0)
    assert norm[30, 32] == pytest.approx(1, abs=1e-5)
    assert np.all(np.isfinite(image.values))


def test_geometric_compression_is_orthonormal_and_smooth():
    turn = np.linspace(0, 3, 40)[:, None, None]
    mixing = np.exp(1j * turn * np.arange(8)[:, None]) * np.cos(turn + np.arange(3))
    bases = aligned_channels(mixing @ draw(40, 3, 200), 3)
    assert np.allclose(bases @ bases.conj().swapaxes(1, 2), np.eye(3), atol=1e-12)
    # Unaligned, a basis would be off its neighbour's by of the order of 1.
    assert np.linalg.norm(np.diff(bases, axis=0), axis=(1, 2)).max() < 0.6


def test_geometric_compression_keeps_more_in_as_few():
    full = measure(encoding_of(geometry_of((48, 60, 1)), np.arange(60)), array_of(12, 2), noise=1e-9)
    reference = reconstruct(full)
    few = {kind: reconstruct(full, Recipe(virtual_coils=3, compression=kind)) for kind in ("principal", "geometric")}
    inside = np.abs(reference.values) > 0.1 * np.abs(reference.values).max()
    error = {
        kind: np.linalg.norm((np.abs(image.values) - np.abs(reference.values))[inside]) / np.linalg.norm(reference.values[inside])
        for kind, image in few.items()
    }
    assert error["geometric"] < 0.5 * error["principal"]
    assert few["geometric"].sensitivities.shape == (3, 1, 60, 48)


def test_replicas_know_the_compression():
    raw = measure(encoding_of(geometry_of((40, 48, 1)), regular_lines(48, 2, 16)), array_of(8, 2), noise=2e-7)
    for kind in ("principal", "geometric"):
        recipe = Recipe(solver=Direct(), virtual_coils=4, compression=kind)
        exact, found = (reconstruct(raw, replace(recipe, noise_map=how)) for how in ("analytic", "replica"))
        inside = np.abs(exact.values) > 0.2 * np.abs(exact.values).max()
        # 25 replicas over some hundred voxels.
        assert np.mean((found.noise_std / exact.noise_std)[inside]) == pytest.approx(1, abs=0.02)
