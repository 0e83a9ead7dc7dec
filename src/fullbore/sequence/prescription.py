"""What every prescription is made of: units of protocol fields, and where and how finely to look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, runtime_checkable
from typing import Protocol as Interface

from pydantic import Field

from fullbore.data import Geometry
from fullbore.sequence.placement import slab, stack


@dataclass(frozen=True, slots=True)
class Unit:
    """Marks a field whose text carries a unit of this dimension (a key of `fullbore.physics.units.UNITS`)."""

    dimension: str


Time = Annotated[float, Unit("time"), Field(gt=0)]
Duration = Annotated[float, Unit("time"), Field(ge=0)]
Length = Annotated[float, Unit("length"), Field(gt=0)]
Gap = Annotated[float, Unit("length"), Field(ge=0)]
Position = Annotated[float, Unit("length")]
Angle = Annotated[float, Unit("angle"), Field(gt=0)]
SignedAngle = Annotated[float, Unit("angle")]
Frequency = Annotated[float, Unit("frequency")]
Velocity = Annotated[float, Unit("velocity"), Field(gt=0)]
DiffusionWeighting = Annotated[float, Unit("diffusion weighting"), Field(ge=0)]
Field_T = Annotated[float, Unit("field"), Field(ge=0)]
Share = Annotated[float, Unit("share"), Field(ge=0, le=1)]
Bandwidth = Annotated[float, Unit("bandwidth"), Field(gt=0)]
Size = Annotated[int, Field(ge=4, le=1024, multiple_of=2)]
Count = Annotated[int, Field(ge=0)]
Number = Annotated[int, Field(ge=1, le=2**16)]
"""How many there are of something; raw data (MRD) count in 16 bits."""
Factor = Annotated[float, Field(ge=1)]
Orientation = Literal["axial", "sagittal", "coronal"]
GradientMode = Literal["fast", "normal", "whisper"]

SLEW_FRACTION: dict[str, float] = {"fast": 1.0, "normal": 0.8, "whisper": 0.4}
"""How much of the machine's slew rate each gradient mode uses."""

FieldOfView3d = tuple[Length, Length, Length]
FieldOfView2d = tuple[Length, Length]
Matrix3d = tuple[Size, Size, Size]
Matrix2d = tuple[Size, Size]
Centre = tuple[Position, Position, Position]
Tilt = tuple[SignedAngle, SignedAngle, SignedAngle]


@runtime_checkable
class Protocol(Interface):
    """Any protocol: a name, and how fast its gradients may be."""

    @property
    def name(self) -> str:
        """Name of the scan."""

    @property
    def gradient_mode(self) -> GradientMode:
        """A key of SLEW_FRACTION."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlabPrescription:
    """Where a 3D scan looks; protocols of 3D sequences add their fields to these.

    fov, matrix: (read, phase, partition), m. centre: LPS m. tilt: turns the orientation about L, then P, then S.
    """

    name: str
    orientation: Orientation
    fov: FieldOfView3d
    matrix: Matrix3d
    readout_oversampling: Number = 2
    centre: Centre = (0.0, 0.0, 0.0)
    tilt: Tilt = (0.0, 0.0, 0.0)
    gradient_mode: GradientMode = "normal"

    def geometry(self) -> Geometry:
        """The slab."""
        return slab(self.orientation, self.centre, self.fov, self.matrix, self.readout_oversampling, self.tilt)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackPrescription:
    """Where a scan of 2D slices looks; protocols of 2D sequences add their fields to these.

    fov, matrix: (read, phase), m. slice_gap: between slices. centre: of the stack, LPS m. tilt: turns the orientation about
    L, then P, then S.
    """

    name: str
    orientation: Orientation
    fov: FieldOfView2d
    matrix: Matrix2d
    slice_thickness: Length
    slices: Number = 1
    slice_gap: Gap = 0.0
    readout_oversampling: Number = 2
    centre: Centre = (0.0, 0.0, 0.0)
    tilt: Tilt = (0.0, 0.0, 0.0)
    gradient_mode: GradientMode = "normal"

    def geometry(self) -> Geometry:
        """The stack."""
        oversampling, thickness = self.readout_oversampling, self.slice_thickness
        place = (self.orientation, self.centre, self.fov, self.matrix)
        return stack(*place, oversampling, self.slices, thickness, self.slice_gap, self.tilt)

    def slice_positions_m(self) -> tuple[float, ...]:
        """Place of each slice along its normal, from the isocentre."""
        geometry = self.geometry()
        return tuple(float(geometry.centre_m @ geometry.slice + offset) for offset in geometry.slice_offsets_m)
