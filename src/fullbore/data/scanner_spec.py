"""The machine as numbers: what a sequence must obey and what a scan feels."""

from __future__ import annotations

from dataclasses import dataclass, field

from fullbore.data.coil_set import CoilSet
from fullbore.data.field_map import FieldMap
from fullbore.data.flaws import Flaws
from fullbore.errors import ValueRangeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What every sequence must stay inside. Rasters are Pulseq's."""

    gradient_T_per_m: float
    slew_T_per_m_s: float
    b1_peak_T: float
    block_raster_s: float = 10e-6
    gradient_raster_s: float = 10e-6
    rf_raster_s: float = 1e-6
    adc_raster_s: float = 100e-9
    rf_dead_time_s: float = 100e-6
    rf_ringdown_time_s: float = 30e-6
    adc_dead_time_s: float = 10e-6

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not value >= 0 or (value == 0 and "time" not in name):
                raise ValueRangeError(f"Limits.{name}: got {value}, wanted a positive number.")


@dataclass(frozen=True, slots=True, kw_only=True)
class StimulationModel:
    """Peripheral nerve stimulation: rheobase and chronaxie per gradient axis (IEC 60601-2-33, direct determination).

    A trapezoid's slew S over the ramp time tau stimulates when S * alpha_m > rheobase * (1 + chronaxie / tau),
    with alpha_m the effective coil length that turns T/m/s into the dB/dt (T/s) felt by the body.
    """

    rheobase_T_per_s: float
    chronaxie_s: float
    effective_length_m: tuple[float, float, float]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerModel:
    """First estimate of SAR: watts per kilogram for the mean square B1+, for a reference subject."""

    whole_body_W_per_kg_per_T2: float
    head_W_per_kg_per_T2: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScannerSpec:
    """One machine.

    transmit: complex relative B1+ of the body coil in a head, (1, z, y, x), unit "1"; 1 is the nominal flip.
    """

    name: str
    b0_T: float
    bore_diameter_m: float
    limits: Limits
    stimulation: StimulationModel
    power: PowerModel
    receive: CoilSet
    transmit: FieldMap
    source: str
    flaws: Flaws = field(default_factory=Flaws)

    def __post_init__(self) -> None:
        if not 0 < self.b0_T < 20:
            raise ValueRangeError(f"ScannerSpec.b0_T: got {self.b0_T}, wanted a field between 0 and 20 T.")
