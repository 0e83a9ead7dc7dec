"""B1+ and E of every transmit channel on a grid, with the powers that a drive costs.

B1+ = (Bx + i By) / 2 for exp(+i omega t): the part that turns with the spins, in the frame of `hardware.receive`'s
(Bx - i By)*. Source: Hoult 2000, Concepts Magn Reson 12:173.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float

from fullbore.data import FieldMap, Grid
from fullbore.errors import ShapeError, ValueRangeError
from fullbore.hardware.rf.birdcage import CoilShape, rotating_mode
from fullbore.hardware.rf.coil_sphere import coil_sphere
from fullbore.hardware.rf.cylinder import CylinderSolution, solve_cylinder
from fullbore.hardware.rf.layers import MU0, LayeredBody

# Beyond this share of the coil's radius maps are 0: the series do not hold at the copper.
_NEAREST = 0.98


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TransmitFields:
    """Fields per ampere (peak) of each channel.

    b1_T_per_A: (channel, z, y, x), 0 at and beyond the coil. electric_V_per_m_A: (channel, z, y, x, 3), 0 outside the body.
    conductivity_S_per_m, density_kg_per_m3: (z, y, x), 0 outside. body_power_W: Hermitian (channel, channel), I^H P I is the mean
    power that the body takes; coil_power_W: the same for copper and capacitors. body_mass_kg: infinite for a cylinder.
    """

    grid: Grid
    b1_T_per_A: np.ndarray
    electric_V_per_m_A: np.ndarray
    conductivity_S_per_m: np.ndarray
    density_kg_per_m3: np.ndarray
    body_power_W: np.ndarray
    coil_power_W: np.ndarray
    body_mass_kg: float

    def __post_init__(self) -> None:
        c, shape = len(self.b1_T_per_A), self.grid.shape
        if self.b1_T_per_A.shape != (c, *shape) or self.electric_V_per_m_A.shape != (c, *shape, 3):
            got = (self.b1_T_per_A.shape, self.electric_V_per_m_A.shape)
            raise ShapeError(f"TransmitFields: got {got}, wanted (channel, *{shape}), and 3 components more.")

    @property
    def inside(self) -> np.ndarray:
        """Where the body is, (z, y, x)."""
        return self.density_kg_per_m3 > 0

    @property
    def power_W(self) -> np.ndarray:
        """Body and coil together, (channel, channel)."""
        return self.body_power_W + self.coil_power_W

    def driven_T(self, currents_A: Complex[np.ndarray, " channel"]) -> Complex[np.ndarray, "z y x"]:
        """B1+ of a drive."""
        return np.tensordot(currents_A, self.b1_T_per_A, 1)

    def sar_W_per_kg(self, currents_A: Complex[np.ndarray, " channel"]) -> Float[np.ndarray, "z y x"]:
        """Point SAR of a steady drive, not averaged over any mass: sigma |E|^2 / (2 rho)."""
        electric = np.tensordot(currents_A, self.electric_V_per_m_A, 1)
        square = self.conductivity_S_per_m * (np.abs(electric) ** 2).sum(-1) / 2
        return np.divide(square, self.density_kg_per_m3, out=np.zeros_like(square), where=self.inside)

    def forward_W(self, currents_A: Complex[np.ndarray, " channel"]) -> float:
        """Power that a drive takes: body and coil, all channels matched."""
        return float((currents_A.conj() @ self.power_W @ currents_A).real)


def quadrature_currents(rungs: int) -> Complex[np.ndarray, "two n"]:
    """Mesh currents of the two ports of a birdcage, a quarter turn apart: (1, -i) of them turns with the spins."""
    angle = 2 * np.pi * np.arange(rungs) / rungs
    return np.stack([np.cos(angle), np.sin(angle)]).astype(complex)


def sphere_transmit(
    shape: CoilShape,
    body: LayeredBody,
    grid: Grid,
    currents_A: Complex[np.ndarray, "channel n"],
    mesh_ohm: Float[np.ndarray, "n n"],
    highest: int | None = None,
    degree: int = 36,
) -> TransmitFields:
    """Channels, each a set of mesh currents, around a sphere at the origin. mesh_ohm: the coil's own losses."""
    orders = highest if highest is not None else shape.rungs + 1
    solution = coil_sphere(shape, body, currents_A, orders, degree)
    volumes = 4 / 3 * np.pi * np.diff(np.concatenate([[0.0], body.radii_m]) ** 3)
    mass = float(volumes @ [layer.density_kg_per_m3 for layer in body.layers])
    radius = np.linalg.norm(grid.points_m(), axis=-1)
    power = solution.inward_power_W(float(body.radii_m[-1]))
    return _on_grid(solution.fields, body, grid, radius, currents_A, power, mesh_ohm, mass, shape.radius_m)


def cylinder_transmit(
    shape: CoilShape,
    body: LayeredBody,
    grid: Grid,
    currents_A: Complex[np.ndarray, "channel n"],
    mesh_ohm: Float[np.ndarray, "n n"],
    highest: int | None = None,
) -> TransmitFields:
    """Channels around an infinite cylinder along z."""
    orders = highest if highest is not None else shape.rungs + 1
    solution = solve_cylinder(shape, body, orders)
    radius = np.linalg.norm(grid.points_m()[..., :2], axis=-1)

    def fields(points_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return solution.fields(points_m, currents_A)

    power = cylinder_power_W(solution, currents_A)
    return _on_grid(fields, body, grid, radius, currents_A, power, mesh_ohm, np.inf, shape.radius_m)


def cylinder_power_W(
    solution: CylinderSolution, currents_A: Complex[np.ndarray, "channel n"]
) -> Complex[np.ndarray, "channel channel"]:
    """What the cylinder takes of mesh currents, all of its length."""
    resistance = solution.order_impedances_ohm().real
    weights = np.stack([solution.shape.weights(field.order, currents_A) for field in solution.orders])
    return np.asarray(np.einsum("mc,m,md->cd", weights.conj(), resistance, weights) / 2)


def relative_field(fields: TransmitFields, currents_A: Complex[np.ndarray, " channel"], ball_m: float = 0.06) -> FieldMap:
    """B1+ of a drive, (1, z, y, x): the sum of `relative_channels`."""
    each = relative_channels(fields, currents_A, ball_m)
    return FieldMap(values=each.values.sum(axis=0, keepdims=True), grid=each.grid, unit="1")


def relative_channels(fields: TransmitFields, currents_A: Complex[np.ndarray, " channel"], ball_m: float = 0.06) -> FieldMap:
    """What each channel gives to a drive, (channel, z, y, x), unit "1": all alike are the drive.

    Over the drive's mean size within a ball about the isocentre (in the body), its phase there 0. In the signal's frame, in
    which a free spin gathers exp(-2 pi i f t): the conjugate of B1+ as `TransmitFields` has it; phase falls outward, as the
    wave comes from there.
    Errors: ValueRangeError when no voxel of the body lies within the ball.
    """
    driven = fields.driven_T(currents_A)
    near = (np.linalg.norm(fields.grid.points_m(), axis=-1) <= ball_m) & fields.inside
    if not near.any():
        raise ValueRangeError(f"relative_channels: no voxel of the body within {ball_m:.4g} m of the isocentre.")
    scale = np.exp(-1j * np.angle(driven[near].sum())) / np.abs(driven[near]).mean()
    values = np.conj(scale * currents_A[:, None, None, None] * fields.b1_T_per_A)
    return FieldMap(values=values.astype(np.complex64), grid=fields.grid, unit="1")


def mean_b1_T_per_A(fields: TransmitFields, currents_A: Complex[np.ndarray, " channel"], ball_m: float = 0.06) -> float:
    """Mean |B1+| within a ball about the isocentre."""
    near = (np.linalg.norm(fields.grid.points_m(), axis=-1) <= ball_m) & fields.inside
    return float(np.abs(fields.driven_T(currents_A))[near].mean())


def _on_grid(
    solve: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    body: LayeredBody,
    grid: Grid,
    radius_m: np.ndarray,
    currents_A: np.ndarray,
    body_power_W: np.ndarray,
    mesh_ohm: np.ndarray,
    mass_kg: float,
    coil_m: float,
) -> TransmitFields:
    channels, inside = len(currents_A), radius_m <= body.radii_m[-1]
    near = radius_m < _NEAREST * coil_m
    b1, electric = np.zeros((channels, *grid.shape), complex), np.zeros((channels, *grid.shape, 3), complex)
    electric[:, near], magnetic = solve(grid.points_m()[near])
    b1[:, near] = MU0 / 2 * (magnetic[..., 0] + 1j * magnetic[..., 1])
    coil = currents_A.conj() @ mesh_ohm @ currents_A.T / 2
    return TransmitFields(
        grid=grid,
        b1_T_per_A=b1,
        electric_V_per_m_A=electric * inside[..., None],
        conductivity_S_per_m=body.conductivities_S_per_m(radius_m),
        density_kg_per_m3=body.densities_kg_per_m3(radius_m),
        body_power_W=body_power_W,
        coil_power_W=(coil + coil.conj().T) / 2,
        body_mass_kg=mass_kg,
    )


def turning(rungs: int) -> Complex[np.ndarray, "one n"]:
    """One channel: the whole birdcage in quadrature."""
    return rotating_mode(rungs, -1)[None]
