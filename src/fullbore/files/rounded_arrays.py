"""Smooth arrays in few bytes: whole steps, of which only the third differences are kept, which are small."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fullbore.errors import ValueRangeError

STEP = ".step"
"""Ending of the name under which a rounded array's step stands, in the array's own dtype."""
_AXES = (-1, -2, -3)
_MOST = 2**23
_INTEGERS = (np.int8, np.int16, np.int32)


def rounded(array: np.ndarray, step: float) -> np.ndarray:
    """The array at its nearest whole steps, real and imaginary part each, off by half a step at most; same shape and dtype.

    array: real or complex (..., z, y, x). step: a power of two, so that every such value is exact in single precision.
    Errors: ValueRangeError for another step, or for more than 2**23 of them.
    """
    return _joined(_steps(array, step), step, array.dtype)


def packed(name: str, array: np.ndarray, step: float) -> dict[str, np.ndarray]:
    """What an archive keeps of a rounded array: third differences (part, ..., z, y, x) and the step; see `unpacked`."""
    steps = _steps(array, step)
    for axis in _AXES:
        steps = np.diff(steps, axis=axis, prepend=0)
    most = int(np.abs(steps).max())
    kind = next(kind for kind in _INTEGERS if most <= np.iinfo(kind).max)
    return {name: steps.astype(kind), name + STEP: np.asarray(step, array.dtype)}


def unpacked(stored: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """An archive's arrays, those that stand in steps put together again, bit by bit what `rounded` gave."""
    whole = {}
    for name, array in stored.items():
        if name.endswith(STEP):
            continue
        step = stored.get(name + STEP)
        if step is not None:
            steps = array.astype(np.int64)
            for axis in _AXES:
                steps = np.cumsum(steps, axis=axis)
            array = _joined(steps, float(step.real), step.dtype)
        whole[name] = array
    return whole


def _steps(array: np.ndarray, step: float) -> np.ndarray:
    """Whole steps (part, ..., z, y, x), one part of a real array and two of a complex one."""
    if np.frexp(step)[0] != 0.5:
        raise ValueRangeError(f"rounded array, step: got {step!r}, wanted a power of two.")
    parts = np.stack([array.real, array.imag] if np.iscomplexobj(array) else [array]).astype(np.float64) / step
    if not np.abs(parts).max() <= _MOST:
        raise ValueRangeError(f"rounded array: got {np.abs(parts).max():.3g} steps of {step:g}, wanted at most {_MOST}.")
    return np.rint(parts).astype(np.int64)


def _joined(steps: np.ndarray, step: float, dtype: np.dtype) -> np.ndarray:
    values = steps * step
    return (values[0] + 1j * values[1] if len(values) == 2 else values[0]).astype(dtype)
