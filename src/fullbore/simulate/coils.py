"""Few combinations of the coils for many coils: near the body their sensitivities are smooth, so many arrays span little."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Complex64

from fullbore.data import FieldMap

PART = 0.2
"""Of the tolerance: what the combinations may leave out of the coils' sensitivities at any point."""
WORTH, MOST_POINTS = 0.75, 4096


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coils:
    """sensitivity: of the combinations, one channel each. mix: what each coil sees of them, None where they are the coils."""

    sensitivity: FieldMap
    mix: Complex64[np.ndarray, "coil k"] | None


def combined(sensitivity: FieldMap, near: Bool[np.ndarray, "z y x"], tolerance: float) -> Coils:
    """Combinations from which every coil's sensitivity follows at all points `near` to within `PART` of the tolerance.

    The principal axes of the coils' directions (sensitivity over its norm across coils), as many as the worst point needs; the
    coils themselves where that saves little.
    """
    coils = len(sensitivity.values)
    held = np.flatnonzero(near.ravel()) if near.any() else np.arange(near.size)
    values = sensitivity.values.reshape(coils, -1)[:, held[:: 1 + len(held) // MOST_POINTS]].astype(np.complex128)
    size = np.linalg.norm(values, axis=0)
    directions = values[:, size > 0] / size[size > 0]
    _, axes = np.linalg.eigh(directions @ directions.conj().T)
    left = np.cumsum(np.abs(axes.conj().T @ directions) ** 2, axis=0).max(axis=1, initial=0.0)
    kept = max(1, int((left > (PART * tolerance) ** 2).sum()))
    if kept > WORTH * coils:
        return Coils(sensitivity=sensitivity, mix=None)
    mix = axes[:, coils - kept :].astype(np.complex64)
    combinations = np.tensordot(mix.conj().T, sensitivity.values.astype(np.complex64), axes=1)
    return Coils(sensitivity=replace(sensitivity, values=combinations), mix=mix)
