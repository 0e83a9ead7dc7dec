"""RF pulses: each module designs one family, checked against the peak B1; a Refusal names the field and what is legal."""

from fullbore.sequence.pulses.basic import gaussian_pulse, hard_pulse, sinc_pulse
from fullbore.sequence.pulses.hyperbolic_secant import hyperbolic_secant
from fullbore.sequence.pulses.response import pulse_response, refocusing_efficiency
from fullbore.sequence.pulses.selective import SelectivePulse, moved, selective
from fullbore.sequence.pulses.shaped import b1_energy_T2_s, b1_rms_T, refuse_flip
from fullbore.sequence.pulses.slr import slr_pulse

__all__ = [
    "SelectivePulse",
    "b1_energy_T2_s",
    "b1_rms_T",
    "gaussian_pulse",
    "hard_pulse",
    "hyperbolic_secant",
    "moved",
    "pulse_response",
    "refocusing_efficiency",
    "refuse_flip",
    "selective",
    "sinc_pulse",
    "slr_pulse",
]
