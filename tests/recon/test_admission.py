"""Bad input: one clear sentence each."""

# TRUTHS of admission: NaN names its place | silence, no imaging rows | a counter outside the matrix | a centre sample outside
#   | missing calibration when undersampled | a missing slice | one channel cannot do SENSE | a dead channel is left out
#   | a channel without noise | a trajectory that is not where the counters say | a readout that forgot its oversampling
#   | a header that asks for more memory than there is, at once | odd and non-square sizes by every method

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import AcquisitionFlag
from fullbore.errors import DataError, LimitError, ValueRangeError
from fullbore.recon import (
    ConjugateGradient,
    Direct,
    Espirit,
    NlInv,
    ProximalGradient,
    Recipe,
    Walsh,
    Wavelet,
    default_recipe,
    reconstruct,
)
from fullbore.recon.memory import check_memory, needed_bytes
from tests.recon.measured import array_of, encoding_of, full_lines, geometry_of, measure, regular_lines, with_rows


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


def test_a_channel_without_noise(raw):
    noise = raw.noise.copy()
    noise[2] = 0
    with pytest.raises(DataError, match="noise scan: channel 2"):
        reconstruct(replace(raw, noise=noise))


def test_header_that_is_not_a_number(raw):
    geometry = replace(raw.encoding.geometry, fov_m=(np.nan, 0.22, 0.005))
    with pytest.raises(DataError, match="not positive"):
        reconstruct(replace(raw, encoding=replace(raw.encoding, geometry=geometry)))
    trajectory = raw.trajectory_per_m.copy()
    trajectory[3, 4, 1] = np.nan
    with pytest.raises(ValueRangeError, match="trajectory"):
        reconstruct(replace(raw, trajectory_per_m=trajectory))


def test_a_trajectory_elsewhere(raw):
    turned = raw.trajectory_per_m[:, :, [1, 0, 2]]
    with pytest.raises(DataError, match="leaves the lines that the counters say"):
        reconstruct(replace(raw, trajectory_per_m=turned), Recipe())


def test_lines_are_counted_by_the_trajectory(raw):
    counters = raw.encoding.counters.copy()
    counters[[7, 8], 0] = [8, 7]
    image = reconstruct(replace(raw, encoding=replace(raw.encoding, counters=counters)))
    right = reconstruct(raw)
    assert np.allclose(image.values, right.values, atol=1e-5 * np.abs(right.values).max())
    assert "counted by the trajectory" in image.report["counters"] and "counters" not in right.report


def test_a_readout_that_forgot_its_oversampling(raw):
    geometry = replace(raw.encoding.geometry, matrix=(8, 48, 1), encoded_matrix=(8, 48, 1))
    encoding = replace(raw.encoding, geometry=geometry)
    with pytest.raises(DataError, match="32 samples in a readout, 8 in the encoded matrix"):
        reconstruct(replace(raw, encoding=encoding, trajectory_per_m=None))


def test_more_memory_than_there_is(raw):
    geometry = replace(raw.encoding.geometry, matrix=(32, 40000, 40000), encoded_matrix=(32, 40000, 40000), fov_m=(0.2,) * 3)
    huge = replace(raw, encoding=replace(raw.encoding, geometry=geometry), trajectory_per_m=None)
    for door in (reconstruct, default_recipe):
        with pytest.raises(LimitError, match="GiB of memory"):
            door(huge)


def test_needed_memory_knows_the_recipe(raw):
    assert needed_bytes(raw, 2) < needed_bytes(raw, None)
    assert needed_bytes(raw, None, 2) > needed_bytes(raw, None)
    check_memory(1 << 40, None)
    with pytest.raises(LimitError, match=r"needs 1 GiB of memory, 0\.5 GiB are free"):
        check_memory(1 << 30, 1 << 29)


METHODS = [
    Recipe(solver=Direct()),
    Recipe(solver=ConjugateGradient(), coils=Walsh()),
    Recipe(solver=ConjugateGradient(), coils=NlInv(grid=31)),
    Recipe(solver=ConjugateGradient(), coils=Espirit(maps=2)),
    Recipe(solver=ProximalGradient(), prior=Wavelet(), virtual_coils=5),
]


@pytest.mark.parametrize("recipe", METHODS)
@pytest.mark.parametrize("matrix", [(33, 47), (31, 72), (64, 39)])
def test_odd_and_non_square_sizes(recipe, matrix):
    array = array_of(8, 2)
    full = measure(encoding_of(geometry_of((*matrix, 1)), np.arange(matrix[1])), array)
    reference = reconstruct(full)
    image = reconstruct(with_rows(full, regular_lines(matrix[1], 2, 17)), recipe)
    inside = np.abs(reference.values) > 0.1 * np.abs(reference.values).max()
    error = np.linalg.norm((np.abs(image.values) - np.abs(reference.values))[inside])
    # Eight channels, twofold, no noise, half the lines in the centre: what maps from 17 coarse lines leave. A shift of one
    # voxel would be a difference of a quarter.
    assert error < 0.06 * np.linalg.norm(reference.values[inside])


@pytest.mark.parametrize("matrix", [(15, 23, 18), (16, 21, 13)])
def test_odd_slabs(matrix):
    line, partition = full_lines(matrix)
    raw = measure(encoding_of(geometry_of(matrix), line, partition), array_of(6))
    keep = (line % 2 == 0) | ((np.abs(line - matrix[1] // 2) < 6) & (np.abs(partition - matrix[2] // 2) < 6))
    image, reference = reconstruct(with_rows(raw, keep)), reconstruct(raw)
    inside = np.abs(reference.values) > 0.2 * np.abs(reference.values).max()
    error = np.linalg.norm((np.abs(image.values) - np.abs(reference.values))[inside])
    # Few voxels with sharp edges; a shift of one would be a third.
    assert error < 0.12 * np.linalg.norm(reference.values[inside])
