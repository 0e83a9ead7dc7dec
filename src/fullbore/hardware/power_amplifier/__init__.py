"""The gradient power amplifier: stacked bridges and their control -> real currents, limits, responses."""

from fullbore.hardware.power_amplifier.amplifier import Cable, Device, Load, PowerAmplifier
from fullbore.hardware.power_amplifier.chain import gradient_chain, reached_limits
from fullbore.hardware.power_amplifier.design import AmplifierRoom, design_amplifier
from fullbore.hardware.power_amplifier.loop import Control, loop_response, tuned
from fullbore.hardware.power_amplifier.reach import most_slew, playable, source_of, stretched
from fullbore.hardware.power_amplifier.scaling import gradient_power_VA
from fullbore.hardware.power_amplifier.simulate import drive

__all__ = [
    "AmplifierRoom",
    "Cable",
    "Control",
    "Device",
    "Load",
    "PowerAmplifier",
    "design_amplifier",
    "drive",
    "gradient_chain",
    "gradient_power_VA",
    "loop_response",
    "most_slew",
    "playable",
    "reached_limits",
    "source_of",
    "stretched",
    "tuned",
]
