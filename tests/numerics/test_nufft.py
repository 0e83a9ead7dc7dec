"""Transforms between a grid and any points, and what follows from them by the point spread function."""

# TRUTHS of non-uniform transforms: the contract | = the sum that defines it, 1D to 3D, odd and even | on the grid = centred FFT
#   | Toeplitz = adjoint after weights after forward, 1D to 3D and in stacks | independent slices | channels around it
#   | the circulant's eigenvalues = the diagonal in k-space | spectra bound the operator | single precision to its tolerance
#   | preconditioning keeps the solution and saves iterations | the same bytes each time | bad points raise

import math

import pytest
import torch

from fullbore.errors import ShapeError, ValueRangeError
from fullbore.numerics.channel_toeplitz import ChannelToeplitz, circulant_spectrum
from fullbore.numerics.conjugate_gradient import conjugate_gradient
from fullbore.numerics.fourier import fft_centred
from fullbore.numerics.nufft import NonUniformFourier
from fullbore.numerics.toeplitz import Toeplitz, point_spread, spectra_of
from tests.contracts.check_operator import check_operator

SEED = torch.Generator().manual_seed(3)
SHAPES = [(12,), (9, 14), (6, 7, 8)]


def randn(*shape):
    return torch.randn(*shape, dtype=torch.complex128, generator=SEED)


def some_points(count, shape):
    return (torch.rand(count, len(shape), generator=SEED, dtype=torch.float64) - 0.5) * torch.tensor(shape)


def some_weights(count):
    return torch.rand(count, generator=SEED, dtype=torch.float64)


def dense(points, shape):
    axes = [(torch.arange(n) - n // 2).double() / n for n in shape]
    grid = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(shape))
    return torch.exp(-2j * math.pi * (points @ grid.T)) / math.sqrt(math.prod(shape))


def toeplitz_of(points, weights, shape):
    doubled = (True,) * len(shape)
    spread = point_spread(points, weights, shape, 1e-14)
    return Toeplitz(spectra=spectra_of(spread, doubled), shape=shape, doubled=doubled)


@pytest.mark.parametrize("shape", SHAPES)
def test_contract(shape):
    operator = NonUniformFourier(points=some_points(40, shape), shape=shape, tolerance=1e-14)
    check_operator(operator, randn(*shape))
    check_operator(toeplitz_of(operator.points, some_weights(40), shape), randn(*shape))


@pytest.mark.parametrize("shape", SHAPES)
def test_definition(shape):
    points, x, y = some_points(40, shape), randn(*shape), randn(40)
    operator, matrix = NonUniformFourier(points=points, shape=shape, tolerance=1e-14), dense(points, shape)
    assert torch.allclose(operator.forward(x), matrix @ x.flatten(), atol=1e-12)
    assert torch.allclose(operator.adjoint(y).flatten(), matrix.mH @ y, atol=1e-12)


@pytest.mark.parametrize("shape", [(6, 8), (5, 7)])
def test_on_the_grid_it_is_the_centred_transform(shape):
    axes = [(torch.arange(n) - n // 2).double() for n in shape]
    points = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 2)
    x = randn(3, *shape)
    got = NonUniformFourier(points=points, shape=shape, tolerance=1e-14).forward(x)
    assert torch.allclose(got.reshape(x.shape), fft_centred(x, (-2, -1)), atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_toeplitz_is_the_pair(shape):
    points, weights, x = some_points(40, shape), some_weights(40), randn(*shape)
    matrix = dense(points, shape)
    wanted = matrix.mH @ (weights * (matrix @ x.flatten()))
    assert torch.allclose(toeplitz_of(points, weights, shape).forward(x).flatten(), wanted, atol=1e-12)


def test_toeplitz_of_a_stack():
    shape, x = (5, 6, 8), randn(5, 6, 8)
    planes = [some_points(20, shape[1:]) for _ in range(3)]
    spectrum = torch.zeros(5, 12, 16, dtype=torch.complex128)
    whole = []
    for plane, points in zip((0, 2, 3), planes, strict=True):
        spectrum[(plane - 2) % 5] = point_spread(points, some_weights(20) * 0 + 1, shape[1:], 1e-14)
        whole.append(torch.nn.functional.pad(points, (1, 0), value=plane - 2))
    doubled = (False, True, True)
    operator = Toeplitz(spectra=spectra_of(torch.fft.ifft(spectrum, dim=0), doubled), shape=shape, doubled=doubled)
    matrix = dense(torch.cat(whole), shape)
    assert torch.allclose(operator.forward(x).flatten(), matrix.mH @ (matrix @ x.flatten()), atol=1e-12)


def test_independent_slices():
    points, x = some_points(20, (6, 8)), randn(5, 6, 8)
    spread = point_spread(points, some_weights(20) * 0 + 1, (6, 8), 1e-14)[None]
    operator = Toeplitz(spectra=spectra_of(spread, (False, True, True)), shape=(5, 6, 8), doubled=(False, True, True))
    each = toeplitz_of(points, some_weights(20) * 0 + 1, (6, 8))
    assert torch.allclose(operator.forward(x), each.forward(x), atol=1e-12)


@pytest.mark.parametrize("parts", [1, 2])
def test_channels(parts):
    shape = (9, 14)
    maps, toeplitz = randn(parts, 5, *shape), toeplitz_of(some_points(40, shape), None, shape)
    toeplitz = Toeplitz(spectra=toeplitz.spectra.double(), shape=shape, doubled=toeplitz.doubled)
    operator = ChannelToeplitz(maps=maps, toeplitz=toeplitz)
    check_operator(operator, randn(parts, *shape))
    x = randn(parts, *shape)
    wanted = (maps.conj() * toeplitz.forward((maps * x[:, None]).sum(0))).sum(1)
    assert torch.allclose(operator.forward(x), wanted, atol=1e-12)
    assert torch.equal(operator.forward(x), ChannelToeplitz(maps=maps, toeplitz=toeplitz, threads=2).forward(x))


def test_circulant_is_the_diagonal_in_k_space():
    shape, weights = (9, 14), some_weights(40)
    points, maps = some_points(40, shape), randn(3, *shape)
    matrix = dense(points, shape)
    gram = matrix.mH @ (weights[:, None] * matrix)
    whole = sum(m.flatten().conj()[:, None] * gram * m.flatten() for m in maps)
    fourier = (
        torch.fft.fftn(torch.eye(126, dtype=torch.complex128).reshape(126, *shape), dim=(1, 2), norm="ortho").reshape(126, 126).T
    )
    got = circulant_spectrum(point_spread(points, weights, shape, 1e-14), maps, (True, True))
    assert torch.allclose(got.flatten(), (fourier @ whole @ fourier.mH).diagonal().real, atol=1e-12)


def test_spectra_bound_the_operator():
    shape = (9, 14)
    points = some_points(200, shape) * 0.7
    toeplitz, matrix = toeplitz_of(points, some_weights(200) * 0 + 1, shape), dense(points, shape)
    largest = float(torch.linalg.svdvals(matrix)[0] ** 2)
    assert largest <= float(toeplitz.spectra.max()) * 4


def test_single_precision():
    points, x = some_points(200, (20, 24)), randn(20, 24)
    wanted = dense(points, (20, 24)) @ x.flatten()
    got = NonUniformFourier(points=points.float(), shape=(20, 24), tolerance=1e-5).forward(x.to(torch.complex64))
    assert got.dtype == torch.complex64
    assert torch.linalg.vector_norm(got - wanted) < 3e-5 * torch.linalg.vector_norm(wanted)


def test_preconditioning_keeps_the_solution():
    shape = (24, 24)
    angle = torch.arange(40).double() * math.pi / 40
    radius = torch.arange(-24, 24).double() / 2
    points = torch.stack([torch.outer(angle.cos(), radius), torch.outer(angle.sin(), radius)], -1).reshape(-1, 2)
    spread = point_spread(points, torch.ones(len(points), dtype=torch.float64), shape, 1e-14)
    operator = Toeplitz(spectra=spectra_of(spread, (True, True)), shape=shape, doubled=(True, True))
    diagonal = circulant_spectrum(spread, torch.ones(1, *shape, dtype=torch.complex128), (True, True)) + 0.1
    normal = lambda x: operator.forward(x) + 0.1 * x  # noqa: E731
    inverse = lambda x: torch.fft.ifftn(torch.fft.fftn(x) / diagonal)  # noqa: E731
    right = operator.forward(randn(*shape))
    plain = conjugate_gradient(normal, right, iterations=500, tolerance=1e-8)
    quick = conjugate_gradient(normal, right, iterations=500, tolerance=1e-8, precondition=inverse)
    assert torch.linalg.vector_norm(plain.value - quick.value) < 1e-6 * torch.linalg.vector_norm(plain.value)
    assert quick.iterations < 0.6 * plain.iterations


def test_bad_points():
    with pytest.raises(ShapeError, match="points"):
        NonUniformFourier(points=some_points(4, (5, 5)), shape=(5,))
    with pytest.raises(ValueRangeError, match="NaN"):
        NonUniformFourier(points=some_points(4, (5,)) * torch.nan, shape=(5,))
    with pytest.raises(ShapeError, match="Toeplitz"):
        Toeplitz(spectra=torch.ones(2, 5, 5), shape=(5, 5), doubled=(True, True))


@pytest.mark.parametrize("count", [1, 3])
def test_the_same_bytes_on_two_threads(count):
    generator = torch.Generator().manual_seed(5)
    points = (torch.rand(40_000, 2, generator=generator) - 0.5) * 100
    y = torch.randn(count, 40_000, dtype=torch.complex64, generator=generator)
    made = {NonUniformFourier(points=points, shape=(128, 128), threads=n).adjoint(y).numpy().tobytes() for n in [2] * 20}
    assert len(made) == 1
