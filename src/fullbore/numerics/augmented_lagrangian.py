"""Smooth problems with constraints: least cost(x) where equal(x) = 0 and below(x) <= 0, by the augmented Lagrangian."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Terms:
    """What a problem is at one x: cost, constraints, and the gradient of cost + equal . a + below . b for any a and b."""

    cost: float
    equal: np.ndarray
    below: np.ndarray
    gradient: Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Multipliers:
    """Of `equal`, of `below`, and the penalty's weight; with those of a like problem one starts warm."""

    equal: np.ndarray
    below: np.ndarray
    penalty: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConstrainedReport:
    """Where the solver ended: x, its cost, the largest violation of a constraint, rounds, evaluations and the multipliers."""

    x: np.ndarray
    cost: float
    violation: float
    rounds: int
    evaluations: int
    multipliers: Multipliers


def constrained_minimum(
    terms: Callable[[Float[np.ndarray, " n"]], Terms],
    start: Float[np.ndarray, " n"],
    *,
    rounds: int = 12,
    steps: int = 150,
    penalty: float = 10.0,
    growth: float = 2.5,
    tolerance: float = 1e-6,
    multipliers: Multipliers | None = None,
) -> ConstrainedReport:
    """A local minimum, from `start`: L-BFGS within, multipliers without.

    Costs and constraints should be of the order of 1. Ends when no constraint is violated by more than the tolerance, or after
    `rounds`. multipliers: those to begin with, in place of none and `penalty`.
    Source: Nocedal and Wright 2006, Numerical Optimization, algorithm 17.4.
    """
    x, first = start, terms(start)
    equal, below = np.zeros_like(first.equal), np.zeros_like(first.below)
    if multipliers is not None:
        equal, below, penalty = multipliers.equal, multipliers.below, multipliers.penalty
    evaluations, violation, used = 0, np.inf, 0
    options = {"maxiter": steps, "maxcor": 20, "ftol": 1e-11, "gtol": 1e-7, "maxfun": 4 * steps}
    while used < rounds:
        used += 1
        lagrangian = _lagrangian(terms, equal, below, penalty)
        found = minimize(lagrangian, x, jac=True, method="L-BFGS-B", options=options)
        x, evaluations = np.asarray(found.x), evaluations + int(found.nfev)
        now = terms(x)
        before = violation
        violation = max(float(np.abs(now.equal).max(initial=0)), float(np.maximum(now.below, -below / penalty).max(initial=0)))
        if violation < tolerance:
            break
        equal = equal + penalty * now.equal
        below = np.maximum(below + penalty * now.below, 0.0)
        if violation > 0.4 * before:
            penalty *= growth
    last = Multipliers(equal=equal, below=below, penalty=penalty)
    cost = float(terms(x).cost)
    return ConstrainedReport(x=x, cost=cost, violation=violation, rounds=used, evaluations=evaluations, multipliers=last)


def _lagrangian(
    terms: Callable[[np.ndarray], Terms], equal: np.ndarray, below: np.ndarray, penalty: float
) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    """The augmented Lagrangian and its gradient, as a function of x."""

    def at(x: np.ndarray) -> tuple[float, np.ndarray]:
        t = terms(x)
        over = np.maximum(below + penalty * t.below, 0.0)
        value = t.cost + equal @ t.equal + 0.5 * penalty * t.equal @ t.equal + 0.5 / penalty * (over @ over - below @ below)
        return float(value), t.gradient(equal + penalty * t.equal, over)

    return at
