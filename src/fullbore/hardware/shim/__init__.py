"""Shimming: iron that makes a magnet's field even, coils that make harmonics, and their currents on the patient."""

from fullbore.hardware.shim.coils import ShimCoil, ShimSpace, shim_coil, shim_coils
from fullbore.hardware.shim.iron import ShimTrays, pocket_places_m, sheet_fields_T
from fullbore.hardware.shim.passive import PassiveShim, shim_passively
from fullbore.hardware.shim.patient import PatientShim, shim_patient

__all__ = [
    "PassiveShim",
    "PatientShim",
    "ShimCoil",
    "ShimSpace",
    "ShimTrays",
    "pocket_places_m",
    "sheet_fields_T",
    "shim_coil",
    "shim_coils",
    "shim_passively",
    "shim_patient",
]
