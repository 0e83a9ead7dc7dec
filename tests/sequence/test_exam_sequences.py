# TRUTHS of all four sequences: k-space integrated from the gradients = the Encoding, to 1e-6 of its extent | k = 0 sample at TE |
#   amplitude and slew inside limits, block edges included | no gradient under a non-selective pulse | RF and ADC keep their dead
#   times | every block on the raster | flags: one end, calibration where it is said | same protocol, same sequence | orientation
#   turns k-space and nothing else | a preset's odd floats (9.999e-06) change nothing

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import AcquisitionFlag, Sequence
from fullbore.sequence import build
from tests.sequence.reference import LIMITS, NAMES, built, protocol, pulse_times, sample_times, small, trajectory, waveform


@pytest.fixture(scope="module", params=NAMES)
def sequence(request: pytest.FixtureRequest) -> Sequence:
    return built(request.param)


def test_integrated_k_space_is_the_encoding(sequence: Sequence) -> None:
    nominal = sequence.encoding.trajectory_per_m()
    assert np.abs(trajectory(sequence) - nominal).max() < 1e-6 * np.abs(nominal).max()


def test_centre_sample_is_at_the_echo_time(sequence: Sequence) -> None:
    centre = sample_times(sequence)[:, sequence.encoding.centre_sample]
    times, uses = pulse_times(sequence)
    excited = times[uses == "e"]
    since = centre - excited[np.searchsorted(excited, centre) - 1]
    assert np.abs(since - sequence.encoding.echo_time_s).max() < 1e-9


def test_amplitude_and_slew_are_inside(sequence: Sequence) -> None:
    for axis in range(3):
        times, values = waveform(sequence, axis)
        gap = np.diff(times)
        together = gap < 1e-9
        assert np.abs(values).max() <= LIMITS.gradient_T_per_m * (1 + 1e-9)
        assert np.all(np.abs(np.diff(values))[together] < 1e-12)
        assert (np.abs(np.diff(values))[~together] / gap[~together]).max() <= LIMITS.slew_T_per_m_s * (1 + 1e-6)


def test_dead_times(sequence: Sequence) -> None:
    for block in np.flatnonzero((sequence.rf >= 0) | (sequence.adc >= 0)):
        length = sequence.duration_s[block] + 1e-12
        if sequence.rf[block] >= 0:
            pulse = sequence.rf_pulses[sequence.rf[block]]
            assert pulse.delay_s >= LIMITS.rf_dead_time_s - 1e-12
            assert pulse.delay_s + pulse.duration_s + LIMITS.rf_ringdown_time_s <= length
        if sequence.adc[block] >= 0:
            adc = sequence.adcs[sequence.adc[block]]
            assert adc.delay_s >= LIMITS.adc_dead_time_s - 1e-12
            assert adc.delay_s + adc.samples * adc.dwell_s + LIMITS.adc_dead_time_s <= length
            assert adc.samples == sequence.encoding.samples
            assert round(adc.delay_s * 1e6) == pytest.approx(adc.delay_s * 1e6, abs=1e-6)


def test_blocks_are_on_the_raster(sequence: Sequence) -> None:
    steps = sequence.duration_s / LIMITS.block_raster_s
    assert np.abs(steps - np.round(steps)).max() < 1e-6
    for shape in sequence.gradients:
        assert np.abs(shape.times_s * 1e5 - np.round(shape.times_s * 1e5)).max() < 1e-6


def test_scales_do_not_exceed_one(sequence: Sequence) -> None:
    assert np.abs(sequence.gradient_scale).max() <= 1 + 1e-12


def test_flags(sequence: Sequence) -> None:
    encoding = sequence.encoding
    flags = encoding.flags
    assert np.flatnonzero(flags & np.uint64(AcquisitionFlag.LAST_IN_MEASUREMENT)).tolist() == [encoding.rows - 1]
    firsts = (flags & np.uint64(AcquisitionFlag.FIRST_IN_SLICE) != 0).sum()
    lasts = (flags & np.uint64(AcquisitionFlag.LAST_IN_SLICE) != 0).sum()
    images = len({tuple(row) for row in encoding.counters[:, [2, 3, 4, 5, 6]]})
    assert firsts == lasts == images
    (l0, l1), (p0, p1) = encoding.calibration
    line, partition = encoding.counter("line"), encoding.counter("partition")
    inside = (line >= l0) & (line < l1) & (partition >= p0) & (partition < p1)
    assert np.array_equal(inside, flags & np.uint64(AcquisitionFlag.CALIBRATION_AND_IMAGING) != 0)
    measured = {(int(a), int(b)) for a, b in zip(line[inside], partition[inside], strict=True)}
    assert measured == {(a, b) for a in range(l0, l1) for b in range(p0, p1)}


def test_adc_phase_follows_the_excitation(sequence: Sequence) -> None:
    excited = np.where(
        [index >= 0 and sequence.rf_pulses[index].use == "e" for index in sequence.rf], np.arange(sequence.blocks), -1
    )
    last = np.maximum.accumulate(excited)
    rows = np.flatnonzero(sequence.adc >= 0)
    pulses = [sequence.rf_pulses[i] for i in sequence.rf[last[rows]]]
    turn = 2 * np.pi * sequence.rf_frequency_Hz[last[rows]] * np.array([p.centre_s for p in pulses])
    difference = sequence.adc_phase_rad[rows] - sequence.rf_phase_rad[last[rows]] - turn
    assert np.abs(np.exp(1j * difference) - 1).max() < 1e-9


@pytest.mark.parametrize("name", NAMES)
def test_same_protocol_same_sequence(name: str) -> None:
    first, second = built(name), build(small(name), LIMITS)
    for column in ("duration_s", "rf", "rf_phase_rad", "gradient", "gradient_scale", "adc"):
        assert np.array_equal(getattr(first, column), getattr(second, column))
    assert np.array_equal(first.encoding.counters, second.encoding.counters)


@pytest.mark.parametrize("orientation", ["axial", "sagittal", "coronal"])
def test_orientation_turns_k_space(orientation: str) -> None:
    sequence = build(protocol("t2_tse", orientation=orientation), LIMITS)
    frame = sequence.encoding.geometry
    assert np.allclose(np.cross(frame.read, frame.phase), frame.slice)
    nominal = sequence.encoding.trajectory_per_m()
    assert np.abs(trajectory(sequence) - nominal).max() < 1e-6 * np.abs(nominal).max()
    assert np.ptp(nominal @ frame.slice) == 0


def test_float_noise_in_the_limits_changes_nothing() -> None:
    noisy = replace(LIMITS, block_raster_s=9.999999999999999e-06, gradient_raster_s=9.999999999999999e-06)
    for name in NAMES:
        plain, other = built(name), build(small(name), noisy)
        assert np.allclose(plain.duration_s, other.duration_s, rtol=1e-12)
