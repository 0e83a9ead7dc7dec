"""A gradient coil as current sheets on two cylinders: least stored energy for a stated linearity and shielding, in closed form.

It is the coil that stands in for a wound one: what amplifier it asks, what it excites in the cryostat, what shakes it.
Source of the idea: Turner 1988, J Phys E 21:948 (minimum inductance); Mansfield and Chapman 1986, J Phys E 19:540 (shields).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.linalg import block_diag, solve

from fullbore.errors import LimitError, ValueRangeError
from fullbore.hardware.eddy.cylinder import CylinderBasis, field_T, mutual_inductance_H, resistance_ohm, stream

COPPER_S_PER_M = 5.0e7
"""Conductivity of copper warm from use (choice: 58 MS/m at 20 degrees falls to it near 60)."""
_ORDERS = {"x": 1, "y": 1, "z": 0}
# Half lengths at least, over the ball's diameter, and at most, over the shield's radius (choices): beyond them a few waves
# along a sheet make no coil, and its equations none to be solved.
_SHORTEST, _LONGEST = 0.2, 10.0
_TRIALS = np.logspace(-3, 7, 41)


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetSpace:
    """Where the sheets of a shielded coil lie and what they must do.

    Half lengths of primary and shield; diameter_m: the ball over which Bz departs from linear by at most `linearity` of
    the gradient times the ball's radius. conductor_m: copper thickness, with gaps taken off. cryostat_*: the shell whose
    eddy currents are kept small, `shielding` weighs it against energy. waves: axial terms of each sheet.
    """

    primary_radius_m: float
    shield_radius_m: float
    primary_half_m: float
    shield_half_m: float
    diameter_m: float = 0.45
    linearity: float = 0.05
    conductor_m: float = 0.006
    cryostat_radius_m: float = 0.0
    cryostat_half_m: float = 0.8
    shielding: float = 300.0
    waves: int = 6

    def __post_init__(self) -> None:
        if not 0 < self.diameter_m / 2 < 0.9 * self.primary_radius_m < 0.9 * self.shield_radius_m:
            raise ValueRangeError(
                f"SheetSpace: got a ball of {self.diameter_m} m within sheets of radius {self.primary_radius_m} and "
                f"{self.shield_radius_m} m, wanted ball < 0.9 primary < 0.9 shield."
            )
        least, most = _SHORTEST * self.diameter_m, _LONGEST * self.shield_radius_m
        halves = [self.primary_half_m, self.shield_half_m]
        if self.cryostat_radius_m:
            halves.append(self.cryostat_half_m)
            if not self.shield_radius_m < self.cryostat_radius_m <= most:
                got = f"cryostat_radius {self.cryostat_radius_m} m"
                raise ValueRangeError(f"SheetSpace: got {got}, wanted it outside the shield, up to {most:g} m.")
        if not all(least <= half <= most for half in halves):
            raise ValueRangeError(f"SheetSpace: got half lengths {halves} m, wanted {least:g} to {most:g} m.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SheetCoil:
    """Sheets and their amplitudes for 1 T/m: psi = sum of amplitudes times basis. axis: "x", "y" or "z".

    energy_J: stored at 1 T/m. loss_W: at 1 T/m. linearity: largest departure over the ball, share of its edge field.
    """

    axis: str
    sheets: tuple[CylinderBasis, ...]
    amplitudes: tuple[Float[np.ndarray, " n"], ...]
    energy_J: float
    loss_W: float
    linearity: float

    @property
    def sine(self) -> bool:
        """Whether psi goes with sin(m phi)."""
        return self.axis == "y"

    def wound(self, sensitivity_T_per_m_A: float) -> tuple[float, float]:
        """(inductance H, resistance ohm) of a coil wound so that one ampere gives that gradient."""
        square = sensitivity_T_per_m_A**2
        return 2 * self.energy_J * square, self.loss_W * square


def sheet_coil(axis: str, space: SheetSpace) -> SheetCoil:
    """The coil of least energy for the space's linearity (to the weights of a search in 41 steps) and shielding.

    Errors: LimitError when these sheets cannot be so linear; the message says what they reach.
    """
    order, sheets = _ORDERS[axis], _sheets(_ORDERS[axis], space)
    radii = [basis.radius_m for basis in sheets]
    inductance = np.block([[mutual_inductance_H(one, other) for other in sheets] for one in sheets])
    points = _points(space.diameter_m / 2)
    field = np.concatenate([field_T(basis, points)[:, :, 2] for basis in sheets]).T
    wanted = points[:, 0 if order else 2]
    slope = _central_slope(sheets, order)
    stray = _stray_energy(sheets, order, space)
    scale = np.trace(inductance) / np.trace(field.T @ field)
    best = np.inf
    for weight in _TRIALS:
        form = inductance + space.shielding * stray + scale * weight * field.T @ field
        amplitudes = _constrained(form, scale * weight * field.T @ wanted, slope)
        deviation = float(np.abs(field @ amplitudes - wanted).max() / (space.diameter_m / 2))
        best = min(best, deviation)
        if deviation <= space.linearity:
            break
    else:
        raise LimitError(
            f"sheet coil {axis}: linearity {best:.3g} over {space.diameter_m:g} m is the best of sheets at {radii} m, wanted "
            f"{space.linearity:g}. Allow it, or give more length or a smaller ball."
        )
    loss = np.diag(block_diag(*(np.diag(resistance_ohm(s, 1 / (COPPER_S_PER_M * space.conductor_m))) for s in sheets)))
    cut = len(sheets[0].numbers)
    return SheetCoil(
        axis=axis, sheets=sheets, amplitudes=(amplitudes[:cut], amplitudes[cut:]), linearity=deviation,
        energy_J=float(amplitudes @ inductance @ amplitudes / 2), loss_W=float(amplitudes**2 @ loss),
    )  # fmt: skip


def stream_function(coil: SheetCoil, sheet: int, z_m: Float[np.ndarray, " z"]) -> Float[np.ndarray, " z"]:
    """psi of one sheet over z (where cos or sin of phi is 1), A per T/m."""
    return np.asarray(coil.amplitudes[sheet] @ stream(coil.sheets[sheet], z_m))


def coil_field_T(coil: SheetCoil, points_m: Float[np.ndarray, "p 3"]) -> Float[np.ndarray, "p 3"]:
    """Field at points within the primary, T, for 1 T/m."""
    parts = zip(coil.sheets, coil.amplitudes, strict=True)
    return np.asarray(sum(np.einsum("n,npc->pc", amount, field_T(basis, points_m, coil.sine)) for basis, amount in parts))


def _sheets(order: int, space: SheetSpace) -> tuple[CylinderBasis, CylinderBasis]:
    """Only what has the gradient's parity: Bz even in z for x and y (g even), odd for z."""
    first = 2 if order else 1
    numbers = tuple(range(first, first + 2 * space.waves, 2))
    primary = CylinderBasis(radius_m=space.primary_radius_m, half_length_m=space.primary_half_m, order=order, numbers=numbers)
    shield = CylinderBasis(radius_m=space.shield_radius_m, half_length_m=space.shield_half_m, order=order, numbers=numbers)
    return primary, shield


def _points(radius_m: float) -> Float[np.ndarray, "p 3"]:
    """A quarter circle in the plane y = 0, where a harmonic field of these orders departs most from linear."""
    angle = np.linspace(0.0, np.pi / 2, 25)
    return radius_m * np.stack([np.cos(angle), np.zeros(25), np.sin(angle)], axis=1)


def _central_slope(sheets: tuple[CylinderBasis, ...], order: int) -> Float[np.ndarray, " n"]:
    """Gradient at the centre of each basis current, by a millimetre's difference, exact to 1e-5 of it."""
    point = np.array([[1e-3, 0.0, 0.0]]) if order else np.array([[0.0, 0.0, 1e-3]])
    return np.concatenate([field_T(basis, point)[:, 0, 2] for basis in sheets]) / 1e-3


def _stray_energy(sheets: tuple[CylinderBasis, ...], order: int, space: SheetSpace) -> Float[np.ndarray, "n n"]:
    """Energy of the currents that a perfectly conducting shell carries against the sheets, as a quadratic form."""
    radius = space.cryostat_radius_m or 1.08 * space.shield_radius_m
    first = 2 if order else 1
    shell = CylinderBasis(
        radius_m=radius, half_length_m=space.cryostat_half_m, order=order, numbers=tuple(range(first, first + 24, 2))
    )
    flux = np.concatenate([mutual_inductance_H(basis, shell) for basis in sheets])
    return np.asarray(flux @ solve(mutual_inductance_H(shell, shell), flux.T, assume_a="pos"))


def _constrained(form: np.ndarray, linear: np.ndarray, slope: np.ndarray) -> Float[np.ndarray, " n"]:
    """The least x form x / 2 - linear x with slope x = 1."""
    free, pull = solve(form, np.stack([linear, slope], axis=1), assume_a="pos").T
    return np.asarray(free + pull * (1 - slope @ free) / (slope @ pull))
