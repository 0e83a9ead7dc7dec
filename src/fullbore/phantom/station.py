"""A station of a body: what lies between two heights of it, with the blood that flows there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fullbore.errors import ValueRangeError
from fullbore.phantom.body import Body
from fullbore.phantom.flowing import flows_within


def station(body: Body, low_m: float, high_m: float) -> Body:
    """The body with its box cut at two heights (z, metres), and its flows with it. Errors: ValueRangeError for nothing between.

    Sample it, set it in motion, or take its spins as those of any body; truths stay those of all of it.
    """
    assert body.low_m is not None and body.high_m is not None
    low, high = max(low_m, body.low_m[2]), min(high_m, body.high_m[2])
    if not low < high:
        raise ValueRangeError(
            f"Body {body.name}: a station from {low_m} to {high_m} m; "
            f"wanted a part of {body.low_m[2]:.3f} to {body.high_m[2]:.3f} m."
        )
    (x, y, _), (u, v, _) = body.low_m, body.high_m
    flows = flows_within(body.flows, np.array([-np.inf, -np.inf, low]), np.array([np.inf, np.inf, high]))
    return replace(body, truths=dict(body.truths), low_m=(x, y, low), high_m=(u, v, high), flows=flows)
