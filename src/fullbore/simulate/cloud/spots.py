"""Where the spins of a cloud are, as the courses of the bore see them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Complex, Complex64, Float, Int

from fullbore.data import Sequence
from fullbore.simulate.cloud.motion import carried, places
from fullbore.simulate.cloud.spins import SpinCloud
from fullbore.simulate.cloud.stream import Flowing, Stream, make_windows
from fullbore.simulate.cloud.vessel import Vessel
from fullbore.simulate.fields import Bore, FieldTerm, at_places, shapes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spots:
    """The shapes (n, part) of a cloud's spins, which change only for those that flow.

    drive: (shim, n), the transmit field that each shim of the sequence makes; the last one is all channels alike.
    """

    cloud: SpinCloud
    home: Float[np.ndarray, "n part"]
    drive: Complex[np.ndarray, "shim n"]
    stream: Stream | None = None

    @property
    def are_seen_the_same(self) -> bool:
        """True when every spin keeps its sensitivity."""
        return self.cloud.through is None or (self.cloud.motion is None and self.stream is None)

    @property
    def are_fixed(self) -> bool:
        """True when shapes and sensitivities are the same for every readout."""
        return self.stream is None and self.are_seen_the_same

    def take(self, which: Int[np.ndarray, " m"] | slice) -> Spots:
        """Only these spins."""
        stream = None if self.stream is None else self.stream.take(which)
        return Spots(cloud=self.cloud.take(which), home=self.home[which], drive=self.drive[:, which], stream=stream)

    def at(self, time_s: float) -> Float[np.ndarray, "n part"]:
        """Shapes at a time."""
        return self.home if self.stream is None else self.stream.at(time_s)

    def seen(self, time_s: float) -> Complex64[np.ndarray, "coil n"]:
        """Amount times sensitivity at a time."""
        motion, through, place = self.cloud.motion, self.cloud.through, self.cloud.position_m
        if self.are_seen_the_same or through is None:
            sensitivity = self.cloud.sensitivity
        else:
            if self.stream is not None:
                place = self.stream.places(time_s)
            if motion is not None:
                place = places(motion, place, np.array([time_s]))[0]
            sensitivity = at_places(through, place)
        return (sensitivity * self.cloud.amount).astype(np.complex64)


def make_spots(
    cloud: SpinCloud, bore: Bore, shims: tuple[Complex[np.ndarray, " channel"], ...] = (), vessel: Vessel | None = None
) -> Spots:
    """Spots of a whole cloud in the bore that `moving_bore` has made of the machine's for spins that move."""
    drive = np.stack([cloud.drive(shim) for shim in (*shims, None)])
    stream = None
    if vessel is not None:
        (term,) = bore.terms
        assert isinstance(term, Flowing)
        stream = Stream(vessel=vessel, streams=vessel.enter(cloud.position_m), term=term)
    return Spots(cloud=cloud, home=shapes(bore.terms, cloud.position_m), drive=drive, stream=stream)


def moving_bore(bore: Bore, cloud: SpinCloud, vessel: Vessel | None = None, sequence: Sequence | None = None) -> Bore:
    """The bore as spins meet it that are carried by a body, and flow in a vessel of it while a sequence plays."""
    terms: tuple[FieldTerm, ...] = bore.terms
    if cloud.motion is not None:
        inside = np.zeros((0, 3)) if vessel is None else vessel.spread()
        terms = (carried(terms, cloud.motion, np.concatenate([cloud.position_m, inside])),)
    if vessel is not None and sequence is not None:
        terms = (Flowing(fields=terms, windows=make_windows(vessel, sequence, terms)),)
    return replace(bore, terms=terms)
