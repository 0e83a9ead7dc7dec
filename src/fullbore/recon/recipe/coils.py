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
    maps: sets of maps, for soft-SENSE: 2 where the field of view is smaller than the object, so that two places share a
        voxel. Sets after the first count only where their eigenvalue reaches `extra_crop`.
    """

    calibration: int = 24
    kernel: int = 6
    rank_cut: float = 0.02
    grid: int = 48
    crop: float = 0.0
    maps: int = 1
    extra_crop: float = 0.85

    def __post_init__(self) -> None:
        require(self, self.calibration >= 4 and self.kernel >= 2 and self.grid >= 2 * self.kernel, "a grid of 2 kernels")
        fractions = (self.crop, self.extra_crop)
        require(self, 0 < self.rank_cut < 1 and min(fractions) >= 0 and max(fractions) < 1, "fractions between 0 and 1")
        require(self, self.maps > 0, "maps > 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Walsh:
    """Coil maps as the leading eigenvectors of the channels' local covariance in the image. Source: Walsh et al. 2000.

    calibration: largest extent of the calibration block. patch: voxels of the coarse image, along each axis, over which the
    covariance is averaged; 1 makes the maps the channels' images over their root sum of squares.
    grid: points along each axis at which the maps are computed.
    """

    calibration: int = 24
    patch: int = 3
    grid: int = 48

    def __post_init__(self) -> None:
        require(self, self.calibration >= 4 and self.patch > 0 and self.grid >= self.calibration, "grid >= calibration >= 4")


@dataclass(frozen=True, slots=True, kw_only=True)
class NlInv:
    """Image and smooth coil maps at once, by regularised nonlinear inversion: needs no fully sampled centre. Uecker 2008.

    grid: largest extent of the part of k-space that is used. newton: steps, each halving the regularisation from 1.
    iterations: of the conjugate gradients in each. smoothness: of the maps, larger is smoother.
    """

    grid: int = 48
    newton: int = 12
    iterations: int = 40
    smoothness: float = 220.0

    def __post_init__(self) -> None:
        require(self, self.grid >= 8 and self.newton > 0 and self.iterations > 0, "a grid of 8 and positive counts")
        require(self, self.smoothness > 0, "smoothness > 0")


Coils = Espirit | Walsh | NlInv
