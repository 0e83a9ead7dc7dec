"""Rectangles pulled onto the harmonics and stray moments that a magnet needs."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.optimize import lsq_linear

from fullbore.hardware.magnet.brief import MagnetBrief
from fullbore.hardware.magnet.exterior import exterior_moment_slopes, exterior_moments
from fullbore.hardware.magnet.harmonics import solenoid_harmonic_slopes, solenoid_harmonics
from fullbore.hardware.magnet.layout import Layout, half_sections
from fullbore.hardware.magnet.movement import Bounds, bounds_of

_DEGREE, _MOMENTS = 10, 2
_STEPS, _MOST_M, _MOVE_M, _SPRING_M = 20, 0.02, 0.02, 1e-4
# Units of the residuals: B0 to 1e-4, harmonics to 10 ppm of B0, moments to a tenth of the stray limit on the ellipse's ends.
_FIELD_UNIT, _HARMONIC_UNIT, _STRAY_SHARE = 1e-4, 1e-5, 0.1


def null_harmonics(layout: Layout, brief: MagnetBrief) -> Layout:
    """Damped Gauss-Newton on the edges: B0, the harmonics 2 to 10 over the largest ball, the exterior moments 0 and 2.

    Each step is the least movement that cancels the linearised residual, cut to 2 cm and to the space there is.
    """
    bounds = bounds_of(layout, brief)
    for _ in range(_STEPS):
        residual, slopes = _residual(layout, brief)
        step = _least_step(layout.vector(), residual, slopes, bounds)
        layout = layout.at(layout.vector() + step)
        if np.abs(step).max() < 1e-6:
            break
    return layout


def _least_step(
    vector: Float[np.ndarray, " v"], residual: Float[np.ndarray, " q"], slopes: Float[np.ndarray, "q v"], bounds: Bounds
) -> Float[np.ndarray, " v"]:
    """Bounded least squares of residual and movement; distances between edges enter as stiff springs where they are broken."""
    broken = np.maximum(bounds.less @ vector - bounds.at_most, 0.0)
    springs = bounds.less[broken > 0] / _SPRING_M
    matrix = np.concatenate([slopes, springs, np.eye(len(vector)) / _MOVE_M])
    wanted = np.concatenate([-residual, -broken[broken > 0] / _SPRING_M, np.zeros(len(vector))])
    low = np.maximum(bounds.low - vector, -_MOST_M)
    high = np.minimum(bounds.high - vector, _MOST_M)
    low, high = np.minimum(low, 0.0), np.maximum(high, 0.0)
    free = high - low > 1e-12
    step = np.zeros(len(vector))
    step[free] = lsq_linear(matrix[:, free], wanted, (low[free], high[free])).x
    return step


def _residual(layout: Layout, brief: MagnetBrief) -> tuple[Float[np.ndarray, " q"], Float[np.ndarray, "q v"]]:
    half = half_sections(layout, brief)
    radius = max(ball.diameter_m for ball in brief.homogeneity) / 2
    field = 2 * solenoid_harmonics(half, _DEGREE, radius)[::2].sum(axis=1) / brief.b0_T
    field_slopes = 2 * solenoid_harmonic_slopes(half, _DEGREE, radius)[::2].reshape(len(field), -1) / brief.b0_T
    reach = brief.stray.axial_m ** (np.arange(0, _MOMENTS + 1, 2) + 3) * brief.stray.field_T * _STRAY_SHARE
    stray = 2 * exterior_moments(half, _MOMENTS)[::2].sum(axis=1) / reach
    stray_slopes = 2 * exterior_moment_slopes(half, _MOMENTS)[::2].reshape(len(stray), -1) / reach[:, None]
    unit = np.full(len(field), _HARMONIC_UNIT)
    unit[0] = _FIELD_UNIT
    residual = np.concatenate([(field - np.eye(len(field))[0]) / unit, stray])
    slopes = np.concatenate([field_slopes / unit[:, None], stray_slopes])
    return residual, np.column_stack([slopes, np.zeros(len(residual))])
