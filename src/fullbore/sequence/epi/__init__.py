"""Echo-planar sequences: functional imaging with simultaneous slices, diffusion by pulsed and by free waveforms."""

from fullbore.sequence.epi.diffusion import (
    BTensorEpi2d,
    CardiacDiffusionEpi2d,
    DiffusionEpi2d,
    b_tensor_epi_2d,
    cardiac_diffusion_epi_2d,
    diffusion_epi_2d,
)
from fullbore.sequence.epi.functional import GradientEchoEpi2d, gradient_echo_epi_2d

__all__ = [
    "BTensorEpi2d",
    "CardiacDiffusionEpi2d",
    "DiffusionEpi2d",
    "GradientEchoEpi2d",
    "b_tensor_epi_2d",
    "cardiac_diffusion_epi_2d",
    "diffusion_epi_2d",
    "gradient_echo_epi_2d",
]
