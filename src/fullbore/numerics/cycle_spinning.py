"""Shrinkage of wavelet details at several positions of the transform at once: nearly shift-invariant, at little cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Inexact
from torch import Tensor

from fullbore.errors import UsageError
from fullbore.numerics import wavelet_plane
from fullbore.numerics.threads import run_threaded
from fullbore.numerics.threshold import Penalty, shrink_factor
from fullbore.numerics.wavelet import Volume, Wavelet, daubechies

_AXES = (-3, -2, -1)


def shrink_cycled(
    wavelet: Wavelet,
    x: Inexact[Tensor, "*shape"],
    threshold: float,
    step: float,
    shifts: Sequence[Volume],
    penalty: Penalty = "l1",
    joint: int = 0,
) -> Inexact[Tensor, "*shape"]:
    """Mean over `shifts` of the proximal map of step * penalty(details of x rolled by -shift). Coifman and Donoho 1995.

    joint: this many leading axes share one magnitude per coefficient, so that they are kept or dropped together.
    On the CPU planes that no transform joins stay in the cache from first to last. Errors: UsageError for a step of 2 or more
    with the "log" penalty, which has no map there.
    """
    if penalty == "log" and not 0 < step < 2:
        raise UsageError(f"shrink_cycled: got step {step}, wanted 0 < step < 2 for the log penalty.")
    planar = wavelet.axis_levels()[0] == 0
    if planar and joint == 0 and x.device.type == "cpu":
        return _shrink_planes(wavelet, x, threshold, step, shifts, penalty)
    result = torch.zeros_like(x)
    for shift in shifts:
        details = wavelet.forward(torch.roll(x, [-s for s in shift], _AXES))
        _shrink_details(wavelet, details, threshold, step, penalty, joint)
        result.add_(torch.roll(wavelet.adjoint(details), list(shift), _AXES), alpha=1 / len(shifts))
    return result


def _shrink_details(wavelet: Wavelet, x: Tensor, threshold: float, step: float, penalty: Penalty, joint: int) -> None:
    """In place, all but the coarsest corner and what was not transformed."""
    if joint == 0 and x.device.type == "cpu":
        _shrink_volumes(wavelet, x, threshold, step, penalty)
        return
    m0, m1, m2 = wavelet.block()
    c0, c1, c2 = wavelet.corner()
    corner = x[..., :c0, :c1, :c2].clone()
    inside = x[..., :m0, :m1, :m2]
    squared = inside.real.square() + inside.imag.square() if x.is_complex() else inside.square()
    if joint:
        squared = squared.sum(tuple(range(joint)), keepdim=True)
    inside.mul_(shrink_factor(squared, threshold, step, penalty))
    x[..., :c0, :c1, :c2] = corner


def _shrink_volumes(wavelet: Wavelet, x: Tensor, threshold: float, step: float, penalty: Penalty) -> None:
    pairs = 2 if x.is_complex() else 1
    numbers = torch.view_as_real(x) if pairs == 2 else x
    block, corner = np.array(wavelet.block(), np.int64), np.array(wavelet.corner(), np.int64)
    planes, rows, columns = (int(n) for n in x.shape[-3:])
    slab = -(-planes // max(1, torch.get_num_threads()))
    for volume in numbers.reshape(-1, planes, rows, columns * pairs).numpy():

        def shrink(first: int, values: np.ndarray = volume) -> None:
            wavelet_plane.shrink_volume(
                values, first, first + slab, block, corner, pairs, float(threshold), float(step), penalty == "log"
            )

        run_threaded(shrink, range(0, planes, slab))


def _shrink_planes(
    wavelet: Wavelet, x: Tensor, threshold: float, step: float, shifts: Sequence[Volume], penalty: Penalty
) -> Tensor:
    low, high = (np.asarray(f, x.real.numpy().dtype) for f in daubechies(wavelet.name))
    extents = np.array([(a, b, p, q) for (_, a, b), (_, p, q) in wavelet.steps()], np.int64).reshape(-1, 4)
    bounds = np.array([*wavelet.block()[1:], *wavelet.corner()[1:]], np.int64)
    moves = np.array([shift[1:] for shift in shifts], np.int64)
    pairs = 2 if x.is_complex() else 1
    rows, columns = int(x.shape[-2]), int(x.shape[-1])
    source = (torch.view_as_real(x.resolve_conj()) if pairs == 2 else x).reshape(-1, rows, columns * pairs).contiguous().numpy()
    planes = len(source)
    # One plane offers no work to share but its shifts, each with a result of its own.
    groups = min(len(moves), torch.get_num_threads()) if planes == 1 else 1
    parts = np.zeros((groups, *source.shape), source.dtype)

    def shrink(piece: tuple[int, int]) -> None:
        plane, group = piece
        wavelet_plane.shrink_plane(
            source[plane], parts[group, plane], moves[group::groups], extents, bounds, pairs,
            low, high, float(threshold), float(step), penalty == "log", 1 / len(moves),
        )  # fmt: skip

    run_threaded(shrink, [(plane, group) for plane in range(planes) for group in range(groups)])
    total = torch.from_numpy(parts[0] if groups == 1 else parts.sum(0))
    return torch.view_as_complex(total.reshape(*x.shape, 2)) if pairs == 2 else total.reshape(x.shape)
