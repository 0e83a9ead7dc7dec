"""A design brief -> the machine: limits, fields of the coils, models of what the body bears."""

from fullbore.hardware.design import Brief, design
from fullbore.hardware.gradient_response import fit_gradient_response
from fullbore.hardware.power_amplifier.scaling import gradient_power_VA
from fullbore.hardware.presets import designed_machines, presets
from fullbore.hardware.receive import receive_array
from fullbore.hardware.system import Parts, with_parts
from fullbore.hardware.transmit import transmit_field

__all__ = [
    "Brief",
    "Parts",
    "design",
    "designed_machines",
    "fit_gradient_response",
    "gradient_power_VA",
    "presets",
    "receive_array",
    "transmit_field",
    "with_parts",
]
