"""What waves pass through: concentric layers of tissue in air. Phasors are of exp(+i omega t) throughout the package."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float

from fullbore.errors import ValueRangeError
from fullbore.physics.constants import SPEED_OF_LIGHT_M_PER_S, VACUUM_PERMEABILITY_N_PER_A2
from fullbore.physics.magnetostatics import medium_wavenumber_per_m

MU0 = VACUUM_PERMEABILITY_N_PER_A2
EPSILON0 = 1 / (MU0 * SPEED_OF_LIGHT_M_PER_S**2)
FREE_IMPEDANCE_OHM = MU0 * SPEED_OF_LIGHT_M_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A shell (or the core) up to a radius: relative permittivity, conductivity S/m, density kg/m^3."""

    outer_radius_m: float
    permittivity: float
    conductivity_S_per_m: float
    density_kg_per_m3: float = 1040.0

    def __post_init__(self) -> None:
        if not (self.outer_radius_m > 0 and self.permittivity >= 1 and self.conductivity_S_per_m >= 0):
            raise ValueRangeError(f"Layer: got {self}, wanted a radius > 0, permittivity >= 1, conductivity >= 0.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LayeredBody:
    """Concentric layers, from the core outward, in air, at one frequency."""

    layers: tuple[Layer, ...]
    frequency_Hz: float

    def __post_init__(self) -> None:
        radii = [layer.outer_radius_m for layer in self.layers]
        if not radii or any(b <= a for a, b in itertools.pairwise(radii)):
            raise ValueRangeError(f"LayeredBody.layers: got outer radii {radii} m, wanted at least one, growing outward.")
        if not self.frequency_Hz > 0:
            raise ValueRangeError(f"LayeredBody.frequency_Hz: got {self.frequency_Hz}, wanted a positive frequency.")

    @property
    def omega_per_s(self) -> float:
        """Angular frequency."""
        return 2 * math.pi * self.frequency_Hz

    @property
    def radii_m(self) -> Float[np.ndarray, " s"]:
        """Outer radii."""
        return np.array([layer.outer_radius_m for layer in self.layers])

    @property
    def wavenumbers_per_m(self) -> Complex[np.ndarray, " t"]:
        """Wave numbers of the layers and, last, of the air around."""
        inside = [medium_wavenumber_per_m(self.frequency_Hz, x.permittivity, x.conductivity_S_per_m) for x in self.layers]
        return np.array([*inside, complex(self.omega_per_s / SPEED_OF_LIGHT_M_PER_S)])

    def shell_of(self, radius_m: Float[np.ndarray, "*p"]) -> np.ndarray:
        """Index of the layer at each radius; the number of layers for air."""
        return np.searchsorted(self.radii_m, radius_m, side="left")

    def conductivities_S_per_m(self, radius_m: Float[np.ndarray, "*p"]) -> Float[np.ndarray, "*p"]:
        """Conductivity at each radius, 0 in air."""
        return np.array([*(layer.conductivity_S_per_m for layer in self.layers), 0.0])[self.shell_of(radius_m)]

    def densities_kg_per_m3(self, radius_m: Float[np.ndarray, "*p"]) -> Float[np.ndarray, "*p"]:
        """Mass density at each radius, 0 in air."""
        return np.array([*(layer.density_kg_per_m3 for layer in self.layers), 0.0])[self.shell_of(radius_m)]
