"""Critical overlap: neighbours that share no flux."""

from __future__ import annotations

import math
from typing import NoReturn

import numpy as np
from jaxtyping import Float

from fullbore.errors import LimitError
from fullbore.hardware.array.brief import ArrayBrief
from fullbore.hardware.array.inductance import mutual_inductance_H
from fullbore.hardware.array.loop import Loop
from fullbore.physics.constants import VACUUM_PERMEABILITY_N_PER_A2

_TOUCHING = 2.3  # radii: nearer pairs are neighbours


def neighbours(loops: tuple[Loop, ...]) -> list[tuple[int, int]]:
    """Pairs of loops whose centres lie within 2.3 mean radii."""
    centres = np.array([loop.centre_m for loop in loops])
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=-1)
    radii = np.array([loop.radius_m for loop in loops])
    near = apart < _TOUCHING / 2 * (radii[:, None] + radii[None])
    return [(int(i), int(j)) for i, j in np.argwhere(np.triu(near, 1))]


def couplings(loops: tuple[Loop, ...], pairs: list[tuple[int, int]], wire_radius_m: float) -> Float[np.ndarray, " pair"]:
    """Mutual inductances of pairs over mu0 and the geometric mean of their radii: about three times their coupling."""
    scale = [math.sqrt(loops[i].radius_m * loops[j].radius_m) * VACUUM_PERMEABILITY_N_PER_A2 for i, j in pairs]
    found = [mutual_inductance_H(loops[i], loops[j], wire_radius_m) for i, j in pairs]
    return np.array(found) / np.array(scale)


def refuse_gap(brief: ArrayBrief, most_gap_m: float) -> NoReturn:
    """Raise LimitError for gaps that leave no loops."""
    raise LimitError(
        f"array brief {brief.name}: {brief.channels} loops {brief.gap_m * 1e3:.4g} mm apart leave no room for the loops. "
        f"Take a gap under {max(most_gap_m, 0) * 1e3:.3g} mm, or fewer channels."
    )
