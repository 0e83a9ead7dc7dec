"""Iron sheets in trays along the bore: where they are and what field they make."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from fullbore.errors import ValueRangeError
from fullbore.physics.constants import VACUUM_PERMEABILITY_N_PER_A2

IRON_KG_PER_M3 = 7870.0
_HALF_NODE = 0.5 / np.sqrt(3)  # two Gauss nodes along each side of a sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class ShimTrays:
    """Pockets on a cylinder around the bore, `pockets` along z in each of `trays` evenly spaced.

    length_m: from the first to the last pocket's middle. Sheets lie flat on the cylinder: sheet_length_m along z, sheet_width_m
    around, sheet_thickness_m radially; at most `most_sheets` in a pocket. saturation_T: mu0 times the magnetisation of the iron,
    which above 2.5 T is along z and full (2.15 T: pure iron at room temperature, Bozorth, Ferromagnetism, ch. 3).
    """

    radius_m: float
    length_m: float
    trays: int = 24
    pockets: int = 15
    sheet_length_m: float = 0.05
    sheet_width_m: float = 0.06
    sheet_thickness_m: float = 0.1e-3
    most_sheets: int = 100
    saturation_T: float = 2.15

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise ValueRangeError(f"ShimTrays.{name}: got {getattr(self, name)}, wanted a positive number.")

    @property
    def sheet_kg(self) -> float:
        """Mass of one sheet."""
        return IRON_KG_PER_M3 * self.sheet_length_m * self.sheet_width_m * self.sheet_thickness_m

    @property
    def sheet_moment_A_m2(self) -> float:
        """Magnetic moment of one saturated sheet."""
        volume = self.sheet_length_m * self.sheet_width_m * self.sheet_thickness_m
        return self.saturation_T / VACUUM_PERMEABILITY_N_PER_A2 * volume


def pocket_places_m(trays: ShimTrays) -> Float[np.ndarray, "n 3"]:
    """Middles of the pockets, tray by tray."""
    turn = 2 * np.pi * np.arange(trays.trays) / trays.trays
    along = np.linspace(-0.5, 0.5, trays.pockets) * trays.length_m
    azimuth, z = np.meshgrid(turn, along, indexing="ij")
    places = np.stack([trays.radius_m * np.cos(azimuth), trays.radius_m * np.sin(azimuth), z], axis=-1)
    return np.asarray(places.reshape(-1, 3))


def sheet_fields_T(trays: ShimTrays, points_m: Float[np.ndarray, "p 3"]) -> Float[np.ndarray, "p n"]:
    """Bz, T, of one saturated sheet in each pocket; four dipoles along z stand for its area.

    Error: (sheet / distance)^4 / 100, 1e-4 at twice the sheet's width; the stack's thickness counts as its middle. The iron's
    effect on other iron, which at 3 T is full anyway, is left out.
    """
    middles = pocket_places_m(trays)
    around = np.column_stack([-middles[:, 1], middles[:, 0], 0 * middles[:, 0]]) / trays.radius_m
    field = np.zeros((len(points_m), len(middles)))
    for one in (-_HALF_NODE, _HALF_NODE):
        for other in (-_HALF_NODE, _HALF_NODE):
            places = middles + one * trays.sheet_width_m * around + np.array([0, 0, other * trays.sheet_length_m])
            offset = points_m[:, None] - places
            square = (offset**2).sum(axis=-1)
            field += (3 * offset[..., 2] ** 2 / square - 1) / square**1.5
    return np.asarray(1e-7 * trays.sheet_moment_A_m2 / 4 * field)
