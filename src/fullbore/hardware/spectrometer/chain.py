"""The whole receiver at the converter's own rate, in double precision: the slow truth beside the simulator's baseband model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Complex, Complex128, Float, Int

from fullbore.hardware.spectrometer.cic import cic_taps, filtered_and_decimated
from fullbore.hardware.spectrometer.machine import Spectrometer
from fullbore.hardware.spectrometer.oscillator import Retune, accumulated, wave

Envelope = Callable[[Float[np.ndarray, " n"]], Complex[np.ndarray, " n"]]
"""Complex amplitude at times in s, in parts of full scale: the carrier is Re(envelope exp(2 pi i carrier t))."""


def sampled(
    envelope: Envelope, made: Spectrometer, ticks: Int[np.ndarray, " n"], jitter: np.random.Generator | None = None
) -> tuple[Float[np.ndarray, " n"], int]:
    """What the converter gives of a carrier at these ticks, -1 to 1, and how many samples were beyond."""
    t = ticks / made.clock_Hz
    if jitter is not None:
        t = t + jitter.normal(0, made.jitter_s, len(t))
    real = (envelope(t) * np.exp(2j * np.pi * made.carrier_Hz * t)).real
    most = 2.0 ** (made.bits - 1)
    return np.clip(np.round(real * most), -most, most - 1) / most, int((np.abs(real) > 1).sum())


def ticks_for(made: Spectrometer, first_tick: int, samples: int, dwell_s: float) -> Int[np.ndarray, " n"]:
    """All ticks that samples at first_tick, first_tick + dwell, ... are made of: the filters' reach on either side."""
    dwell, delay = made.cic_decimation(dwell_s) * made.decimation, made.delay_ticks(dwell_s)
    return np.arange(first_tick - delay, first_tick + (samples - 1) * dwell + delay + 1)


def received(
    converted: Float[np.ndarray, " n"], made: Spectrometer, first_tick: int, dwell_s: float
) -> Complex128[np.ndarray, " m"]:
    """Mixed down by the oscillator, filtered and decimated; sample k is of the time (first_tick + k dwell), delays undone.

    converted: at `ticks_for(...)`.
    """
    cic = made.cic_decimation(dwell_s)
    ticks = first_tick - made.delay_ticks(dwell_s) + np.arange(len(converted))
    oscillator = made.oscillator
    phase = accumulated(oscillator, (Retune(tick=int(ticks[0]), word=oscillator.word(made.carrier_Hz)),), ticks)
    base = 2 * converted * np.conj(wave(oscillator, phase))
    slow = filtered_and_decimated(base, cic_taps(made.cic_order, cic) / float(cic) ** made.cic_order, cic)
    return np.asarray(filtered_and_decimated(slow, np.array(made.taps), made.decimation), np.complex128)
