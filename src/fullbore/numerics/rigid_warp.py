"""A volume turned and shifted as a rigid body, by Fourier shears: unitary, so that its adjoint undoes it exactly.

A planar rotation is three shears (Paeth 1986), each a shift of lines by a fraction of a sample, which is a phase in their
spectrum (Unser, Thevenaz, Yaroslavsky 1995). What leaves the volume on one side comes back on the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Complex, Float
from scipy.spatial.transform import Rotation
from torch import Tensor

from fullbore.errors import ShapeError, UsageError
from fullbore.numerics.linear_operator import LinearOperator

Triple = tuple[float, float, float]
_LARGEST_RAD = math.pi / 3
"""Shears spread what they turn: beyond this, lines would be sheared by more than their length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RigidWarp(LinearOperator):
    """(n0, n1, n2) to the same volume moved: the value at r goes to R r + shift, r from the sample n // 2 of each axis.

    spacing: of the samples along each axis. rotation: vector about whose direction it is turned, by its length in rad.
    shift: in the unit of the spacing. Axes of one sample stay: a rotation or a shift through them is refused.
    Errors: UsageError for such a motion and for a rotation beyond 60 degrees.
    """

    shape: tuple[int, int, int]
    spacing: Triple
    rotation: Triple = (0.0, 0.0, 0.0)
    shift: Triple = (0.0, 0.0, 0.0)
    _prepared: list[tuple[int, Tensor]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.shape) != 3 or min(self.shape) < 1 or min(self.spacing) <= 0:
            raise ShapeError(f"RigidWarp: got {self.shape} samples {self.spacing} apart, wanted three of each, positive.")
        if np.linalg.norm(self.rotation) > _LARGEST_RAD:
            raise UsageError(
                f"RigidWarp.rotation: got {np.linalg.norm(self.rotation):.3g} rad, wanted at most {_LARGEST_RAD:.3g}."
            )
        for axis, n in enumerate(self.shape):
            turns = any(self.rotation[other] != 0 for other in range(3) if other != axis)
            if n == 1 and (self.shift[axis] != 0 or turns):
                raise UsageError(f"RigidWarp: axis {axis} has one sample, wanted no motion through it. Leave it out.")
        object.__setattr__(self, "_prepared", self._moves())

    @property
    def domain_shape(self) -> tuple[int, ...]:
        """The volume."""
        return self.shape

    @property
    def range_shape(self) -> tuple[int, ...]:
        """The same."""
        return self.shape

    def _shears(self) -> list[tuple[int, int, float]]:
        """(axis moved, axis along which the move grows, displacement per length), in the order in which they act."""
        angles = Rotation.from_rotvec(self.rotation).as_euler("XYZ")
        shears = []
        for axis in (2, 1, 0):
            angle = float(angles[axis])
            if angle != 0:
                a, b = (axis + 1) % 3, (axis + 2) % 3
                outer = (a, b, -math.tan(angle / 2))
                shears += [outer, (b, a, math.sin(angle)), outer]
        return shears

    def _moves(self) -> list[tuple[int, Tensor]]:
        """(axis, phases of its spectrum) of all shears and shifts, in the order in which they act."""
        moves = []
        for moved, along, slope in self._shears():
            n = self.shape[along]
            lines = slope * self.spacing[along] / self.spacing[moved] * (torch.arange(n, dtype=torch.float64) - n // 2)
            moves.append((moved, self._phases(moved, lines, along)))
        for axis, distance in enumerate(self.shift):
            if distance != 0:
                samples = torch.tensor([distance / self.spacing[axis]], dtype=torch.float64)
                moves.append((axis, self._phases(axis, samples, (axis + 1) % 3)))
        return moves

    def _phases(self, axis: int, samples: Float[Tensor, " n"], along: int) -> Complex[Tensor, "a b c"]:
        """Of lines along `axis` that move by `samples`, one number for each place along `along` (or one for all)."""
        turns = torch.outer(torch.fft.fftfreq(self.shape[axis], dtype=torch.float64), samples)
        phase = torch.polar(torch.ones_like(turns), -2 * math.pi * turns)
        place = [1, 1, 1]
        place[axis], place[along] = self.shape[axis], len(samples)
        return (phase if axis < along else phase.T).reshape(place)

    def _forward(self, x: Tensor) -> Tensor:
        for axis, phase in self._prepared:
            x = torch.fft.ifft(torch.fft.fft(x, dim=axis - 3).mul_(phase.to(x)), dim=axis - 3)
        return x

    def _adjoint(self, y: Tensor) -> Tensor:
        for axis, phase in reversed(self._prepared):
            y = torch.fft.ifft(torch.fft.fft(y, dim=axis - 3).mul_(phase.conj().to(y)), dim=axis - 3)
        return y

    def _normal(self, x: Tensor) -> Tensor:
        return x.clone()
