"""A brief -> a receive array: loops on a former, fields and noise, preamplifiers, and how near it comes to the ultimate."""

from fullbore.hardware.array.brief import ArrayBrief, array_presets, load_array_brief, parse_array_brief
from fullbore.hardware.array.coil_set import array_coils
from fullbore.hardware.array.design import ReceiveArray, design_array
from fullbore.hardware.array.maps import plane_maps, ultimate_share
from fullbore.hardware.array.sphere import Sphere

__all__ = [
    "ArrayBrief",
    "ReceiveArray",
    "Sphere",
    "array_coils",
    "array_presets",
    "design_array",
    "load_array_brief",
    "parse_array_brief",
    "plane_maps",
    "ultimate_share",
]
