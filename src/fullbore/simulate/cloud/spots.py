"""Where the spins of a cloud are, as the courses of the bore see them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex64, Float, Int

from fullbore.simulate.cloud.motion import Laps
from fullbore.simulate.cloud.spins import SpinCloud
from fullbore.simulate.fields import Bore, at_places, shapes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spots:
    """The shapes (n, part) of a cloud's spins, which change only for those that come in fresh."""

    cloud: SpinCloud
    home: Float[np.ndarray, "n part"]
    laps: Laps | None

    @property
    def are_fixed(self) -> bool:
        """True when shapes and sensitivities are the same for every readout."""
        return self.laps is None and (self.cloud.motion is None or self.cloud.motion.through is None)

    def take(self, which: Int[np.ndarray, " m"] | slice) -> Spots:
        """Only these spins."""
        part = self.cloud.take(which)
        return Spots(cloud=part, home=self.home[which], laps=None if part.motion is None else part.motion.laps(part.position_m))

    def at(self, time_s: float) -> Float[np.ndarray, "n part"]:
        """Shapes at a time."""
        if self.laps is None:
            return self.home
        place = self.home.copy()
        place[:, :3] -= self.laps.count(time_s)[:, None] * self.laps.hop_m
        return place

    def seen(self, time_s: float) -> Complex64[np.ndarray, "coil n"]:
        """Amount times sensitivity at a time."""
        motion = self.cloud.motion
        if motion is None or motion.through is None:
            sensitivity = self.cloud.sensitivity
        else:
            sensitivity = at_places(motion.through, motion.places(self.cloud.position_m, time_s))
        return (sensitivity * self.cloud.amount).astype(np.complex64)


def make_spots(cloud: SpinCloud, bore: Bore) -> Spots:
    """Spots of a whole cloud."""
    laps = cloud.motion.laps(cloud.position_m) if cloud.motion is not None else None
    return Spots(cloud=cloud, home=shapes(bore.terms, cloud.position_m), laps=laps)
