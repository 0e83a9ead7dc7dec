"""The digital subject: bodies continuous in space and time, sampled at will; a real brain in a plausible head; test objects."""

from fullbore.phantom.body import Body, Layer
from fullbore.phantom.body_truth import organ_labels, organ_volumes, property_maps
from fullbore.phantom.courses import with_activation, with_contrast
from fullbore.phantom.field import susceptibility_field
from fullbore.phantom.head import head
from fullbore.phantom.moving import moving, period_s
from fullbore.phantom.objects import cylinder_vials, sphere, uniform_box
from fullbore.phantom.registry import BODIES, make_body
from fullbore.phantom.sampling import body_grid, mixture, sampled
from fullbore.phantom.spins import SpinBlock, spins
from fullbore.phantom.station import station
from fullbore.phantom.truth import occupancy, sample_field, tissue_index, truth_maps

__all__ = [
    "BODIES",
    "Body",
    "Layer",
    "SpinBlock",
    "body_grid",
    "cylinder_vials",
    "head",
    "make_body",
    "mixture",
    "moving",
    "occupancy",
    "organ_labels",
    "organ_volumes",
    "period_s",
    "property_maps",
    "sample_field",
    "sampled",
    "sphere",
    "spins",
    "station",
    "susceptibility_field",
    "tissue_index",
    "truth_maps",
    "uniform_box",
    "with_activation",
    "with_contrast",
]
