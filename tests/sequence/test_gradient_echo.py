# TRUTHS of scout and MPRAGE: TR, TI, echo spacing as asked | every line of the scout once | RF phase is 117 deg quadratic |
#   each view spoils at least 1.2 cycles/mm and rewinds its encoding | partitions rise through every train | k = 0 at the middle
#   view | R as asked | all trains alike

import numpy as np
import pytest

from fullbore.data import Sequence
from tests.sequence.reference import built, moment, pulse_times, sample_times


@pytest.fixture(scope="module")
def scout() -> Sequence:
    return built("localizer")


@pytest.fixture(scope="module")
def mprage() -> Sequence:
    return built("t1_mprage")


def test_scout_repeats_and_covers(scout: Sequence) -> None:
    times, uses = pulse_times(scout)
    assert set(uses) == {"e"}
    assert np.abs(np.diff(times) - 4.5e-3).max() < 1e-9
    _, lines, partitions = scout.encoding.geometry.matrix
    index = scout.encoding.counter("partition") * lines + scout.encoding.counter("line")
    assert np.array_equal(np.sort(index), np.arange(lines * partitions))


def test_rf_spoiling_is_quadratic(scout: Sequence) -> None:
    phase = scout.rf_phase_rad[scout.rf >= 0]
    second = np.diff(np.unwrap(phase), 2)
    assert np.abs(np.exp(1j * (second - np.deg2rad(117))) - 1).max() < 1e-9
    assert len(np.unique(phase)) <= 40  # 360 / gcd(117, 360)


@pytest.mark.parametrize("name", ["localizer", "t1_mprage"])
def test_each_view_spoils_and_rewinds(name: str) -> None:
    sequence = built(name)
    frame = sequence.encoding.geometry
    times, uses = pulse_times(sequence)
    excited = times[uses == "e"]
    pairs = np.flatnonzero(np.diff(excited) < 10e-3)
    k = np.stack([moment(sequence, axis, excited) for axis in range(3)], axis=1)
    net = k[pairs + 1] - k[pairs]
    assert (net @ frame.read).min() > 1200
    assert np.ptp(net @ frame.read) < 1e-6
    assert max(np.abs(net @ frame.phase).max(), np.abs(net @ frame.slice).max()) < 1e-6


def test_mprage_timing(mprage: Sequence) -> None:
    times, uses = pulse_times(mprage)
    inverted, excited = times[uses == "i"], times[uses == "e"].reshape((uses == "i").sum(), -1)
    assert np.abs(np.diff(inverted) - 2.3).max() < 1e-9
    assert np.abs(np.diff(excited, axis=1) - 7e-3).max() < 1e-9
    assert np.abs(excited[:, 88] - inverted - 0.9).max() < 1e-9
    assert mprage.encoding.inversion_times_s == pytest.approx((0.9,), abs=1e-9)
    assert mprage.total_duration_s == pytest.approx(2.3 * len(inverted), abs=1e-9)


def test_mprage_order(mprage: Sequence) -> None:
    encoding = mprage.encoding
    times, uses = pulse_times(mprage)
    excited = times[uses == "e"]
    view = (np.searchsorted(excited, sample_times(mprage)[:, 0]) - 1) % 176
    partition, line, train = (encoding.counter(name) for name in ("partition", "line", "segment"))
    for number in np.unique(train):
        assert np.all(np.diff(partition[train == number]) >= 0)
    _, lines, partitions = encoding.geometry.matrix
    centre = (partition == partitions // 2) & (line == lines // 2)
    assert view[centre].tolist() == [88]
    assert (
        np.abs(view[partition == partitions // 2] - 88).max() <= 8
    )  # the centre partition holds more lines than there are trains


def test_mprage_is_four_fold_accelerated(mprage: Sequence) -> None:
    encoding = mprage.encoding
    _, lines, partitions = encoding.geometry.matrix
    assert lines * partitions / encoding.rows == pytest.approx(4.0, rel=1e-3)
    assert encoding.acceleration[0] == pytest.approx(4.0, rel=1e-3)
    index = encoding.counter("partition") * lines + encoding.counter("line")
    assert len(np.unique(index)) == encoding.rows


def test_mprage_trains_are_alike(mprage: Sequence) -> None:
    trains = int((np.array([mprage.rf_pulses[i].use if i >= 0 else "" for i in mprage.rf]) == "i").sum())
    for column in (mprage.duration_s, mprage.rf, mprage.rf_phase_rad):
        assert np.ptp(column.reshape(trains, -1), axis=0).max() == 0
