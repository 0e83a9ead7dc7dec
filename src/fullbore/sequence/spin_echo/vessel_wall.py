"""Black-blood vessel wall imaging: 3D turbo spin echo, T1-weighted, with a flip-down pulse after the train."""

from __future__ import annotations

from dataclasses import dataclass

from fullbore.data import Limits, Sequence
from fullbore.sequence.spin_echo.plane import EchoOrder
from fullbore.sequence.spin_echo.slab import Preparation, SlabSpinEcho, before_excitation, play_slab, train_of
from fullbore.sequence.spin_echo.slab_train import TrainEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class VesselWall3d(SlabSpinEcho):
    """3D vessel wall: a flip-down pulse puts what a train leaves transverse, fluid above all, along -z.

    Blood that moves is dephased by the first moment of the read gradient between refocusing pulses, stated as
    `flow_moment_read_T_s2_per_m` in `Encoding.parameters`; other fields as in SlabSpinEcho.
    """

    train_end: TrainEnd = "flip_down"
    echo_order: EchoOrder = "radial"


def vessel_wall_3d(protocol: VesselWall3d, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken; UsageError for an acceleration that calibration forbids."""
    train = train_of(protocol, limits)
    return play_slab(protocol, train, Preparation(module=before_excitation(protocol, limits)), limits)
