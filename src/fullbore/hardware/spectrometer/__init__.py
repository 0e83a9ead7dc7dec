"""A spectrometer brief -> clock, converter, filters and gain; oscillators; the receiver that the virtual scanner plays."""

from fullbore.hardware.spectrometer.brief import (
    SpectrometerBrief,
    load_spectrometer_brief,
    parse_spectrometer_brief,
    spectrometer_presets,
)
from fullbore.hardware.spectrometer.design import design_spectrometer
from fullbore.hardware.spectrometer.machine import Spectrometer
from fullbore.hardware.spectrometer.oscillator import Oscillator, Retune, accumulated
from fullbore.hardware.spectrometer.receiver import receiver_of
from fullbore.hardware.spectrometer.transmit import transmit_figures

__all__ = [
    "Oscillator",
    "Retune",
    "Spectrometer",
    "SpectrometerBrief",
    "accumulated",
    "design_spectrometer",
    "load_spectrometer_brief",
    "parse_spectrometer_brief",
    "receiver_of",
    "spectrometer_presets",
    "transmit_figures",
]
