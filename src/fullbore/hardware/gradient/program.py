"""The convex program of a coil: least energy and heat within stated limits, and how far limits must widen where none fits."""

from __future__ import annotations

from dataclasses import dataclass, replace

import clarabel
import numpy as np
from jaxtyping import Float
from scipy import sparse

_SOLVED = ("Solved", "AlmostSolved")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bound:
    """|rows x - target| <= limit row by row; cones: each group of `cones` rows together, as a length. name: for people."""

    name: str
    rows: Float[np.ndarray, "r n"]
    target: Float[np.ndarray, " r"]
    limit: float
    cones: int = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Program:
    """Minimise 1/2 x^T cost x with equal x = target and every bound kept."""

    cost: Float[np.ndarray, "n n"]
    equal: Float[np.ndarray, "e n"]
    target: Float[np.ndarray, " e"]
    bounds: tuple[Bound, ...]


def solve(program: Program) -> Float[np.ndarray, " n"] | None:
    """The optimum, None where the bounds cannot all be kept. Source: Goulart and Chen 2024 (Clarabel), arXiv 2405.12762."""
    scale = 1 / np.sqrt(np.diag(program.cost))
    cost = program.cost * scale * scale[:, None]
    found = _clarabel(cost / np.abs(cost).max(), np.zeros(len(scale)), *_constraints(program, scale, ()))
    return None if found is None else found * scale


def widening(program: Program, names: tuple[str, ...]) -> float | None:
    """Least t with which bounds of those names keep (1 + t) times their limits and the others their own; None where none does."""
    scale = 1 / np.sqrt(np.diag(program.cost))
    size = len(scale)
    linear = np.zeros(size + 1)
    linear[-1] = 1
    found = _clarabel(np.diag(np.full(size + 1, 1e-12)), linear, *_constraints(program, scale, names))
    return None if found is None else max(0.0, float(found[-1]))


def widened(program: Program, names: tuple[str, ...], by: float) -> Program:
    """The same program with those limits (1 + by) times as wide."""
    bounds = tuple(replace(b, limit=b.limit * (1 + by)) if b.name in names else b for b in program.bounds)
    return replace(program, bounds=bounds)


def _constraints(program: Program, scale: np.ndarray, elastic: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, list]:
    """Clarabel's A x + s = b with s in cones; an elastic bound's limit grows with a last variable t >= 0."""
    more = 1 if elastic else 0
    size = np.abs(program.equal * scale).max(axis=1, keepdims=True)
    blocks = [np.pad(program.equal * scale / size, ((0, 0), (0, more)))]
    sides, cones = [program.target / size[:, 0]], [clarabel.ZeroConeT(len(program.target))]
    for bound in program.bounds:
        rows = np.pad(bound.rows * scale / bound.limit, ((0, 0), (0, more)))
        grows, target = float(bound.name in elastic), bound.target / bound.limit
        if bound.cones == 1:
            rows, target = np.concatenate([rows, -rows]), np.concatenate([target, -target])
            if more:
                rows[:, -1] = -grows
            sides.append(target + 1)
            cones.append(clarabel.NonnegativeConeT(len(rows)))
        else:
            rows, target = _lengths(rows, target, bound.cones, grows if more else None)
            sides.append(target)
            cones += [clarabel.SecondOrderConeT(bound.cones + 1)] * (len(rows) // (bound.cones + 1))
        blocks.append(rows)
    if more:
        blocks.append(-np.eye(1, program.equal.shape[1] + 1, program.equal.shape[1]))
        sides.append(np.zeros(1))
        cones.append(clarabel.NonnegativeConeT(1))
    return np.concatenate(blocks), np.concatenate(sides), cones


def _lengths(rows: np.ndarray, target: np.ndarray, group: int, grows: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Rows of second-order cones: (1 + t grows, rows x - target)."""
    count, width = len(rows) // group, rows.shape[1]
    top, side = np.zeros((count, 1, width)), np.ones((count, 1))
    if grows is not None:
        top[:, 0, -1] = -grows
    stacked = np.concatenate([top, rows.reshape(count, group, width)], axis=1)
    return stacked.reshape(-1, width), np.concatenate([side, target.reshape(count, group)], axis=1).ravel()


def _clarabel(cost: np.ndarray, linear: np.ndarray, rows: np.ndarray, sides: np.ndarray, cones: list) -> np.ndarray | None:
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    made = clarabel.DefaultSolver(
        sparse.csc_matrix(np.triu(cost)), linear, sparse.csc_matrix(rows), sides, cones, settings
    ).solve()
    return np.array(made.x) if str(made.status) in _SOLVED else None
