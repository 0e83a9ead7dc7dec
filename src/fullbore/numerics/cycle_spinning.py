"""Shrinkage of wavelet details at several positions of the transform at once: nearly shift-invariant, at little cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Inexact
from torch import Tensor

from fullbore.errors import UsageError
from fullbore.numerics import wavelet_plane, wavelet_volume
from fullbore.numerics.threads import run_threaded
from fullbore.numerics.threshold import Penalty, shrink_factor
from fullbore.numerics.wavelet import Volume, Wavelet, daubechies
from fullbore.numerics.wavelet_rows import padded

_AXES = (-3, -2, -1)


def shrink_cycled(
    wavelet: Wavelet,
    x: Inexact[Tensor, "*shape"],
    threshold: float,
    step: float,
    shifts: Sequence[Volume],
    penalty: Penalty = "l1",
    joint: int = 0,
    *,
    given_up: bool = False,
) -> Inexact[Tensor, "*shape"]:
    """Mean over `shifts` of the proximal map of step * penalty(details of x rolled by -shift). Coifman and Donoho 1995.

    joint: this many leading axes share one magnitude per coefficient, so that they are kept or dropped together.
    given_up: the caller reads x no more, and its memory may hold the result.
    On the CPU planes that no transform joins stay in the cache from first to last. Errors: UsageError for a step of 2 or more
    with the "log" penalty, which has no map there.
    """
    if penalty == "log" and not 0 < step < 2:
        raise UsageError(f"shrink_cycled: got step {step}, wanted 0 < step < 2 for the log penalty.")
    planar = wavelet.axis_levels()[0] == 0
    if planar and joint == 0 and x.device.type == "cpu":
        return _shrink_planes(wavelet, x, threshold, step, shifts, penalty)
    if joint == 0 and x.device.type == "cpu":
        return _shrink_volumes(wavelet, x, threshold, step, shifts, penalty, given_up)
    result = torch.zeros_like(x)
    for shift in shifts:
        details = wavelet.forward(torch.roll(x, [-s for s in shift], _AXES))
        _shrink_details(wavelet, details, threshold, step, penalty, joint)
        result.add_(torch.roll(wavelet.adjoint(details), list(shift), _AXES), alpha=1 / len(shifts))
    return result


def _shrink_details(wavelet: Wavelet, x: Tensor, threshold: float, step: float, penalty: Penalty, joint: int) -> None:
    """In place, all but the coarsest corner and what was not transformed."""
    m0, m1, m2 = wavelet.block()
    c0, c1, c2 = wavelet.corner()
    corner = x[..., :c0, :c1, :c2].clone()
    inside = x[..., :m0, :m1, :m2]
    squared = inside.real.square() + inside.imag.square() if x.is_complex() else inside.square()
    if joint:
        squared = squared.sum(tuple(range(joint)), keepdim=True)
    inside.mul_(shrink_factor(squared, threshold, step, penalty))
    x[..., :c0, :c1, :c2] = corner


def _shrink_volumes(
    wavelet: Wavelet, x: Tensor, threshold: float, step: float, shifts: Sequence[Volume], penalty: Penalty, given_up: bool
) -> Tensor:
    pairs = 2 if x.is_complex() else 1
    n0, n1, n2 = (int(n) for n in x.shape[-3:])
    passes = _Passes(
        filters=_filters(wavelet, x), levels=tuple(wavelet.steps()), pairs=pairs, threshold=float(threshold), step=float(step),
        logarithmic=penalty == "log", weight=1 / len(shifts),
    )  # fmt: skip
    source = (torch.view_as_real(x.resolve_conj()) if pairs == 2 else x).reshape(-1, n0 * n1, n2 * pairs).contiguous().numpy()
    # With one position of the transform, which reaches all of it, a volume is read to its end before its result is written.
    in_place = given_up and len(shifts) == 1 and bool(passes.levels) and wavelet.block() == (n0, n1, n2)
    result = source if in_place else np.zeros_like(source)
    for volume, total in zip(source, result, strict=True):
        for shift in shifts:
            moves = (shift[0] % n0, shift[1] % n1, shift[2] % n2)
            if passes.levels:
                passes.level(volume, total, (n0, n1, n2), moves, 0)
            block = wavelet.block() if passes.levels else (0, 0, 0)
            if block != (n0, n1, n2):
                wavelet_volume.left_added(volume, total, (n0, n1, n2), block, moves, pairs, passes.weight)
    found = torch.from_numpy(result)
    return torch.view_as_complex(found.reshape(*x.shape, 2)) if pairs == 2 else found.reshape(x.shape)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Passes:
    """The passes of one shrinkage over a volume; threads share out lines along axis 1, or planes."""

    filters: tuple[np.ndarray, np.ndarray]
    levels: tuple[tuple[Volume, tuple[bool, bool, bool]], ...]
    pairs: int
    threshold: float
    step: float
    logarithmic: bool
    weight: float

    def level(self, source: np.ndarray, result: np.ndarray, shape: Volume, shift: Volume, number: int) -> None:
        """This level and those below; axes 1 and 2 change places with every level.

        result: source, shrunk, is added; or the source itself, which it then replaces.
        """
        block, parts = self.levels[number]
        if number % 2:
            block, parts = (block[0], block[2], block[1]), (parts[0], parts[2], parts[1])
        deepest, pairs, columns = number + 1 == len(self.levels), self.pairs, shape[2]
        c0, c1, c2 = (n // 2 if takes_part else n for n, takes_part in zip(block, parts, strict=True))
        work = np.empty((block[0] * block[1], columns * pairs), source.dtype)
        coarser = np.empty((0 if deepest else c0 * c2, c1 * pairs), source.dtype)
        rolled = (shape[0], shape[1])
        _shared(
            block[1],
            lambda a, b: wavelet_volume.down_first_axis(
                source, rolled, shift[:2], block[:2], parts[0], a, b, work, *self.filters
            ),
        )
        if np.may_share_memory(result, source):
            result.fill(0)
        _shared(
            block[0],
            lambda a, b: wavelet_volume.through_planes(
                work, columns, shift[2], block, parts, a, b, deepest, coarser, pairs, *self.filters,
                self.threshold, self.step, self.logarithmic,
            ),
        )  # fmt: skip
        if not deepest:
            below = np.zeros_like(coarser)
            replace(self, weight=1.0).level(coarser, below, (c0, c2, c1), (0, 0, 0), number + 1)
            _shared(
                c0,
                lambda a, b: wavelet_volume.back_through_planes(work, columns, block, parts, a, b, below, pairs, *self.filters),
            )
        _shared(
            block[1],
            lambda a, b: wavelet_volume.up_first_axis(
                work, block, parts[0], a, b, result, rolled, shift, pairs, *self.filters, self.weight
            ),
        )


def _shared(count: int, function: Callable[[int, int], None]) -> None:
    """function(first, last) over `count` pieces, some for each thread."""
    size = -(-count // (2 * max(1, torch.get_num_threads())))
    run_threaded(lambda first: function(first, min(first + size, count)), range(0, count, size))


def _filters(wavelet: Wavelet, x: Tensor) -> tuple[np.ndarray, np.ndarray]:
    low, high = (padded(f, x.real.numpy().dtype) for f in daubechies(wavelet.name))
    return low, high


def _shrink_planes(
    wavelet: Wavelet, x: Tensor, threshold: float, step: float, shifts: Sequence[Volume], penalty: Penalty
) -> Tensor:
    low, high = _filters(wavelet, x)
    extents = np.array([(a, b, p, q) for (_, a, b), (_, p, q) in wavelet.steps()], np.int64).reshape(-1, 4)
    moves = np.array([shift[1:] for shift in shifts], np.int64)
    pairs = 2 if x.is_complex() else 1
    rows, columns = int(x.shape[-2]), int(x.shape[-1])
    source = (torch.view_as_real(x.resolve_conj()) if pairs == 2 else x).reshape(-1, rows, columns * pairs).contiguous().numpy()
    planes = len(source)
    # One plane offers no work to share but its shifts, each with a result of its own.
    groups = min(len(moves), torch.get_num_threads()) if planes == 1 else 1
    parts = np.zeros((groups, *source.shape), source.dtype)
    shared = [np.ascontiguousarray(moves[group::groups]) for group in range(groups)]  # strided ones would be a second kernel

    def shrink(piece: tuple[int, int]) -> None:
        plane, group = piece
        wavelet_plane.shrink_plane(
            source[plane], parts[group, plane], shared[group], extents, pairs,
            low, high, float(threshold), float(step), penalty == "log", 1 / len(moves),
        )  # fmt: skip

    run_threaded(shrink, [(plane, group) for plane in range(planes) for group in range(groups)])
    total = torch.from_numpy(parts[0] if groups == 1 else parts.sum(0))
    return torch.view_as_complex(total.reshape(*x.shape, 2)) if pairs == 2 else total.reshape(x.shape)
