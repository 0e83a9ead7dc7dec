"""T2 and the transmit field from the echoes of a multi-spin-echo train."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from fullbore.errors import DataError
from fullbore.quant.separable import Basis, best_of_grid, fit_separable, standard_deviations
from fullbore.quant.signal_model import Estimate, Estimates, Samples, SignalModel, status_of
from fullbore.signal import constant_flip_train

GRID_T2, GRID_FLIP = 24, 28  # late echoes oscillate with the flip: 28 flips over 90 degrees follow 32 echoes
LOWEST_B1 = 0.5
LOWEST_COSINE = -1.05  # noise may carry the estimate below -1, where the train's polynomial goes on; see constant_flip_train


@dataclass(frozen=True, slots=True, kw_only=True)
class SpinEchoTrain(SignalModel):
    """Echoes of a crushed CPMG train of one nominal refocusing flip: extended phase graphs in T2 and B1, one complex amplitude.

    Uses the frames without an inversion time; their echo times are multiples of the echo spacing. Stimulated echoes tell B1
    through the cosine of the refocusing flip alone, so a flip and 360 degrees minus it cannot be told apart: B1 is reported as
    its equivalent at or below 180 degrees (nominal 180: 1.1 reads 0.9), from 0.5 up. Maps: T2, B1, and M0, the signal at the
    centre of the excitation. t1_s: assumed T1 (its error is not in the standard deviations); the T1T2 model measures it.
    Source: Prasloski 2012, Magn Reson Med 67:1803.
    """

    t1_s: float = 1.2
    t2_range_s: tuple[float, float] = (0.005, 5.0)

    def estimate(self, samples: Samples) -> Estimates:
        """T2 (s), B1 and M0 of each voxel, T1 being as assumed."""
        t1 = np.full(len(samples.signal), self.t1_s)
        return self.estimate_given_t1(samples, t1, np.zeros_like(t1))

    def estimate_given_t1(
        self, samples: Samples, t1_s: Float[np.ndarray, " voxel"], t1_std_s: Float[np.ndarray, " voxel"]
    ) -> Estimates:
        """T2, B1 and M0 of voxels of known T1, whose uncertainty is passed on to the standard deviations."""
        samples = samples.frames(np.flatnonzero(np.isnan(samples.inversion_time_s)))
        echo = echo_numbers(samples)
        basis = _basis(samples.echo_spacing_s, echo)
        low, high, grid = self._search(samples.refocusing_flip_rad)
        start = best_of_grid(samples.signal, basis, grid)
        start[:, 0] = np.log(t1_s)
        fit = fit_separable(samples.signal, basis, start, (low, high))
        fixed = np.stack([t1_std_s / t1_s, np.zeros_like(t1_s), np.zeros_like(t1_s)], axis=1)
        fitted = np.array([False, True, True])
        std, amplitude_std = standard_deviations(samples.signal, basis, fit, fitted, samples.noise_std, fixed)
        t2 = np.exp(fit.theta[:, 1])
        at_bound = np.asarray(((fit.theta <= low) | (fit.theta >= high))[:, 1:].any(axis=1))
        return Estimates(
            parameters={
                "T2": Estimate(value=t2, std=std[:, 1] * t2, unit="s"),
                "B1": _transmit_field(fit.theta[:, 2], std[:, 2], samples.refocusing_flip_rad),
                "M0": Estimate(value=np.abs(fit.amplitude[:, 0]), std=amplitude_std[:, 0], unit="1"),
            },
            status=status_of(fit.converged, at_bound, std[:, 1:]),
            residual_power=fit.residual_power,
            freedom=2 * len(echo) - 4,
        )

    def _search(self, nominal_rad: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Bounds and start grid of theta = (log T1, log T2, cosine of the refocusing flip); log T1 is held."""
        log_t1, log_t2 = np.log(self.t1_s), np.log(self.t2_range_s)
        flips = np.linspace(LOWEST_B1 * nominal_rad, np.pi, GRID_FLIP)
        t2, flip = np.meshgrid(np.linspace(log_t2[0], log_t2[1], GRID_T2), flips, indexing="ij")
        grid = np.stack([np.full(t2.size, log_t1), t2.ravel(), np.cos(flip.ravel())], axis=1)
        return np.array([0.0, log_t2[0], LOWEST_COSINE]), np.array([0.0, log_t2[1], np.cos(flips[0])]), grid


def echo_numbers(samples: Samples) -> Int[np.ndarray, " frame"]:
    """Which echo of the train each frame is, from 1. Errors: DataError when that cannot be told or is not enough."""
    flip, spacing, times = samples.refocusing_flip_rad, samples.echo_spacing_s, samples.echo_time_s
    if not (np.pi / 4 < flip <= np.pi + 1e-6 and spacing > 0):
        got = f"{np.rad2deg(flip):.4g} degrees every {spacing * 1e3:.4g} ms"
        raise DataError(f"SpinEchoTrain: refocusing by {got}; wanted 45 to 180 degrees and an echo spacing in the header.")
    echo = np.asarray(np.rint(times / spacing)).astype(np.int64) if np.all(np.isfinite(times)) else np.zeros(0, dtype=np.int64)
    if len(np.unique(echo)) < 4:
        raise DataError(f"SpinEchoTrain: got {len(np.unique(echo))} echo times, wanted at least 4 to tell T2 from B1.")
    if echo.min() < 1 or np.abs(times - echo * spacing).max() > 0.01 * spacing:
        raise DataError(f"SpinEchoTrain: echo times are not multiples of the echo spacing of {spacing * 1e3:.4g} ms.")
    return echo


def _basis(echo_spacing_s: float, echo: np.ndarray) -> Basis:
    def basis(theta: Float[np.ndarray, "v 3"]) -> Float[np.ndarray, "v frame 1"]:
        t1, t2 = np.exp(theta[:, 0]), np.exp(theta[:, 1])
        return constant_flip_train(t1, t2, echo_spacing_s, int(echo.max()), theta[:, 2])[:, echo - 1, None]

    return basis


def _transmit_field(cosine: np.ndarray, std: np.ndarray, nominal_rad: float) -> Estimate:
    """B1 from the cosine of the flip; its std is the larger change that one std of the cosine makes, finite at 180 degrees."""

    def b1(c: np.ndarray) -> np.ndarray:
        return np.asarray(np.arccos(np.clip(c, -1, 1)) / nominal_rad)

    value = b1(cosine)
    inside = np.clip(cosine, -1, 1)
    return Estimate(value=value, std=np.maximum(np.abs(b1(inside + std) - value), np.abs(b1(inside - std) - value)), unit="1")
