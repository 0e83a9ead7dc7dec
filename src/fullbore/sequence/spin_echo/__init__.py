"""Turbo spin echoes beyond the plain 2D one: variable flips in 3D, nulled fluids, single shots, vessel walls."""

from fullbore.sequence.spin_echo.flair import Flair2d, flair_2d
from fullbore.sequence.spin_echo.haste import Haste2d, haste_2d
from fullbore.sequence.spin_echo.nulled import DoubleInversion3d, Flair3d, double_inversion_3d, flair_3d
from fullbore.sequence.spin_echo.variable_flip import VariableFlipSpinEcho3d, variable_flip_spin_echo_3d
from fullbore.sequence.spin_echo.vessel_wall import VesselWall3d, vessel_wall_3d

__all__ = [
    "DoubleInversion3d",
    "Flair2d",
    "Flair3d",
    "Haste2d",
    "VariableFlipSpinEcho3d",
    "VesselWall3d",
    "double_inversion_3d",
    "flair_2d",
    "flair_3d",
    "haste_2d",
    "variable_flip_spin_echo_3d",
    "vessel_wall_3d",
]
