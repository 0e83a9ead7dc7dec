"""What is known of the image beforehand.

Every weight is in standard deviations of the noise of one whitened channel (without a noise scan the noise is taken from
the edge of k-space), but at least `floor` times the largest value of the zero-filled image, so that data with little
noise are still freed of aliasing in few iterations.
"""

from __future__ import annotations

from dataclasses import dataclass

from fullbore.numerics.threshold import Penalty
from fullbore.recon.recipe.check import require


@dataclass(frozen=True, slots=True, kw_only=True)
class _Details:
    """What both priors of wavelet details are told."""

    name: str = "db4"
    weight: float = 0.8
    floor: float = 6e-3
    levels: int = 4
    penalty: Penalty = "log"
    shifts: int = 2

    def __post_init__(self) -> None:
        _check_weights(self, self.weight, self.floor)
        require(self, self.levels > 0 and self.shifts > 0, "levels, shifts > 0")
        require(self, self.penalty in ("l1", "log"), 'penalty "l1" or "log"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Wavelet(_Details):
    """Sparse wavelet details of every frame by itself.

    penalty: "l1", or "log", which hardly biases large details. shifts: positions of the transform averaged in every
    iteration; new ones are drawn for each. Source: Lustig 2007; cycle spinning, Coifman and Donoho 1995.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveletJoint(_Details):
    """Wavelet details that all frames or contrasts keep or drop together, as `Wavelet`. Source: Majumdar and Ward 2011."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalVariation:
    """The l1 norm of the image's gradient magnitude: piecewise constant images. Source: Rudin, Osher and Fatemi 1992."""

    weight: float = 0.5
    floor: float = 3e-3

    def __post_init__(self) -> None:
        _check_weights(self, self.weight, self.floor)


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalGeneralisedVariation:
    """Second order: piecewise smooth images, without the steps that total variation makes of slopes. Source: Knoll 2011.

    ratio: weight of second derivatives over that of the first.
    """

    weight: float = 0.5
    floor: float = 3e-3
    ratio: float = 2.0

    def __post_init__(self) -> None:
        _check_weights(self, self.weight, self.floor)
        require(self, self.ratio > 0, "ratio > 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporalTotalVariation:
    """The l1 norm of changes from frame to frame. Source: Feng 2014 (GRASP)."""

    weight: float = 0.5
    floor: float = 5e-3

    def __post_init__(self) -> None:
        _check_weights(self, self.weight, self.floor)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocallyLowRank:
    """Small blocks whose time courses are few, on a lattice that moves every iteration. Source: Trzasko 2011.

    weight: 1 removes just the largest singular value that noise alone has in a block. block: its extent along every axis.
    """

    weight: float = 0.35
    floor: float = 5e-3
    block: int = 8

    def __post_init__(self) -> None:
        _check_weights(self, self.weight, self.floor)
        require(self, self.block > 1, "block > 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class LowRankPlusSparse:
    """A background of few time courses plus changes that are sparse in temporal frequency. Source: Otazo 2015.

    low_rank: threshold of the background's singular values, as a fraction of the largest. weight, floor: of the changes.
    """

    low_rank: float = 0.01
    weight: float = 0.5
    floor: float = 5e-3

    def __post_init__(self) -> None:
        _check_weights(self, self.weight, self.floor)
        require(self, 0 <= self.low_rank < 1, "low_rank between 0 and 1")


# Simple proximal maps, and norms of an operator's output, which only the primal-dual method takes.
ProximalPrior = Wavelet | WaveletJoint | LocallyLowRank | LowRankPlusSparse
OperatorPrior = TotalVariation | TotalGeneralisedVariation | TemporalTotalVariation
Prior = ProximalPrior | OperatorPrior


def _check_weights(part: object, weight: float, floor: float) -> None:
    require(part, weight >= 0 and floor >= 0, "weight, floor >= 0")
