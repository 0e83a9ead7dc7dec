"""What to do about spins that precess faster or slower than the receiver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fullbore.recon.recipe.check import require


@dataclass(frozen=True, slots=True, kw_only=True)
class OffResonance:
    """Off-resonance as part of the encoding: every sample is taken at a time, at which voxel r has turned by exp(-2 pi i f t).

    source: "given" takes the map that comes with the call, "echoes" estimates it from the frames' echo times (two or more).
    error: of exp(-2 pi i f t), the largest that may be left; it decides how many terms there are. segments: terms at most;
        0 as many as the error needs.
    echo_spacing_s: between the readouts of a train, where the raw data do not tell (0 takes what they tell).
    rounds: how often a map from echoes is estimated again from corrected ones.
    Source: Sutton et al. 2003.
    """

    source: Literal["given", "echoes"] = "given"
    error: float = 1e-3
    segments: int = 0
    echo_spacing_s: float = 0.0
    rounds: int = 3

    def __post_init__(self) -> None:
        require(self, self.source in ("given", "echoes"), 'source "given" or "echoes"')
        require(self, 0 < self.error < 0.5 and self.segments >= 0, "an error between 0 and 0.5 and segments >= 0")
        require(self, 0 <= self.echo_spacing_s < 1 and self.rounds >= 1, "an echo spacing of 0 to 1 s and rounds >= 1")
