"""From eddy modes of a structure to the response that a scan feels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import least_squares

from fullbore.data import EddyMode, GradientResponse
from fullbore.errors import ShapeError, ValueRangeError

_SAME = 1e-9
_FREQUENCIES_HZ = np.logspace(-2, 4.7, 160)


def eddy_response(
    time_constant_s: Float[np.ndarray, " mode"],
    flux_Wb: Float[np.ndarray, "mode 3"],
    field: Float[np.ndarray, "mode 4"],
    *,
    floor: float = 1e-8,
) -> GradientResponse:
    """The response of modes tau q' + q = -flux G', with `field` per q: a step of G leaves -field flux / tau exp(-t / tau).

    flux_Wb: of 1 T/m of each axis through each mode (per ampere: divide by the coil's sensitivity). field: x, y, z gradient
    (T/m) and uniform field (T) of each mode. Modes of one time constant become one; amplitudes under `floor` are dropped.
    """
    amplitude = field[:, :, None] * (flux_Wb / time_constant_s[:, None])[:, None, :]
    order = np.argsort(time_constant_s)[::-1]
    modes: list[EddyMode] = []
    for index in order:
        tau, part = float(time_constant_s[index]), amplitude[index]
        if np.abs(part).max() < floor:
            continue
        if modes and abs(modes[-1].time_constant_s / tau - 1) < _SAME:
            modes[-1] = EddyMode(time_constant_s=tau, amplitude=modes[-1].amplitude + part)
        else:
            modes.append(EddyMode(time_constant_s=tau, amplitude=part.copy()))
    return GradientResponse(modes=tuple(modes))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reduced:
    """A response of fewer modes, and the largest difference of any entry at any frequency, per unit gradient."""

    response: GradientResponse
    error: float


def reduced(response: GradientResponse, terms: int, *, shortest_s: float = 1e-6, longest_s: float = 100.0) -> Reduced:
    """The response of at most `terms` decaying modes nearest to it, least squares over 0.01 Hz to 50 kHz.

    Amplitudes follow from the time constants (variable projection), which lie between shortest_s and longest_s. What stays
    for ever (infinite time constant) and the delays are kept.
    Errors: ValueRangeError for modes that ring, or fewer than one term.
    """
    if any(mode.frequency_Hz for mode in response.modes) or terms < 1:
        raise ValueRangeError(f"reduced: got {terms} terms and modes of {len(response.modes)}, wanted decaying ones and a term.")
    lasting = tuple(mode for mode in response.modes if np.isinf(mode.time_constant_s))
    fading = [mode for mode in response.modes if np.isfinite(mode.time_constant_s)]
    if not fading:
        return Reduced(response=response, error=0.0)
    tau = np.array([mode.time_constant_s for mode in fading])
    amplitude = np.stack([mode.amplitude.ravel() for mode in fading])
    inside = (tau >= shortest_s) & (tau <= longest_s)
    if inside.all() and len(tau) <= terms:
        return Reduced(response=response, error=0.0)
    wanted = _high_pass(tau) @ amplitude
    bounds = np.log([shortest_s, longest_s])
    found = _best_times(wanted, _starts(tau, amplitude, terms, shortest_s, longest_s), bounds)
    basis = _high_pass(np.exp(found))
    fitted = np.linalg.lstsq(basis, wanted, rcond=None)[0]
    error = _complex_error(np.exp(found), fitted, tau, amplitude)
    modes = tuple(
        EddyMode(time_constant_s=float(np.exp(t)), amplitude=row.reshape(4, 3).copy())
        for t, row in zip(found, fitted, strict=True)
    )
    return Reduced(response=GradientResponse(delay_s=response.delay_s, modes=lasting + modes), error=error)


def _high_pass(tau_s: Float[np.ndarray, " mode"]) -> Float[np.ndarray, "f2 mode"]:
    """Real and imaginary part of s tau / (1 + s tau) of each mode over frequency."""
    turn = 2j * np.pi * _FREQUENCIES_HZ[:, None] * tau_s
    part = turn / (1 + turn)
    return np.concatenate([part.real, part.imag])


def _starts(tau: np.ndarray, amplitude: np.ndarray, terms: int, shortest_s: float, longest_s: float) -> Float[np.ndarray, " t"]:
    """Time constants where the amplitudes lie: quantiles of their sizes over log time."""
    order = np.argsort(tau)
    size = np.sqrt((amplitude**2).sum(axis=1))[order]
    heap = np.cumsum(size) / size.sum()
    at = np.interp((np.arange(terms) + 0.5) / terms, heap, np.log(np.clip(tau[order], shortest_s, longest_s)))
    spread = np.linspace(-1e-2, 1e-2, terms)
    return np.asarray(np.clip(at + spread, np.log(shortest_s) + 1e-6, np.log(longest_s) - 1e-6))


def _best_times(wanted: np.ndarray, start: np.ndarray, bounds: np.ndarray) -> Float[np.ndarray, " t"]:
    scale = max(float(np.abs(wanted).max()), 1e-300)

    def stray(log_tau: np.ndarray) -> np.ndarray:
        span = np.linalg.qr(_high_pass(np.exp(log_tau)))[0]
        return np.asarray(((wanted - span @ (span.T @ wanted)) / scale).ravel())

    found = least_squares(stray, start, bounds=(bounds[0], bounds[1]), xtol=1e-12, ftol=1e-12, gtol=1e-12, max_nfev=200)
    return np.asarray(found.x)


def _complex_error(tau: np.ndarray, fitted: np.ndarray, true_tau: np.ndarray, true: np.ndarray) -> float:
    difference = _high_pass(tau) @ fitted - _high_pass(true_tau) @ true
    half = len(difference) // 2
    return float(np.hypot(difference[:half], difference[half:]).max())


def joined(*responses: GradientResponse) -> GradientResponse:
    """Responses that act beside each other (small ones also in series, to the order of their product): delays and modes add.

    Errors: ShapeError for nothing to join.
    """
    if not responses:
        raise ShapeError("joined: got no responses, wanted at least one.")
    x, y, z = (float(sum(part.delay_s[axis] for part in responses)) for axis in range(3))
    return GradientResponse(delay_s=(x, y, z), modes=tuple(mode for part in responses for mode in part.modes))
