"""RawData and a Recipe to an Image, blind to where the data came from.

`reconstruct(raw)` refuses what cannot be used, whitens the noise, estimates coil maps from the centre of
k-space, and solves for the image: matched-filter combination, exact or iterative SENSE, or l1-wavelet. `library` has
recipes by name, `recipe.text` writes and reads them as TOML, `default_recipe.explained_recipe` says why.
"""

from fullbore.recon.default_recipe import default_recipe
from fullbore.recon.recipe import (
    Cartesian,
    Combination,
    ConjugateGradient,
    Direct,
    Espirit,
    MotionCorrection,
    NlInv,
    NonUniform,
    ProximalGradient,
    Recipe,
    Walsh,
    Wave,
    Wavelet,
)
from fullbore.recon.reconstruct import reconstruct
from fullbore.recon.spectrum import is_spectrum, spectrum
from fullbore.recon.streaming import preview, reconstruct_stream
from fullbore.recon.unwarp import unwarp

__all__ = [
    "Cartesian",
    "Combination",
    "ConjugateGradient",
    "Direct",
    "Espirit",
    "MotionCorrection",
    "NlInv",
    "NonUniform",
    "ProximalGradient",
    "Recipe",
    "Walsh",
    "Wave",
    "Wavelet",
    "default_recipe",
    "is_spectrum",
    "preview",
    "reconstruct",
    "reconstruct_stream",
    "spectrum",
    "unwarp",
]
