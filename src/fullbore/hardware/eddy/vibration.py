"""How a gradient coil's cylinder moves: modes of a free-free shell by Ritz's method, and the force of its windings on them.

Displacements u cos(m phi) along z, v sin(m phi) around, w cos(m phi) outward, each a sum of Legendre polynomials along z; strain
energy of Sanders' thin shell. Source: Leissa 1973, Vibration of Shells, NASA SP-288, ch. 1 and 2. Thickness under a fifth of
the radius; glass-filled resin and copper count as one even material.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.linalg import eigh

from fullbore.errors import ValueRangeError
from fullbore.hardware.eddy.cylinder import azimuthal_current
from fullbore.hardware.eddy.sheet_coil import SheetCoil
from fullbore.physics.straight_wires import track_pieces


@dataclass(frozen=True, slots=True, kw_only=True)
class CoilBody:
    """The potted cylinder. loss_factor: share of a mode's energy lost per radian, 1 / Q."""

    inner_radius_m: float
    outer_radius_m: float
    half_length_m: float
    young_Pa: float
    density_kg_per_m3: float
    poisson: float = 0.3
    loss_factor: float = 0.04

    def __post_init__(self) -> None:
        names = ("inner_radius_m", "half_length_m", "young_Pa", "density_kg_per_m3", "loss_factor")
        if min(getattr(self, name) for name in names) <= 0 or not 0 <= self.poisson < 0.5:
            raise ValueRangeError(
                "CoilBody: got a size, modulus, density or loss of 0 or less, or a Poisson ratio of 0.5 or more."
            )
        if self.outer_radius_m <= self.inner_radius_m:
            raise ValueRangeError(f"CoilBody: got radii {self.inner_radius_m}, {self.outer_radius_m}, wanted inner < outer.")

    @property
    def radius_m(self) -> float:
        """Of the middle surface."""
        return (self.inner_radius_m + self.outer_radius_m) / 2

    @property
    def wall_m(self) -> float:
        """Thickness."""
        return self.outer_radius_m - self.inner_radius_m


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShellMotion:
    """Modes of one azimuthal order, unit modal mass: Legendre amplitudes of u, v, w, each (term, mode)."""

    order: int
    half_length_m: float
    frequency_Hz: Float[np.ndarray, " mode"]
    along: Float[np.ndarray, "term mode"]
    around: Float[np.ndarray, "term mode"]
    outward: Float[np.ndarray, "term mode"]

    def shape(self, part: Float[np.ndarray, "term mode"], z_m: Float[np.ndarray, " z"]) -> Float[np.ndarray, "z mode"]:
        """A displacement over z."""
        return np.polynomial.legendre.legvander(z_m / self.half_length_m, len(part) - 1) @ part


def shell_motion(body: CoilBody, order: int, terms: int = 14) -> ShellMotion:
    """Modes of a free cylinder of one azimuthal order, lowest first; rigid motions are there with no frequency."""
    x, weight = np.polynomial.legendre.leggauss(2 * terms)
    h, a, m, nu = body.half_length_m, body.radius_m, order, body.poisson
    p = np.polynomial.legendre.legvander(x, terms - 1)
    p1, p2 = (_slope(x, terms, n) / h**n for n in (1, 2))
    zero = np.zeros_like(p)
    strains = [
        np.hstack([p1, zero, zero]), np.hstack([zero, m * p / a, p / a]), np.hstack([-m * p / a, p1, zero]),
        np.hstack([zero, zero, -p2]), np.hstack([zero, m * p / a**2, m * m * p / a**2]),
        np.hstack([m * p / (2 * a**2), 1.5 * p1 / a, 2 * m * p1 / a]),
    ]  # fmt: skip
    membrane = body.young_Pa * body.wall_m / (1 - nu * nu)
    bending = membrane * body.wall_m**2 / 12
    area = weight * h * a * np.pi * (2 if m == 0 else 1)
    stiffness = sum(scale * _energy(strains[3 * i : 3 * i + 3], nu, area) for i, scale in enumerate((membrane, bending)))
    mass = np.kron(np.eye(3), (p.T * area) @ p) * body.density_kg_per_m3 * body.wall_m
    free = np.r_[0:terms, 2 * terms : 3 * terms] if m == 0 else np.arange(3 * terms)
    square, found = eigh(np.asarray(stiffness)[np.ix_(free, free)], mass[np.ix_(free, free)])
    shape = np.zeros((3 * terms, len(free)))
    shape[free] = found
    along, around, outward = shape.reshape(3, terms, -1)
    frequency = np.sqrt(np.maximum(square, 0.0)) / (2 * np.pi)
    return ShellMotion(order=m, half_length_m=h, frequency_Hz=frequency, along=along, around=around, outward=outward)


def sheet_force(motion: ShellMotion, coil: SheetCoil, b0_T: float) -> Float[np.ndarray, " mode"]:
    """Modal force of a sheet coil at 1 T/m in a field along z, N: integral of w K_phi B0 over both sheets."""
    force = np.zeros(len(motion.frequency_Hz))
    if motion.order != coil.sheets[0].order:
        return force
    for sheet, amplitudes in zip(coil.sheets, coil.amplitudes, strict=True):
        reach = min(sheet.half_length_m, motion.half_length_m)
        x, weight = np.polynomial.legendre.leggauss(80)
        current = amplitudes @ azimuthal_current(sheet, reach * x)
        turn = np.pi * sheet.radius_m * (2 if motion.order == 0 else 1)
        force += b0_T * turn * (weight * reach * current) @ motion.shape(motion.outward, reach * x)
    return force


def wire_force(motion: ShellMotion, tracks: Sequence[np.ndarray], b0_T: float, sine: bool = False) -> Float[np.ndarray, " mode"]:
    """Modal force, N, of one ampere in wire tracks in a field along z; short straight pieces, forces at their middles.

    sine: the modes turned by a quarter of their period around (w goes with sin(m phi), v with -cos(m phi)).
    """
    begins, ends = track_pieces(tracks)
    middle, length = (begins + ends) / 2, ends - begins
    phi = np.arctan2(middle[:, 1], middle[:, 0])
    fx, fy = length[:, 1] * b0_T, -length[:, 0] * b0_T
    outward, around = fx * np.cos(phi) + fy * np.sin(phi), -fx * np.sin(phi) + fy * np.cos(phi)
    z = np.clip(middle[:, 2], -motion.half_length_m, motion.half_length_m)
    cosine, sinus = np.cos(motion.order * phi), np.sin(motion.order * phi)
    with_w, with_v = (sinus, -cosine) if sine else (cosine, sinus)
    pushed = (outward * with_w) @ motion.shape(motion.outward, z)
    return np.asarray(pushed + (around * with_v) @ motion.shape(motion.around, z))


def _slope(x: np.ndarray, terms: int, times: int) -> Float[np.ndarray, "x term"]:
    derivative = np.polynomial.legendre.legder(np.eye(terms), times)
    return np.asarray(np.polynomial.legendre.legval(x, derivative).T)


def _energy(strain: list[np.ndarray], nu: float, area: np.ndarray) -> Float[np.ndarray, "n n"]:
    """Quadratic form of (axial, azimuthal, shear) strains of an isotropic sheet."""
    axial, azimuthal, shear = strain
    cross = (axial.T * area) @ azimuthal
    straight = (axial.T * area) @ axial + (azimuthal.T * area) @ azimuthal + nu * (cross + cross.T)
    return np.asarray(straight + (1 - nu) / 2 * (shear.T * area) @ shear)
