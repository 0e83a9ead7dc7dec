# TRUTHS of separable least squares: theta and amplitudes come back | the minimum is SciPy's, with noise |
#   stated variances = inverse of the full Fisher matrix | a column with equal bounds stays, its uncertainty is passed on
#   | a minimum outside the bounds ends on them | one iteration is not enough and says so | the grid's own atoms find themselves
from __future__ import annotations

import numpy as np
from scipy.optimize import least_squares

from fullbore.quant.separable import best_of_grid, fit_separable, standard_deviations

TIMES = np.linspace(0.05, 3, 12)
WIDE = np.array([-5.0, -5.0]), np.array([5.0, 5.0])
BOTH = np.array([True, True])


def basis(theta: np.ndarray) -> np.ndarray:
    """One amplitude: a decay of rate exp(theta 0) that rings at frequency exp(theta 1)."""
    rate, frequency = np.exp(theta[:, :1]), np.exp(theta[:, 1:])
    return (np.exp(-TIMES * rate) * np.cos(TIMES * frequency))[:, :, None]


def model(real: np.ndarray) -> np.ndarray:
    """Real and imaginary part of the signal from (theta 0, theta 1, Re a, Im a)."""
    signal = basis(real[None, :2])[0, :, 0] * (real[2] + 1j * real[3])
    return np.concatenate([signal.real, signal.imag])


def one_signal(noise: float) -> tuple[np.ndarray, np.ndarray]:
    truth = np.array([0.2, 0.8, 1.5, -0.7])
    flat = model(truth) + noise * np.random.default_rng(0).normal(size=2 * len(TIMES))
    return (flat[: len(TIMES)] + 1j * flat[len(TIMES) :])[None], truth


def test_exact_data() -> None:
    signal, truth = one_signal(0)
    fit = fit_separable(signal, basis, np.array([[0.0, 1.0]]), WIDE)
    assert fit.converged.all()
    np.testing.assert_allclose(fit.theta[0], truth[:2], rtol=1e-7)
    np.testing.assert_allclose(fit.amplitude[0, 0], truth[2] + 1j * truth[3], rtol=1e-7)


def test_minimum_and_variances_with_noise() -> None:
    signal, truth = one_signal(0.1)
    fit = fit_separable(signal, basis, np.array([[0.0, 1.0]]), WIDE)
    flat = np.concatenate([signal[0].real, signal[0].imag])
    peer = least_squares(lambda p: model(p) - flat, truth, xtol=1e-14, ftol=1e-14, gtol=1e-14)
    np.testing.assert_allclose(fit.theta[0], peer.x[:2], atol=1e-5)
    np.testing.assert_allclose(fit.residual_power, 2 * peer.cost, rtol=1e-8)
    covariance = np.linalg.inv(peer.jac.T @ peer.jac) * 0.1**2
    theta_std, amplitude_std = standard_deviations(signal, basis, fit, BOTH, np.array([0.1]))
    np.testing.assert_allclose(theta_std[0], np.sqrt(np.diag(covariance)[:2]), rtol=1e-3)  # slopes by differences of 1e-5
    along = np.array([0, 0, *(peer.x[2:] / np.hypot(*peer.x[2:]))])
    np.testing.assert_allclose(amplitude_std[0, 0], np.sqrt(along @ covariance @ along), rtol=1e-3)
    from_residual, _ = standard_deviations(signal, basis, fit, BOTH, None)
    np.testing.assert_allclose(from_residual / theta_std, np.sqrt(2 * peer.cost / 20) / 0.1, rtol=1e-8)


def test_a_held_column_passes_its_uncertainty_on() -> None:
    signal, _ = one_signal(0)
    fitted = np.array([False, True])

    def with_rate(log_rate: float):
        return fit_separable(signal, basis, np.array([[log_rate, 1.0]]), (np.array([0.0, -5]), np.array([0.0, 5])))

    fit = with_rate(0.2)
    assert fit.theta[0, 0] == 0.2
    small = 1e-3
    slope = (with_rate(0.2 + small).theta - with_rate(0.2 - small).theta)[0, 1] / (2 * small)
    exact, amplitude = standard_deviations(signal, basis, fit, fitted, np.array([1e-9]), np.array([[0.05, 0.0]]))
    assert exact[0, 0] == 0.05
    np.testing.assert_allclose(exact[0, 1], abs(slope) * 0.05, rtol=1e-3)
    assert amplitude[0, 0] > 1e-3


def test_bounds_and_iterations() -> None:
    signal, _ = one_signal(0.05)
    fit = fit_separable(signal, basis, np.array([[0.4, 1.0]]), (np.array([0.3, -5]), np.array([5.0, 5])))
    assert fit.converged.all()
    assert fit.theta[0, 0] == 0.3
    assert not fit_separable(signal, basis, np.array([[0.0, 1.2]]), WIDE, iterations=1).converged.any()


def test_grid_finds_itself() -> None:
    grid = np.stack([np.repeat(np.linspace(-1, 1, 5), 4), np.tile(np.linspace(0, 1.5, 4), 5)], axis=1)
    signal = basis(grid)[:, :, 0] * (0.3 - 2j)
    np.testing.assert_array_equal(best_of_grid(signal, basis, grid), grid)
