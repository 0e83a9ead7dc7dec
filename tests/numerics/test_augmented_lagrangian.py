# TRUTHS of constrained minima: nearest point of a disc and of a line in closed form | multipliers meet the constraints to the
#   tolerance | a free minimum stays | the report says what was violated

import numpy as np
import pytest

from fullbore.numerics.augmented_lagrangian import Terms, constrained_minimum


def problem(goal: np.ndarray, line: bool, disc: bool):
    """Least squared distance to a goal on the line x + y = 1 and within the unit disc, as asked."""

    def terms(x: np.ndarray) -> Terms:
        equal = np.array([x.sum() - 1.0]) if line else np.zeros(0)
        below = np.array([x @ x - 1.0]) if disc else np.zeros(0)

        def gradient(a: np.ndarray, b: np.ndarray) -> np.ndarray:
            total = 2 * (x - goal)
            total = total + a.sum() * np.ones(2) if line else total
            return total + 2 * b.sum() * x if disc else total

        return Terms(cost=float((x - goal) @ (x - goal)), equal=equal, below=below, gradient=gradient)

    return terms


@pytest.mark.parametrize(
    ("line", "disc", "closed"),
    [(False, False, (3.0, 4.0)), (False, True, (0.6, 0.8)), (True, False, (0.0, 1.0)), (True, True, (0.0, 1.0))],
)
def test_closed_forms(line: bool, disc: bool, closed: tuple[float, float]) -> None:
    report = constrained_minimum(problem(np.array([3.0, 4.0]), line, disc), np.array([0.3, -0.2]), tolerance=1e-8, rounds=30)
    assert np.abs(report.x - closed).max() < 1e-5
    assert report.violation < 1e-8 and report.cost == pytest.approx(((report.x - [3, 4]) ** 2).sum())
