"""Spin equations as pure array functions: Bloch isochromats, extended phase graphs, closed forms. Knows no nouns."""

from fullbore.signal.bloch import free_precession, play, rotate
from fullbore.signal.closed_forms import (
    balanced_steady_state,
    ernst_angle,
    inversion_recovery,
    inversion_train,
    spin_echo,
    spoiled_gradient_echo,
    turbo_spin_echo,
)
from fullbore.signal.epg import constant_flip_train, spin_echo_train

__all__ = [
    "balanced_steady_state",
    "constant_flip_train",
    "ernst_angle",
    "free_precession",
    "inversion_recovery",
    "inversion_train",
    "play",
    "rotate",
    "spin_echo",
    "spin_echo_train",
    "spoiled_gradient_echo",
    "turbo_spin_echo",
]
