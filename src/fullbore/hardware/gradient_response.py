"""A measured impulse response of the gradients as delays and modes, which can be played in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float
from scipy.optimize import least_squares

from fullbore.data import EddyMode, GradientResponse
from fullbore.errors import ShapeError, ValueRangeError
from fullbore.numerics.vector_fit import pole_basis, pole_residues, starting_poles, vector_fit

DELAYS_S = np.linspace(-12e-6, 12e-6, 9)
"""Where the search for an axis's delay begins, about what the phase of its response says."""
DELAY_SCALE_S = 1e-6
LOG_RATES = np.log([1e-4, 1e8])
"""No pole, in 1/s, goes beyond."""

_SELF = np.eye(4, 3)[:, :, None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedResponse:
    """response: delays and modes. residual: (4, 3) root mean square distance of theirs from the measured response."""

    response: GradientResponse
    residual: Float[np.ndarray, "4 3"]


def fit_gradient_response(
    frequency_Hz: Float[np.ndarray, " f"], measured: Complex[np.ndarray, "4 3 f2"], *, eddies: int = 4, ringing: int = 2
) -> FittedResponse:
    """The delays and modes nearest to a measured gradient impulse response function (GIRF), least squares.

    measured[i, a]: spectrum of component i of the field (x, y, z gradient and uniform field, in T/m and T) over that of the
    gradient asked for on axis a; spectra are integrals of exp(-2 pi i f t). It is 1 on the diagonal and 0 elsewhere at f = 0.
    eddies, ringing: modes that decay and that ring, common to all; a fit may turn two of the first into one of the second.
    Poles come from `numerics.vector_fit` and are then moved, with the delays, to the least squares of the response itself.
    Errors: ShapeError, ValueRangeError for values that are not finite or too few.
    """
    if measured.shape != (4, 3, len(frequency_Hz)):
        raise ShapeError(f"fit_gradient_response: measured is {measured.shape}, wanted (4, 3, {len(frequency_Hz)}).")
    used = frequency_Hz > 0
    if not (np.isfinite(frequency_Hz).all() and np.isfinite(measured).all()) or used.sum() < 2 * (eddies + 2 * ringing) + 4:
        raise ValueRangeError(f"fit_gradient_response: {used.sum()} positive frequencies, wanted more, and finite values.")
    s, h = 2j * np.pi * frequency_Hz[used], measured[:, :, used]
    poles = starting_poles(float(s.imag.min()) / (2 * np.pi), float(s.imag.max()) / (2 * np.pi), eddies, ringing)
    delay_s = np.array([_first_delay(s, h[:, [axis]], axis, poles) for axis in range(3)])
    poles = vector_fit(s, _late(s, h, delay_s), poles, weight=np.abs(s)).poles
    poles, delay_s = _polished(s, h, poles, delay_s)
    residues = pole_residues(s, _late(s, h, delay_s), poles, np.abs(s)).reshape(4, 3, -1)
    modes = tuple(_mode(complex(pole), residues[:, :, number]) for number, pole in enumerate(poles))
    x, y, z = (float(delay) for delay in delay_s)
    response = GradientResponse(delay_s=(x, y, z), modes=modes)
    stray = np.abs(frequency_response(response, frequency_Hz) - measured) ** 2
    return FittedResponse(response=response, residual=np.sqrt(stray.mean(axis=2)))


def frequency_response(response: GradientResponse, frequency_Hz: Float[np.ndarray, " f"]) -> Complex[np.ndarray, "4 3 f"]:
    """What the response makes of each frequency: (x y z uniform, axis, f), as `fit_gradient_response` takes it."""
    s = 2j * np.pi * frequency_Hz
    total = np.broadcast_to(_SELF, (4, 3, len(s))).astype(np.complex128)
    for mode in response.modes:
        turning, decay = 2 * np.pi * mode.frequency_Hz, s + 1 / mode.time_constant_s
        below = decay**2 + turning**2
        below = np.where(below == 0, 1, below)  # at f = 0 of what never decays
        total = total - mode.amplitude[:, :, None] * (s * decay / below)
        if mode.sine is not None:
            total = total - mode.sine[:, :, None] * (s * turning / below)
    return total * np.exp(-s * np.array(response.delay_s)[:, None])


def _late(
    s: Complex[np.ndarray, " f"], h: Complex[np.ndarray, "4 axis f"], delay_s: Float[np.ndarray, " axis"], first: int = 0
) -> Complex[np.ndarray, "response f"]:
    """What is missing from an ideal response, over s: a sum over poles once the delay is taken away."""
    ideal = _SELF[:, first : first + len(delay_s)]
    return np.asarray(((ideal - h * np.exp(s * delay_s[:, None])) / s).reshape(-1, len(s)))


def _first_delay(
    s: Complex[np.ndarray, " f"], h: Complex[np.ndarray, "4 1 f"], axis: int, poles: Complex[np.ndarray, " pole"]
) -> float:
    """The delay from which few poles go on best, near the slope of the phase over the upper half of the frequencies."""
    order = np.argsort(s.imag)
    upper = order[len(order) // 2 :]
    phase = np.unwrap(np.angle(h[axis, 0, order]))[len(order) // 2 :]
    slope = -float(np.polyfit(s.imag[upper], phase, 1)[0])
    strays = []
    for delay_s in slope + DELAYS_S:
        missing = _late(s, h, np.array([delay_s]), axis)
        found = vector_fit(s, missing, poles, weight=np.abs(s), iterations=8)
        strays.append(float(np.linalg.norm(np.abs(s) * (found.at(s) - missing))))
    return float(slope + DELAYS_S[int(np.argmin(strays))])


def _polished(
    s: Complex[np.ndarray, " f"],
    h: Complex[np.ndarray, "4 3 f"],
    poles: Complex[np.ndarray, " pole"],
    delay_s: Float[np.ndarray, " 3"],
) -> tuple[Complex[np.ndarray, " pole"], Float[np.ndarray, " 3"]]:
    """Poles and delays of least squares; residues follow from them at every step (variable projection)."""
    pairs, size, weight = poles.imag > 0, len(poles), np.abs(s)

    def unpack(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        turning = np.zeros(size)
        rates = np.exp(np.clip(x[:-3], *LOG_RATES))
        turning[pairs] = rates[size:]
        return -rates[:size] + 1j * turning, x[-3:] * DELAY_SCALE_S

    def stray(x: np.ndarray) -> np.ndarray:
        moved, delays = unpack(x)
        basis, missing = weight[:, None] * pole_basis(s, moved), weight * _late(s, h, delays)
        both = np.concatenate([basis.real, basis.imag])
        target = np.concatenate([missing.real, missing.imag], axis=1).T
        span = np.linalg.qr(both / np.linalg.norm(both, axis=0))[0]
        return np.asarray((target - span @ (span.T @ target)).ravel())

    start = np.concatenate([np.log(np.maximum(-poles.real, 1e-6)), np.log(poles.imag[pairs]), delay_s / DELAY_SCALE_S])
    found = least_squares(stray, start, xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=200)
    return unpack(found.x)


def _mode(pole: complex, residue: Complex[np.ndarray, "4 3"]) -> EddyMode:
    """What one pole, or pair, takes from a step."""
    if pole.imag == 0:
        return EddyMode(time_constant_s=-1 / pole.real, amplitude=residue.real.copy())
    return EddyMode(
        time_constant_s=-1 / pole.real,
        amplitude=2 * residue.real,
        sine=-2 * residue.imag,
        frequency_Hz=pole.imag / (2 * np.pi),
    )
