"""exp(2 pi i (f - g) t) as a short sum over few times, for all pairs of frequencies: a normal operator with off-resonance.

A^H A of samples at k_j, t_j couples voxels r and q by sum_j w_j exp(2 pi i k_j . (r - q)) exp(2 pi i (f_r - f_q) t_j). With
    exp(2 pi i d t) = sum_m a_m(t) exp(2 pi i d t_m),   |d| <= the range of the field,
it is a sum of as many convolutions as there are terms, each between two turns of the image. The a_m are real, since d and -d
both occur. Source: Fessler et al., IEEE Trans Signal Process 53:3393 (2005).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from fullbore.errors import ShapeError
from fullbore.numerics.linear_operator import LinearOperator
from fullbore.numerics.toeplitz import Toeplitz

_POINTS_PER_CYCLE, _FEWEST_POINTS = 6.0, 40
_RANK_CUT = 1e-5
# Times crowd a little towards both ends, as sin(s u) of even u does: fewer of them are needed, and no weight is large.
_CROWDING = 0.4 * math.pi


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TimeSegments:
    """times_s: t_m. solution: from cosines and sines of all differences to a_m. error: the largest that was found."""

    times_s: Float[np.ndarray, " term"]
    differences_Hz: Float[np.ndarray, " difference"]
    solution: Float[np.ndarray, "term twice"]
    error: float

    def weights(self, times_s: Float[np.ndarray, " sample"]) -> Float[np.ndarray, "term sample"]:
        """a_m(t)."""
        unique, place = np.unique(np.round(times_s, 10), return_inverse=True)
        return np.asarray((self.solution @ _waves(self.differences_Hz, unique))[:, place.reshape(-1)])


def time_segments(range_Hz: float, first_s: float, last_s: float, error: float, most: int | None = None) -> TimeSegments:
    """As few times as keep the error below `error`; `most` at most."""
    cycles = range_Hz * (last_s - first_s)
    differences = np.linspace(0, range_Hz, _FEWEST_POINTS + math.ceil(_POINTS_PER_CYCLE * cycles))
    trials = np.linspace(first_s, last_s, 2 * len(differences) + 1)
    wanted = _waves(differences, trials)
    count = min(1 + math.ceil(2 * cycles), most or 1 << 30)
    while True:
        even = np.linspace(-1, 1, count) if count > 1 else np.zeros(1)
        times = 0.5 * (first_s + last_s) + 0.5 * (last_s - first_s) * np.sin(_CROWDING * even) / math.sin(_CROWDING)
        model = _waves(differences, times)
        solution = np.linalg.pinv(model, rcond=_RANK_CUT)
        rest = (model @ (solution @ wanted) - wanted).reshape(2, len(differences), -1)
        largest = float(np.hypot(*rest).max())
        if largest <= error or count >= (most or len(differences)):
            return TimeSegments(times_s=times, differences_Hz=differences, solution=solution, error=largest)
        count += 1


def _waves(differences: Float[np.ndarray, " difference"], times: Float[np.ndarray, " time"]) -> Float[np.ndarray, "twice time"]:
    angle = 2 * np.pi * np.outer(differences, times)
    return np.concatenate([np.cos(angle), np.sin(angle)])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhasedToeplitz(LinearOperator):
    """sum_m conj(E_m) T_m E_m: Hermitian, so forward = adjoint.

    turns: E_m, (term, *grid). convolutions: T_m.
    """

    turns: Complex[Tensor, "term ..."]
    convolutions: tuple[Toeplitz, ...]

    def __post_init__(self) -> None:
        if len(self.turns) != len(self.convolutions) or tuple(self.turns.shape[1:]) != self.convolutions[0].shape:
            got = f"{tuple(self.turns.shape)} and {len(self.convolutions)} convolutions on {self.convolutions[0].shape}"
            raise ShapeError(f"PhasedToeplitz: got turns {got}, wanted (term, *grid) for as many.")

    @property
    def shape(self) -> tuple[int, ...]:
        """The grid."""
        return self.convolutions[0].shape

    @property
    def domain_shape(self) -> tuple[int, ...]:
        """The grid."""
        return self.shape

    @property
    def range_shape(self) -> tuple[int, ...]:
        """The grid."""
        return self.shape

    def _forward(self, x: Tensor) -> Tensor:
        result = torch.zeros_like(x)
        for turn, convolution in zip(self.turns, self.convolutions, strict=True):
            result.addcmul_(turn.conj(), convolution.forward(x * turn))
        return result

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._forward(y)

    def _normal(self, x: Tensor) -> Tensor:
        return self._forward(self._forward(x))
