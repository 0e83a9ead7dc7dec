"""Algebra of responses: each is a ratio of polynomials, H(s) = H(0) - sum of C s / (s - p), so series and inverses are exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float

from fullbore.data import EddyMode, GradientResponse
from fullbore.errors import ValueRangeError

_SELF = np.eye(4, 3)
_APART = 1e-7
_FLOOR = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rational:
    """still: (row, 3) at s = 0. poles: 1/s. parts: (pole, row, 3), complex ones with their conjugates."""

    still: Float[np.ndarray, "row 3"]
    poles: Complex[np.ndarray, " pole"]
    parts: Complex[np.ndarray, "pole row 3"]

    def at(self, s: complex) -> Complex[np.ndarray, "row 3"]:
        """Value at a complex frequency."""
        return np.asarray(self.still - np.einsum("p,prc->rc", s / (s - self.poles), self.parts))

    def rows(self, first: int, last: int) -> Rational:
        """Some of the rows."""
        return Rational(still=self.still[first:last], poles=self.poles, parts=self.parts[:, first:last])


def rational_of(response: GradientResponse) -> Rational:
    """A response without its delays."""
    still, poles, parts = _SELF.copy(), [], []
    for mode in response.modes:
        sine = np.zeros((4, 3)) if mode.sine is None else mode.sine
        if np.isinf(mode.time_constant_s) and not mode.frequency_Hz:
            still = still - mode.amplitude
        elif mode.frequency_Hz:
            pole = complex(-1 / mode.time_constant_s, 2 * np.pi * mode.frequency_Hz)
            part = (mode.amplitude - 1j * sine) / 2
            poles += [pole, pole.conjugate()]
            parts += [part, part.conj()]
        else:
            poles.append(complex(-1 / mode.time_constant_s))
            parts.append(mode.amplitude.astype(np.complex128))
    shaped = np.array(parts, np.complex128).reshape(len(parts), 4, 3)
    return Rational(still=still, poles=np.array(poles, np.complex128), parts=shaped)


def response_of(value: Rational, delay_s: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> GradientResponse:
    """Modes of a rational response of four rows; parts under 1e-12 are dropped."""
    modes = []
    lasting = _SELF - value.still
    if np.abs(lasting).max() > _FLOOR:
        modes.append(EddyMode(time_constant_s=np.inf, amplitude=lasting))
    for pole, part in zip(value.poles, value.parts, strict=True):
        if np.abs(part).max() < _FLOOR or pole.imag < -_FLOOR * abs(pole):
            continue
        if abs(pole.imag) <= _FLOOR * abs(pole):
            modes.append(EddyMode(time_constant_s=-1 / pole.real, amplitude=part.real.copy()))
        else:
            modes.append(
                EddyMode(
                    time_constant_s=-1 / pole.real, frequency_Hz=pole.imag / (2 * np.pi), amplitude=2 * part.real,
                    sine=-2 * part.imag,
                )
            )  # fmt: skip
    return GradientResponse(delay_s=delay_s, modes=tuple(modes))


def series(after: Rational, before: Rational) -> Rational:
    """after(s) before(s); poles that both have are moved apart by 1e-7 of themselves."""
    poles = np.array([_moved(pole, after.poles) for pole in before.poles], np.complex128)
    moved = Rational(still=before.still, poles=poles, parts=before.parts)
    first = [part @ moved.at(pole) for pole, part in zip(after.poles, after.parts, strict=True)]
    second = [after.at(pole) @ part for pole, part in zip(poles, before.parts, strict=True)]
    parts = np.array(first + second, np.complex128).reshape(-1, len(after.still), 3)
    return Rational(still=after.still @ before.still, poles=np.concatenate([after.poles, poles]), parts=parts)


def inverse(value: Rational) -> Rational:
    """The response that undoes a (3, 3) one exactly: poles are the zeros of its determinant, by the inverse state space.

    Errors: ValueRangeError for one that cannot be undone (singular at once or in the end, or with an unstable inverse).
    """
    count = len(value.poles)
    direct = value.still - value.parts.sum(axis=0)
    if min(np.linalg.svd(direct, compute_uv=False)[-1], np.linalg.svd(value.still, compute_uv=False)[-1]) < 1e-6:
        raise ValueRangeError("inverse: the response loses a direction altogether, wanted one that passes every gradient.")
    undo = np.linalg.inv(direct)
    state = np.kron(np.diag(value.poles), np.eye(3))
    feed = np.tile(np.eye(3), (count, 1))
    out = np.concatenate([-part * pole for part, pole in zip(value.parts, value.poles, strict=True)], axis=1)
    poles, vectors = np.linalg.eig(state - feed @ undo @ out)
    if poles.real.max(initial=-1.0) >= 0:
        raise ValueRangeError("inverse: the response that undoes it grows without end; wanted one that lags less than it leads.")
    left, right = -undo @ out @ vectors, np.linalg.solve(vectors, feed @ undo)
    parts = -left.T[:, :, None] * right[:, None, :] / poles[:, None, None]
    keep = np.abs(parts).max(axis=(1, 2)) > _FLOOR
    return Rational(still=np.linalg.inv(value.still), poles=poles[keep], parts=parts[keep])


def _moved(pole: complex, others: Complex[np.ndarray, " p"]) -> complex:
    near = len(others) and np.abs(others - pole).min() < _APART * abs(pole)
    return pole * (1 + 2 * _APART) if near else pole
