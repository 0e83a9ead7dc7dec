"""A pulse sequence: unique shapes and a table of blocks that play them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fullbore.data.encoding import Encoding
from fullbore.errors import ShapeError, ValueRangeError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RfPulse:
    """A unique RF shape: complex B1 in tesla, held constant over each raster interval.

    b1_T: complex128 (n,). raster_s: length of each interval. delay_s: from the block's start to the first interval.
    centre_s: effective centre, from the pulse's own start. flip_rad: nominal flip on resonance.
    use: Pulseq's letter, e excitation, r refocusing, i inversion, s saturation, p preparation.
    """

    b1_T: np.ndarray
    raster_s: float
    delay_s: float
    centre_s: float
    flip_rad: float
    use: str

    @property
    def duration_s(self) -> float:
        """Length of the pulse itself, without delay."""
        return len(self.b1_T) * self.raster_s


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gradient:
    """A unique gradient shape: piecewise linear through (times_s, values_T_per_m).

    times_s start at `delay_s` >= 0 from the block's start; the waveform is zero outside its times. A trapezoid has
    four points (three when it has no flat top) and begins and ends at zero.
    """

    times_s: np.ndarray
    values_T_per_m: np.ndarray

    def __post_init__(self) -> None:
        if self.times_s.shape != self.values_T_per_m.shape or self.times_s.ndim != 1 or len(self.times_s) < 2:
            raise ShapeError("Gradient: times and values must be two 1-D arrays of one length, at least 2.")
        if np.any(np.diff(self.times_s) <= 0) or self.times_s[0] < 0:
            raise ValueRangeError("Gradient.times_s: must rise and not start before the block.")

    @property
    def area_T_s_per_m(self) -> float:
        """Integral of the waveform."""
        return float(np.trapezoid(self.values_T_per_m, self.times_s))

    def area_until_T_s_per_m(self, times_s: np.ndarray) -> np.ndarray:
        """Integral from the block's start to each time, (n,); exact."""
        knots, values = self.times_s, self.values_T_per_m
        area = np.concatenate([[0.0], np.cumsum(0.5 * (values[1:] + values[:-1]) * np.diff(knots))])
        inside = np.clip(times_s, knots[0], knots[-1])
        i = np.clip(np.searchsorted(knots, inside, side="right") - 1, 0, len(knots) - 2)
        step = inside - knots[i]
        slope = (values[i + 1] - values[i]) / (knots[i + 1] - knots[i])
        return np.asarray(area[i] + step * (values[i] + 0.5 * slope * step))


@dataclass(frozen=True, slots=True, kw_only=True)
class Adc:
    """A unique readout window: sample j is taken at delay_s + (j + 1/2) * dwell_s.

    phase_rad: receiver phase of each sample, beside the block's own, (samples,); () where there is none.
    """

    samples: int
    dwell_s: float
    delay_s: float
    phase_rad: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.phase_rad and len(self.phase_rad) != self.samples:
            raise ShapeError(f"Adc.phase_rad: got {len(self.phase_rad)} phases, wanted {self.samples}, one a sample.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A block's digital signal: kind "output" (sent) or "trigger" (the block waits for it).

    channel: Pulseq's number; outputs 1 osc0, 2 osc1, 3 ext1; triggers 1 physio1, 2 physio2. Other kinds keep their number.
    """

    block: int
    kind: str
    channel: int
    delay_s: float
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftDelay:
    """A block whose length the operator may set: duration = value / factor + offset_s. number: Pulseq's, one a hint."""

    block: int
    number: int
    hint: str
    offset_s: float
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sequence:
    """Columnar: block b plays rf_pulses[rf[b]], gradients[gradient[b, axis]] times gradient_scale[b, axis], adcs[adc[b]].

    An index of -1 plays nothing. Axes are the scanner's x, y, z = patient L, P, S.
    duration_s, rf, rf_phase_rad, rf_frequency_Hz, adc, adc_phase_rad: (block,).
    gradient: int32 (block, 3). gradient_scale: float64 (block, 3).
    RF phase and frequency offset are Pulseq's: B1(t) = shape(t) exp(i (phase + 2 pi f t)), t from the pulse's start,
    tunes to spins at off-resonance +f. (The signal law of `fullbore.data` is the mirror image of Pulseq's frame: a
    simulator plays conj(B1) and multiplies its samples by exp(+i adc_phase).)
    The receiver of a block adds adc_phase + 2 pi adc_frequency (t - its delay) and its Adc's own phase to each sample.
    rf_shim: (block,), which of rf_shims plays the pulse: complex weights (transmit channel,), -1 for all channels alike.
    Columns that are left out play nothing: adc_frequency_Hz is 0 and rf_shim is -1.
    triggers, soft_delays: by rising block. encoding: one row per block that has an ADC, in order.
    definitions: extra Pulseq [DEFINITIONS].
    """

    name: str
    rf_pulses: tuple[RfPulse, ...]
    gradients: tuple[Gradient, ...]
    adcs: tuple[Adc, ...]
    duration_s: np.ndarray
    rf: np.ndarray
    rf_phase_rad: np.ndarray
    rf_frequency_Hz: np.ndarray
    gradient: np.ndarray
    gradient_scale: np.ndarray
    adc: np.ndarray
    adc_phase_rad: np.ndarray
    encoding: Encoding
    definitions: dict[str, str] = field(default_factory=dict)
    adc_frequency_Hz: np.ndarray = field(default_factory=lambda: np.zeros(0))
    rf_shim: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    rf_shims: tuple[np.ndarray, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    soft_delays: tuple[SoftDelay, ...] = ()

    def __post_init__(self) -> None:
        blocks = len(self.duration_s)
        # A column that plays nothing fits any number of blocks, so it may be left out and survives `replace`.
        if self.adc_frequency_Hz.shape != (blocks,) and not self.adc_frequency_Hz.any():
            object.__setattr__(self, "adc_frequency_Hz", np.zeros(blocks))
        if self.rf_shim.shape != (blocks,) and not (self.rf_shim >= 0).any():
            object.__setattr__(self, "rf_shim", np.full(blocks, -1, dtype=np.int32))
        for name in ("rf", "rf_phase_rad", "rf_frequency_Hz", "adc", "adc_phase_rad", "adc_frequency_Hz", "rf_shim"):
            if getattr(self, name).shape != (blocks,):
                raise ShapeError(f"Sequence.{name}: got {getattr(self, name).shape}, wanted ({blocks},).")
        for name in ("gradient", "gradient_scale"):
            if getattr(self, name).shape != (blocks, 3):
                raise ShapeError(f"Sequence.{name}: got {getattr(self, name).shape}, wanted ({blocks}, 3).")
        readouts = int((self.adc >= 0).sum())
        if readouts != self.encoding.rows:
            raise ShapeError(f"Sequence {self.name}: {readouts} readouts but {self.encoding.rows} encoding rows.")

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return len(self.duration_s)

    @property
    def total_duration_s(self) -> float:
        """Playing time."""
        return float(self.duration_s.sum())

    def block_starts_s(self) -> np.ndarray:
        """Start time of each block, (block,)."""
        return np.asarray(np.concatenate([[0.0], np.cumsum(self.duration_s)[:-1]]))
