# TRUTHS of the Pulseq reader on real files, against PyPulseq's reader: total duration | block count | gradient waveforms | RF
#   amplitude, centre, phase and frequency | k-space of every sample to 1e-6 of its extent | labels = counters and flags |
#   one MPRAGE in seven revisions lasts 0.56922 s (0.57624 s in 1.2.0) | written again and read by PyPulseq, nothing changes

import warnings
from pathlib import Path

import numpy as np
import pypulseq as pp
import pytest

from fullbore.data import Sequence
from fullbore.data.encoding import COUNTERS, AcquisitionFlag
from fullbore.files import read_pulseq, write_pulseq
from fullbore.files.pulseq_labels import LABELS
from fullbore.files.pulseq_moments import course_of, positions_per_m
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T

FILES = (
    *(
        "epi_JEMRIS",
        "gre_JEMRIS",
        "radial_JEMRIS",
        "seq1",
        "seq2",
        "seq3",
        "seq4",
        "seq5",
        "seq6",
        "seq_adc_only",
        "seq_ext_only",
    ),
    *("seq_make_block_pulses", "seq_make_gauss_pulses", "seq_make_sinc_pulses", "seq_trap_only"),
    *(f"simple_mprage{revision}" for revision in (120, 130, 131, 140, 141, 142, 150)),
    *("write_epi", "write_epi_label", "write_epi_se", "write_epi_se_rs", "write_gre", "write_gre_label"),
    *("write_gre_label_softdelay", "write_haste", "write_mprage", "write_radial_gre", "write_tse", "write_ute"),
)


def by_pypulseq(path: Path, guess: bool) -> pp.Sequence:
    system = pp.Opts(gamma=GYROMAGNETIC_RATIO_HZ_PER_T, B0=3.0)
    sequence = pp.Sequence(system)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sequence.read(str(path), detect_rf_use=guess, remove_duplicates=False)
    return sequence


def sample_positions(sequence: Sequence) -> np.ndarray:
    """k of every sample, (3, all samples) in playing order."""
    course, blocks = course_of(sequence), np.flatnonzero(sequence.adc >= 0)
    parts = []
    for block in blocks:
        adc = sequence.adcs[sequence.adc[block]]
        times = adc.delay_s + (np.arange(adc.samples) + 0.5) * adc.dwell_s
        parts.append((int(sequence.adc[block]), times))
    result = [np.zeros((0, 3))] * len(blocks)
    for index, adc in enumerate(sequence.adcs):
        rows = np.flatnonzero(sequence.adc[blocks] == index)
        times = adc.delay_s + (np.arange(adc.samples) + 0.5) * adc.dwell_s
        for row, k in zip(rows, positions_per_m(course, blocks[rows], np.zeros(len(rows), int), times[None]), strict=True):
            result[row] = k
    return np.concatenate(result).T if result else np.zeros((3, 0))


def gradient_at(sequence: Sequence, axis: int, times_s: np.ndarray) -> np.ndarray:
    """Hz/m at times from the sequence's start."""
    starts = sequence.block_starts_s()
    block = np.searchsorted(starts, times_s, side="right") - 1
    result = np.zeros(len(times_s))
    for index in np.unique(sequence.gradient[block, axis]):
        if index >= 0:
            at = sequence.gradient[block, axis] == index
            shape, scale = sequence.gradients[index], sequence.gradient_scale[block[at], axis]
            inside = times_s[at] - starts[block[at]]
            result[at] = scale * np.interp(inside, shape.times_s, shape.values_T_per_m, left=0, right=0)
    return result * GYROMAGNETIC_RATIO_HZ_PER_T


@pytest.fixture(scope="module", params=FILES)
def pair(request: pytest.FixtureRequest, shared_data: Path) -> tuple[Sequence, pp.Sequence]:
    path = shared_data / "seq" / f"{request.param}.seq"
    if not path.is_file():
        pytest.skip(f"no {path}")
    ours = read_pulseq(path)
    return ours, by_pypulseq(path, guess="minor 5" not in path.read_text())


def check_timing(ours: Sequence, theirs: pp.Sequence) -> None:
    durations = np.array(list(theirs.block_durations.values()))
    assert ours.blocks == len(durations)
    np.testing.assert_allclose(ours.duration_s, durations, rtol=0, atol=1e-12)


def check_positions(ours: Sequence, theirs: pp.Sequence) -> None:
    wanted = theirs.calculate_kspace()[0] if len(ours.adcs) else np.zeros((3, 0))
    got = sample_positions(ours)
    assert got.shape == wanted.shape
    if wanted.size:
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-6 * max(np.abs(wanted).max(), 1.0))


def check_gradients(ours: Sequence, theirs: pp.Sequence) -> None:
    times = np.sort(np.random.default_rng(3).random(20000)) * ours.total_duration_s
    for axis, (knots, values) in enumerate(theirs.waveforms()[:3]):
        wanted = np.interp(times, knots, values, left=0, right=0) if len(knots) else np.zeros(len(times))
        largest = np.abs(values).max(initial=1.0)
        np.testing.assert_allclose(gradient_at(ours, axis, times), wanted, rtol=0, atol=1e-6 * largest)


def check_rf(ours: Sequence, theirs: pp.Sequence) -> None:
    for block in np.flatnonzero(ours.rf >= 0)[:200]:
        rf = theirs.get_block(int(list(theirs.block_events)[block])).rf
        pulse = ours.rf_pulses[ours.rf[block]]
        assert (pulse.delay_s, pulse.centre_s) == pytest.approx((rf.delay, rf.center), abs=1e-12)
        assert (ours.rf_frequency_Hz[block], ours.rf_phase_rad[block]) == pytest.approx((rf.freq_offset, rf.phase_offset))
        on_raster = np.allclose(rf.t, (np.arange(len(rf.t)) + 0.5) * 1e-6, rtol=0, atol=1e-12)
        area = rf.signal.sum() * 1e-6 if on_raster else np.trapezoid(rf.signal, rf.t)
        got = pulse.b1_T.sum() * pulse.raster_s * GYROMAGNETIC_RATIO_HZ_PER_T
        assert abs(got - area) <= 1e-9 * max(abs(area), 1e-3)
        assert pulse.flip_rad == pytest.approx(2 * np.pi * abs(area))


def test_timing(pair: tuple[Sequence, pp.Sequence]) -> None:
    check_timing(*pair)


def test_gradients(pair: tuple[Sequence, pp.Sequence]) -> None:
    check_gradients(*pair)


def test_rf(pair: tuple[Sequence, pp.Sequence]) -> None:
    check_rf(*pair)


def test_k_space(pair: tuple[Sequence, pp.Sequence]) -> None:
    check_positions(*pair)


def test_readouts(pair: tuple[Sequence, pp.Sequence]) -> None:
    ours, theirs = pair
    wanted = theirs.adc_times()
    starts = ours.block_starts_s()
    blocks = np.flatnonzero(ours.adc >= 0)
    adcs = [ours.adcs[index] for index in ours.adc[blocks]]
    times = [starts[b] + a.delay_s + (np.arange(a.samples) + 0.5) * a.dwell_s for b, a in zip(blocks, adcs, strict=True)]
    np.testing.assert_allclose(np.concatenate([*times, []]), wanted[0], rtol=0, atol=1e-9)
    offsets = np.stack([ours.adc_frequency_Hz[blocks], ours.adc_phase_rad[blocks]], axis=1)
    np.testing.assert_allclose(offsets, wanted[1], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(ours.encoding.samples_per_row(), [a.samples for a in adcs])
    np.testing.assert_array_equal(ours.encoding.dwell_per_row_s(), [a.dwell_s for a in adcs])


def test_the_encoding_holds_every_sample(pair: tuple[Sequence, pp.Sequence]) -> None:
    encoding, k = pair[0].encoding, sample_positions(pair[0]).T
    there = np.arange(encoding.samples) < encoding.samples_per_row()[:, None]
    if encoding.rows:
        extent = 1e-6 * np.abs(k).max() + 1e-9
        np.testing.assert_allclose(encoding.trajectory_per_m()[there], k, rtol=0, atol=extent)


def test_labels(pair: tuple[Sequence, pp.Sequence]) -> None:
    ours, theirs = pair
    encoding = ours.encoding
    wanted = {} if not len(ours.adcs) else {k: v for k, v in theirs.evaluate_labels(evolution="adc").items()}
    flags = {"NAV": AcquisitionFlag.NAVIGATION, "REV": AcquisitionFlag.REVERSE, "NOISE": AcquisitionFlag.NOISE}
    counters = {LABELS[name]: encoding.counter(name) for name in COUNTERS}
    for name, values in wanted.items():
        if name in counters:
            np.testing.assert_array_equal(counters[name], values)
        elif name in flags:
            np.testing.assert_array_equal((encoding.flags & np.uint64(flags[name])) != 0, values != 0)
        else:
            np.testing.assert_array_equal(encoding.labels[name], values)


def test_written_again_nothing_changes(pair: tuple[Sequence, pp.Sequence], tmp_path: Path) -> None:
    ours = pair[0]
    write_pulseq(ours, tmp_path / "again.seq")
    theirs, again = by_pypulseq(tmp_path / "again.seq", guess=False), read_pulseq(tmp_path / "again.seq")
    check_timing(ours, theirs)
    check_gradients(ours, theirs)
    check_positions(ours, theirs)
    np.testing.assert_array_equal(again.encoding.counters, ours.encoding.counters)
    np.testing.assert_array_equal(again.encoding.flags, ours.encoding.flags)
    assert [pulse.use for pulse in again.rf_pulses] == [pulse.use for pulse in ours.rf_pulses]
    assert (again.triggers, again.soft_delays) == (ours.triggers, ours.soft_delays)
    assert again.definitions == {
        **ours.definitions,
        **{name: again.definitions[name] for name in again.definitions if "Raster" in name},
    }


@pytest.mark.parametrize(("revision", "duration_s"), [(120, 0.57624), *((r, 0.56922) for r in (130, 131, 140, 141, 142, 150))])
def test_one_mprage_in_seven_revisions(shared_data: Path, revision: int, duration_s: float) -> None:
    sequence = read_pulseq(shared_data / "seq" / f"simple_mprage{revision}.seq")
    assert sequence.total_duration_s == pytest.approx(duration_s, abs=1e-9)
    assert [pulse.use for pulse in sequence.rf_pulses] == ["i", "e"]
