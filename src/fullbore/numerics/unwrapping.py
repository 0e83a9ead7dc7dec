"""Unwrapping of phases on a lattice: whole turns are added so that trustworthy neighbours agree.

Neighbours are joined in the order of how far their link can be trusted, a maximum spanning tree, as in region growing but
without a seed (Kruskal 1956). Each voxel's value changes by exact multiples of 2 pi. Link quality after Dymerska et al.,
Magn Reson Med 85:2294 (2021).
"""

from __future__ import annotations

import math
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Bool, Float, Int

from fullbore.errors import ShapeError


def unwrap_phase(
    phase_rad: Float[np.ndarray, "z y x"],
    magnitude: Float[np.ndarray, "*same"],
    mask: Bool[np.ndarray, "*also"],
    coherence: Float[np.ndarray, "3 z y x"] | None = None,
) -> Float[np.ndarray, "z y x"]:
    """The phase plus whole turns, 0 outside `mask`; the largest connected piece has its median within half a turn of 0.

    Separate pieces are each centred in this way. coherence: a further factor of every link's quality, from each voxel to the
    next along z, y and x. Errors: ShapeError when shapes differ.
    """
    if not phase_rad.shape == magnitude.shape == mask.shape:
        raise ShapeError(f"unwrap_phase: got {phase_rad.shape}, {magnitude.shape}, {mask.shape}, wanted one shape.")
    place = np.arange(phase_rad.size).reshape(phase_rad.shape)
    one, two, quality = [], [], []
    for axis in range(3):
        low, high = (tuple(slice(a, b) if i == axis else slice(None) for i in range(3)) for a, b in ((0, -1), (1, None)))
        both = mask[low] & mask[high]
        step = np.angle(np.exp(1j * (phase_rad[high] - phase_rad[low]).astype(np.float64)))
        small, large = np.minimum(magnitude[low], magnitude[high]), np.maximum(magnitude[low], magnitude[high])
        link = (1 - np.abs(step) / math.pi) * (small / np.maximum(large, 1e-30)) ** 2
        link = link * (1.0 if coherence is None else coherence[axis][low])
        one.append(place[low][both])
        two.append(place[high][both])
        quality.append(link[both])
    order = np.argsort(-np.concatenate(quality), kind="stable")
    flat = phase_rad.reshape(-1).astype(np.float64)
    turns, piece = _join(flat, np.concatenate(one)[order], np.concatenate(two)[order])
    return _centred(phase_rad, turns.reshape(mask.shape), piece.reshape(mask.shape), mask)


def _centred(
    phase: Float[np.ndarray, "z y x"],
    turns: Int[np.ndarray, "z y x"],
    piece: Int[np.ndarray, "z y x"],
    mask: Bool[np.ndarray, "z y x"],
) -> Float[np.ndarray, "z y x"]:
    result = np.zeros(phase.shape)
    if not mask.any():
        return result
    values = phase[mask] + 2 * math.pi * turns[mask]
    _, which = np.unique(piece[mask], return_inverse=True)
    order = np.argsort(which, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(which[order])) + 1):
        values[members] -= 2 * math.pi * np.round(np.median(values[members]) / (2 * math.pi))
    result[mask] = values
    return result


@numba.njit(cache=True, nogil=True)
@no_type_check
def _root(parent, shift, node):
    """The root of a node, and how many turns the node needs beside it; shortens the way."""
    total = 0
    top = node
    while parent[top] != top:
        total += shift[top]
        top = parent[top]
    left = total
    while parent[node] != top and node != top:
        above, own = parent[node], shift[node]
        parent[node], shift[node] = top, left
        left -= own
        node = above
    return top, total


@numba.njit(cache=True, nogil=True)
@no_type_check
def _join(phase, one, two):
    size = phase.size
    parent, shift, count = np.arange(size), np.zeros(size, np.int64), np.ones(size, np.int64)
    for link in range(one.size):
        a, b = one[link], two[link]
        top_a, turns_a = _root(parent, shift, a)
        top_b, turns_b = _root(parent, shift, b)
        if top_a == top_b:
            continue
        # Turns that b's piece needs for b to lie beside a.
        need = turns_a + int(np.round((phase[a] - phase[b]) / (2 * np.pi))) - turns_b
        if count[top_a] >= count[top_b]:
            parent[top_b], shift[top_b] = top_a, need
            count[top_a] += count[top_b]
        else:
            parent[top_a], shift[top_a] = top_b, -need
            count[top_b] += count[top_a]
    turns, piece = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for node in range(size):
        piece[node], turns[node] = _root(parent, shift, node)
    return turns, piece
