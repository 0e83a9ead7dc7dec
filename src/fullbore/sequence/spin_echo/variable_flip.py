"""3D turbo spin echo with variable refocusing flips (the class of SPACE, CUBE, VISTA and MATRIX)."""

from __future__ import annotations

from dataclasses import dataclass

from fullbore.data import Limits, Sequence
from fullbore.sequence.spin_echo.slab import Preparation, SlabSpinEcho, before_excitation, play_slab, train_of


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableFlipSpinEcho3d(SlabSpinEcho):
    """3D turbo spin echo: T2-, T1- or density-weighted by repetition and echo time; fields as in SlabSpinEcho."""


def variable_flip_spin_echo_3d(protocol: VariableFlipSpinEcho3d, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken; UsageError for an acceleration that calibration forbids."""
    train = train_of(protocol, limits)
    return play_slab(protocol, train, Preparation(module=before_excitation(protocol, limits)), limits)
