"""Which part of a body that slides moves each spin of a tissue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from fullbore.data import Composed, Motion, Phantom, Sliding
from fullbore.data.motion import sliding_in

ShareAt = Callable[[Float[np.ndarray, "z y x"], Int[np.ndarray, " m"]], Float[np.ndarray, " m"]]
"""A share on the phantom's grid at some of the places where spins may be."""


class Moved(NamedTuple):
    """Spins of a tissue that one part moves. which: of those asked about. weight: of its matter, 1 where it is alone."""

    mover: Int[np.ndarray, " k"]
    which: Int[np.ndarray, " k"]
    weight: Float[np.ndarray, " k"]


def motion_of(motion: Motion | None, mover: int) -> Motion | None:
    """What moves the spins of one part of what slides in a motion; None where nothing does. Itself where nothing slides."""
    if isinstance(motion, Sliding):
        return motion.parts[mover] if mover >= 0 else None
    if not isinstance(motion, Composed):
        return motion
    own = [motion_of(part, mover) for part in motion.parts]
    flat = tuple(one for part in own if part is not None for one in (part.parts if isinstance(part, Composed) else (part,)))
    return Composed(parts=flat) if flat else None


def pieces_moved(
    phantom: Phantom, tissue: str, flow: Int[np.ndarray, " m"], held: Int[np.ndarray, " m"], share_at: ShareAt
) -> Iterator[Moved]:
    """The spins of a tissue at the places held, piece by piece; where pieces share a place, a spin of each.

    What flows goes with its vessel. Without anything that slides all spins are of one part, 0.
    """
    slides = sliding_in(phantom.motion)
    every = np.arange(len(held))
    pieces = () if slides is None else slides.of_tissue(tissue)
    if slides is None or not pieces:
        yield Moved(np.zeros(len(held), int), every, np.ones(len(held)))
        return
    flows, rest = every[flow >= 0], every[flow < 0]
    if len(flows):
        yield Moved(np.array(slides.of_flow)[flow[flows]], flows, np.ones(len(flows)))
    shares = [piece.within(phantom.grid.shape) for piece in pieces]
    if len(pieces) == 1:
        yield Moved(np.full(len(rest), pieces[0].mover), rest, np.ones(len(rest)))
        return
    own = np.stack([share_at(share, held[rest]) for share in shares if share is not None])
    own[0] += own.sum(axis=0) == 0  # what fills a vessel where the grid has nothing of it
    weight = own / own.sum(axis=0)
    for piece, part in zip(pieces, weight, strict=True):
        some = np.flatnonzero(part > 0)
        yield Moved(np.full(len(some), piece.mover), rest[some], part[some])


def cells_of(phantom: Phantom, tissue: int) -> Iterator[np.ndarray]:
    """Where (z, y, x) any of a tissue is, piece by piece."""
    slides = sliding_in(phantom.motion)
    pieces = () if slides is None else slides.of_tissue(phantom.tissues[tissue].name)
    shares = [piece.within(phantom.grid.shape) for piece in pieces] or [None]
    for share in shares:
        yield (phantom.fractions[tissue] if share is None else share) > 0
