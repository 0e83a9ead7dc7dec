"""Where the channels' maps come from."""

from __future__ import annotations

from dataclasses import dataclass

from fullbore.recon.recipe.check import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Espirit:
    """Coil maps as the leading eigenvectors of local k-space predictability. Source: Uecker et al. 2014.

    calibration: largest extent of the calibration block along each axis. kernel: extent of the k-space patches.
    rank_cut: singular values of the calibration matrix below this fraction of the largest are noise.
    grid: points along each axis at which the maps are computed; they are smooth and interpolated from there.
    crop: voxels whose eigenvalue is below this get no sensitivity (0 keeps all).
    """

    calibration: int = 24
    kernel: int = 6
    rank_cut: float = 0.02
    grid: int = 48
    crop: float = 0.0

    def __post_init__(self) -> None:
        require(self, self.calibration >= 4 and self.kernel >= 2 and self.grid >= 2 * self.kernel, "a grid of 2 kernels")
        require(self, 0 < self.rank_cut < 1 and 0 <= self.crop < 1, "fractions between 0 and 1")


Coils = Espirit
