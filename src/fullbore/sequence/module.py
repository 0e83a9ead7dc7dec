"""A brick of a sequence: blocks that belong together, and what they do to spins, declared by integrating them."""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass

import numpy as np

from fullbore.data import Trigger
from fullbore.sequence.block_table import Block, pause
from fullbore.sequence.gradients import raster_up
from fullbore.sequence.moments import b_tensor, moments, rf_energy_T2s
from fullbore.sequence.refusal import refuse_spacing


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Module:
    """Blocks in playing order with one time that others count from.

    centre_s: from the module's start to what it is about: a pulse's centre, an echo, the end of a preparation.
    """

    blocks: tuple[Block, ...]
    centre_s: float = 0.0

    @property
    def duration_s(self) -> float:
        """Length."""
        return float(sum(block.duration_s for block in self.blocks))

    @property
    def tail_s(self) -> float:
        """From the centre to the end."""
        return self.duration_s - self.centre_s

    @property
    def rf_energy_T2s(self) -> float:
        """Integral of |B1|^2."""
        return rf_energy_T2s(self.blocks)

    def moments(self, *, start_s: float | None = None, end_s: float | None = None) -> np.ndarray:
        """M0, M1, M2 on the logical axes from a time (by default the centre) to another (the end), about the first, (3, 3)."""
        return moments(self.blocks, start_s=self.centre_s if start_s is None else start_s, end_s=end_s)

    def b_tensor(self, *, refocusing_s: Items[float] = (), end_s: float | None = None) -> np.ndarray:
        """The b-tensor (s/m^2) from the centre to a time (by default the end), refocused at times from the module's start."""
        return b_tensor(self.blocks, excitation_s=self.centre_s, refocusing_s=refocusing_s, end_s=end_s)


def chained(*modules: Module, centre: int = 0) -> Module:
    """Modules one after the other as one, with the centre of one of them."""
    lead = sum(module.duration_s for module in modules[:centre])
    return Module(blocks=tuple(block for module in modules for block in module.blocks), centre_s=lead + modules[centre].centre_s)


def wait(duration_s: float) -> Module:
    """Nothing for a while."""
    return Module(blocks=pause(duration_s))


def wait_for(field: str, asked_s: float, used_s: float, reason: str, raster_s: float) -> Module:
    """The pause that fills `used_s` up to `asked_s`, rounded to the block raster.

    Errors: Refusal naming the protocol field when there is less than no time; `reason` says what takes it.
    """
    missing = round((asked_s - used_s) / raster_s) * raster_s
    if missing < -1e-9:
        refuse_spacing(field, asked_s, raster_up(used_s, raster_s), reason, raster_s)
    return wait(max(missing, 0.0))


def heartbeat(channel: int = 1, duration_s: float = 1e-3) -> Module:
    """Wait for the heart's trigger (Pulseq's physio1); the block itself takes a moment."""
    signal = Trigger(block=0, kind="trigger", channel=channel, delay_s=0.0, duration_s=duration_s)
    return Module(blocks=(Block(duration_s=duration_s, signal=signal),))
