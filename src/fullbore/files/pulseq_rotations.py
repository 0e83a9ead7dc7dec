"""Blocks that Pulseq rotates: their gradients turned into the shapes that the scanner's axes play."""

from __future__ import annotations

import numpy as np

from fullbore.data import Gradient
from fullbore.files.pulseq_events import LARGEST_TOTAL
from fullbore.files.pulseq_gradients import Gradients
from fullbore.files.pulseq_text import Table

JUMP_S = 1e-10
_LARGEST_QUATERNION = 1e6


def rotation_matrices(table: Table) -> np.ndarray:
    """Matrices (row, 3, 3) of unit quaternions (scalar first): v -> q v q'. Others are scaled to unit length.

    Errors: FormatError for a quaternion of no length.
    """
    q = np.stack([table.within(column, "quaternion", -_LARGEST_QUATERNION, _LARGEST_QUATERNION) for column in range(4)], axis=1)
    length = np.linalg.norm(q, axis=1)
    bad = np.flatnonzero(length < 1e-6)
    if len(bad):
        raise table.error(int(bad[0]), "a quaternion of no length", "one of length 1")
    w, x, y, z = (q / length[:, None]).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), 2, 0)


def rotated(played: Gradients, matrix: np.ndarray, which: np.ndarray, table: Table) -> Gradients:
    """The gradients with those of the rotated blocks turned; which: (block,), row of `matrix` (row, 3, 3), -1 for none.

    Axes that play one shape at three scales stay with that shape; others get the sum on the union of all corners.
    Errors: FormatError when the new shapes would need too much memory.
    """
    shapes, index, scale = list(played.shapes), played.index.copy(), played.scale.copy()
    known: dict[tuple[tuple[int, float], ...], int] = {}
    total = 0
    for block in np.flatnonzero(which >= 0).tolist():
        used = [axis for axis in range(3) if played.index[block, axis] >= 0 and played.scale[block, axis] != 0]
        weights = matrix[which[block]][:, used] * played.scale[block, used]
        parts = played.index[block, used].tolist()
        for axis in range(3):
            terms: dict[int, float] = {}
            for part, weight in zip(parts, weights[axis].tolist(), strict=True):
                terms[part] = terms.get(part, 0.0) + weight
            terms = {part: weight for part, weight in terms.items() if abs(weight) > 1e-12}
            if len(terms) <= 1:
                index[block, axis], scale[block, axis] = next(iter(terms.items()), (-1, 0.0))
                continue
            key = tuple(sorted(terms.items()))
            if key not in known:
                known[key] = len(shapes)
                shapes.append(summed([(shapes[part], weight) for part, weight in key]))
                total += len(shapes[-1].times_s)
                if total > LARGEST_TOTAL:
                    raise table.section.error(0, f"{total} corners so far", f"at most {LARGEST_TOTAL}", "Split the sequence.")
            index[block, axis], scale[block, axis] = known[key], 1.0
    end = np.where(which[:, None] >= 0, played.end_s.max(axis=1, keepdims=True), played.end_s)
    return Gradients(shapes=tuple(shapes), index=index, scale=scale, end_s=end)


def summed(parts: list[tuple[Gradient, float]]) -> Gradient:
    """The weighted sum of piecewise linear courses on the union of their corners; a jump within it takes JUMP_S."""
    span = (min(float(part.times_s[0]) for part, _ in parts), max(float(part.times_s[-1]) for part, _ in parts))
    courses = [(*_with_jumps(part, span), weight) for part, weight in parts]
    times = np.unique(np.concatenate([times for times, _, _ in courses]))
    times = times[np.concatenate([[True], np.diff(times) > 0.01 * JUMP_S])]
    values = np.zeros(len(times))
    for corners, heights, weight in courses:
        values += weight * np.interp(times, corners, heights, left=0.0, right=0.0)
    return Gradient(times_s=times, values_T_per_m=values)


def _with_jumps(gradient: Gradient, span: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Corners of a course, with zeros beside ends that lie within the span and are not zero themselves."""
    times, values = gradient.times_s, gradient.values_T_per_m
    if values[0] != 0 and times[0] > span[0] + JUMP_S:
        times, values = np.concatenate([[times[0] - JUMP_S], times]), np.concatenate([[0.0], values])
    if values[-1] != 0 and times[-1] < span[1] - JUMP_S:
        times, values = np.concatenate([times, [times[-1] + JUMP_S]]), np.concatenate([values, [0.0]])
    return times, values
