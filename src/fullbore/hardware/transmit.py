"""The body coil's transmit field in a head."""

from __future__ import annotations

import numpy as np

from fullbore.data import FieldMap, Grid

_CENTRE = 1.15
_RIM = 0.75
# Semi-axes of the brain, where the field has fallen to `_RIM`.
_BRAIN_M = np.array([0.068, 0.086, 0.075])
_ASYMMETRY = 0.04
_PHASE_RAD = 0.8
_GRID_SIZE = 41
_GRID_SPACING_M = 0.008


def transmit_field() -> FieldMap:
    """Complex relative B1+ of a circularly polarised body coil in a head at 3 T, (1, 41, 41, 41) on 8 mm, unit "1".

    A model of the well-known pattern, not a solution of Maxwell's equations: the wavelength in brain (about 27 cm) makes the
    centre brighter (1.15 of nominal) than the brain's rim (0.75), the right a little brighter than the left (+-4 %), and
    the phase lag grow from the centre outward (0.8 rad at the rim). All of it is smooth and bounded outside the head.
    Source of the shape: published 3 T maps (e.g. Collins 2005, J Magn Reson Imaging 21:192); the numbers are a choice.
    """
    grid = Grid.centred((_GRID_SIZE,) * 3, (_GRID_SPACING_M,) * 3)
    return FieldMap(values=relative_b1(grid.points_m())[None].astype(np.complex64), grid=grid, unit="1")


def relative_b1(points_m: np.ndarray) -> np.ndarray:
    """Complex relative B1+ at points (..., 3); see `transmit_field`."""
    square = ((points_m / _BRAIN_M) ** 2).sum(axis=-1)
    rise = (1 - np.exp(-square)) / (1 - np.exp(-1.0))
    side = 1 - _ASYMMETRY * np.tanh(points_m[..., 0] / 0.05)
    return np.asarray((_CENTRE + (_RIM - _CENTRE) * rise) * side * np.exp(-1j * _PHASE_RAD * rise))
