"""Whole turns: rectangles become layers of wire, and what is lost by rounding is won back by moving coils."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from fullbore.hardware.magnet.brief import MagnetBrief
from fullbore.hardware.magnet.layout import PRIMARY, Layout
from fullbore.hardware.magnet.refine import Refined, refine

# The current may leave the brief's by this much: it is what sets B0 in the end.
CURRENT_SHARE = 0.02
_SMALL_M = 5e-4
# What the constraints keep in hand is four times this, of which a design takes half at most.
GOOD_ENOUGH = 0.005


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wound:
    """A layout of whole turns. layers, per_layer: (m,) of each block; a central coil's turns count both halves."""

    refined: Refined
    layers: np.ndarray
    per_layer: np.ndarray


def whole_turns(layout: Layout, brief: MagnetBrief, tell: Callable[[float], None] = lambda share: None) -> Wound:
    """The layout with every block of whole layers of whole turns, block by block, the others taking up the rounding.

    Blocks are rounded from the longest wire to the shortest; when the last cannot be made good, another order is tried.
    """
    orders = _orders(layout)
    best: Wound | None = None
    for attempt, order in enumerate(orders):
        wound = _wind(layout, brief, order, partial(_share_told, tell, attempt, len(orders)))
        if best is None or wound.refined.excess < best.refined.excess:
            best = wound
        if best.refined.excess <= GOOD_ENOUGH:
            break
    assert best is not None
    return best


def _share_told(tell: Callable[[float], None], attempt: int, attempts: int, share: float) -> None:
    tell((attempt + share) / attempts)


def _orders(layout: Layout) -> list[np.ndarray]:
    inner, outer, low, high = layout.edges_m.T
    size = (outer**2 - inner**2) * (high - low)
    down = np.argsort(-size)
    rolled = np.concatenate([down[1:], down[:1]])
    return [down, down[::-1], rolled, np.arange(len(size))]


def _wind(layout: Layout, brief: MagnetBrief, order: np.ndarray, tell: Callable[[float], None]) -> Wound:
    blocks = len(layout.group)
    done, layers, per_layer = np.zeros(blocks, bool), np.zeros(blocks, np.int64), np.zeros(blocks, np.int64)
    refined: Refined | None = None
    for count, block in enumerate(order):
        layout, layers[block], per_layer[block] = _rounded(layout, brief, int(block))
        done[block] = True
        last = count == blocks - 1
        refined = refine(layout, brief, wound=done, current_share=CURRENT_SHARE, iterations=25 if last else 8, first_m=_SMALL_M)
        layout = refined.layout
        tell((count + 1) / blocks)
    assert refined is not None
    return Wound(refined=refined, layers=layers, per_layer=per_layer)


def _rounded(layout: Layout, brief: MagnetBrief, block: int) -> tuple[Layout, int, int]:
    """One block of whole layers and turns, about its old centre, with the nearest amount of wire."""
    wire = brief.primary_wire if layout.group[block] == PRIMARY else brief.shield_wire
    inner, outer, low, high = layout.edges_m[block]
    central = bool(layout.central[block])
    length = (high - low) * (2 if central else 1)
    layers = max(1, round((outer - inner) / wire.height_m))
    per_layer = max(1, round((outer - inner) * length / (layers * wire.height_m * wire.width_m)))
    build, length = layers * wire.height_m, per_layer * wire.width_m
    start = brief.space.inner_radius_m if layout.group[block] == PRIMARY else 0.0
    stop = np.inf if layout.group[block] == PRIMARY else brief.space.outer_radius_m
    inner = min(max((inner + outer) / 2 - build / 2, start), stop - build)
    edges = layout.edges_m.copy()
    if central:
        edges[block] = inner, inner + build, 0.0, length / 2
    else:
        most = brief.space.length_m / 2
        middle = min((low + high) / 2, most - length / 2)
        edges[block] = inner, inner + build, middle - length / 2, middle + length / 2
    return replace(layout, edges_m=edges), layers, per_layer
