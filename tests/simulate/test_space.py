# TRUTHS of the spatial part: k-space of a grid of points = closed form | moving an object turns its k-space
#   | linear in fractions | coarse lattice = fine lattice | separable sums = direct sums | a shift along read = off-resonance
#   | spreading has the transform it says | turned by a permutation of axes, the phantom gives the same signal
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fullbore.simulate.acquisition as acquisition
from fullbore.data import Grid
from fullbore.simulate import trajectory
from fullbore.simulate.spreading import BINS, WIDEST_K, WIDTH, spreading_transform, spreading_weights
from tests.simulate.small import GRE, box, built, error, field, machine, rod, samples, tissue

SPEC = machine(b1=False, coils=False)
SEQUENCE = built(GRE, SPEC, matrix=[16, 8, 4])
STILL = tissue(t1=1e3, t2=1e3)  # does not decay during a readout, so k-space is the object's transform times a factor per row


def transform_of_box(k, shape, spacing, centre):
    """Of trilinear hats of weight 1 on every point of Grid.centred(shape, spacing, centre)."""
    result = np.ones(k.shape[:-1], complex)
    for axis in range(3):
        count, h = shape[2 - axis], spacing[axis]
        points = centre[axis] + (np.arange(count) - count // 2) * h
        waves = np.exp(-2j * np.pi * k[..., axis, None] * points).sum(-1)
        result *= waves * np.sinc(k[..., axis] * h) ** 2 * h
    return result


def along_rows(got, shape_of_k):
    """Relative error left when each readout may have one complex factor (its magnetisation)."""
    factor = (got * shape_of_k.conj()).sum(-1) / (np.abs(shape_of_k) ** 2).sum(-1)
    return error(got, factor[:, None] * shape_of_k)


@pytest.mark.parametrize("centre", [(0.0, 0.0, 0.0), (0.006, -0.004, 0.003)], ids=["centred", "off-centre"])
def test_k_space_is_the_closed_form(centre):
    shape, spacing = (10, 8, 6), (1.5e-3, 1e-3, 2e-3)
    got = samples(box(shape, spacing, STILL, centre), SEQUENCE, SPEC)[:, 0]
    assert along_rows(got, transform_of_box(trajectory(SEQUENCE), shape, spacing, centre)) < 1e-3


def test_moving_an_object_turns_its_k_space():
    move = np.array([0.006, -0.004, 0.003])
    here, there = (samples(box(centre=c), SEQUENCE, SPEC)[:, 0] for c in ((0.0, 0.0, 0.0), tuple(move.tolist())))
    assert error(there, here * np.exp(-2j * np.pi * trajectory(SEQUENCE) @ move)) < 1e-3


def test_linear_in_fractions():
    full, half = (samples(box(kind=tissue(), fill=f), SEQUENCE, SPEC) for f in (1.0, 0.5))
    assert error(half, 0.5 * full) < 1e-5


def test_coarse_lattice_is_the_fine_one():
    assert error(samples(rod(), SEQUENCE, SPEC, 1e-3), samples(rod(), SEQUENCE, SPEC, 1e-5)) < 1e-3


def test_separable_sums_are_direct_sums(monkeypatch):
    spec = machine()
    fast = samples(rod(), SEQUENCE, spec)
    monkeypatch.setattr(acquisition, "separate", lambda k, dwell: None)
    assert error(fast, samples(rod(), SEQUENCE, spec)) < 1e-3


def test_off_resonance_turns_the_samples():
    offset = 1.2
    still, moved = box(kind=STILL), replace(box(kind=STILL), field_ppm=field(offset_ppm=offset, centre=(0.0, 0.0, 0.0)))
    f = offset * 1e-6 * SPEC.b0_T * 42.57638543e6
    time = np.arange(SEQUENCE.encoding.samples) * SEQUENCE.encoding.dwell_s
    ratio = samples(moved, SEQUENCE, SPEC)[:, 0] / samples(still, SEQUENCE, SPEC)[:, 0]
    turned = np.angle(ratio * np.exp(2j * np.pi * f * time) / ratio[:, :1])
    strong = np.abs(samples(still, SEQUENCE, SPEC)[:, 0]) > 1e-2 * np.abs(samples(still, SEQUENCE, SPEC)).max()
    assert np.abs(turned[strong]).max() < 0.01  # 1e-4 of the largest sample is 1e-2 of the faintest compared


def test_spreading_has_its_transform():
    k, weights = np.linspace(-WIDEST_K, WIDEST_K, 61), spreading_weights()
    for fraction in (0, 77, 256, 500):
        points = np.arange(WIDTH) - (WIDTH // 2 - 1)
        got = (weights[fraction][:, None] * np.exp(-2j * np.pi * np.outer(points, k))).sum(0) / spreading_transform(k)
        assert np.abs(got - np.exp(-2j * np.pi * k * fraction / BINS)).max() < 2e-3  # at the edge
        assert np.abs(got - np.exp(-2j * np.pi * k * fraction / BINS))[10:51].max() < 3e-4  # within two thirds of it


def test_a_phantom_stored_along_other_axes_is_the_same():
    original = rod()
    swapped = np.ascontiguousarray(original.fractions.transpose(0, 3, 2, 1)[:, :, ::-1])  # array axes (x, y, z), y reversed
    affine = original.grid.affine_m
    turned = np.eye(4)
    turned[:3, 0], turned[:3, 1], turned[:3, 2] = affine[:3, 2], -affine[:3, 1], affine[:3, 0]
    turned[:3, 3] = affine[:3, 3] + affine[:3, 1] * (original.grid.shape[1] - 1)
    other = replace(original, fractions=swapped, grid=Grid(shape=swapped.shape[1:], affine_m=turned))
    assert error(samples(other, SEQUENCE, SPEC), samples(original, SEQUENCE, SPEC)) < 1e-6
