"""Separable interpolation."""

# TRUTHS of interpolation: a sample is kept | linear is exact on lines, cubic on parabolas | falling axes work
#   | outside is zero or the edge | a single sample holds everywhere | dtype kept | complex = real + i imaginary | bad axes raise

import numpy as np
import pytest

from fullbore.errors import ShapeError, ValueRangeError
from fullbore.numerics import interpolate_separable

FROM = (np.linspace(-1, 1, 9), np.linspace(0, 3, 13), np.linspace(2, -2, 11))
TO = (np.linspace(-0.7, 0.7, 5), np.linspace(0.3, 2.7, 4), np.linspace(-1.5, 1.5, 6))


def polynomial(axes, power):
    z, y, x = np.meshgrid(*axes, indexing="ij")
    return ((1 + z) ** power * (2 - y) ** power * (0.5 + x) ** power)[None]


@pytest.mark.parametrize("order", ["linear", "cubic"])
def test_samples_are_kept(order):
    values = np.random.default_rng(0).normal(size=(2, 9, 13, 11))
    assert np.allclose(interpolate_separable(values, FROM, FROM, order), values, atol=1e-12)


@pytest.mark.parametrize(("order", "power"), [("linear", 1), ("cubic", 1), ("cubic", 2)])
def test_polynomials_are_exact(order, power):
    result = interpolate_separable(polynomial(FROM, power), FROM, TO, order)
    assert np.abs(result - polynomial(TO, power)).max() < 1e-12


def test_linear_misses_a_parabola():
    result = interpolate_separable(polynomial(FROM, 2), FROM, TO, "linear")
    assert np.abs(result - polynomial(TO, 2)).max() > 1e-2


def test_outside():
    values = np.ones((1, 9, 13, 11))
    far = (np.array([0.0, 5.0]), np.array([1.0]), np.array([0.0]))
    assert interpolate_separable(values, FROM, far, outside="zero")[0, :, 0, 0].tolist() == [1.0, 0.0]
    assert interpolate_separable(values, FROM, far, outside="nearest")[0, :, 0, 0] == pytest.approx([1.0, 1.0])


def test_single_sample_holds_everywhere():
    values = np.full((3, 1, 1, 1), 2.0 + 1j, np.complex64)
    result = interpolate_separable(values, (np.zeros(1),) * 3, TO, "cubic")
    assert result.shape == (3, 5, 4, 6)
    assert np.all(result == np.complex64(2 + 1j))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_dtype_kept(dtype):
    assert interpolate_separable(np.ones((9, 13, 11), dtype), FROM, TO).dtype == dtype


def test_complex_is_two_reals():
    rng = np.random.default_rng(1)
    real, imag = rng.normal(size=(2, 2, 9, 13, 11))
    both = interpolate_separable(real + 1j * imag, FROM, TO, "cubic")
    assert np.allclose(both.real, interpolate_separable(real, FROM, TO, "cubic"), atol=1e-14)
    assert np.allclose(both.imag, interpolate_separable(imag, FROM, TO, "cubic"), atol=1e-14)


def test_bad_axes():
    with pytest.raises(ShapeError, match="axes_from"):
        interpolate_separable(np.ones((1, 9, 13, 10)), FROM, TO)
    with pytest.raises(ValueRangeError, match="evenly"):
        interpolate_separable(np.ones((1, 3, 13, 11)), (np.array([0.0, 1.0, 3.0]), *FROM[1:]), TO)
