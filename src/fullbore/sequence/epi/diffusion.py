"""Spin-echo EPI with diffusion weighting: pulsed gradients, b-tensors, and motion-compensated for the heart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from fullbore.data import Limits, Sequence
from fullbore.errors import LimitError
from fullbore.sequence.epi.spin_echo import SpinEchoEpi2d, Volumes, play_volumes, sides
from fullbore.sequence.epi.weighting import SHAPES, Weighting, directions, free, pulsed, turns_to
from fullbore.sequence.gradients import raster_up
from fullbore.sequence.prescription import DiffusionWeighting, Number, Time
from fullbore.sequence.refusal import Refusal

Weights = Annotated[tuple[DiffusionWeighting, ...], Field(min_length=1)]
Shape = Literal["linear", "planar", "spherical"]
_SEARCH_S = 1e-3
_LONGEST_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffusionEpi2d(SpinEchoEpi2d):
    """Pulsed-gradient spin-echo EPI. b_values: of the shells; each weighted one is measured along all `directions`."""

    b_values: Weights
    directions: Number = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class BTensorEpi2d(SpinEchoEpi2d):
    """Free-waveform encoding: every shape of b-tensor at every b, turned to all `directions`; Maxwell terms are nulled."""

    b_values: Weights
    shapes: Annotated[tuple[Shape, ...], Field(min_length=1)] = ("linear", "spherical")
    directions: Number = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class CardiacDiffusionEpi2d(SpinEchoEpi2d):
    """Diffusion of the beating heart: velocity and acceleration are nulled, each shot waits for the heart.

    heart_period: what the timing counts on. trigger_delay: from the trigger to the excitation.
    """

    b_values: Weights
    heart_period: Time
    trigger_delay: Time
    directions: Number = 6
    nulled_moments: Annotated[int, Field(ge=1, le=3)] = 3


def diffusion_epi_2d(protocol: DiffusionEpi2d, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken; the echo time where the largest b needs more."""

    def weigh(b: float, before: float, pause: float, after: float) -> Weighting:
        return pulsed(b, before, pause, after, limits)

    weighting = _largest(protocol, protocol.b_values, limits, weigh)
    vectors = directions(protocol.directions)
    parts = [_shell(weighting, b, turns_to(vectors, 0)) for b in protocol.b_values]
    return play_volumes(protocol, limits, parts)


def b_tensor_epi_2d(protocol: BTensorEpi2d, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken; the echo time where the largest b needs more."""
    turns, parts = turns_to(directions(protocol.directions), 2), []
    for shape in protocol.shapes:

        def weigh(b: float, before: float, pause: float, after: float, delta: float = SHAPES[shape]) -> Weighting:
            return free(delta, b, before, pause, after, limits)

        weighting = _largest(protocol, protocol.b_values, limits, weigh)
        parts += [_shell(weighting, b, turns) for b in protocol.b_values]
    return play_volumes(protocol, limits, parts)


def cardiac_diffusion_epi_2d(protocol: CardiacDiffusionEpi2d, limits: Limits) -> Sequence:
    """The sequence. Errors: Refusal for a limit that is broken; the echo time where the largest b needs more."""

    def weigh(b: float, before: float, pause: float, after: float) -> Weighting:
        return free(1.0, b, before, pause, after, limits, nulled_moments=protocol.nulled_moments)

    weighting = _largest(protocol, protocol.b_values, limits, weigh)
    turns = turns_to(directions(protocol.directions), 2)
    parts = [_shell(weighting, b, turns) for b in protocol.b_values]
    return play_volumes(protocol, limits, parts, protocol.heart_period, protocol.trigger_delay)


def _shell(weighting: Weighting, b_s_per_m2: float, turns: np.ndarray) -> Volumes:
    """One volume without weighting, or one for each direction."""
    if b_s_per_m2 == 0 or weighting.b_s_per_m2 == 0:
        return Volumes(weighting=weighting, scale=np.zeros(1), turn=np.eye(3)[None])
    return Volumes(weighting=weighting, scale=np.full(len(turns), np.sqrt(b_s_per_m2 / weighting.b_s_per_m2)), turn=turns)


def _largest(protocol: SpinEchoEpi2d, b_values: tuple[float, ...], limits: Limits, weigh) -> Weighting:  # type: ignore[no-untyped-def]
    """The weighting of the largest b in the time there is. Errors: Refusal with the echo time that would do."""
    before, pause, after = sides(protocol, limits)
    try:
        return weigh(max(b_values), before, pause, after)
    except LimitError as error:
        reason = str(error)
    longer = protocol.echo_time
    while longer < _LONGEST_S:
        longer = raster_up(longer + _SEARCH_S, 2 * limits.block_raster_s)
        more = longer - protocol.echo_time
        try:
            pulsed(max(b_values), before + more / 2, pause, after + more / 2, limits)
        except LimitError:
            continue
        break
    raise Refusal(field="echo_time", asked=protocol.echo_time, legal=longer, bound="shortest", reason=reason)
