"""The parts of a recipe and the tree that joins them: coils, encoding, prior, solver."""

from fullbore.recon.recipe.coils import Coils, Espirit
from fullbore.recon.recipe.encodings import Cartesian, EncodingModel
from fullbore.recon.recipe.priors import (
    LocallyLowRank,
    LowRankPlusSparse,
    OperatorPrior,
    Prior,
    ProximalPrior,
    TemporalTotalVariation,
    TotalGeneralisedVariation,
    TotalVariation,
    Wavelet,
    WaveletJoint,
)
from fullbore.recon.recipe.solvers import Combination, ConjugateGradient, Direct, PrimalDual, ProximalGradient, Solver
from fullbore.recon.recipe.subspace import Subspace
from fullbore.recon.recipe.tree import Recipe

__all__ = [
    "Cartesian",
    "Coils",
    "Combination",
    "ConjugateGradient",
    "Direct",
    "EncodingModel",
    "Espirit",
    "LocallyLowRank",
    "LowRankPlusSparse",
    "OperatorPrior",
    "PrimalDual",
    "Prior",
    "ProximalGradient",
    "ProximalPrior",
    "Recipe",
    "Solver",
    "Subspace",
    "TemporalTotalVariation",
    "TotalGeneralisedVariation",
    "TotalVariation",
    "Wavelet",
    "WaveletJoint",
]
