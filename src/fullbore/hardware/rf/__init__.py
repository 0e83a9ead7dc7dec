"""RF transmit: birdcages, fields in layered bodies, shimming, power amplifier."""

from fullbore.hardware.rf.birdcage import CoilShape
from fullbore.hardware.rf.brief import BirdcageBrief, birdcage_presets, load_birdcage_brief
from fullbore.hardware.rf.design import Birdcage, design_birdcage, power_model, rf_amplifier, transmit_map
from fullbore.hardware.rf.layers import Layer, LayeredBody
from fullbore.hardware.rf.sphere import SphereSolution

__all__ = [
    "Birdcage",
    "BirdcageBrief",
    "CoilShape",
    "Layer",
    "LayeredBody",
    "SphereSolution",
    "birdcage_presets",
    "design_birdcage",
    "load_birdcage_brief",
    "power_model",
    "rf_amplifier",
    "transmit_map",
]
