"""Wire tracks of the textbook gradient coils: Golay's saddles, Maxwell's pair."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def saddle_tracks(
    radius_m: float, inner_m: float, outer_m: float, arc_rad: float, axis: str = "x", corners: int = 40
) -> list[Float[np.ndarray, "c 3"]]:
    """Four Golay saddles of a transverse gradient, one ampere each: arcs of arc_rad at +-inner_m and +-outer_m along z.

    Golay's own: arcs of 120 degrees at 0.389 and 2.57 radii. Positive current gives a positive gradient.
    """
    turn = {"x": 0.0, "y": np.pi / 2}[axis]
    tracks = []
    for middle, flow in ((turn, 1.0), (turn + np.pi, -1.0)):
        for side in (1.0, -1.0):
            swing = np.linspace(-arc_rad / 2, arc_rad / 2, corners) * flow
            near = _arc(radius_m, middle + swing, side * inner_m)
            far = _arc(radius_m, middle + swing[::-1], side * outer_m)
            tracks.append(np.concatenate([near, far, near[:1]]))
    return tracks


def loop_track(radius_m: float, z_m: float, flow: float = 1.0, corners: int = 240) -> Float[np.ndarray, "c 3"]:
    """A circle about z as a closed polygon of the same area, current right-handed about z for flow = 1."""
    angle = flow * np.linspace(0.0, 2 * np.pi, corners + 1)
    step = 2 * np.pi / corners
    track = _arc(radius_m * np.sqrt(step / np.sin(step)), angle, z_m)
    track[-1] = track[0]
    return track


def maxwell_tracks(radius_m: float) -> list[Float[np.ndarray, "c 3"]]:
    """Maxwell's pair for a z gradient: loops at +- sqrt(3)/2 of the radius with opposite currents."""
    height = np.sqrt(3) / 2 * radius_m
    return [loop_track(radius_m, float(height), 1.0), loop_track(radius_m, float(-height), -1.0)]


def _arc(radius_m: float, angle: Float[np.ndarray, " c"], z_m: float) -> Float[np.ndarray, "c 3"]:
    return np.stack([radius_m * np.cos(angle), radius_m * np.sin(angle), np.full(len(angle), z_m)], axis=1)
