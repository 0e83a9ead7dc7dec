"""Turns on drawn surfaces -> one wire in series: every nest a spiral along a line of steepest fall, nests joined by lead pairs.

A turn is cut where the line crosses it and bridged to the next; the lead from the innermost goes back along the line a step off
the surface. Pairs run two steps off it, one wire the way there and one the way back a pitch beside it, all round a tree of short
ways (each branch there and back, so that no wire crosses another); they turn by half a twist where a port asks for it, go
straight from one surface to another, and end outside, a pitch apart. So leads enclose next to nothing.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from fullbore.errors import LimitError
from fullbore.hardware.gradient.brief import Conductor, Volume
from fullbore.hardware.gradient.contours import Loop
from fullbore.hardware.gradient.gaps import least_gap_m
from fullbore.hardware.gradient.surface_design import surface_loops
from fullbore.hardware.gradient.surface_ground import Ground, grounds
from fullbore.hardware.gradient.surface_joins import Piece, Port, nest_ports, with_links
from fullbore.hardware.gradient.surface_nests import LeadSpace, Nest, room_to_cut, surface_nests
from fullbore.hardware.gradient.surface_roads import Net, cut_evenly, net
from fullbore.hardware.gradient.triangles import Surface

# As on cylinders: middles of leads this many widths and gaps apart, so that facets and chords leave the gap.
_PITCH = 1.1
# The longest straight piece of a lead or bridge on a surface, m. A mitre is at most so many half pitches long.
_PIECE_M, _MITRE = 5e-3, 2.0
# Cuts that are tried; share of their own distance that turns keep where they are bridged.
_CHOICES, _BRIDGED, _NONE = 5, 0.95, np.zeros((0, 3))
# What a piece of wire is.
LEAD, _BRIDGE, _TURN = 0, 1, 2
Rows = list[tuple[np.ndarray, int]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrackRoom:
    """Where leads may be: out of the imaging volume, within the bore (infinite for none), beside the primary on its side +1,
    away from the isocentre, or -1, towards it."""

    space: LeadSpace
    volume: Volume
    bore_m: float = np.inf
    side: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurfaceTrack:
    """points_m: one closed path in the order of its current; the last joins the first across the terminals. kinds: of every
    piece from one to the next, 0 a lead, 1 a bridge, 2 a turn. loops: the turns as they were, closed; nests: how many.
    cuts_m: where their innermost turns are cut; ways_m: points of the pairs' ways over the surface."""

    points_m: Float[np.ndarray, "n 3"]
    kinds: Int[np.ndarray, " n"]
    loops: list[Loop]
    nests: int
    cuts_m: Float[np.ndarray, "c 3"]
    ways_m: Float[np.ndarray, "w 3"]

    @property
    def turning(self) -> Bool[np.ndarray, " n"]:
        """Which pieces are turns."""
        return np.asarray(self.kinds == _TURN)

    @property
    def laid(self) -> Bool[np.ndarray, " n"]:
        """Which pieces are on the surface: turns and bridges."""
        return np.asarray(self.kinds != LEAD)

    @property
    def closed_m(self) -> Float[np.ndarray, "o 3"]:
        """The wire with its first point again at its end."""
        return np.concatenate([self.points_m, self.points_m[:1]])


def lead_space(conductor: Conductor) -> LeadSpace:
    """What leads of a conductor take beside and over each other."""
    step = max(conductor.width_m, conductor.thickness_m) + conductor.gap_m
    return LeadSpace(pitch_m=_PITCH * (conductor.width_m + conductor.gap_m), step_m=_PITCH * step)


def surface_track(
    surface: Surface,
    psi: Float[np.ndarray, " n"],
    layers: Float[np.ndarray, " t"],
    room: TrackRoom,
    choice: int = 0,
    like: SurfaceTrack | None = None,
) -> SurfaceTrack:
    """psi: in turns. layers: of triangles, 0 primary (leads on the room's side), 1 shield (leads towards the isocentre).
    choice: among cuts that are as good. like: of turns much the same, cut and joined where this wire may be too.

    Errors: LimitError for pieces that no leads join, and where there is no turn.
    """
    pieces, space = [], room.space
    cuts, ways = (_NONE, _NONE) if like is None else (like.cuts_m, like.ways_m)
    for ground, shield in grounds(surface, psi, np.where(layers > 0, -1.0, room.side)):
        loops = windable(ground.surface, ground.psi, space)
        if loops:
            nests = surface_nests(ground, loops, space, choice, cuts)
            ports = nest_ports(ground, nests, space)
            pieces.append(Piece(ground=ground, shield=shield, nests=nests, ports=ports))
    if not pieces:
        raise LimitError("coil on surfaces: got no turn, wanted one at least. Ask for more amplitude, or take less current.")
    linked, root = with_links(pieces, space, room.volume, room.bore_m, ways)
    nets = [net(own.ground, [p.way_m for p in own.ports], [p.lane_m for p in own.ports], space.pitch_m, ways) for own in linked]
    rows = _whole(linked, nets, root, space)
    points = np.concatenate([own for own, _ in rows])
    kinds = np.concatenate([np.append(np.full(max(0, len(own) - 1), kind), LEAD)[: len(own)] for own, kind in rows])
    kept = np.linalg.norm(np.roll(points, -1, axis=0) - points, axis=1) > 1e-9
    _refuse_outside(points, room)
    loops = [loop for piece in linked for nest in piece.nests for loop in nest.loops]
    assert sum(kind == _TURN for _, kind in rows) == len(loops)
    cuts = np.array([nest.line_m[nest.crossings[-1]] for piece in linked for nest in piece.nests])
    ways = np.concatenate([own.points_m for own in nets])
    return SurfaceTrack(points_m=points[kept], kinds=kinds[kept], loops=loops, nests=len(cuts), cuts_m=cuts, ways_m=ways)


def _refuse_outside(points: np.ndarray, room: TrackRoom) -> None:
    volume = room.volume
    inside = np.linalg.norm(points / [volume.radius_m, volume.radius_m, volume.half_length_m], axis=1).min() <= 1
    if not inside and np.hypot(points[:, 0], points[:, 1]).max() < room.bore_m:
        return
    where = "into the imaging volume" if inside else f"beyond the bore of {room.bore_m:g} m"
    wanted = 2 * room.space.step_m + room.space.pitch_m
    raise LimitError(
        f"coil on surfaces: leads reach {where}, wanted {1e3 * wanted:.3g} mm of room for them beside the surface (binding: "
        "leads). Move the surface, or take a thinner conductor."
    )


def windable(surface: Surface, psi: Float[np.ndarray, " n"], space: LeadSpace) -> list[Loop]:
    """Turns of psi (in turns) that are long enough to be cut: the smallest, about a peak of psi, may not be."""
    return [loop for loop in surface_loops(surface, psi, 1.0) if room_to_cut(loop, space)]


def clearest_track(
    surface: Surface,
    psi: Float[np.ndarray, " n"],
    layers: Float[np.ndarray, " t"],
    room: TrackRoom,
    conductor: Conductor,
    like: SurfaceTrack | None = None,
) -> tuple[SurfaceTrack, float]:
    """Of some cuts, the first whose wire keeps width and gap (or what turns keep of them) all along, and its least distance
    between middles, m (as far as two widths and gaps). like: as of `surface_track`, for the first choice.

    Errors: those of `surface_track`; LimitError where wires of every cut would touch.
    """
    wanted, tried, refused = conductor.width_m + conductor.gap_m, [], None
    for choice in range(_CHOICES):
        try:
            track = surface_track(surface, psi, layers, room, choice, None if choice else like)
        except LimitError as error:
            refused = error
            continue
        turns = {str(n): np.concatenate([loop.points_m, loop.points_m[:1]]) for n, loop in enumerate(track.loops)}
        own = min(least_gap_m(turns, 2 * wanted).values())
        gap = least_gap_m({"wire": track.closed_m}, 2 * wanted)["wire"]
        tried.append((gap, -choice, track, own))
        if gap >= min(wanted, _BRIDGED * own):
            break
    if not tried:
        assert refused is not None
        raise refused
    gap, _, track, own = max(tried, key=lambda one: one[:2])
    if gap < min(conductor.width_m, _BRIDGED * own):
        raise LimitError(
            f"coil on surfaces: leads and turns come within {1e3 * gap:.3g} mm, the conductor is "
            f"{1e3 * conductor.width_m:.3g} mm wide (binding: leads). Take a thinner conductor, fewer turns or a larger surface."
        )
    return track, gap


def _whole(pieces: list[Piece], nets: list[Net], root: int, space: LeadSpace) -> Rows:
    """Out of the terminal, round the root's tree and all that hang on it, and back."""
    outside = next(port for port in pieces[root].ports if port.of == -1)
    there, back = _pair(outside.lane_m, _leaving(nets, pieces, root, -1), None, space.pitch_m / 2)
    return [(there[::-1], LEAD), *_round(pieces, nets, root, -1, space), (back, LEAD)]


def _leaf(nets: list[Net], pieces: list[Piece], piece: int, of: int) -> int:
    """The point of a piece's tree where its pair goes to another piece."""
    at = next(n for n, port in enumerate(pieces[piece].ports) if isinstance(port.of, int) and port.of == of)
    return nets[piece].leaves[at]


def _leaving(nets: list[Net], pieces: list[Piece], piece: int, of: int) -> np.ndarray:
    """Unit vector to the right of a pair that comes onto a piece from another."""
    tree, at = nets[piece], _leaf(nets, pieces, piece, of)
    return _right(tree, at, at, tree.neighbours[at][0])


def _right(tree: Net, at: int, here: int, there: int) -> np.ndarray:
    """Unit vector at a point to the right of the way from one point to another, seen from above."""
    right = np.cross(tree.points_m[there] - tree.points_m[here], tree.up[at])
    return np.asarray(right / np.linalg.norm(right))


def _round(pieces: list[Piece], nets: list[Net], piece: int, of: int, space: LeadSpace) -> Rows:
    """Along the right of every branch of a tree, there and back, and through what hangs at its leaves."""
    tree, half, ground = nets[piece], space.pitch_m / 2, pieces[piece].ground
    points, leaves = tree.points_m, dict(zip(tree.leaves, pieces[piece].ports, strict=True))
    root = _leaf(nets, pieces, piece, of)
    before, here = root, tree.neighbours[root][0]
    rows: Rows = []
    run = [points[root] + half * _right(tree, root, root, here)]
    while here != root:
        one = _right(tree, here, before, here)
        if here in leaves:
            run.append(points[here] + half * one)
            rows += [(_over(ground, run, space), LEAD), *_hanging(pieces, nets, piece, leaves[here], one, space)]
            run = [points[here] - half * one]
            before, here = here, before
            continue
        after = _next(tree, before, here)
        two = _right(tree, here, here, after)
        run.append(points[here] + half * (one + two) / max(1 + one @ two, 1 / _MITRE))
        before, here = here, after
    run.append(points[root] + half * _right(tree, root, before, root))
    return [*rows, (_over(ground, run, space), LEAD)]


def _over(ground: Ground, run: list[np.ndarray], space: LeadSpace) -> np.ndarray:
    """Points of a pair's wire, cut finer on the surface and then lifted, without its ends."""
    pieces = [cut_evenly(np.array(two), _PIECE_M)[:-1] for two in itertools.pairwise(run)]
    return ground.lifted(np.concatenate(pieces)[1:], 2 * space.step_m)


def _hanging(pieces: list[Piece], nets: list[Net], piece: int, port: Port, right: np.ndarray, space: LeadSpace) -> Rows:
    """All that hangs at a leaf, from where its pair leaves the tree and back. right: of the way there."""
    half = space.pitch_m / 2
    if isinstance(port.of, int):
        there, back = _pair(port.lane_m, right, _leaving(nets, pieces, port.of, piece), half)
        return [(there, LEAD), *_round(pieces, nets, port.of, piece, space), (back[::-1], LEAD)]
    ground, nest = pieces[piece].ground, port.of
    there, back = _pair(port.lane_m, right, nest.turns_m[0][0] - nest.line_m[0], half, ground.ups(port.lane_m))
    return [(there, LEAD), *_through(ground, nest, space), (back[::-1], LEAD)]


def _next(tree: Net, before: int, here: int) -> int:
    """The rightmost way on: the one after the way back, anticlockwise from above."""
    up, around = tree.up[here], tree.neighbours[here]
    steps = tree.points_m[around] - tree.points_m[here]
    first = steps[0] - (steps[0] @ up) * up
    angles = np.arctan2(steps @ np.cross(up, first), steps @ first) % (2 * np.pi)
    order = [around[n] for n in np.lexsort((np.arange(len(around)), angles))]
    return order[(order.index(before) + 1) % len(order)]


def _through(ground: Ground, nest: Nest, space: LeadSpace) -> Rows:
    """Down onto the outermost turn, inward turn by turn, up, and back along the line."""
    step = space.step_m
    begin = nest.turns_m[0][:1]
    rows: Rows = [(ground.lifted(begin, 2 * step), LEAD)]
    for number, turn in enumerate(nest.turns_m):
        rows.append((turn, _TURN))
        if number + 1 < len(nest.turns_m):
            rows.append((_bridge(ground, nest, number), _BRIDGE))
    end = nest.turns_m[-1][-1:]
    line = cut_evenly(nest.line_m[: nest.crossings[-1] + 1][::-1], _PIECE_M) if nest.crossings[-1] else nest.line_m[:1]
    side = cut_evenly(np.concatenate([end, line[:1]]), _PIECE_M)
    rows.append((ground.lifted(np.concatenate([side, line[1:]]), step), LEAD))
    return [*rows, (ground.lifted(nest.line_m[:1], 2 * step), LEAD)]


def _bridge(ground: Ground, nest: Nest, number: int) -> np.ndarray:
    """From a turn's end beside the line, along it and across, to the next one's begin on its other side."""
    first, last = nest.crossings[number], nest.crossings[number + 1]
    line = nest.line_m[first : last + 1]
    end, begin = nest.turns_m[number][-1], nest.turns_m[number + 1][0]
    count = max(2, int(np.ceil(np.linalg.norm(begin - end) / _PIECE_M)) + 1)
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    share = np.linspace(0, 1, count)[:, None]
    middle = np.stack([np.interp(share[:, 0] * along[-1], along, line[:, axis]) for axis in range(3)], axis=1)
    points = middle + (1 - share) * (end - line[0]) + share * (begin - line[-1])
    return np.concatenate([end[None], ground.on(points)[1:-1], begin[None]])


def _pair(
    lane: np.ndarray, first: np.ndarray, last: np.ndarray | None, half: float, up: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Two lines half a pitch either side of a lane, from one side's direction to another's by an even twist.

    With `up` the lane gives way so that neither line comes lower than it was.
    """
    tangents = np.gradient(lane, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    sides, side = [], first
    for tangent in tangents:
        side = side - (side @ tangent) * tangent
        side = side / np.linalg.norm(side)
        sides.append(side)
    across = np.array(sides)
    if last is not None:
        wanted = last - (last @ tangents[-1]) * tangents[-1]
        turn = float(np.arctan2(wanted @ np.cross(tangents[-1], across[-1]), wanted @ across[-1]))
        along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(lane, axis=0), axis=1))])
        angle = (turn * along / along[-1])[:, None]
        across = np.cos(angle) * across + np.sin(angle) * np.cross(tangents, across)
    middle = lane if up is None else lane + half * np.abs(np.einsum("ij,ij->i", across, up))[:, None] * up
    return middle + half * across, middle - half * across
