"""Sampled frequency responses as few poles: vector fitting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float

from fullbore.errors import ShapeError, ValueRangeError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PoleSum:
    """sum over poles of residue / (s - pole), plus the conjugate of every pole off the real axis.

    poles: (pole,) 1/s, of negative real part, imaginary part >= 0. residues: (response, pole), real where poles are.
    relative_residual: (response,) weighted l2 distance from the samples over their weighted l2 norm.
    """

    poles: Complex[np.ndarray, " pole"]
    residues: Complex[np.ndarray, "response pole"]
    relative_residual: Float[np.ndarray, " response"]

    def at(self, s_per_s: Complex[np.ndarray, " f"]) -> Complex[np.ndarray, "response f"]:
        """Values at complex frequencies."""
        value = self.residues @ (1 / (s_per_s - self.poles[:, None]))
        pairs = self.poles.imag > 0
        return np.asarray(value + self.residues[:, pairs].conj() @ (1 / (s_per_s - self.poles[pairs, None].conj())))


def starting_poles(lowest_Hz: float, highest_Hz: float, real: int, pairs: int) -> Complex[np.ndarray, " pole"]:
    """Real poles and weakly damped pairs, evenly spread over the logarithm of frequency."""
    turning = 2 * np.pi * np.geomspace(lowest_Hz, highest_Hz, max(real, 1))[:real]
    ringing = 2 * np.pi * np.geomspace(lowest_Hz, highest_Hz, pairs + 2)[1:-1]
    return np.concatenate([-turning, (-0.01 + 1j) * ringing]).astype(np.complex128)


def vector_fit(
    s_per_s: Complex[np.ndarray, " f"],
    values: Complex[np.ndarray, "response f2"],
    poles: Complex[np.ndarray, " pole"],
    *,
    weight: Float[np.ndarray, " f3"] | None = None,
    iterations: int = 30,
) -> PoleSum:
    """Sums of common poles nearest to several sampled responses of real systems, weighted least squares.

    Poles begin at `poles` (imaginary part > 0 for pairs) and are moved, `iterations` times at most, to the zeros of
    sigma = d + sum of c / (s - pole), with which all responses times sigma are sums of the present poles; those that would be
    unstable are mirrored. No constant and no term in s. Source: Gustavsen and Semlyen 1999 (IEEE Trans Power Deliv 14:1052);
    d is free: Gustavsen 2006 (21:1587); responses are reduced one by one: Deschrijver 2008 (IEEE MWCL 18:383).
    Errors: ShapeError, and ValueRangeError for values that are not finite or fewer than the unknowns.
    """
    weight = np.ones(len(s_per_s)) if weight is None else weight
    if values.shape[1] != len(s_per_s) or len(weight) != len(s_per_s):
        raise ShapeError(f"vector_fit: {values.shape[1]} values, {len(weight)} weights, wanted {len(s_per_s)} for s_per_s.")
    if not (np.isfinite(values).all() and np.isfinite(s_per_s).all()):
        raise ValueRangeError("vector_fit: NaN or infinity among values or frequencies.")
    if len(s_per_s) < 2 * len(poles) + 1:
        raise ValueRangeError(f"vector_fit: {len(s_per_s)} frequencies for {len(poles)} poles, wanted more. Take fewer poles.")
    for _ in range(iterations):
        moved = _moved(s_per_s, values, _stable(poles), weight)
        still = len(moved) == len(poles) and np.abs(moved - poles).max(initial=0.0) < 1e-13 * np.abs(poles).max(initial=1.0)
        poles = moved
        if still:
            break
    residues = pole_residues(s_per_s, values, poles, weight)
    found = PoleSum(poles=poles, residues=residues, relative_residual=np.zeros(len(values)))
    stray = np.linalg.norm(weight * (found.at(s_per_s) - values), axis=1)
    size = np.linalg.norm(weight * values, axis=1)
    return PoleSum(poles=poles, residues=residues, relative_residual=stray / np.where(size > 0, size, 1.0))


def pole_residues(
    s_per_s: Complex[np.ndarray, " f"],
    values: Complex[np.ndarray, "response f"],
    poles: Complex[np.ndarray, " pole"],
    weight: Float[np.ndarray, " f"],
) -> Complex[np.ndarray, "response pole"]:
    """The residues with which poles are nearest to the responses, weighted least squares."""
    basis = _real(weight * pole_basis(s_per_s, poles).T).T
    found = np.linalg.lstsq(basis / _scale(basis), _real(weight * values).T, rcond=None)[0].T / _scale(basis)
    pairs = poles.imag > 0
    at = np.cumsum(np.where(pairs, 2, 1)) - np.where(pairs, 2, 1)
    return np.asarray(found[:, at] + 1j * np.where(pairs, found[:, np.minimum(at + 1, found.shape[1] - 1)], 0.0))


def pole_basis(s_per_s: Complex[np.ndarray, " f"], poles: Complex[np.ndarray, " pole"]) -> Complex[np.ndarray, "f column"]:
    """Columns that real coefficients sum: 1 / (s - p) of real poles; of pairs what a residue's real and imaginary parts weigh."""
    columns = []
    for pole in poles:
        one = 1 / (s_per_s - pole)
        if pole.imag > 0:
            other = 1 / (s_per_s - np.conj(pole))
            columns += [one + other, 1j * (one - other)]
        else:
            columns.append(one)
    return np.stack(columns, axis=1)


def _moved(
    s: Complex[np.ndarray, " f"],
    values: Complex[np.ndarray, "response f"],
    poles: Complex[np.ndarray, " pole"],
    weight: Float[np.ndarray, " f"],
) -> Complex[np.ndarray, " moved"]:
    """The zeros of sigma, mirrored into the stable half."""
    basis = pole_basis(s, poles)
    count = basis.shape[1]
    rows, right = [], []
    sigma = np.column_stack([basis, np.ones(len(s))])
    for value in values:
        size = np.linalg.norm(weight * value)
        if size == 0:
            continue
        own = weight / size
        both = _real((own[:, None] * np.column_stack([basis, -value[:, None] * sigma])).T).T
        rows.append(np.linalg.qr(both)[1][count:, count:])
        right.append(np.zeros(len(rows[-1])))
    rows.append(sigma.real.sum(axis=0)[None] / len(s))  # so that sigma is not nothing
    right.append(np.ones(1))
    matrix = np.concatenate(rows)
    found = np.linalg.lstsq(matrix / _scale(matrix), np.concatenate(right), rcond=None)[0] / _scale(matrix)
    c, d = found[:-1], found[-1]
    if abs(d) < 1e-8 * np.abs(found).max(initial=0.0) / max(float(np.abs(poles).max()), 1.0):
        return poles
    a, b = _state_space(poles)
    return _sorted(np.linalg.eigvals(a - np.outer(b, c) / d))


def _state_space(poles: Complex[np.ndarray, " pole"]) -> tuple[Float[np.ndarray, "n n"], Float[np.ndarray, " n"]]:
    """A real system of which sums over `pole_basis` are outputs."""
    size = int(np.where(poles.imag > 0, 2, 1).sum())
    a, b, at = np.zeros((size, size)), np.zeros(size), 0
    for pole in poles:
        a[at, at], b[at] = pole.real, 1.0
        if pole.imag > 0:
            a[at, at + 1], a[at + 1, at], a[at + 1, at + 1], b[at] = pole.imag, -pole.imag, pole.real, 2.0
            at += 1
        at += 1
    return a, b


def _sorted(eigenvalues: Complex[np.ndarray, " n"] | Float[np.ndarray, " n"]) -> Complex[np.ndarray, " pole"]:
    """Real poles, then one of each pair, mirrored where they grow."""
    found = _stable(eigenvalues.astype(np.complex128))
    real = np.abs(found.imag) <= 1e-12 * np.abs(found)
    return np.concatenate([np.sort(found[real].real).astype(np.complex128), np.sort_complex(found[~real & (found.imag > 0)])])


def _stable(poles: Complex[np.ndarray, " pole"]) -> Complex[np.ndarray, " pole"]:
    return np.asarray(-np.abs(poles.real) + 1j * poles.imag)


def _real(rows: Complex[np.ndarray, "n f"]) -> Float[np.ndarray, "n f2"]:
    """Real and imaginary parts side by side."""
    return np.concatenate([rows.real, rows.imag], axis=1)


def _scale(matrix: Float[np.ndarray, "m n"]) -> Float[np.ndarray, " n"]:
    size = np.linalg.norm(matrix, axis=0)
    return np.asarray(np.where(size > 0, size, 1.0))
