"""Full-wave fields of transmit coils in voxel bodies: B1+, SAR, observation points."""

from fullbore.hardware.full_wave.body import VoxelBody
from fullbore.hardware.full_wave.brief import TransmitBrief, load_transmit_brief, parse_transmit_brief, transmit_presets
from fullbore.hardware.full_wave.currents import CoilCurrents, birdcage, incident_along, incident_on, loop_array
from fullbore.hardware.full_wave.solution import BodyFields, body_fields
from fullbore.hardware.full_wave.transmit import TransmitModel, transmit_model

__all__ = [
    "BodyFields",
    "CoilCurrents",
    "TransmitBrief",
    "TransmitModel",
    "VoxelBody",
    "birdcage",
    "body_fields",
    "incident_along",
    "incident_on",
    "load_transmit_brief",
    "loop_array",
    "parse_transmit_brief",
    "transmit_model",
    "transmit_presets",
]
