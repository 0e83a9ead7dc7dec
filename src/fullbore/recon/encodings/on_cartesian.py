"""Data that stand on Cartesian ones and differ from them only in the volumes that they make."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jaxtyping import Complex
from torch import Tensor

from fullbore.recon.encodings.cartesian import CartesianData
from fullbore.recon.encodings.volume import Prepared


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OnCartesian(Prepared):
    """Abstract: what `data` know passes through; slices and volumes are each kind's own."""

    data: CartesianData

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self.data.frames

    @property
    def columns_sampled(self) -> float:
        """Fraction of the readout's k-space that was measured."""
        return self.data.columns_sampled

    @property
    def channels(self) -> int:
        """Number of virtual channels."""
        return self.data.channels

    @property
    def grid(self) -> tuple[int, int, int]:
        """(z, y, x) of one slice or slab."""
        return self.data.grid

    def mixed(self, matrix: Complex[Tensor, "out channel"]) -> OnCartesian:
        """Channels combined by `matrix`."""
        return replace(self, data=self.data.mixed(matrix))

    def strongest_samples(self, count: int) -> Complex[Tensor, "channel n"]:
        """Those of the data."""
        return self.data.strongest_samples(count)

    def calibration(self, slice_: int, largest: int) -> Complex[Tensor, "frame channel kz ky kx"]:
        """The measured centre of k-space; of a slice that was measured alone where others were excited together."""
        return self.data.calibration(slice_, largest)
