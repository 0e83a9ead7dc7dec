"""How gaps of Cartesian k-space are filled before the channels are combined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fullbore.numerics.threshold import Penalty
from fullbore.numerics.wavelet import daubechies
from fullbore.recon.recipe.check import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Grappa:
    """Missing samples as sums of measured neighbours on a regular lattice (1D, 2D, CAIPIRINHA). Source: Griswold 2002.

    reach: measured neighbours on either side of a missing sample along each undersampled axis. columns: taps along the
    readout. calibration: largest extent of the calibration block. damping: of the least squares, relative to its mean
    eigenvalue.
    """

    reach: int = 2
    columns: int = 5
    calibration: int = 32
    damping: float = 1e-5

    def __post_init__(self) -> None:
        require(self, self.reach > 0 and self.columns > 0 and self.columns % 2 == 1, "reach > 0 and an odd number of columns")
        require(self, self.calibration >= 4 and self.damping >= 0, "calibration >= 4 and damping >= 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spirit:
    """Missing samples such that every sample is what its neighbours in all channels predict; any mask. Source: Lustig 2010.

    kernel: odd extent of the neighbourhood along each axis. damping: of the calibration, relative to its mean eigenvalue.
    """

    kernel: int = 7
    calibration: int = 32
    damping: float = 1e-4
    iterations: int = 40
    tolerance: float = 1e-3

    def __post_init__(self) -> None:
        require(self, self.kernel >= 3 and self.kernel % 2 == 1, "an odd kernel of 3 or more")
        require(self, self.calibration >= self.kernel and self.damping >= 0, "a calibration block larger than the kernel")
        require(self, self.iterations > 0 and self.tolerance > 0, "positive iterations and tolerance")


@dataclass(frozen=True, slots=True, kw_only=True)
class SparseSpirit:
    """`Spirit` step by step, with channel images whose wavelet details are sparse together (l1-SPIRiT).

    weight: of the details, in standard deviations of the noise of one channel; 0 leaves prediction and data alone.
    name, levels, penalty: as of the prior `Wavelet`; the transform's position is drawn anew in every iteration, from `seed`.
    tolerance: stop when k-space changes by less, relatively. Source: Lustig 2010.
    """

    kernel: int = 7
    calibration: int = 32
    damping: float = 1e-4
    weight: float = 1.0
    name: str = "db4"
    levels: int = 4
    penalty: Penalty = "log"
    iterations: int = 60
    tolerance: float = 1e-3
    seed: int = 0

    def __post_init__(self) -> None:
        require(self, self.kernel >= 3 and self.kernel % 2 == 1, "an odd kernel of 3 or more")
        require(self, self.calibration >= self.kernel and self.damping >= 0, "a calibration block larger than the kernel")
        require(self, self.weight >= 0 and self.levels > 0, "weight >= 0 and levels > 0")
        require(self, self.penalty in ("l1", "log"), 'penalty "l1" or "log"')
        require(self, self.iterations > 0 and self.tolerance > 0, "positive iterations and tolerance")
        daubechies(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialFourier:
    """What to do about an edge of k-space that was not measured, along line, partition or readout.

    method: "zero" leaves it empty; "homodyne" counts what has no partner twice and keeps the part in phase with the
    low-resolution image (Noll 1991; one axis, the most one-sided); "pocs" alternates between that phase and the data
    (Haacke 1991; all axes).
    """

    method: Literal["zero", "homodyne", "pocs"] = "pocs"
    iterations: int = 12

    def __post_init__(self) -> None:
        require(self, self.method in ("zero", "homodyne", "pocs"), 'method "zero", "homodyne" or "pocs"')
        require(self, self.iterations > 0, "iterations > 0")


Completion = Grappa | Spirit | SparseSpirit


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceGrappa:
    """Slices that were excited together are told apart by one kernel each, from a calibration scan of single slices.

    method: "plain" fits the sum of the slices (Setsompop 2012); "split" also that the other slices leave nothing behind
    (Cauley 2014). kernel: odd extent along line and readout. damping: of the least squares.
    """

    method: Literal["split", "plain"] = "split"
    kernel: int = 5
    calibration: int = 32
    damping: float = 1e-4

    def __post_init__(self) -> None:
        require(self, self.method in ("split", "plain"), 'method "split" or "plain"')
        require(self, self.kernel > 0 and self.kernel % 2 == 1, "an odd kernel")
        require(self, self.calibration >= self.kernel and self.damping >= 0, "a calibration block larger than the kernel")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsSense:
    """Slices that were excited together are solved for together, with coil maps of single slices; any blips.

    An iterative solver is needed; a prior may go with it. Sources: Larkman 2001; Breuer 2005 (CAIPIRINHA).
    """


Multiband = SliceGrappa | SmsSense
