"""The bones of a left knee, their joint surfaces, and what lies between these. Origin: the middle of the joint line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.phantom.bodies.cartilage import Region
from fullbore.phantom.bodies.limb_parts import MM, Number, cut, mm, slab, trunk, vessel
from fullbore.phantom.primitives import ball, ellipsoid, extruded, half_space
from fullbore.phantom.shape import Shape, blend, union

# Middle of each condyle from the midline, and half its width.
_ASIDE, _HALF = 23.5, 13.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What differs from knee to knee, in millimetres: two radii of the condyles in side view, of the notch, and cartilage.

    The facets of a condyle are arcs of circles in side view: Iwaki 2000, J Bone Joint Surg Br 82:1189 (radii not verified).
    """

    facet: float = 30.0
    rear: float = 20.0
    notch: float = 10.5
    cartilage: float = 2.2

    @property
    def facet_centre_m(self) -> np.ndarray:
        """Centre of the ball whose lower part is the medial condyle's loaded surface."""
        return MM * np.array([-_ASIDE, -1.0, self.cartilage + 0.15 + self.facet])


def femur(sizes: Sizes) -> Shape:
    """Two condyles of two balls each, the groove for the patella, the notch, epicondyles and the flaring shaft."""
    bottom = sizes.cartilage + 0.15
    roof = half_space(mm(0, -20, 41), (0, -0.5, 1))
    condyles = []
    for side in (-1, 1):
        facet = cut(6 * MM, ball(mm(side * _ASIDE, -1, bottom + sizes.facet), sizes.facet * MM), roof)
        rear = ball(mm(side * _ASIDE, 12, bottom + 0.3 + sizes.rear), sizes.rear * MM)
        width = slab(0, (side * _ASIDE - _HALF) * MM, (side * _ASIDE + _HALF) * MM)
        condyles.append(cut(4 * MM, blend(5 * MM, facet, rear), width))
    groove = ellipsoid(mm(0, -9, 28), mm(28, 17, 20))
    edges = [ellipsoid(mm(side * 33, 4, 28), mm(8, 12, 12)) for side in (-1, 1)]
    notch = ellipsoid(mm(0, 14, 6), mm(sizes.notch, 29, 20))
    shaft = trunk([[32, 0, 2, 33, 22], [44, 0, 0, 29, 20], [58, 0, -1, 22, 17], [74, 0, -2, 17, 15], [96, 0, -3, 14, 14]])
    return blend(10 * MM, blend(5 * MM, *condyles, groove, *edges) - notch, shaft)


def femur_surface(points: np.ndarray) -> np.ndarray:
    """Where the femur bears cartilage: both condyles from front to back, and the groove in front."""
    x, y, z = np.abs(points[:, 0]), points[:, 1], points[:, 2]
    condyle = np.abs(x - _ASIDE * MM) - 12.8 * MM
    return np.maximum.reduce([np.minimum(condyle, y + 14 * MM), x - 36 * MM, z - 38 * MM])


def tibia(sizes: Sizes) -> Shape:
    """A plateau, hollow on the inner and flat on the outer side, two spines, the tuberosity and the shaft."""
    rows: list[list[Number]] = [
        [-96, -3, 3, 13, 15], [-64, -2, 1, 17, 17], [-44, -1, 0, 23, 21], [-29, 0, 1, 30, 23],
        [-17, 0, 2, 36, 24.5], [-9, 0, 3, 38, 25], [-0.5, 0, 3, 37, 24.5],
    ]  # fmt: skip
    top = -sizes.cartilage - 0.15
    inner = ball(mm(-22, 2, top + 70), 70 * MM) & slab(0, -60 * MM, -7 * MM)
    outer = ball(mm(22, 2, top + 150), 150 * MM) & slab(0, 7 * MM, 60 * MM)
    rear = ellipsoid(mm(0, 31, -4), mm(8, 8, 16))
    spines = (ellipsoid(mm(-5.5, 3, -1), mm(4, 9, 9)), ellipsoid(mm(5, 5, -1), mm(4, 7, 8)))
    tuberosity = ellipsoid(mm(1, -20, -43), mm(10, 10, 14))
    plateau = trunk(rows, squareness=2.3) - union(inner, outer, rear)
    return blend(7 * MM, blend(4 * MM, plateau, *spines), tuberosity)


def tibia_surface(points: np.ndarray) -> np.ndarray:
    """Where the tibia bears cartilage: the two halves of the plateau."""
    x, y, z = np.abs(points[:, 0]) - 22.5 * MM, points[:, 1] - 3 * MM, points[:, 2]
    oval = (np.hypot(x / 14.5, y / 21.5) / MM - 1) * 14.5 * MM
    return np.maximum.reduce([oval, -5 * MM - z, z - 6 * MM])


def patella() -> Shape:
    """A lens with two facets behind, in front of the groove."""
    lens = ellipsoid(mm(1, -40, 30), mm(22, 12.5, 21))
    facets = half_space(mm(1, -31.8, 30), (0.3, 1, 0)), half_space(mm(1, -31.8, 30), (-0.24, 1, 0))
    return cut(3 * MM, cut(2 * MM, lens, facets[0]), facets[1])


def patella_surface(points: np.ndarray) -> np.ndarray:
    """Where the patella bears cartilage: behind, above its lower pole."""
    x, y, z = points.T
    return np.maximum.reduce([-40.5 * MM - y, np.abs(x - 1 * MM) - 20 * MM, 15 * MM - z])


def fibula() -> Shape:
    """Head, neck and shaft, behind and outside the tibia."""
    return vessel((38, 19, -19, 8), (39, 18, -27, 9.5), (37, 18, -42, 6.5), (36, 17, -96, 6.5))


def meniscus(side: int, spread: float = 1.0) -> Shape:
    """A crescent between femur and tibia, from below to above both surfaces: paint it before their cartilage, which shape it.

    side: -1 the inner one, a C; 1 the outer one, nearly a ring. spread: factor of its width.
    """
    outer, inner, mouth = ((17.5, 22.5), (17.5 - 9 * spread, 22.5 - 10.5 * spread), 0.75)
    if side > 0:
        outer, inner, mouth = ((16.0, 18.5), (16.0 - 9 * spread, 18.5 - 9.5 * spread), 0.5)
    turn = np.linspace(mouth, 2 * np.pi - mouth, 48)
    ring = np.stack([-side * np.cos(turn), np.sin(turn)], axis=-1)
    shape = np.concatenate([ring * outer, ring[::-1] * inner]) + (side * 22.5, 2.5)
    return extruded(MM * shape, -3.5 * MM, 5.5 * MM)


def surfaces() -> dict[str, Region]:
    """The joint surface of each bone that has one."""
    return {"femur": femur_surface, "tibia": tibia_surface, "patella": patella_surface}
