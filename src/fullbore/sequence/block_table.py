"""Composing a sequence: blocks are described once and played many times, rows of a table at the end."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fullbore.data import Adc, Encoding, Geometry, Gradient, Limits, RfPulse, Sequence, Trigger
from fullbore.errors import ShapeError
from fullbore.sequence.physical_axes import GradientLibrary

Value = float | np.ndarray
"""One number, or one per repetition."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """What plays at once. Gradients are on the logical axes; scales, phases and `sampled` may differ per repetition.

    signal: a digital signal; which block it belongs to is counted here, so its own number does not matter.
    turn: rotation of the logical axes, (3, 3), or one per repetition, (repetition, 3, 3): gradient (read, phase, slice) plays
    as turn @ gradient; None for none.
    """

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
    turn: np.ndarray | None = None
    adc: Adc | None = None
    adc_phase_rad: Value = 0.0
    adc_frequency_Hz: Value = 0.0
    sampled: bool | np.ndarray = True
    signal: Trigger | None = None

    @property
    def gradients(self) -> tuple[Gradient | None, Gradient | None, Gradient | None]:
        """The logical axes' events."""
        return self.read, self.phase, self.slice


def pause(duration_s: float) -> tuple[Block, ...]:
    """Nothing for a while; no block at all for less than a nanosecond."""
    return (Block(duration_s=duration_s),) if duration_s > 1e-9 else ()


@dataclass(slots=True, eq=False)
class BlockTable:
    """Accumulates blocks in playing order, keeping each event once."""

    geometry: Geometry
    raster_s: float
    _gradients: GradientLibrary = field(default_factory=GradientLibrary)
    _events: dict[int, tuple[int, RfPulse | Adc]] = field(default_factory=dict)
    _counts: dict[type, int] = field(default_factory=dict)
    _columns: dict[str, list[np.ndarray]] = field(default_factory=dict)
    _triggers: list[Trigger] = field(default_factory=list)
    _blocks: int = 0

    def play(self, *blocks: Block, times: int = 1) -> float:
        """Play the blocks one after the other, the whole group `times` times; returns their duration (s)."""
        return self.play_rounds((blocks, times), rounds=1)

    def play_rounds(self, *groups: tuple[tuple[Block, ...], int], rounds: int) -> float:
        """Play groups (blocks, times) one after the other, all of it `rounds` times; returns their duration (s).

        Scales, phases and `sampled` that differ: one per repetition of the group, rounds x times in playing order.
        """
        groups = tuple((blocks, times) for blocks, times in groups if blocks and times)
        if not groups or rounds == 0:
            return 0.0
        parts: dict[str, list[np.ndarray]] = {}
        for blocks, times in groups:
            columns = [self._block_columns(block, rounds * times) for block in blocks]
            for name in columns[0]:
                stacked = np.stack([column[name] for column in columns], axis=1)
                parts.setdefault(name, []).append(stacked.reshape(rounds, times * len(blocks), *stacked.shape[2:]))
        for name, of_groups in parts.items():
            whole = of_groups[0] if len(groups) == 1 else np.concatenate(of_groups, axis=1)
            self._columns.setdefault(name, []).append(whole.reshape(-1, *whole.shape[2:]))
        length = sum(times * len(blocks) for blocks, times in groups)
        first = self._blocks
        for blocks, times in groups:
            self._signal(blocks, times, range(first, first + rounds * length, length))
            first += times * len(blocks)
        self._blocks += rounds * length
        return rounds * sum(times * sum(block.duration_s for block in blocks) for blocks, times in groups)

    @property
    def duration_s(self) -> float:
        """Length of all that was played so far."""
        return sum((float(part.sum()) for part in self._columns.get("duration_s", [])), 0.0)

    def finish(self, name: str, encoding: Encoding, definitions: dict[str, str]) -> Sequence:
        """The sequence of all that was played."""
        column: dict[str, Any] = {key: _joined(parts) for key, parts in self._columns.items()}
        parameters = {**encoding.parameters, "duration_s": float(column["duration_s"].sum())}
        shapes, column["gradient_scale"] = self._gradients.finished(column["gradient"], column["gradient_scale"])
        return Sequence(
            name=name,
            rf_pulses=tuple(e for _, e in self._events.values() if isinstance(e, RfPulse)),
            gradients=shapes,
            adcs=tuple(e for _, e in self._events.values() if isinstance(e, Adc)),
            encoding=replace(encoding, parameters=parameters),
            definitions=definitions,
            triggers=tuple(sorted(self._triggers, key=lambda trigger: trigger.block)),
            **column,
        )

    def _signal(self, blocks: tuple[Block, ...], times: int, starts: range) -> None:
        """Keep the digital signals of a group that plays `times` times from each start (block number) on."""
        for place, block in enumerate(blocks):
            if block.signal is not None:
                at = [start + place + repeat * len(blocks) for start in starts for repeat in range(times)]
                self._triggers += [replace(block.signal, block=number) for number in at]

    def _index(self, event: RfPulse | Adc | None) -> int:
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
        steps = _raster_steps(block, self.raster_s)

        def spread(value: Value | bool) -> np.ndarray:
            return np.broadcast_to(np.asarray(value), (times,))

        gradient, scale = self._gradients.played(block.gradients, self._weights(block, times))
        adc = np.where(spread(block.sampled), self._index(block.adc), -1)
        return {
            "duration_s": np.full(times, steps * self.raster_s),
            "rf": np.full(times, self._index(block.rf), dtype=np.int32),
            "rf_phase_rad": np.mod(spread(block.rf_phase_rad).astype(np.float64), 2 * np.pi),
            "rf_frequency_Hz": spread(block.rf_frequency_Hz).astype(np.float64),
            "gradient": gradient,
            "gradient_scale": scale,
            "adc": adc.astype(np.int32),
            "adc_phase_rad": np.mod(spread(block.adc_phase_rad).astype(np.float64), 2 * np.pi),
            "adc_frequency_Hz": np.where(adc >= 0, spread(block.adc_frequency_Hz), 0.0).astype(np.float64),
        }

    def _weights(self, block: Block, times: int) -> np.ndarray:
        """How much of each logical axis's event each of the scanner's axes plays, (repetition, axis, logical)."""
        frame = np.stack([self.geometry.read, self.geometry.phase, self.geometry.slice], axis=1)
        turned = frame if block.turn is None else frame @ block.turn
        scales = (block.read_scale, block.phase_scale, block.slice_scale)
        scale = np.stack([np.broadcast_to(np.asarray(value, dtype=np.float64), (times,)) for value in scales], axis=1)
        return np.asarray(np.broadcast_to(turned, (times, 3, 3)) * scale[:, None, :])


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """All parts one after the other; a single one is not copied."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _raster_steps(block: Block, raster_s: float) -> int:
    """The length of a block in steps. Errors: ShapeError when it is off the raster or shorter than its gradients."""
    steps = block.duration_s / raster_s
    if abs(steps - round(steps)) > 1e-3:
        raise ShapeError(f"Block: duration {block.duration_s * 1e6:.3f} us is off the raster of {raster_s * 1e6:g} us.")
    late = max((float(g.times_s[-1]) for g in block.gradients if g is not None), default=0.0)
    if late > block.duration_s + 1e-9:
        raise ShapeError(f"Block: lasts {block.duration_s * 1e6:.3f} us but a gradient ends at {late * 1e6:.3f} us.")
    return round(steps)


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
