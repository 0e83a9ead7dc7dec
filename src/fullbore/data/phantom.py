"""The digital subject: tissues, where they are, and the field they make."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.data.field_map import FieldMap
from fullbore.data.grid import Grid
from fullbore.data.motion import Flow, Motion, Sliding, sliding_in
from fullbore.data.tissue import Tissue
from fullbore.data.tissue_course import TissueCourse
from fullbore.errors import ShapeError, UsageError, ValueRangeError

LEAST_SHARE = 1e-5
"""Of a cell, by which pieces of a tissue may miss its fraction."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Phantom:
    """A subject as a mixture of tissues, continuous in space by linear interpolation between the grid's points.

    fractions: float32 (tissue, z, y, x), each 0..1, their sum at most 1 (the rest is air or signal-free).
    field_ppm: off-resonance of water by susceptibility, after shimming, in ppm of B0, (1, z, y, x) on a grid of its own.
    motion: of all of it, from where it is here when nothing has moved; what is `Sliding` of it has pieces of every tissue.
    flows: of tissues within vessels, in the body at rest.
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
        slides = sliding_in(self.motion)
        if slides is not None:
            self._check_sliding(slides)
        self._check_courses()

    def _check_sliding(self, slides: Sliding) -> None:
        """Every bit of matter is in one piece."""
        who, known = f"Phantom {self.name}, motion", [tissue.name for tissue in self.tissues]
        for piece in slides.pieces:
            if piece.tissue not in known:
                raise UsageError(f"{who}: it has a piece of {piece.tissue!r}, there are {', '.join(known)}.")
        if len(slides.of_flow) != len(self.flows):
            raise ShapeError(f"{who}.of_flow: got {len(slides.of_flow)} flows, wanted {len(self.flows)}.")
        for tissue, fraction in zip(self.tissues, self.fractions, strict=True):
            pieces = [piece.within(self.grid.shape) for piece in slides.of_tissue(tissue.name)]
            if not pieces and fraction.any():
                raise UsageError(f"{who}: no piece of {tissue.name}. Say which part moves it, -1 for none.")
            shares = [share for share in pieces if share is not None]
            left = float(np.abs(np.sum(shares, axis=0) - fraction).max()) if shares else 0.0
            if left > LEAST_SHARE:
                raise ValueRangeError(
                    f"{who}: the pieces of {tissue.name} miss its fractions by {left:.3g}. Give shares that add up to them."
                )

    def _check_courses(self) -> None:
        named = {tissue.name: tissue for tissue in self.tissues}
        for number, course in enumerate(self.courses):
            if course.tissue not in named:
                raise ValueRangeError(f"Phantom {self.name}, courses: no tissue {course.tissue}. It has {', '.join(named)}.")
            if course.tissue in [other.tissue for other in self.courses[:number]]:
                raise ValueRangeError(f"Phantom {self.name}, courses: two of {course.tissue}. Add them up.")
            course.check(named[course.tissue])
