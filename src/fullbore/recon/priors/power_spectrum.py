"""How much signal to expect at every spatial frequency, read off the data themselves.

With the power S(k) of the image and white noise of variance 1, the quadratic prior sum_k |X(k)|^2 / S(k) makes least
squares the Wiener filter of the measurement: high frequencies, which hold little and are measured thinly, are no longer
fitted to noise. S is taken from the samples' mean power in shells of |k|, less the noise.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

_SHELLS = 25
_INNERMOST = 1.5
# Power that noise hides is taken to be this fraction of the noise.
_HIDDEN = 0.05


def power_of_shells(shape: tuple[int, ...], radii: Float[Tensor, " n"], power: Float[Tensor, " n"]) -> Float[Tensor, "*shape"]:
    """S on the grid `shape`, zero frequency first, in units of the noise variance of one sample.

    radii: |k| of the samples, 1 at the edge of the grid's k-space. power: of the image (summed over whitened channels,
        less their noise) in each sample. Logarithmic interpolation between shells that widen with |k|.
    """
    cells = max(shape) / 2
    edges = np.concatenate([[0.0], np.geomspace(_INNERMOST, max(2 * _INNERMOST, cells * math.sqrt(len(shape))), _SHELLS)])
    at = radii.cpu().double().numpy() * cells
    shell = np.digitize(at, edges) - 1
    count = np.bincount(shell, minlength=len(edges))
    held = count > 0
    centre = np.bincount(shell, at, len(edges))[held] / count[held]
    mean = np.bincount(shell, power.cpu().double().numpy(), len(edges))[held] / count[held]
    grid = radius_grid(shape).numpy() * cells
    line = np.interp(np.log(np.maximum(grid, 0.5)), np.log(np.maximum(centre, 0.5)), np.log(np.maximum(mean, _HIDDEN)))
    line = np.where(grid > at.max() + 0.5, np.log(_HIDDEN), line)  # what was not measured is not made up
    return torch.from_numpy(np.exp(line).astype(np.float32)).to(power.device)


def radius_grid(shape: tuple[int, ...]) -> Float[Tensor, "*shape"]:
    """|k| of every point, zero frequency first, 1 at the edge along each axis."""
    result = torch.zeros(())
    for axis, n in enumerate(shape):
        line = torch.fft.fftfreq(n) * 2 if n > 1 else torch.zeros(1)
        result = result + line.square().reshape(n, *[1] * (len(shape) - axis - 1))
    return result.sqrt()
