"""Whole turns added to phases."""

# TRUTHS of unwrapping: a wrapped smooth phase comes back up to one common whole turn | every change is a multiple of 2 pi
#   | noise below half a turn between neighbours does no harm, bright voxels lead the way round dark ones
#   | pieces that do not touch are centred each | an empty mask is fine | shapes must agree
#   | real multi-echo phases: multiples of 2 pi, and almost no step over half a turn is left

import numpy as np
import pytest

from fullbore.errors import ShapeError
from fullbore.numerics.unwrapping import unwrap_phase

Z, Y, X = np.meshgrid(np.arange(6.0), np.arange(40.0), np.arange(48.0), indexing="ij")
SMOOTH = 0.02 * (X - 20) ** 2 - 0.015 * (Y - 15) ** 2 + 0.3 * Z
EVERYWHERE = np.ones(SMOOTH.shape, bool)


def wrapped(phase):
    return np.angle(np.exp(1j * phase))


def is_whole(change):
    return np.abs(change / (2 * np.pi) - np.round(change / (2 * np.pi))).max() < 1e-9


def test_a_smooth_phase_comes_back():
    found = unwrap_phase(wrapped(SMOOTH), np.ones(SMOOTH.shape), EVERYWHERE)
    assert np.ptp(found - SMOOTH) < 1e-9 and is_whole(found - wrapped(SMOOTH))
    assert abs(np.median(found)) <= np.pi


def test_noise_and_dark_voxels():
    rng = np.random.default_rng(0)
    magnitude = np.where((np.abs(X - 24) < 2) & (Y > 5), 0.02, 1.0)
    noise = 0.1 * (rng.normal(size=X.shape) + 1j * rng.normal(size=X.shape)) / np.sqrt(2)
    signal = magnitude * np.exp(1j * SMOOTH) + noise
    found = unwrap_phase(np.angle(signal), np.abs(signal), EVERYWHERE)
    bright = magnitude > 0.5
    rest = (found - SMOOTH)[bright]
    assert np.all(np.abs(rest - np.median(rest)) < np.pi) and is_whole(found - np.angle(signal))


def test_pieces_are_centred_each():
    mask = (X < 20) | (X > 30)
    phase = 0.05 * X + np.where(X > 25, 12.0, 0.0)
    found = unwrap_phase(wrapped(phase), np.ones(phase.shape), mask)
    assert np.all(found[~mask] == 0)
    for part in (X < 20, X > 30):
        assert np.ptp((found - phase)[part]) < 1e-9 and abs(np.median(found[part])) <= np.pi


def test_edges_of_use():
    empty = np.zeros(SMOOTH.shape, bool)
    assert not unwrap_phase(SMOOTH, np.ones(SMOOTH.shape), empty).any()
    single = empty.copy()
    single[2, 3, 4] = True
    assert is_whole((unwrap_phase(SMOOTH, np.ones(SMOOTH.shape), single) - SMOOTH)[single])
    with pytest.raises(ShapeError, match="wanted one shape"):
        unwrap_phase(SMOOTH, np.ones((2, 2, 2)), EVERYWHERE)


def test_real_phases(shared_data):
    nibabel = pytest.importorskip("nibabel")
    folder = shared_data / "quant" / "romeo"
    magnitude, phase = (np.asarray(nibabel.load(folder / f"{name}.nii").dataobj, float) for name in ("Mag", "Phase"))
    phase = phase * (np.pi / np.abs(phase).max())  # the file's unit is not the radian; its extremes are half a turn
    mask = magnitude[..., -1] > 0.2 * np.percentile(magnitude[..., -1], 98)
    for echo in range(3):
        found = unwrap_phase(np.ascontiguousarray(phase[..., echo]), np.ascontiguousarray(magnitude[..., echo]), mask)
        assert is_whole((found - phase[..., echo])[mask])
        jumps, before = [], []
        for axis in range(3):
            low, high = (tuple(slice(a, b) if i == axis else slice(None) for i in range(3)) for a, b in ((0, -1), (1, None)))
            both = mask[low] & mask[high]
            jumps.append((np.abs(found[high] - found[low])[both] > np.pi).mean())
            before.append((np.abs(phase[..., echo][high] - phase[..., echo][low])[both] > np.pi).mean())
        # What is left are steps of a real field and of noise that exceed half a turn.
        assert max(jumps) < 1e-3 and np.mean(jumps) < 0.02 * np.mean(before)
