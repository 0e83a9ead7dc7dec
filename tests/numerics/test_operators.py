"""Every linear operator keeps the contract; the fused one equals its parts."""

# TRUTHS of operators: each leaf keeps check_operator | the contract catches a wrong adjoint | slice encoding = Mask F S per slice
#   | composition of misfits raises | centred FFT = definition, even and odd | unitary | a centred point has a flat spectrum

import math

import pytest
import torch

from fullbore.errors import ShapeError
from fullbore.numerics.fourier import Fourier, fft_centred, ifft_centred
from fullbore.numerics.mask import Mask
from fullbore.numerics.rigid_warp import RigidWarp
from fullbore.numerics.sensitivity import Sensitivity, SliceEncoding
from fullbore.numerics.wavelet import Wavelet
from tests.contracts.check_operator import check_operator

SEED = torch.Generator().manual_seed(0)


def randn(*shape):
    return torch.randn(*shape, dtype=torch.complex128, generator=SEED)


def some_mask(*shape):
    return (torch.rand(*shape, generator=SEED) > 0.5).double()


OPERATORS = {
    "fourier": Fourier(shape=(3, 6, 7)),
    "mask": Mask(weights=some_mask(4, 5) * 1.5),
    "sensitivity": Sensitivity(maps=randn(3, 2, 4, 5)),
    "slices": SliceEncoding(maps=randn(1, 5, 3, 6, 7), mask=some_mask(6, 7), block_bytes=2000),
    "two parts": SliceEncoding(maps=randn(2, 5, 3, 6, 7), mask=some_mask(6, 7), block_bytes=2000),
    "thin slices": SliceEncoding(maps=randn(1, 5, 3, 1, 8), mask=some_mask(1, 8)),
    "rigid warp": RigidWarp(shape=(6, 7, 8), spacing=(1.0, 1.5, 0.8), rotation=(0.2, -0.1, 0.3), shift=(0.4, -1.2, 2.0)),
    "wavelet": Wavelet(shape=(17, 1, 36), name="db2", levels=3),
    "compose": Mask(weights=some_mask(3, 2, 4, 5)) @ Fourier(shape=(3, 2, 4, 5)) @ Sensitivity(maps=randn(3, 2, 4, 5)),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_contract(name):
    op = OPERATORS[name]
    check_operator(op, randn(*op.domain_shape))


class WrongAdjoint(Mask):
    def _adjoint(self, y):
        return 2 * y * self.weights


def test_contract_catches_a_wrong_adjoint():
    with pytest.raises(AssertionError):
        check_operator(WrongAdjoint(weights=some_mask(4, 5)), randn(4, 5))


@pytest.mark.parametrize("shape", [(6, 8), (5, 7), (1, 10)])
def test_slice_encoding_equals_its_parts(shape):
    maps, mask, x = randn(4, 3, *shape), some_mask(*shape), randn(4, *shape)
    whole = SliceEncoding(maps=maps[None], mask=mask)
    for index in range(4):
        parts = (
            Mask(weights=mask.expand(3, 1, *shape))
            @ Batched(inner=Fourier(shape=shape), copies=(3, 1))
            @ Sensitivity(maps=maps[index, :, None])
        )
        assert torch.allclose(whole.forward(x[None])[index, :, None], parts.forward(x[index][None]), atol=1e-12)


class Batched(Fourier):
    """Fourier over the last axes, with the batch axes counted into its shape."""

    def __init__(self, inner, copies):
        object.__setattr__(self, "shape", (*copies, *inner.shape))

    def _axes(self):
        return (-2, -1)


def test_misfits_do_not_compose():
    with pytest.raises(ShapeError, match="takes"):
        Fourier(shape=(4, 4)) @ Mask(weights=torch.ones(4, 5))
    with pytest.raises(ShapeError, match="SliceEncoding"):
        SliceEncoding(maps=randn(1, 2, 2, 3, 4), mask=torch.ones(4, 4, dtype=torch.float64))


@pytest.mark.parametrize("n", [1, 2, 6, 7, 8, 9])
def test_centred_transform_is_its_definition(n):
    x, index = randn(n), torch.arange(n) - n // 2
    kernel = torch.exp(-2j * math.pi * torch.outer(index, index).double() / n) / math.sqrt(n)
    assert torch.allclose(fft_centred(x, (-1,)), kernel @ x, atol=1e-13)
    assert torch.allclose(ifft_centred(fft_centred(x, (-1,)), (-1,)), x, atol=1e-13)


def test_centred_point_has_a_flat_spectrum():
    x = torch.zeros(2, 6, 9, dtype=torch.complex64)
    x[:, 3, 4] = 1
    assert torch.allclose(fft_centred(x, (-2, -1)), torch.full_like(x, 1 / math.sqrt(54)), atol=1e-7)
