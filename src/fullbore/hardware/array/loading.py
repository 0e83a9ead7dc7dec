"""What a body does to loops, as arrays ask for it; apart from how it is found, which takes a tensor library."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from jaxtyping import Complex, Float


class Loading(ABC):
    """Noise and fields that a body adds to loops of one ampere each; phasors exp(-i omega t)."""

    @property
    @abstractmethod
    def resistance_ohm(self) -> Complex[np.ndarray, "loop loop"]:
        """Noise resistance sigma * integral of E_i . E_j* over the body; Hermitian, positive."""

    @abstractmethod
    def added_sensitivity(self, points_m: Float[np.ndarray, "p 3"]) -> Complex[np.ndarray, "loop p"]:
        """What the body's currents add to (Bx - i By)* of each loop, T/A, within the body and around it."""
