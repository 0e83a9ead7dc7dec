"""Classes of spins, and what each pulse does to them.

A class is a tissue, a plane, a node of water off-resonance and a node of transmit scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from fullbore.data import Tissue
from fullbore.simulate.pulse_kernel import TERMS
from fullbore.simulate.pulses import FrequencyTable, propagators, table_points
from fullbore.simulate.timeline import Timeline

LARGEST = 1e30
"""Of a propagator's terms. Where a pulse is much longer than T2, taking its decay out leaves single precision's range: such terms
are of transverse magnetisation that is gone before any sample, and count as none."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassAxes:
    """The smooth axes of the classes: planes (m along slice, [0] when nothing selects), water off-resonance, transmit scale."""

    plane_m: Float[np.ndarray, " plane"]
    off_resonance_Hz: Float[np.ndarray, " f"]
    b1_scale: Float[np.ndarray, " b"]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(plane, f, b)."""
        return len(self.plane_m), len(self.off_resonance_Hz), len(self.b1_scale)


class PulseBank:
    """Propagators for the classes of any group; frequency tables are made once per pulse kind and relaxation times,
    where they save work."""

    def __init__(self, timeline: Timeline, direction: Float[np.ndarray, " 3"], half_width_Hz: Float[np.ndarray, " kind"]):
        self._timeline = timeline
        self._direction = direction
        self._half_width = half_width_Hz
        self._frequencies = [len(np.unique(timeline.frequency_Hz[timeline.kind == k])) for k in range(len(timeline.kinds))]
        self._tables: dict[tuple[int, float, float, bytes], FrequencyTable] = {}

    def terms(
        self, kind: int, frequency_Hz: float, tissue: Tissue, shift_Hz: float, axes: ClassAxes
    ) -> Float32[np.ndarray, "12 n"]:
        """Propagators of one kind at one frequency offset, a column per class."""
        pulse = self._timeline.kinds[kind]
        gradient = pulse.gradient_Hz_per_m @ self._direction
        planes, fs, bs = axes.shape
        offset = (axes.off_resonance_Hz + shift_Hz - frequency_Hz)[None, :]
        selects = pulse.has_constant_gradient and gradient[0] != 0
        if selects and self._frequencies[kind] * planes * fs >= table_points(pulse, self._half_width[kind]):
            value = self._table(kind, tissue, axes)((gradient[0] * axes.plane_m[:, None] + offset).ravel())
        elif pulse.has_constant_gradient and not selects:
            value = np.broadcast_to(self._direct(kind, tissue, np.zeros(1), offset, axes), (planes, fs, bs, TERMS))
        else:
            value = self._direct(kind, tissue, axes.plane_m, offset, axes)
        bounded = np.where(np.abs(value) < LARGEST, value, 0.0)
        return np.ascontiguousarray(bounded.reshape(-1, TERMS).T, dtype=np.float32)

    def _table(self, kind: int, tissue: Tissue, axes: ClassAxes) -> FrequencyTable:
        key = (kind, tissue.t1_s, tissue.t2_s, axes.b1_scale.tobytes())
        if key not in self._tables:
            self._tables[key] = FrequencyTable(
                self._timeline.kinds[kind], self._half_width[kind], axes.b1_scale, tissue.t1_s, tissue.t2_s
            )
        return self._tables[key]

    def _direct(
        self, kind: int, tissue: Tissue, plane_m: Float[np.ndarray, " p"], offset: Float[np.ndarray, "1 f"], axes: ClassAxes
    ) -> Float[np.ndarray, "p f b 12"]:
        grid = np.meshgrid(plane_m, offset[0], axes.b1_scale, indexing="ij")
        position, off, scale = (part.ravel() for part in grid)
        t1, t2 = np.full_like(off, tissue.t1_s), np.full_like(off, tissue.t2_s)
        return propagators(self._timeline.kinds[kind], self._direction, position, off, scale, t1, t2).reshape(
            *grid[0].shape, TERMS
        )
