"""What is done about the phase between readouts that run both ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fullbore.recon.recipe.check import require


@dataclass(frozen=True, slots=True, kw_only=True)
class EpiPhase:
    """Removes the phase between forward and backward readouts of echo-planar trains (N/2 ghost), slice by slice.

    source: "reference" takes readouts without phase encoding (flag PHASE_CORRECTION), "image" the phase that makes the
    image's energy most concentrated, "auto" the first where there are any.
    fit: "linear" a constant and a delay; "local" also what the reference shows beside these, smoothed.
    """

    source: Literal["auto", "reference", "image"] = "auto"
    fit: Literal["linear", "local"] = "linear"

    def __post_init__(self) -> None:
        require(self, self.source in ("auto", "reference", "image"), 'source "auto", "reference" or "image"')
        require(self, self.fit in ("linear", "local"), 'fit "linear" or "local"')
        require(self, self.fit == "linear" or self.source != "image", "fit linear with source image")
