"""Eddy currents of thin coaxial shells: their modes, what a coil drives, what they leave in the imaging volume.

Stream functions x of the shells obey L x' + R x = -M I'. The modes of L v = tau R v (v R v = 1) part them:
tau q' + q = -(v M) I', field = sum of (v b) q.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from scipy.linalg import eigh

from fullbore.errors import ValueRangeError
from fullbore.hardware.eddy.cylinder import CylinderBasis, field_T, mutual_inductance_H, resistance_ohm, stream
from fullbore.hardware.eddy.sheet_coil import SheetCoil
from fullbore.physics.straight_wires import piece_field_T, piece_potential_T_m, track_pieces

_EDGE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """A thin conducting cylinder. conductivity_S_per_m at its working temperature."""

    name: str
    radius_m: float
    half_length_m: float
    thickness_m: float
    conductivity_S_per_m: float

    def __post_init__(self) -> None:
        for name in ("radius_m", "half_length_m", "thickness_m", "conductivity_S_per_m"):
            if not getattr(self, name) > 0:
                raise ValueRangeError(f"Shell {self.name}, {name}: got {getattr(self, name)}, wanted a positive number.")

    @property
    def conductance_S(self) -> float:
        """Conductivity times thickness."""
        return self.conductivity_S_per_m * self.thickness_m


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """Where the shells' common frame lies in the coil's: centre, and small turns about x and y (right-handed)."""

    offset_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    tilt_rad: tuple[float, float] = (0.0, 0.0)

    @property
    def rotation(self) -> Float[np.ndarray, "3 3"]:
        """Columns are the shells' axes in the coil's frame."""
        (cx, sx), (cy, sy) = ((np.cos(angle), np.sin(angle)) for angle in self.tilt_rad)
        about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]], np.float64)
        about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]], np.float64)
        return np.asarray(about_y @ about_x)

    def into(self, points_m: Float[np.ndarray, "p 3"]) -> Float[np.ndarray, "p 3"]:
        """Points of the coil's frame in the shells'."""
        return np.asarray((points_m - np.array(self.offset_m)) @ self.rotation)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """Modes of one azimuthal order, cos or sin: vectors (all shells' basis, mode) with v R v = 1."""

    bases: tuple[CylinderBasis, ...]
    sine: bool
    time_constant_s: Float[np.ndarray, " mode"]
    vectors: Float[np.ndarray, "n mode"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShellModes:
    """All modes of a set of shells. time_constant_s: of every mode, block after block."""

    shells: tuple[Shell, ...]
    blocks: tuple[Block, ...]
    pose: Pose = field(default_factory=Pose)

    @property
    def time_constant_s(self) -> Float[np.ndarray, " mode"]:
        """Of every mode."""
        return np.concatenate([block.time_constant_s for block in self.blocks])


def shell_modes(shells: Sequence[Shell], orders: Sequence[int] = (0, 1), waves: int = 16, pose: Pose | None = None) -> ShellModes:
    """Modes of concentric shells up to `waves` axial terms.

    Orders 0 and 1 are all that a centred coil and shells give to a linear field; shells out of place want 2 and 3 as well.
    """
    blocks = []
    for order in orders:
        numbers = tuple(range(waves)) if order == 0 else tuple(range(1, waves + 1))
        bases = tuple(
            CylinderBasis(radius_m=s.radius_m, half_length_m=s.half_length_m, order=order, numbers=numbers) for s in shells
        )
        inductance = np.block([[mutual_inductance_H(one, other) for other in bases] for one in bases])
        loss = np.concatenate([resistance_ohm(b, 1 / s.conductance_S) for b, s in zip(bases, shells, strict=True)])
        tau, vectors = eigh((inductance + inductance.T) / 2, np.diag(loss))
        keep = tau > 0
        for sine in (False, True) if order else (False,):
            blocks.append(Block(bases=bases, sine=sine, time_constant_s=tau[keep][::-1], vectors=vectors[:, keep][:, ::-1]))
    return ShellModes(shells=tuple(shells), blocks=tuple(blocks), pose=pose or Pose())


def sheet_flux_Wb(modes: ShellModes, coil: SheetCoil) -> Float[np.ndarray, " mode"]:
    """Flux of a sheet coil at 1 T/m through every mode, v M. The shells must be centred.

    Errors: ValueRangeError for shells out of place: give the coil as wires.
    """
    if modes.pose != Pose():
        raise ValueRangeError("sheet_flux_Wb: the shells are out of place; wanted a centred pose. Give the coil as wires.")
    fluxes = []
    for block in modes.blocks:
        same = block.bases[0].order == coil.sheets[0].order and block.sine == coil.sine
        flux = np.zeros(len(block.vectors))
        if same:
            parts = [
                sum(a @ mutual_inductance_H(sheet, b) for a, sheet in zip(coil.amplitudes, coil.sheets, strict=True))
                for b in block.bases
            ]
            flux = np.concatenate([np.asarray(part) for part in parts])
        fluxes.append(block.vectors.T @ flux)
    return np.concatenate(fluxes)


def wire_flux_Wb(
    modes: ShellModes, tracks: Sequence[np.ndarray], around: int = 128, along: int = 160
) -> Float[np.ndarray, " mode"]:
    """Flux of one ampere in wire tracks through every mode: integral of psi times the normal field over the shells.

    Error: exp(-around d / a) and exp(-along d / h) for wires at the distance d from a shell (periodic and Gauss rules).
    """
    begins, ends = (modes.pose.into(part) for part in track_pieces(tracks))
    x, w = np.polynomial.legendre.leggauss(along)
    angle = 2 * np.pi * np.arange(around) / around
    normal_T, heights = [], []
    for shell in modes.shells:
        z, phi = (part.ravel() for part in np.meshgrid(shell.half_length_m * x, angle, indexing="ij"))
        out = np.stack([np.cos(phi), np.sin(phi), np.zeros_like(phi)], axis=1)
        points = shell.radius_m * out + z[:, None] * np.array([0.0, 0.0, 1.0])
        b = np.einsum("pc,pc->p", piece_field_T(points, begins, ends), out).reshape(along, around)
        area = shell.radius_m * 2 * np.pi / around * shell.half_length_m * w
        normal_T.append(b * area[:, None])
        heights.append(shell.half_length_m * x)
    fluxes = []
    for block in modes.blocks:
        turn = (np.sin if block.sine else np.cos)(block.bases[0].order * angle)
        parts = [stream(b, z) @ (n @ turn) for b, z, n in zip(block.bases, heights, normal_T, strict=True)]
        if block.bases[0].order == 0:
            # where psi is not zero at the upper end, the flux through that end counts as well
            for part, basis in zip(parts, block.bases, strict=True):
                end = stream(basis, np.array([basis.half_length_m]))[:, 0]
                if np.abs(end).max() > _EDGE:
                    part += end * _end_flux_Wb(basis.radius_m, basis.half_length_m, begins, ends, angle)
        fluxes.append(block.vectors.T @ np.concatenate(parts))
    return np.concatenate(fluxes)


def _end_flux_Wb(
    radius_m: float, z_m: float, begins: Float[np.ndarray, "n 3"], ends: Float[np.ndarray, "n 3"], angle: Float[np.ndarray, " a"]
) -> float:
    """Flux of wires through a circle about z: the vector potential round it."""
    circle = np.stack([radius_m * np.cos(angle), radius_m * np.sin(angle), np.full(len(angle), z_m)], axis=1)
    along = np.stack([-np.sin(angle), np.cos(angle), np.zeros(len(angle))], axis=1)
    round_T_m = np.einsum("pc,pc->", piece_potential_T_m(circle, begins, ends), along)
    return float(round_T_m * radius_m * 2 * np.pi / len(angle))


def mode_fields_T(modes: ShellModes, points_m: Float[np.ndarray, "p 3"]) -> Float[np.ndarray, "mode p 3"]:
    """Field of every mode at points within the shells, in the coil's frame, T."""
    inside, turn = modes.pose.into(points_m), modes.pose.rotation
    parts = []
    for block in modes.blocks:
        each = np.concatenate([field_T(basis, inside, block.sine) for basis in block.bases])
        parts.append(np.einsum("nm,npc->mpc", block.vectors, each) @ turn.T)
    return np.concatenate(parts)
