"""How the image becomes samples."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cartesian:
    """Samples on the lines of a grid, placed by their counters; separable along the readout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """Lines of a grid that swing along phase and partition while they are read, all alike. Source: Bilgic et al. 2015."""


EncodingModel = Cartesian | Wave
