"""Shimming: a magnet as wound -> iron in trays that makes its field even."""

from fullbore.hardware.shim.iron import ShimTrays, pocket_places_m, sheet_fields_T
from fullbore.hardware.shim.passive import PassiveShim, shim_passively

__all__ = ["PassiveShim", "ShimTrays", "pocket_places_m", "sheet_fields_T", "shim_passively"]
