# TRUTHS of the spin-echo trains: refocusing pulses one echo spacing apart, half of one after the excitation | CPMG phase:
#   a quarter turn | net moment between pulses is twice that of the first half, on every axis, so all pathways meet | crushers
#   >= 4 cycles per slice and 1 per mm | slices where geometry says, excited and refocused | neighbours far apart in time |
#   TR as asked | k = 0 at the effective TE | map: TI as asked, saturation and recovery before each train, last set multi-echo

import numpy as np
import pytest

from fullbore.data import Sequence
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence import build
from tests.sequence.reference import LIMITS, built, moment, protocol, pulse_times, sample_times


@pytest.fixture(scope="module")
def tse() -> Sequence:
    return built("t2_tse")


@pytest.fixture(scope="module")
def mapping() -> Sequence:
    return built("t1t2_map")


def trains(sequence: Sequence) -> list[np.ndarray]:
    """Times of each excitation with the refocusing pulses after it."""
    times, uses = pulse_times(sequence)
    keep = (uses == "e") | (uses == "r")
    return np.split(times[keep], np.flatnonzero(uses[keep] == "e")[1:])


@pytest.mark.parametrize("name", ["t2_tse", "t1t2_map"])
def test_pulses_are_cpmg(name: str) -> None:
    sequence = built(name)
    spacing = sequence.encoding.echo_spacing_s
    for train in trains(sequence):
        assert np.abs(np.diff(train) - [spacing / 2, *[spacing] * (len(train) - 2)]).max() < 1e-9
    use = np.array([sequence.rf_pulses[i].use if i >= 0 else "" for i in sequence.rf])
    centre = np.array([sequence.rf_pulses[i].centre_s if i >= 0 else 0.0 for i in sequence.rf])
    phase = sequence.rf_phase_rad + 2 * np.pi * sequence.rf_frequency_Hz * centre
    assert np.abs(np.exp(1j * phase[use == "e"]) - 1).max() < 1e-9
    assert np.abs(np.exp(1j * phase[use == "r"]) - 1j).max() < 1e-9


@pytest.mark.parametrize("name", ["t2_tse", "t1t2_map"])
def test_all_pathways_meet(name: str) -> None:
    sequence = built(name)
    all_trains = trains(sequence)
    for axis in range(3):
        k = np.split(moment(sequence, axis, np.concatenate(all_trains)), np.cumsum([len(t) for t in all_trains])[:-1])
        for between in map(np.diff, k):
            assert np.abs(between[1:] - 2 * between[0]).max() < 1e-5  # of some 1000 cycles/m


@pytest.mark.parametrize("name", ["t2_tse", "t1t2_map"])
def test_crushers_dephase(name: str) -> None:
    sequence = built(name)
    frame = sequence.encoding.geometry
    axis = int(np.argmax(np.abs(frame.slice)))
    train = trains(sequence)[0]
    echo = sequence.encoding.echo_spacing_s / 2
    after = np.abs(moment(sequence, axis, train[1:] + echo) - moment(sequence, axis, train[1:]))
    assert after.min() >= max(4 / frame.fov_m[2], 1000.0) * (1 - 1e-9)


def test_slices_are_where_geometry_says(tse: Sequence) -> None:
    geometry = tse.encoding.geometry
    for use in "er":
        blocks = np.flatnonzero([i >= 0 and tse.rf_pulses[i].use == use for i in tse.rf])
        shapes = [tse.gradients[i] for i in tse.gradient[blocks, 2]]
        plateau = np.array([shape.values_T_per_m[1] for shape in shapes])
        position = tse.rf_frequency_Hz[blocks] / (GYROMAGNETIC_RATIO_HZ_PER_T * plateau)
        assert np.allclose(np.unique(np.round(position, 9)), geometry.slice_offsets_m, atol=1e-9)
    assert np.all(np.diff(geometry.slice_offsets_m) > 0)
    heights = geometry.grid().axis_positions_m(2)
    assert np.allclose(heights, geometry.slice_offsets_m)


def test_neighbouring_slices_are_far_apart_in_time() -> None:
    tse = build(protocol("t2_tse", quick=False), LIMITS)
    seen = tse.encoding.counter("slice")[: 16 * 16]
    order = list(dict.fromkeys(seen.tolist()))
    assert order == [*range(0, 16, 2), *range(1, 16, 2)]


def test_tse_repeats(tse: Sequence) -> None:
    times, uses = pulse_times(tse)
    excited = times[uses == "e"].reshape(-1, len(tse.encoding.geometry.slice_offsets_m))
    assert np.abs(np.diff(excited, axis=0) - 5.0).max() < 1e-9
    assert tse.total_duration_s == pytest.approx(5.0 * len(excited), abs=1e-9)


def test_tse_centre_line_has_the_echo_time(tse: Sequence) -> None:
    encoding = tse.encoding
    lines = encoding.geometry.matrix[1]
    centre = encoding.counter("line") == lines // 2
    assert np.abs(encoding.echo_time_s[centre] - 0.1).max() < 1e-9
    assert encoding.echo_times_s == pytest.approx((0.1,))
    near = np.abs(encoding.counter("line") - lines // 2) <= 2
    assert np.abs(encoding.echo_time_s[near] - 0.1).max() <= encoding.echo_spacing_s + 1e-9
    slices = len(encoding.geometry.slice_offsets_m)
    for piece in range(slices):
        assert len(np.unique(encoding.counter("line")[encoding.counter("slice") == piece])) == encoding.rows // slices


def test_map_inversion_times_and_recovery(mapping: Sequence) -> None:
    times, uses = pulse_times(mapping)
    excited = np.flatnonzero(uses == "e")
    encoding = mapping.encoding
    owner = np.searchsorted(times[excited], sample_times(mapping)[:, 0]) - 1
    for number, n in enumerate(excited):
        wanted = encoding.inversion_time_s[owner == number]
        if uses[n - 1] == "i":
            assert np.abs(times[n] - times[n - 1] - wanted).max() < 1e-9
        else:
            assert np.isnan(wanted).all()
        saturations = uses[n - 4 : n - 1] if uses[n - 1] == "i" else uses[n - 3 : n]
        assert saturations.tolist() == ["s"] * 3
    last = np.array([np.flatnonzero(uses[:n] == "s")[-1] for n in excited])
    start = np.array([times[n - 1] if uses[n - 1] == "i" else times[n] for n in excited])
    inverted = uses[excited - 1] == "i"
    for group in (inverted, ~inverted):
        gap = start[group] - times[last[group]]
        assert np.ptp(gap) < 1e-9
        assert 5.0 < gap.min() < 5.05


def test_map_sets(mapping: Sequence) -> None:
    encoding = mapping.encoding
    number, contrast, line = (encoding.counter(name) for name in ("set", "contrast", "line"))
    assert encoding.inversion_times_s[:-1] == pytest.approx((0.06, 0.3, 0.8, 1.8, 3.5, 7.0))
    assert np.isnan(encoding.inversion_times_s[-1])
    assert encoding.echo_times_s == pytest.approx([12e-3 * (n + 1) for n in range(32)])
    for k in range(6):
        assert np.all(contrast[number == k] == 0)
        assert np.array_equal(np.sort(line[number == k]), np.unique(line))
        centre = (number == k) & (line == encoding.geometry.matrix[1] // 2)
        assert encoding.echo_time_s[centre] == pytest.approx([12e-3])
    for echo in range(32):
        rows = (number == 6) & (contrast == echo)
        assert np.array_equal(np.sort(line[rows]), np.unique(line))
        assert np.abs(encoding.echo_time_s[rows] - encoding.echo_times_s[echo]).max() < 1e-9
