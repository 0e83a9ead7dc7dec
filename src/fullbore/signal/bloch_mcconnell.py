"""The readable Bloch-McConnell reference: exchanging pools under piecewise-constant RF and gradients, in float64, exact.

Pool a of fraction F_a, in the frame and with the signs of `signal.bloch` (w = gamma b1, d_a its shift, k_ab its rate to b):
    dMxy_a/dt = -2 pi i (f + d_a) Mxy_a + i w Mz_a - Mxy_a / T2_a - sum_b k_ab Mxy_a + sum_b k_ba Mxy_b
    dMz_a/dt  = Im(conj(Mxy_a) w) + (F_a - Mz_a) / T1_a - sum_b k_ab Mz_a + sum_b k_ba Mz_b
A semisolid has no Mxy to speak of: its Mz is saturated at the rate pi |w|^2 g, g its lineshape at the RF's offset; what a
pool's Mxy loses to it is within that pool's T2, as it is measured.
While b1 is on, the part of Mxy along it relaxes with T1rho where one is given, and the part across it with T2. In a field
much stronger than the relaxation rates that locks magnetisation at the angle theta from z with the known rate
cos^2 theta / T1 + sin^2 theta / T1rho.
Sources: McConnell 1958 (J Chem Phys 28, 430); Henkelman et al. 1993 (Magn Reson Med 29, 759); Graham and Henkelman 1997
(J Magn Reson Imaging 7, 903) for shaped pulses; Moran and Hamilton 1995 (Magn Reson Imaging 13, 837) for spin locks.

A state is (x of all pools, y of all pools, z of all pools and then of the semisolid, 1). Equilibrium is z = F.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Complex, Float, Num
from scipy.linalg import expm

from fullbore.errors import ShapeError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T, GYROMAGNETIC_RATIO_RAD_PER_S_T


def transverse_generator(
    t2_s: Float[np.ndarray, " pool"], shift_Hz: Float[np.ndarray, " pool"], exchange_per_s: Float[np.ndarray, "all all"]
) -> Complex[np.ndarray, "pool pool"]:
    """G with dMxy/dt = G Mxy between pulses, on resonance. exchange_per_s[a, b]: from a to b; the diagonal is not read."""
    pools = len(t2_s)
    return np.asarray(_exchange(exchange_per_s[:pools, :pools]) - np.diag(1 / t2_s + 2j * np.pi * shift_Hz))


def longitudinal_generator(
    t1_s: Float[np.ndarray, " all"], fraction: Float[np.ndarray, " all"], exchange_per_s: Float[np.ndarray, "all all"]
) -> Float[np.ndarray, "all1 all1"]:
    """G with d(Mz, 1)/dt = G (Mz, 1) between pulses; the last of `all` may be a semisolid."""
    count = len(t1_s)
    result = np.zeros((count + 1, count + 1))
    result[:count, :count] = _exchange(exchange_per_s) - np.diag(1 / t1_s)
    result[:count, count] = fraction / t1_s
    return result


def _exchange(rate: Float[np.ndarray, "all all"]) -> Float[np.ndarray, "all all"]:
    between = rate - np.diag(np.diag(rate))
    return np.asarray(between.T - np.diag(between.sum(axis=1)))


def generator(
    *,
    t1_s: Float[np.ndarray, " all"],
    t2_s: Float[np.ndarray, " pool"],
    shift_Hz: Float[np.ndarray, " pool"],
    fraction: Float[np.ndarray, " all"],
    exchange_per_s: Float[np.ndarray, "all all"],
    b1_T: Num[np.ndarray, " n"],
    frequency_Hz: Float[np.ndarray, " n"],
    lineshape_s: Float[np.ndarray, " n"] | None = None,
    t1rho_s: Float[np.ndarray, " pool"] | None = None,
) -> Float[np.ndarray, "n size size"]:
    """G with d(state)/dt = G state for n spins of one system; b1_T and frequency_Hz are each spin's own, in the pulse's frame.

    Of `all` longitudinal magnetisations those beyond `pool` (one at most) are a semisolid's, whose lineshape is lineshape_s.
    """
    pools, count = len(t2_s), len(t1_s)
    result = np.zeros((len(b1_T), 2 * pools + count + 1, 2 * pools + count + 1))
    x, y, z = np.arange(pools), pools + np.arange(pools), 2 * pools + np.arange(pools)
    between = transverse_generator(t2_s, shift_Hz, exchange_per_s)
    result[:, :pools, :pools] = result[:, pools : 2 * pools, pools : 2 * pools] = between.real
    result[:, :pools, pools : 2 * pools], result[:, pools : 2 * pools, :pools] = -between.imag, between.imag
    result[:, 2 * pools :, 2 * pools :] = longitudinal_generator(t1_s, fraction, exchange_per_s)
    turn = (2 * np.pi * frequency_Hz)[:, None]
    result[:, x, y] += turn
    result[:, y, x] -= turn
    w = (GYROMAGNETIC_RATIO_RAD_PER_S_T * b1_T)[:, None]
    result[:, x, z], result[:, z, x] = -w.imag, w.imag
    result[:, y, z], result[:, z, y] = w.real, -w.real
    if count > pools and lineshape_s is not None:
        result[:, -2, -2] -= np.pi * np.abs(w[:, 0]) ** 2 * lineshape_s
    if t1rho_s is not None:
        along = w / np.where(w == 0, 1, np.abs(w))
        extra = 1 / t2_s - 1 / t1rho_s
        result[:, x, x] += extra * along.real**2
        result[:, y, y] += extra * along.imag**2
        result[:, x, y] += extra * along.real * along.imag
        result[:, y, x] += extra * along.real * along.imag
    return result


def steady_state(generators: Float[np.ndarray, "n size size"]) -> Float[np.ndarray, "n size"]:
    """The states that do not change under constant b1 and gradient, by linear algebra."""
    magnetisation = np.linalg.solve(generators[:, :-1, :-1], -generators[:, :-1, -1:])[..., 0]
    return np.concatenate([magnetisation, np.ones((len(generators), 1))], axis=1)


def play_pools(
    *,
    t1_s: Float[np.ndarray, " all"],
    t2_s: Float[np.ndarray, " pool"],
    shift_Hz: Float[np.ndarray, " pool"],
    fraction: Float[np.ndarray, " all"],
    exchange_per_s: Float[np.ndarray, "all all"],
    position_m: Float[np.ndarray, "n axis"],
    off_resonance_Hz: Float[np.ndarray, " n"],
    b1_scale: Num[np.ndarray, " n"],
    weight: Num[np.ndarray, "coil n"],
    dt_s: Float[np.ndarray, " step"],
    b1_T: Num[np.ndarray, " step"],
    gradient_T_per_m: Float[np.ndarray, "step axis"],
    sampled: Bool[np.ndarray, " step"],
    carrier_Hz: Float[np.ndarray, " step"] | None = None,
    lineshape: Callable[[np.ndarray], np.ndarray] | None = None,
    t1rho_s: Float[np.ndarray, " pool"] | None = None,
    start: Float[np.ndarray, "n size"] | None = None,
) -> tuple[Complex[np.ndarray, "coil sample"], Float[np.ndarray, "n size"]]:
    """`signal.play` for n spins of one system of pools: the signal of all pools together and the states at the end.

    lineshape: g in s at the RF's offset (Hz) from the spin's frequency, of the semisolid. Every step is a matrix exponential,
    with or without RF, at any length; steps that are alike share it. Errors: ShapeError when the arrays' lengths disagree.
    """
    n, pools = len(position_m), len(t2_s)
    if {len(off_resonance_Hz), len(b1_scale), weight.shape[-1]} != {n}:
        raise ShapeError(f"play_pools, off_resonance_Hz, b1_scale, weight: wanted {n} spins like position_m.")
    system = dict(t1_s=t1_s, t2_s=t2_s, shift_Hz=shift_Hz, fraction=fraction, exchange_per_s=exchange_per_s, t1rho_s=t1rho_s)
    carrier = np.zeros(len(dt_s)) if carrier_Hz is None else carrier_Hz
    spins, steps = (position_m, off_resonance_Hz, b1_scale), (dt_s, b1_T, gradient_T_per_m, carrier)
    through = _through(system, spins, steps, lineshape)
    state = np.tile(np.concatenate([np.zeros(2 * pools), fraction, [1.0]]), (n, 1)) if start is None else start.copy()
    signal = []
    for step in range(len(dt_s)):
        state = through(step, state)
        if sampled[step]:
            signal.append(weight @ (state[:, :pools] + 1j * state[:, pools : 2 * pools]).sum(axis=1))
    return np.array(signal, dtype=complex).reshape(len(signal), len(weight)).T, state


def _through(
    system: dict,
    spins: tuple[np.ndarray, np.ndarray, np.ndarray],
    steps: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    lineshape: Callable[[np.ndarray], np.ndarray] | None,
) -> Callable[[int, np.ndarray], np.ndarray]:
    """What takes the states through a step, by its number; propagators are for b1 of phase 0 and kept for steps that are alike.

    system, spins, steps: as `play_pools` names them.
    """
    (position_m, off_resonance_Hz, b1_scale), (dt_s, b1_T, gradient_T_per_m, carrier_Hz) = spins, steps
    known: dict[tuple, np.ndarray] = {}

    def propagator(step: int) -> np.ndarray:
        key = (round(dt_s[step], 14), round(abs(b1_T[step]), 18), *np.round(gradient_T_per_m[step], 13), carrier_Hz[step])
        if key not in known:
            f = off_resonance_Hz + GYROMAGNETIC_RATIO_HZ_PER_T * (position_m @ gradient_T_per_m[step]) - carrier_Hz[step]
            g = lineshape(-f) if lineshape is not None and b1_T[step] != 0 else None
            known[key] = expm(dt_s[step] * generator(b1_T=b1_scale * abs(b1_T[step]), frequency_Hz=f, lineshape_s=g, **system))
        return known[key]

    def through(step: int, state: np.ndarray) -> np.ndarray:
        pools, phase = len(system["t2_s"]), np.angle(b1_T[step])
        moved = np.einsum("nij,nj->ni", propagator(step), turned(state, pools, -phase))
        return turned(moved, pools, phase - 2 * np.pi * carrier_Hz[step] * dt_s[step])

    return through


def turned(
    state: Float[np.ndarray, "n size"], pools: int, angle_rad: float | Float[np.ndarray, " n"]
) -> Float[np.ndarray, "n size"]:
    """The states with all Mxy multiplied by exp(i angle)."""
    m_xy = (state[:, :pools] + 1j * state[:, pools : 2 * pools]) * np.exp(1j * np.atleast_1d(angle_rad))[:, None]
    return np.concatenate([m_xy.real, m_xy.imag, state[:, 2 * pools :]], axis=1)
