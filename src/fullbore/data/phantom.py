"""The digital subject: tissues, where they are, and the field they make."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.data.field_map import FieldMap
from fullbore.data.grid import Grid
from fullbore.data.motion import Flow, Motion
from fullbore.data.tissue import Tissue
from fullbore.data.tissue_course import TissueCourse
from fullbore.errors import ShapeError, UsageError, ValueRangeError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Phantom:
    """A subject as a mixture of tissues, continuous in space by linear interpolation between the grid's points.

    fractions: float32 (tissue, z, y, x), each 0..1, their sum at most 1 (the rest is air or signal-free).
    field_ppm: off-resonance of water by susceptibility, after shimming, in ppm of B0, (1, z, y, x) on a grid of its own.
    motion: of all of it, from where it is here when nothing has moved. flows: of tissues within vessels, in the body at rest.
    courses: how tissues change in time, at most one for each.
    """

    name: str
    tissues: tuple[Tissue, ...]
    fractions: np.ndarray
    grid: Grid
    field_ppm: FieldMap
    motion: Motion | None = None
    flows: tuple[Flow, ...] = ()
    courses: tuple[TissueCourse, ...] = ()

    def __post_init__(self) -> None:
        if self.fractions.shape != (len(self.tissues), *self.grid.shape):
            raise ShapeError(f"Phantom.fractions: got {self.fractions.shape}, wanted ({len(self.tissues)}, *{self.grid.shape}).")
        low, high = float(self.fractions.min()), float(self.fractions.sum(axis=0).max())
        if not (low >= -1e-6 and high <= 1 + 1e-3):
            raise ValueRangeError(f"Phantom.fractions: range {low:.3g}, largest sum {high:.3g}; wanted fractions of one whole.")
        known = [tissue.name for tissue in self.tissues]
        for flow in self.flows:
            if flow.tissue not in known:
                raise UsageError(f"Phantom {self.name}, flows: no tissue {flow.tissue!r}, there are {', '.join(known)}.")
        self._check_courses()

    def _check_courses(self) -> None:
        named = {tissue.name: tissue for tissue in self.tissues}
        for number, course in enumerate(self.courses):
            if course.tissue not in named:
                raise ValueRangeError(f"Phantom {self.name}, courses: no tissue {course.tissue}. It has {', '.join(named)}.")
            if course.tissue in [other.tissue for other in self.courses[:number]]:
                raise ValueRangeError(f"Phantom {self.name}, courses: two of {course.tissue}. Add them up.")
            course.check(named[course.tissue])
