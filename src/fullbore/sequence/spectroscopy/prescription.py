"""What a technologist says about the spectrum of one voxel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from fullbore.data import Geometry
from fullbore.sequence.placement import slab
from fullbore.sequence.prescription import Centre, Count, Factor, GradientMode, Length, Number, Orientation, Tilt, Time, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class VoxelPrescription:
    """One voxel and its spectrum.

    voxel: edges along (read, phase, slice), m. centre: LPS m. tilt: turns the orientation about L, then P, then S.
    samples, spectral_bandwidth (Hz): of the spectrum; the first sample is at the echo. averages: with the refocusing pulses'
    phases in quarter turns, each in its own time, and the receiver following. water_suppression: vapor or none.
    dummy_scans: repetitions played unsampled.
    """

    name: str
    orientation: Orientation
    voxel: tuple[Length, Length, Length]
    repetition_time: Time
    echo_time: Time
    samples: Annotated[int, Field(ge=16, le=65536)] = 2048
    spectral_bandwidth: Annotated[float, Unit("frequency"), Field(gt=0)] = 2000.0
    averages: Number = 64
    water_suppression: Literal["vapor", "none"] = "vapor"
    dummy_scans: Count = 2
    excitation_duration: Time = 3e-3
    excitation_time_bandwidth: Factor = 6.0
    centre: Centre = (0.0, 0.0, 0.0)
    tilt: Tilt = (0.0, 0.0, 0.0)
    gradient_mode: GradientMode = "normal"

    def geometry(self) -> Geometry:
        """The voxel as an image of one voxel: there is no k-space."""
        return slab(self.orientation, self.centre, self.voxel, (1, 1, 1), 1, self.tilt)

    def offset_m(self, axis: int) -> float:
        """Place of the voxel along (read, phase, slice) from the isocentre."""
        geometry = self.geometry()
        return float(geometry.centre_m @ (geometry.read, geometry.phase, geometry.slice)[axis])
