"""Few patterns for what all spins of a narrow cell do during an evenly sampled straight readout.

From the readout's middle sample a spin goes on as exp(-2 pi i u j - R2 dwell j), with u cycles per sample. Measured from
its cell's middle, u lies within half a pixel, and the patterns of all spins span a handful of dimensions: a singular value
decomposition finds them, Chebyshev polynomials in (u, R2) give each spin's part in them.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex64, Float, Int
from numpy.polynomial import chebyshev

from fullbore.simulate.nodes import chebyshev_nodes, chebyshev_terms


class LineBasis:
    """Patterns of one number of samples and one dwell time, for rates between two bounds."""

    def __init__(self, samples: int, dwell_s: float, rates_per_s: tuple[float, float], tolerance: float):
        self._j = np.arange(samples) - samples // 2
        self._cells_per_cycle = samples
        self._low, self._high = rates_per_s
        self._half_width = 0.5 / samples
        self._orders = (
            chebyshev_terms(np.pi * self._half_width * samples, tolerance),
            chebyshev_terms(0.5 * (self._high - self._low) * samples * dwell_s, tolerance),
        )
        u = chebyshev_nodes(self._orders[0], -self._half_width, self._half_width)
        rate = chebyshev_nodes(self._orders[1], self._low, self._high)
        exponent = 2j * np.pi * u[:, None, None] + dwell_s * rate[None, :, None]
        pattern = np.exp(-exponent * self._j).reshape(-1, samples)
        _, size, vectors = np.linalg.svd(pattern, full_matrices=False)
        kept = int((size > tolerance * size[0]).sum())
        self._patterns, self._shares, self._tolerance = vectors[:kept], size[:kept] / size[0], tolerance
        grids = np.meshgrid(u / self._half_width, self._scaled(rate), indexing="ij")
        vandermonde = chebyshev.chebvander2d(grids[0].ravel(), grids[1].ravel(), [n - 1 for n in self._orders])
        self._coefficients = np.linalg.solve(vandermonde, pattern @ self._patterns.conj().T)

    @property
    def rank(self) -> int:
        """Number of patterns."""
        return len(self._patterns)

    def rank_of(self, size: float) -> int:
        """Number of patterns that count for a signal of this size beside one of size one."""
        return max(1, int((size * self._shares > self._tolerance).sum()))

    def cells(self, u: Float[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
        """The cell of each spin."""
        return np.floor(u * self._cells_per_cycle + 0.5).astype(np.int64)

    def parts(
        self, u: Float[np.ndarray, " n"], cell: Int[np.ndarray, " n"], rate_per_s: Float[np.ndarray, " n"]
    ) -> Complex64[np.ndarray, "n r"]:
        """Each spin's part in the patterns."""
        offset = (u - cell / self._cells_per_cycle) / self._half_width
        terms = chebyshev.chebvander2d(offset, self._scaled(rate_per_s), [n - 1 for n in self._orders])
        return np.asarray((terms @ self._coefficients).astype(np.complex64))

    def patterns(self, cell: int) -> Complex64[np.ndarray, "r sample"]:
        """The patterns as spins of this cell play them."""
        return np.asarray((self._patterns * np.exp(-2j * np.pi * cell / self._cells_per_cycle * self._j)).astype(np.complex64))

    def _scaled(self, rate: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        return np.asarray((2 * rate - self._low - self._high) / max(self._high - self._low, 1e-9))
