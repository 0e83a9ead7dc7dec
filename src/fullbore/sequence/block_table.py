"""Composing a sequence: blocks are described once and played many times, rows of a table at the end."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fullbore.data import Adc, Encoding, Geometry, Gradient, Limits, RfPulse, Sequence
from fullbore.errors import ShapeError

Value = float | np.ndarray
"""One number, or one per repetition."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """What plays at once. Gradients are on the logical axes; scales, phases and `sampled` may differ per repetition."""

    duration_s: float
    rf: RfPulse | None = None
    rf_phase_rad: Value = 0.0
    rf_frequency_Hz: Value = 0.0
    read: Gradient | None = None
    phase: Gradient | None = None
    slice: Gradient | None = None
    read_scale: Value = 1.0
    phase_scale: Value = 1.0
    slice_scale: Value = 1.0
    adc: Adc | None = None
    adc_phase_rad: Value = 0.0
    sampled: bool | np.ndarray = True


def pause(duration_s: float) -> tuple[Block, ...]:
    """Nothing for a while; no block at all for less than a nanosecond."""
    return (Block(duration_s=duration_s),) if duration_s > 1e-9 else ()


@dataclass(slots=True, eq=False)
class BlockTable:
    """Accumulates blocks in playing order, keeping each event once."""

    geometry: Geometry
    raster_s: float
    _events: dict[int, tuple[int, RfPulse | Gradient | Adc]] = field(default_factory=dict)
    _counts: dict[type, int] = field(default_factory=dict)
    _columns: dict[str, list[np.ndarray]] = field(default_factory=dict)

    def play(self, *blocks: Block, times: int = 1) -> float:
        """Play the blocks one after the other, the whole group `times` times; returns their duration (s)."""
        if not blocks or times == 0:
            return 0.0
        columns = [self._block_columns(block, times) for block in blocks]
        for name in columns[0]:
            stacked = np.stack([column[name] for column in columns], axis=1)
            self._columns.setdefault(name, []).append(stacked.reshape(times * len(blocks), *stacked.shape[2:]))
        return times * sum(block.duration_s for block in blocks)

    def finish(self, name: str, encoding: Encoding, definitions: dict[str, str]) -> Sequence:
        """The sequence of all that was played."""
        column: dict[str, Any] = {key: np.concatenate(parts) for key, parts in self._columns.items()}
        parameters = {**encoding.parameters, "duration_s": float(column["duration_s"].sum())}
        return Sequence(
            name=name,
            rf_pulses=tuple(e for _, e in self._events.values() if isinstance(e, RfPulse)),
            gradients=tuple(e for _, e in self._events.values() if isinstance(e, Gradient)),
            adcs=tuple(e for _, e in self._events.values() if isinstance(e, Adc)),
            encoding=replace(encoding, parameters=parameters),
            definitions=definitions,
            **column,
        )

    def _index(self, event: RfPulse | Gradient | Adc | None) -> int:
        """The number of an event among its kind, -1 for none."""
        if event is None:
            return -1
        if id(event) not in self._events:
            number = self._counts.get(type(event), 0)
            self._events[id(event)] = (number, event)
            self._counts[type(event)] = number + 1
        return self._events[id(event)][0]

    def _block_columns(self, block: Block, times: int) -> dict[str, np.ndarray]:
        """The columns of one block played `times` times."""
        steps = block.duration_s / self.raster_s
        if abs(steps - round(steps)) > 1e-3:
            raise ShapeError(f"Block: duration {block.duration_s * 1e6:.3f} us is off the raster of {self.raster_s * 1e6:g} us.")

        late = max((float(g.times_s[-1]) for g in (block.read, block.phase, block.slice) if g is not None), default=0.0)
        if late > block.duration_s + 1e-9:
            raise ShapeError(f"Block: lasts {block.duration_s * 1e6:.3f} us but a gradient ends at {late * 1e6:.3f} us.")

        def spread(value: Value | bool) -> np.ndarray:
            return np.broadcast_to(np.asarray(value), (times,))

        gradient = np.full((times, 3), -1, dtype=np.int32)
        scale = np.ones((times, 3))
        for vector, event, factor in self._axes(block):
            axis = int(np.argmax(np.abs(vector)))
            gradient[:, axis] = self._index(event)
            scale[:, axis] = np.sign(vector[axis]) * spread(factor)
        idle = (scale == 0) | (gradient < 0)
        gradient[idle], scale[idle] = -1, 1.0
        adc = np.where(spread(block.sampled), self._index(block.adc), -1)
        return {
            "duration_s": np.full(times, round(steps) * self.raster_s),
            "rf": np.full(times, self._index(block.rf), dtype=np.int32),
            "rf_phase_rad": np.mod(spread(block.rf_phase_rad).astype(np.float64), 2 * np.pi),
            "rf_frequency_Hz": spread(block.rf_frequency_Hz).astype(np.float64),
            "gradient": gradient,
            "gradient_scale": scale,
            "adc": adc.astype(np.int32),
            "adc_phase_rad": np.mod(spread(block.adc_phase_rad).astype(np.float64), 2 * np.pi),
        }

    def _axes(self, block: Block) -> tuple[tuple[np.ndarray, Gradient | None, Value], ...]:
        """Logical axes of a block: direction, event, scale."""
        frame = self.geometry
        return (
            (frame.read, block.read, block.read_scale),
            (frame.phase, block.phase, block.phase_scale),
            (frame.slice, block.slice, block.slice_scale),
        )


def definitions(name: str, geometry: Geometry, limits: Limits) -> dict[str, str]:
    """Pulseq's definitions: rasters, name and field of view (m) along x, y, z."""
    slab = geometry.fov_m[2] if geometry.is_3d else float(np.ptp(geometry.slice_offsets_m)) + geometry.fov_m[2]
    sizes = np.abs(np.stack([geometry.read, geometry.phase, geometry.slice]).T) @ np.array([*geometry.fov_m[:2], slab])
    return {
        "AdcRasterTime": f"{limits.adc_raster_s:g}",
        "BlockDurationRaster": f"{limits.block_raster_s:g}",
        "FOV": " ".join(f"{size:.9g}" for size in sizes),
        "GradientRasterTime": f"{limits.gradient_raster_s:g}",
        "Name": name,
        "RadiofrequencyRasterTime": f"{limits.rf_raster_s:g}",
    }
