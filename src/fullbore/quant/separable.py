"""Least squares for many voxels at once, of models that are linear in complex amplitudes: variable projection.

The model of one voxel is y = B(theta) a + noise, with B real (frame, p), a complex (p,), theta real (q,). The amplitudes are
eliminated exactly, and theta is found by damped Newton steps on the power that the columns of B cannot explain. (Where noise
is large beside the curvature of the model, as for the flip of a long echo train, Gauss-Newton steps would crawl.)
Source: Golub & Pereyra 1973, SIAM J Numer Anal 10:413.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Complex, Float

Basis = Callable[[np.ndarray], np.ndarray]  # theta (v, q) -> (v, frame, p)

STEP = 1e-5  # of theta, for derivatives; every theta is of order 1
CHUNK = 2048  # voxels compared with the grid at once
TINY = 1e-100  # squared signal that is none


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeparableFit:
    """theta (v, q), amplitude (v, p), residual_power (v,) = sum of |y - B a|^2, converged (v,)."""

    theta: Float[np.ndarray, "v q"]
    amplitude: Complex[np.ndarray, "v p"]
    residual_power: Float[np.ndarray, " v"]
    converged: Bool[np.ndarray, " v"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Projection:
    """A signal split by the columns of B = Q R: Q (v, frame, p), amplitude (v, p), residual (v, frame), its power (v,)."""

    basis: np.ndarray
    q: np.ndarray
    inverse_r: np.ndarray
    amplitude: np.ndarray
    residual: np.ndarray

    @classmethod
    def of(cls, signal: np.ndarray, basis: np.ndarray) -> _Projection:
        q, r = np.linalg.qr(basis)
        inside = np.einsum("vfp,vf->vp", q, signal)
        inverse_r = np.linalg.inv(r)
        amplitude = np.einsum("vpk,vk->vp", inverse_r, inside)
        return cls(
            basis=basis, q=q, inverse_r=inverse_r, amplitude=amplitude, residual=signal - np.einsum("vfp,vp->vf", q, inside)
        )

    @property
    def power(self) -> np.ndarray:
        return np.asarray((np.abs(self.residual) ** 2).sum(axis=1))

    def derivatives(self, basis: Basis, theta: np.ndarray, columns: list[int]) -> np.ndarray:
        """d(B a)/d(theta) at fixed amplitudes, (v, frame, q); zero but for `columns`."""
        slopes = np.zeros((*self.residual.shape, theta.shape[1]), complex)
        for i in columns:
            slopes[:, :, i] = np.einsum("vfp,vp->vf", (basis(_moved(theta, i)) - self.basis) / STEP, self.amplitude)
        return slopes

    def pull(self, slopes: np.ndarray) -> np.ndarray:
        """Minus half the gradient of the power in theta, (v, q)."""
        return _real_gram(slopes, self.residual[:, :, None])[:, :, 0]

    def outside(self, vectors: np.ndarray) -> np.ndarray:
        """What the columns of B cannot explain of `vectors` (v, frame, q)."""
        return np.asarray(vectors - self.q @ (np.swapaxes(self.q, 1, 2) @ vectors))


def best_of_grid(
    signal: Complex[np.ndarray, "v frame"], basis: Basis, grid: Float[np.ndarray, "g q"]
) -> Float[np.ndarray, "v q"]:
    """For each voxel the row of `grid` whose B explains most of its signal."""
    q, _ = np.linalg.qr(basis(grid))
    atoms = np.ascontiguousarray(q.transpose(1, 0, 2).reshape(q.shape[1], -1))
    best = np.empty(len(signal), dtype=np.int64)
    for first in range(0, len(signal), CHUNK):
        inside = np.abs(signal[first : first + CHUNK] @ atoms) ** 2
        best[first : first + CHUNK] = inside.reshape(len(inside), len(grid), -1).sum(axis=2).argmax(axis=1)
    return grid[best]


def fit_separable(
    signal: Complex[np.ndarray, "v frame"],
    basis: Basis,
    start: Float[np.ndarray, "v q"],
    bounds: tuple[Float[np.ndarray, " q"], Float[np.ndarray, " q"]],
    iterations: int = 40,
    tolerance: float = 1e-8,
) -> SeparableFit:
    """Least-squares theta within `bounds`, from a start in the right valley. A column whose bounds are equal stays as it is.

    tolerance: a voxel is done when its next step is shorter than that, or promises to lower the residual power by a smaller
    fraction than that (which is a step of 1e-4 * sqrt(frames) standard deviations). Else, after `iterations`, not converged.
    """
    low, high = bounds
    theta, damping = start.copy(), np.full(len(start), 1e-3)
    now = _Projection.of(signal, basis(theta))
    amplitude, power = now.amplitude, now.power
    converged = np.zeros(len(start), dtype=bool)
    for _ in range(iterations):
        rows = np.flatnonzero(~converged)
        if len(rows) == 0:
            break
        here = theta[rows]
        now = _Projection.of(signal[rows], basis(here))
        step, gain = _step(signal[rows], now, basis, here, bounds, damping[rows])
        trial = np.where(low < high, np.clip(here + step, low, high), here)
        then = _Projection.of(signal[rows], basis(trial))
        better = then.power <= power[rows]
        damping[rows] *= np.where(better, 0.1, 10)
        converged[rows] = (np.abs(trial - here).max(axis=1) < tolerance) | (gain < tolerance * now.power)
        taken = rows[better]
        theta[taken], amplitude[taken], power[taken] = trial[better], then.amplitude[better], then.power[better]
    return SeparableFit(theta=theta, amplitude=amplitude, residual_power=power, converged=converged)


def _step(
    signal: np.ndarray,
    now: _Projection,
    basis: Basis,
    theta: np.ndarray,
    bounds: tuple[np.ndarray, np.ndarray],
    damping: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The damped Newton step of each voxel, (v, q), zero along what is fixed or pressed against a bound; its promised gain."""
    low, high = bounds
    fitted = np.flatnonzero(low < high).tolist()
    slopes = now.derivatives(basis, theta, fitted)
    pull = now.pull(slopes)
    curvature = np.zeros((len(theta), theta.shape[1], theta.shape[1]))
    for i in fitted:
        moved = _moved(theta, i)
        there = _Projection.of(signal, basis(moved))
        curvature[:, :, i] = (pull - there.pull(there.derivatives(basis, moved, fitted))) / STEP
    held = (low >= high) | ((theta <= low) & (pull < 0)) | ((theta >= high) & (pull > 0))
    values, vectors = np.linalg.eigh(_without(curvature, held))
    stiffness = np.abs(values) * (1 + damping[:, None])  # downhill even where the valley is not convex
    stiffness = np.maximum(stiffness, 1e-9 * stiffness.max(axis=1, keepdims=True))
    free_pull = np.where(held, 0, pull)
    along = np.einsum("vqe,vq->ve", vectors, free_pull) / stiffness
    step = np.einsum("vqe,ve->vq", vectors, along)
    return step, (step * free_pull).sum(axis=1)


def _without(curvature: np.ndarray, held: np.ndarray) -> np.ndarray:
    """`curvature` (v, q, q) made symmetric; rows and columns of `held` (v, q) become those of a multiple of the identity."""
    free = ~held[:, :, None] & ~held[:, None, :]
    scale = np.maximum(np.abs(curvature).max(axis=(1, 2)), TINY)
    symmetric = np.where(free, (curvature + np.swapaxes(curvature, 1, 2)) / 2, 0)
    return symmetric + (held[:, :, None] + 1e-14) * np.eye(held.shape[1]) * scale[:, None, None]


def _moved(theta: np.ndarray, column: int) -> np.ndarray:
    moved = theta.copy()
    moved[:, column] += STEP
    return moved


def _real_gram(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray((np.conj(np.swapaxes(a, 1, 2)) @ b).real)


def standard_deviations(
    signal: Complex[np.ndarray, "v frame"],
    basis: Basis,
    fit: SeparableFit,
    fitted: Bool[np.ndarray, " q"],
    noise_std: Float[np.ndarray, " v"] | None,
    fixed_std: Float[np.ndarray, "v q"] | None = None,
) -> tuple[Float[np.ndarray, "v q"], Float[np.ndarray, "v p"]]:
    """Cramer-Rao standard deviations of theta and of |amplitude|.

    fitted: which columns of theta were free. noise_std: of the real part of the signal; None takes it from the residual.
    fixed_std: uncertainty of the columns that were not fitted, independent of this signal's noise; it is passed on.
    """
    now = _Projection.of(signal, basis(fit.theta))
    slopes = now.derivatives(basis, fit.theta, list(range(len(fitted))))
    outside = now.outside(slopes)
    freedom = 2 * signal.shape[1] - 2 * now.basis.shape[2] - int(fitted.sum())
    variance = fit.residual_power / max(freedom, 1) if noise_std is None else noise_std**2
    theta = _theta_covariance(_real_gram(outside, outside), fitted, variance, fixed_std)
    phase = np.conj(now.amplitude) / np.maximum(np.abs(now.amplitude), np.finfo(float).tiny)
    lean = (phase[:, :, None] * (now.inverse_r @ (np.swapaxes(now.q, 1, 2) @ slopes))).real  # -d|a| / d(theta)
    amplitude = (now.inverse_r**2).sum(axis=2) * variance[:, None] + np.einsum("vpi,vij,vpj->vp", lean, theta, lean)
    return np.sqrt(np.einsum("vqq->vq", theta)), np.sqrt(amplitude)


def _theta_covariance(gram: np.ndarray, fitted: np.ndarray, variance: np.ndarray, fixed_std: np.ndarray | None) -> np.ndarray:
    """Inverse Fisher information of the fitted columns, plus what the uncertainty of the others adds, (v, q, q)."""
    held = np.broadcast_to(~fitted, gram.shape[:2])
    inverse = np.linalg.inv(_without(gram, held)) * (fitted[:, None] & fitted)
    covariance = inverse * variance[:, None, None]
    if fixed_std is None:
        return covariance
    passed_on = np.where(fitted[:, None], -inverse @ gram, np.eye(len(fitted)))[:, :, ~fitted]  # d(theta) / d(fixed)
    return covariance + (passed_on * fixed_std[:, None, ~fitted] ** 2) @ np.swapaxes(passed_on, 1, 2)
