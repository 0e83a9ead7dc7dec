"""The refocusing flips of a 3D turbo spin echo: constant, or designed for a prescribed signal of one tissue."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from fullbore.sequence.prescription import Number, Share, Time
from fullbore.sequence.refusal import Refusal
from fullbore.sequence.spin_echo.slab_train import SlabTrainPrescription
from fullbore.signal.refocusing_design import highest_level, prescribed_signal, refocusing_for


@dataclass(frozen=True, slots=True, kw_only=True)
class FlipTrainPrescription(SlabTrainPrescription):
    """Fields of how the flips vary.

    refocusing: "prescribed" (the echoes of a tissue of design_t1 and design_t2 fall halfway to signal_level from echo to echo,
    stay there for signal_hold of the train, then decay with signal_fall) or "constant". signal_level: relative to what the
    excitation tips; 0 for the highest that refocusing_flip_angle allows.
    """

    train_length: Number
    refocusing: Literal["prescribed", "constant"] = "prescribed"
    signal_level: Share = 0.0
    signal_hold: Share = 0.5
    signal_fall: Time = 0.2
    design_t1: Time = 1.2
    design_t2: Time = 0.1


def level_of(protocol: FlipTrainPrescription) -> float:
    """The level that the echoes are prescribed. Errors: Refusal when the largest flip cannot hold it."""
    tissue = protocol.design_t1, protocol.design_t2
    wanted = protocol.train_length, protocol.signal_hold, protocol.echo_spacing, protocol.signal_fall
    most = min(protocol.refocusing_flip_angle, math.pi)
    highest = highest_level(*wanted, *tissue, most)
    if highest == 0.0:
        reason = f"with {math.degrees(most):g} deg no echo of {protocol.train_length} is held"
        legal = min(1.5 * protocol.refocusing_flip_angle, math.pi)
        raise Refusal(
            field="refocusing_flip_angle",
            asked=protocol.refocusing_flip_angle,
            legal=legal,
            bound="lowest",
            reason=reason,
        )
    if protocol.signal_level > highest:
        legal = math.floor(highest * 1e4) / 1e4
        reason = f"{protocol.train_length} echoes of at most {math.degrees(most):g} deg hold less"
        raise Refusal(field="signal_level", asked=protocol.signal_level, legal=legal, bound="highest", reason=reason)
    return protocol.signal_level or highest


def flip_train(protocol: FlipTrainPrescription) -> Float[np.ndarray, " echo"]:
    """Refocusing flip (rad) of each echo. Errors: Refusal."""
    if protocol.refocusing == "constant":
        return np.full(protocol.train_length, protocol.refocusing_flip_angle)
    return refocusing_for(wanted_signal(protocol), protocol.design_t1, protocol.design_t2, protocol.echo_spacing)


def wanted_signal(protocol: FlipTrainPrescription) -> Float[np.ndarray, " echo"]:
    """The echoes that the flips are designed for, relative to what the excitation tips. Errors: Refusal."""
    level = level_of(protocol)
    return prescribed_signal(protocol.train_length, level, protocol.signal_hold, protocol.echo_spacing, protocol.signal_fall)
