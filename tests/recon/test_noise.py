"""Noise and g-factor maps."""

# TRUTHS of noise: g of two channels at R = 2 is Pruessmann's closed form | full sampling has g = 1 | replicas = closed
#   form within their standard error, with correlated noise | the batch size changes nothing | with a prior replicas are the
#   spread of repeated scans | damping lowers the noise by its closed form | without a noise scan there is g but no scale
#   | none is none | a folded image has no g | a solver without a closed form is refused "analytic"
#   | the curve of the residual ends at the residual

from dataclasses import replace

import numpy as np
import pytest
import torch

from fullbore.errors import UsageError
from fullbore.recon import Combination, ConjugateGradient, Direct, Espirit, ProximalGradient, Recipe, Wavelet, reconstruct
from fullbore.recon.noise import replica
from fullbore.recon.solvers.column_cholesky import factorise, point_spread
from tests.recon.measured import array_of, encoding_of, geometry_of, measure, regular_lines

MATRIX = (40, 48, 1)


def scan(lines=None, *, noise=2e-7, seed=0, coils=6):
    lines = np.arange(MATRIX[1]) if lines is None else lines
    return measure(encoding_of(geometry_of(MATRIX), lines), array_of(coils, 2), noise=noise, seed=seed)


def inside_of(image, fraction=0.2):
    return np.abs(image.values) > fraction * np.abs(image.values).max()


def two_channels(n=32):
    """Unit-norm maps (x, coil, y) of two channels whose share turns along y."""
    turn = torch.linspace(0.1, 1.4, n, dtype=torch.float64)
    return torch.stack([torch.cos(turn), torch.sin(turn) * torch.exp(0.7j * turn)]).to(torch.complex128)[None]


def test_two_channels_at_twofold_undersampling():
    maps = two_channels()
    n = maps.shape[2]
    mask = torch.zeros(n, dtype=torch.float64)
    mask[n // 2 % 2 :: 2] = 1
    found = factorise(maps, point_spread(mask), 1e-12).noise_variance()[0]
    # Two voxels fold: S = [a b], the noise is (S^H S)^-1 and g^2 its diagonal times that of S^H S.
    a, b = maps[0], maps[0].roll(n // 2, -1)
    overlap = (a.conj() * b).sum(0).abs().square()
    g = 1 / torch.sqrt(1 - overlap)
    assert torch.allclose(torch.sqrt(found / 2), g, rtol=1e-9)


def test_full_sampling_has_unit_g():
    for solver in (Combination(), Direct()):
        image = reconstruct(scan(), Recipe(solver=solver))
        assert np.allclose(image.g_factor, 1, atol=1e-4)


@pytest.mark.parametrize(("step", "solver"), [(1, Combination()), (2, Direct()), (3, Direct()), (2, ConjugateGradient())])
def test_replicas_are_the_closed_form(step, solver):
    raw = scan(regular_lines(48, step, 16))
    exact = reconstruct(raw, Recipe(solver=Direct() if step > 1 else solver, noise_map="analytic"))
    found = reconstruct(raw, Recipe(solver=solver, noise_map="replica", replicas=100))
    assert "5 %" in found.report["noise_map"]
    inside = inside_of(exact)
    ratio = (found.noise_std / exact.noise_std)[inside]
    # 100 replicas know a voxel to 5 %; half a thousand voxels share their noise with a few others each.
    assert np.mean(ratio) == pytest.approx(1, abs=0.01)
    assert np.std(ratio) == pytest.approx(replica.replica_error(100), rel=0.15)
    assert np.mean((found.g_factor / exact.g_factor)[inside]) == pytest.approx(1, abs=0.01)
    assert exact.g_factor[inside].min() > 0.99


def test_batches_change_nothing(monkeypatch):
    raw, recipe = scan(regular_lines(48, 2, 16)), Recipe(solver=Direct(), noise_map="replica", replicas=7)
    together = reconstruct(raw, recipe)
    monkeypatch.setattr(replica, "_BATCH_BYTES", 1)
    alone = reconstruct(raw, recipe)
    assert np.allclose(together.noise_std, alone.noise_std, rtol=1e-5)


def test_with_a_prior_replicas_are_the_spread_of_repeated_scans():
    lines = np.array([3, 8, 11, *range(16, 32), 35, 36, 41, 46])
    recipe = Recipe(solver=ProximalGradient(), prior=Wavelet(floor=0.0), noise_map="replica", replicas=30)
    images = [reconstruct(scan(lines, seed=seed, noise=3e-7), replace(recipe, noise_map="none")) for seed in range(30)]
    found = reconstruct(scan(lines, noise=3e-7), recipe)
    inside = inside_of(images[0])
    # Maps are estimated anew from each scan, so only magnitudes compare; the spreads know a voxel to 13 and 9 %, and the
    # replicas hold the data's own noise too, against which the threshold is lower.
    spread = np.std([np.abs(image.values) for image in images], axis=0, ddof=1)
    assert np.median((found.noise_std / spread)[inside]) == pytest.approx(1, abs=0.1)
    assert np.median(found.g_factor[inside]) < 1


def test_damping_lowers_the_noise_by_its_closed_form():
    maps, damping = two_channels(), 0.3
    n = maps.shape[2]
    mask = (torch.arange(n) % 2 == 0).to(torch.float64)
    factors = factorise(maps, point_spread(mask), damping)
    identity = torch.eye(n, dtype=torch.complex128)
    inverse = factors.solve(identity[:, None])[:, 0].T
    normal = torch.linalg.inv(inverse) - damping * identity
    wanted = (inverse @ normal @ inverse).diagonal().real
    assert torch.allclose(factors.noise_variance()[0], wanted, rtol=1e-9)


def test_without_a_noise_scan_there_is_g_but_no_scale():
    image = reconstruct(replace(scan(regular_lines(48, 2, 16)), noise=None), Recipe(solver=Direct()))
    assert image.noise_std is None
    assert image.g_factor[inside_of(image)].min() > 0.99
    assert "no noise scan" in image.report["noise_map"]


def test_none_is_none():
    image = reconstruct(scan(), Recipe(noise_map="none"))
    assert image.noise_std is None
    assert image.g_factor is None


def test_folded_images_have_no_g():
    image = reconstruct(scan(regular_lines(48, 2, 16)), Recipe(solver=Combination()))
    assert image.g_factor is None


def test_no_closed_form_is_refused():
    with pytest.raises(UsageError, match="replica"):
        Recipe(solver=ConjugateGradient(), noise_map="analytic")


def test_cropped_air_has_no_noise():
    image = reconstruct(scan(regular_lines(48, 2, 16)), Recipe(coils=Espirit(crop=0.8), solver=Direct()))
    outside = np.linalg.norm(image.sensitivities, axis=0) == 0
    assert outside.any()
    assert not image.g_factor[outside].any()
    assert np.isfinite(image.noise_std).all()


def test_the_curve_ends_at_the_residual():
    image = reconstruct(scan(regular_lines(48, 2, 16)), Recipe(solver=ConjugateGradient(iterations=9, tolerance=1e-9)))
    curve = image.report["residual_curve"]
    assert len(curve) == image.report["iterations"] == 9
    assert curve[-1] == pytest.approx(image.report["residual"], rel=0.01)
