"""Which time courses the frames may follow."""

from __future__ import annotations

from dataclasses import dataclass

from fullbore.recon.recipe.check import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Subspace:
    """Frames = courses @ coefficients, with few orthonormal courses. Source: Tamir 2017 (T2 shuffling).

    size: number of courses. shortest_s, longest_s: time constants of the exponential decays over the frames' echo times
    whose principal components the courses are. courses: the matrix itself, one row per frame, in place of those (rows of
    equal length; its principal components are taken).
    """

    size: int = 3
    shortest_s: float = 0.02
    longest_s: float = 2.0
    courses: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "courses", tuple(tuple(float(v) for v in row) for row in self.courses))
        require(self, self.size > 0 and 0 < self.shortest_s < self.longest_s, "size > 0 and 0 < shortest_s < longest_s")
        require(self, len({len(row) for row in self.courses}) <= 1, "courses with rows of equal length")
