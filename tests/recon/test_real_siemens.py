"""A product gradient echo of a water phantom on its back."""

# TRUTHS of a real scan: the grid is where the file's header says | the air lies above the water: towards the front
#   | the phantom is a disc of its size, and its image is centred in it

import numpy as np
from scipy import ndimage

from fullbore.files.siemens import read_siemens
from fullbore.files.siemens_lines import open_measurements
from fullbore.recon import reconstruct


def test_a_gradient_echo_is_right_side_up(shared_data):
    file = shared_data / "raw_siemens_gre" / "gre.dat"
    image = reconstruct(read_siemens(file))
    places, values = image.grid.points_m()[0], np.abs(image.values[0])
    assert values.shape == (160, 160)
    line = open_measurements(file)[-1].lines[-1]
    stated = np.array([line.mdh.SliceData.SlicePos.Sag, line.mdh.SliceData.SlicePos.Cor, line.mdh.SliceData.SlicePos.Tra]) * 1e-3
    assert np.allclose(places[80, 80], stated, atol=1e-6)
    water = ndimage.binary_fill_holes(values > 0.3 * np.percentile(values, 90))
    # Patient coordinates are LPS: y grows towards the back. The disc is cut by a straight level at the front, not at the back.
    widths = water.sum(axis=1)
    filled = np.flatnonzero(widths > 10)
    front, back = (filled[0], filled[-1]) if places[0, 80, 1] < places[-1, 80, 1] else (filled[-1], filled[0])
    step = 1 if back > front else -1
    assert widths[front + 3 * step] > 1.7 * widths[back - 3 * step]
    # A disc of 19 cm, as wide as it is; its level takes less than a centimetre of the height.
    assert 0.18 < widths.max() * 1.25e-3 < 0.2
