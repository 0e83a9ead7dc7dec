# TRUTHS of the Pulseq writer, all against PyPulseq's reader: block durations identical | timing check passes | ADC k-space = the
#   Encoding to 1e-6 of its extent | labels = counters | RF amplitude, phase, frequency, centre, delay and shape | gradient
#   waveforms | version 1.4 reads like 1.5 | md5 signature | unique events only | compressed shapes decompress | nothing left
#   behind by a failure | fast

import hashlib
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pypulseq as pp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypulseq.decompress_shape import decompress_shape

from fullbore.data import Sequence
from fullbore.data.encoding import COUNTERS
from fullbore.data.sequence import SoftDelay
from fullbore.errors import FormatError, OutputError
from fullbore.files import read_pulseq
from fullbore.files.pulseq import write_pulseq
from fullbore.files.pulseq_labels import LABELS
from fullbore.files.pulseq_shapes import compressed
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence import build
from tests.sequence.reference import LIMITS, NAMES, protocol, waveform

SMALL: dict[str, dict[str, object]] = {
    "localizer": {"matrix": [16, 16, 8]},
    "t1_mprage": {"matrix": [16, 16, 16], "views_per_train": 32, "calibration": [4, 4]},
    "t2_tse": {"matrix": [32, 32], "slices": 3, "train_length": 10},
    "t1t2_map": {"matrix": [16, 16], "echoes": 6, "calibration_lines": 4, "inversion_times": ["60 ms", "500 ms"]},
}


def system() -> pp.Opts:
    return pp.Opts(
        max_grad=45,
        grad_unit="mT/m",
        max_slew=200,
        slew_unit="T/m/s",
        rf_dead_time=LIMITS.rf_dead_time_s,
        rf_ringdown_time=LIMITS.rf_ringdown_time_s,
        adc_dead_time=LIMITS.adc_dead_time_s,
        gamma=GYROMAGNETIC_RATIO_HZ_PER_T,
        B0=3.0,
    )


@pytest.fixture(scope="module", params=NAMES)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Sequence, pp.Sequence]:
    sequence = build(protocol(request.param, **SMALL[request.param]), LIMITS)
    path = tmp_path_factory.mktemp("seq") / f"{request.param}.seq"
    write_pulseq(sequence, path)
    read = pp.Sequence(system())
    read.read(str(path), remove_duplicates=False)  # its removal of duplicates rounds amplitudes to six digits
    return sequence, read


def test_timing(pair: tuple[Sequence, pp.Sequence]) -> None:
    sequence, read = pair
    assert np.array_equal(np.round(np.array(list(read.block_durations.values())) * 1e5), np.round(sequence.duration_s * 1e5))
    assert read.duration()[0] == pytest.approx(sequence.total_duration_s, abs=1e-9)
    passed, report = read.check_timing()
    assert passed, report[:3]


def test_k_space(pair: tuple[Sequence, pp.Sequence]) -> None:
    sequence, read = pair
    nominal = sequence.encoding.trajectory_per_m()
    k = read.calculate_kspace()[0].T.reshape(nominal.shape)
    assert np.abs(k - nominal).max() < 1e-6 * np.abs(nominal).max()


def test_gradient_waveforms(pair: tuple[Sequence, pp.Sequence]) -> None:
    sequence, read = pair
    for axis, (times, values) in enumerate(read.waveforms()):
        ours = waveform(sequence, axis)
        expected = np.interp(times, *ours) * GYROMAGNETIC_RATIO_HZ_PER_T
        assert np.abs(values - expected).max() < 1e-6 * np.abs(values).max()


def test_labels(pair: tuple[Sequence, pp.Sequence]) -> None:
    sequence, read = pair
    labels = read.evaluate_labels(evolution="adc")
    for name in COUNTERS:
        counter = sequence.encoding.counter(name)
        assert np.array_equal(labels.get(LABELS[name], np.zeros_like(counter)), counter)
    calibrating = sequence.encoding.flags & np.uint64(1 << 20) != 0
    assert np.array_equal(labels.get("IMA", np.zeros(len(calibrating))), calibrating)


def test_rf_and_adc(pair: tuple[Sequence, pp.Sequence]) -> None:
    sequence, read = pair
    for block in range(min(sequence.blocks, 400)):
        theirs = read.get_block(block + 1)
        if sequence.rf[block] >= 0:
            pulse = sequence.rf_pulses[sequence.rf[block]]
            shape = np.repeat(pulse.b1_T, round(pulse.raster_s / 1e-6)) * GYROMAGNETIC_RATIO_HZ_PER_T
            assert np.abs(theirs.rf.signal - shape).max() < 1e-6 * np.abs(shape).max()
            assert theirs.rf.phase_offset == pytest.approx(sequence.rf_phase_rad[block], abs=1e-9)
            assert theirs.rf.freq_offset == pytest.approx(sequence.rf_frequency_Hz[block], rel=1e-9, abs=1e-9)
            assert theirs.rf.center == pytest.approx(pulse.centre_s, abs=1e-12)
            assert theirs.rf.delay == pytest.approx(pulse.delay_s, abs=1e-12)
            assert theirs.rf.use[0] == pulse.use
        if sequence.adc[block] >= 0:
            adc = sequence.adcs[sequence.adc[block]]
            assert theirs.adc.num_samples == adc.samples
            assert theirs.adc.dwell == pytest.approx(adc.dwell_s, abs=1e-14)
            assert theirs.adc.phase_offset == pytest.approx(sequence.adc_phase_rad[block], abs=1e-9)


def test_plain_read_keeps_k_space_to_its_six_digits(tmp_path: Path) -> None:
    sequence = build(protocol("t2_tse", **SMALL["t2_tse"]), LIMITS)
    write_pulseq(sequence, tmp_path / "a.seq")
    read = pp.Sequence(system())
    read.read(str(tmp_path / "a.seq"))
    nominal = sequence.encoding.trajectory_per_m()
    k = read.calculate_kspace()[0].T.reshape(nominal.shape)
    assert np.abs(k - nominal).max() < 1e-4 * np.abs(nominal).max()
    assert read.definitions["Name"] == "t2_tse"


@pytest.mark.parametrize("name", ["t1_mprage", "t2_tse"])
def test_version_1_4_reads_like_1_5(name: str, tmp_path: Path) -> None:
    sequence = build(protocol(name, **SMALL[name]), LIMITS)
    read: list[pp.Sequence] = []
    for version in ("1.5", "1.4"):
        path = tmp_path / f"{version}.seq"
        write_pulseq(sequence, path, version=version)
        read.append(pp.Sequence(system()))
        read[-1].read(str(path), remove_duplicates=False)
    assert "minor 4" in path.read_text()
    assert read[0].block_durations == read[1].block_durations
    for mine, older in zip(*(peer.waveforms() for peer in read), strict=True):
        assert np.abs(mine - older).max(initial=0.0) < 1e-9 * max(np.abs(mine).max(initial=0.0), 1.0)
    labels = [peer.evaluate_labels(evolution="adc") for peer in read]
    assert all(np.array_equal(labels[1][label], values) for label, values in labels[0].items())
    first = [next(peer.get_block(n + 1).rf for n in np.flatnonzero(sequence.rf >= 0).tolist()) for peer in read]
    for name_ in ("delay", "freq_offset", "phase_offset", "signal"):
        assert np.array_equal(getattr(first[0], name_), getattr(first[1], name_)), name_
    back = read_pulseq(path)
    nominal = sequence.encoding.trajectory_per_m()
    assert np.abs(back.encoding.trajectory_per_m() - nominal).max() < 1e-6 * np.abs(nominal).max()


def test_version_1_4_has_no_soft_delays(tmp_path: Path) -> None:
    sequence = build(protocol("localizer", **SMALL["localizer"]), LIMITS)
    delay = SoftDelay(block=0, number=1, offset_s=0.0, factor=1.0, hint="TE")
    with pytest.raises(FormatError, match=r"soft delays, which version 1\.4"):
        write_pulseq(replace(sequence, soft_delays=(delay,)), tmp_path / "a.seq", version="1.4")


def test_signature(tmp_path: Path) -> None:
    write_pulseq(build(protocol("localizer", **SMALL["localizer"]), LIMITS), tmp_path / "a.seq")
    text = (tmp_path / "a.seq").read_bytes()
    signed, signature = text.split(b"\n[SIGNATURE]\n")
    assert hashlib.md5(signed, usedforsecurity=False).hexdigest().encode() in signature


def test_events_are_written_once(tmp_path: Path) -> None:
    write_pulseq(build(protocol("localizer"), LIMITS), tmp_path / "a.seq")
    text = (tmp_path / "a.seq").read_text()
    rf = text.split("\n[RF]\n")[1].split("\n\n")[0].splitlines()
    traps = text.split("\n[TRAP]\n")[1].split("\n\n")[0].splitlines()
    assert len(rf) == len({line.split(" ", 1)[1] for line in rf}) <= 40
    assert len(traps) == len({line.split(" ", 1)[1] for line in traps}) < 2 * (48 + 40) + 10


def test_the_full_exam_is_quick_to_build_and_write(tmp_path: Path) -> None:
    start = time.perf_counter()
    for name in NAMES:
        write_pulseq(build(protocol(name, quick=False), LIMITS), tmp_path / f"{name}.seq")
    assert time.perf_counter() - start < 6.0


@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, -0.7, 0.1234567]), min_size=1, max_size=60))
def test_shapes_decompress(values: list[float]) -> None:
    samples = np.array(values)
    stored = compressed(samples)
    assert len(stored) <= max(len(samples), 4)
    back = decompress_shape(type("Shape", (), {"num_samples": len(samples), "data": stored})())
    assert np.abs(back - samples).max() < 1e-7


def test_corners_far_apart_keep_their_moment() -> None:
    samples = np.sin(np.linspace(0, 3, 50)) ** 2
    samples[10:30] = samples[10]
    for spacing in (1.0, 100.0):
        stored = compressed(samples, spacing)
        back = decompress_shape(type("Shape", (), {"num_samples": len(samples), "data": stored})())
        assert spacing * np.abs(np.cumsum(back - samples)).max() <= 1e-6
    assert len(compressed(samples)) < len(samples) == len(stored)


def test_off_raster_is_a_format_error_and_leaves_nothing(tmp_path: Path) -> None:
    sequence = build(protocol("localizer", **SMALL["localizer"]), LIMITS)
    duration = sequence.duration_s.copy()
    duration[3] += 3e-6
    with pytest.raises(FormatError, match="block 4 of localizer"):
        write_pulseq(replace(sequence, duration_s=duration), tmp_path / "a.seq")
    with pytest.raises(OutputError):
        write_pulseq(sequence, tmp_path / "missing" / "a.seq")
    assert list(tmp_path.iterdir()) == []
