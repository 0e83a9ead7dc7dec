"""Images to quantitative maps with uncertainty: `fit(image, model)`. Blind to how the image was made."""

from fullbore.quant.fit import fit
from fullbore.quant.inversion_recovery import InversionRecovery
from fullbore.quant.selection import default_model
from fullbore.quant.signal_model import SignalModel
from fullbore.quant.spin_echo_train import SpinEchoTrain
from fullbore.quant.synthesis import expected_signal
from fullbore.quant.t1t2 import T1T2

__all__ = ["T1T2", "InversionRecovery", "SignalModel", "SpinEchoTrain", "default_model", "expected_signal", "fit"]
