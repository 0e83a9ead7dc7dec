"""What an iteration sums over its arrays, in one pass over memory: arrays of images are larger than the cache."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
import torch
from jaxtyping import Float, Inexact
from torch import Tensor

from fullbore.numerics.threads import map_threaded

_PIECE = 1 << 16


def sums_of_step(
    old: Inexact[Tensor, "*shape"], new: Inexact[Tensor, "*shape"], lead: Inexact[Tensor, "*shape"]
) -> tuple[float, float, float]:
    """|new - old|^2, |new|^2 and Re <lead - new, new - old>."""
    if old.device.type != "cpu":
        change = new - old
        return _square(change), _square(new), _inner(lead - new, change)
    return _summed(_step_kernel, old, new, lead)


def sums_of_optimised_step(
    old: Inexact[Tensor, "*shape"],
    new: Inexact[Tensor, "*shape"],
    before: Inexact[Tensor, "*shape"],
    descended: Inexact[Tensor, "*shape"],
    descended_before: Inexact[Tensor, "*shape"],
    ratio: float,
) -> tuple[float, float, float]:
    """|new - old|^2, |new|^2 and Re <old - descended - ratio (new - before), descended - descended_before>.

    before: what the proximal map made `new` of.
    """
    if old.device.type != "cpu":
        uphill = torch.sub(old - descended, new - before, alpha=ratio)
        return _square(new - old), _square(new), _inner(uphill, descended - descended_before)
    return _summed(_optimised_kernel, old, new, before, descended, descended_before, ratio=ratio)


def relative(change_squared: float, squared: float) -> float:
    """|change| over |value|; 0 for nothing."""
    return float(np.sqrt(change_squared / squared)) if squared > 0 else 0.0


def _summed(kernel, *arrays: Tensor, ratio: float | None = None) -> tuple[float, float, float]:  # type: ignore[no-untyped-def]
    lines = [_as_line(array) for array in arrays]
    more = () if ratio is None else (lines[0].dtype.type(ratio),)
    starts = range(0, lines[0].size, _PIECE)
    # Short pieces: sums in single precision stay exact to a millionth.
    pieces = map_threaded(
        lambda at: kernel(*(line[at : at + _PIECE] for line in lines), *more), starts, 1 if len(starts) < 8 else None
    )
    changed, size, slope = np.array(list(pieces), np.float64).sum(axis=0).tolist()
    return changed, size, slope


def _as_line(x: Tensor) -> Float[np.ndarray, " n"]:
    contiguous = x.resolve_conj().contiguous()
    return (torch.view_as_real(contiguous) if x.is_complex() else contiguous).reshape(-1).numpy()


def _square(x: Tensor) -> float:
    return float(torch.linalg.vector_norm(torch.view_as_real(x) if x.is_complex() else x)) ** 2


def _inner(a: Tensor, b: Tensor) -> float:
    return float(torch.real(torch.vdot(a.flatten(), b.flatten())))


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def _step_kernel(old, new, lead):
    zero = old.dtype.type(0)
    changed, size, slope = zero, zero, zero
    for k in range(old.size):
        change = new[k] - old[k]
        changed += change * change
        size += new[k] * new[k]
        slope += (lead[k] - new[k]) * change
    return changed, size, slope


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def _optimised_kernel(old, new, before, descended, descended_before, ratio):
    zero = old.dtype.type(0)
    changed, size, slope = zero, zero, zero
    for k in range(old.size):
        change = new[k] - old[k]
        changed += change * change
        size += new[k] * new[k]
        slope += (old[k] - descended[k] - ratio * (new[k] - before[k])) * (descended[k] - descended_before[k])
    return changed, size, slope
