"""The parts of a recipe and the tree that joins them: coils, encoding, prior, solver."""

from fullbore.recon.recipe.coils import Coils, Espirit, NlInv, Walsh
from fullbore.recon.recipe.completions import Completion, Grappa, PartialFourier, SliceGrappa, Spirit
from fullbore.recon.recipe.encodings import Cartesian, EncodingModel, NonUniform, Wave
from fullbore.recon.recipe.motion import MotionCorrection
from fullbore.recon.recipe.priors import Prior, Wavelet
from fullbore.recon.recipe.readout_phase import EpiPhase
from fullbore.recon.recipe.solvers import Combination, ConjugateGradient, Direct, ProximalGradient, Solver
from fullbore.recon.recipe.tree import Recipe

__all__ = [
    "Cartesian",
    "Coils",
    "Combination",
    "Completion",
    "ConjugateGradient",
    "Direct",
    "EncodingModel",
    "EpiPhase",
    "Espirit",
    "Grappa",
    "MotionCorrection",
    "NlInv",
    "NonUniform",
    "PartialFourier",
    "Prior",
    "ProximalGradient",
    "Recipe",
    "SliceGrappa",
    "Solver",
    "Spirit",
    "Walsh",
    "Wave",
    "Wavelet",
]
