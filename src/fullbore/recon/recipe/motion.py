"""What to do about a head that moved."""

from __future__ import annotations

from dataclasses import dataclass

from fullbore.recon.recipe.check import require


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionCorrection:
    """Poses of the shots, estimated in turn with the image. Source: Cordero-Grande et al. 2016.

    iterations: rounds at most. image_steps: conjugate-gradient steps per round. damping: of the image, relative to the
    encoding's largest eigenvalue. tolerance: rounds end when no pose changes by more than this many milliradians and
    tenths of a millimetre. readouts_per_shot: so many readouts in a row are a shot; 0 takes the segment counter.
    """

    iterations: int = 60
    image_steps: int = 4
    damping: float = 1e-4
    tolerance: float = 0.05
    readouts_per_shot: int = 0

    def __post_init__(self) -> None:
        require(self, self.iterations > 0 and self.image_steps > 0 and self.readouts_per_shot >= 0, "positive counts")
        require(self, self.damping >= 0 and self.tolerance > 0, "damping >= 0 and tolerance > 0")
