"""Quantitative maps with their uncertainty."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from fullbore.data.grid import Grid
from fullbore.errors import ShapeError


class FitStatus(IntEnum):
    """What became of a voxel."""

    BACKGROUND = 0
    OK = 1
    AT_BOUND = 2
    FAILED = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ParameterMap:
    """value and std: float32 (z, y, x) in `unit`, SI; NaN outside the object."""

    name: str
    value: np.ndarray
    std: np.ndarray
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ParameterMaps:
    """Maps of one model on one grid. status: uint8 FitStatus (z, y, x)."""

    model: str
    maps: tuple[ParameterMap, ...]
    status: np.ndarray
    grid: Grid
    report: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for item in (*self.maps,):
            if item.value.shape != self.grid.shape or item.std.shape != self.grid.shape:
                raise ShapeError(f"ParameterMap {item.name}: got {item.value.shape}, wanted {self.grid.shape}.")

    def __getitem__(self, name: str) -> ParameterMap:
        for item in self.maps:
            if item.name == name:
                return item
        raise KeyError(name)
