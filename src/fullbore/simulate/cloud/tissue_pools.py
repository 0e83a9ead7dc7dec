"""A tissue's pools as the system of pools that a spin is made of."""

from __future__ import annotations

import numpy as np

from fullbore.data import Pool, Tissue
from fullbore.errors import UsageError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.signal import lineshapes
from fullbore.simulate.cloud.pools import PoolSystem, Semisolid, balanced

LINESHAPES = {"super-lorentzian": lineshapes.super_lorentzian, "gaussian": lineshapes.gaussian}
"""Of pools that have no transverse magnetisation."""


def pool_system(tissue: Tissue, b0_T: float) -> PoolSystem:
    """Water first, then the pools with transverse magnetisation, all exchanging with water in detailed balance.

    Shifts are from water, whose own off-resonance and chemical shift the spin has. T1rho is the water's.
    Errors: UsageError for more than one pool that is only saturated.
    """
    solid = [pool for pool in tissue.pools if pool.lineshape in LINESHAPES]
    free = [pool for pool in tissue.pools if pool.lineshape not in LINESHAPES]
    if len(solid) > 1:
        names = " and ".join(pool.name for pool in solid)
        raise UsageError(f"Tissue {tissue.name}: pools {names} are both semisolid, and spins hold one. Join them into one pool.")
    water = 1 - sum(pool.fraction for pool in tissue.pools)
    fraction = np.array([water, *(pool.fraction for pool in free)])
    t2 = np.array([tissue.t2_s, *(pool.t2_s for pool in free)])
    return PoolSystem(
        t1_s=np.array([tissue.t1_s, *(pool.t1_s for pool in free)]),
        t2_s=t2,
        shift_Hz=1e-6 * b0_T * GYROMAGNETIC_RATIO_HZ_PER_T * np.array([0.0, *(pool.shift_ppm for pool in free)]),
        fraction=fraction,
        exchange_per_s=balanced(fraction, {(number, 0): pool.exchange_per_s for number, pool in enumerate(free, start=1)}),
        semisolid=_semisolid(solid[0], len(fraction), b0_T) if solid else None,
        t1rho_s=None if tissue.t1rho_s is None else np.array([tissue.t1rho_s, *t2[1:]]),
    )


def _semisolid(pool: Pool, pools: int, b0_T: float) -> Semisolid:
    exchange = np.zeros(pools)
    exchange[0] = pool.exchange_per_s
    return Semisolid(
        fraction=pool.fraction,
        t1_s=pool.t1_s,
        exchange_per_s=exchange,
        t2_s=pool.t2_s,
        shift_Hz=1e-6 * b0_T * GYROMAGNETIC_RATIO_HZ_PER_T * pool.shift_ppm,
        lineshape=LINESHAPES[pool.lineshape],
    )
