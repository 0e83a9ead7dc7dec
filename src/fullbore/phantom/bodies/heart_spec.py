"""What can be chosen of a heart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.errors import UsageError, ValueRangeError

# Middle of each coronary artery's land, by angle about the axis: septum 0, front wall 90, side wall 180, lower wall 270 degrees.
TERRITORIES_RAD = {name: float(np.deg2rad(angle)) for name, angle in (("LAD", 65.0), ("LCX", 165.0), ("RCA", 285.0))}
SCAR_HALF_ANGLE_RAD = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartSpec:
    """What can be chosen of a heart; see `heart`."""

    end_diastolic_volume_m3: float = 140e-6
    ejection_fraction: float = 0.6
    longitudinal_strain: float = -0.17
    twist_rad: float = 0.2
    wall_m: float = 0.009
    heart_rate_per_min: float = 65.0
    infarct: str = ""
    infarct_transmurality: float = 0.6
    infarct_acute: bool = False
    fibrosis: float = 0.0

    def __post_init__(self) -> None:
        _within("end_diastolic_volume_m3", self.end_diastolic_volume_m3, 20e-6, 400e-6)
        _within("ejection_fraction", self.ejection_fraction, 0.05, 0.85)
        _within("longitudinal_strain", self.longitudinal_strain, -0.3, -0.01)
        _within("twist_rad", self.twist_rad, -0.1, 0.5)
        _within("wall_m", self.wall_m, 0.004, 0.025)
        _within("fibrosis", self.fibrosis, 0.0, 1.0)
        _within("infarct_transmurality", self.infarct_transmurality, 0.1, 1.0)
        if self.infarct and self.infarct not in TERRITORIES_RAD:
            raise UsageError(f"heart: infarct {self.infarct!r}, wanted one of {', '.join(TERRITORIES_RAD)}, or none.")


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueRangeError(f"heart: {name} {value:g}, wanted {low:g} to {high:g}.")
