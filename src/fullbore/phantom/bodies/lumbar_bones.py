"""Vertebrae and discs of the lumbar spine, each made upright about its own middle and placed along the lordosis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fullbore.phantom.bodies.limb_parts import MM, Number, band, mm, path_mm, trunk, vector, vessel
from fullbore.phantom.primitives import ellipsoid
from fullbore.phantom.shape import Shape, blend, placed, rotation, union

NAMES = ("T12", "L1", "L2", "L3", "L4", "L5", "S1")
# Forward lean of each vertebra, degrees, supine. Not verified.
_LEAN = (-13.0, -11.0, -7.0, -1.0, 7.0, 19.0, 37.0)
# Millimetres. Not verified: near the means of published radiographs.
BODY_HIGH = 27.0
DISC_HIGH = {"T12-L1": 7.5, "L1-L2": 8.5, "L2-L3": 9.5, "L3-L4": 10.5, "L4-L5": 11.0, "L5-S1": 9.5}
_HALF_WIDE, _HALF_DEEP, _SQUARE = 24.0, 17.5, 2.3
# The canal's middle behind that of the body.
CANAL = 27.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """Where a vertebra or a disc is: its middle, metres, and the rotation from its own upright axes."""

    name: str
    centre_m: np.ndarray
    turn: np.ndarray

    def place(self, shape: Shape) -> Shape:
        """A shape made upright about the origin, put here."""
        return placed(shape, vector(self.centre_m), self.turn)

    def at_mm(self, x: Number, y: Number, z: Number) -> np.ndarray:
        """A place of the frame, given in millimetres, in the body's millimetres."""
        return np.asarray(self.centre_m / MM + self.turn @ np.array([x, y, z], np.float64))


def frames(high_mm: Mapping[str, float]) -> tuple[tuple[Frame, ...], tuple[Frame, ...]]:
    """Vertebrae and discs from above, L3 in the origin, each disc between two endplates as far apart as high_mm says."""
    turns = [rotation((1, 0, 0), np.deg2rad(lean)) for lean in _LEAN]
    middle = [np.zeros(3)]
    discs = []
    for n, name in enumerate(high_mm):
        between = rotation((1, 0, 0), np.deg2rad((_LEAN[n] + _LEAN[n + 1]) / 2))
        lower_end = middle[-1] - turns[n][:, 2] * BODY_HIGH / 2
        discs.append((name, lower_end - between[:, 2] * high_mm[name] / 2, between))
        middle.append(lower_end - between[:, 2] * high_mm[name] - turns[n + 1][:, 2] * BODY_HIGH / 2)
    shift = middle[NAMES.index("L3")]
    bodies = tuple(
        Frame(name=name, centre_m=(at - shift) * MM, turn=turn) for name, at, turn in zip(NAMES, middle, turns, strict=True)
    )
    return bodies, tuple(Frame(name=name, centre_m=(at - shift) * MM, turn=turn) for name, at, turn in discs)


def vertebra() -> Shape:
    """A lumbar vertebra: body with a waist, pedicles, laminae, spinous, transverse and articular processes; flat endplates."""
    high = BODY_HIGH / 2
    rows = [
        [-high, 0, 0, _HALF_WIDE, _HALF_DEEP], [-0.75 * high, 0, 0, 23.7, 17.2], [-0.4 * high, 0, -0.4, 21.8, 15.9],
        [0.4 * high, 0, -0.4, 21.8, 15.9], [0.75 * high, 0, 0, 23.7, 17.2], [high, 0, 0, _HALF_WIDE, _HALF_DEEP],
    ]  # fmt: skip
    body = trunk(rows, squareness=_SQUARE)
    arms = []
    for side in (-1, 1):
        arms += [
            vessel((side * 14, 11, 6, 5), (side * 16, 24, 5, 4.8), (side * 16, 31, 3, 5)),
            vessel((side * 16, 31, 3, 4), (side * 9, 39, -2, 3.6), (0, 43, -5, 3.4)),
            vessel((side * 17, 27, 4, 4.5), (side * 30, 30, 5, 3.6), (side * 43, 31, 6, 3.2)),
            vessel((side * 17, 31, 2, 5), (side * 19, 31, 12, 5.5), (side * 19, 31, 17, 4.5)),
            vessel((side * 14, 37, -4, 5), (side * 15, 39, -14, 5.5), (side * 15, 38, -20, 4.5)),
        ]
    spine = band(path_mm((0, 42, -5), (0, 56, -9), (0, 70, -12)), 3.0 * MM, 2.6, (0, 0, 1))
    return union(body, blend(3 * MM, *arms, spine))


def sacrum() -> Shape:
    """The sacrum in the frame of S1: its body, the wings, the lower segments curving back."""
    high = BODY_HIGH / 2
    sections: list[list[Number]] = [[-20, 0, 1, 18, 11], [0, 0, 0, 21, 14], [0.7 * high, 0, 0, 23.7, 17.2]]
    sections.append([high, 0, 0, _HALF_WIDE, _HALF_DEEP])
    body = trunk(sections, squareness=_SQUARE)
    wings = [ellipsoid(mm(side * 31, 12, -10), mm(21, 14, 17)) for side in (-1, 1)]
    lower = trunk([[-88, 0, 12, 13, 6], [-62, 0, 18, 24, 8], [-40, 0, 15, 33, 10], [-18, 0, 9, 40, 13], [-8, 0, 9, 38, 12]])
    crest = band(path_mm((0, 37, 4), (0, 36, -20), (0, 33, -45)), 4 * MM, 2, (1, 0, 0))
    return blend(5 * MM, body, *wings, lower, crest)


def disc(high_mm: Number) -> Shape:
    """A disc in its own frame, 3 mm higher at each end than what the endplates leave of it: paint it before the vertebrae."""
    half = high_mm / 2 + 3
    wide, deep = _HALF_WIDE - 1.2, _HALF_DEEP - 1.2
    return trunk([[-half, 0, 0, wide, deep], [half, 0, 0, wide, deep]], squareness=_SQUARE, pieces=1)


def disc_volume_m3(high_mm: Number) -> float:
    """Volume of a disc in sight: its section times the height at its middle, however its endplates lean.

    A lean adds on one side of the middle what it takes on the other.
    """
    whole = disc(high_mm).volume_m3
    assert whole is not None
    return whole * high_mm / (high_mm + 6)


def nucleus(high_mm: Number) -> Shape:
    """The nucleus in its disc's frame, a little behind the middle, clear of the endplates."""
    return ellipsoid(mm(0, 1.8, 0), mm(14.5, 9.5, 0.36 * high_mm))


def canal_mm(bodies: tuple[Frame, ...], discs: tuple[Frame, ...]) -> np.ndarray:
    """Places (k, 3) along the middle of the canal, downwards, in millimetres, from above T12 into the sacrum."""
    places = [bodies[0].at_mm(0, CANAL, 50), bodies[0].at_mm(0, CANAL, 22), bodies[0].at_mm(0, CANAL, 0)]
    for upper, below in zip(discs[:-1], bodies[1:-1], strict=True):
        places += [upper.at_mm(0, CANAL - 0.5, 0), below.at_mm(0, CANAL, 0)]
    last = bodies[-1]
    places += [discs[-1].at_mm(0, CANAL - 0.5, 0), last.at_mm(0, 25, -6), last.at_mm(0, 24, -30), last.at_mm(0, 23, -52)]
    return np.array(places)
