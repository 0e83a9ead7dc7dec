"""What is done to the magnetisation before it is read: each preparation is a Module whose centre is what times count from."""

from fullbore.sequence.preparations.inversion import inversion, slice_inversion
from fullbore.sequence.preparations.saturation import fat_saturation, saturation
from fullbore.sequence.preparations.spoiling import spoiling
from fullbore.sequence.preparations.t2_preparation import t2_preparation
from fullbore.sequence.preparations.water_suppression import water_suppression

__all__ = ["fat_saturation", "inversion", "saturation", "slice_inversion", "spoiling", "t2_preparation", "water_suppression"]
