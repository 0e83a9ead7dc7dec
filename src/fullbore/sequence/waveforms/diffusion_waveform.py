"""What a b-tensor's gradients are and do: timing, waveform, and the exact forms of the knots' values."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from fullbore.data import Gradient
from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffusionTiming:
    """Two lobes about a refocusing pulse: lengths of the first lobe, of the pause for the pulse, and of the second lobe."""

    first_s: float
    pause_s: float
    second_s: float

    @property
    def duration_s(self) -> float:
        """From the start of the first lobe to the end of the second."""
        return self.first_s + self.pause_s + self.second_s


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BTensorWaveform:
    """Gradients as played, linear through knots: times_s (knot,), values_T_per_m (knot, 3), 0 during the pause.

    b_tensor_s_per_m2: (3, 3); its trace is the b-value (1e9 s/m2 = 1000 s/mm2).
    """

    times_s: np.ndarray
    values_T_per_m: np.ndarray
    timing: DiffusionTiming
    b_tensor_s_per_m2: np.ndarray
    maxwell_index_T2_s_per_m2: float

    @property
    def b_s_per_m2(self) -> float:
        """The b-value."""
        return float(np.trace(self.b_tensor_s_per_m2))

    @property
    def efficiency(self) -> float:
        """4 b / (gamma^2 g^2 T^3) with the largest length of the gradient: 1/3 for Stejskal and Tanner without ramps or pause."""
        peak = np.linalg.norm(self.values_T_per_m, axis=1).max()
        return float(4 * self.b_s_per_m2 / ((GYROMAGNETIC_RATIO_RAD_PER_S_T * peak) ** 2 * self.timing.duration_s**3))

    def moment(self, order: int) -> np.ndarray:
        """integral of the effective gradient (turned over by the refocusing pulse) times t^order, (3,)."""
        forms = Forms(self.times_s, self.timing)
        return np.asarray(forms.moments(order + 1)[order] @ self.values_T_per_m)

    def lobes(self) -> tuple[tuple[Gradient, ...], tuple[Gradient, ...]]:
        """The x, y, z gradients of the first lobe and of the second, each from time 0 of its own."""
        split = self.timing.first_s + 0.5 * self.timing.pause_s
        parts = []
        for inside, origin in (
            (self.times_s < split, 0.0),
            (self.times_s > split, self.timing.duration_s - self.timing.second_s),
        ):
            times = self.times_s[inside] - origin
            times[0] = 0.0
            parts.append(tuple(Gradient(times_s=times, values_T_per_m=v.copy()) for v in self.values_T_per_m[inside].T))
        return parts[0], parts[1]

    def scaled(self, share: float) -> BTensorWaveform:
        """All gradients times a share."""
        return replace(
            self,
            values_T_per_m=self.values_T_per_m * share,
            b_tensor_s_per_m2=self.b_tensor_s_per_m2 * share**2,
            maxwell_index_T2_s_per_m2=self.maxwell_index_T2_s_per_m2 * share**2,
        )

    def turned(self, rotation: Float[np.ndarray, "3 3"]) -> BTensorWaveform:
        """In another frame: gradients rotation @ g."""
        tensor = rotation @ self.b_tensor_s_per_m2 @ rotation.T
        return replace(self, values_T_per_m=self.values_T_per_m @ rotation.T, b_tensor_s_per_m2=tensor)


class Forms:
    """Exact forms of the knots' values: q and moments are linear, b-tensor and Maxwell terms quadratic."""

    def __init__(self, times_s: Float[np.ndarray, " knot"], timing: DiffusionTiming) -> None:
        self.times, self.step = times_s, np.diff(times_s)
        middle = 0.5 * (times_s[1:] + times_s[:-1])
        self.side = np.where(middle < timing.first_s + 0.5 * timing.pause_s, 1.0, -1.0)

    def moments(self, orders: int) -> Float[np.ndarray, "order knot"]:
        """Weights of the effective moments."""
        share, weight = (np.polynomial.legendre.leggauss(3)[0] + 1) / 2, np.polynomial.legendre.leggauss(3)[1] / 2
        out = np.zeros((orders, len(self.times)))
        for n in range(orders):
            at = (self.times[:-1, None] + share * self.step[:, None]) ** n * weight * (self.side * self.step)[:, None]
            out[n, :-1] += (at * (1 - share)).sum(axis=1)
            out[n, 1:] += (at * share).sum(axis=1)
        return out

    def b_form(self) -> Float[np.ndarray, "knot knot"]:
        """Q of B = gamma^2 G^T Q G: integral of (integral of the effective gradient)^2."""
        n = len(self.step)
        whole = np.zeros((n + 1, n + 1))  # area up to each knot, of the knots' values
        for j in range(n):
            whole[j + 1] = whole[j]
            whole[j + 1, j : j + 2] += 0.5 * self.side[j] * self.step[j]
        form = np.zeros((n + 1, n + 1))
        i = np.arange(n)
        for share, weight in zip(*np.polynomial.legendre.leggauss(3), strict=True):
            part = (share + 1) / 2
            rows = whole[:-1].copy()
            rows[i, i] += self.side * self.step * (part - 0.5 * part**2)
            rows[i, i + 1] += self.side * self.step * 0.5 * part**2
            form += (rows * (0.5 * weight * self.step)[:, None]).T @ rows
        return form

    def square_form(self, weights: Float[np.ndarray, " step"]) -> Float[np.ndarray, "knot knot"]:
        """W of integral weight g g^T dt = G^T W G."""
        n, length = len(self.step), weights * self.step
        form = np.zeros((n + 1, n + 1))
        i = np.arange(n)
        form[i, i] += length / 3
        form[i + 1, i + 1] += length / 3
        form[i, i + 1] += length / 6
        form[i + 1, i] += length / 6
        return form
