"""Which line is measured at which place of which train."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

UNUSED = -1
"""A place in a train that plays without being sampled."""


def rising(count: int, centre: int, places: int, centre_place: int) -> Int[np.ndarray, "train place"]:
    """Items 0..count-1 (sorted along k) laid over trains so that they rise with the place, item `centre` at `centre_place`.

    Consecutive items fill one place of all trains before the next place. Places that no item reaches are UNUSED; there are
    as few trains as this allows.
    """
    trains = -(-count // places)
    while True:
        first = centre_place * trains + trains // 2 - centre
        if first >= 0 and first + count <= trains * places:
            break
        trains += 1
    return _laid(np.arange(first, first + count), trains, places)


def cyclic(count: int, centre: int, places: int, centre_place: int) -> Int[np.ndarray, "train place"]:
    """Like `rising`, with the fewest possible trains: items that would run over the end are wrapped to the other end."""
    trains = -(-count // places)
    slots = np.mod(np.arange(count) - centre + centre_place * trains + trains // 2, trains * places)
    return _laid(slots, trains, places)


def centre_out(count: int, centre: int, places: int) -> Int[np.ndarray, "train place"]:
    """The items nearest to `centre` at the first place of all trains, the farthest at the last."""
    trains = -(-count // places)
    order = np.argsort(np.abs(np.arange(count) - centre), kind="stable")
    slots = np.empty(count, dtype=np.int64)
    for place in range(places):
        ring = order[place * trains : (place + 1) * trains]
        slots[np.sort(ring)] = place * trains + np.arange(len(ring))
    return _laid(slots, trains, places)


def _laid(slots: np.ndarray, trains: int, places: int) -> Int[np.ndarray, "train place"]:
    """Slot number (place * trains + train) of each item -> table of items."""
    table = np.full(trains * places, UNUSED, dtype=np.int64)
    table[slots] = np.arange(len(slots))
    return table.reshape(places, trains).T.copy()
