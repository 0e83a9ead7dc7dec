"""Image and coil maps at once from samples with gaps: regularised nonlinear inversion.

The samples are P F (rho c_j), with smooth c_j: their k-space is divided by a steep power of |k|, so that what is not smooth
costs much. A Gauss-Newton step solves for the change of rho and all c_j by conjugate gradients; the regularisation towards
the start halves from step to step. Source: Uecker et al., Magn Reson Med 60:674 (2008), eqs. 6 to 11.
"""

from __future__ import annotations

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from fullbore.numerics.conjugate_gradient import conjugate_gradient
from fullbore.numerics.fourier import fft_centred, ifft_centred
from fullbore.recon.recipe import NlInv

_AXES = (-3, -2, -1)
# The data are brought to this norm, for which a first regularisation of 1 suits; the power is the published one.
_NORM = 100.0
_POWER = 16.0
# Voxels across the field of view for which the smoothness was published.
_PUBLISHED_GRID = 256
_TOLERANCE = 1e-2


def joint_estimate(
    kspace: Complex[Tensor, "coil kz ky kx"], mask: Float[Tensor, "kz ky kx"], recipe: NlInv
) -> tuple[Complex[Tensor, "z y x"], Complex[Tensor, "coil z y x"]]:
    """Image and maps on the grid of `kspace`, k = 0 at n // 2; only their product is determined.

    mask: 1 where `kspace` was measured. The maps' phase and size are free; normalise them as needed.
    """
    data = kspace * mask
    data = data * (_NORM / torch.linalg.vector_norm(data).clamp_min(1e-30))
    smooth = _smoothing(tuple(kspace.shape[1:]), recipe.smoothness).to(data.device)
    start = torch.zeros((1 + kspace.shape[0], *kspace.shape[1:]), dtype=data.dtype, device=data.device)
    start[0] = 1
    state, regularisation = start, 1.0
    for _ in range(recipe.newton):
        state = state + _step(state, start, data, mask, smooth, regularisation, recipe.iterations)
        regularisation /= 2
    return state[0], ifft_centred(state[1:] * smooth, _AXES)


def _step(
    state: Complex[Tensor, "part z y x"],
    start: Complex[Tensor, "part z y x"],
    data: Complex[Tensor, "coil z y x"],
    mask: Float[Tensor, "z y x"],
    smooth: Float[Tensor, "z y x"],
    regularisation: float,
    iterations: int,
) -> Complex[Tensor, "part z y x"]:
    """Solution of (D^H D + a) change = D^H (data - model(state)) + a (start - state), D the derivative at `state`."""
    image, maps = state[0], ifft_centred(state[1:] * smooth, _AXES)

    def derivative(change: Tensor) -> Tensor:
        return mask * fft_centred(change[0] * maps + image * ifft_centred(change[1:] * smooth, _AXES), _AXES)

    def adjoint(samples: Tensor) -> Tensor:
        folded = ifft_centred(mask * samples, _AXES)
        return torch.cat([(maps.conj() * folded).sum(0, keepdim=True), smooth * fft_centred(image.conj() * folded, _AXES)])

    rest = data - mask * fft_centred(image * maps, _AXES)
    return conjugate_gradient(
        lambda x: adjoint(derivative(x)).add_(x, alpha=regularisation),
        adjoint(rest) + regularisation * (start - state),
        iterations=iterations,
        tolerance=_TOLERANCE,
    ).value


def _smoothing(shape: tuple[int, ...], smoothness: float) -> Float[Tensor, "z y x"]:
    """(1 + smoothness |k|^2)^-power, |k| in cycles per field of view over 256."""
    distance = torch.zeros(shape, dtype=torch.float64)
    for axis, n in enumerate(shape):
        k = (torch.arange(n, dtype=torch.float64) - n // 2) / _PUBLISHED_GRID
        distance += k.square().reshape(n, *([1] * (len(shape) - axis - 1)))
    return torch.exp(-_POWER * torch.log1p(smoothness * distance)).to(torch.float32)
