"""Gradient waveforms: the quickest along a curve, to moments, of an echo train; b-tensors.

More in the modules: `curves`, `readouts` (spokes, waves), `echo_train` (blades), `stimulation` (nerves, bands), `waveform`.
"""

from fullbore.sequence.waveforms.curves import rosette_curve, spiral_curve
from fullbore.sequence.waveforms.diffusion import b_tensor_waveform
from fullbore.sequence.waveforms.diffusion_waveform import DiffusionTiming
from fullbore.sequence.waveforms.echo_train import blade_lines, echo_train
from fullbore.sequence.waveforms.moments import to_moments
from fullbore.sequence.waveforms.readouts import spiral, spoke, wave
from fullbore.sequence.waveforms.stimulation import NerveLimit
from fullbore.sequence.waveforms.trace import trace

__all__ = [
    "DiffusionTiming",
    "NerveLimit",
    "b_tensor_waveform",
    "blade_lines",
    "echo_train",
    "rosette_curve",
    "spiral",
    "spiral_curve",
    "spoke",
    "to_moments",
    "trace",
    "wave",
]
