"""Which model an image's own times call for."""

from __future__ import annotations

import numpy as np

from fullbore.data import Image
from fullbore.quant.inversion_recovery import InversionRecovery
from fullbore.quant.signal_model import SignalModel
from fullbore.quant.spin_echo_train import SpinEchoTrain
from fullbore.quant.t1t2 import T1T2

FEWEST_FRAMES = 4


def default_model(image: Image) -> SignalModel | None:
    """The model that the frames can determine: several inversion times, several spin echoes, or both; None for neither."""
    if image.echo_time_s is None or image.inversion_time_s is None:
        return None
    inverted = np.isfinite(image.inversion_time_s)
    recovery = len(np.unique(image.inversion_time_s[inverted])) >= FEWEST_FRAMES
    echoes = len(np.unique(image.echo_time_s[~inverted])) >= FEWEST_FRAMES and image.encoding.refocusing_flip_rad > 0
    if recovery and echoes:
        return T1T2()
    if recovery:
        return InversionRecovery()
    return SpinEchoTrain() if echoes else None
