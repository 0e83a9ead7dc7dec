# TRUTHS of planted faults: weak gradients are 2 % weaker and nothing else | a dead element hears nothing, the others as before |
#   pulses that hurry keep their peak and lose their area in proportion | lines turned by phi leave a ghost of tan(phi / 2) of the
#   object half a field of view away | a drift turns a gradient echo by what it gathers until the echo, a spin echo not at all |
#   the gate stays shut for a verdict on another sequence | unknown faults are refused
from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from fullbore import hardware, phantom, sequence
from fullbore.data import RawData, Subject
from fullbore.errors import LimitError, UsageError
from fullbore.scanner import FAULTS, FaultyScanner, VirtualScanner, faults_of
from fullbore.scanner.faults import DRIFT_HZ_PER_S, GHOST_PHASE_RAD, PULSE_LENGTH
from fullbore.sequence.gradient_echo import TimeOfFlight2d

SPEC = hardware.design(hardware.Brief())


def spin_echo():
    protocol = sequence.SpinEchoTrain2d(
        name="spin_echo", orientation="axial", fov=(0.25, 0.25), matrix=(16, 16), slices=1, slice_thickness=5e-3,
        repetition_time=0.5, echo_time=0.02, echo_spacing=0.02, train_length=1, refocusing_flip_angle=math.pi, bandwidth=150.0,
    )  # fmt: skip
    return sequence.build(protocol, SPEC.limits)


def gradient_echo():
    protocol = TimeOfFlight2d(
        name="gradient_echo", orientation="axial", fov=(0.25, 0.25), matrix=(16, 16), slice_thickness=5e-3, repetition_time=0.1,
        echo_time=0.012, flip_angle=1.0, bandwidth=100.0,
    )  # fmt: skip
    return sequence.build(protocol, SPEC.limits)


def ones(played) -> RawData:
    encoding = played.encoding
    return RawData(encoding=encoding, samples=np.ones((encoding.rows, 1, encoding.samples), np.complex64), b0_T=3.0)


def test_weak_gradients_are_weaker_and_nothing_else():
    asked = spin_echo()
    played = FAULTS["gradient-gain"].played(asked)
    assert np.allclose(played.gradient_scale, 0.98 * asked.gradient_scale, rtol=1e-12)
    assert replace(played, gradient_scale=asked.gradient_scale).encoding is asked.encoding


def test_a_dead_element_hears_nothing():
    dead = FAULTS["dead-coil"].machine(SPEC)
    silent = np.abs(dead.receive.sensitivity.values).max(axis=(1, 2, 3)) == 0
    assert silent.sum() == 1
    assert np.array_equal(dead.receive.sensitivity.values[~silent], SPEC.receive.sensitivity.values[~silent])
    assert np.array_equal(dead.receive.noise_covariance, SPEC.receive.noise_covariance)


def test_pulses_that_hurry_lose_area():
    asked = spin_echo()
    for before, after in zip(asked.rf_pulses, FAULTS["slice-profile"].played(asked).rf_pulses, strict=True):
        assert np.abs(after.b1_T).max() == pytest.approx(np.abs(before.b1_T).max(), rel=1e-3)
        # The shape is resampled on its raster of a microsecond.
        assert after.b1_T.sum() == pytest.approx(PULSE_LENGTH * before.b1_T.sum(), rel=1e-3)


def test_turned_lines_leave_a_ghost():
    asked = spin_echo()
    raw = FAULTS["ghosting"].received(ones(asked), asked, 0.0)
    order = np.argsort(raw.encoding.counter("line"))
    image = np.abs(np.fft.fft(raw.samples[order, 0, 0]))
    assert image[8] / image[0] == pytest.approx(math.tan(GHOST_PHASE_RAD / 2), rel=1e-5)
    assert np.delete(image, [0, 8]).max() < 1e-4


@pytest.mark.parametrize(("make", "free_s"), [(spin_echo, 0.0), (gradient_echo, 0.012)])
def test_a_drift_turns_what_is_free(make, free_s):
    asked, began_s = make(), 5.0
    raw = FAULTS["b0-drift"].received(ones(asked), asked, began_s)
    turned = -np.angle(raw.samples[0, 0, asked.encoding.centre_sample]) / (2 * np.pi)
    start_s = np.cumsum(asked.duration_s)[np.flatnonzero(asked.adc >= 0)[0] - 1]
    assert turned == pytest.approx(DRIFT_HZ_PER_S * (began_s + start_s) * free_s, abs=1e-6)


def test_the_gate_stays_shut():
    subject = Subject(identifier="x", name="x", mass_kg=75.0, height_m=1.75)
    machine = FaultyScanner(
        scanner=VirtualScanner(spec=SPEC, phantom=phantom.sphere(), subject=subject), faults=faults_of(["gradient-gain"])
    )
    with pytest.raises(LimitError, match="not on"):
        machine.acquire(gradient_echo(), machine.judge(spin_echo()))
    with pytest.raises(UsageError, match="wanted one of"):
        faults_of(["gremlins"])
