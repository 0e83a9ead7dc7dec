"""Which points of the (line, partition) plane a 3D turbo spin echo measures, and at which echo of which train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from fullbore.sequence.ordering import UNUSED, cyclic
from fullbore.sequence.prescription import Count, Factor, SlabPrescription
from fullbore.sequence.readout_rows import centre_range
from fullbore.sequence.sampling import best_caipi, poisson_disc
from fullbore.sequence.sampling.regular import Caipi

EchoOrder = Literal["linear", "radial"]
"""linear: k along lines rises with the echo. radial: k = 0 at the echo of the echo time, the edge at the echoes farthest off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanePrescription(SlabPrescription):
    """Fields of the sampling.

    acceleration: points of the (line, partition) plane over points measured; a whole number for caipi. calibration: fully
    sampled centre, (lines, partitions), of accelerated scans.
    """

    sampling: Literal["poisson", "caipi"] = "poisson"
    acceleration: Factor = 1.0
    calibration: tuple[Count, Count] = (24, 24)
    sampling_seed: Count = 1
    echo_order: EchoOrder = "linear"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plane:
    """Points to measure and their places: items (train, echo), UNUSED where nothing is sampled, of (point, (line, partition))."""

    points: Int[np.ndarray, "point 2"]
    items: Int[np.ndarray, "train echo"]
    calibration: tuple[tuple[int, int], tuple[int, int]]

    def indices(self) -> Int[np.ndarray, "train echo 2"]:
        """Line and partition at each place; k = 0's neighbour at unused ones, not to be read."""
        return np.where(self.items[..., None] == UNUSED, 0, self.points[self.items])


def plane_of(protocol: PlanePrescription, echoes: int, centre_echo: int) -> Plane:
    """The plane of a protocol whose k = 0 is measured at an echo. Errors: UsageError for what no mask can be."""
    mask = _mask(protocol)
    partition, line = np.nonzero(mask)
    points = np.stack([line, partition], axis=1)
    lines, partitions = protocol.matrix[1:]
    centre = np.array([lines // 2, partitions // 2])
    middle = int(np.flatnonzero((points == centre).all(axis=1))[0])
    if protocol.echo_order == "radial":
        items = _radial((points - centre) / np.array([lines, partitions]), middle, echoes, centre_echo)
    else:
        items = _linear(points, middle, echoes, centre_echo)
    ranges = centre_range(lines, protocol.calibration[0]), centre_range(partitions, protocol.calibration[1])
    return Plane(points=points, items=items, calibration=ranges if protocol.acceleration > 1 else ((0, 0), (0, 0)))


def _mask(protocol: PlanePrescription) -> Bool[np.ndarray, "partition line"]:
    shape = protocol.matrix[2], protocol.matrix[1]
    if protocol.acceleration == 1:
        return np.ones(shape, dtype=bool)
    if protocol.sampling == "poisson":
        return poisson_disc(shape, protocol.acceleration, protocol.calibration[::-1], protocol.sampling_seed)
    lattice: Caipi = best_caipi(round(protocol.acceleration), (protocol.fov[2], protocol.fov[1])).lattice
    return lattice.mask(shape, protocol.calibration[::-1])


def _linear(points: Int[np.ndarray, "point 2"], middle: int, echoes: int, centre_echo: int) -> Int[np.ndarray, "train echo"]:
    """Lines rise with the echo, partitions over the trains; wrapped so that k = 0 has its echo in as few trains as can be."""
    rank = np.lexsort((points[:, 1], points[:, 0]))
    order = cyclic(len(points), int(np.flatnonzero(rank == middle)[0]), echoes, centre_echo)
    return np.where(order == UNUSED, UNUSED, rank[order])


def _radial(k: Float[np.ndarray, "point 2"], middle: int, echoes: int, centre_echo: int) -> Int[np.ndarray, "train echo"]:
    """Rings of k at echoes ever farther from the centre's; within a ring trains go round by angle."""
    trains = -(-len(k) // echoes)
    radius = np.hypot(k[:, 0], k[:, 1])
    rank = np.argsort(radius, kind="stable")
    places = np.argsort(np.abs(np.arange(echoes) - centre_echo), kind="stable")
    items = np.full((trains, echoes), UNUSED)
    angle = np.arctan2(k[:, 1], k[:, 0])
    for number, place in enumerate(places):
        ring = rank[number * trains : (number + 1) * trains]
        items[: len(ring), place] = ring[np.argsort(angle[ring], kind="stable")]
    return items
