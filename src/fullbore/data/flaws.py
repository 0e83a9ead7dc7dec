"""What a real machine does besides what it is told: each flaw is a value, and its absence is an ideal machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.data.field_map import FieldMap
from fullbore.errors import ShapeError, ValueRangeError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EddyMode:
    """One way in which the structure answers a change of gradient: decaying, and ringing when it is mechanical.

    A step of gradient axis `a` by 1 T/m adds -amplitude[i, a] exp(-t / time_constant) cos(2 pi frequency t) to component i of
    the field: x, y and z gradient (T/m per T/m) and uniform field (T per T/m). amplitude: (4, 3). sine: (4, 3), the same for
    sin(2 pi frequency t), None for nothing. An infinite time constant is a step that stays: a gain.
    """

    time_constant_s: float
    amplitude: np.ndarray
    frequency_Hz: float = 0.0
    sine: np.ndarray | None = None

    def __post_init__(self) -> None:
        if not self.time_constant_s > 0:
            raise ValueRangeError(f"EddyMode.time_constant_s: got {self.time_constant_s}, wanted a positive time.")
        for name, value in (("amplitude", self.amplitude), ("sine", self.sine)):
            if value is not None and (value.shape != (4, 3) or not np.isfinite(value).all()):
                raise ShapeError(f"EddyMode.{name}: got {value.shape}, wanted finite numbers, (x y z uniform, x y z).")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GradientResponse:
    """The gradients' impulse response: every axis late by its delay, less what the modes take away and give back."""

    delay_s: tuple[float, float, float] = (0.0, 0.0, 0.0)
    modes: tuple[EddyMode, ...] = ()

    @classmethod
    def droop(cls, droop_per_s: float, recovery_s: float) -> GradientResponse:
        """Amplifiers whose gain sags with the current that they have given: out = in - droop_per_s * integral of in.

        The charge comes back with recovery_s, so that a step falls to 1 - droop_per_s * recovery_s. This is exactly two modes:
        one that takes as much at once and for ever, and one that gives it back at first.
        Errors: ValueRangeError for a droop that is negative or more than the whole.
        """
        if not (droop_per_s >= 0 and recovery_s > 0 and droop_per_s * recovery_s <= 1):
            got = (droop_per_s, recovery_s)
            raise ValueRangeError(f"GradientResponse.droop: got {got}, wanted a droop >= 0, recovery > 0, product <= 1.")
        part = droop_per_s * recovery_s * np.eye(4, 3)
        static = EddyMode(time_constant_s=np.inf, amplitude=part)
        return cls(modes=(static, EddyMode(time_constant_s=recovery_s, amplitude=-part)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RfAmplifier:
    """What the power amplifier makes of a pulse.

    compression: complex a3, a5, ... in out = in (1 + a3 |in / peak|^2 + a5 |in / peak|^4 + ...); a negative real part
    compresses, an imaginary part turns the phase with amplitude. peak_T: where |in / peak| = 1.
    droop_per_s: part of the gain that is lost per second while a pulse plays.
    """

    peak_T: float
    compression: tuple[complex | float, ...] = ()
    droop_per_s: float = 0.0

    def __post_init__(self) -> None:
        if not self.peak_T > 0:
            raise ValueRangeError(f"RfAmplifier.peak_T: got {self.peak_T}, wanted a positive field.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Receiver:
    """From the signal at the coil to the samples: digitised `oversampling` times faster, filtered and decimated.

    filter: real taps at the fast rate, centred, None for none. bits: of the converter over +- full_scale (in units of the
    signal), None for exact numbers. jitter_s: standard deviation of the sampling clock.
    converter_Hz, carrier_Hz: 0 for converters of the real and imaginary part, at the fast rate. Otherwise one converter
    samples the carrier itself, converter_Hz times a second: its steps and its jitter, that of a carrier, are spread over
    half that rate, and what clips is the amplitude, not its parts.
    noise_factor: by which the receiver's own noise raises the power of the array's.
    settling: what the filter sees beyond a readout's ends: "played", what the sequence does there, for which its block must have
    room; or "mirrored", the signal continued by its point reflection (with noise of its own), which any sequence has room for.
    """

    oversampling: int = 4
    filter: np.ndarray | None = None
    bits: int | None = None
    full_scale: float = 1.0
    jitter_s: float = 0.0
    converter_Hz: float = 0.0
    carrier_Hz: float = 0.0
    noise_factor: float = 1.0
    settling: str = "played"

    def __post_init__(self) -> None:
        if self.oversampling < 1 or self.jitter_s < 0 or not self.full_scale > 0:
            got = (self.oversampling, self.jitter_s, self.full_scale)
            raise ValueRangeError(f"Receiver.oversampling, jitter_s, full_scale: got {got}, wanted >= 1, >= 0 and > 0.")
        if self.bits is not None and not 1 < self.bits <= 64:
            raise ValueRangeError(f"Receiver.bits: got {self.bits}, wanted 2 to 64, or None for exact numbers.")
        if self.filter is not None and (self.filter.ndim != 1 or len(self.filter) % 2 == 0):
            raise ShapeError(f"Receiver.filter: got {self.filter.shape}, wanted an odd number of taps.")
        if min(self.converter_Hz, self.carrier_Hz) < 0 or (self.converter_Hz > 0) != (self.carrier_Hz > 0):
            rates = (self.converter_Hz, self.carrier_Hz)
            raise ValueRangeError(f"Receiver.converter_Hz, carrier_Hz: got {rates}, wanted two positive frequencies, or none.")
        if not 1 <= self.noise_factor < np.inf:
            raise ValueRangeError(f"Receiver.noise_factor: got {self.noise_factor}, wanted at least 1.")
        if self.settling not in ("played", "mirrored"):
            raise ValueRangeError(f"Receiver.settling: got {self.settling!r}, wanted played or mirrored.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Flaws:
    """The flaws of one machine; the default has none.

    field_ppm: the magnet's inhomogeneity that shimming leaves, ppm of B0, (1, z, y, x).
    drift_Hz_per_s: of the centre frequency. gradient_fields_m: Bz of the x, y and z coil per T/m asked for, (3, z, y, x), m;
    an ideal coil's are the coordinates themselves. concomitant: Maxwell fields of the gradients.
    """

    field_ppm: FieldMap | None = None
    drift_Hz_per_s: float = 0.0
    gradient_fields_m: FieldMap | None = None
    response: GradientResponse | None = None
    concomitant: bool = False
    rf_amplifier: RfAmplifier | None = None
    receiver: Receiver | None = None

    def __post_init__(self) -> None:
        if not np.isfinite(self.drift_Hz_per_s):
            raise ValueRangeError(f"Flaws.drift_Hz_per_s: got {self.drift_Hz_per_s}, wanted a finite number.")
        for name, channels, unit in (("field_ppm", 1, "ppm"), ("gradient_fields_m", 3, "m")):
            field = getattr(self, name)
            if field is not None and (len(field.values) != channels or field.unit != unit):
                got = (len(field.values), field.unit)
                raise ShapeError(f"Flaws.{name}: got (channels, unit) {got}, wanted {(channels, unit)}.")
