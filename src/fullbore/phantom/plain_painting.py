"""The painter in plain NumPy, every point and every layer: slow, and the truth that `painting` must agree with."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.phantom.body import Body
from fullbore.phantom.canvas import tissue_columns


def painted_plainly(
    body: Body, points_m: Float[np.ndarray, "n 3"], width_m: float, time_s: float = 0.0
) -> Float[np.ndarray, "n tissue"]:
    """Shares of the body's tissues at any points (LPS, metres) at a time, as `mixture` gives them. width_m: more than 0."""
    out, sight = np.zeros((len(points_m), len(body.tissues))), np.ones(len(points_m))
    points = np.ascontiguousarray(points_m, np.float64)
    rest = points if body.movement is None else body.movement.at_rest(points, time_s)
    for layer, columns in zip(body.layers[::-1], tissue_columns(body)[::-1], strict=True):
        place = rest if layer.movement is None else layer.movement.at_rest(rest, time_s)
        moves = (body.movement, layer.movement)
        soft = 0.5 * width_m * np.prod([move.stretch for move in moves if move is not None])
        within = (place >= np.subtract(layer.shape.low_m, soft)) & (place <= np.add(layer.shape.high_m, soft))
        held = np.flatnonzero(within.all(axis=1))
        if len(held) == 0:
            continue
        place = np.ascontiguousarray(place[held])
        distance = layer.shape.distance(place)
        # Where two surfaces cross one sample, this one, the lower, covers first what upper ones have taken.
        cover = np.maximum(np.clip(0.5 - distance / width_m, 0, 1) - (1 - sight[held]), 0)
        shares = layer.filling.shares
        parts = np.ones((len(held), 1)) if shares is None else np.asarray(shares(place, distance, width_m))
        for column, part in zip(columns, parts.T, strict=True):
            if column >= 0:
                out[held, column] += cover * part
        sight[held] -= cover * np.minimum(parts.sum(axis=1), 1)
    return out
