"""Coils on any triangulated surface: the same convex program, on smooth functions of the surface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse
from scipy.sparse.linalg import eigsh

from fullbore.errors import LimitError
from fullbore.hardware.gradient.contours import Loop, evenly
from fullbore.hardware.gradient.images import element_image_rows
from fullbore.hardware.gradient.program import Bound, Program, solve, widened, widening
from fullbore.hardware.gradient.surface_ground import ground_of
from fullbore.hardware.gradient.triangles import (
    Surface,
    axial_rows,
    current_maps,
    dissipation,
    inductance,
    moment_rows,
)

# By names of limits ("linearity": Bz at the points, "eddy": their images', "torque": moment across z), and "gradient".
Makes = Mapping[str, Float[np.ndarray, " r"]]
_NEAR_M = 5e-3
_FAR_FROM_LIMIT = 0.7
_THREE = np.array([[2 / 3, 1 / 6, 1 / 6], [1 / 6, 2 / 3, 1 / 6], [1 / 6, 1 / 6, 2 / 3]])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurfaceTask:
    """What a coil on a surface must do, at 1 T/m along an axis ("x", "y" or "z").

    points_m: on the outline of the imaging volume. linearity, eddy: as in `GradientLimits`; eddy needs a bore, a conducting
    surface whose flux stays: triangles, or bore_radius_m, a long cylinder about z whose answer is exact. steepness_A_per_m:
    largest |grad psi|, None for none. moment_A_m2: largest across z, so that B0 does not turn the coil; None for none.
    energy_J: largest at 1 T/m; None for none.
    heat_ohm_s: ohm per square times the seconds that weigh power beside energy.
    """

    axis: str
    points_m: Float[np.ndarray, "p 3"]
    linearity: float
    eddy: float | None = None
    bore: Surface | None = None
    bore_radius_m: float | None = None
    steepness_A_per_m: float | None = None
    moment_A_m2: float | None = None
    energy_J: float | None = None
    heat_ohm_s: float = 0.0
    modes: int = 120


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurfaceCoil:
    """psi_A: stream function at nodes (A at 1 T/m), amplitudes: of the modes. energy_J: at 1 T/m, so that eta^2 / L
    is 1 / (2 energy_J)."""

    surface: Surface
    psi_A: Float[np.ndarray, " n"]
    amplitudes: Float[np.ndarray, " k"]
    energy_J: float
    linearity: float
    eddy: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurfaceProgram:
    """A task in numbers: modes (n, k) of the surface, and the convex program of their amplitudes."""

    surface: Surface
    task: SurfaceTask
    modes: Float[np.ndarray, "n k"]
    program: Program


def design_on_surface(surface: Surface, task: SurfaceTask) -> SurfaceCoil:
    """Least energy within the limits. Errors: LimitError with the widening of all limits that would do."""
    return best_of(surface_program(surface, task), {})


def surface_program(surface: Surface, task: SurfaceTask) -> SurfaceProgram:
    """Fields, images and energies of a surface's modes."""
    modes = smooth_modes(surface, task.modes)
    return SurfaceProgram(surface=surface, task=task, modes=modes, program=_program(surface, task, modes))


def best_of(asked: SurfaceProgram, shares: Mapping[str, float]) -> SurfaceCoil:
    """Least energy. shares: of the limits ("linearity", "eddy", "torque") to keep, whole where none is said. Errors: as
    `design_on_surface`."""
    task, program = asked.task, _within(asked.program, shares)
    found = solve(program)
    if found is None:
        _refuse(task, program)
    return coil_of(asked, found)


def _refuse(task: SurfaceTask, program: Program) -> NoReturn:
    """Raise LimitError that names the limit whose widening alone is least, or all where none alone will do."""
    names = tuple(bound.name for bound in program.bounds)
    ways = sorted((more, name) for name in names if (more := widening(program, (name,))) is not None)
    advice = "Choose another surface."
    if ways:
        more, name = ways[0]
        # inductance stands in the program as its root
        wider = 1.01 * (1 + more) ** (2 if name == "inductance" else 1)
        advice = f"Allow {wider:.3g} times as wide a limit on {name} (binding: {name})."
    elif (all_more := widening(program, names)) is not None:
        advice = f"Allow all limits {1.01 * (1 + all_more):.3g} times as wide (all bind together)."
    raise LimitError(
        f"coil on a surface, axis {task.axis}: linearity {100 * task.linearity:.3g} % cannot be met within its limits "
        f"({', '.join(names)}). {advice}"
    )


def nearest_of(
    asked: SurfaceProgram,
    shares: Mapping[str, float],
    amplitudes: Float[np.ndarray, " k"],
    makes: Makes,
    answer: Float[np.ndarray, "k k"],
) -> Float[np.ndarray, " k"] | None:
    """Amplitudes of the sheet nearest (by the change's energy) to that of a wire whose own field is within those shares of the
    limits and 1 T/m. Where there is none inductance and resistance give way, by the least that will do; None where that is not
    enough. makes: of the wire as it is. answer: its turns' to changes (`turns_answer`)."""
    program = _within(asked.program, shares)
    bounds = tuple(_moved(b, makes, amplitudes, answer) for b in program.bounds)
    equal, target = program.equal @ answer, program.target - makes["gradient"]
    wanted, soft = replace(program, bounds=bounds, equal=equal, target=target), ("inductance", "resistance")
    found = solve(wanted)
    if found is None and any(bound.name in soft for bound in bounds):
        more = widening(wanted, soft)
        found = None if more is None else solve(widened(wanted, soft, 1.01 * more + 1e-4))
    return None if found is None else amplitudes + found


def turns_answer(
    surface: Surface, psi: Float[np.ndarray, " n"], modes: Float[np.ndarray, "n k"], loops: list[Loop]
) -> Float[np.ndarray, "k k"]:
    """How much of a change of each mode (columns) the turns of psi (in turns) follow, as amplitudes of the modes (rows).

    A turn moves sideways by the change over |grad psi|: dipoles along the line, where an even sheet has them everywhere. Of very
    many turns it is one; what changes at a crest between two levels is not followed at all.
    """
    ground = ground_of(surface, psi, 1.0)
    middles = np.concatenate([(np.roll(loop.points_m, -1, axis=0) + loop.points_m) / 2 for loop in loops])
    steps = np.concatenate([np.roll(loop.points_m, -1, axis=0) - loop.points_m for loop in loops])
    _, owners, shares = ground.owned(middles)
    steep = np.linalg.norm([part @ psi for part in current_maps(surface)], axis=0)[owners]
    values = np.einsum("pc,pck->pk", shares, modes[surface.triangles[owners]])
    return np.asarray(values.T @ ((np.linalg.norm(steps, axis=1) / np.maximum(steep, 1e-9))[:, None] * values))


def _moved(bound: Bound, makes: Makes, amplitudes: np.ndarray, answer: np.ndarray) -> Bound:
    """Of changes: of what the wire makes, or of the sheet's spacing, where it is near its limit."""
    if bound.name in makes:
        return replace(bound, rows=bound.rows @ answer, target=bound.target - makes[bound.name])
    now = bound.rows @ amplitudes
    near = np.linalg.norm(now.reshape(-1, bound.cones), axis=1) > _FAR_FROM_LIMIT * bound.limit
    kept = np.repeat(near, bound.cones)
    return replace(bound, rows=bound.rows[kept], target=bound.target[kept] - now[kept])


def _within(program: Program, shares: Mapping[str, float]) -> Program:
    return replace(program, bounds=tuple(replace(b, limit=b.limit * shares.get(b.name, 1.0)) for b in program.bounds))


def coil_of(asked: SurfaceProgram, amplitudes: Float[np.ndarray, " k"]) -> SurfaceCoil:
    """Of modes in whatever proportion to 1 T/m."""
    found = amplitudes / float(asked.program.equal[0] @ amplitudes)
    task, surface, bounds = asked.task, asked.surface, asked.program.bounds
    deviations = [float(np.abs(b.rows @ found - b.target).max()) / np.abs(bounds[0].target).max() for b in bounds[:2]]
    psi = asked.modes @ found
    heat = task.heat_ohm_s * float(psi @ (dissipation(surface) @ psi)) / 2
    return SurfaceCoil(
        surface=surface,
        psi_A=psi,
        amplitudes=found,
        energy_J=float(found @ asked.program.cost @ found) / 2 - heat,
        linearity=deviations[0],
        eddy=deviations[1] if _conducting(task) else float("nan"),
    )


def smooth_modes(surface: Surface, count: int) -> Float[np.ndarray, "n k"]:
    """The smoothest functions on a surface that vanish on its open edges: eigenvectors of its Laplacian."""
    free = np.setdiff1d(np.unique(surface.triangles), surface.edge_nodes)
    stiff = dissipation(surface)[np.ix_(free, free)].tocsc()
    share = np.bincount(surface.triangles.ravel(), np.repeat(surface.areas_m2 / 3, 3), minlength=len(surface.nodes_m))
    weight = sparse.diags(share[free]).tocsc()
    start = np.random.default_rng(0).standard_normal(len(free))
    # a closed surface has a constant among them, which carries no current: the small shift keeps it solvable
    shift = -1e-6 * stiff.diagonal().mean() / share[free].mean()
    values, vectors = eigsh(stiff, k=min(count, len(free) - 2), M=weight, sigma=shift, v0=start)
    real = values > 1e-9 * values.max()
    modes = np.zeros((len(surface.nodes_m), int(real.sum())))
    modes[free] = vectors[:, real]
    return modes


def _program(surface: Surface, task: SurfaceTask, modes: np.ndarray) -> Program:
    own = "xyz".index(task.axis)
    near = _NEAR_M * np.eye(3)[own]
    fields = axial_rows(np.concatenate([task.points_m, [near, -near]]), surface) @ modes
    coordinate = task.points_m[:, own]
    largest = np.abs(coordinate).max()
    bounds = [Bound(name="linearity", rows=fields[:-2], target=coordinate, limit=task.linearity * largest)]
    if _conducting(task):
        assert task.eddy is not None
        rows = _image_rows(surface, task, modes)
        bounds.append(Bound(name="eddy", rows=rows, target=np.zeros(len(rows)), limit=task.eddy * largest))
    if task.steepness_A_per_m is not None:
        flow = np.stack([part @ modes for part in current_maps(surface)], axis=1).reshape(-1, modes.shape[1])
        bounds.append(Bound(name="spacing", rows=flow, target=np.zeros(len(flow)), limit=task.steepness_A_per_m, cones=3))
    equal = ((fields[-2] - fields[-1]) / (2 * _NEAR_M))[None]
    if task.moment_A_m2 is not None:
        moments = moment_rows(surface)[:2] @ modes
        bounds.append(Bound(name="torque", rows=moments, target=np.zeros(2), limit=task.moment_A_m2, cones=2))
    heat = modes.T @ (dissipation(surface) @ modes)
    energy = inductance(surface, surface, modes, modes)
    if task.energy_J is not None:
        bounds.append(form_bound("inductance", energy, 2 * task.energy_J))
    cost = energy + task.heat_ohm_s * heat
    return Program(cost=(cost + cost.T) / 2, equal=equal, target=np.ones(1), bounds=tuple(bounds))


def form_bound(name: str, form: Float[np.ndarray, "k k"], most: float) -> Bound:
    """x^T form x <= most as a length, so that one cone holds it."""
    root = np.linalg.cholesky((form + form.T) / 2).T
    return Bound(name=name, rows=root, target=np.zeros(len(root)), limit=float(np.sqrt(most)), cones=len(root))


def _conducting(task: SurfaceTask) -> bool:
    return task.eddy is not None and (task.bore is not None or task.bore_radius_m is not None)


def _image_rows(surface: Surface, task: SurfaceTask, modes: np.ndarray) -> np.ndarray:
    """Bz of the currents on the bore that keep its flux at zero: by waves in a cylinder, else -L_bb^-1 L_bc."""
    if task.bore_radius_m is not None:
        flows = np.stack([part @ modes for part in current_maps(surface)], axis=1) * (surface.areas_m2 / 3)[:, None, None]
        corners = surface.corners_m
        # three points a triangle, exact for quadratics: waves that reach the volume are far longer than an edge
        places = np.concatenate([np.einsum("tcx,c->tx", corners, share) for share in _THREE])
        return element_image_rows(task.points_m, places, np.concatenate([flows] * 3), task.bore_radius_m)
    bore = task.bore
    assert bore is not None
    answers = smooth_modes(bore, task.modes)
    images = -np.linalg.solve(inductance(bore, bore, answers, answers), inductance(bore, surface, answers, modes))
    return np.asarray(axial_rows(task.points_m, bore) @ answers @ images)


def crests(surface: Surface, psi_A: Float[np.ndarray, " n"]) -> Int[np.ndarray, " e"]:
    """Nodes above, or below, all that they share an edge with; those on open edges are none."""
    pairs = np.concatenate([surface.triangles[:, [i, (i + step) % 3]] for i in range(3) for step in (1, 2)])
    high, low = np.full(len(psi_A), -np.inf), np.full(len(psi_A), np.inf)
    np.maximum.at(high, pairs[:, 0], psi_A[pairs[:, 1]])
    np.minimum.at(low, pairs[:, 0], psi_A[pairs[:, 1]])
    return np.setdiff1d(np.flatnonzero((psi_A > high) | (psi_A < low)), surface.edge_nodes)


def surface_loops(surface: Surface, psi_A: Float[np.ndarray, " n"], step_A: float) -> list[Loop]:
    """Turns at (whole + 1/2) steps of a stream function on triangles, running as the current does."""
    most = int(np.floor(np.abs(psi_A).max() / step_A + 0.5))
    found = []
    for level in range(-most, most):
        for chain in _chains(*_crossings(surface, psi_A, (level + 0.5) * step_A)):
            found.append(Loop(points_m=evenly(chain), level=level))
    return found


def _crossings(surface: Surface, psi: np.ndarray, value: float) -> tuple[np.ndarray, np.ndarray]:
    """Edges (c, 2, 2) where a line of that value enters and leaves triangles, and places (c, 2, 3), as the current runs."""
    above = psi[surface.triangles] > value
    count = above.sum(axis=1)
    cut = surface.triangles[(count == 1) | (count == 2)]
    lone = np.where(above[(count == 1) | (count == 2)].sum(axis=1) == 1, 1, 0)
    at = np.argmax(above[(count == 1) | (count == 2)] == lone[:, None].astype(bool), axis=1)
    a, b, c = (np.take_along_axis(cut, ((at + i) % 3)[:, None], 1)[:, 0] for i in range(3))
    # grad psi x n has higher values on its left as seen from outside: with a lone high corner it runs from a-b to a-c
    edges = np.stack([np.sort(np.stack([a, b], 1), 1), np.sort(np.stack([a, c], 1), 1)], axis=1)
    turned = np.where((lone == 1)[:, None, None], edges, edges[:, ::-1])
    low, high = psi[turned[..., 0]], psi[turned[..., 1]]
    share = ((value - low) / (high - low))[..., None]
    return turned, surface.nodes_m[turned[..., 0]] * (1 - share) + surface.nodes_m[turned[..., 1]] * share


def _chains(edges: np.ndarray, places: np.ndarray) -> list[np.ndarray]:
    """Closed lines, first point again at the end. Lines that end on an open edge cannot be where psi is 0 there."""
    follows = {tuple(edge[0]): index for index, edge in enumerate(edges)}
    left, found = set(range(len(edges))), []
    while left:
        index = min(left)
        line = [places[index, 0]]
        while index in left:
            left.remove(index)
            line.append(places[index, 1])
            index = follows.get(tuple(edges[index, 1]), -1)
        if len(line) > 4 and np.allclose(line[0], line[-1]):
            found.append(np.array(line))
    return found
