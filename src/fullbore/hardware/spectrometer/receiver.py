"""A designed spectrometer as the simulator plays it."""

from __future__ import annotations

import numpy as np

from fullbore.data import CoilSet, Receiver
from fullbore.errors import LimitError
from fullbore.hardware.spectrometer.compensation import equivalent_taps
from fullbore.hardware.spectrometer.machine import Spectrometer
from fullbore.hardware.spectrometer.noise_budget import THERMAL_W_PER_HZ, power

_LONG = 1000
"""CIC decimation for which the droop is taken: beyond about 20 its shape over the fast band no longer changes."""


def receiver_of(made: Spectrometer, coils: CoilSet, gain_change_dB: float = 0.0, settling: str = "mirrored") -> Receiver:
    """What `Flaws.receiver` takes: converter, jitter, filters and noise of the machine, in the units of the array's signal.

    The array's noise is that of k T and the preamplifier; beside its mean channel's, full scale lies where the gain puts it.
    gain_change_dB: against the designed gain, of the converter's scale only. settling: of `Receiver`; the filters reach nine
    samples beyond a readout, for which few sequences leave room.
    Errors: LimitError for an array without noise, against which nothing can be scaled.
    """
    mean = float(np.mean(np.diag(coils.noise_covariance).real))
    if not mean > 0:
        raise LimitError(f"spectrometer {made.name}: the array {coils.name} has no noise, so that its signal has no scale.")
    at_plug = made.full_scale_W / power(made.gain_dB + gain_change_dB)
    return Receiver(
        oversampling=made.decimation,
        filter=equivalent_taps(made.taps, made.cic_order, _LONG),
        bits=made.bits,
        full_scale=float(np.sqrt(mean * at_plug / (THERMAL_W_PER_HZ * made.first_noise_factor))),
        jitter_s=made.jitter_s,
        converter_Hz=made.clock_Hz,
        carrier_Hz=made.carrier_Hz,
        noise_factor=max(1.0, made.noise_factor / made.first_noise_factor),
        settling=settling,
    )
