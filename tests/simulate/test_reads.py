# TRUTHS of reads, coils and tracks: the sum over read = the matrix exp(-2 pi i k x), k mirrored or not, points even or odd
#   | lines first = readouts first, coils mixed or not | combinations give back every coil near tissue, few where coils are alike
#   | a track = its rows | labels number sets in lexicographic order
from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fullbore.data import FieldMap, Grid
from fullbore.simulate.coils import combined
from fullbore.simulate.reads import _Reads, read_sum
from fullbore.simulate.tracks import Tracks, each_its_own, joint_labels

RNG = np.random.default_rng(5)


def noise(*shape: int) -> np.ndarray:
    return (RNG.standard_normal(shape) + 1j * RNG.standard_normal(shape)).astype(np.complex64)


@pytest.mark.parametrize("points", [9, 12])
@pytest.mark.parametrize("k", [np.arange(-7.5, 8), np.arange(-3.0, 9), np.arange(-8.0, 8)[::-1]], ids=["even", "late", "back"])
def test_the_sum_over_read_is_the_matrix(points, k):
    x, images = 0.03 + 0.01 * np.arange(points), noise(2, points, 3)
    read = read_sum(k, x, np.ones(len(k)))
    real, imag = read(images)
    wanted = np.einsum("ixv,xs->ivs", images, np.exp(-2j * np.pi * np.outer(x, k))).reshape(6, -1)
    np.testing.assert_allclose((real + 1j * imag) * read.factor, wanted, atol=2e-5)


@pytest.mark.parametrize("mixed", [False, True])
def test_lines_first_is_readouts_first_is_the_definition(mixed):
    lines, line, weights, sample = noise(3, 8, 4, 2), np.array([2, 0, 1, 1, 0, 2, 2]), noise(7, 4, 2), noise(2, 10)
    x, k = 0.01 * np.arange(8), np.arange(-4.5, 5)
    mix = noise(5, 2) if mixed else np.zeros((0, 0), np.complex64)
    read = read_sum(k, x, np.ones(10))
    wave = np.exp(-2j * np.pi * np.outer(x, k))
    wanted = np.einsum("rxkc,rkq,qs,xs->rcs", lines[line], weights, sample, wave)
    wanted = np.einsum("dc,rcs->rds", mix, wanted) if mixed else wanted
    for way in ("sum_shared", "sum_alone"):
        out = np.zeros((7, *wanted.shape[1:]), np.complex64)
        last = (sample * read.factor).astype(np.complex64)
        job = _Reads(lines=lines, weights=weights, sample=last, read=read, mix=mix, out=out.view(np.float32))
        with ThreadPoolExecutor(2) as pool:
            getattr(job, way)(line, np.arange(7), pool)
        np.testing.assert_allclose(out, wanted, atol=1e-5 * np.abs(wanted).max())


def test_combinations_give_back_every_coil():
    grid = Grid.centred((3, 15, 15), (0.01,) * 3)
    turns = 2 * np.pi * np.arange(24) / 24
    waves = 2.0 * np.stack([np.cos(turns), np.sin(turns), 0 * turns], axis=1)
    values = (1 + 0.5 * np.cos(2 * np.pi * grid.points_m() @ waves.T)).astype(np.complex64)
    field = FieldMap(values=np.moveaxis(values, -1, 0), grid=grid, unit="1")
    coils = combined(field, np.ones(grid.shape, bool), 1e-3)
    assert coils.mix is not None and coils.mix.shape[1] < 12  # opposite coils are one
    back = np.tensordot(coils.mix, coils.sensitivity.values, axes=1)
    missed = np.linalg.norm(back - field.values, axis=0) / np.linalg.norm(field.values, axis=0)
    assert missed.max() < 2.1e-4
    free = FieldMap(values=noise(24, *grid.shape), grid=grid, unit="1")
    assert combined(free, np.ones(grid.shape, bool), 1e-3).mix is None


def test_a_track_is_its_rows():
    dense = RNG.standard_normal((4, 6, 3))
    track = Tracks(start=dense[:, 0], course=(dense - dense[:, :1])[[1, 0, 3, 2]], kind=np.array([1, 0, 3, 2]))
    for got in (track, each_its_own(dense)):
        np.testing.assert_allclose(got.all(), dense, atol=1e-12)
        np.testing.assert_allclose(got.at(4), dense[:, 4], atol=1e-12)
        np.testing.assert_allclose(got.low(), dense.min(axis=1), atol=1e-12)
        np.testing.assert_allclose(got.high(), dense.max(axis=1), atol=1e-12)
        np.testing.assert_allclose(got.taken(np.array([2, 0])).row(0), dense[2], atol=1e-12)
        np.testing.assert_allclose(got.largest(), np.abs(dense).max(axis=(0, 1)), atol=1e-12)


def test_labels_number_sets_in_order():
    table = RNG.integers(0, 3, (40, 3))
    first, which = joint_labels(*table.T)
    rows, wanted = np.unique(table, axis=0, return_inverse=True)
    np.testing.assert_array_equal(which, wanted.ravel())
    np.testing.assert_array_equal(table[first], rows)
