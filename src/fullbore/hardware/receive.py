"""Receive arrays as the scanner takes them: a former's preset on a grid about its part of the body."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Literal

from fullbore.data import CoilSet, Grid
from fullbore.errors import UsageError
from fullbore.hardware.array.brief import array_presets, load_array_brief
from fullbore.hardware.array.coil_set import array_coils
from fullbore.hardware.array.design import design_array

_GRID_SIZE = 41
_GRID_SPACING_M = {"head": 0.008, "knee": 0.008, "torso": 0.013}


@lru_cache(maxsize=8)
def receive_array(
    channels: int, b0_T: float = 3.0, former: str = "head", medium: Literal["body", "uniform"] = "uniform"
) -> CoilSet:
    """The array of a former ("head", "torso", "knee") with its fields and noise, (channel, 41, 41, 41); see `array_coils`.

    The grid has 8 mm, 13 mm for the torso, about the isocentre. medium: as in `ArrayBrief`, but the cheap one unless asked: it
    takes seconds where the solve of the body with air around it takes half a minute and more. The last eight are kept.
    Errors: UsageError for an unknown former or a number of channels that it cannot hold; LimitError where loops do not fit.
    """
    if former not in array_presets():
        raise UsageError(f"receive array, former: got {former!r}, wanted one of {', '.join(array_presets())}.")
    made = design_array(replace(load_array_brief(former, channels, b0_T), medium=medium))
    return array_coils(made, Grid.centred((_GRID_SIZE,) * 3, (_GRID_SPACING_M[former],) * 3))
