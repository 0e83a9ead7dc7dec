"""Priors on k-space in closed form, each where it must win over the simpler way, and the subspace encoding."""

# TRUTHS of priors: total variation of pieces beats zero-filling and least squares | TGV keeps a slope that TV makes steps of
#   | frames that share their shape: low rank in blocks, low rank plus sparse and temporal variation beat frame by frame
#   | contrasts of one shape: joint wavelets beat single ones | log beats l1 on pieces
#   | a subspace holds decays, and beats frames alone
#   | its encoding is adjoint | priors and solvers that do not fit raise | recipes come back from tables

from dataclasses import replace

import numpy as np
import pytest
import torch

from fullbore.errors import UsageError
from fullbore.numerics.differences import gradient
from fullbore.recon import Combination, ConjugateGradient, ProximalGradient, Recipe, Wavelet, reconstruct
from fullbore.recon.encodings.cartesian import prepare_cartesian
from fullbore.recon.encodings.subspace import SubspaceVolume, courses
from fullbore.recon.priors.low_rank import shrink_blocks
from fullbore.recon.priors.variation import analysis
from fullbore.recon.recipe import (
    LocallyLowRank,
    LowRankPlusSparse,
    PrimalDual,
    Subspace,
    TemporalTotalVariation,
    TotalGeneralisedVariation,
    TotalVariation,
    WaveletJoint,
)
from tests.recon.measured import array_of, encoding_of, geometry_of, measure

FACTORS = np.exp(-np.arange(6) / 4.0)
GEOMETRY = geometry_of((48, 48, 1))
NOISE = 1e-7


def randn(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.complex128, generator=torch.Generator().manual_seed(seed))


def random_lines(count, chosen, centre, seed):
    outer = np.setdiff1d(np.arange(count), np.arange(count // 2 - centre // 2, count // 2 + centre // 2))
    picked = np.random.default_rng(seed).choice(outer, chosen, replace=False)
    return np.sort(np.concatenate([picked, np.arange(count // 2 - centre // 2, count // 2 + centre // 2)]))


def series(full=False, noise=NOISE, factors=FACTORS, coils=4, chosen=6):
    """Frames of one head that decays; every frame has lines of its own."""
    lines = [np.arange(48) if full else random_lines(48, chosen, 12, seed) for seed in range(len(factors))]
    frame = np.repeat(np.arange(len(factors)), [len(own) for own in lines])
    encoding = encoding_of(GEOMETRY, np.concatenate(lines), frame=frame)
    return measure(encoding, array_of(coils, 2), frame_factor=factors, noise=noise)


def error_of(recipe, raw, truth):
    image, wanted = (np.abs(np.squeeze(reconstruct(data, way).values)) for data, way in ((raw, recipe), (truth, Recipe())))
    return float(np.linalg.norm(image - wanted) / np.linalg.norm(wanted))


@pytest.fixture(scope="module")
def dynamic():
    return series(), series(full=True, noise=0.0)


@pytest.fixture(scope="module")
def alone(dynamic):
    return error_of(Recipe(solver=ConjugateGradient()), *dynamic)


def test_total_variation_beats_what_knows_nothing():
    raw, truth = (series(factors=[1.0], chosen=8), series(full=True, noise=0.0, factors=[1.0]))
    zero_filled = error_of(Recipe(solver=Combination()), raw, truth)
    least = error_of(Recipe(solver=ConjugateGradient()), raw, truth)
    for prior in (TotalVariation(), TotalGeneralisedVariation()):
        ours = error_of(Recipe(solver=PrimalDual(), prior=prior), raw, truth)
        assert ours < 0.7 * zero_filled
        assert ours < 0.9 * least


def test_second_order_keeps_a_slope():
    """Of a ramp, TV pays for every step up; TGV pays nothing but at the ends."""
    ramp = torch.linspace(0, 1, 32)[None, None, None, None, :].to(torch.complex64)
    first = analysis(TotalVariation(weight=1.0, floor=0.0), ramp)
    second = analysis(TotalGeneralisedVariation(weight=1.0, floor=0.0), ramp)
    slope = gradient(ramp, (-1,))
    slope[..., -1] = slope[..., 0]
    lifted = torch.cat([ramp[None], slope])
    assert float(first.forward(ramp[None]).abs().sum()) == pytest.approx(1.0, abs=1e-5)
    assert float(second.forward(lifted)[:, ..., :-1].abs().sum()) < 1e-5


@pytest.mark.parametrize("prior", [TotalVariation(), TotalGeneralisedVariation(), TemporalTotalVariation()])
@pytest.mark.parametrize("shape", [(3, 1, 6, 1, 7), (2, 2, 4, 5, 6)])
def test_operators_are_adjoint_and_bounded(prior, shape):
    norm = analysis(prior, randn(*shape))
    x = randn(norm.stacked, *shape)
    forward = norm.forward(x)
    other = randn(*forward.shape, seed=1)
    left, right = torch.vdot(forward.flatten(), other.flatten()), torch.vdot(x.flatten(), norm.adjoint(other).flatten())
    assert abs(complex(left - right)) < 1e-10
    for _ in range(30):
        x = norm.adjoint(norm.forward(x / torch.linalg.vector_norm(x)))
    assert 0.4 * norm.norm_squared < float(torch.linalg.vector_norm(x)) <= norm.norm_squared * (1 + 1e-9)


@pytest.mark.parametrize(
    ("solver", "prior"),
    [
        (ProximalGradient(iterations=40), LocallyLowRank()),
        (ProximalGradient(iterations=40), LowRankPlusSparse()),
        (PrimalDual(), TemporalTotalVariation()),
        (ProximalGradient(iterations=40), WaveletJoint()),
    ],
)
def test_frames_together_beat_frames_alone(dynamic, alone, solver, prior):
    assert error_of(Recipe(solver=solver, prior=prior), *dynamic) < 0.8 * alone


def test_joint_beats_single(dynamic):
    joint, single = (error_of(Recipe(solver=ProximalGradient(), prior=prior), *dynamic) for prior in (WaveletJoint(), Wavelet()))
    assert joint < 0.95 * single


def test_blocks_of_rank_one_lower_their_value():
    x = randn(5)[:, None, None, None, None] * randn(1, 1, 8, 1, 8, seed=1)
    size = float(torch.linalg.vector_norm(x))
    assert torch.allclose(shrink_blocks(x, 0.3 * size, (8, 1, 8), [3, 0, 5]), 0.7 * x, atol=1e-7)


def test_subspace_beats_frames_alone(dynamic, alone):
    rows = tuple(tuple(float(v) for v in np.exp(-n / np.array([2.0, 3.0, 4.5, 7.0]))) for n in range(6))
    subspace = Subspace(size=2, courses=rows)
    least = Recipe(solver=ConjugateGradient(), subspace=subspace)
    assert error_of(least, *dynamic) < 0.7 * alone
    low_rank = Recipe(solver=ProximalGradient(), prior=LocallyLowRank(weight=0.2, floor=1e-3), subspace=subspace)
    assert error_of(low_rank, *dynamic) < 0.7 * alone


def test_courses_hold_decays():
    times = np.linspace(0.01, 0.3, 12)
    basis = courses(Subspace(size=5), times)
    assert torch.allclose(basis.mH @ basis, torch.eye(5, dtype=basis.dtype), atol=1e-5)
    decay = torch.from_numpy(np.exp(-times / 0.08)).to(basis.dtype)
    left = decay - basis @ (basis.mH @ decay)
    assert float(torch.linalg.vector_norm(left) / torch.linalg.vector_norm(decay)) < 1e-3
    with pytest.raises(UsageError, match="same echo time"):
        courses(Subspace(), np.full(6, 0.01))
    with pytest.raises(UsageError, match="over the 6 frames"):
        courses(Subspace(courses=((1.0, 2.0, 3.0),) * 4), np.arange(6.0))


def test_subspace_encoding_is_that_of_its_frames():
    raw = series(noise=0.0)
    data = prepare_cartesian(raw, np.eye(4, dtype=complex), np.zeros(3))
    maps = randn(1, 48, 4, 1, 48).to(torch.complex64)
    inner = data.volume(0, maps / torch.linalg.vector_norm(maps, dim=2, keepdim=True))
    volume = SubspaceVolume(inner=inner, basis=courses(Subspace(size=2), np.linspace(0.01, 0.1, 6)))
    assert volume.shape == (2, 1, 48, 1, 48)
    x, y = (randn(*volume.shape, seed=seed).to(torch.complex64) for seed in (1, 2))
    left, right = (torch.vdot(a.flatten(), b.flatten()) for a, b in ((y, volume.normal(x)), (volume.normal(y), x)))
    assert abs(complex(left - right)) < 1e-4 * abs(complex(left))
    energy = sum(
        float(torch.vdot(frame.flatten(), inner.only(number).normal(frame[None]).flatten()).real)
        for number, frame in enumerate(volume.expand(x))
    )
    assert float(torch.vdot(x.flatten(), volume.normal(x).flatten()).real) == pytest.approx(energy, rel=1e-4)
    with pytest.raises(UsageError, match="alone"):
        volume.only(0)


@pytest.mark.parametrize(
    ("solver", "prior", "match"),
    [
        (ProximalGradient(), TotalVariation(), "low rank"),
        (PrimalDual(), Wavelet(), "total variation"),
        (PrimalDual(), None, "total variation"),
        (ConjugateGradient(), LocallyLowRank(), "no prior"),
    ],
)
def test_what_does_not_fit_raises(solver, prior, match):
    with pytest.raises(UsageError, match=match):
        Recipe(solver=solver, prior=prior)
    with pytest.raises(UsageError, match="iterative"):
        Recipe(subspace=Subspace())


@pytest.mark.parametrize("prior", [WaveletJoint(penalty="l1"), LocallyLowRank(block=4), LowRankPlusSparse(low_rank=0.02)])
def test_tables(prior):
    recipe = Recipe(solver=ProximalGradient(), prior=prior, subspace=Subspace(size=1, courses=((1.0,), (0.5,))))
    table = recipe.to_dict()
    assert Recipe.from_dict(table) == recipe
    assert replace(recipe, subspace=None).digest() != recipe.digest()
    table["prior"]["wieght"] = 1
    with pytest.raises(UsageError, match="wieght"):
        Recipe.from_dict(table)
