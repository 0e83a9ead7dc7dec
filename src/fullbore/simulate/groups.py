"""Readouts that share their excited planes: the whole of a non-selective scan, or one slice of a stack."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from fullbore.data import Sequence
from fullbore.errors import UsageError
from fullbore.simulate.pulses import Profile, profile
from fullbore.simulate.timeline import Timeline

EXCITED = 3e-3
NOTICED = 1e-2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """rows: readouts. pulses: those that act on it. extent_m: (first, last) along the slice axis, None for everything."""

    name: str
    rows: Int[np.ndarray, " row"]
    pulses: Int[np.ndarray, " pulse"]
    extent_m: tuple[float, float] | None


def slice_gradients(timeline: Timeline, frame: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, " kind"]:
    """Strongest gradient along the slice axis during each kind of pulse, Hz/m with its sign; 0 for non-selective pulses.

    Errors: UsageError when a pulse is played under a gradient along read or phase.
    """
    result = np.zeros(len(timeline.kinds))
    for i, kind in enumerate(timeline.kinds):
        parts = kind.gradient_Hz_per_m @ frame.T
        if np.abs(parts[:, :2]).max() > max(10.0, 1e-4 * np.abs(parts[:, 2]).max()):
            raise UsageError(
                f"Pulse {kind.name}: its gradient has a component along read or phase ({np.abs(parts[:, :2]).max():.3g} Hz/m); "
                "the simulator takes pulses that select along the slice axis. Turn the slice axis to the gradient."
            )
        strongest = parts[np.abs(parts[:, 2]).argmax(), 2]
        result[i] = strongest if abs(strongest) > 10 else 0.0
    return result


def slice_profiles(timeline: Timeline, gradient: Float[np.ndarray, " kind"], b1_scale: float) -> list[Profile | None]:
    """Profile of each selective kind of pulse at the largest transmit scale."""
    return [
        profile(kind, 12.0 / kind.duration_s + abs(float(g)) * 0.02, b1_scale) if g else None
        for kind, g in zip(timeline.kinds, gradient, strict=True)
    ]


def make_groups(
    sequence: Sequence, timeline: Timeline, gradient: Float[np.ndarray, " kind"], profiles: list[Profile | None], spread_Hz: float
) -> list[Group]:
    """The groups of a sequence, in order of their first readout.

    gradient, profiles: of each kind of pulse, see `slice_gradients`, `slice_profiles`. spread_Hz: largest off-resonance, which
    widens what a pulse reaches.
    """
    label = np.round(np.where(gradient[timeline.kind] != 0, timeline.frequency_Hz / _nonzero(gradient)[timeline.kind], 0.0), 7)
    excites = np.array(timeline.uses) == "e"
    latest = np.maximum.accumulate(np.where(excites, np.arange(len(excites)), -1))[timeline.last_pulse]
    if latest.min() < 0:
        raise UsageError(
            f"Sequence {sequence.name}: a readout comes before any excitation pulse. Mark the excitation with use 'e'."
        )
    key = np.column_stack([gradient[timeline.kind[latest]] != 0, label[latest]])
    _, first, which = np.unique(key, axis=0, return_index=True, return_inverse=True)
    reach, noticed = (
        [_reach(found, g, spread_Hz, threshold) for found, g in zip(profiles, gradient, strict=True)]
        for threshold in (EXCITED, NOTICED)
    )
    groups = []
    for number in np.argsort(first):
        rows = np.flatnonzero(which.ravel() == number)
        used = np.unique(timeline.kind[np.unique(latest[rows])])
        centre = float(label[latest[rows[0]]])
        width = max(reach[k] for k in used)
        extent = None if not np.isfinite(width) else (centre - width, centre + width)
        if extent is None and (gradient != 0).any():
            pulses = np.arange(len(timeline.kind))
        else:
            near = np.array(noticed)[timeline.kind] + (width if np.isfinite(width) else 0.0)
            pulses = np.flatnonzero(np.abs(label - centre) <= near)
        name = f"slice at {centre * 1e3:.1f} mm" if extent else "volume"
        groups.append(Group(name=name, rows=rows, pulses=pulses, extent_m=extent))
    return groups


def _nonzero(gradient: Float[np.ndarray, " kind"]) -> Float[np.ndarray, " kind"]:
    return np.where(gradient == 0, 1.0, gradient)


def _reach(found: Profile | None, gradient: float, spread_Hz: float, threshold: float) -> float:
    """Distance from its slice's centre within which a pulse acts, m; infinite without a gradient."""
    return float("inf") if found is None else (found.half_width_Hz(threshold) + spread_Hz) / abs(gradient)
