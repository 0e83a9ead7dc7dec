"""Gradient nonlinearity undone, on k-space in closed form of objects that appear where bent gradients put them."""

# TRUTHS of unwarping: linear gradients change nothing | a gain error of a coil is a change of size, in position and in
#   brightness | a bent field's image of a smooth object is put back, total signal kept | folded fields and wrong units raise

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import FieldMap, Grid
from fullbore.errors import DataError, UsageError
from fullbore.recon import reconstruct, unwarp
from tests.recon.measured import Array, array_of, encoding_of, full_lines, geometry_of, measure

ONE = Array(amplitudes=np.ones((1, 1), complex), frequencies=np.zeros((1, 3)))
AFFINE = np.diag([0.01, 0.01, 0.01, 1.0])
AFFINE[:3, 3] = -0.2
GRID = Grid(shape=(41, 41, 41), affine_m=AFFINE)


def fields(bend):
    """What the coils add, from a function of points (.., 3) to points."""
    return FieldMap(values=np.moveaxis(bend(GRID.points_m()), -1, 0).copy(), grid=GRID, unit="m")


def image_of(three=True):
    matrix = (40, 36, 32)
    line, partition = full_lines(matrix)
    if three:
        return reconstruct(measure(encoding_of(geometry_of(matrix), line, partition), array_of(3)))
    return reconstruct(measure(encoding_of(geometry_of((64, 60, 1)), np.arange(60)), ONE))


def smooth(image, centre, width):
    """The image with a Gaussian blob as its values."""
    points = image.grid.points_m()
    return replace(image, values=np.exp(-(((points - centre) / width) ** 2).sum(-1)).astype(np.complex64))


def test_linear_gradients_change_nothing():
    image = image_of()
    same = unwarp(image, fields(lambda r: r))
    assert np.abs(same.values - image.values).max() < 1e-4 * np.abs(image.values).max()
    assert same.sensitivities.shape == image.sensitivities.shape


@pytest.mark.parametrize("three", [True, False])
def test_a_gain_error_is_a_change_of_size(three):
    gain = np.array([1.05, 0.96, 1.02])
    centre, width = np.array([0.02, -0.03, 0.0]), 0.025
    true = smooth(image_of(three), centre, width)
    points = true.grid.points_m()
    scale = gain if three else np.where(np.arange(3) < 2, gain, 1.0)
    # A density rho(r) appears as rho(r / gain) / prod(gain).
    seen = np.exp(-(((points / scale - centre) / width) ** 2).sum(-1)) / np.prod(scale)
    found = unwarp(replace(true, values=seen.astype(np.complex64)), fields(lambda r: r * gain))
    # Cubic splines of a blob five voxels wide.
    assert np.abs(found.values - true.values).max() < 2e-3


def bent(r):
    """Cubic bending, 3 mm at 10 cm."""
    return r - 3.0 * r * (r**2).sum(-1, keepdims=True)


def test_a_bent_field_is_undone_and_signal_kept():
    true = smooth(image_of(), np.array([0.03, -0.02, 0.025]), 0.022)
    points = true.grid.points_m().reshape(-1, 3)
    source = points.copy()
    for _ in range(60):  # where the spins came from: the inverse of the bending, by fixed-point iteration
        source = source + (points - bent(source))
    step = 1e-5
    columns = [(bent(source + step * e) - bent(source - step * e)) / (2 * step) for e in np.eye(3)]
    stretch = np.linalg.det(np.stack(columns, -1))
    density = np.exp(-(((source - [0.03, -0.02, 0.025]) / 0.022) ** 2).sum(-1))
    seen = replace(true, values=(density / stretch).reshape(true.values.shape).astype(np.complex64))
    found = unwarp(seen, fields(bent))
    assert np.abs(found.values - true.values).max() < 2e-3  # splines, as above
    assert np.abs(found.values - true.values).max() < 0.1 * np.abs(seen.values - true.values).max()
    assert found.values.real.sum() == pytest.approx(seen.values.real.sum(), rel=1e-3)
    assert found.report["gradients"] == "unwarped in three dimensions"


def test_refusals():
    image = image_of()
    with pytest.raises(DataError, match="turn back"):
        unwarp(image, fields(lambda r: r - 40.0 * r * (r**2).sum(-1, keepdims=True)))
    with pytest.raises(UsageError, match="wanted the three"):
        unwarp(image, replace(fields(lambda r: r), unit="ppm"))
