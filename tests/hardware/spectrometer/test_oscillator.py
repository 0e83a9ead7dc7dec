# TRUTHS of oscillators: steps of clock / 2^N, the word within half of one | a run is the word times the tick, modulo 2^N,
#   after years too | coherent: away and back is as if never away, whatever came between | continuous: no jump at any
#   switch, and back again the phase has moved by (other - own) ticks | a phase event turns by itself | cutting off the
#   phase: spurs at -6.02 dB a bit | bad events are refused
from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullbore.errors import ValueRangeError
from fullbore.hardware.spectrometer.oscillator import COHERENT, CONTINUOUS, Oscillator, Retune, accumulated, wave

NCO = Oscillator(clock_Hz=100e6)
SIZE = 2**NCO.accumulator_bits
words = st.integers(0, SIZE - 1)
events = st.lists(st.tuples(st.integers(0, 10**12), words), min_size=1, max_size=8)


def exact(event: Retune, tick: int) -> int:
    return (event.word * tick + event.phase) % SIZE


def at(listed, tick, mode):
    return int(accumulated(NCO, tuple(listed), np.array([tick]), mode)[0])


@given(st.floats(0, 100e6, exclude_max=True))
def test_resolution(frequency):
    assert NCO.resolution_Hz == 100e6 / 2**48
    off = abs(NCO.frequency_Hz(NCO.word(frequency)) - frequency)
    assert min(off, 100e6 - off) <= NCO.resolution_Hz / 2 + 2e-8  # doubles near 100 MHz are 1.5e-8 Hz apart


@given(words, st.integers(0, 10**16), st.integers(0, SIZE - 1))
def test_a_run_is_exact_after_years(word, tick, phase):
    event = Retune(tick=0, word=word, phase=phase)
    assert at([event], tick, COHERENT) == at([event], tick, CONTINUOUS) == exact(event, tick)


@given(words, events, st.integers(1, 10**12))
def test_coherent_away_and_back(word, between, last):
    """Any list of other frequencies in between leaves no trace."""
    listed = sorted([Retune(tick=t, word=w) for t, w in between], key=lambda e: e.tick)
    back = Retune(tick=listed[-1].tick + last, word=word)
    tick = back.tick + last
    assert at([Retune(tick=0, word=word), *listed, back], tick, COHERENT) == exact(Retune(tick=0, word=word), tick)


@given(events)
def test_continuous_never_jumps(steps):
    """At each switch the phase has gone on by the word before it; in between by its own."""
    listed = sorted([Retune(tick=t, word=w) for t, w in dict(steps).items()], key=lambda e: e.tick)
    for before, after in pairwise(listed):
        moved = (at(listed, after.tick, CONTINUOUS) - at(listed, after.tick - 1, CONTINUOUS)) % SIZE
        assert moved == before.word
    assert (at(listed, listed[-1].tick + 1, CONTINUOUS) - at(listed, listed[-1].tick, CONTINUOUS)) % SIZE == listed[-1].word


@given(words, words, st.integers(1, 10**9), st.integers(1, 10**9))
def test_continuous_away_and_back_moves_by_the_difference(own, other, start, span):
    listed = [Retune(tick=0, word=own), Retune(tick=start, word=other), Retune(tick=start + span, word=own)]
    tick = start + span + 7
    got = (at(listed, tick, CONTINUOUS) - exact(listed[0], tick)) % SIZE
    assert got == (other - own) * span % SIZE


def test_a_phase_event_turns_by_itself():
    ticks, word = np.arange(100), NCO.word(27.7e6)
    plain, turned = (accumulated(NCO, (Retune(tick=0, word=word, phase=p),), ticks) for p in (0, SIZE // 4))
    np.testing.assert_allclose(wave(NCO, turned), 1j * wave(NCO, plain), atol=1e-12)


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_spurs_of_truncation(bits):
    """The worst word: whose cut part is a half, so that the phase's error alternates and makes one line."""
    nco, count = Oscillator(clock_Hz=1.0, accumulator_bits=24, phase_bits=bits), 2**14
    word = (2**24 // 64) * 5 + 2 ** (23 - bits)
    phase = accumulated(nco, (Retune(tick=0, word=word),), np.arange(count))
    lines = 20 * np.log10(np.abs(np.fft.fft(wave(nco, phase)) / count) + 1e-12)
    own = int(np.argmax(lines))
    spur = np.delete(lines, own).max() - lines[own]
    assert spur == pytest.approx(nco.spur_dBc + 20 * np.log10(np.pi / 2), abs=0.1)  # pi / 2 for a half; small angles


def test_bad_events_are_refused():
    with pytest.raises(ValueRangeError, match="in order"):
        accumulated(NCO, (Retune(tick=5, word=1), Retune(tick=3, word=1)), np.array([9]))
    with pytest.raises(ValueRangeError, match="none before"):
        accumulated(NCO, (Retune(tick=5, word=1),), np.array([4]))
    with pytest.raises(ValueRangeError, match="mode"):
        accumulated(NCO, (Retune(tick=5, word=1),), np.array([5]), "sideways")
    with pytest.raises(ValueRangeError, match="phase_bits"):
        Oscillator(clock_Hz=1.0, accumulator_bits=12, phase_bits=16)
