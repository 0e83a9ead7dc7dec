"""A magnet brief -> windings: fields of coaxial coils, design by linear program and refinement, figures of merit."""

from fullbore.hardware.magnet.brief import MagnetBrief, load_magnet_brief, magnet_presets, parse_magnet_brief
from fullbore.hardware.magnet.design import design_magnet, layout_of
from fullbore.hardware.magnet.figures import magnet_figures
from fullbore.hardware.magnet.homogeneity import field_ppm
from fullbore.hardware.magnet.solenoid import solenoid_field

__all__ = [
    "MagnetBrief",
    "design_magnet",
    "field_ppm",
    "layout_of",
    "load_magnet_brief",
    "magnet_figures",
    "magnet_presets",
    "parse_magnet_brief",
    "solenoid_field",
]
