"""T1 from complex images at several inversion times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from fullbore.errors import DataError
from fullbore.quant.separable import best_of_grid, fit_separable, standard_deviations
from fullbore.quant.signal_model import Estimate, Estimates, Samples, SignalModel, status_of

GRID_POINTS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class InversionRecovery(SignalModel):
    """S(TI) = a + b exp(-TI / T1), a and b complex: any inversion efficiency, any constant recovery delay, any phase.

    Uses the frames that have an inversion time; they must share one echo time. Maps: T1, and M0 = |a|, the fully recovered
    signal at that echo time. t1_range_s: beyond it a voxel is reported AT_BOUND.
    Source: Barral 2010, Magn Reson Med 64:1057.
    """

    t1_range_s: tuple[float, float] = (0.05, 6.0)

    def estimate(self, samples: Samples) -> Estimates:
        """T1 (s) and M0 of each voxel."""
        samples = samples.frames(np.flatnonzero(np.isfinite(samples.inversion_time_s)))
        times = samples.inversion_time_s
        _check(times, samples.echo_time_s)

        def basis(log_t1: Float[np.ndarray, "v 1"]) -> Float[np.ndarray, "v frame 2"]:
            recovery = np.exp(-times / np.exp(log_t1))
            return np.stack([np.ones_like(recovery), recovery], axis=2)

        bounds = np.log([self.t1_range_s[0]]), np.log([self.t1_range_s[1]])
        start = best_of_grid(samples.signal, basis, np.linspace(*bounds, GRID_POINTS))
        fit = fit_separable(samples.signal, basis, start, bounds)
        log_std, amplitude_std = standard_deviations(samples.signal, basis, fit, np.array([True]), samples.noise_std)
        t1 = np.exp(fit.theta[:, 0])
        at_bound = np.asarray(((fit.theta <= bounds[0]) | (fit.theta >= bounds[1])).any(axis=1))
        return Estimates(
            parameters={
                "T1": Estimate(value=t1, std=log_std[:, 0] * t1, unit="s"),
                "M0": Estimate(value=np.abs(fit.amplitude[:, 0]), std=amplitude_std[:, 0], unit="1"),
            },
            status=status_of(fit.converged, at_bound, log_std),
            residual_power=fit.residual_power,
            freedom=2 * len(times) - 5,
        )


def _check(inversion_time_s: np.ndarray, echo_time_s: np.ndarray) -> None:
    distinct = len(np.unique(inversion_time_s))
    if distinct < 3:
        raise DataError(f"InversionRecovery: got {distinct} different inversion times, wanted at least 3 to tell T1.")
    if np.ptp(echo_time_s) > 1e-6:
        low, high = echo_time_s.min() * 1e3, echo_time_s.max() * 1e3
        raise DataError(f"InversionRecovery: echo times of {low:.4g} to {high:.4g} ms; wanted one, so that only T1 varies.")
