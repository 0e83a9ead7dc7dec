"""A short part of a long protocol that stands for all of it while many are tried: the same rhythm, fewer repetitions of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fullbore.errors import FullboreError
from fullbore.sequence import Protocol

_FEWEST: dict[str, dict[str, int]] = {
    "DiffusionEpi2d": {"directions": 6, "averages": 1},
    "BTensorEpi2d": {"directions": 6, "averages": 1},
    "CardiacDiffusionEpi2d": {"averages": 1},
    "GradientEchoEpi2d": {"frames": 4, "dummy_frames": 1},
    "Haste2d": {"slices": 2, "averages": 1},
    "PcaslEpi2d": {"pairs": 2},
    "RadialCine2d": {"frames": 10},
    "SpiralCine2d": {"frames": 4},
    "TimeOfFlight2d": {"slices": 2},
}
"""Class of a protocol -> as often as one part is repeated in its excerpt, where the protocol asks for more."""
_SHELL_BY_SHELL = ("DiffusionEpi2d",)
_LINE_BY_LINE = ("Flow4d", "T1Rho3d", "TimeOfFlight3d")
"""Protocols that wind every line anew: with a smaller field of view along phase fewer lines reach equally far in k."""
_FEWER_LINES = 6
_FEWEST_LINES = 16
_POINT_BY_POINT = ("Flow4d",)
"""Protocols that scatter points over the plane of phase and slice: fewer points in as many beats less, each as it was."""
_FEWER_POINTS, _FEWEST_POINTS = 4, 24


def excerpt(protocol: Protocol) -> Protocol | None:
    """A protocol whose blocks are a sample of those of `protocol`, and take much less time to build and to check.

    Amplitude, slew, nerves and forbidden bands come out the same but for the combinations that the sample lacks; heat and SAR
    as if the sample were repeated for ever. None where all of it must be built.
    Limits: an estimate for a search. Whether a protocol is legal is judged on the whole.
    """
    changes = {**_fewer_repetitions(protocol), **_largest_weighting(protocol), **_fewer_lines(protocol)}
    if not changes:
        return None
    try:
        made: Any = protocol
        shorter: Protocol = replace(made, **changes)
    except (FullboreError, ValueError):
        return None
    return shorter


def excerpted(protocol: Protocol) -> tuple[str, ...]:
    """Fields that the excerpt changes."""
    steps: tuple[Callable[[Protocol], dict[str, Any]], ...] = (_fewer_repetitions, _largest_weighting, _fewer_lines)
    return tuple(name for step in steps for name in step(protocol))


def _fewer_repetitions(protocol: Protocol) -> dict[str, Any]:
    """What is repeated, less often."""
    fewest = _FEWEST.get(type(protocol).__name__, {})
    return {name: count for name, count in fewest.items() if getattr(protocol, name) > count}


def _largest_weighting(protocol: Protocol) -> dict[str, Any]:
    """Of shells that are played for long, one after the other, the one that heats most."""
    weightings = getattr(protocol, "b_values", ()) if type(protocol).__name__ in _SHELL_BY_SHELL else ()
    return {"b_values": (max(weightings),)} if len(weightings) > 1 else {}


def _fewer_lines(protocol: Protocol) -> dict[str, Any]:
    """A smaller field of view along phase, with as fine a pixel."""
    if type(protocol).__name__ not in _LINE_BY_LINE:
        return {}
    made: Any = protocol
    lines = made.matrix[1]
    fewer = max(2 * round(lines / _FEWER_LINES / 2), _FEWEST_LINES)
    if fewer >= lines:
        return {}
    share = fewer / lines
    changes: dict[str, Any] = {
        "matrix": (made.matrix[0], fewer, made.matrix[2]),
        "fov": (made.fov[0], made.fov[1] * share, made.fov[2]),
    }
    if hasattr(made, "calibration"):
        changes["calibration"] = (int(made.calibration[0] * share), made.calibration[1])
    if type(protocol).__name__ in _POINT_BY_POINT:
        rarer = min(_FEWER_POINTS, fewer * made.matrix[2] / made.acceleration / _FEWEST_POINTS)
        if rarer > 1:
            complete = tuple(int(count / math.sqrt(rarer)) for count in changes["calibration"])
            changes |= {"acceleration": made.acceleration * rarer, "calibration": complete}
    return changes
