"""How near wires come to each other."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

_SAMPLE_M = 2e-3


def touching_m(tracks_m: dict[str, np.ndarray], size_m: float) -> dict[str, float]:
    """Per closed wire, how much of it lies nearer than `size_m` to another, or to itself more than 20 sizes along.

    Of middles, every 2 mm: as round wires of that diameter these would touch; leads that nobody has laid by hand do.
    """
    samples = {name: _evenly(track) for name, track in tracks_m.items()}
    points = np.concatenate(list(samples.values()))
    owner = np.repeat(np.arange(len(samples)), [len(own) for own in samples.values()])
    pairs = cKDTree(points).query_pairs(size_m, output_type="ndarray")
    hit = np.unique(pairs[_apart(pairs, owner, 20 * size_m)])
    return {name: float((owner[hit] == number).sum()) * _SAMPLE_M for number, name in enumerate(samples)}


def least_gap_m(tracks_m: dict[str, np.ndarray], reach_m: float) -> dict[str, float]:
    """Per closed wire, the least distance of its middle line from itself, four reaches and more along, or from another wire.

    Exact between straight pieces. reach_m: distances beyond it are not looked for, and count as it.
    """
    samples = {name: _evenly(track) for name, track in tracks_m.items()}
    owner = np.repeat(np.arange(len(samples)), [len(own) for own in samples.values()])
    begins = np.concatenate([track[:-1] for track in tracks_m.values()])
    ends = np.concatenate([track[1:] for track in tracks_m.values()])
    pairs = cKDTree(np.concatenate(list(samples.values()))).query_pairs(reach_m + _SAMPLE_M, output_type="ndarray")
    pairs = pairs[_apart(pairs, owner, 4 * reach_m)]
    pieces = _pieces(tracks_m)[pairs]
    pieces, first = np.unique(pieces, axis=0, return_index=True)
    far = _between(begins[pieces[:, 0]], ends[pieces[:, 0]], begins[pieces[:, 1]], ends[pieces[:, 1]])
    wires = owner[pairs[first]]
    return {name: min([reach_m, *far[(wires == number).any(axis=1)].tolist()]) for number, name in enumerate(samples)}


def _pieces(tracks_m: dict[str, np.ndarray]) -> np.ndarray:
    """Of every sample of every wire, which straight piece it lies on, counted through all wires."""
    found, count = [], 0
    for track in tracks_m.values():
        along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(track, axis=0), axis=1))])
        own = np.searchsorted(along, np.arange(0, along[-1], _SAMPLE_M), side="right") - 1
        found.append(np.minimum(own, len(track) - 2) + count)
        count += len(track) - 1
    return np.concatenate(found)


def _between(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Least distances of straight pieces a-b from c-d, row by row: of an end from the other piece, or where they pass askew."""
    near = [_from_piece(p, *piece) for p, piece in ((a, (c, d)), (b, (c, d)), (c, (a, b)), (d, (a, b)))]
    u, v, w = b - a, d - c, a - c
    uu, uv, vv, uw, vw = (np.einsum("ij,ij->i", p, q) for p, q in ((u, u), (u, v), (v, v), (u, w), (v, w)))
    area = np.maximum(uu * vv - uv**2, 1e-30)
    s, t = (uv * vw - vv * uw) / area, (uu * vw - uv * uw) / area
    askew = np.linalg.norm(w + s[:, None] * u - t[:, None] * v, axis=1)
    inside = (s >= 0) & (s <= 1) & (t >= 0) & (t <= 1) & (area > 1e-12 * uu * vv)
    return np.minimum.reduce([*near, np.where(inside, askew, np.inf)])


def _from_piece(points: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    steps = ends - begins
    share = np.einsum("ij,ij->i", points - begins, steps) / np.maximum(np.einsum("ij,ij->i", steps, steps), 1e-30)
    return np.asarray(np.linalg.norm(points - begins - np.clip(share, 0, 1)[:, None] * steps, axis=1))


def _apart(pairs: np.ndarray, owner: np.ndarray, along_m: float) -> np.ndarray:
    """Which pairs of samples are of two wires, or of one and far along it both ways."""
    steps = np.abs(pairs[:, 0] - pairs[:, 1])
    other = owner[pairs[:, 0]] != owner[pairs[:, 1]]
    ends = steps < np.bincount(owner)[owner[pairs[:, 0]]] - along_m / _SAMPLE_M
    return np.asarray(other | ((steps * _SAMPLE_M > along_m) & ends))


def _evenly(track: np.ndarray) -> np.ndarray:
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(track, axis=0), axis=1))])
    places = np.arange(0, along[-1], _SAMPLE_M)
    return np.stack([np.interp(places, along, values) for values in track.T], axis=1)
