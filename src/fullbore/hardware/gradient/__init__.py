"""A gradient brief -> shielded coils: stream functions by a convex program, wires, fields, figures of merit."""

from fullbore.hardware.gradient.brief import GradientBrief, gradient_presets, load_gradient_brief, parse_gradient_brief
from fullbore.hardware.gradient.coil import GradientCoil, GradientCoils
from fullbore.hardware.gradient.design import design_axis, design_gradient
from fullbore.hardware.gradient.field_maps import gradient_fields, stream_function
from fullbore.hardware.gradient.segments import mutual_inductance, wire_field
from fullbore.hardware.gradient.stimulation import effective_length_m
from fullbore.hardware.gradient.wound import WoundAxis, WoundGradient, axis_brief, wound_gradient

__all__ = [
    "GradientBrief",
    "GradientCoil",
    "GradientCoils",
    "WoundAxis",
    "WoundGradient",
    "axis_brief",
    "design_axis",
    "design_gradient",
    "effective_length_m",
    "gradient_fields",
    "gradient_presets",
    "load_gradient_brief",
    "mutual_inductance",
    "parse_gradient_brief",
    "stream_function",
    "wire_field",
    "wound_gradient",
]
