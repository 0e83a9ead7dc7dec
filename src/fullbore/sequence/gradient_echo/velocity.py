"""Velocity encoding: which first moments each repetition has, and the views that make them."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from fullbore.data import Geometry
from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T

Encoding4 = Literal["through_plane", "reference", "balanced"]
"""through_plane: a compensated view and one that is encoded along slice. reference: a compensated view and one for each of
read, phase and slice. balanced: four views with half the moment each way on every axis (Pelc 1991, JMRI 1:405)."""

_SIGNS: dict[str, tuple[tuple[float, float, float], ...]] = {
    "through_plane": ((0, 0, 0), (0, 0, 1)),
    "reference": ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "balanced": ((-0.5, -0.5, -0.5), (0.5, 0.5, -0.5), (0.5, -0.5, 0.5), (-0.5, 0.5, 0.5)),
}


def moment_difference_T_s2_per_m(venc_m_per_s: float) -> float:
    """The difference of first moments for which a speed of venc turns the phase by pi."""
    return math.pi / (GYROMAGNETIC_RATIO_RAD_PER_S_T * venc_m_per_s)


def velocity_moments(encoding: Encoding4, venc_m_per_s: float) -> np.ndarray:
    """First moments at the echo of each view, (set, (read, phase, slice))."""
    return np.asarray(_SIGNS[encoding], dtype=np.float64) * moment_difference_T_s2_per_m(venc_m_per_s)


def moment_columns(moments_T_s2_per_m: np.ndarray, geometry: Geometry) -> dict[str, Any]:
    """Columns of rows with moments (row, (read, phase, slice)): their LPS components."""
    lps = moments_T_s2_per_m @ np.stack([geometry.read, geometry.phase, geometry.slice])
    return {f"moment_{axis}_T_s2_per_m": lps[:, number] for number, axis in enumerate("xyz")}
