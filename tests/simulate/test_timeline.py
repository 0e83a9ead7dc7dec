# TRUTHS of the timeline: trajectory from waveforms = encoding of every sequence | moments of a trapezoid are exact
#   | no readout, a readout without a pulse before it, an ADC over an RF pulse are refused by name
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import Adc, Gradient
from fullbore.errors import UsageError, ValueRangeError
from fullbore.simulate import trajectory
from fullbore.simulate.timeline import compile_timeline
from tests.simulate.small import GRE, MPRAGE, TSE, built, machine

SPEC = machine()


@pytest.mark.parametrize("protocol", [GRE, MPRAGE, TSE], ids=lambda p: p["name"])
def test_trajectory_is_the_encoding(protocol):
    sequence = built(protocol, SPEC)
    nominal = sequence.encoding.trajectory_per_m()
    assert np.abs(trajectory(sequence) - nominal).max() < 1e-6 * np.ptp(nominal)


def test_moment_of_a_trapezoid():
    shape = Gradient(times_s=np.array([1e-3, 1.2e-3, 2.2e-3, 2.4e-3]), values_T_per_m=np.array([0, 0.02, 0.02, 0]))
    got = shape.area_until_T_s_per_m(np.array([0, 1.1e-3, 1.2e-3, 2.2e-3, 3e-3]))
    np.testing.assert_allclose(got, [0, 0.5e-6, 2e-6, 22e-6, 24e-6], atol=1e-15)


def test_refuses_a_sequence_without_readouts():
    sequence = built(GRE, SPEC)
    keep = {name: getattr(sequence.encoding, name)[:0] for name in (
        "counters", "flags", "k_first_per_m", "k_step_per_m", "echo_time_s", "inversion_time_s")}  # fmt: skip
    silent = replace(sequence, adc=np.full_like(sequence.adc, -1), encoding=replace(sequence.encoding, **keep))
    with pytest.raises(UsageError, match="no readouts"):
        compile_timeline(silent)


def test_refuses_a_sequence_without_pulses():
    sequence = built(GRE, SPEC)
    with pytest.raises(UsageError, match="no RF pulse"):
        compile_timeline(replace(sequence, rf=np.full_like(sequence.rf, -1)))


def test_refuses_an_adc_over_a_pulse():
    sequence = built(GRE, SPEC)
    block = int(np.flatnonzero(sequence.adc >= 0)[0])
    pulse, adc = sequence.rf.copy(), sequence.adcs[0]
    pulse[block] = 0
    early = Adc(samples=adc.samples, dwell_s=adc.dwell_s, delay_s=sequence.rf_pulses[0].delay_s)
    with pytest.raises(ValueRangeError, match=f"block {block}: the ADC"):
        compile_timeline(replace(sequence, rf=pulse, adcs=(early, *sequence.adcs[1:])))
