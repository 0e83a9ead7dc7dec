"""Maxwell's equations in a voxel body, as an integral equation for the currents on the edges of its voxels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from fullbore.errors import ShapeError, ValueRangeError
from fullbore.hardware.full_wave.body import VACUUM_PERMITTIVITY_F_PER_M, VoxelBody, off_edges, on_edges
from fullbore.hardware.full_wave.lattice import Lattice
from fullbore.numerics.block_gmres import block_gmres
from fullbore.numerics.gmres import best_start
from fullbore.physics.constants import SPEED_OF_LIGHT_M_PER_S, VACUUM_PERMEABILITY_N_PER_A2

Tell = Callable[[float, str], None]
_STEPS = 40
"""Steps of all channels of a group whose directions are to fit into the memory: fewer channels go together where they do not."""
_AT_ONCE = 2**19
"""Numbers in the waves of one batch of products, about what a core keeps near it: larger ones take up to three times longer."""
_LEAST_LOSS = 0.3
"""Loss tangent, at least, of the medium that preconditions: waves of a periodic lattice must not resonate in it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BodyFields:
    """What each channel's ampere makes in the body.

    edge_current, edge_electric: (channel, 3, z + 1, y + 1, x + 1), A/m^2 and V/m, on the edges of the voxels (see `VoxelBody`):
    the polarisation and conduction current i omega eps0 (eps - 1) E, and E, 0 where no matter touches the edge. magnetic:
    (channel, 3, z, y, x), T, in the middle of all voxels, air included. Peak phasors, exp(+i omega t). iterations, residuals: of
    the solve that each channel was part of: steps, and the worst residual.
    """

    body: VoxelBody
    frequency_Hz: float
    edge_current: np.ndarray
    edge_electric: np.ndarray
    magnetic: np.ndarray
    iterations: tuple[int, ...]
    residuals: tuple[float, ...]

    @property
    def electric(self) -> Complex[np.ndarray, "channel xyz=3 z y x"]:
        """E in the middle of the voxels of matter: of each component, the mean of the voxel's four edges."""
        middle = np.stack([off_edges(self.edge_electric[:, i], i) for i in range(3)], axis=1)
        return np.asarray(middle * self.body.matter)

    @property
    def b1_plus(self) -> Complex[np.ndarray, "channel z y x"]:
        """B1+ per ampere, T, in the signal's frame (spins gather exp(-i omega t)): conj(Bx + i By) / 2, for B0 along -z."""
        return np.asarray(np.conj(self.magnetic[:, 0] + 1j * self.magnetic[:, 1]) / 2)

    @property
    def b1_minus(self) -> Complex[np.ndarray, "channel z y x"]:
        """Receive sensitivity per ampere by reciprocity, T, in the signal's frame: conj(Bx - i By) / 2."""
        return np.asarray(np.conj(self.magnetic[:, 0] - 1j * self.magnetic[:, 1]) / 2)


def body_fields(
    body: VoxelBody,
    incident_E: Complex[np.ndarray, "channel 3 ze ye xe"],
    incident_B: Complex[np.ndarray, "channel 3 z y x"],
    frequency_Hz: float,
    *,
    tolerance: float = 1e-4,
    iterations: int = 600,
    memory_B: float = 1e9,
    dtype: torch.dtype = torch.complex64,
    device: torch.device | str = "cpu",
    tell: Tell | None = None,
) -> BodyFields:
    """Solve (J - chi P J) / eps = i omega eps0 chi E_inc / eps for the currents J of every channel, then the fields.

    chi = eps - 1, the mean of the four voxels around an edge; P = k^2 + grad div of the potential on the lattice (see `Lattice`),
    so that the answer is that of Yee's finite differences at one frequency, without any absorbing boundary. Divided by eps the
    equation is well conditioned at any contrast (Polimeridis 2014, J Comput Phys 269:280). All channels are solved in one space
    (`block_gmres`), preconditioned by an unbounded medium of the body's mean; where its directions would pass `memory_B`, groups
    of them, each from the answers of those before.

    incident_E: along each edge at its middle (`VoxelBody.edge_points_m`), V/m; incident_B: in the middle of the voxels, T.
    tell: called with the share done; what it raises ends the solve. Errors: ValueRangeError when the tolerance is not reached.
    """
    shapes = [(len(incident_E), 3, *(n + 1 for n in body.grid.shape)), (len(incident_E), 3, *body.grid.shape)]
    if [incident_E.shape, incident_B.shape] != shapes:
        raise ShapeError(f"body_fields: incident fields {incident_E.shape}, {incident_B.shape}, wanted {shapes}.")
    nz, ny, nx = (n + 1 for n in body.grid.shape)
    lattice = Lattice.of((nz, ny, nx), body.spacing_m, 2 * np.pi * frequency_Hz / SPEED_OF_LIGHT_M_PER_S, dtype, device)
    equation = _Scatterer.of(body, frequency_Hz, lattice)
    tell = tell or (lambda share, text: None)
    currents, counts, residuals = _solved(equation, incident_E, tolerance, iterations, memory_B, tell)
    chi = on_edges(body.contrast(frequency_Hz))
    over = np.where(chi != 0, 1 / np.where(chi != 0, chi * equation.drive, 1), 0).astype(np.complex64)
    return BodyFields(
        body=body,
        frequency_Hz=frequency_Hz,
        edge_current=currents,
        edge_electric=currents * over,
        magnetic=(_magnetic(currents, lattice) + incident_B).astype(currents.dtype),
        iterations=counts,
        residuals=residuals,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Scatterer:
    """The equation on the edges that touch matter alone; unknowns (channel, edge). medium: of `Lattice.medium`."""

    lattice: Lattice
    where: Tensor
    over_eps: Tensor
    chi_over_eps: Tensor
    drive: complex
    medium: Tensor

    @classmethod
    def of(cls, body: VoxelBody, frequency_Hz: float, lattice: Lattice) -> _Scatterer:
        like = lattice.spectrum
        edges = on_edges(body.contrast(frequency_Hz)).ravel()
        where = np.flatnonzero(edges)
        chi = torch.from_numpy(edges[where]).to(like.device)
        mean = 1 + complex(body.contrast(frequency_Hz)[body.matter].mean())
        return cls(
            lattice=lattice,
            where=torch.from_numpy(where).to(like.device),
            over_eps=(1 / (1 + chi)).to(like.dtype),
            chi_over_eps=(chi / (1 + chi)).to(like.dtype),
            drive=2j * np.pi * frequency_Hz * VACUUM_PERMITTIVITY_F_PER_M,
            medium=lattice.medium(complex(mean.real, min(mean.imag, -_LEAST_LOSS * mean.real))),
        )

    def __call__(self, current: Tensor) -> Tensor:
        response = self._each(self.lattice.electric, current)
        return self.over_eps * current - self.chi_over_eps * response

    def preconditioned(self, current: Tensor) -> Tensor:
        """Nearly the answer to a right side."""
        return self._each(lambda spread: self.lattice.solved_in(self.medium, spread), current)

    def _each(self, law: Callable[[Tensor], Tensor], current: Tensor) -> Tensor:
        parts = current.split(max(1, _AT_ONCE // (3 * self.lattice.spectrum.numel())))
        return torch.cat([law(self.spread(part)).flatten(1)[:, self.where] for part in parts])

    def spread(self, current: Tensor) -> Tensor:
        """(channel, 3, z, y, x)."""
        nodes = self.lattice.nodes
        whole = current.new_zeros((len(current), 3 * nodes[0] * nodes[1] * nodes[2]))
        whole[:, self.where] = current
        return whole.reshape(-1, 3, *nodes)

    def right_sides(self, incident_E: np.ndarray) -> Tensor:
        """From (channel, 3, z, y, x) on the edges."""
        field = torch.from_numpy(incident_E.reshape(len(incident_E), -1)[:, self.where.cpu().numpy()] * self.drive)
        return self.chi_over_eps * field.to(self.chi_over_eps)


def _solved(
    equation: _Scatterer, incident_E: np.ndarray, tolerance: float, iterations: int, memory_B: float, tell: Tell
) -> tuple[np.ndarray, tuple[int, ...], tuple[float, ...]]:
    rights = equation.right_sides(incident_E)
    directions = int(memory_B / (rights.shape[1] * rights.element_size()))
    group = min(max(1, directions // _STEPS), len(rights))
    found, counts, residuals = torch.zeros_like(rights), [], []
    for begin in range(0, len(rights), group):
        part = rights[begin : begin + group]
        before, images = found[:begin], rights[:begin]  # to the tolerance, right sides are the images of their answers
        start = torch.stack([best_start(images, before, right) for right in part]) if begin else None
        report = block_gmres(
            equation, part, start=start, preconditioner=equation.preconditioned, iterations=iterations, directions=directions,
            tolerance=tolerance, progress=_teller(tell, begin, len(part), len(rights), tolerance),
        )  # fmt: skip
        if report.status != "converged":
            raise ValueRangeError(
                f"body_fields, channels {begin} to {begin + len(part) - 1}: residual {report.residual:.1e} after "
                f"{report.iterations} steps, wanted {tolerance:.1e}. Allow more iterations, or a larger tolerance."
            )
        found[begin : begin + group] = report.value
        counts += [report.iterations] * len(part)
        residuals += [report.residual] * len(part)
    return equation.spread(found).cpu().numpy(), tuple(counts), tuple(residuals)


def _teller(tell: Tell, begin: int, part: int, channels: int, tolerance: float) -> Callable[[int, float], None]:
    names = f"channel {begin + 1}" if part == 1 else f"channels {begin + 1} to {begin + part}"

    def progress(iteration: int, residual: float) -> None:
        # residuals fall about evenly on a logarithmic scale
        share = float(np.log(min(1.0, max(residual, tolerance))) / np.log(tolerance))
        tell((begin + share * part) / channels * 0.999, f"{names} of {channels}, step {iteration}")

    return progress


def _magnetic(currents: np.ndarray, lattice: Lattice) -> np.ndarray:
    """B of the body's currents in the middle of the voxels."""
    like = lattice.spectrum
    parts = [lattice.magnetic(torch.from_numpy(current).to(like))[:, :-1, :-1, :-1].cpu().numpy() for current in currents]
    return VACUUM_PERMEABILITY_N_PER_A2 * np.stack(parts)


def absorbed_W(fields: BodyFields) -> Complex[np.ndarray, "channel channel"]:
    """Hermitian matrix of the power that the body absorbs: I^H P I watts, 1/2 sigma |E|^2 summed over the edges."""
    root = np.sqrt(on_edges(fields.body.conductivity) / 2 * fields.body.spacing_m**3)
    flat = (fields.edge_electric * root).reshape(len(fields.edge_electric), -1).astype(np.complex128)
    return np.asarray(flat.conj() @ flat.T)


def fields_of_currents(
    fields: BodyFields, points_m: Float[np.ndarray, "p 3"]
) -> tuple[Complex[np.ndarray, "channel 3 p"], Complex[np.ndarray, "channel 3 p"]]:
    """E and B that the body's currents add at points outside it (at least two voxels off), by plain sums over its edges."""
    k = 2 * np.pi * fields.frequency_Hz / SPEED_OF_LIGHT_M_PER_S
    held = on_edges(fields.body.matter.astype(np.float64)) > 0
    places, axis = fields.body.edge_points_m()[held], np.nonzero(held)[0]
    moment = fields.edge_current[:, held].astype(np.complex128) * fields.body.spacing_m**3
    direction = np.eye(3)[axis]
    scale = 1 / (2j * np.pi * fields.frequency_Hz * VACUUM_PERMITTIVITY_F_PER_M)
    electric, magnetic = (np.empty((len(moment), 3, len(points_m)), np.complex128) for _ in range(2))
    for number, point in enumerate(points_m):
        offset = point - places
        r = np.linalg.norm(offset, axis=1)
        wave = np.exp(-1j * k * r) / (4 * np.pi * r)
        along = wave * (3 / r**2 + 3j * k / r - k**2) / r**2 * (offset * direction).sum(axis=1)
        even = wave * (k**2 - 1j * k / r - 1 / r**2)
        electric[..., number] = scale * moment @ (along[:, None] * offset + even[:, None] * direction)
        slope = -wave * (1 + 1j * k * r) / r**2
        magnetic[..., number] = VACUUM_PERMEABILITY_N_PER_A2 * moment @ (slope[:, None] * np.cross(offset, direction))
    return electric, magnetic
