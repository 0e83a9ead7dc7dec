"""Vessels in a phantom whose grid is coarser than their walls: which spins flow, and what gives way to them.

Shares of a grid are smeared over its spacing: some blood lies about a vessel, some wall within. A flow that `fills` its vessel
is put there as it is: within the lumen is blood alone, and about it the smeared blood gives way to what else is there, so that
matter is counted once and its volume stays.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from fullbore.data import Phantom
from fullbore.numerics.vessel import Vessel

SMEAR = 1.5
"""How far shares are smeared, in spacings: half by surfaces that are soft, one by interpolation."""
LEAST_OTHER = 0.1
"""Of the matter at a place about a vessel that must be something else, or else the blood there stays: another vessel."""


class Lumens:
    """The vessels of a phantom's flows, at the places (n, 3) where spins may be, each the middle of a part of size spacing_m.

    shares: (tissue, n) of the phantom there, of those that `named` says. inside: (n,) 1 within the grid, falling to 0 beyond.
    """

    def __init__(self, phantom: Phantom, places_m: Float[np.ndarray, "n 3"], spacing_m: Float[np.ndarray, " 3"]):
        self.flows = phantom.flows
        self.vessels = tuple(Vessel(flow) for flow in phantom.flows)
        self.reach_m = SMEAR * float(phantom.grid.spacing_m.max()) + 0.5 * float(np.linalg.norm(spacing_m))
        self.near: dict[str, np.ndarray] = {}
        for flow, vessel in zip(self.flows, self.vessels, strict=True):
            if flow.fills:
                reached = vessel.near(places_m, self.reach_m)
                self.near[flow.tissue] = reached | self.near.get(flow.tissue, np.zeros(1, bool))
        self.of_any = np.any(list(self.near.values()), axis=0) if self.near else np.zeros(0, bool)
        self._scale, self._gives, self._whole = np.zeros(0), np.zeros(0, bool), np.zeros(0)

    def told(
        self, shares: dict[str, Float[np.ndarray, " n"]], total: Float[np.ndarray, " n"], inside: Float[np.ndarray, " n"]
    ) -> None:
        """What is at the places: shares of the tissues that fill vessels, of all tissues, and of the grid."""
        smeared = sum(np.where(near, shares[name], 0.0) for name, near in self.near.items())
        self._gives = total - smeared > LEAST_OTHER * total
        self._scale = np.where(self._gives, total / np.maximum(total - smeared, 1e-12), 1.0)
        self._whole = (inside > 0).astype(float)

    def held(self, name: str, share: Float[np.ndarray, " n"]) -> Int[np.ndarray, " m"]:
        """Places where a tissue of this name may be."""
        return np.flatnonzero((share > 0) | self.near[name] if name in self.near else share > 0)

    def settled(
        self, name: str, share: Float[np.ndarray, " m"], held: Int[np.ndarray, " m"], place_m: Float[np.ndarray, "m 3"]
    ) -> Float[np.ndarray, " m"]:
        """Share of a tissue at places held, moved within their parts to place_m, with vessels filled."""
        if not self.near:
            return share
        share = share.copy()
        close = np.flatnonzero(self.of_any[held])
        which = held[close]
        own = self.near[name][which] if name in self.near else np.zeros(len(close), bool)
        within = self._within(place_m[close])
        names = np.array([flow.tissue for flow in self.flows] + [""])[within]
        outside = np.where(own & self._gives[which], 0.0, share[close] * np.where(own, 1.0, self._scale[which]))
        share[close] = np.where(within < 0, outside, np.where(names == name, self._whole[which], 0.0))
        return share

    def flow_of(self, name: str, place_m: Float[np.ndarray, "n 3"]) -> Int[np.ndarray, " n"]:
        """The first of the flows of this tissue whose vessel holds each place; -1 where there is none."""
        flow = np.full(len(place_m), -1)
        for number in reversed(range(len(self.flows))):
            if self.flows[number].tissue == name:
                flow[self._held_by(number, place_m)] = number
        return flow

    def _within(self, place_m: Float[np.ndarray, "n 3"]) -> Int[np.ndarray, " n"]:
        """The first of the flows that fill their vessels which holds each place, or -1."""
        found = np.full(len(place_m), -1)
        for number in reversed(range(len(self.flows))):
            if self.flows[number].fills:
                found[self._held_by(number, place_m)] = number
        return found

    def _held_by(self, number: int, place_m: Float[np.ndarray, "n 3"]) -> Int[np.ndarray, " m"]:
        near = np.flatnonzero(self.vessels[number].near(place_m, 0.0))
        return near[self.vessels[number].holds(place_m[near])] if len(near) else near
