"""The parts of a recipe and the tree that joins them: coils, encoding, prior, solver."""

from fullbore.recon.recipe.coils import Coils, Espirit, NlInv, Walsh
from fullbore.recon.recipe.encodings import Cartesian, EncodingModel
from fullbore.recon.recipe.priors import Prior, Wavelet
from fullbore.recon.recipe.solvers import Combination, ConjugateGradient, Direct, ProximalGradient, Solver
from fullbore.recon.recipe.tree import Recipe

__all__ = [
    "Cartesian",
    "Coils",
    "Combination",
    "ConjugateGradient",
    "Direct",
    "EncodingModel",
    "Espirit",
    "NlInv",
    "Prior",
    "ProximalGradient",
    "Recipe",
    "Solver",
    "Walsh",
    "Wavelet",
]
