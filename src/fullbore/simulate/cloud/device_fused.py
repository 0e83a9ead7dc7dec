"""Which of the device's sums have a fused kernel where the program runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

try:
    from fullbore.simulate.cloud.device_curve_kernel import onwards
    from fullbore.simulate.cloud.device_dynamics_kernel import run_piece
    from fullbore.simulate.cloud.device_pulse_kernel import propagate

    TRITON = True
except ImportError:  # Triton comes with the builds of torch for CUDA, not with others
    TRITON = False

KINDS_OF_DEVICE = frozenset({"cuda"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fused:
    """Twins of `device_dynamics.run_piece`, `device_sums.onwards` and `simulate.pulse_kernel.propagate`."""

    run_piece: Callable
    onwards: Callable
    propagate: Callable


def fused(device: torch.device) -> Fused | None:
    """The kernels for a device, None where plain torch has to do."""
    if not TRITON or device.type not in KINDS_OF_DEVICE:
        return None
    return Fused(run_piece=run_piece, onwards=onwards, propagate=propagate)
