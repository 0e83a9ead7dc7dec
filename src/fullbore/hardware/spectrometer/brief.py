"""What is asked of a spectrometer: a TOML file with units becomes frozen values in SI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from fullbore.hardware.briefs import preset_names, preset_table, quantity, read_brief, strict

_PACKAGE = "fullbore.hardware.spectrometer"
_POSITIVE = Field(gt=0)
Frequency = Annotated[float, quantity("frequency"), _POSITIVE]
Time = Annotated[float, quantity("time"), Field(ge=0)]
Period = Annotated[float, quantity("time"), _POSITIVE]
FluxDensity = Annotated[float, quantity("field"), _POSITIVE]
Voltage = Annotated[float, quantity("voltage"), _POSITIVE]
Resistance = Annotated[float, quantity("resistance"), _POSITIVE]
Level = Annotated[float, quantity("level")]
Loss = Annotated[float, quantity("level"), Field(ge=0)]
Positive = Annotated[float, quantity("level"), _POSITIVE]
Angle = Annotated[float, quantity("angle")]
Part = Annotated[float, quantity("share"), Field(gt=0, lt=1)]
Share = Annotated[float, quantity("share"), Field(ge=0, lt=1)]
Bits = Annotated[int, Field(ge=2, le=32)]
_STRICT = strict("Hz s T V ohm dB rad")


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What the receiver must reach.

    bandwidth_Hz: the largest of a readout, 1 / dwell. passband: share of it, about the middle, that must be flat and free of
    aliases. dynamic_range_dB: power of the largest signal over k T in one hertz (T = 290 K). noise_figure_dB: at the gain that
    takes that signal. signal_to_noise_dB: of a signal that fills the converter but for the headroom, in the largest bandwidth.
    """

    __pydantic_config__ = _STRICT
    bandwidth_Hz: Frequency
    passband: Part
    flatness_dB: Positive
    alias_dB: Positive
    dynamic_range_dB: Positive
    noise_figure_dB: Positive
    signal_to_noise_dB: Positive


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockBrief:
    """raster_s: of the samples' times; all dwell times are multiples. jitter_s: of the sampling clock (rms)."""

    __pydantic_config__ = _STRICT
    raster_s: Period
    jitter_s: Time
    trigger_pipeline: Annotated[int, Field(ge=0, le=1000)] = 2
    accumulator_bits: Annotated[int, Field(ge=16, le=62)] = 48
    phase_bits: Annotated[int, Field(ge=8, le=32)] = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class ConverterBrief:
    """bits: those on offer. largest_rate_Hz: of its clock. noise_dB: full scale over its own noise, in half the rate."""

    __pydantic_config__ = _STRICT
    bits: Annotated[tuple[Bits, ...], Field(min_length=1)]
    largest_rate_Hz: Frequency
    aperture_jitter_s: Time
    noise_dB: Positive
    full_scale_V: Voltage
    impedance_ohm: Resistance = 50.0
    headroom_dB: Loss = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BandpassBrief:
    """Butterworth, of this order of its low-pass prototype, before the converter. width_Hz: between its 3 dB points."""

    __pydantic_config__ = _STRICT
    width_Hz: Frequency
    order: Annotated[int, Field(ge=1, le=12)]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageBrief:
    """An amplifier, a cable, a filter."""

    __pydantic_config__ = _STRICT
    name: str
    gain_dB: Level
    noise_figure_dB: Loss


@dataclass(frozen=True, slots=True, kw_only=True)
class AttenuatorBrief:
    """Between front and back: the receiver's gain."""

    __pydantic_config__ = _STRICT
    most_dB: Positive
    step_dB: Positive


@dataclass(frozen=True, slots=True, kw_only=True)
class TransmitBrief:
    """gain_error, phase_error_rad: between the quadratures of an analogue modulator; 0 where the converter makes the carrier.

    raster_s: of the pulses' shapes. order: of the CIC filter that interpolates them to the converter's rate.
    """

    __pydantic_config__ = _STRICT
    bits: Bits
    rate_Hz: Frequency
    raster_s: Period
    order: Annotated[int, Field(ge=1, le=8)] = 3
    gain_error: Share = 0.0
    phase_error_rad: Angle = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpectrometerBrief:
    """All that is asked of one spectrometer, SI. The first stage of `front` is the preamplifier in the coil."""

    __pydantic_config__ = _STRICT
    name: str
    source: str
    b0_T: FluxDensity
    demands: Demands
    clock: ClockBrief
    converter: ConverterBrief
    bandpass: BandpassBrief
    attenuator: AttenuatorBrief
    front: Annotated[tuple[StageBrief, ...], Field(min_length=1)]
    back: tuple[StageBrief, ...]
    transmit: TransmitBrief


def spectrometer_presets() -> tuple[str, ...]:
    """Names of the briefs that are shipped, sorted."""
    return preset_names(_PACKAGE)


def load_spectrometer_brief(name: str) -> SpectrometerBrief:
    """The shipped brief of that name. Errors: UsageError when there is none."""
    return parse_spectrometer_brief(preset_table(_PACKAGE, name, "spectrometer preset"), name)


def parse_spectrometer_brief(table: dict[str, Any], origin: str) -> SpectrometerBrief:
    """A brief from a TOML document; keys are the fields' names less their units, e.g. `jitter = "0.1 ps"`.

    Errors: UsageError for an unknown or missing key, a wrong unit, a value out of range.
    """
    return read_brief(SpectrometerBrief, table, f"spectrometer brief {origin}")
