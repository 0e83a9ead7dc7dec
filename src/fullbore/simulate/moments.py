"""What the fields' courses have gathered by given times: Gauss-Legendre between all corners of the gradients."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.simulate.fields import FieldTerm, courses
from fullbore.simulate.gradients import PlayedGradients

POINTS = 5
LONGEST_STEP_S = 2e-3
PIECES_AT_ONCE = 50_000


def gathered(
    terms: tuple[FieldTerm, ...], gradients: PlayedGradients, times_s: Float[np.ndarray, "*n"]
) -> Float[np.ndarray, "*n c"]:
    """Integral of every course from the sequence's start to each time, cycles per unit of shape.

    Pieces end at the gradients' corners and the times themselves, and are no longer than `LONGEST_STEP_S` or the shortest time
    constant, so that five points are exact to 1e-9 for polynomials of the gradients, decays, and motion that takes milliseconds.
    """
    wanted = np.unique(times_s)
    shortest = min((mode.time_constant_s for mode in gradients.response.modes), default=LONGEST_STEP_S)
    fastest = max((mode.frequency_Hz for mode in gradients.response.modes), default=0.0)
    step = min(LONGEST_STEP_S, shortest, 0.25 / fastest if fastest else np.inf)
    corners = [term.corners_s() for term in terms]
    edges = np.unique(np.concatenate([[0.0], gradients.edges_s, wanted, *corners]))
    edges = edges[(edges >= 0) & (edges <= wanted[-1])]
    edges = _subdivide(edges, step)
    node, weight = np.polynomial.legendre.leggauss(POINTS)
    total = np.zeros((len(edges), courses(terms, np.zeros(0), np.zeros((0, 4))).shape[1]))
    for first in range(0, len(edges) - 1, PIECES_AT_ONCE):
        part = edges[first : first + PIECES_AT_ONCE + 1]
        half = 0.5 * np.diff(part)
        at = (part[:-1, None] + half[:, None] * (1 + node)).ravel()
        value = courses(terms, at, gradients.at(at)).reshape(len(half), POINTS, -1)
        total[first + 1 : first + len(part)] = np.einsum("ipc,p,i->ic", value, weight, half)
    clock = np.cumsum(total, axis=0)
    return np.asarray(clock[np.searchsorted(edges, times_s)])


def _subdivide(edges: Float[np.ndarray, " e"], step_s: float) -> Float[np.ndarray, " f"]:
    count = np.maximum(1, np.ceil(np.diff(edges) / step_s - 1e-9)).astype(np.int64)
    start = np.repeat(edges[:-1], count)
    number = np.arange(len(start)) - np.repeat(np.cumsum(count) - count, count)
    length = np.repeat(np.diff(edges) / count, count)
    inner = np.where(number == 0, start, start + number * length)
    return np.append(inner, edges[-1])
