"""Bad input: one clear sentence each."""

# TRUTHS of admission: NaN names its place | silence, no imaging rows | a counter outside the matrix | a centre sample outside
#   | missing calibration when undersampled | a missing slice | one channel cannot do SENSE | a dead channel is left out

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import AcquisitionFlag
from fullbore.errors import DataError, ValueRangeError
from fullbore.recon import Direct, Recipe, reconstruct
from tests.recon.measured import array_of, encoding_of, geometry_of, measure, regular_lines, with_rows


@pytest.fixture
def raw():
    return measure(encoding_of(geometry_of((32, 48, 1)), np.arange(48)), array_of(6, 2), noise=1e-8)


def test_nan(raw):
    samples = raw.samples.copy()
    samples[5, 2, 7] = np.nan
    with pytest.raises(ValueRangeError, match="readout 5, channel 2, sample 7"):
        reconstruct(replace(raw, samples=samples))
    noise = raw.noise.copy()
    noise[0, 0] = np.inf
    with pytest.raises(ValueRangeError, match="noise scan"):
        reconstruct(replace(raw, noise=noise))


def test_silence(raw):
    with pytest.raises(DataError, match="zero"):
        reconstruct(replace(raw, samples=np.zeros_like(raw.samples)))
    flags = np.full(48, np.uint64(AcquisitionFlag.NOISE))
    with pytest.raises(DataError, match="no imaging"):
        reconstruct(replace(raw, encoding=replace(raw.encoding, flags=flags)))


@pytest.mark.parametrize(("column", "name"), [(0, "line"), (1, "partition"), (2, "slice")])
def test_counter_outside_the_matrix(raw, column, name):
    counters = raw.encoding.counters.copy()
    counters[3, column] = 99
    with pytest.raises(DataError, match=f"{name} counter: got 99"):
        reconstruct(replace(raw, encoding=replace(raw.encoding, counters=counters)))


def test_contradictory_header(raw):
    with pytest.raises(DataError, match="centre sample"):
        reconstruct(replace(raw, encoding=replace(raw.encoding, centre_sample=32)))
    geometry = replace(raw.encoding.geometry, encoded_fov_m=(0.1, 0.22, 0.005))
    with pytest.raises(DataError, match="smaller than"):
        reconstruct(replace(raw, encoding=replace(raw.encoding, geometry=geometry)))


@pytest.mark.parametrize("lines", [np.arange(0, 48, 2), regular_lines(48, 3, 2)])
def test_missing_calibration(raw, lines):
    with pytest.raises(DataError, match="Acquire calibration lines"):
        reconstruct(with_rows(raw, lines))


def test_separate_calibration_scan(raw):
    twice = with_rows(raw, np.concatenate([np.arange(0, 48, 2), np.arange(12, 36)]))
    flags = twice.encoding.flags.copy()
    flags[24:] = np.uint64(AcquisitionFlag.CALIBRATION)
    image = reconstruct(replace(twice, encoding=replace(twice.encoding, flags=flags)))
    reference = reconstruct(raw)
    inside = np.abs(reference.values) > 0.1 * np.abs(reference.values).max()
    # Six channels at twofold undersampling: noise and the maps' error remain.
    error = np.linalg.norm((np.abs(image.values) - np.abs(reference.values))[inside])
    assert error < 0.03 * np.linalg.norm(reference.values[inside])


def test_missing_slice():
    encoding = encoding_of(geometry_of((32, 48, 1), slices=2), np.arange(48))
    with pytest.raises(DataError, match="slice 1"):
        reconstruct(measure(encoding, array_of(4, 2)))


def test_one_channel_cannot_do_sense(raw):
    one = replace(with_rows(raw, regular_lines(48, 2, 16)), noise=None)
    with pytest.raises(DataError, match="one channel"):
        reconstruct(replace(one, samples=one.samples[:, :1]), Recipe(solver=Direct()))


def test_dead_channel_is_left_out(raw):
    samples, noise = raw.samples.copy(), raw.noise.copy()
    samples[:, 1], noise[1] = 0, 0
    image = reconstruct(replace(raw, samples=samples, noise=noise))
    assert image.report["channels_dropped"] == 1
    assert image.sensitivities.shape == (5, 1, 48, 32)
    assert np.all(np.isfinite(image.values))
