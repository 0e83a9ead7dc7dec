"""How much diffusion there is to feel in a sequence, before anybody walks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from fullbore.data import Phantom, Sequence
from fullbore.simulate.cloud.walk_clock import make_walk_clock
from fullbore.simulate.fields import IDEAL
from fullbore.simulate.timeline import Timeline, compile_timeline

ECHOES = 3
"""Excitations back to which the echoes of a readout are followed."""
SPOILED_RAD, LONG_AGO_S = 1e-3, -1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighting:
    """lost: the largest part that diffusion takes of any readout's magnetisation, as predicted. exponent: b D of that readout."""

    lost: float
    exponent: float

    def error(self, spins: float) -> float:
        """Standard error of the sum of so many spins that walk each by itself, relative to their sum without diffusion."""
        return float(np.sqrt((1 - np.exp(-2 * self.exponent)) / max(spins, 1.0)))


def weighting(phantom: Phantom, sequence: Sequence) -> Weighting:
    """Of all tissues of a phantom at rest: echoes that the last few excitations make, later ones as T2 leaves them.

    Excitations whose phases rise quadratically (RF spoiling) are heard once only. Pulses that prepare store and recall.
    """
    if not any(np.any(tensor) for tissue in phantom.tissues for _, tensor in tissue.diffusion):
        return Weighting(lost=0.0, exponent=0.0)
    matrices, since_s = _echoes(sequence)
    worst = Weighting(lost=0.0, exponent=0.0)
    for tissue in phantom.tissues:
        for _, tensor in tissue.diffusion:
            exponent = np.einsum("erij,ij->er", matrices, np.array(tensor))
            heard = np.exp(-since_s / tissue.t2_s)
            heard[0] = 1.0
            lost = -np.expm1(-exponent) * heard
            echo, row = np.unravel_index(int(lost.argmax()), lost.shape)
            if lost[echo, row] > worst.lost:
                worst = Weighting(lost=float(lost[echo, row]), exponent=float(exponent[echo, row]))
    return worst


def _echoes(sequence: Sequence) -> tuple[Float[np.ndarray, "echo row 3 3"], Float[np.ndarray, "echo row"]]:
    """b-matrices (s/m^2) at the middle of each readout, and the time by which each echo is older than the first."""
    timeline = compile_timeline(sequence)
    clock = make_walk_clock(IDEAL.terms, None, sequence, timeline)
    count = 1 if _is_spoiled(timeline) else ECHOES
    events = np.full(len(clock.time_s), -1)
    events[clock.row] = np.arange(len(clock.row))
    uses = np.full(len(clock.time_s), " ")
    uses[clock.pulse] = timeline.uses
    k, b, begun, frozen = np.zeros((count, 3)), np.zeros((count, 3, 3)), np.full(count, LONG_AGO_S), False
    matrices, since_s = np.zeros((count, len(clock.row), 3, 3)), np.zeros((count, len(clock.row)))
    for event, (use, length_s) in enumerate(zip(uses.tolist(), clock.length_s, strict=True)):
        moved = 0.0 if frozen else 1.0
        cross = moved * k[:, :, None] * clock.path[event]
        b = b + length_s * k[:, :, None] * k[:, None, :] + cross + cross.transpose(0, 2, 1) + moved * clock.spread[event]
        k = k + moved * clock.moment[event]
        if use == "e":
            k, b = np.concatenate([np.zeros((1, 3)), k[:-1]]), np.concatenate([np.zeros((1, 3, 3)), b[:-1]])
            begun, frozen = np.append(clock.time_s[event], begun[:-1]), False
        elif use == "r":
            k = -k
        elif use in "pu":
            frozen = not frozen
        elif use == " ":
            matrices[:, events[event]], since_s[:, events[event]] = 4 * np.pi**2 * b, begun[0] - begun
    return matrices, since_s


def _is_spoiled(timeline: Timeline) -> bool:
    """True when the phases of excitations rise quadratically."""
    phase = timeline.phase_rad[np.array(timeline.uses) == "e"]
    if len(phase) < 4:
        return False
    bend = np.angle(np.exp(1j * np.diff(phase, 2)))
    return bool(np.abs(bend - bend[0]).max() < SPOILED_RAD < abs(bend[0]))
