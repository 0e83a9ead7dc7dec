"""T1, T2 and B1 from one mapping image: inversion-recovery frames and a multi-spin-echo train."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fullbore.quant.inversion_recovery import InversionRecovery
from fullbore.quant.signal_model import Estimates, Samples, SignalModel
from fullbore.quant.spin_echo_train import SpinEchoTrain


@dataclass(frozen=True, slots=True, kw_only=True)
class T1T2(SignalModel):
    """T1 from the frames with an inversion time, then T2 and B1 from those without, at the T1 found.

    Maps: T1, T2, B1 (the equivalent that SpinEchoTrain defines), and M0 of the train. A voxel is as good as its worse fit.
    """

    t1: InversionRecovery = field(default_factory=InversionRecovery)
    t2: SpinEchoTrain = field(default_factory=SpinEchoTrain)

    def estimate(self, samples: Samples) -> Estimates:
        """T1, T2 (s), B1 and M0 of each voxel."""
        recovery = self.t1.estimate(samples)
        t1 = recovery.parameters["T1"]
        train = self.t2.estimate_given_t1(samples, t1.value, t1.std)
        return Estimates(
            parameters={"T1": t1, **train.parameters},
            status=np.maximum(recovery.status, train.status),  # OK < AT_BOUND < FAILED
            residual_power=recovery.residual_power + train.residual_power,
            freedom=recovery.freedom + train.freedom,
        )
