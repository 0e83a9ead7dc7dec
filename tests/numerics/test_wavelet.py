"""Wavelets: filters and transforms."""

# TRUTHS of wavelets: filters are orthonormal with p vanishing moments | db1 = Haar, db2 = its closed form | inverse = adjoint
#   | energy kept for any shape | fast = readable reference | a constant has no detail | a shift is undone | shrinkage shrinks
#   details only, and denoises | a level is given up to cover all | an unknown name raises

import math

import numpy as np
import pytest
import torch

from fullbore.errors import UsageError
from fullbore.numerics.threshold import soft_threshold
from fullbore.numerics.wavelet import Wavelet, daubechies, transform_reference

SHAPES = [(32, 24, 40), (1, 57, 61), (40, 1, 36), (7, 50, 1)]


def randn(*shape, dtype=torch.complex128):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("p", range(1, 9))
def test_filters(p):
    low, high = (np.array(f) for f in daubechies(f"db{p}"))
    assert low.sum() == pytest.approx(math.sqrt(2), abs=1e-12)
    for shift in range(p):
        # The roots of the factorised polynomial cluster as p grows, which costs digits: 1e-9 at p = 8.
        assert np.dot(low[: len(low) - 2 * shift], low[2 * shift :]) == pytest.approx(float(shift == 0), abs=1e-9)
        assert np.dot(low[: len(low) - 2 * shift], high[2 * shift :]) == pytest.approx(0, abs=1e-9)
        assert np.dot(high, np.linspace(-1, 1, 2 * p) ** shift) == pytest.approx(0, abs=1e-6)


def test_closed_forms():
    assert np.allclose(daubechies("db1")[0], [math.sqrt(0.5)] * 2)
    s = math.sqrt(3)
    assert np.allclose(daubechies("db2")[0], np.array([1 + s, 3 + s, 3 - s, 1 - s]) / (4 * math.sqrt(2)))


@pytest.mark.parametrize("shape", SHAPES)
def test_orthogonal_and_equal_to_the_reference(shape):
    wavelet, x = Wavelet(shape=shape, levels=3), randn(2, *shape)
    y = wavelet.forward(x)
    assert torch.allclose(y, transform_reference(wavelet, x.clone(), forward=True), atol=1e-12)
    assert torch.allclose(wavelet.adjoint(y), x, atol=1e-12)
    assert float(torch.linalg.vector_norm(y)) == pytest.approx(float(torch.linalg.vector_norm(x)), rel=1e-12)
    assert float((y - x).abs().max()) > 0.1


@pytest.mark.parametrize("dtype", [torch.complex64, torch.float32, torch.float64])
def test_dtypes(dtype):
    wavelet, x = Wavelet(shape=(16, 16, 32)), randn(16, 16, 32, dtype=dtype)
    assert wavelet.forward(x).dtype == dtype
    assert torch.allclose(wavelet.adjoint(wavelet.forward(x)), x, atol=1e-5)


def test_constant_has_no_detail():
    wavelet = Wavelet(shape=(32, 32, 32), levels=2)
    y = wavelet.forward(torch.ones(32, 32, 32, dtype=torch.complex128))
    a, b, c = wavelet.corner()
    assert torch.allclose(y[:a, :b, :c], torch.full((a, b, c), 2.0 ** (2 * 1.5), dtype=y.dtype))
    y[:a, :b, :c] = 0
    assert float(y.abs().max()) < 1e-12


def test_shrink_is_the_proximal_map():
    wavelet, x = Wavelet(shape=(32, 24, 40), levels=2), randn(32, 24, 40)
    y = wavelet.forward(x)
    a, b, c = wavelet.corner()
    wanted = soft_threshold(y, 0.8)
    wanted[:a, :b, :c] = y[:a, :b, :c]
    assert torch.allclose(wavelet.shrink(x, 0.8), wavelet.adjoint(wanted), atol=1e-12)
    rolled = wavelet.shrink(torch.roll(x, (3, 5, 7), (-3, -2, -1)), 0.8, (3, 5, 7))
    assert torch.allclose(rolled, torch.roll(wavelet.shrink(x, 0.8), (3, 5, 7), (-3, -2, -1)), atol=1e-12)
    assert torch.allclose(wavelet.shrink(x, 0.0, (1, 2, 3)), x, atol=1e-12)


def test_shrink_denoises():
    ball = (
        sum(torch.linspace(-1, 1, 48)[tuple(np.s_[:] if a == b else None for b in range(3))] ** 2 for a in range(3)) < 0.5
    ) * 1.0
    noisy = ball + 0.2 * randn(48, 48, 48, dtype=torch.float64)
    clean = Wavelet(shape=(48, 48, 48), name="db2", levels=2).shrink(noisy, 0.6)
    assert float((clean - ball).square().mean()) < 0.3 * float((noisy - ball).square().mean())


def test_no_sample_is_left_out_where_one_level_less_allows_it():
    assert Wavelet(shape=(168, 192, 230)).axis_levels() == (3, 4, 4)
    assert Wavelet(shape=(168, 192, 230)).block() == (168, 192, 224)


def test_unknown_name():
    with pytest.raises(UsageError, match="db1"):
        Wavelet(shape=(8, 8, 8), name="sym4").forward(randn(8, 8, 8))
