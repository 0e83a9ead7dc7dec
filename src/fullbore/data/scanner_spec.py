"""The machine as numbers: what a sequence must obey and what a scan feels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fullbore.data.coil_set import CoilSet
from fullbore.data.field_map import FieldMap
from fullbore.data.flaws import Flaws
from fullbore.data.safety_model import GradientChain, SafeModel, SoundModel
from fullbore.errors import ShapeError, ValueRangeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What every sequence must stay inside. Rasters are Pulseq's; b0_T turns shifts in ppm into frequencies."""

    gradient_T_per_m: float
    slew_T_per_m_s: float
    b1_peak_T: float
    b0_T: float = 3.0
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
    safe: the maker's three-filter model beside it, None where it is not known.
    """

    rheobase_T_per_s: float
    chronaxie_s: float
    effective_length_m: tuple[float, float, float]
    source: str
    safe: SafeModel | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PowerModel:
    """First estimate of SAR: watts per kilogram for the mean square B1+, for a reference subject; and the RF amplifier.

    exposed_mass_share: part of the body's mass that the coil exposes; it is taken to absorb all the power (partial-body SAR).
    local_factor: local 10 g SAR over head SAR where no fields are known.
    observation_points: virtual observation points of the local 10 g SAR, Hermitian matrices Q (point, channel, channel) in
    W/kg per T^2: SAR = |b1|^2 w^H Q w for transmit channels driven by the pulse b1 times the weights w. None where no
    fields are known.
    forward_W_per_T2: power at the coil's plug for B1+ squared, 0 where it is not known. peak_W, mean_W: what the amplifier
    gives, and what it gives for ever.
    """

    whole_body_W_per_kg_per_T2: float
    head_W_per_kg_per_T2: float
    source: str
    exposed_mass_share: float = 0.2
    local_factor: float = 3.0
    observation_points: np.ndarray | None = None
    forward_W_per_T2: float = 0.0
    peak_W: float = np.inf
    mean_W: float = np.inf

    def __post_init__(self) -> None:
        if not 0 < self.exposed_mass_share <= 1:
            raise ValueRangeError(f"PowerModel.exposed_mass_share: got {self.exposed_mass_share}, wanted more than 0, at most 1.")
        q = self.observation_points
        if q is not None and (q.ndim != 3 or q.shape[1] != q.shape[2] or not np.allclose(q, np.conj(np.swapaxes(q, 1, 2)))):
            raise ShapeError(
                f"PowerModel.observation_points: got {q.shape}, wanted Hermitian matrices (point, channel, channel)."
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScannerSpec:
    """One machine.

    transmit: complex relative B1+ of the body coil in a head, (1, z, y, x), unit "1"; 1 is the nominal flip.
    chain, sound: amplifiers and coil, and what they excite in the structure; None where they are not known.
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
    chain: GradientChain | None = None
    sound: SoundModel | None = None

    def __post_init__(self) -> None:
        if not 0 < self.b0_T < 20:
            raise ValueRangeError(f"ScannerSpec.b0_T: got {self.b0_T}, wanted a field between 0 and 20 T.")
