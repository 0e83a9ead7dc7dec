"""The signal equation of a scan, read from its header: what a tissue should give."""

from __future__ import annotations

import math

import numpy as np

from fullbore.data import Encoding
from fullbore.signal import inversion_train, spin_echo_train, spoiled_gradient_echo


def expected_signal(t1_s: float, t2_s: float, t2_star_s: float, proton_density: float, encoding: Encoding) -> float:
    """Magnitude of the steady-state signal of one tissue at k = 0, per unit volume and sensitivity, at the nominal flips.

    The header decides the equation: refocusing pulses make a spin-echo train (EPG at the effective echo, recovery since the
    train before), an inversion time an inversion-prepared gradient-echo train, else a spoiled gradient echo. For an image of
    several frames it is the one without inversion at the first echo.
    """
    echo_s = min(encoding.echo_times_s)
    if encoding.refocusing_flip_rad > 0:
        return proton_density * _spin_echo(t1_s, t2_s, echo_s, encoding)
    inversions = [time for time in encoding.inversion_times_s if math.isfinite(time)]
    if inversions:
        views = encoding.echo_train_length
        spacing, flip = encoding.echo_spacing_s, encoding.flip_rad
        train = inversion_train(t1_s, encoding.repetition_time_s, inversions[0], spacing, flip, views)
        return proton_density * abs(float(train[views // 2])) * math.exp(-echo_s / t2_star_s)
    level = spoiled_gradient_echo(t1_s, encoding.repetition_time_s, encoding.flip_rad, t2_star_s, echo_s)
    return proton_density * float(level)


def _spin_echo(t1_s: float, t2_s: float, echo_s: float, encoding: Encoding) -> float:
    """A perfect 90 and a CPMG train; the longitudinal magnetisation that the train leaves is neglected."""
    spacing = encoding.echo_spacing_s
    echo = round(echo_s / spacing)
    train = spin_echo_train(t1_s, t2_s, spacing, np.full(echo, encoding.refocusing_flip_rad))
    rest = encoding.repetition_time_s - encoding.echo_train_length * spacing
    return float(train[echo - 1]) * (1.0 - math.exp(-rest / t1_s))
