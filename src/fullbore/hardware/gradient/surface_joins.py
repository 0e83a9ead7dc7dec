"""Where lead pairs leave a surface: from every nest's port, to another surface, and to the outside."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree

from fullbore.errors import LimitError
from fullbore.hardware.gradient.brief import Volume
from fullbore.hardware.gradient.surface_ground import Ground
from fullbore.hardware.gradient.surface_nests import LeadSpace, Nest
from fullbore.hardware.gradient.surface_roads import Roads, cut_evenly, roads

# Pitches of a port's lane in which a pair may be twisted, of the straight end of a way before it, and before other ports.
_LANE, _END, _LAST = 8, 3, 5
# Leads go on so far beyond a surface, m; pairs through the air keep so many pitches from turns; so many ways are looked at.
_BEYOND_M, _OFF, _LOOKED = 0.05, 1.5, 400
# A metre through the air counts as so many along a surface; a place beside a port as so many metres more.
_AIR, _BESIDE_M = 3.0, 2.0
# Pairs go so many pitches off edges before they turn to another surface; cosine by which sides with leads may look away.
_OVER, _ASKEW = 6.0, 0.2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Port:
    """of: the nest, or the piece of surface that a pair goes on to (-1: the outside). way_m: on the surface, from where ways
    begin to where the pair leaves it; lane_m: the middle of the pair from there on, at its own heights."""

    of: Nest | int
    way_m: Float[np.ndarray, "w 3"]
    lane_m: Float[np.ndarray, "l 3"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Piece:
    """shield: whether of a shield's surface."""

    ground: Ground
    shield: bool
    nests: list[Nest]
    ports: list[Port]


def nest_ports(ground: Ground, nests: list[Nest], space: LeadSpace) -> list[Port]:
    """A lane out of each nest, or back over it where the surface ends or the others lie that way."""
    middles = np.array([(nest.turns_m[0][0] + nest.line_m[0]) / 2 for nest in nests])
    aim = middles.mean(axis=0)
    found = []
    for nest, middle in zip(nests, middles, strict=True):
        lanes = [lane for way in (1, -1) if (lane := _lane(ground, middle, way * nest.backward, space)) is not None]
        if not lanes:
            wanted = (_LANE + _END + 1) * space.pitch_m
            raise LimitError(
                f"turns near {np.round(middle, 3).tolist()} m: their surface has no {wanted:.3g} m of room for "
                "a pair of leads (binding: leads). Take a thinner conductor or a larger surface."
            )
        lane = min(lanes, key=lambda own: float(np.linalg.norm(own[-1] - aim)))
        way = lane[[-1, -2, _LANE]]
        found.append(Port(of=nest, way_m=way, lane_m=ground.lifted(lane[_LANE::-1], 2 * space.step_m)))
    return found


def _lane(ground: Ground, start: np.ndarray, way: np.ndarray, space: LeadSpace) -> np.ndarray | None:
    """Straight on over the surface a pitch at a time; None where it ends."""
    places = [ground.on(start[None])[0]]
    for number in range(_LANE + _END):
        up = ground.ups(places[-1][None])[0]
        way = way - (way @ up) * up
        way = way / np.linalg.norm(way)
        wanted = places[-1] + (1 + (number == _LANE)) * space.pitch_m * way
        place = ground.on(wanted[None])[0]
        if abs((wanted - place) @ way) > 0.3 * space.pitch_m:
            return None
        way = place - places[-1]
        places.append(place)
    return np.array(places)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Link:
    """A pair from a place of one piece to one of another (-1: outside), its middle on the way, and what it costs, m."""

    cost: float
    pieces: tuple[int, int]
    places: tuple[int, int]
    lane_m: Float[np.ndarray, "l 3"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Around:
    """What links are looked for with: ways of every piece and their lengths from its ports; turns to keep clear of."""

    pieces: list[Piece]
    ways: list[Roads]
    far: list[np.ndarray]
    turns: cKDTree
    space: LeadSpace
    volume: Volume
    bore_m: float

    def raised(self, piece: int, places: np.ndarray) -> np.ndarray:
        """Points over places of a piece where pairs run."""
        return self.pieces[piece].ground.lifted(self.ways[piece].nodes_m[places], 2 * self.space.step_m)

    def places(self, piece: int) -> np.ndarray:
        """All places on a piece but for its terminals."""
        return np.arange(len(self.ways[piece].nodes_m) - self.ways[piece].terminals)


def with_links(
    pieces: list[Piece], space: LeadSpace, volume: Volume, bore_m: float, kept_m: Float[np.ndarray, "k 3"]
) -> tuple[list[Piece], int]:
    """Ports between pieces of surface and to the outside, and the piece that the outside leads to: a shield where there is one.

    kept_m: points that ways keep to where these are as good.
    Errors: LimitError where no pair gets from one piece to another without crossing turns or the imaging volume.
    """
    turns = [_fine(loop.points_m) for own in pieces for nest in own.nests for loop in nest.loops]
    ways = [
        roads(own.ground, [p.way_m for p in own.ports], [p.lane_m for p in own.ports], space.pitch_m, kept_m) for own in pieces
    ]
    ports_at = [list(range(len(one.nodes_m) - one.terminals, len(one.nodes_m))) for one in ways]
    far = [one.lengths(at)[0] + _BESIDE_M * ~one.clear for one, at in zip(ways, ports_at, strict=True)]
    around = _Around(
        pieces=pieces, ways=ways, far=far, turns=cKDTree(np.concatenate(turns)), space=space, volume=volume, bore_m=bore_m
    )
    root = max(range(len(pieces)), key=lambda n: (pieces[n].shield, len(ways[n].edges) > 0, -n))
    found = [_first(around, _exits(around, root))]
    reached, left = [root], [n for n in range(len(pieces)) if n != root]
    while left:
        found.append(_first(around, [link for a in reached for b in left for link in _links(around, a, b)]))
        reached.append(found[-1].pieces[1])
        left.remove(reached[-1])
    ports: list[list[Port]] = [list(own.ports) for own in pieces]
    for link in found:
        a, b = link.pieces
        ports[a].append(Port(of=b, way_m=_way(around, a, link.places[0]), lane_m=link.lane_m))
        if b >= 0:
            ports[b].append(Port(of=a, way_m=_way(around, b, link.places[1]), lane_m=link.lane_m[::-1]))
    return [replace(own, ports=ports[n]) for n, own in enumerate(pieces)], root


def _exits(around: _Around, root: int) -> list[_Link]:
    """Off an open edge; from a closed surface straight away from it, through between turns where the leads lie within."""
    ways, space = around.ways[root], around.space
    nodes = ways.edges if len(ways.edges) else around.places(root)
    begins = around.raised(root, nodes)
    if len(ways.edges):
        off, reach = ways.outward, _BEYOND_M
    else:
        up = around.pieces[root].ground.ups(ways.nodes_m[nodes])
        off, reach = (-up if around.pieces[root].shield else up), _BEYOND_M + 4 * space.step_m
    steps = np.linspace(0, reach, 9)
    lanes = begins[:, None] + steps[None, :, None] * off[:, None]
    costs = around.far[root][nodes]
    return [
        _Link(cost=float(costs[n]), pieces=(root, -1), places=(int(node), -1), lane_m=lanes[n]) for n, node in enumerate(nodes)
    ]


def _links(around: _Around, a: int, b: int) -> list[_Link]:
    """Straight from place to place where sides with leads face each other, or off both open edges."""
    found = []
    pairs = [(around.places(a), around.places(b), 0.0)]
    if len(around.ways[a].edges) and len(around.ways[b].edges):
        pairs.append((around.ways[a].edges, around.ways[b].edges, _OVER * around.space.pitch_m))
    for here, there, over in pairs:
        begins, ends = around.raised(a, here), around.raised(b, there)
        middles = [begins, ends]
        if over:
            middles = [begins + over * around.ways[a].outward, ends + over * around.ways[b].outward]
        away, nearest = cKDTree(middles[1]).query(middles[0])
        costs = around.far[a][here] + around.far[b][there][nearest] + _AIR * away
        if not over:
            step = ends[nearest] - begins
            ups = [around.pieces[n].ground.ups(places) for n, places in ((a, begins), (b, ends[nearest]))]
            faces = [sign * np.einsum("ij,ij->i", step, up) > -_ASKEW * away for sign, up in zip((1, -1), ups, strict=True)]
            costs = np.where(faces[0] & faces[1], costs, np.inf)
        for n in np.argsort(costs)[:_LOOKED]:
            m = nearest[n]
            straight = middles[0][n] + np.linspace(0, 1, 25)[:, None] * (middles[1][m] - middles[0][n])
            lane = np.concatenate([begins[n][None], straight, ends[m][None]]) if over else straight
            found.append(_Link(cost=float(costs[n]), pieces=(a, b), places=(int(here[n]), int(there[m])), lane_m=lane))
    return [link for link in found if np.isfinite(link.cost)]


def _first(around: _Around, links: list[_Link]) -> _Link:
    """The cheapest that keeps off turns and out of the imaging volume."""
    half = np.array([around.volume.radius_m, around.volume.radius_m, around.volume.half_length_m])
    for link in sorted(links, key=lambda one: one.cost)[:_LOOKED]:
        lane = cut_evenly(link.lane_m, 2e-3)
        room = around.turns.query(lane)[0].min() > _OFF * around.space.pitch_m
        within = np.hypot(lane[:, 0], lane[:, 1]).max() < around.bore_m - around.space.pitch_m
        if room and within and (np.linalg.norm(lane / half, axis=1) > 1).all():
            return link
    what = "no lead gets to the outside" if links and links[0].pieces[1] < 0 else "pieces of the surfaces cannot be joined"
    off = 1e3 * _OFF * around.space.pitch_m
    raise LimitError(
        f"coil on surfaces: {what} by a pair of leads that keeps {off:.3g} mm off the turns, "
        "out of the imaging volume and within the bore (binding: leads). "
        "Leave a gap between turns, a smaller volume, or open the surface."
    )


def _way(around: _Around, piece: int, place: int) -> np.ndarray:
    """The last pitches of a way to a place: from within at an open edge, else from the nearest port's side."""
    ways, ground = around.ways[piece], around.pieces[piece].ground
    end = ways.nodes_m[place]
    at = np.flatnonzero(ways.edges == place)
    if len(at):
        back = -ways.outward[at[0]]
    else:
        begins = np.array([port.way_m[0] for port in around.pieces[piece].ports]) - end
        back = begins[np.linalg.norm(begins, axis=1).argmin()]
        back = back / np.linalg.norm(back)
    return np.concatenate([ground.on((end + _LAST * around.space.pitch_m * back)[None]), end[None]])


def _fine(points: np.ndarray) -> np.ndarray:
    return cut_evenly(np.concatenate([points, points[:1]]), 4e-3)
