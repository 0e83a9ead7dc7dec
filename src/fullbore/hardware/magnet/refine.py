"""Constrained refinement of a layout: sequential linear programs in a trust region, with corrected steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import linprog

from fullbore.hardware.magnet.brief import MagnetBrief
from fullbore.hardware.magnet.constraints import (
    Rows,
    all_rows,
    all_values,
    conductor_length_m,
    homogeneity_rows,
    stray_rows,
)
from fullbore.hardware.magnet.layout import Layout
from fullbore.hardware.magnet.movement import Bounds, bounds_of

# Price of a limit exceeded by itself, in units of the cost: above any multiplier met (they are below 5).
_PRICE = 20.0
_FIRST_M, _SMALLEST_M, _LARGEST_M = 0.004, 2e-7, 0.05
_CORRECTIONS, _ENOUGH, _NEAR = 6, 3e-3, 100.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Refined:
    """A layout with how it stands.

    excess: worst limit in units of itself, <= 0 when all hold. binding: kinds of the rows at their limits, worst first.
    iterations: steps tried.
    """

    layout: Layout
    excess: float
    binding: tuple[str, ...]
    iterations: int


def refine(
    layout: Layout,
    brief: MagnetBrief,
    *,
    wound: np.ndarray | None = None,
    current_share: float = 0.0,
    iterations: int = 40,
    first_m: float = _FIRST_M,
    tell: Callable[[int], None] = lambda iteration: None,
) -> Refined:
    """The layout near this one of least conductor that keeps every limit, or exceeds them least.

    Each step: a linear program (HiGHS) in a box, excess allowed at a price (exact penalty); the step is corrected once for the
    curvature of the constraints (Fletcher 1982), kept when it lessens cost plus price of excess, and the box adapts.
    """
    bounds = bounds_of(layout, brief, wound, current_share)
    if wound is None:
        layout = layout.at(np.clip(layout.vector(), bounds.low, bounds.high))
    rows, radius, count = all_rows(layout, brief), first_m, 0
    scale = conductor_length_m(layout, brief)[0]
    merit = _merit(layout, rows.values, brief, scale)
    while count < iterations and radius > _SMALLEST_M:
        tell(count)
        count += 1
        cost = conductor_length_m(layout, brief)[1] / scale
        trial, predicted = _curved_step(layout, brief, cost, rows, bounds, radius)
        value = _merit(trial, all_values(trial, brief), brief, scale)
        model = merit - (conductor_length_m(layout, brief)[0] / scale + predicted)
        if value < merit - 1e-9:
            share = (merit - value) / model if model > 0 else 0.0
            layout, merit, rows = trial, value, all_rows(trial, brief)
            radius = min(radius * 2, _LARGEST_M) if share > 0.5 else radius if share > 0.1 else radius / 4
        else:
            radius /= 4
        if 0 <= model < 1e-8:
            break
    order = np.argsort(rows.values)[::-1]
    binding = tuple(dict.fromkeys(rows.names[i] for i in order if rows.values[i] > -1e-3))
    return Refined(layout=layout, excess=float(rows.values.max()), binding=binding, iterations=count)


def _merit(layout: Layout, values: Float[np.ndarray, " q"], brief: MagnetBrief, scale: float) -> float:
    return conductor_length_m(layout, brief)[0] / scale + _PRICE * float(_by_excess(values))


def _by_excess(values: Float[np.ndarray, " q"]) -> float:
    """The worst excess, with a little of all others so that these shrink too."""
    over = np.maximum(values, 0.0)
    return float(over.max() + 0.01 * over.mean())


def _curved_step(
    layout: Layout, brief: MagnetBrief, cost: Float[np.ndarray, " v"], rows: Rows, bounds: Bounds, radius: float
) -> tuple[Layout, float]:
    """The linear program's step, solved again with what the curvature of homogeneity and stray field left over.

    Source: second-order correction, Fletcher 1982; repeated, because a millimetre turns ten ppm into a hundred.
    """
    vector, shifted, predicted, before = layout.vector(), rows.values.copy(), 0.0, np.inf
    trial = layout
    for attempt in range(_CORRECTIONS):
        step, price = _step(vector, cost, rows, shifted, bounds, radius)
        if not np.isfinite(price):
            break
        moved, predicted = layout.at(vector + step), predicted if attempt else price
        fields = np.concatenate([make(moved, brief).values for make in (homogeneity_rows, stray_rows)])
        left = fields - rows.slopes[: len(fields)] @ step
        worst = float(np.abs(left - shifted[: len(fields)]).max())
        if worst > before:
            break
        trial, before, shifted[: len(fields)] = moved, worst, left
        if worst < _ENOUGH:
            break
    return trial, predicted


def _step(
    vector: Float[np.ndarray, " v"],
    cost: Float[np.ndarray, " v"],
    rows: Rows,
    values: Float[np.ndarray, " q"],
    bounds: Bounds,
    radius: float,
) -> tuple[Float[np.ndarray, " v"], float]:
    """The step of least linearised cost plus price of excess, and that sum."""
    size, near = len(vector), values > -_NEAR
    count = int(near.sum())
    # Variables: the step, the worst excess, the excess of each row.
    price = np.concatenate([cost, [_PRICE], np.full(count, 0.01 * _PRICE / len(values))])
    linear = np.hstack([rows.slopes[near], np.zeros((count, 1)), -np.eye(count)])
    worst = np.hstack([rows.slopes[near], -np.ones((count, 1)), np.zeros((count, count))])
    fixed = np.hstack([bounds.less, np.zeros((len(bounds.less), 1 + count))])
    upper = np.concatenate([-values[near], -values[near], bounds.at_most - bounds.less @ vector])
    limits = [
        (min(max(low - at, -radius), 0.0), max(min(high - at, radius), 0.0))
        for low, high, at in zip(bounds.low, bounds.high, vector, strict=True)
    ]
    equal = np.hstack([bounds.same, np.zeros((len(bounds.same), 1 + count))])
    found = linprog(
        price, A_ub=np.concatenate([linear, worst, fixed]), b_ub=upper, method="highs",
        A_eq=equal if len(equal) else None, b_eq=bounds.equal - bounds.same @ vector if len(equal) else None,
        bounds=limits + [(0.0, None)] * (1 + count),
    )  # fmt: skip
    if found.status != 0:
        return np.zeros(size), np.inf
    return np.asarray(found.x[:size]), float(found.fun)
