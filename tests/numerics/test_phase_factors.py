"""Phases of off-resonance as short sums, and the operators made of them."""

# TRUTHS of turning voxels: the sum is exp(-2 pi i f t) to the stated error, at any f and t in range | no range, one term
#   | frequencies that no voxel has cost nothing | differences of frequencies likewise, with small weights | every operator keeps
#   the contract | a transform with turning voxels is its dense sum | convolutions between turns = A^H A | NaN and a map that
#   cannot be in Hz are refused

import numpy as np
import pytest
import torch

from fullbore.errors import LimitError, ShapeError, ValueRangeError
from fullbore.numerics.nufft import NonUniformFourier
from fullbore.numerics.phase_differences import PhasedToeplitz, time_segments
from fullbore.numerics.phase_factors import phase_factors
from fullbore.numerics.phased_transform import AxesFourier, ChannelEncoding, PhasedTransform
from fullbore.numerics.toeplitz import Toeplitz, point_spread, spectra_of
from tests.contracts.check_operator import check_operator

SEED = torch.Generator().manual_seed(0)


def randn(*shape):
    return torch.randn(*shape, dtype=torch.complex128, generator=SEED)


@pytest.mark.parametrize(
    ("reach_Hz", "span_s", "error"), [(200, 0.05, 1e-3), (100, 0.005, 1e-2), (400, 0.1, 1e-3), (300, 0.03, 1e-5)]
)
def test_the_sum_is_the_phase(reach_Hz, span_s, error):
    rng = np.random.default_rng(0)
    field, times = 40 + reach_Hz * (rng.random((20, 30)) - 0.5), span_s * (rng.random((7, 50)) - 0.3)
    factors = phase_factors(field, times, error)
    got = torch.einsum("l...,lxy->...xy", factors.of_times(times), factors.of_field(field)).numpy()
    exact = np.exp(-2j * np.pi * times[..., None, None] * field)
    # Between the points where the error is looked for it may be a little more, and single precision adds its own.
    assert np.abs(got - exact).max() < 1.1 * error + 2e-6
    # In theory about one term per cycle, and a few more.
    assert factors.terms < 12 + 1.2 * reach_Hz * span_s


def test_nothing_that_varies_is_one_term():
    for field, times in ((np.full((3, 4), 70.0), np.linspace(0, 0.1, 50)), (np.linspace(-90, 90, 20), np.full(9, 0.02))):
        factors = phase_factors(field, times, 1e-3)
        assert factors.terms == 1
        got = factors.of_times(times)[0].numpy()[:, None] * factors.of_field(field)[0].numpy().reshape(-1)
        assert np.abs(got - np.exp(-2j * np.pi * np.outer(times, field))).max() < 1e-5


def test_frequencies_that_are_not_there_cost_nothing():
    times, rng = np.linspace(0, 0.06, 300), np.random.default_rng(1)
    water_and_fat = np.concatenate([rng.uniform(-10, 10, 500), rng.uniform(-450, -430, 500)])
    assert phase_factors(water_and_fat, times, 1e-3).terms < phase_factors(np.linspace(-450, 10, 1000), times, 1e-3).terms / 2


@pytest.mark.parametrize(("reach_Hz", "span_s"), [(200.0, 0.05), (100.0, 0.005), (0.0, 0.05), (200.0, 0.0)])
def test_differences(reach_Hz, span_s):
    segments = time_segments(reach_Hz, 0.01, 0.01 + span_s, 1e-3)
    difference, times = np.linspace(-reach_Hz, reach_Hz, 333), np.linspace(0.01, 0.01 + span_s, 211)
    weights = segments.weights(times)
    got = np.exp(2j * np.pi * np.outer(difference, segments.times_s)) @ weights
    assert np.abs(got - np.exp(2j * np.pi * np.outer(difference, times))).max() < 1.1e-3
    assert np.abs(weights).max() < 2


def turning(shape, axes, terms=3):
    return PhasedTransform(inner=AxesFourier(shape=shape, axes=axes), voxels=randn(terms, *shape), samples=randn(terms, *shape))


def along_curve(points=40, shape=(8, 10), terms=3):
    where = (torch.rand(points, 2, generator=SEED, dtype=torch.float64) - 0.5) * torch.tensor(shape)
    inner = NonUniformFourier(points=where, shape=shape, tolerance=1e-14)
    return PhasedTransform(inner=inner, voxels=randn(terms, *shape), samples=randn(terms, points))


def convolutions(shape=(8, 10), terms=3):
    points = (torch.rand(60, 2, generator=SEED, dtype=torch.float64) - 0.5) * torch.tensor(shape)
    made = []
    for _ in range(terms):
        weights = torch.rand(60, dtype=torch.float64, generator=SEED)
        spread = point_spread(points, weights, shape, tolerance=1e-14)
        made.append(Toeplitz(spectra=spectra_of(spread, (True, True)), shape=shape, doubled=(True, True)))
    return PhasedToeplitz(turns=randn(terms, *shape), convolutions=tuple(made))


OPERATORS = {
    "some axes": AxesFourier(shape=(3, 4, 5), axes=(-3, -1)),
    "no axis": AxesFourier(shape=(3, 4), axes=()),
    "turning, three axes": turning((4, 3, 5), (-3, -2, -1)),
    "turning, one axis": turning((4, 1, 5), (-1,)),
    "turning, a curve": along_curve(),
    "channels": ChannelEncoding(maps=randn(1, 5, 4, 3, 5), inner=turning((4, 3, 5), (-3, -1))),
    "two parts": ChannelEncoding(maps=randn(2, 3, 4, 3, 5), inner=turning((4, 3, 5), (-2, -1)), threads=2),
    "channels, a curve": ChannelEncoding(maps=randn(2, 3, 8, 10), inner=along_curve(), threads=1),
    "convolutions between turns": convolutions(),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_contract(name):
    op = OPERATORS[name]
    check_operator(op, randn(*op.domain_shape))


def curve_and_turns(error):
    """Points, times, a field and its factors, and the dense matrix of it all."""
    rng, shape = np.random.default_rng(2), (12, 10)
    points, times = (rng.random((300, 2)) - 0.5) * shape, np.linspace(-0.005, 0.02, 300)
    field = rng.uniform(-60, 100, shape)
    at = np.stack(np.meshgrid(*(np.arange(n) - n // 2 for n in shape), indexing="ij"), -1).reshape(-1, 2) / shape
    dense = np.exp(-2j * np.pi * (points @ at.T + np.outer(times, field.reshape(-1)))) / np.sqrt(120)
    return shape, torch.from_numpy(points), times, field, phase_factors(field, times, error), dense


def test_a_transform_with_turning_voxels_is_its_dense_sum():
    shape, points, times, field, factors, dense = curve_and_turns(1e-4)
    inner = NonUniformFourier(points=points, shape=shape, tolerance=1e-12)
    voxels, samples = factors.of_field(field).to(torch.complex128), factors.of_times(times).to(torch.complex128)
    operator = PhasedTransform(inner=inner, voxels=voxels, samples=samples)
    x = randn(*shape)
    wanted = torch.from_numpy(dense @ x.numpy().reshape(-1))
    assert torch.linalg.vector_norm(operator.forward(x) - wanted) < 1e-4 * torch.linalg.vector_norm(wanted)


def test_convolutions_between_turns_are_the_normal_operator():
    shape, points, times, field, _, dense = curve_and_turns(1e-4)
    segments = time_segments(float(np.ptp(field)), float(times[0]), float(times[-1]), 1e-5)
    turns = torch.from_numpy(np.stack([np.exp(-2j * np.pi * t * field) for t in segments.times_s]))
    made = []
    for weights in segments.weights(times):
        spread = point_spread(points, torch.from_numpy(weights), shape, tolerance=1e-12)
        made.append(Toeplitz(spectra=spectra_of(spread, (True, True)), shape=shape, doubled=(True, True)))
    x = randn(*shape)
    got = PhasedToeplitz(turns=turns, convolutions=tuple(made)).forward(x)
    wanted = torch.from_numpy(dense.conj().T @ (dense @ x.numpy().reshape(-1))).reshape(shape)
    assert torch.linalg.vector_norm(got - wanted) < 2e-5 * torch.linalg.vector_norm(wanted)


def test_refusals():
    with pytest.raises(ValueRangeError, match="NaN"):
        phase_factors(np.array([1.0, np.nan]), np.zeros(2), 1e-3)
    with pytest.raises(LimitError, match="in Hz"):
        phase_factors(np.array([-1e5, 1e5]), np.linspace(0, 0.05, 9), 1e-3)
    with pytest.raises(ShapeError, match="terms"):
        PhasedTransform(inner=AxesFourier(shape=(4, 5), axes=(-1,)), voxels=randn(2, 4, 5), samples=randn(3, 4, 5))
    with pytest.raises(ShapeError, match="voxels"):
        PhasedTransform(inner=AxesFourier(shape=(4, 5), axes=(-1,)), voxels=randn(2, 4, 4), samples=randn(2, 4, 5))
    with pytest.raises(ShapeError, match="PhasedToeplitz"):
        PhasedToeplitz(turns=randn(2, 8, 10), convolutions=OPERATORS["convolutions between turns"].convolutions)
    with pytest.raises(ShapeError, match="ChannelEncoding"):
        ChannelEncoding(maps=randn(1, 2, 4, 4), inner=AxesFourier(shape=(4, 5), axes=(-1,)))
