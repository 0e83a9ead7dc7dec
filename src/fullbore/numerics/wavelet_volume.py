"""Numba: the passes over a volume whose wavelet details shrink; `wavelet_plane` for volumes with a third axis.

A level passes twice along axis 0, and once through the planes of axes 1 and 2: fine planes are finished there, from transform
to inverse, and only the coarse ones (about half) are met again once the next level has been through their corner. Volumes are
real (n0 * n1, n2 * pairs). The next level has axes 1 and 2 exchanged, as planes do.
"""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float

from fullbore.numerics.wavelet_plane import GAP, TILE, added, down, down_turned, shrink_details, up, up_turned
from fullbore.numerics.wavelet_rows import rows_down, rows_up


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def down_first_axis(
    source: Float[np.ndarray, "rows width"], shape, shift, block, takes_part: bool, first: int, last: int,
    work: Float[np.ndarray, "some width"], low, high,
) -> None:  # fmt: skip
    """Lines first to last - 1 along axis 1 of the rolled source (rolled along axes 0 and 1 only), analysed along axis 0.

    shape, block, shift: along axes 0 and 1. work: (block[0] * block[1], width).
    """
    n0, b0, b1 = shape[0], block[0], block[1]
    for j in range(first, last):
        base = (j + shift[1]) % shape[1]
        for i in range(b0 // 2 if takes_part else b0):
            if takes_part:
                lines = (shift[0], n0, shape[1], base)
                rows_down(source, lines, i, b0, source.shape[1], low, high, work[i * b1 + j], work[(b0 // 2 + i) * b1 + j])
            else:
                work[i * b1 + j] = source[(i + shift[0]) % n0 * shape[1] + base]


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def up_first_axis(
    work: Float[np.ndarray, "some width"], block, takes_part: bool, first: int, last: int,
    result: Float[np.ndarray, "rows wide"], shape, shift, pairs: int, low, high, weight: float,
) -> None:  # fmt: skip
    """The inverse, times weight, added to the rolled `result` (along all axes)."""
    b0, b1, b2 = block
    width, w = b2 * pairs, result.dtype.type(weight)
    tiles = np.empty((2, work.shape[1]), work.dtype)
    for j in range(first, last):
        base = (j + shift[1]) % shape[1]
        for i in range(b0 // 2 if takes_part else b0):
            if takes_part:
                rows_up(work, (b1, j), i, b0 // 2, width, low, high, tiles[0], tiles[1])
                added(tiles[0], (2 * i + shift[0]) % shape[0] * shape[1] + base, b2, shift[2], pairs, w, result)
                added(tiles[1], (2 * i + 1 + shift[0]) % shape[0] * shape[1] + base, b2, shift[2], pairs, w, result)
            else:
                added(work[i * b1 + j], (i + shift[0]) % shape[0] * shape[1] + base, b2, shift[2], pairs, w, result)


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def _room(n1, n2, pairs, like):
    """Tiles, a turned and an upright plane, and a turned one of details."""
    tall, wide = (n1 + GAP) * pairs, (n2 + GAP) * pairs
    most, area = max(tall, wide), max(n1 * wide, n2 * tall)
    scratch = np.empty(2 * TILE * most + 3 * area, like.dtype)
    tiles, at = scratch[: 2 * TILE * most].reshape(2, TILE, most), 2 * TILE * most
    turned = scratch[at : at + n2 * tall].reshape(n2, tall)
    upright = scratch[at + area : at + area + n1 * wide].reshape(n1, wide)
    return tiles, turned, upright, scratch[at + 2 * area : at + 2 * area + n2 * tall].reshape(n2, tall)


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def through_planes(
    work: Float[np.ndarray, "rows width"], columns: int, cut: int, block, parts, first: int, last: int, deepest: bool,
    coarser: Float[np.ndarray, "some narrow"], pairs: int, low, high, threshold: float, step: float, logarithmic: bool,
) -> None:  # fmt: skip
    """Planes first to last - 1: analysed, shrunk and (fine planes, and all at the deepest level) synthesised, in place.

    block: (n0, n1, n2); columns: of `work`, n2 or more, of which the transform begins at `cut`. parts: axes that take part.
    coarser: takes the corners of coarse planes, turned; their details stay in `work`, turned, for `back_through_planes`.
    """
    n0, n1, n2 = block
    c0, c1, c2 = n0 // 2 if parts[0] else n0, n1 // 2 if parts[1] else n1, n2 // 2 if parts[2] else n2
    tiles, turned, upright, details = _room(n1, columns, pairs, work)
    for i in range(first, last):
        plane = work[i * n1 : (i + 1) * n1]
        down_turned(plane, 0, cut, n1, columns, parts[1], turned, tiles, pairs, low, high)
        down(turned, n2, n1, parts[2], details, pairs, low, high)
        coarse = i < c0
        shrink_details(details, n2, n1, c2 if coarse else 0, c1 if coarse else 0, pairs, threshold, step, logarithmic)
        if coarse and not deepest:
            flat = plane.reshape(-1)
            for k in range(n2):
                flat[k * n1 * pairs : (k + 1) * n1 * pairs] = details[k, : n1 * pairs]
            for k in range(c2):
                coarser[i * c2 + k] = details[k, : c1 * pairs]
        else:
            up_turned(details, n2, n1, parts[2], upright, tiles, pairs, low, high)
            up(upright, n1, n2, parts[1], plane, pairs, low, high)


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def back_through_planes(
    work: Float[np.ndarray, "rows width"], columns: int, block, parts, first: int, last: int,
    coarser: Float[np.ndarray, "some narrow"], pairs: int, low, high,
) -> None:  # fmt: skip
    """Coarse planes first to last - 1 synthesised, their corners taken from `coarser`."""
    n1, n2 = block[1], block[2]
    c1, c2 = n1 // 2 if parts[1] else n1, n2 // 2 if parts[2] else n2
    tiles, _, upright, details = _room(n1, columns, pairs, work)
    for i in range(first, last):
        plane = work[i * n1 : (i + 1) * n1]
        flat = plane.reshape(-1)
        for k in range(n2):
            details[k, : n1 * pairs] = flat[k * n1 * pairs : (k + 1) * n1 * pairs]
        for k in range(c2):
            details[k, : c1 * pairs] = coarser[i * c2 + k]
        up_turned(details, n2, n1, parts[2], upright, tiles, pairs, low, high)
        up(upright, n1, n2, parts[1], plane, pairs, low, high)


@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def left_added(
    source: Float[np.ndarray, "rows width"], result: Float[np.ndarray, "rows width"], shape, block, shift, pairs: int,
    weight: float,
) -> None:  # fmt: skip
    """What lies outside the block of the rolled volume passes: result += weight * source there."""
    w = result.dtype.type(weight)
    for i in range(shape[0]):
        for j in range(shape[1]):
            at = (i + shift[0]) % shape[0] * shape[1] + (j + shift[1]) % shape[1]
            for k in range(block[2] if i < block[0] and j < block[1] else 0, shape[2]):
                for p in range(pairs):
                    q = (k + shift[2]) % shape[2] * pairs + p
                    result[at, q] += w * source[at, q]
