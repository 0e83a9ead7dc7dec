"""How the image becomes samples."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cartesian:
    """Samples on the lines of a grid, placed by their counters; separable along the readout."""


EncodingModel = Cartesian
