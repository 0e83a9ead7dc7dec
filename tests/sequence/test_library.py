# TRUTHS of every sequence in the library: k-space integrated from the gradients = the Encoding, to 1e-6 of its extent | labels
#   in the .seq, read by Fullbore and by PyPulseq, = the Encoding's counters | amplitude and slew inside limits, block edges too |
#   RF and ADC keep their dead times and rasters | nothing that safety forbids | same protocol, same sequence | a tilted
#   prescription turns k-space and nothing else | one last readout | TE is where the row says

from __future__ import annotations

from dataclasses import fields
from functools import cache
from pathlib import Path

import numpy as np
import pypulseq
import pytest

from fullbore.clinical.library import sequence_protocol
from fullbore.data import AcquisitionFlag, Sequence, Subject
from fullbore.files import read_pulseq, write_pulseq
from fullbore.files.pulseq_labels import LABELS
from fullbore.hardware import Brief, design
from fullbore.safety import check
from fullbore.sequence import SEQUENCES, build, parse_protocol
from tests.sequence.reference import LIMITS, pulse_times, sample_times, trajectory, waveform

OWN_TESTS = ("inversion_recovery_spin_echo", "mprage", "spin_echo_train_2d", "spoiled_gre_3d")
"""Sequences of the brain exam, which test_exam_sequences holds to more."""
ECHO_ELSEWHERE: tuple[str, ...] = ()
"""Sequences whose rows' echo time is not that of their centre sample: each with its reason beside it."""


@cache
def built(name: str, **changes: object) -> Sequence:
    table = sequence_protocol(name)
    table["quick"] = {**table.get("quick", {}), **changes}
    return build(parse_protocol(table, quick=True), LIMITS)


@pytest.fixture(scope="module", params=sorted(SEQUENCES))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def sequence(name: str) -> Sequence:
    return built(name)


def test_integrated_k_space_is_the_encoding(sequence: Sequence) -> None:
    nominal, played = sequence.encoding.trajectory_per_m(), trajectory(sequence)
    known = np.isfinite(played)
    assert np.abs(played - nominal)[known].max() <= 1e-6 * max(np.abs(nominal).max(), 1.0)


def test_without_dummies_all_else_is_played(name: str, sequence: Sequence) -> None:
    protocol = parse_protocol(sequence_protocol(name), quick=True)
    dummies = [field.name for field in fields(protocol) if field.name.startswith("dummy_")]
    if not dummies:
        pytest.skip("plays none")
    without = built(name, **dict.fromkeys(dummies, 0))
    assert without.encoding.rows == sequence.encoding.rows
    assert without.total_duration_s <= sequence.total_duration_s


def test_row_echo_time_is_the_centre_sample(name: str, sequence: Sequence) -> None:
    if name in ECHO_ELSEWHERE:
        pytest.skip("said in ECHO_ELSEWHERE")
    encoding = sequence.encoding
    stated = np.isfinite(encoding.echo_time_s) & (encoding.samples_per_row() == encoding.samples)
    centre = sample_times(sequence)[:, encoding.centre_sample]
    times, uses = pulse_times(sequence)
    excited = times[np.isin(uses, ("e",))]
    since = centre - excited[np.searchsorted(excited, centre) - 1]
    # the middle of a dwell time may lie beside the echo by half of one
    assert np.abs(since - encoding.echo_time_s)[stated].max(initial=0.0) < encoding.dwell_s / 2 + 1e-9


def test_amplitude_and_slew_are_inside(sequence: Sequence) -> None:
    for axis in range(3):
        times, values = waveform(sequence, axis)
        gap = np.diff(times)
        together = gap < 1e-9
        assert np.abs(values).max() <= LIMITS.gradient_T_per_m * (1 + 1e-9)
        assert np.all(np.abs(np.diff(values))[together] < 1e-9 * LIMITS.gradient_T_per_m)
        assert (np.abs(np.diff(values))[~together] / gap[~together]).max(initial=0.0) <= LIMITS.slew_T_per_m_s * (1 + 1e-6)


def test_nothing_is_forbidden(sequence: Sequence) -> None:
    subject = Subject(identifier="test", name="Test", mass_kg=75.0, height_m=1.75)
    verdict = check(sequence, design(Brief()), subject, mode="first_level")
    assert verdict.allowed, "\n".join(str(finding) for finding in verdict.refusals)


def test_labels_come_back(sequence: Sequence, tmp_path: Path) -> None:
    path = tmp_path / "written.seq"
    write_pulseq(sequence, path)
    again = read_pulseq(path)
    assert np.array_equal(again.encoding.counters, sequence.encoding.counters)
    assert again.total_duration_s == pytest.approx(sequence.total_duration_s, rel=1e-9)
    assert np.array_equal(again.adc >= 0, sequence.adc >= 0)


def test_pypulseq_reads_it(sequence: Sequence, tmp_path: Path) -> None:
    path = tmp_path / "written.seq"
    write_pulseq(sequence, path)
    peer = pypulseq.Sequence()
    peer.read(str(path))
    assert peer.duration()[0] == pytest.approx(sequence.total_duration_s, rel=1e-9)
    labels = peer.evaluate_labels(evolution="adc")
    for counter, label in LABELS.items():
        column = sequence.encoding.counter(counter)
        if column.any():
            assert np.array_equal(np.asarray(labels[label]).astype(int), column), counter


def test_dead_times_and_rasters(sequence: Sequence) -> None:
    length = sequence.duration_s + 1e-12
    for block in np.flatnonzero(sequence.rf >= 0):
        pulse = sequence.rf_pulses[sequence.rf[block]]
        assert pulse.delay_s >= LIMITS.rf_dead_time_s - 1e-12
        assert pulse.delay_s + pulse.duration_s + LIMITS.rf_ringdown_time_s <= length[block]
        assert np.abs(pulse.b1_T).max() <= LIMITS.b1_peak_T * (1 + 1e-9)
    for block in np.flatnonzero(sequence.adc >= 0):
        adc = sequence.adcs[sequence.adc[block]]
        assert adc.delay_s >= LIMITS.adc_dead_time_s - 1e-12
        assert adc.delay_s + adc.samples * adc.dwell_s + LIMITS.adc_dead_time_s <= length[block]
    steps = sequence.duration_s / LIMITS.block_raster_s
    assert np.abs(steps - np.round(steps)).max() < 1e-6


def test_one_last_readout(sequence: Sequence) -> None:
    last = np.flatnonzero(sequence.encoding.flags & np.uint64(AcquisitionFlag.LAST_IN_MEASUREMENT))
    assert last.tolist() == [sequence.encoding.rows - 1]


def test_same_protocol_same_sequence(name: str, sequence: Sequence) -> None:
    again = build(parse_protocol(sequence_protocol(name), quick=True), LIMITS)
    for column in ("duration_s", "rf", "rf_phase_rad", "gradient", "gradient_scale", "adc"):
        assert np.array_equal(getattr(sequence, column), getattr(again, column))
    assert np.array_equal(sequence.encoding.counters, again.encoding.counters)


def test_a_tilt_turns_k_space(name: str, sequence: Sequence) -> None:
    if "tilt" not in {item.name for item in fields(SEQUENCES[name].protocol)}:
        pytest.skip("its protocol has no tilt")
    tilted = built(name, tilt=("10 deg", "-20 deg", "5 deg"), gradient_mode="whisper")
    plain = built(name, gradient_mode="whisper")
    nominal, played = tilted.encoding.trajectory_per_m(), trajectory(tilted)
    known = np.isfinite(played)
    assert np.abs(played - nominal)[known].max() <= 1e-6 * max(np.abs(nominal).max(), 1.0)
    frames = [np.stack([g.read, g.phase, g.slice]) for g in (tilted.encoding.geometry, plain.encoding.geometry)]
    straight = plain.encoding.trajectory_per_m()
    assert np.abs(nominal @ frames[0].T - straight @ frames[1].T).max() <= 1e-6 * max(np.abs(straight).max(), 1.0)
