"""In which order points are measured: trains that shuffle or spread contrast, pairs and tours that spare eddy currents."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from fullbore.errors import UsageError
from fullbore.sequence.ordering import UNUSED
from fullbore.sequence.sampling.spread import PointSpread, point_spread


def shuffled_trains(count: int, places: int, seed: int) -> Int[np.ndarray, "train place"]:
    """Items 0..count-1 dealt at random over trains of echoes, each once: every echo time sees a random part of k-space.

    Places that no item reaches are UNUSED (-1), and are the last ones of the last trains.
    Source: T2 shuffling, Tamir 2017, MRM 77:180.
    """
    if count < 1 or places < 1:
        raise UsageError(f"shuffled_trains: got {count} items for {places} places; wanted at least 1 of each.")
    trains = -(-count // places)
    table = np.full(trains * places, UNUSED, dtype=np.int64)
    table[:count] = np.random.default_rng(seed).permutation(count)
    return table.reshape(places, trains).T.copy()


def low_high(count: int) -> Int[np.ndarray, " item"]:
    """Items from the centre (count // 2) outwards, one side and the other in turn: the first echo makes the contrast."""
    index = np.arange(count)
    return np.lexsort((index < count // 2, np.abs(index - count // 2)))


def paired(order: Int[np.ndarray, " item"]) -> Int[np.ndarray, " item"]:
    """Another order of the same lines in which two neighbours always follow each other, so that their eddy currents cancel.

    Lines are paired as they lie in k; pairs come when their first member would have; a pair runs up, the next one down.
    Source: Bieri 2005, MRM 54:129 (balanced SSFP).
    """
    if len(order) == 0:
        return order
    sorted_items = np.sort(order)
    pair_of = {int(item): i // 2 for i, item in enumerate(sorted_items)}
    seen: dict[int, None] = dict.fromkeys(pair_of[int(item)] for item in order)
    members = [sorted_items[2 * pair : 2 * pair + 2] for pair in seen]
    return np.concatenate([m if i % 2 == 0 else m[::-1] for i, m in enumerate(members)])


def tour(points: Int[np.ndarray, "point 2"], strip: int = 8) -> Int[np.ndarray, " point"]:
    """An order of (row, column) points that jumps little: strips of so many rows, to the right and back to the left in turn."""
    band = points[:, 0] // strip
    ahead = np.where(band % 2 == 0, points[:, 1], -points[:, 1])
    zigzag = np.where(points[:, 1] % 2 == 0, points[:, 0], -points[:, 0])
    return np.lexsort((zigzag, ahead, band))


def steps(points: Int[np.ndarray, "point 2"], order: Int[np.ndarray, " point"]) -> Float[np.ndarray, " step"]:
    """Distance in grid steps between consecutive points of an order: what drives eddy currents from one readout to the next."""
    return np.asarray(np.linalg.norm(np.diff(points[order], axis=0), axis=1))


def uncompensated_steps(order: Int[np.ndarray, " item"]) -> Float[np.ndarray, " pair"]:
    """Step between the two lines of each consecutive pair: the eddy currents that a balanced steady state keeps (Bieri 2005)."""
    even = order[: 2 * (len(order) // 2)].reshape(-1, 2)
    return np.abs(np.diff(even, axis=1)[:, 0]).astype(np.float64)


def decay_spread(
    trains: Int[np.ndarray, "train place"], lines: Int[np.ndarray, " item"], count: int, spacing_s: float, t2_s: float
) -> PointSpread:
    """The blur of T2 decay along trains: the point spread when item i is line lines[i] of `count`, weighed exp(-t / T2).

    Place p is at (p + 1) spacing_s.
    """
    weights = np.zeros(count)
    train, place = np.nonzero(trains != UNUSED)
    weights[lines[trains[train, place]]] = np.exp(-(place + 1) * spacing_s / t2_s)
    return point_spread(weights)


def masks_of_places(
    trains: Int[np.ndarray, "train place"], points: Int[np.ndarray, "item 2"], shape: tuple[int, int]
) -> Bool[np.ndarray, "place row column"]:
    """Which points each place of the trains measures: the k-t mask of a shuffled scan."""
    masks = np.zeros((trains.shape[1], *shape), dtype=bool)
    train, place = np.nonzero(trains != UNUSED)
    item = trains[train, place]
    masks[place, points[item, 0], points[item, 1]] = True
    return masks
