"""exp(-2 pi i f t) as a short sum of products: what off-resonance does to samples, in as many transforms as it has terms.

exp(-2 pi i f t) = sum_l b_l(t) c_l(f) for the frequencies that occur and the times of the samples, by a truncated singular
value decomposition: no other choice of as few terms is nearer in the mean square. Time segmentation with interpolators fitted to
the histogram of f is the special case c_l(f) = exp(-2 pi i f t_l). The number of terms grows with (range of f) x (range of t).
Sources: Sutton, Noll and Fessler, IEEE Trans Med Imaging 22:178 (2003); Fessler et al., IEEE Trans Signal Process 53:3393
(2005), section V.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from fullbore.errors import LimitError, ValueRangeError

# Points of the lattices per cycle of (range of f) x (range of t), and at least; both are smooth functions.
_PER_CYCLE, _FEWEST = 5.0, 32
_MOST_CYCLES = 400.0
_CHUNK = 1 << 16
# Terms smaller than this, relative to the first, are rounding.
_NEGLIGIBLE = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhaseFactors:
    """The terms as functions.

    frequencies_Hz: where they were fitted; middle_Hz is treated exactly. right: c_l there, orthonormal, (term, frequency).
    times_s, left: where and how u_l / s_l gives c_l at other frequencies, (time, term). error: the largest that was found.
    """

    middle_Hz: float
    frequencies_Hz: Float[np.ndarray, " frequency"]
    times_s: Float[np.ndarray, " time"]
    right: Complex[np.ndarray, "term frequency"]
    left: Complex[np.ndarray, "time term"]
    error: float

    @property
    def terms(self) -> int:
        """How many products there are."""
        return len(self.right)

    def of_times(self, times_s: Float[np.ndarray, "*shape"]) -> Complex[Tensor, "term ..."]:
        """b_l(t)."""
        unique, place = np.unique(np.round(times_s.reshape(-1), 10), return_inverse=True)
        turned = np.exp(-2j * np.pi * np.outer(unique, self.frequencies_Hz)) @ self.right.conj().T
        turned *= np.exp(-2j * np.pi * self.middle_Hz * unique)[:, None]
        result = turned.astype(np.complex64)[place.reshape(-1)].T.reshape(self.terms, *times_s.shape)
        return torch.from_numpy(np.ascontiguousarray(result))

    def of_field(self, field_Hz: Float[np.ndarray, "*shape"]) -> Complex[Tensor, "term ..."]:
        """c_l(f)."""
        flat = field_Hz.reshape(-1) - self.middle_Hz
        result = np.empty((self.terms, flat.size), dtype=np.complex64)
        for first in range(0, flat.size, _CHUNK):
            part = flat[first : first + _CHUNK]
            result[:, first : first + _CHUNK] = self.left.T @ np.exp(-2j * np.pi * np.outer(self.times_s, part))
        return torch.from_numpy(result.reshape(self.terms, *field_Hz.shape))


def phase_factors(
    field_Hz: Float[np.ndarray, "*voxels"], times_s: Float[np.ndarray, "*samples"], error: float, most: int | None = None
) -> PhaseFactors:
    """As few terms as keep |exp(-2 pi i f t) - sum| below `error` for every frequency that occurs and every time.

    most: terms at most; then the error is what it is, and is told. Only parts of the range of f that hold voxels count.
    Errors: ValueRangeError for NaN; LimitError for more than 400 cycles between extremes of f over the time of the samples.
    """
    if not (np.all(np.isfinite(field_Hz)) and np.all(np.isfinite(times_s))):
        raise ValueRangeError("off-resonance: NaN or infinity in the field or in the times of the samples. Fill or mask it.")
    low, high = float(field_Hz.min()), float(field_Hz.max())
    first, last = float(times_s.min()), float(times_s.max())
    cycles = (high - low) * (last - first)
    if cycles > _MOST_CYCLES:
        raise LimitError(
            f"off-resonance: a range of {high - low:.0f} Hz over {1e3 * (last - first):.1f} ms is {cycles:.0f} cycles, limit "
            f"{_MOST_CYCLES:.0f}. Check that the map is in Hz, and mask what lies outside the body."
        )
    middle, points = 0.5 * (low + high), _FEWEST + math.ceil(_PER_CYCLE * cycles)
    frequencies = _occupied(field_Hz.reshape(-1) - middle, 0.5 * (high - low), points)
    times = np.linspace(first, last, points)
    left, size, right = np.linalg.svd(np.exp(-2j * np.pi * np.outer(times, frequencies)), full_matrices=False)
    kept = min(int(np.count_nonzero(size > _NEGLIGIBLE * size[0])), most or len(size))
    whole = PhaseFactors(
        middle_Hz=middle,
        frequencies_Hz=frequencies,
        times_s=times,
        right=right[:kept],
        left=left[:, :kept].conj() / size[:kept],
        error=0.0,
    )
    return _cut(whole, error)


def _occupied(offset_Hz: Float[np.ndarray, " voxel"], reach: float, points: int) -> Float[np.ndarray, " frequency"]:
    """Those of evenly spaced frequencies that have a voxel between themselves and a neighbour's neighbour."""
    lattice = np.linspace(-reach, reach, points)
    if reach == 0:
        return lattice[:1]
    held = np.histogram(offset_Hz, bins=np.linspace(-reach, reach, points))[0] > 0
    near = np.convolve(held, np.ones(4), mode="full")[1 : points + 1] > 0
    return lattice[near]


def _cut(whole: PhaseFactors, error: float) -> PhaseFactors:
    """The first terms, enough for the error at times and frequencies between those of the lattices."""
    times = np.linspace(whole.times_s[0], whole.times_s[-1], 2 * len(whole.times_s) + 1)
    known = whole.frequencies_Hz
    gaps = np.diff(known)
    near = gaps < 1.5 * gaps.min(initial=np.inf)
    frequencies = np.concatenate([known, (known[:-1] + 0.5 * gaps)[near]])
    rest = np.exp(-2j * np.pi * np.outer(times, frequencies))
    by_time = np.exp(-2j * np.pi * np.outer(times, known)) @ whole.right.conj().T
    by_field = whole.left.T @ np.exp(-2j * np.pi * np.outer(whole.times_s, frequencies))
    for terms in range(1, whole.terms + 1):
        rest -= np.outer(by_time[:, terms - 1], by_field[terms - 1])
        largest = float(np.abs(rest).max())
        if largest <= error:
            break
    return replace(whole, right=whole.right[:terms], left=whole.left[:, :terms], error=largest)
