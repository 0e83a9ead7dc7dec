"""Gradient coils as designed: stream functions, wires, figures of merit."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from fullbore.errors import ValueRangeError
from fullbore.hardware.gradient.contours import SheetCurrent

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GradientCoil:
    """One axis at 1 A in its wire.

    sheets: stream functions, in turns (A at 1 A), primary first. track_m: the wire as one closed path in the order of its
    current; the last point joins the first across the terminals. turns: (primary, shield). figures: value per figure of merit,
    its unit at the end of its name.
    """

    axis: str
    sheets: tuple[SheetCurrent, ...]
    track_m: Float[np.ndarray, "n 3"]
    turns: tuple[int, ...]
    sensitivity_T_per_m_A: float
    inductance_H: float
    resistance_ohm: float
    figures: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.axis not in ("x", "y", "z"):
            raise ValueRangeError(f"GradientCoil.axis: got {self.axis!r}, wanted x, y or z.")
        if not min(self.sensitivity_T_per_m_A, self.inductance_H, self.resistance_ohm) > 0:
            raise ValueRangeError(
                f"GradientCoil {self.axis}: got {self.sensitivity_T_per_m_A} T/m/A, {self.inductance_H} H, "
                f"{self.resistance_ohm} ohm, wanted positive numbers: a coil of the wrong parity makes no gradient."
            )

    @property
    def closed_m(self) -> Float[np.ndarray, "o 3"]:
        """The wire with its first point again at its end."""
        return np.concatenate([self.track_m, self.track_m[:1]])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GradientCoils:
    """Three axes. mutual_H: inductances between them (x y z, x y z), self inductances on the diagonal."""

    name: str
    coils: tuple[GradientCoil, GradientCoil, GradientCoil]
    mutual_H: Float[np.ndarray, "3 3"]
    source: str

    @property
    def sensitivity_T_per_m_A(self) -> Triple:
        """T/m per ampere of x, y, z."""
        return self.coils[0].sensitivity_T_per_m_A, self.coils[1].sensitivity_T_per_m_A, self.coils[2].sensitivity_T_per_m_A

    @property
    def inductance_H(self) -> Triple:
        """Of x, y, z as wound, without the bore around them."""
        return self.coils[0].inductance_H, self.coils[1].inductance_H, self.coils[2].inductance_H

    @property
    def resistance_ohm(self) -> Triple:
        """Of x, y, z at steady current and the conductor's stated resistivity."""
        return self.coils[0].resistance_ohm, self.coils[1].resistance_ohm, self.coils[2].resistance_ohm

    @property
    def tracks_m(self) -> list[np.ndarray]:
        """The wires of x, y, z, each (n, 3) m, one path in series that carries 1 A."""
        return [coil.track_m for coil in self.coils]
