"""How the image is found from the data."""

from __future__ import annotations

from dataclasses import dataclass

from fullbore.recon.recipe.check import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """Matched-filter combination of the channels' images; k-space that was not measured counts as zero. Roemer 1990."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Direct:
    """SENSE by one Cholesky factorisation per readout column: exact, linear, with the exact noise. 2D encoding only.

    damping: added to the diagonal, relative to 1 = the eigenvalue of full sampling. Source: Pruessmann 1999, eq. 4.
    """

    damping: float = 1e-6

    def __post_init__(self) -> None:
        require(self, self.damping > 0, "damping > 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConjugateGradient:
    """SENSE by conjugate gradients, every readout column with steps of its own. Source: Pruessmann 2001.

    damping: relative to the eigenvalue of full sampling. expected_power: weight of the quadratic prior that expects at
        every spatial frequency the power that the data show there (a Wiener filter at 1; 0 for none). NonUniform only.
    """

    iterations: int = 30
    tolerance: float = 1e-4
    damping: float = 1e-6
    expected_power: float = 0.0

    def __post_init__(self) -> None:
        require(self, self.iterations > 0 and self.tolerance > 0, "positive numbers")
        require(self, self.damping >= 0 and self.expected_power >= 0, "damping and expected_power >= 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProximalGradient:
    """Accelerated proximal gradients with restart on |A x - y|^2 / 2 + prior; `seed` draws the prior's random shifts.

    Optimised gradient (Kim and Fessler 2018) for convex priors, FISTA (Beck and Teboulle 2009) for the log penalty.
    """

    iterations: int = 20
    tolerance: float = 1e-3
    seed: int = 0

    def __post_init__(self) -> None:
        require(self, self.iterations > 0 and self.tolerance > 0, "positive numbers")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrimalDual:
    """Condat's and Vu's method on |A x - y|^2 / 2 + prior, for priors that are norms of an operator's output."""

    iterations: int = 80
    tolerance: float = 1e-3

    def __post_init__(self) -> None:
        require(self, self.iterations > 0 and self.tolerance > 0, "positive numbers")


Solver = Combination | Direct | ConjugateGradient | ProximalGradient | PrimalDual
