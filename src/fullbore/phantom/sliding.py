"""Pieces of a body that slide along each other: what moves each of them, where it is, and the field by which it moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from fullbore.data import Course, Deformation, FieldMap, Flow, Grid, Phantom, Piece, Sliding, Tissue, VectorField
from fullbore.errors import ValueRangeError
from fullbore.phantom.body import Body, Layer, family
from fullbore.phantom.fill import Fill
from fullbore.phantom.movement import Movement
from fullbore.phantom.sampling import mixture
from fullbore.phantom.tissues import AIR, library_tissue

_ASKED, _ASKED_OF_VESSEL, _HALVINGS = 3000, 300, 6
"""Places by which telling times are chosen, of matter and of a vessel, and how often the time between two is halved at most."""
FIELD_SPACING_M, _BEYOND, _AT_ONCE = 3e-3, 4, 10_000
"""Of a vessel's field, how many steps of it lie about the vessel, and at how many places it is worked out at once."""
_LEAST = 0.05
"""Of a place on a vessel's path, that its blood fills where the path follows what moves the blood."""


Moves = Callable[[np.ndarray, float], np.ndarray]
"""Places at rest (n, 3), time in s -> places then."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Apart:
    """A body at rest whose tissues are told apart by what moves them.

    body: its tissues have a name for each movement. movers: the movements, None for none. tissue: of each of its tissues, the
    name in the body that it was made of; mover: index into movers.
    """

    body: Body
    movers: tuple[Movement | None, ...]
    tissue: tuple[str, ...]
    mover: tuple[int, ...]


def told_apart(body: Body) -> Apart:
    """The body at rest, its tissues told apart."""
    movers = tuple(dict.fromkeys(layer.movement for layer in body.layers))
    number = {mover: index for index, mover in enumerate(movers)}
    shim_over: dict[str, None] = {}
    for layer in body.layers:
        for tissue in _tissues(layer):
            if {tissue.name, family(tissue.name)} & set(body.shim_over):
                shim_over[_name(number[layer.movement], tissue)] = None
    layers = tuple(replace(layer, movement=None, fill=_marked(layer, number[layer.movement])) for layer in body.layers)
    told = Body(
        name=body.name, layers=layers, truths=dict(body.truths), low_m=body.low_m, high_m=body.high_m, shim_over=tuple(shim_over),
        endless=body.endless, source=body.source,
    )  # fmt: skip
    parts = [tissue.name.split(": ", 1) for tissue in told.tissues]
    return Apart(body=told, movers=movers, tissue=tuple(part[1] for part in parts), mover=tuple(int(part[0]) for part in parts))


def merged(apart: Apart, fractions: Float[np.ndarray, "column z y x"], body: Body) -> Float[np.ndarray, "tissue z y x"]:
    """Shares of the body's own tissues, from those told apart."""
    place = {tissue.name: number for number, tissue in enumerate(body.tissues)}
    out = np.zeros((len(body.tissues), *fractions.shape[1:]), np.float32)
    for name, fraction in zip(apart.tissue, fractions, strict=True):
        out[place[name]] += fraction
    return out


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frames:
    """The times at which a body's displacements are known. tolerance_m: what modes may leave of them, and, where the times come
    back with a period, what straight courses between them may.

    spacing_m: of the body's grid, within which of a place its matter may be.
    """

    body: Body
    times_s: Float[np.ndarray, " t"]
    period_s: float | None
    tolerance_m: float
    spacing_m: float

    def motion(self, matter_m: Float[np.ndarray, "n 3"], moves: Moves) -> Deformation:
        """How matter that is about some places moves. Its modes are its displacements at a few telling times.

        Errors: ValueRangeError for a movement that is not finite there.
        """
        random = np.random.default_rng(0)
        few = matter_m[random.permutation(len(matter_m))[:_ASKED]]
        few = few + self.spacing_m * random.uniform(-0.5, 0.5, few.shape)
        times = self._bends(few, moves)
        gone = np.stack([moves(few, time) - few for time in times.tolist()])
        if not np.isfinite(gone).all():
            raise ValueRangeError(f"Body {self.body.name}: a movement takes its matter to NaN or infinity. Mend its forward map.")
        told, amplitude = telling(gone, 0.5 * self.tolerance_m)
        modes = tuple(_gone(moves, float(times[number])) for number in told)
        return Deformation(modes=modes, amplitude=Course(times_s=times, values=amplitude, period_s=self.period_s))

    def _bends(self, few: Float[np.ndarray, "n 3"], moves: Moves) -> Float[np.ndarray, " t"]:
        """Times between which these places go straight, to half the tolerance; those given where nothing comes back."""
        times = self.times_s
        if self.period_s is None:
            return times
        for _ in range(_HALVINGS):
            ends = np.append(times, self.period_s)
            places = np.stack([moves(few, time) for time in ends.tolist()])
            middle = 0.5 * (ends[1:] + ends[:-1])
            off = np.stack([moves(few, time) for time in middle.tolist()]) - 0.5 * (places[1:] + places[:-1])
            bent = np.abs(off).max(axis=(1, 2)) > 0.5 * self.tolerance_m
            if not bent.any():
                break
            times = np.sort(np.concatenate([times, middle[bent]]))
        return times

    def of_one(self, own: Movement | None, matter: Bool[np.ndarray, "z y x"], grid: Grid) -> Deformation:
        """How matter on a grid moves that one movement takes along, and the body's."""
        return self.motion(grid.points_m()[matter], lambda places, time_s: moved(self.body, own, places, time_s))


def telling(gone_m: Float[np.ndarray, "t n 3"], tolerance_m: float) -> tuple[list[int], Float[np.ndarray, "t mode"]]:
    """Few of some displacements, and by how much of each any of them is told to a tolerance; the one told worst is the next."""
    flat = gone_m.reshape(len(gone_m), -1)
    told, left, amplitude = list[int](), flat, np.zeros((len(flat), 0))
    while not told or (np.abs(left).max() > tolerance_m and len(told) < len(flat)):
        told.append(int(np.abs(left).max(axis=1).argmax()))
        amplitude = np.linalg.lstsq(flat[told].T, flat.T)[0].T
        left = flat - amplitude @ flat[told]
    return told, amplitude


def _gone(moves: Moves, time_s: float) -> VectorField:
    """Where matter has gone at a time, less where it was."""
    return VectorField(at=lambda places: np.asarray(moves(places, time_s) - places))


def moved(body: Body, own: Movement | None, places_m: Float[np.ndarray, "n 3"], time_s: float) -> Float[np.ndarray, "n 3"]:
    """Where matter at rest has gone, that an organ's own movement takes along, and then the body's."""
    gone = places_m if own is None else own.forward(places_m, time_s)
    return gone if body.movement is None else body.movement.forward(gone, time_s)


def slid(apart: Apart, painted: Phantom, frames: Frames) -> Sliding:
    """The motion of a body whose pieces slide, painted at rest with its tissues told apart."""
    parts: list[Deformation] = []
    number: dict[int, int] = {}
    for mover, own in enumerate(apart.movers):
        matter = np.zeros(painted.grid.shape, bool)
        for column in np.flatnonzero(np.array(apart.mover) == mover):
            matter |= painted.fractions[column] > 0
        still = own is None and frames.body.movement is None
        number[mover] = -1 if still or not matter.any() else len(parts)
        if number[mover] >= 0:
            parts.append(frames.of_one(own, matter, painted.grid))
    of_flow = []
    for flow in frames.body.flows:
        label = along_path(apart, flow)
        if any(apart.movers[number] is not None for number in label.tolist()):
            parts.append(_of_vessel(apart, frames, flow, label))
            of_flow.append(len(parts) - 1)
        else:
            of_flow.append(number[apart.movers.index(None)])
    pieces = [
        _piece(name, number[mover], fraction, apart.tissue.count(name) > 1)
        for name, mover, fraction in zip(apart.tissue, apart.mover, painted.fractions, strict=True)
        if fraction.any() or apart.tissue.count(name) == 1
    ]
    return Sliding(parts=tuple(parts), pieces=tuple(pieces), of_flow=tuple(of_flow))


def along_path(apart: Apart, flow: Flow) -> Int[np.ndarray, " point"]:
    """Which of the movements takes the blood of a vessel along, at each point of its path."""
    path = np.asarray(flow.path_m, np.float64)
    own = np.flatnonzero(np.array(apart.tissue) == flow.tissue)
    held = mixture(apart.body, path)[:, own]
    label = np.array(apart.mover)[own][held.argmax(axis=1)]
    known = np.flatnonzero(held.max(axis=1) > _LEAST)
    return label if len(known) == 0 else label[known[np.abs(np.arange(len(path))[:, None] - known).argmin(axis=1)]]


def _of_vessel(apart: Apart, frames: Frames, flow: Flow, label: Int[np.ndarray, " point"]) -> Deformation:
    """Of a vessel that organs take along; from one of them to another within about its own radius along its path.

    On a grid: blood is followed by polynomials, which ask for fields without bends.
    """
    path, radius = np.asarray(flow.path_m, np.float64), float(np.max(flow.radius_m))
    own = [(number, apart.movers[number]) for number in np.unique(label).tolist()]

    def gone(places: np.ndarray, time_s: float) -> np.ndarray:
        square = ((places[:, None] - path) ** 2).sum(axis=2)
        weight = np.exp(-0.5 * (square - square.min(axis=1, keepdims=True)) / radius**2)
        weight /= weight.sum(axis=1, keepdims=True)
        parts = [weight[:, label == n].sum(axis=1)[:, None] * moved(frames.body, one, places, time_s) for n, one in own]
        return np.sum(parts, axis=0)

    random = np.random.default_rng(0)
    asked = path[random.integers(len(path), size=_ASKED_OF_VESSEL)] + radius / np.sqrt(3) * random.uniform(
        -1, 1, (_ASKED_OF_VESSEL, 3)
    )
    known = frames.motion(asked, gone)
    size = np.ceil(np.ptp(path, axis=0) / FIELD_SPACING_M + 2 * (radius / FIELD_SPACING_M + _BEYOND)).astype(int)
    affine = np.diag([FIELD_SPACING_M] * 3 + [1.0])
    affine[:3, 3] = 0.5 * (path.min(axis=0) + path.max(axis=0)) - 0.5 * FIELD_SPACING_M * (size - 1)
    grid = Grid(shape=(int(size[2]), int(size[1]), int(size[0])), affine_m=affine)
    return replace(known, modes=tuple(on_grid(mode, grid) for mode in known.modes if isinstance(mode, VectorField)))


def on_grid(field: VectorField, grid: Grid) -> FieldMap:
    """A field of vectors at a grid's points."""
    points = grid.points_m().reshape(-1, 3)
    found = np.concatenate([field.at(points[first : first + _AT_ONCE]) for first in range(0, len(points), _AT_ONCE)])
    return FieldMap(values=np.ascontiguousarray(found.T).reshape(3, *grid.shape), grid=grid, unit="m")


def _piece(name: str, mover: int, fraction: Float[np.ndarray, "z y x"], is_shared: bool) -> Piece:
    """A tissue, or the box that holds its share."""
    if not is_shared:
        return Piece(tissue=name, mover=mover)
    ends = []
    for axis in range(3):
        held = np.flatnonzero((fraction != 0).any(axis=tuple({0, 1, 2} - {axis})))
        ends.append((int(held[0]), int(held[-1]) + 1))
    box = tuple(slice(*end) for end in ends)
    return Piece(tissue=name, mover=mover, share=fraction[box].copy(), corner=(ends[0][0], ends[1][0], ends[2][0]))


def _tissues(layer: Layer) -> list[Tissue]:
    """What fills a layer, without air."""
    given = [item for item in layer.filling.tissues if item != AIR]
    return [library_tissue(item) if isinstance(item, str) else item for item in given]


def _name(mover: int, tissue: Tissue) -> str:
    return f"{mover}: {tissue.name}"


def _marked(layer: Layer, mover: int) -> Fill:
    """A layer's fill with the number of its movement in the names of its tissues."""
    own = iter(_tissues(layer))
    marked = (item if item == AIR else _marked_tissue(next(own), mover) for item in layer.filling.tissues)
    return replace(layer.filling, tissues=tuple(marked))


def _marked_tissue(tissue: Tissue, mover: int) -> Tissue:
    return replace(tissue, name=_name(mover, tissue))
