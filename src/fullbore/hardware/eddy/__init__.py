"""Eddy currents of cryostat and structure, what undoes them, and the sound of the coil."""

from fullbore.hardware.eddy.pre_emphasis import PreEmphasis, PreEmphasisUnit, pre_emphasis
from fullbore.hardware.eddy.response import eddy_response, reduced
from fullbore.hardware.eddy.sheet_coil import SheetCoil, SheetSpace, sheet_coil
from fullbore.hardware.eddy.shells import Pose, Shell, mode_fields_T, sheet_flux_Wb, shell_modes, wire_flux_Wb

__all__ = [
    "Pose",
    "PreEmphasis",
    "PreEmphasisUnit",
    "SheetCoil",
    "SheetSpace",
    "Shell",
    "eddy_response",
    "mode_fields_T",
    "pre_emphasis",
    "reduced",
    "sheet_coil",
    "sheet_flux_Wb",
    "shell_modes",
    "wire_flux_Wb",
]
