"""The modes of freely exchanging pools: each decays and precesses by itself, so that readouts need not know of exchange."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Complex64, Float, Float32
from scipy.linalg import expm

from fullbore.signal.bloch_mcconnell import longitudinal_generator, transverse_generator
from fullbore.simulate.cloud.pools import PoolSystem

WORST_CONDITION = 300.0
NUDGE = 1e-5
"""Where modes coincide they cease to span: the shifts are then moved apart by this part of the fastest rate. Modes that are
nearly parallel cost float32 digits, nudged ones differ from the truth by rate times time times the nudge: together 1.5e-5 of a
readout. It touches readouts only, and only from the pulse before them on."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Modes:
    """rate_per_s, frequency_Hz: (mode,) of each mode. parts: (mode, pool) each mode's part in the signal, from the pools."""

    rate_per_s: Float[np.ndarray, " mode"]
    frequency_Hz: Float[np.ndarray, " mode"]
    parts: Complex[np.ndarray, "mode pool"]

    def at(self, time_s: Float[np.ndarray, " t"]) -> Complex64[np.ndarray, "t mode pool"]:
        """What each mode gives to the signal after free evolution."""
        return np.asarray((self._course(time_s).T[..., None] * self.parts).astype(np.complex64))

    def onwards(self, time_s: Float[np.ndarray, " t"]) -> Complex64[np.ndarray, "mode t"]:
        """What each mode goes on by."""
        return self._course(time_s).astype(np.complex64)

    def _course(self, time_s: Float[np.ndarray, " t"]) -> Complex[np.ndarray, "mode t"]:
        return np.asarray(np.exp(np.outer(-self.rate_per_s - 2j * np.pi * self.frequency_Hz, time_s)))


def modes(system: PoolSystem) -> Modes:
    """Modes of the transverse magnetisation."""
    constants = system.equations()
    free = transverse_generator(constants["t2_s"], constants["shift_Hz"], constants["exchange_per_s"])
    values, vectors = np.linalg.eig(free)
    if np.linalg.cond(vectors) > WORST_CONDITION:
        size = float(np.abs(free).max())
        values, vectors = np.linalg.eig(free + 1j * NUDGE * size * np.diag(np.arange(len(free))))
    order = np.argsort(-values.real, kind="stable")
    parts = vectors.sum(axis=0)[:, None] * np.linalg.inv(vectors)
    return Modes(rate_per_s=-values.real[order], frequency_Hz=-values.imag[order] / (2 * np.pi), parts=parts[order])


def free_maps(
    system: PoolSystem, time_s: Float[np.ndarray, " t"]
) -> tuple[Complex64[np.ndarray, "t pool pool"], Float32[np.ndarray, "t all all1"]]:
    """What free evolution makes of Mxy (on resonance) and of (Mz, 1), for intervals of several lengths."""
    constants = system.equations()
    across = transverse_generator(constants["t2_s"], constants["shift_Hz"], constants["exchange_per_s"])
    along = longitudinal_generator(constants["t1_s"], constants["fraction"], constants["exchange_per_s"])
    times = np.maximum(time_s, 0)[:, None, None]
    return expm(times * across).astype(np.complex64), expm(times * along)[:, :-1].astype(np.float32)
