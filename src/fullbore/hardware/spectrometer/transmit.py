"""From a pulse's shape to the carrier: interpolation, oscillator, converter, and what they add to the pulse."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Complex128

from fullbore.hardware.spectrometer import noise_budget as budget
from fullbore.hardware.spectrometer import zones
from fullbore.hardware.spectrometer.brief import SpectrometerBrief
from fullbore.hardware.spectrometer.cic import cic_response, cic_taps
from fullbore.hardware.spectrometer.clock import raster_ticks
from fullbore.hardware.spectrometer.machine import carrier_of
from fullbore.hardware.spectrometer.oscillator import Oscillator, Retune, accumulated, table_phase_rad


def image_rejection_dB(gain_error: float, phase_error_rad: float) -> float:
    """Wanted over mirrored sideband of a quadrature modulator: (1 + 2 g cos p + g^2) / (1 - 2 g cos p + g^2), g = 1 + error."""
    g, c = 1 + gain_error, np.cos(phase_error_rad)
    mirrored = 1 - 2 * g * c + g * g
    return budget.decibels((1 + 2 * g * c + g * g) / mirrored) if mirrored > 1e-30 else float("inf")


def modulated(envelope: Complex[np.ndarray, " n"], gain_error: float, phase_error_rad: float) -> Complex128[np.ndarray, " n"]:
    """The envelope behind a quadrature modulator: a z + b conj(z), a = (1 + g e^{ip}) / 2, b = (1 - g e^{ip}) / 2."""
    turn = (1 + gain_error) * np.exp(1j * phase_error_rad)
    return np.asarray((1 + turn) / 2 * envelope + (1 - turn) / 2 * np.conj(envelope), np.complex128)


def interpolated(pulse: Complex[np.ndarray, " n"], order: int, ratio: int) -> Complex128[np.ndarray, " m"]:
    """Zeros between the samples, then a CIC filter: order 1 holds each value, order 2 joins them by lines."""
    spread = np.zeros(len(pulse) * ratio, np.complex128)
    spread[::ratio] = pulse
    return np.convolve(spread, cic_taps(order, ratio) / float(ratio) ** (order - 1))


def played_pulse(
    pulse: Complex[np.ndarray, " n"], brief: SpectrometerBrief, jitter: np.random.Generator | None = None
) -> Complex128[np.ndarray, " m"]:
    """The envelope of the carrier that the converter really plays, at the converter's rate; full scale is 1.

    Interpolated, mixed up by the oscillator, rounded to the converter's bits, its clock jittering; brought down again by an
    ideal oscillator (twice the carrier still in it: filter before comparing).
    """
    transmit = brief.transmit
    ratio = raster_ticks(transmit.raster_s, transmit.rate_Hz, "RF raster")
    oscillator = transmit_oscillator(brief)
    smooth = modulated(interpolated(pulse, transmit.order, ratio), transmit.gain_error, transmit.phase_error_rad)
    carrier = oscillator.frequency_Hz(oscillator.word(zones.alias_Hz(carrier_of(brief), transmit.rate_Hz)))
    ticks = np.arange(len(smooth))
    phase = accumulated(oscillator, (Retune(tick=0, word=oscillator.word(carrier)),), ticks)
    late = jitter.normal(0, brief.clock.jitter_s, len(ticks)) if jitter is not None else np.zeros(len(ticks))
    most = 2.0 ** (transmit.bits - 1)
    turned = table_phase_rad(oscillator, phase) + 2 * np.pi * carrier_of(brief) * late
    real = np.clip(np.round((smooth * np.exp(1j * turned)).real * most), -most, most - 1) / most
    return np.asarray(2 * real * np.exp(-2j * np.pi * carrier / transmit.rate_Hz * ticks), np.complex128)


def pulse_error(pulse: Complex[np.ndarray, " n"], brief: SpectrometerBrief, seed: int = 0) -> float:
    """Root mean square of what is added to a pulse, in parts of the pulse's, within the band of its raster.

    Both the played and the ideal pulse pass the same filter (a boxcar of one raster, four times).
    """
    ratio = raster_ticks(brief.transmit.raster_s, brief.transmit.rate_Hz, "RF raster")
    taps = cic_taps(4, ratio) / float(ratio) ** 4
    ideal = interpolated(pulse, brief.transmit.order, ratio)
    real = played_pulse(pulse, brief, np.random.default_rng(seed))
    kept = [np.convolve(part, taps) for part in (real - ideal, ideal)]
    return float(np.linalg.norm(kept[0]) / np.linalg.norm(kept[1]))


def transmit_oscillator(brief: SpectrometerBrief) -> Oscillator:
    """The transmitter's, on the converter's clock."""
    clock = brief.clock
    return Oscillator(
        clock_Hz=brief.transmit.rate_Hz, accumulator_bits=clock.accumulator_bits, phase_bits=clock.phase_bits
    )  # fmt: skip


def transmit_figures(brief: SpectrometerBrief, pulse_band_Hz: float = 10e3) -> dict[str, float]:
    """What is added to the carrier, for pulses of that bandwidth: levels in dB against it."""
    transmit, clock, carrier = brief.transmit, brief.clock, carrier_of(brief)
    band = 1 / transmit.raster_s
    ratio = raster_ticks(transmit.raster_s, transmit.rate_Hz, "RF raster")
    edge = pulse_band_Hz / 2 * transmit.raster_s
    image, own = np.abs(cic_response(np.array([1 - edge, edge]) / ratio, transmit.order, ratio)).tolist()
    oscillator = transmit_oscillator(brief)
    gain = budget.process_gain_dB(transmit.rate_Hz, band)
    turn = np.pi * carrier / transmit.rate_Hz
    return {
        "steps_dB": -budget.quantisation_dB(transmit.bits) - gain,
        "jitter_dB": -budget.jitter_dB(carrier, clock.jitter_s) - gain,
        "truncation_spur_dB": oscillator.spur_dBc,
        "interpolation_image_dB": 20 * float(np.log10(max(image / own, 1e-30))),
        "quadrature_image_dB": -image_rejection_dB(transmit.gain_error, transmit.phase_error_rad),
        "hold_droop_dB": 20 * float(np.log10(abs(np.sin(turn) / turn))),
        "resolution_Hz": oscillator.resolution_Hz,
        "phase_error_per_s_rad": 2 * np.pi * oscillator.resolution_Hz / 2,
    }
