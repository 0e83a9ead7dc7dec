"""The currents of a transmit coil, and the fields that they have in empty space."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Complex, Float

from fullbore.errors import ShapeError, ValueRangeError
from fullbore.hardware.full_wave.body import VoxelBody, on_edges
from fullbore.physics.constants import SPEED_OF_LIGHT_M_PER_S, VACUUM_PERMEABILITY_N_PER_A2

_SCALE = VACUUM_PERMEABILITY_N_PER_A2 / (4 * math.pi)
_PER_RADIUS = 12
"""Segments in the length of a radius: at half a radius from the wire the midpoint rule is right to (1/6)^2 / 24, a thousandth."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoilCurrents:
    """Short straight segments, and the current that each channel drives through them per ampere of its drive.

    midpoints_m, lengths_m: (segment, 3). amplitude: (channel, segment), complex, peak, exp(+i omega t). In each channel as much
    current enters every node as leaves it: then there are no charges, and the field is that of the vector potential alone.
    """

    name: str
    midpoints_m: np.ndarray
    lengths_m: np.ndarray
    amplitude: np.ndarray

    def __post_init__(self) -> None:
        count = len(self.midpoints_m)
        if self.midpoints_m.shape != (count, 3) or self.lengths_m.shape != (count, 3) or self.amplitude.shape[1:] != (count,):
            raise ShapeError(
                f"CoilCurrents {self.name}: got {self.midpoints_m.shape}, {self.lengths_m.shape}, {self.amplitude.shape}."
            )

    @property
    def channels(self) -> int:
        """Number of channels."""
        return len(self.amplitude)


def birdcage(rungs: int, radius_m: float, length_m: float, shield_radius_m: float | None = None) -> CoilCurrents:
    """Two ports, 90 degrees apart, of a birdcage about z in its homogeneous mode: rung n carries cos phi_n (sin phi_n).

    End rings carry the sums of the rungs' currents, so that none is lost. shield_radius_m: the bore's screen, as the image
    birdcage of radius shield^2 / radius with turned currents: exact for long rungs, and for rings a choice. Errors:
    ValueRangeError for less than four rungs, or a shield that is not outside.
    """
    if rungs < 4 or not (radius_m > 0 and length_m > 0):
        raise ValueRangeError(f"birdcage: got {rungs} rungs, {radius_m} m, {length_m} m; wanted four or more and positive sizes.")
    angle, segment_m = 2 * math.pi * np.arange(rungs) / rungs, radius_m / _PER_RADIUS
    modes = np.stack([np.cos(angle), np.sin(angle)])
    coil = _birdcage_wires(angle, modes, radius_m, length_m, segment_m)
    if shield_radius_m is not None:
        if not shield_radius_m > radius_m:
            raise ValueRangeError(
                f"birdcage: shield radius {shield_radius_m} m, wanted more than that of the rungs, {radius_m} m."
            )
        coil += _birdcage_wires(angle, -modes, shield_radius_m**2 / radius_m, length_m, segment_m)
    return _joined(f"birdcage-{rungs}", coil, 2)


def loop_array(loops: int, radius_m: float, length_m: float, width_share: float = 0.9) -> CoilCurrents:
    """Loops side by side on a cylinder about z, one ampere in each alone (ideal decoupling), the first at the angle 0 (patient
    left).

    width_share: of the sector of each loop that it spans (over 1: overlap).
    """
    if loops < 1 or not (radius_m > 0 and length_m > 0 and 0 < width_share < loops):
        raise ValueRangeError(f"loop array: got {loops} loops, {radius_m} m, {length_m} m, share {width_share}.")
    half, segment_m = math.pi * width_share / loops, radius_m / _PER_RADIUS
    wires: list[_Wire] = []
    for channel in range(loops):
        middle, alone = 2 * math.pi * channel / loops, np.eye(loops)[channel]
        low, high = -length_m / 2, length_m / 2
        wires.append(_arc(radius_m, low, middle - half, middle + half, segment_m, alone))
        wires.append(_rung(radius_m, middle + half, low, high, segment_m, alone))
        wires.append(_arc(radius_m, high, middle + half, middle - half, segment_m, alone))
        wires.append(_rung(radius_m, middle - half, high, low, segment_m, alone))
    return _joined(f"loops-{loops}", wires, loops)


_Wire = tuple[np.ndarray, np.ndarray, np.ndarray]


def _birdcage_wires(angle: np.ndarray, modes: np.ndarray, radius: float, length: float, step: float) -> list[_Wire]:
    rungs = [_rung(radius, phi, -length / 2, length / 2, step, modes[:, n]) for n, phi in enumerate(angle)]
    ring = np.cumsum(modes, axis=1)
    ring -= ring.mean(axis=1, keepdims=True)
    ends = zip(angle, angle + 2 * math.pi / len(angle), strict=True)
    for n, (begin, end) in enumerate(ends):
        rungs.append(_arc(radius, length / 2, begin, end, step, ring[:, n]))
        rungs.append(_arc(radius, -length / 2, begin, end, step, -ring[:, n]))
    return rungs


def _rung(radius: float, angle: float, begin: float, end: float, step: float, amplitude: np.ndarray) -> _Wire:
    count = max(2, math.ceil(abs(end - begin) / step))
    z = begin + (end - begin) * (np.arange(count) + 0.5) / count
    middle = np.stack([np.full(count, radius * math.cos(angle)), np.full(count, radius * math.sin(angle)), z], axis=1)
    return middle, np.tile([0.0, 0.0, (end - begin) / count], (count, 1)), amplitude


def _arc(radius: float, z: float, begin: float, end: float, step: float, amplitude: np.ndarray) -> _Wire:
    count = max(2, math.ceil(abs(end - begin) * radius / step))
    corners = begin + (end - begin) * np.arange(count + 1) / count
    places = radius * np.stack([np.cos(corners), np.sin(corners)], axis=1)
    chords, middles = np.diff(places, axis=0), (places[1:] + places[:-1]) / 2
    return np.column_stack([middles, np.full(count, z)]), np.column_stack([chords, np.zeros(count)]), amplitude


def _joined(name: str, wires: list[_Wire], channels: int) -> CoilCurrents:
    amplitude = np.concatenate([np.tile(np.reshape(a, (channels, 1)), (1, len(m))) for m, _, a in wires], axis=1)
    middles, lengths = (np.concatenate([wire[part] for wire in wires]) for part in (0, 1))
    return CoilCurrents(name=name, midpoints_m=middles, lengths_m=lengths, amplitude=amplitude.astype(np.complex128))


def incident_on(
    coil: CoilCurrents, body: VoxelBody, frequency_Hz: float
) -> tuple[Complex[np.ndarray, "channel 3 ze ye xe"], Complex[np.ndarray, "channel 3 z y x"]]:
    """E along the edges that touch matter (V/m, 0 on the rest) and B in the middle of all voxels (T), of each channel's ampere.

    Errors: ValueRangeError when a conductor runs within a voxel and a half of matter.
    """
    points, k = body.grid.points_m().reshape(-1, 3), 2 * math.pi * frequency_Hz / SPEED_OF_LIGHT_M_PER_S
    electric = incident_along(coil, body, frequency_Hz)
    magnetic = _SCALE * _curl(points, *_wires(coil), k, (body.spacing_m / 2) ** 2)
    return electric, np.asarray(magnetic.transpose(1, 2, 0).reshape(coil.channels, 3, *body.grid.shape))


def incident_along(coil: CoilCurrents, body: VoxelBody, frequency_Hz: float) -> Complex[np.ndarray, "channel 3 ze ye xe"]:
    """The E of `incident_on` alone. Errors: as there."""
    matter, k = body.matter, 2 * math.pi * frequency_Hz / SPEED_OF_LIGHT_M_PER_S
    _refuse_contact(coil, body.grid.points_m()[matter], body.spacing_m)
    held = on_edges(matter.astype(np.float64)) > 0
    places, axis = body.edge_points_m()[held], np.nonzero(held)[0]
    electric = np.zeros((coil.channels, *held.shape), np.complex128)
    electric[:, held] = -2j * math.pi * frequency_Hz * _SCALE * _potential_along(places, axis, *_wires(coil), k).T
    return electric


_Driven = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]


def _wires(coil: CoilCurrents) -> _Driven:
    """Segments, and for each of them where its channels and their currents begin in two lists."""
    segment, channel = np.nonzero(coil.amplitude.T)
    first = np.searchsorted(segment, np.arange(len(coil.midpoints_m) + 1))
    return coil.midpoints_m, coil.lengths_m, first, channel, coil.amplitude[channel, segment], coil.channels


def _refuse_contact(coil: CoilCurrents, matter_m: np.ndarray, spacing_m: float) -> None:
    """A body that touches the coil. The nearest conductor is looked for within the body's own box only."""
    near = np.all(
        (coil.midpoints_m > matter_m.min(axis=0) - 2 * spacing_m) & (coil.midpoints_m < matter_m.max(axis=0) + 2 * spacing_m),
        axis=1,
    )
    for place in coil.midpoints_m[near]:
        nearest = float(np.sqrt(((matter_m - place) ** 2).sum(axis=1).min()))
        if nearest < 1.5 * spacing_m:
            raise ValueRangeError(
                f"coil {coil.name}: a conductor at {np.round(place, 3).tolist()} m lies {nearest * 1e3:.1f} mm from the body, "
                f"wanted {1.5e3 * spacing_m:.1f} mm. Take a wider coil."
            )


@numba.njit(parallel=True, cache=True)
@no_type_check
def _potential_along(
    points: np.ndarray,
    axis: np.ndarray,
    middles: np.ndarray,
    lengths: np.ndarray,
    first: np.ndarray,
    driven: np.ndarray,
    amplitude: np.ndarray,
    channels: int,
    k: float,
) -> np.ndarray:
    out = np.zeros((len(points), channels), np.complex128)
    for p in numba.prange(len(points)):
        for n in range(len(middles)):
            along = lengths[n, axis[p]]
            if along == 0.0:
                continue
            x, y, z = points[p, 0] - middles[n, 0], points[p, 1] - middles[n, 1], points[p, 2] - middles[n, 2]
            r = math.sqrt(x * x + y * y + z * z)
            wave = complex(math.cos(k * r), -math.sin(k * r)) * (along / r)
            for entry in range(first[n], first[n + 1]):
                out[p, driven[entry]] += wave * amplitude[entry]
    return out


@numba.njit(parallel=True, cache=True)
@no_type_check
def _curl(
    points: np.ndarray,
    middles: np.ndarray,
    lengths: np.ndarray,
    first: np.ndarray,
    driven: np.ndarray,
    amplitude: np.ndarray,
    channels: int,
    k: float,
    soft: float,
) -> np.ndarray:
    out = np.zeros((len(points), channels, 3), np.complex128)
    for p in numba.prange(len(points)):
        for n in range(len(middles)):
            x, y, z = points[p, 0] - middles[n, 0], points[p, 1] - middles[n, 1], points[p, 2] - middles[n, 2]
            # voxels of air may hold a conductor: there its field is that of a wire half a voxel thick
            square = max(x * x + y * y + z * z, soft)
            r = math.sqrt(square)
            wave = complex(math.cos(k * r), -math.sin(k * r)) * complex(1, k * r) / (square * r)
            a, b, c = lengths[n, 0], lengths[n, 1], lengths[n, 2]
            u, v, w = wave * (b * z - c * y), wave * (c * x - a * z), wave * (a * y - b * x)
            for entry in range(first[n], first[n + 1]):
                channel, drive = driven[entry], amplitude[entry]
                out[p, channel, 0] += u * drive
                out[p, channel, 1] += v * drive
                out[p, channel, 2] += w * drive
    return out


def coil_field(
    coil: CoilCurrents, points_m: Float[np.ndarray, "p 3"], frequency_Hz: float
) -> tuple[Complex[np.ndarray, "channel 3 p"], Complex[np.ndarray, "channel 3 p"]]:
    """E (V/m) and B (T) of each channel's ampere in empty space, at any points off the wires: E = -i omega A, B = curl A."""
    k = 2 * math.pi * frequency_Hz / SPEED_OF_LIGHT_M_PER_S
    wires = _wires(coil)
    potential = np.stack([_potential_along(points_m, np.full(len(points_m), i), *wires, k).T for i in range(3)], axis=1)
    magnetic = _curl(points_m, *wires, k, 0.0).transpose(1, 2, 0)
    return -2j * math.pi * frequency_Hz * _SCALE * potential, _SCALE * magnetic
