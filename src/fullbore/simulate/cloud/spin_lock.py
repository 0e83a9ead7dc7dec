"""Pulses on plain spins that relax along B1 with T1rho while it is on: what `pulses.integrate` gives, with one time more."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float

from fullbore.simulate.cloud.pool_kernel import propagate_pools
from fullbore.simulate.cloud.pulse_steps import equal_steps
from fullbore.simulate.cloud.spins import SpinCloud
from fullbore.simulate.pulse_kernel import TERMS, to_centre
from fullbore.simulate.timeline import PulseKind


def integrate_locked(
    pulse: PulseKind,
    part: SpinCloud,
    place: Float[np.ndarray, "n part"],
    scale: Float[np.ndarray, " n"],
    frequency_Hz: float,
) -> Float[np.ndarray, "n 12"]:
    """Propagators from centre to centre, as `pulses.integrate` has them; columns: `pulse_kernel.TERMS`.

    The part of Mxy along B1 relaxes with the cloud's t1rho_s, the part across it with T2 (`signal.bloch_mcconnell`). Runs of
    equal raster steps are one matrix exponential: exact at any length, and with t1rho_s = T2 plain Bloch.
    """
    assert part.t1rho_s is not None
    steps, n = equal_steps(pulse, np.abs(place).max(axis=0)), len(part)
    base = np.zeros((n, 4, 4))
    base[:, 0, 0] = base[:, 1, 1] = -1 / part.t2_s
    base[:, 2, 2], base[:, 2, 3] = -1 / part.t1_s, 1 / part.t1_s
    locking = (1 / part.t2_s - 1 / part.t1rho_s)[:, None]
    offset, maps, result = part.off_resonance_Hz - frequency_Hz, np.empty((n, 3, 4)), np.empty((n, TERMS))
    propagate_pools(
        steps.w, steps.power, steps.dt_s, steps.gradient_Hz_per_m, base, np.arange(n), 1, locking,
        place, offset, scale, np.zeros((n, 1)), maps,
    )  # fmt: skip
    early = np.clip(pulse.centre_s - np.arange(len(pulse.b1_T)) * pulse.step_s, 0, pulse.step_s)
    moments = early @ pulse.gradient_Hz_per_m, (pulse.step_s - early) @ pulse.gradient_Hz_per_m
    times = pulse.centre_s, pulse.duration_s - pulse.centre_s
    turns = [2 * np.pi * (place @ moment + offset * time) for moment, time in zip(moments, times, strict=True)]
    _to_centres(maps, turns[0], turns[1], 1 / part.t1_s, 1 / part.t2_s, times[0], times[1], result)
    return result


@numba.njit(cache=True, nogil=True)
@no_type_check
def _to_centres(maps, before, after, r1, r2, t_before, t_after, out):
    for n in range(out.shape[0]):
        to_centre(maps[n], before[n], after[n], r1[n], r2[n], t_before, t_after, out[n])
