"""One evenly sampled straight readout by gridding: spins spread on a fine periodic grid, transformed, and corrected.

For readouts of many directions, where sorting spins into cells does not pay. The rate of a spin's decay enters through a few
polynomials, each with a grid of its own. Kernel: Barnett, Magland and af Klinteberg 2019 (SIAM J Sci Comput 41, C479),
exp(beta (sqrt(1 - x^2) - 1)), upsampling by two, beta = 2.3 width.
"""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Complex64, Float, Float32
from numpy.polynomial import chebyshev

from fullbore.simulate.nodes import chebyshev_nodes, chebyshev_terms

WIDTH = 8
DEGREE = 12
BETA = 2.3 * WIDTH


class LineGrid:
    """Gridding for one number of samples and one dwell time, for rates between two bounds."""

    def __init__(self, samples: int, dwell_s: float, rates_per_s: tuple[float, float], tolerance: float):
        self._points = 2 * max(samples, WIDTH)
        self._low, self._span = rates_per_s[0], max(rates_per_s[1] - rates_per_s[0], 1e-9)
        self._j = np.arange(samples) - samples // 2
        count = chebyshev_terms(0.5 * (rates_per_s[1] - rates_per_s[0]) * samples * dwell_s, tolerance)
        nodes = chebyshev_nodes(count, -1.0, 1.0)
        decay = np.exp(-(self._low + 0.5 * (nodes[:, None] + 1) * self._span) * dwell_s * self._j)
        self._decays = np.linalg.solve(chebyshev.chebvander(nodes, count - 1), decay) / _transform(self._j / self._points)

    def terms(self, rate_per_s: Float[np.ndarray, " n"]) -> Float32[np.ndarray, "n q"]:
        """Each spin's part in the grids."""
        scaled = 2 * (rate_per_s - self._low) / self._span - 1
        return chebyshev.chebvander(scaled, self._decays.shape[0] - 1).astype(np.float32)

    def samples(
        self, u: Float[np.ndarray, " n"], terms: Float32[np.ndarray, "n q"], seen: Complex64[np.ndarray, "n coil"]
    ) -> Complex64[np.ndarray, "coil sample"]:
        """Sum over spins of seen * exp(-2 pi i u j) * decay, j counted from the middle; u in cycles per sample."""
        coils = seen.shape[1]
        grid = np.zeros((self._points + WIDTH, terms.shape[1] * 2 * coils), np.float32)
        _spread(u, terms, seen.view(np.float32), _TAPS, self._points, grid)
        grid[:WIDTH] += grid[self._points :]
        lines = np.fft.fft(grid[: self._points].view(np.complex64), axis=0)[self._j].reshape(len(self._j), -1, coils)
        return np.asarray(np.einsum("jqc,qj->cj", lines, self._decays).astype(np.complex64))


def _kernel(x: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    return np.exp(BETA * (np.sqrt(np.clip(1 - (2 * x / WIDTH) ** 2, 0, None)) - 1))


def _transform(frequency: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Fourier transform of the kernel, by Gauss-Legendre quadrature."""
    node, weight = np.polynomial.legendre.leggauss(64)
    x = 0.5 * WIDTH * node
    return np.asarray(np.cos(2 * np.pi * np.outer(frequency, x)) @ (0.5 * WIDTH * weight * _kernel(x)))


def _tap_polynomials() -> Float32[np.ndarray, "degree1 tap"]:
    """Each tap as a polynomial of 2 f - 1, f the spin's place between grid points; highest power first."""
    node = chebyshev_nodes(4 * DEGREE, -1.0, 1.0)
    distance = np.arange(WIDTH) - (WIDTH // 2 - 1) - 0.5 * (node[:, None] + 1)
    return np.asarray(np.polynomial.polynomial.polyfit(node, _kernel(distance), DEGREE)[::-1].astype(np.float32))


_TAPS = _tap_polynomials()


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _spread(u, terms, seen, taps, points, out):
    """seen: float32 (n, 2 coils), real and imaginary parts. out: (points + width, q * 2 coils), added to."""
    width, pairs, order = taps.shape[1], seen.shape[1], terms.shape[1]
    tap, value = np.empty(width, np.float32), np.empty(order * pairs, np.float32)
    for n in range(u.shape[0]):
        where = (u[n] - np.floor(u[n])) * points
        base = int(where)
        t = np.float32(2.0 * (where - base) - 1.0)
        for i in range(width):
            tap[i] = taps[0, i]
        for d in range(1, taps.shape[0]):
            for i in range(width):
                tap[i] = tap[i] * t + taps[d, i]
        for q in range(order):
            for k in range(pairs):
                value[q * pairs + k] = terms[n, q] * seen[n, k]
        first = base - (width // 2 - 1)
        if first < 0:
            first += points
        for i in range(width):
            line, w = out[first + i], tap[i]
            for k in range(value.shape[0]):
                line[k] += w * value[k]
