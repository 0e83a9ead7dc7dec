"""What a gradient coil's switching drives in a trunk, and at what slew rate nerves feel it.

In a conductor of one conductivity E = -dA/dt - grad phi, with div E = 0 inside and no current through the skin: linear finite
elements on an elliptic cylinder, whose skin is as smooth as its mesh is fine. Nerves answer to the strength of E with a rheobase
of 2.2 V/m (IEC 60601-2-33), where dB/dt has 20 T/s: the effective length of the chronaxie law is their ratio times the largest E
of a unit slew rate.
Source: den Boer 2002, J Magn Reson Imaging 15:520 (E, dB/dt and effective lengths); IEC 60601-2-33.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_array, diags_array
from scipy.sparse.linalg import cg

from fullbore.data import StimulationModel
from fullbore.errors import LimitError, ValueRangeError
from fullbore.hardware.gradient.coil import GradientCoil, Triple
from fullbore.physics.straight_wires import piece_potential_T_m, track_pieces

RHEOBASE_V_PER_M = 2.2
"""Of nerves, IEC 60601-2-33."""
RHEOBASE_T_PER_S = 20.0
"""The same law's, for the dB/dt of a whole-body coil."""
_RESIDUAL = 1e-8
_STEPS = 5000
# The wires are at least this far from the trunk.
_CLEAR_M = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """An elliptic cylinder about the axis, centred: half axes along x and y, and its length along z, m. Its sizes are a choice.

    rings, around, along: cells of the mesh; rings grow thinner towards the skin.
    """

    half_width_m: float = 0.19
    half_depth_m: float = 0.13
    length_m: float = 1.4
    rings: int = 8
    around: int = 32
    along: int = 40

    def __post_init__(self) -> None:
        if not min(self.half_width_m, self.half_depth_m, self.length_m) > 0 or min(self.rings, self.around, self.along) < 3:
            raise ValueRangeError(f"Trunk: got {self}, wanted positive lengths and at least 3 cells each way.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mesh:
    """Tetrahedra. slopes_per_m: gradients of the four corners' hat functions. volumes_m3: of each."""

    nodes_m: Float[np.ndarray, "node 3"]
    cells: Int[np.ndarray, "cell 4"]
    slopes_per_m: Float[np.ndarray, "cell 4 3"]
    volumes_m3: Float[np.ndarray, " cell"]


def trunk_mesh(trunk: Trunk) -> Mesh:
    """Layers of triangles, and three tetrahedra in each prism between two layers."""
    radii = np.sin(0.5 * np.pi * np.arange(1, trunk.rings + 1) / trunk.rings)
    angles = 2 * np.pi * np.arange(trunk.around) / trunk.around
    flat = np.concatenate([[[0.0, 0.0]], *(r * np.stack([np.cos(angles), np.sin(angles)], axis=1) for r in radii)])
    heights = np.linspace(-0.5, 0.5, trunk.along + 1) * trunk.length_m
    layer = flat * (trunk.half_width_m, trunk.half_depth_m)
    nodes = np.concatenate([np.column_stack([layer, np.full(len(layer), z)]) for z in heights])
    low = np.sort(_disc_triangles(trunk.rings, trunk.around), axis=1)
    high = low + len(layer)
    # Corners in the order of their numbers give neighbouring prisms the same diagonals.
    a, b, c = low.T
    d, e, f = high.T
    prism = np.concatenate([np.stack(t, axis=1) for t in ((a, b, c, f), (a, b, e, f), (a, d, e, f))])
    cells = np.concatenate([prism + number * len(layer) for number in range(trunk.along)])
    return _measured(nodes, cells)


def _disc_triangles(rings: int, around: int) -> Int[np.ndarray, "t 3"]:
    """Corners of a disc's triangles: node 0 in the middle, then ring by ring."""
    here, following = np.arange(around), (np.arange(around) + 1) % around
    parts = [np.stack([np.zeros(around, np.int64), 1 + here, 1 + following], axis=1)]
    for ring in range(1, rings):
        inner, outer = 1 + (ring - 1) * around, 1 + ring * around
        parts.append(np.stack([inner + here, outer + here, outer + following], axis=1))
        parts.append(np.stack([inner + here, outer + following, inner + following], axis=1))
    return np.concatenate(parts)


def _measured(nodes: np.ndarray, cells: np.ndarray) -> Mesh:
    edges = nodes[cells[:, 1:]] - nodes[cells[:, :1]]
    inverse = np.linalg.inv(edges)
    slopes = np.concatenate([-inverse.sum(axis=2, keepdims=True), inverse], axis=2).swapaxes(1, 2)
    return Mesh(nodes_m=nodes, cells=cells, slopes_per_m=slopes, volumes_m3=np.abs(np.linalg.det(edges)) / 6)


def induced_field(mesh: Mesh, rates_V_per_m: Float[np.ndarray, "node 3"]) -> Float[np.ndarray, "cell 3"]:
    """E (V/m) in every tetrahedron of a uniform conductor in air, from dA/dt at the nodes; whatever gauge A has."""
    mean = rates_V_per_m[mesh.cells].mean(axis=1)
    size = len(mesh.nodes_m)
    entries = np.einsum("cid,cjd,c->cij", mesh.slopes_per_m, mesh.slopes_per_m, mesh.volumes_m3)
    rows = np.broadcast_to(mesh.cells[:, :, None], entries.shape)
    stiffness = coo_array((entries.ravel(), (rows.ravel(), rows.swapaxes(1, 2).ravel())), shape=(size, size)).tocsr()
    drive = -np.bincount(
        mesh.cells.ravel(), np.einsum("cid,cd,c->ci", mesh.slopes_per_m, mean, mesh.volumes_m3).ravel(), minlength=size
    )
    if not np.abs(drive).max() > 0:
        return -mean
    potential, failed = cg(stiffness, drive, rtol=_RESIDUAL, maxiter=_STEPS, M=diags_array(1 / stiffness.diagonal()))
    if failed:
        raise LimitError("induced field: the solver did not converge. Use a coarser mesh of the trunk.")
    return np.asarray(-mean - np.einsum("cid,ci->cd", mesh.slopes_per_m, potential[mesh.cells]))


def effective_length_m(coil: GradientCoil, trunk: Trunk | None = None) -> float:
    """dB/dt (T/s) that a unit slew rate (T/m/s) is worth to nerves: the largest E over 2.2 V/m times 20 T/s.

    Errors: LimitError for a coil that touches the trunk.
    """
    trunk = trunk or Trunk()
    widest = max(trunk.half_width_m, trunk.half_depth_m) + _CLEAR_M
    nearest = min(sheet.radius_m for sheet in coil.sheets)
    if nearest < widest:
        raise LimitError(f"gradient {coil.axis}: its windings lie at {nearest:.3g} m, the trunk asks for {widest:.3g} m.")
    mesh = trunk_mesh(trunk)
    field = induced_field(mesh, piece_potential_T_m(mesh.nodes_m, *track_pieces([coil.closed_m]))) / coil.sensitivity_T_per_m_A
    return float(np.linalg.norm(field, axis=1).max()) * (RHEOBASE_T_PER_S / RHEOBASE_V_PER_M)


def felt_model(model: StimulationModel, lengths: Triple, name: str) -> StimulationModel:
    """A machine's law of stimulation with the effective lengths (m) of the coils of that name; SAFE's limits follow them."""
    safe = model.safe
    if safe is not None:
        ratio = [old / new for old, new in zip(model.effective_length_m, lengths, strict=True)]
        limit, threshold = (
            (values[0] * ratio[0], values[1] * ratio[1], values[2] * ratio[2])
            for values in (safe.stim_limit_T_per_m_s, safe.stim_threshold_T_per_m_s)
        )
        source = f"{safe.source}; limits by the fields of {name} in a uniform trunk"
        safe = replace(safe, stim_limit_T_per_m_s=limit, stim_threshold_T_per_m_s=threshold, source=source)
    source = f"{model.source}; effective lengths: {name} in a uniform trunk"
    return replace(model, effective_length_m=lengths, source=source, safe=safe)
