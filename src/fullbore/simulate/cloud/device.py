"""Play a sequence to a cloud of spins on a torch device: the answers of `play_cloud`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from jaxtyping import Complex64, Complex128
from torch import Tensor

from fullbore.data import ScannerSpec, Sequence
from fullbore.errors import UsageError
from fullbore.simulate.cloud.device_cloud import DeviceCloud, carry
from fullbore.simulate.cloud.device_dynamics import run_piece
from fullbore.simulate.cloud.device_fused import fused
from fullbore.simulate.cloud.device_pulses import DevicePulses
from fullbore.simulate.cloud.device_readouts import DeviceReadouts, Found
from fullbore.simulate.cloud.device_schedule import DeviceSchedule, schedule
from fullbore.simulate.cloud.schedule import MOST_PROPAGATORS, Piece, pieces
from fullbore.simulate.cloud.spins import SpinCloud
from fullbore.simulate.timeline import compile_timeline, receiver_phase_rad

MOST_ROWS = 256
"""Readouts whose magnetisation is held at a time, where a pulse has no more: enough for a product to fill a device."""

SPIN_BYTES = 256
"""What a spin takes without its receivers: its properties, sorted or not, and its state."""

FEWEST_SPINS = 1024


def play_on(
    cloud: SpinCloud | DeviceCloud,
    sequence: Sequence,
    device: torch.device | str,
    spec: ScannerSpec | None = None,
    *,
    tolerance: float = 1e-6,
    memory_bytes: int = 4_000_000_000,
    progress: Callable[[float], None] = lambda fraction: None,
) -> Complex64[np.ndarray, "row coil sample"]:
    """Noiseless samples of every spin's own Bloch equation, computed on `device`; see `play_cloud` for what is exact.

    cloud: on the host, or already on the device (`carry`), which spares its way there. spec: the machine whose flaws are felt,
    an ideal one if None; a cloud that is on the device is in its machine already. memory_bytes: what the device's
    tensors may take beside a cloud that is already there; spins and readouts are taken in blocks. The same bytes every time
    on one device, nearly the same on others: no sum depends on the order in which threads arrive.
    Errors: UsageError when there is no such device, when the cloud is on another or in another machine, and for RF shims, which
    only `play_cloud` plays; those of `carry` and of `play_cloud`.
    """
    device = torch.device(device)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"play_on: device {device}, but torch finds no CUDA device. Play on cpu, or use play_cloud.")
    if (sequence.rf_shim[sequence.rf >= 0] >= 0).any():
        raise UsageError(f"play_on, sequence {sequence.name}: RF shims, wanted all transmit channels alike. Use play_cloud.")
    parts = _parts(cloud, device, spec, memory_bytes // 4)
    where = cloud.device if isinstance(cloud, DeviceCloud) else device
    total: np.ndarray | None = None
    with exact_products(), torch.cuda.device(where) if where.type == "cuda" else nullcontext():
        for number, held in enumerate(parts):
            block_bytes = memory_bytes if isinstance(cloud, DeviceCloud) else 3 * memory_bytes // 4
            player = _Player(held(), sequence, tolerance, block_bytes)
            total = player.room() if total is None else total
            for done, (rows, value) in player.play():
                total[rows, :, : value.shape[2]] += value.cpu().numpy()
                progress((number + done) / len(parts))
    assert total is not None
    return (total * np.exp(1j * receiver_phase_rad(sequence))[:, None]).astype(np.complex64)


def _parts(
    cloud: SpinCloud | DeviceCloud, device: torch.device, spec: ScannerSpec | None, part_bytes: int
) -> list[Callable[[], DeviceCloud]]:
    """A cloud in runs of spins that the device can hold, each carried there when its turn comes."""
    if isinstance(cloud, DeviceCloud):
        if cloud.device.type != device.type or device.index not in (None, cloud.device.index):
            raise UsageError(f"play_on: the cloud is on {cloud.device}, wanted {device}. Carry it there.")
        if spec is not None:
            raise UsageError("play_on: a spec for a cloud that was carried into a machine already. Give the spec to carry.")
        return [lambda: cloud]
    size = max(part_bytes // (SPIN_BYTES + 24 * len(cloud.sensitivity)), FEWEST_SPINS)
    if size >= len(cloud):
        return [partial(carry, cloud, device, spec)]
    return [partial(carry, cloud, device, spec, slice(first, first + size)) for first in range(0, len(cloud), size)]


class _Player:
    """A sequence and a cloud on one device."""

    def __init__(self, cloud: DeviceCloud, sequence: Sequence, tolerance: float, memory_bytes: int):
        self._timeline = timeline = compile_timeline(sequence, cloud.bore)
        self._cloud, self._memory_bytes = cloud, memory_bytes
        self._pieces = pieces(timeline.last_pulse, MOST_ROWS)
        self._readouts = DeviceReadouts(timeline, cloud, tolerance)
        self._pulses = DevicePulses(timeline, cloud)
        self._schedule = schedule(timeline, self._pulses.which, cloud.device)

    def room(self) -> Complex128[np.ndarray, "row coil sample"]:
        """Zeros for all samples."""
        return np.zeros((len(self._timeline.last_pulse), self._cloud.coils, self._timeline.sample_time_s.shape[1]), np.complex128)

    def play(self) -> Iterator[tuple[float, Found]]:
        """What blocks of spins give to pieces of the sequence, with the part of all work that is then done."""
        layout, kernels = self._readouts.lay_out(self._cloud), fused(self._cloud.device)
        run = kernels.run_piece if kernels else run_piece
        size = max(self._block_spins() // layout.slot.shape[1], 1)
        todo = self._pieces
        blocks = range(0, len(layout.cell), size)
        for number, first in enumerate(blocks):
            block = layout.part(slice(first, first + size))
            slot = block.slot.flatten()
            part = self._cloud.take(slot)
            lines, propagators = self._readouts.prepare(part, block), self._propagators(part, slot.clamp(min=0))
            held = (*self._schedule.decay(part.t1_s, part.t2_s), part.place.T.contiguous(), part.off_resonance_Hz)
            state = torch.zeros((3, len(part)), dtype=torch.float32, device=part.device)
            state[2] = 1
            for count, piece in enumerate(todo):
                middle = run(piece, *propagators(piece), *held, state)
                done = (number * len(todo) + count + 1) / (len(blocks) * len(todo))
                for found in self._readouts.collect(lines, part, middle, piece, self._memory_bytes // 4):
                    yield done, found
                del middle  # before the next piece takes as much

    def _propagators(self, part: DeviceCloud, slot: Tensor) -> Callable[[Piece], tuple[DeviceSchedule, Tensor]]:
        """For a piece: the schedule with its pulses' numbers, and their propagators; made once where they are not too many."""
        which = self._pulses.which
        if len(self._pulses.played) <= MOST_PROPAGATORS:
            held = self._schedule, self._pulses.terms(part, slot, np.arange(len(self._pulses.played)))
            return lambda piece: held

        def of_piece(piece: Piece) -> tuple[DeviceSchedule, Tensor]:
            rows = np.unique(which[piece.pulses])
            number = torch.tensor(np.searchsorted(rows, which), dtype=torch.int32, device=part.device)
            return replace(self._schedule, kind=number), self._pulses.terms(part, slot, rows)

        return of_piece

    def _block_spins(self) -> int:
        """How many slots the memory holds, a quarter of it kept for the sums' own work."""
        rows = max((piece.count for piece in self._pieces), default=0)
        fixed = SPIN_BYTES + 16 * self._cloud.coils * (2 + self._readouts.line_columns)
        most = max((piece.pulses.stop - piece.pulses.start for piece in self._pieces), default=0)
        held = min(len(self._pulses.played), max(most, MOST_PROPAGATORS))
        played = 48 * held + 16 * len(self._schedule.length_s)
        return max(3 * self._memory_bytes // 4 // (fixed + played + 24 * rows), FEWEST_SPINS)


@contextmanager
def exact_products() -> Iterator[None]:
    """Float32 products in float32, not in TF32 (2e-4), whatever the program chose for the rest of its work."""
    matmul = torch.backends.cuda.matmul
    name, exact = ("fp32_precision", "ieee") if hasattr(matmul, "fp32_precision") else ("allow_tf32", False)
    before = getattr(matmul, name)
    setattr(matmul, name, exact)
    try:
        yield
    finally:
        setattr(matmul, name, before)
