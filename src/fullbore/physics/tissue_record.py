"""A row of the table of tissues: everything that a sequence can see of one, at 3 T and body temperature, with its source."""

from __future__ import annotations

from typing import NamedTuple

from fullbore.physics.tissue import FAT_SPECTRUM

# Fat's lines as shares of one whole.
FAT_LINES = tuple((shift, share / sum(part for _, part in FAT_SPECTRUM)) for shift, share in FAT_SPECTRUM)

ELECTRIC = "conductivity, permittivity Gabriel 1996 at 128 MHz: not verified"
NOT_VERIFIED = "not verified"


class Blood(NamedTuple):
    """What blood does in a tissue, in the units of the clinic: ml per 100 ml and minute, seconds, fractions, per minute."""

    flow_ml_100ml_min: float
    transit_s: float
    volume: float
    transfer_per_min: float = 0.0
    extravascular: float = 0.0
    plasma: float = 0.0


class TissueRecord(NamedTuple):
    """Times in seconds, density relative to pure water, susceptibility in ppm relative to water, diffusivity in m^2/s.

    lines: (shift ppm, share) of its spectrum. macromolecules: (share of all magnetisation, exchange to water per s, T2 s) of the
    bound pool. stiffness: shear modulus. electric: (S/m, relative permittivity) at 128 MHz. None or (): not known, or none.
    """

    t1_s: float
    t2_s: float
    t2_star_s: float
    density: float
    source: str
    chi_ppm: float = 0.0
    diffusivity_m2_per_s: float = 0.0
    shift_ppm: float = 0.0
    lines: tuple[tuple[float, float], ...] = ()
    t1rho_s: float | None = None
    blood: Blood | None = None
    oxygenation: float | None = None
    macromolecules: tuple[float, float, float] | None = None
    stiffness_Pa: float | None = None
    electric: tuple[float, float] | None = None
    temperature_K: float = 310.15
