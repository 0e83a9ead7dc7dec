"""Turned readouts: stars, kooshballs, spirals, ultrashort and zero echo times, fingerprinting."""

from fullbore.sequence.non_cartesian.cine import RadialCine2d, SpiralCine2d, radial_cine_2d, spiral_cine_2d
from fullbore.sequence.non_cartesian.fingerprinting import Fingerprinting2d, fingerprinting_2d
from fullbore.sequence.non_cartesian.kooshball import Kooshball3d, kooshball_3d
from fullbore.sequence.non_cartesian.stack_of_stars import StackOfStars3d, stack_of_stars_3d
from fullbore.sequence.non_cartesian.ultrashort import Ute3d, ute_3d
from fullbore.sequence.non_cartesian.zero_echo import Petra3d, petra_3d

__all__ = [
    "Fingerprinting2d",
    "Kooshball3d",
    "Petra3d",
    "RadialCine2d",
    "SpiralCine2d",
    "StackOfStars3d",
    "Ute3d",
    "fingerprinting_2d",
    "kooshball_3d",
    "petra_3d",
    "radial_cine_2d",
    "spiral_cine_2d",
    "stack_of_stars_3d",
    "ute_3d",
]
