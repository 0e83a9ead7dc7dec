"""What is known of the image beforehand."""

from __future__ import annotations

from dataclasses import dataclass

from fullbore.recon.recipe.check import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Wavelet:
    """The l1 norm of the image's wavelet details.

    weight: threshold in standard deviations of the noise of one whitened channel; without a noise scan the noise is
        taken from the edge of k-space.
    floor: the threshold is at least this fraction of the largest value of the zero-filled image, so that data with
        little noise are still freed of aliasing in few iterations.
    """

    name: str = "db4"
    weight: float = 0.3
    floor: float = 2e-3
    levels: int = 4

    def __post_init__(self) -> None:
        require(self, self.weight >= 0 and self.floor >= 0 and self.levels > 0, "weight, floor >= 0 and levels > 0")


Prior = Wavelet
