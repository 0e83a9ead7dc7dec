"""The superconducting wire: what it carries, and how near the load line comes to it."""

from __future__ import annotations

from dataclasses import dataclass

from fullbore.errors import ValueRangeError

# Critical current density of commercial niobium-titanium at 4.2 K: j0 (1 - 0.096 B), 3 to 10 T, slope within 3 % over ten wires
# of six makers (Lubell 1983, IEEE Trans. Magn. 19:754). Below 3 T the line lies under the wires, and margins told there are
# too small.
_SLOPE_PER_T = 0.096
_REFERENCE_T = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A rectangular insulated wire of niobium-titanium filaments in copper, at 4.2 K.

    width_m: along the magnet's axis; height_m: radially; both over the insulation. copper_ratio: copper over superconductor,
    of the bare metal, which is `metal_share` of the rectangle. critical_density_A_per_m2: of the superconductor at 5 T, 4.2 K.
    """

    width_m: float
    height_m: float
    copper_ratio: float
    critical_density_A_per_m2: float = 2.75e9
    metal_share: float = 0.85

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise ValueRangeError(f"Wire.{name}: got {getattr(self, name)}, wanted a positive number.")
        if self.metal_share > 1:
            raise ValueRangeError(f"Wire.metal_share: got {self.metal_share}, wanted at most 1.")

    @property
    def area_m2(self) -> float:
        """Of one turn's rectangle."""
        return self.width_m * self.height_m

    @property
    def superconductor_m2(self) -> float:
        """Of the filaments."""
        return self.area_m2 * self.metal_share / (1 + self.copper_ratio)


def critical_current_A(wire: Wire, field_T: float) -> float:
    """At 4.2 K in a field of 3 to 10 T (see the source above); 0 beyond the upper critical field of the line."""
    at_reference = wire.critical_density_A_per_m2 * wire.superconductor_m2
    return max(0.0, at_reference * (1 - _SLOPE_PER_T * field_T) / (1 - _SLOPE_PER_T * _REFERENCE_T))


def load_line_limit_A(wire: Wire, current_A: float, peak_field_T: float) -> float:
    """Where the load line, peak field proportional to current, meets the critical line."""
    zero_field = wire.critical_density_A_per_m2 * wire.superconductor_m2 / (1 - _SLOPE_PER_T * _REFERENCE_T)
    return zero_field / (1 + zero_field * _SLOPE_PER_T * peak_field_T / current_A)


def load_line_margin(wire: Wire, current_A: float, peak_field_T: float) -> float:
    """1 - current / `load_line_limit_A`."""
    return 1 - current_A / load_line_limit_A(wire, current_A, peak_field_T)
