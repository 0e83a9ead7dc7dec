"""Numerically controlled oscillators: a phase accumulator of N bits, exact in whole numbers.

Switching is phase-coherent when each frequency's phase is counted from one common tick 0, as if its oscillator had run all the
time (away and back again, the phase is what it would have been); phase-continuous when the accumulator goes on from where it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Complex, Float, Int

from fullbore.errors import ValueRangeError

COHERENT, CONTINUOUS = "coherent", "continuous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Oscillator:
    """accumulator_bits: of the phase. phase_bits: of them, those that address the table of sines, the others are cut off."""

    clock_Hz: float
    accumulator_bits: int = 48
    phase_bits: int = 18

    def __post_init__(self) -> None:
        if not 1 <= self.phase_bits <= self.accumulator_bits <= 62 or not self.clock_Hz > 0:
            got = (self.phase_bits, self.accumulator_bits, self.clock_Hz)
            raise ValueRangeError(
                f"Oscillator.phase_bits, accumulator_bits, clock_Hz: got {got}, wanted 1 <= phase <= 62 bits, > 0."
            )

    @property
    def resolution_Hz(self) -> float:
        """The least step of frequency: clock / 2^N."""
        return self.clock_Hz / 2.0**self.accumulator_bits

    @property
    def spur_dBc(self) -> float:
        """The largest line that cutting off the phase makes: -6.02 dB for each bit that is kept (Nicholas and Samueli 1987)."""
        return -20 * float(np.log10(2.0)) * self.phase_bits

    def word(self, frequency_Hz: float) -> int:
        """Tuning word of the nearest frequency, modulo the clock."""
        return round(frequency_Hz / self.clock_Hz * 2**self.accumulator_bits) % 2**self.accumulator_bits

    def frequency_Hz(self, word: int) -> float:
        """The frequency that a word makes, from 0 to the clock's."""
        return word * self.clock_Hz / 2.0**self.accumulator_bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Retune:
    """From `tick` on: another word, and a phase (of 2^N) added to the accumulator's."""

    tick: int
    word: int
    phase: int = 0


def accumulated(
    oscillator: Oscillator, events: tuple[Retune, ...], ticks: Int[np.ndarray, " n"], mode: str = COHERENT
) -> Int[np.ndarray, " n"]:
    """The accumulator (0 to 2^N - 1) at these ticks, all at or after the first event; exact for any length of time.

    Errors: ValueRangeError for an unknown mode, events that are out of order, or ticks before the first.
    """
    starts = [event.tick for event in events]
    if mode not in (COHERENT, CONTINUOUS) or not events or starts != sorted(starts):
        raise ValueRangeError(f"accumulated: mode {mode!r}, events at {starts}: wanted {COHERENT} or {CONTINUOUS}, in order.")
    if len(ticks) and int(ticks.min()) < starts[0]:
        raise ValueRangeError(f"accumulated: tick {int(ticks.min())}, wanted none before the first event's, {starts[0]}.")
    size, offsets = 2**oscillator.accumulator_bits, [0 if mode == COHERENT else -starts[0] * events[0].word]
    for before, after in pairwise(events):
        offsets.append(0 if mode == COHERENT else offsets[-1] + after.tick * (before.word - after.word))
    active = np.searchsorted(np.array(starts), ticks, side="right") - 1
    words = np.array([event.word % size for event in events], np.uint64)
    added = np.array([(offset + event.phase) % size for offset, event in zip(offsets, events, strict=True)], np.uint64)
    # Products wrap modulo 2^64, of which 2^N is a divisor: the low bits are exact.
    phase = words[active] * ticks.astype(np.int64).view(np.uint64) + added[active]
    return np.asarray((phase & np.uint64(size - 1)).astype(np.int64))


def wave(oscillator: Oscillator, phase: Int[np.ndarray, " n"]) -> Complex[np.ndarray, " n"]:
    """exp(i phase) as the table of sines gives it: the phase's lowest bits cut off, amplitudes exact."""
    return np.asarray(np.exp(1j * table_phase_rad(oscillator, phase)))


def table_phase_rad(oscillator: Oscillator, phase: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """The phase that addresses the table of sines, whose entries lie in the middle of what is cut off: no phase in the mean."""
    cut = oscillator.accumulator_bits - oscillator.phase_bits
    middle = 0.5 if cut else 0.0
    return np.asarray(((phase >> cut) + middle) * (2 * np.pi / 2.0**oscillator.phase_bits))
