"""The parts of a recipe and the tree that joins them: coils, encoding, prior, solver."""

from fullbore.recon.recipe.coils import Coils, Espirit, NlInv, Walsh
from fullbore.recon.recipe.completions import Completion, Grappa, PartialFourier, SliceGrappa, SmsSense, SparseSpirit, Spirit
from fullbore.recon.recipe.encodings import Cartesian, EncodingModel, NonUniform, Wave
from fullbore.recon.recipe.motion import MotionCorrection
from fullbore.recon.recipe.off_resonance import OffResonance
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
from fullbore.recon.recipe.readout_phase import EpiPhase
from fullbore.recon.recipe.solvers import Combination, ConjugateGradient, Direct, PrimalDual, ProximalGradient, Solver
from fullbore.recon.recipe.subspace import Subspace
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
    "LocallyLowRank",
    "LowRankPlusSparse",
    "MotionCorrection",
    "NlInv",
    "NonUniform",
    "OffResonance",
    "OperatorPrior",
    "PartialFourier",
    "PrimalDual",
    "Prior",
    "ProximalGradient",
    "ProximalPrior",
    "Recipe",
    "SliceGrappa",
    "SmsSense",
    "Solver",
    "SparseSpirit",
    "Spirit",
    "Subspace",
    "TemporalTotalVariation",
    "TotalGeneralisedVariation",
    "TotalVariation",
    "Walsh",
    "Wave",
    "Wavelet",
    "WaveletJoint",
]
