"""Pools that exchange magnetisation within a spin: water and what saturates through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fullbore.errors import ShapeError, ValueRangeError
from fullbore.signal.lineshapes import super_lorentzian

Lineshape = Callable[[np.ndarray, float], np.ndarray]
"""(offset in Hz, T2 in s) -> g in s; see `fullbore.signal.lineshapes`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Semisolid:
    """Longitudinal magnetisation only, saturated at pi omega1^2 g(offset). T2 is the lineshape's, of about 10 us.

    exchange_per_s: (pool,) rates from the semisolid to each pool; the rates back follow from the fractions. The offset is the
    RF's from the spin's off-resonance plus shift_Hz; frequency modulation within a pulse's shape is not seen.
    """

    fraction: float
    t1_s: float
    exchange_per_s: np.ndarray
    t2_s: float = 10e-6
    shift_Hz: float = 0.0
    lineshape: Lineshape = super_lorentzian

    def __post_init__(self) -> None:
        if not (0 < self.fraction < 1 and self.t1_s > 0 and self.t2_s > 0 and np.isfinite(self.shift_Hz)):
            raise ValueRangeError("Semisolid: wanted a fraction between 0 and 1, positive T1 and T2 and a finite shift.")
        if not (np.isfinite(self.exchange_per_s).all() and np.min(self.exchange_per_s) >= 0):
            raise ValueRangeError(f"Semisolid.exchange_per_s: got {self.exchange_per_s}, wanted finite rates of at least 0.")

    def absorption_s(self, offset_Hz: np.ndarray) -> np.ndarray:
        """g at the RF's offset from the spin's own frequency."""
        return self.lineshape(offset_Hz - self.shift_Hz, self.t2_s)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PoolSystem:
    """What a spin is made of: pools, and perhaps one semisolid.

    t1_s, t2_s, shift_Hz, fraction: (pool,). A pool of shift +d precesses d faster than the spin's off-resonance
    (d = 1e-6 gamma B0 times its ppm). Fractions are of all magnetisation at rest, the semisolid's included: they sum to 1.
    exchange_per_s: (pool, pool), [a, b] the rate from a to b, in detailed balance: rate[a, b] fraction[a] is symmetric
    (`balanced` makes such a matrix). t1rho_s: (pool,) relaxation along B1 while it is on, T2 where None.
    """

    t1_s: np.ndarray
    t2_s: np.ndarray
    shift_Hz: np.ndarray
    fraction: np.ndarray
    exchange_per_s: np.ndarray
    semisolid: Semisolid | None = None
    t1rho_s: np.ndarray | None = None

    def __post_init__(self) -> None:
        pools = len(self.t1_s)
        named = {name: getattr(self, name) for name in ("t1_s", "t2_s", "shift_Hz", "fraction", "t1rho_s")}
        for name, value in named.items():
            if value is not None and np.shape(value) != (pools,):
                raise ShapeError(f"PoolSystem.{name}: got {np.shape(value)}, wanted ({pools},) like t1_s.")
            if value is not None and not np.isfinite(value).all():
                raise ValueRangeError(f"PoolSystem.{name}: NaN or infinity in pool {int(np.argmin(np.isfinite(value)))}.")
            if name not in ("shift_Hz",) and value is not None and np.min(value) <= 0:
                raise ValueRangeError(f"PoolSystem.{name}: got {np.min(value)} in pool {np.argmin(value)}, wanted more than 0.")
        if np.shape(self.exchange_per_s) != (pools, pools):
            raise ShapeError(f"PoolSystem.exchange_per_s: got {np.shape(self.exchange_per_s)}, wanted ({pools}, {pools}).")
        if self.semisolid is not None and np.shape(self.semisolid.exchange_per_s) != (pools,):
            raise ShapeError(f"Semisolid.exchange_per_s: got {np.shape(self.semisolid.exchange_per_s)}, wanted ({pools},).")
        self._check_balance()

    def _check_balance(self) -> None:
        rate = self.exchange_per_s - np.diag(np.diag(self.exchange_per_s))
        if not np.isfinite(rate).all() or rate.min() < 0:
            a, b = np.unravel_index(int(np.argmin(np.where(np.isfinite(rate), rate, -np.inf))), rate.shape)
            raise ValueRangeError(f"PoolSystem.exchange_per_s: got {rate[a, b]}/s from pool {a} to {b}, wanted at least 0.")
        flow = rate * self.fraction[:, None]
        a, b = np.unravel_index(int(np.argmax(np.abs(flow - flow.T))), flow.shape)
        if abs(flow[a, b] - flow[b, a]) > 1e-6 * flow.max():
            raise ValueRangeError(
                f"PoolSystem.exchange_per_s: pool {a} gives {flow[a, b]:.6g}/s to {b} and takes {flow[b, a]:.6g}/s, "
                f"wanted equal flows (detailed balance). Take rate[{b}, {a}] = rate[{a}, {b}] fraction[{a}] / fraction[{b}]."
            )
        if abs(self.all_fractions.sum() - 1) > 1e-6:
            raise ValueRangeError(f"PoolSystem.fraction: the sum is {self.all_fractions.sum():.6g} with the semisolid, wanted 1.")

    @property
    def pools(self) -> int:
        """Number of pools with transverse magnetisation."""
        return len(self.t1_s)

    @property
    def all_fractions(self) -> np.ndarray:
        """Fractions of the pools and then of the semisolid."""
        return np.append(self.fraction, [] if self.semisolid is None else [self.semisolid.fraction])

    @property
    def all_t1_s(self) -> np.ndarray:
        """T1 of the pools and then of the semisolid."""
        return np.append(self.t1_s, [] if self.semisolid is None else [self.semisolid.t1_s])

    @property
    def all_exchange_per_s(self) -> np.ndarray:
        """Exchange of the pools and then the semisolid, both ways, (all, all)."""
        if self.semisolid is None:
            return np.asarray(self.exchange_per_s, dtype=np.float64)
        result = np.zeros((self.pools + 1, self.pools + 1))
        result[:-1, :-1] = self.exchange_per_s
        result[-1, :-1] = self.semisolid.exchange_per_s
        result[:-1, -1] = result[-1, :-1] * self.semisolid.fraction / self.fraction
        return result

    def equations(self) -> dict:
        """The constants of the equations, as `signal.bloch_mcconnell` names them."""
        return dict(
            t1_s=self.all_t1_s, t2_s=np.asarray(self.t2_s, float), shift_Hz=np.asarray(self.shift_Hz, float),
            fraction=self.all_fractions, exchange_per_s=self.all_exchange_per_s, t1rho_s=self.t1rho_s,
        )  # fmt: skip


def balanced(fraction: np.ndarray, rates_per_s: dict[tuple[int, int], float]) -> np.ndarray:
    """Exchange rates both ways from one rate {(a, b): from a to b} for each pair that exchanges, in detailed balance."""
    result = np.zeros((len(fraction), len(fraction)))
    for (a, b), rate in rates_per_s.items():
        result[a, b], result[b, a] = rate, rate * fraction[a] / fraction[b]
    return result
