"""A superconducting magnet as wound: coaxial coils of whole turns in series."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fullbore.errors import ValueRangeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Winding:
    """One coil, a rectangle in the (r, z) half plane turned about the axis.

    turns: signed, positive currents make a field along +z. layers: 0 when unknown. wire: which of the magnet's wires.
    """

    name: str
    inner_radius_m: float
    outer_radius_m: float
    centre_m: float
    length_m: float
    turns: float
    layers: int = 0
    wire: str = "primary"

    def __post_init__(self) -> None:
        if not (0 < self.inner_radius_m < self.outer_radius_m and self.length_m > 0):
            got = (self.inner_radius_m, self.outer_radius_m, self.length_m)
            raise ValueRangeError(f"Winding {self.name}: got radii and length {got} m, wanted 0 < inner < outer and length > 0.")
        if not (np.isfinite(self.turns) and np.isfinite(self.centre_m)):
            raise ValueRangeError(f"Winding {self.name}: turns and centre must be finite numbers.")

    @property
    def area_m2(self) -> float:
        """Of the section."""
        return (self.outer_radius_m - self.inner_radius_m) * self.length_m


@dataclass(frozen=True, slots=True, kw_only=True)
class Magnet:
    """Windings in series, the current in them, and what the design says of itself.

    figures: value per figure of merit, its unit at the end of its name ("energy_J"). source: of the design.
    """

    name: str
    b0_T: float
    current_A: float
    windings: tuple[Winding, ...]
    source: str
    figures: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.windings:
            raise ValueRangeError(f"Magnet {self.name}: has no windings.")
        if not (self.current_A > 0 and self.b0_T > 0):
            raise ValueRangeError(f"Magnet {self.name}: got {self.current_A} A, {self.b0_T} T, wanted positive numbers.")

    def sections(self) -> np.ndarray:
        """One row per winding: inner radius, outer radius, lower end, upper end (m), current density (A/m^2)."""
        rows = [
            (
                w.inner_radius_m,
                w.outer_radius_m,
                w.centre_m - w.length_m / 2,
                w.centre_m + w.length_m / 2,
                w.turns * self.current_A / w.area_m2,
            )
            for w in self.windings
        ]
        return np.array(rows, dtype=np.float64)
