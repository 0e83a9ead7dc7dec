"""Where the spins of a cloud are, as the courses of the bore see them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Complex, Complex64, Float, Int

from fullbore.data import Flow, Sequence
from fullbore.numerics.vessel import Vessel
from fullbore.simulate.cloud.motion import Moves, carried, make_moves, places
from fullbore.simulate.cloud.spins import SpinCloud
from fullbore.simulate.cloud.stream import Flowing, Stream, make_windows
from fullbore.simulate.fields import Bore, FieldTerm, Spline, at_places, make_spline, shapes

NEAR_M, ANSWERED = 5e-4, 100
"""Over which fields are straight, for spins that walk; and about how many of them a body's skeleton is asked for them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ways:
    """What a cloud's spins move by, and past, ready to be looked up. moves: None at rest. through: None where spins keep their
    sensitivity."""

    moves: Moves | None
    through: Spline | None


def make_ways(cloud: SpinCloud) -> Ways:
    """Those of a whole cloud, for all its sorts."""
    return Ways(
        moves=None if cloud.motion is None else make_moves(cloud.motion),
        through=None if cloud.through is None or not cloud.moves else make_spline(cloud.through),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spots:
    """The shapes (n, part) of a cloud's spins, which change only for those that flow.

    drive: (shim, n), the transmit field that each shim of the sequence makes; the last one is all channels alike.
    """

    cloud: SpinCloud
    home: Float[np.ndarray, "n part"]
    drive: Complex[np.ndarray, "shim n"]
    ways: Ways
    stream: Stream | None = None

    @property
    def are_seen_the_same(self) -> bool:
        """True when every spin keeps its sensitivity."""
        return self.ways.through is None or (self.ways.moves is None and self.stream is None)

    @property
    def are_fixed(self) -> bool:
        """True when shapes and sensitivities are the same for every readout."""
        return self.stream is None and self.are_seen_the_same

    def take(self, which: Int[np.ndarray, " m"] | slice) -> Spots:
        """Only these spins."""
        stream = None if self.stream is None else self.stream.take(which)
        return replace(self, cloud=self.cloud.take(which), home=self.home[which], drive=self.drive[:, which], stream=stream)

    def at(self, time_s: float) -> Float[np.ndarray, "n part"]:
        """Shapes at a time."""
        if self.stream is None:
            return self.home
        met = self.stream.at(time_s)
        return np.concatenate([met, self.home[:, met.shape[1] :]], axis=1)  # a spin's own course goes with it

    def seen(self, time_s: float) -> Complex64[np.ndarray, "coil n"]:
        """Amount times sensitivity at a time."""
        moves, through, place = self.ways.moves, self.ways.through, self.cloud.position_m
        if self.are_seen_the_same or through is None:
            sensitivity = self.cloud.sensitivity
        else:
            if self.stream is not None:
                place = self.stream.places(time_s)
            if moves is not None:
                place = places(moves, place, np.array([time_s]))[0]
            sensitivity = at_places(through, place)
        return (sensitivity * self.cloud.amount).astype(np.complex64)


def make_spots(
    cloud: SpinCloud,
    bore: Bore,
    shims: tuple[Complex[np.ndarray, " channel"], ...] = (),
    vessel: Vessel[Flow] | None = None,
    ways: Ways | None = None,
) -> Spots:
    """Spots of a whole cloud in the bore that `moving_bore` has made of the machine's for spins that move; terms that spins
    have for themselves come after its own."""
    drive = np.stack([cloud.drive(shim) for shim in (*shims, None)])
    stream = None
    if vessel is not None:
        term = bore.terms[0]
        assert isinstance(term, Flowing)
        stream = Stream(vessel=vessel, streams=vessel.enter(cloud.position_m), term=term)
    return Spots(
        cloud=cloud, home=shapes(bore.terms, cloud.position_m), drive=drive, ways=ways or make_ways(cloud), stream=stream
    )


def moving_bore(
    bore: Bore, cloud: SpinCloud, ways: Ways, vessel: Vessel[Flow] | None = None, sequence: Sequence | None = None
) -> Bore:
    """The bore as spins meet it that are carried by a body, and flow in a vessel of it while a sequence plays."""
    terms: tuple[FieldTerm, ...] = bore.terms
    if ways.moves is not None:
        inside = np.zeros((0, 3)) if vessel is None else vessel.spread()
        about = np.zeros((0, 3)) if cloud.diffuses is None else _about(cloud.position_m)
        terms = (carried(terms, ways.moves, np.concatenate([cloud.position_m, inside, about])),)
    if vessel is not None and sequence is not None:
        terms = (Flowing(fields=terms, windows=make_windows(vessel, sequence, terms)),)
    return replace(bore, terms=terms)


def _about(position_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "m 3"]:
    """Places near some spins, on all sides: where a body's fields must be known for walks."""
    few = position_m[:: max(1, len(position_m) // ANSWERED)]
    return np.concatenate([few + NEAR_M * away for away in np.eye(3)])
