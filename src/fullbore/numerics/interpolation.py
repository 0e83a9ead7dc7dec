"""Separable interpolation from one axis-aligned lattice onto another: a small matrix per axis."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from jaxtyping import Float, Inexact, Int

from fullbore.errors import ShapeError, ValueRangeError

Order = Literal["linear", "cubic"]
Outside = Literal["zero", "nearest"]
Axis = Float[np.ndarray, "_"]


def interpolate_separable(
    values: Inexact[np.ndarray, "*shape"],
    axes_from: tuple[Axis, Axis, Axis],
    axes_to: tuple[Axis, Axis, Axis],
    order: Order = "linear",
    outside: Outside = "zero",
    channels_last: bool = False,
) -> Inexact[np.ndarray, "*resampled"]:
    """Values on the lattice `axes_from`, resampled at the points of the lattice `axes_to`.

    values: (..., z, y, x) real or complex, or (z, y, x, channel) with `channels_last`; the result likewise.
    axes_from, axes_to: coordinates along (z, y, x), any one unit per axis;
        `axes_from` must be evenly spaced (rising or falling) with one entry per sample; `axes_to` may be anything.
    order: "linear", or "cubic" (Keys 1981, a = -1/2: interpolating, third order).
    outside: "zero" surrounds the lattice with zeros, "nearest" continues its edge values.
    An axis with a single sample does not vary: its value holds everywhere.
    The dtype is kept; float32 and complex64 are computed in single precision.
    Errors: ShapeError when axes and values disagree, ValueRangeError when `axes_from` is not evenly spaced.
    """
    first = values.ndim - 3 - channels_last
    got, wanted = values.shape[first : first + 3], tuple(len(axis) for axis in axes_from)
    if got != wanted:
        raise ShapeError(f"interpolate_separable: values have lattice {got}, axes_from say {wanted}. Make them agree.")
    matrices = [interpolation_matrix(a, b, order, outside) for a, b in zip(axes_from, axes_to, strict=True)]
    growth = [matrix.shape[0] / matrix.shape[1] for matrix in matrices]
    result = np.ascontiguousarray(values)
    for axis in np.argsort(growth, kind="stable"):
        result = _apply_along(result, matrices[axis], int(axis) - 3 - channels_last)
    return result


def interpolation_matrix(
    axis_from: Float[np.ndarray, " n"], axis_to: Float[np.ndarray, " m"], order: Order = "linear", outside: Outside = "zero"
) -> Float[np.ndarray, "m n"]:
    """Weights that take samples at `axis_from` to the points `axis_to`; arguments as `interpolate_separable`."""
    size = len(axis_from)
    if size == 1:
        return np.ones((len(axis_to), 1))
    position = (axis_to - axis_from[0]) / _even_step(axis_from)
    below = np.floor(position).astype(np.int64)
    fraction = position - below
    matrix = np.zeros((len(axis_to), size))
    weights = {"linear": _linear_weights, "cubic": _cubic_weights}[order](fraction)
    for offset, weight in weights.items():
        _scatter(matrix, below + offset, weight, outside)
    return matrix


def _even_step(axis: Float[np.ndarray, " n"]) -> float:
    step = float(axis[-1] - axis[0]) / (len(axis) - 1)
    if step == 0 or np.abs(np.diff(axis) - step).max() > 1e-6 * abs(step):
        raise ValueRangeError("interpolate_separable, axes_from: not evenly spaced. Resample it onto an even lattice first.")
    return step


def _linear_weights(t: Float[np.ndarray, " m"]) -> dict[int, Float[np.ndarray, " m"]]:
    return {0: 1 - t, 1: t}


def _cubic_weights(t: Float[np.ndarray, " m"]) -> dict[int, Float[np.ndarray, " m"]]:
    # Keys 1981, eq. 4 with a = -1/2, at the four neighbours of the interval.
    return {
        -1: ((-0.5 * t + 1) * t - 0.5) * t,
        0: (1.5 * t - 2.5) * t * t + 1,
        1: ((-1.5 * t + 2) * t + 0.5) * t,
        2: (0.5 * t - 0.5) * t * t,
    }


def _scatter(
    matrix: Float[np.ndarray, "m n"], column: Int[np.ndarray, " m"], weight: Float[np.ndarray, " m"], outside: Outside
) -> None:
    last = matrix.shape[1] - 1
    inside = (column >= 0) & (column <= last)
    kept = weight * inside if outside == "zero" else weight
    np.add.at(matrix, (np.arange(len(column)), np.clip(column, 0, last)), kept)


def _apply_along(values: Inexact[np.ndarray, "*_"], matrix: Float[np.ndarray, "m n"], axis: int) -> Inexact[np.ndarray, "*_"]:
    """Matrix @ values along one axis; a real matrix acts on real and imaginary parts, laid out side by side."""
    real_type = values.real.dtype
    weights = matrix.astype(real_type)
    if axis == -1:
        return _apply_last(values, weights)
    lead, trail = values.shape[: values.ndim + axis], values.shape[values.ndim + axis + 1 :]
    pairs = values.view(real_type) if np.iscomplexobj(values) else values
    result = weights @ pairs.reshape(math.prod(lead), matrix.shape[1], -1)
    return np.asarray(result.view(values.dtype).reshape(*lead, matrix.shape[0], *trail))


def _apply_last(values: Inexact[np.ndarray, "... n"], weights: Float[np.ndarray, "m n"]) -> Inexact[np.ndarray, "... m"]:
    flat = values.reshape(-1, values.shape[-1])
    result = np.empty((flat.shape[0], weights.shape[0]), values.dtype)
    result.real = np.ascontiguousarray(flat.real) @ weights.T
    if np.iscomplexobj(values):
        result.imag = np.ascontiguousarray(flat.imag) @ weights.T
    return result.reshape(*values.shape[:-1], -1)
