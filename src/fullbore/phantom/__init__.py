"""The digital subject: a brain that is real, a head around it that is plausible, and simple test objects."""

from fullbore.phantom.field import susceptibility_field
from fullbore.phantom.head import head
from fullbore.phantom.objects import cylinder_vials, sphere, uniform_box
from fullbore.phantom.truth import occupancy, sample_field, tissue_index, truth_maps

__all__ = [
    "cylinder_vials",
    "head",
    "occupancy",
    "sample_field",
    "sphere",
    "susceptibility_field",
    "tissue_index",
    "truth_maps",
    "uniform_box",
]
