"""How many iron sheets in which pocket: linear programs, then whole sheets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import linprog

from fullbore.errors import LimitError
from fullbore.hardware.shim.iron import ShimTrays, sheet_fields_T

# Of the target, left to rounding; how many rounds of rounding; most single-sheet changes at the end.
_AIM, _ROUNDS, _CHANGES = 0.5, 6, 400
_LEEWAY = 1.1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PassiveShim:
    """Iron for one magnet.

    sheets: (tray, pocket), whole. before, after: peak-to-peak over the points, as a share of B0. mean_T: of the field left.
    """

    trays: ShimTrays
    sheets: np.ndarray
    before: float
    after: float
    mean_T: float

    @property
    def iron_kg(self) -> float:
        """Mass of all sheets."""
        return float(self.sheets.sum()) * self.trays.sheet_kg


def shim_passively(
    points_m: Float[np.ndarray, "p 3"], field_T: Float[np.ndarray, " p"], trays: ShimTrays, target: float = 10e-6
) -> PassiveShim:
    """The least iron that brings Bz at points (x, y, z) of a sphere within `target` of B0, peak to peak.

    Linear program for the least spread that any filling reaches; another for the least iron that stays near half the target;
    rounding to whole sheets in six rounds, each solved again for the pockets left; at last single sheets in and out.
    Errors: LimitError when even unrounded iron leaves more than the target, with what it leaves.
    """
    mean = float(field_T.mean())
    start, sheets = 1e6 * (field_T / mean - 1), 1e6 * sheet_fields_T(trays, points_m) / mean
    least = _solve(sheets, start, trays, None)
    if least is None or least[1] > target * 1e6:
        left = np.inf if least is None else least[1]
        pockets = f"each of {trays.trays} x {trays.pockets} pockets"
        raise LimitError(
            f"passive shim: {np.ptp(start):.3g} ppm cannot be brought under {left:.3g} ppm by {trays.most_sheets} sheets in "
            f"{pockets}, wanted {target * 1e6:.3g}. Use thicker stacks or trays nearer to the volume."
        )
    aim = max(_AIM * target * 1e6, _LEEWAY * least[1])
    counts = _rounded(sheets, start, trays, aim)
    counts = _improved(sheets, start, counts, trays.most_sheets)
    left = start + sheets @ counts
    return PassiveShim(
        trays=trays,
        sheets=counts.reshape(trays.trays, trays.pockets),
        before=float(np.ptp(start)) * 1e-6,
        after=float(np.ptp(left)) * 1e-6,
        mean_T=mean * (1 + 1e-6 * float(left.mean())),
    )


def _solve(
    sheets: Float[np.ndarray, "p n"], start: Float[np.ndarray, " p"], trays: ShimTrays, aim: float | None
) -> tuple[Float[np.ndarray, " n"], float] | None:
    """Filling in sheets and its spread in ppm: the least spread, or with `aim` the least iron that reaches it."""
    points, pockets = sheets.shape
    edge = np.zeros((points, 2))
    edge[:, 0], edge[:, 1] = -1.0, 0.5  # the level, which is free, and the whole spread
    rows = np.concatenate([np.hstack([sheets, edge * [1, -1]]), np.hstack([-sheets, edge * [-1, -1]])])
    limits = np.concatenate([-start, start])
    cost = np.zeros(pockets + 2)
    if aim is None:
        cost[-1] = 1.0
    else:
        cost[:pockets] = 1.0
    bounds = [(0.0, float(trays.most_sheets))] * pockets + [(None, None), (0.0, aim)]
    found = linprog(cost, A_ub=rows, b_ub=limits, bounds=bounds, method="highs")
    return (np.asarray(found.x[:pockets]), float(found.x[-1])) if found.status == 0 else None


def _rounded(
    sheets: Float[np.ndarray, "p n"], start: Float[np.ndarray, " p"], trays: ShimTrays, aim: float
) -> Float[np.ndarray, " n"]:
    """Whole sheets: the pockets nearest to whole numbers are settled first, the others make up for them."""
    pockets = sheets.shape[1]
    counts, open_ = np.zeros(pockets), np.ones(pockets, bool)
    for left in range(_ROUNDS, 0, -1):
        settled = start + sheets[:, ~open_] @ counts[~open_]
        found = _solve(sheets[:, open_], settled, trays, aim) or _solve(sheets[:, open_], settled, trays, None)
        assert found is not None  # any filling is a solution when the spread is free
        counts[open_] = found[0]
        members = np.flatnonzero(open_)
        away = np.abs(counts[members] - np.round(counts[members]))
        chosen = members[np.argsort(away)[: -(-len(members) // left)]]
        counts[chosen] = np.round(counts[chosen])
        open_[chosen] = False
    return counts


def _improved(
    sheets: Float[np.ndarray, "p n"], start: Float[np.ndarray, " p"], counts: Float[np.ndarray, " n"], most: int
) -> Float[np.ndarray, " n"]:
    """Single sheets put in or taken out while that lessens the spread."""
    counts, left = counts.copy(), start + sheets @ counts
    for _ in range(_CHANGES):
        spreads = np.stack([np.ptp(left[:, None] + sign * sheets, axis=0) for sign in (1, -1)])
        spreads[0, counts >= most] = np.inf
        spreads[1, counts <= 0] = np.inf
        sign, pocket = np.unravel_index(int(np.argmin(spreads)), spreads.shape)
        if spreads[sign, pocket] >= np.ptp(left) - 1e-9:
            break
        change = 1 if sign == 0 else -1
        counts[pocket] += change
        left = left + change * sheets[:, pocket]
    return counts
