"""The RF power amplifier: a memory polynomial of its class-AB stage, pre-distortion, droop and the budget of power.

y(n) = sum over odd p and delays q of c_pq x(n - q) |x(n - q)|^(p - 1). Source: Kim and Konstantinou 2001, Electron Lett 37:1417;
indirect learning: Eun and Powers 1997, IEEE Trans Signal Process 45:223.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float

from fullbore.data import RfAmplifier
from fullbore.errors import LimitError, ShapeError, ValueRangeError

_ROUNDS = 4
_ROUNDING = 1 + 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MemoryPolynomial:
    """coefficients: complex (order, delay), orders 1, 3, 5, ...; in and out over full scale."""

    coefficients: np.ndarray

    def __post_init__(self) -> None:
        if self.coefficients.ndim != 2 or not np.isfinite(self.coefficients).all():
            raise ShapeError(f"MemoryPolynomial: got {self.coefficients.shape}, wanted finite (order, delay).")

    def __call__(self, x: Complex[np.ndarray, " n"]) -> Complex[np.ndarray, " n"]:
        """The output for an input."""
        return _terms(x, *self.coefficients.shape) @ self.coefficients.ravel()

    @property
    def gain(self) -> complex:
        """Gain of a small steady signal."""
        return complex(self.coefficients[0].sum())

    def steady(self) -> Complex[np.ndarray, " order"]:
        """a1, a3, a5, ... for an envelope slower than the memory."""
        return np.asarray(self.coefficients.sum(axis=1))


def class_ab(delays: int = 3) -> MemoryPolynomial:
    """A class-AB stage at full scale: 1 dB of compression, 8 degrees of phase, short memory: a choice."""
    steady = np.array([1.0, 0.06 + 0.05j, -0.17 + 0.09j])
    fading = np.array([0.0, 0.04 - 0.03j, -0.015 + 0.01j])[:delays]
    table = steady[:, None] * fading[None] * np.array([1.0, 1.8, 2.5])[:, None]
    table[:, 0] = steady - table[:, 1:].sum(axis=1)
    return MemoryPolynomial(coefficients=table)


def fit_polynomial(
    x: Complex[np.ndarray, " n"], y: Complex[np.ndarray, " n"], orders: int = 3, delays: int = 3
) -> MemoryPolynomial:
    """Least squares; exact for a signal that such a polynomial made. Errors: ValueRangeError for fewer samples than unknowns."""
    if len(x) < orders * delays:
        raise ValueRangeError(f"fit_polynomial: got {len(x)} samples, wanted at least {orders * delays}.")
    found, *_ = np.linalg.lstsq(_terms(x, orders, delays), y, rcond=None)
    return MemoryPolynomial(coefficients=found.reshape(orders, delays))


def learn_predistorter(
    amplifier: MemoryPolynomial, wanted: Complex[np.ndarray, " n"], orders: int = 5, delays: int = 6
) -> MemoryPolynomial:
    """Indirect learning: the polynomial that undoes the output, then put before the amplifier and learnt again."""
    sent = wanted
    learnt = MemoryPolynomial(coefficients=np.eye(1, delays, dtype=complex).repeat(orders, 0) * np.eye(orders, 1))
    for _ in range(_ROUNDS):
        learnt = fit_polynomial(amplifier(sent) / amplifier.gain, sent, orders, delays)
        sent = learnt(wanted)
    return learnt


def in_band_error_dB(got: Complex[np.ndarray, " n"], wanted: Complex[np.ndarray, " n"], band_share: float = 0.25) -> float:
    """Error over signal within the lowest share of the spectrum, after the best complex gain."""
    gain = np.vdot(wanted, got) / np.vdot(wanted, wanted)
    inside = np.abs(np.fft.fftfreq(len(wanted))) <= band_share / 2
    error, signal = (np.sum(np.abs(np.fft.fft(part)[inside]) ** 2) for part in (got / gain - wanted, wanted))
    return float(10 * np.log10(error / signal))


def scanner_amplifier(amplifier: MemoryPolynomial, peak_T: float, droop_per_s: float) -> RfAmplifier:
    """What simulation needs of it: compression at the peak field, memory dropped, and droop."""
    steady = amplifier.steady()
    return RfAmplifier(peak_T=peak_T, compression=tuple(complex(c) for c in steady[1:] / steady[0]), droop_per_s=droop_per_s)


def corrected(amplifier: MemoryPolynomial, predistorter: MemoryPolynomial, top: float = 0.8, orders: int = 4) -> MemoryPolynomial:
    """The chain of both as one memoryless polynomial over amplitudes up to `top` of full scale, which is its full scale.

    Above the amplifier's saturation no pre-distortion helps.
    """
    level = np.linspace(1e-3, 1, 400)
    held = np.array([amplifier(predistorter(np.full(32, top * v + 0j)))[-1] / top for v in level])
    return fit_polynomial(level + 0j, held, orders, 1)


def droop(on: Float[np.ndarray, " n"], step_s: float, droop_per_s: float, recovery_s: float) -> Float[np.ndarray, " n"]:
    """Gain over time: the supply's capacitors sag at a rate while the amplifier plays (on: share of full current, 0..1), and
    charge again with a time constant.
    """
    sag, out = 0.0, np.ones(len(on))
    for i, share in enumerate(on):
        out[i] = 1 - sag
        sag += step_s * (droop_per_s * share - sag / recovery_s)
    return out


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerBudget:
    """peak_W, mean_W: at the plug. duty: mean over peak. supply_W: mean draw of a class-AB stage. heat_W: what is left in it."""

    peak_W: float
    mean_W: float
    duty: float
    supply_W: float
    heat_W: float


def power_budget(
    b1_T: Float[np.ndarray, " n"],
    on_s: float,
    period_s: float,
    forward_W_per_T2: float,
    rated_peak_W: float,
    rated_mean_W: float,
    idle_share: float = 0.05,
) -> PowerBudget:
    """The power of a pulse b1_T (even samples over on_s) played every period_s.

    A class-B stage draws (4 / pi) sqrt(P P_rated): efficiency pi/4 at full drive; idle_share of the rated supply is added while
    it is keyed on (class AB; a choice).
    Errors: LimitError where peak or mean exceed what the amplifier gives; the message names the B1+ or duty that it can.
    """
    power = forward_W_per_T2 * np.abs(b1_T) ** 2
    peak, mean = float(power.max()), float(power.mean()) * on_s / period_s
    if peak > rated_peak_W * _ROUNDING:
        raise LimitError(
            f"RF amplifier: the pulse's peak of {1e6 * np.abs(b1_T).max():.4g} uT asks {peak / 1e3:.4g} kW, limit "
            f"{rated_peak_W / 1e3:.4g}. Take at most {1e6 * np.sqrt(rated_peak_W / forward_W_per_T2):.4g} uT."
        )
    if mean > rated_mean_W * _ROUNDING:
        raise LimitError(
            f"RF amplifier: {mean / 1e3:.4g} kW in the mean, limit {rated_mean_W / 1e3:.4g}. Play the pulse every "
            f"{1e3 * period_s * mean / rated_mean_W:.4g} ms or slower."
        )
    drawn = float(np.mean(4 / np.pi * np.sqrt(power * rated_peak_W) + idle_share * 4 / np.pi * rated_peak_W)) * on_s / period_s
    return PowerBudget(peak_W=peak, mean_W=mean, duty=mean / peak if peak else 0.0, supply_W=drawn, heat_W=drawn - mean)


def _terms(x: np.ndarray, orders: int, delays: int) -> np.ndarray:
    columns = []
    for p in range(orders):
        term = x * np.abs(x) ** (2 * p)
        columns += [np.concatenate([np.zeros(q, complex), term[: len(x) - q]]) for q in range(delays)]
    return np.stack(columns, axis=1)
