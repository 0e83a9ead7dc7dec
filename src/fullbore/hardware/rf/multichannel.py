"""What more channels bring: a slice of a body driven in quadrature, by two free ports, and by a ring of loops."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fullbore.hardware.rf.birdcage import CoilShape, rotating_mode
from fullbore.hardware.rf.layers import LayeredBody
from fullbore.hardware.rf.shimming import rms_error, scaled_drive, shim_magnitude
from fullbore.hardware.rf.transmit import TransmitFields, cylinder_transmit, quadrature_currents

_STARTS = 4
# Where it is to be even: a disc as large as a heart, at its place in the slice (a choice).
TARGET_CENTRE_M, TARGET_RADIUS_M = (0.03, -0.05), 0.06


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrivenSlice:
    """One way of driving: |B1+| over the target (y, x), its rms deviation within the disc, power for a target of 1 T (W/T^2)."""

    name: str
    relative: np.ndarray
    rms_error: float
    power_W_per_T2: float
    weights: np.ndarray


def compare_drives(shape: CoilShape, body: LayeredBody, fields: TransmitFields, channels: int = 8) -> tuple[DrivenSlice, ...]:
    """Quadrature, its two ports free, and `channels` loops in place of the birdcage, in the first slice of a cylinder.

    fields: gives the grid. All aim at an even disc (`TARGET_CENTRE_M`, `TARGET_RADIUS_M`), the shimmed with at most the power of
    quadrature. Losses of copper are left out: they are small beside a trunk's.
    """
    loops = replace(shape, rungs=channels)
    none = {n: np.zeros((n, n)) for n in (shape.rungs, channels)}
    ports = cylinder_transmit(shape, body, fields.grid, quadrature_currents(shape.rungs), none[shape.rungs], 1)
    array = cylinder_transmit(loops, body, fields.grid, np.eye(channels, dtype=complex), none[channels], channels + 1)
    quadrature = np.array([1, -1j])
    rng = np.random.default_rng(0)
    region = _region(ports)
    plain = scaled_drive(region, 1.0, quadrature)
    limit = ports.forward_W(plain)
    out = [_slice("quadrature", ports, plain)]
    for name, part, start in (("two ports", ports, quadrature), (f"{channels} loops", array, rotating_mode(channels))):
        starts = [start, *np.exp(2j * np.pi * rng.random((_STARTS, len(start))))]
        found = shim_magnitude(_region(part), 1.0, starts, part.power_W, limit)
        out.append(_slice(name, part, found.weights))
    return tuple(out)


def _region(fields: TransmitFields) -> np.ndarray:
    inside = np.linalg.norm(fields.grid.points_m()[..., :2] - TARGET_CENTRE_M, axis=-1) <= TARGET_RADIUS_M
    return fields.b1_T_per_A[:, inside].T


def _slice(name: str, fields: TransmitFields, weights: np.ndarray) -> DrivenSlice:
    return DrivenSlice(
        name=name,
        relative=np.abs(fields.driven_T(weights))[0],
        rms_error=rms_error(_region(fields), 1.0, weights),
        power_W_per_T2=fields.forward_W(weights),
        weights=weights,
    )
