"""The readable truth: every spin through every step of the sequence, brute force in float64."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float
from scipy.linalg import expm

from fullbore.data import ScannerSpec, Sequence
from fullbore.signal import free_precession, rotate
from fullbore.signal.bloch_mcconnell import generator, turned
from fullbore.simulate.cloud.pools import PoolSystem
from fullbore.simulate.cloud.reference_steps import walk
from fullbore.simulate.cloud.spins import SpinCloud, in_static_field
from fullbore.simulate.timeline import receiver_phase_rad

MOST_KNOWN = 2000
"""So many matrix exponentials are kept for steps that are alike."""


def reference(cloud: SpinCloud, sequence: Sequence, spec: ScannerSpec | None = None) -> Complex[np.ndarray, "row coil sample"]:
    """Noiseless samples of a small cloud, in the steps of `reference_steps.walk`."""
    signal = np.zeros((), complex)
    for body in cloud.numbered().bodies():
        for system, part in in_static_field(body, spec).sorts():
            signal = signal + (_plain(part, sequence, spec) if system is None else _pools(part, system, sequence, spec))
    rows = np.zeros((sequence.encoding.rows, sequence.encoding.samples, len(cloud.sensitivity)), complex)
    rows[np.arange(sequence.encoding.samples) < sequence.encoding.samples_per_row()[:, None]] = signal
    return np.asarray(rows.transpose(0, 2, 1) * np.exp(1j * receiver_phase_rad(sequence))[:, None])


def _plain(cloud: SpinCloud, sequence: Sequence, spec: ScannerSpec | None) -> Complex[np.ndarray, "sample coil"]:
    """Every sample of spins of one pool.

    A step with RF is half a step of relaxation, the exact rotation in the pulse's frame, and the other half: an error of third
    order in dt / T2.
    """
    m_xy, m_z, still = np.zeros(len(cloud), complex), np.ones(len(cloud)), np.zeros(len(cloud))
    locking = still if cloud.t1rho_s is None else 1 / cloud.t1rho_s - 1 / cloud.t2_s
    signal = []
    for step in walk(cloud, sequence, spec):
        h, b1, c = step.dt_s, step.b1_T, step.carrier_Hz
        if step.fresh.any():
            m_xy, m_z = np.where(step.fresh, 0, m_xy), np.where(step.fresh, 1, m_z)
        if not b1.any():
            m_xy, m_z = free_precession(m_xy, m_z, step.t1_s, step.t2_s, step.f_Hz, h)
        else:
            m_xy, m_z = free_precession(_locked(m_xy, b1, locking * h / 2), m_z, step.t1_s, step.t2_s, still, h / 2)
            m_xy, m_z = rotate(m_xy, m_z, b1, step.f_Hz - c, h)
            m_xy = _locked(m_xy, b1, locking * h / 2) * np.exp(-2j * np.pi * c * h)
            m_xy, m_z = free_precession(m_xy, m_z, step.t1_s, step.t2_s, still, h / 2)
        if step.seen is not None:
            signal.append((step.seen * cloud.amount) @ m_xy)
    return np.array(signal)


def _locked(
    m_xy: Complex[np.ndarray, " n"], b1: Complex[np.ndarray, " n"], decay: Float[np.ndarray, " n"]
) -> Complex[np.ndarray, " n"]:
    """The part along b1 decays by exp(-decay)."""
    along = b1 / np.where(b1 == 0, 1, np.abs(b1))
    return np.asarray(m_xy + along * (m_xy * np.conj(along)).real * np.expm1(-decay))


def _pools(
    cloud: SpinCloud, system: PoolSystem, sequence: Sequence, spec: ScannerSpec | None
) -> Complex[np.ndarray, "sample coil"]:
    """Every sample of spins of one system: a step is a matrix exponential in the pulse's frame, exact at any length."""
    equilibrium = np.concatenate([np.zeros(2 * system.pools), system.all_fractions, [1.0]])
    state, signal, known = np.tile(equilibrium, (len(cloud), 1)), [], dict[tuple, np.ndarray]()
    for step in walk(cloud, sequence, spec, join=True):
        f, size, phase = step.f_Hz - step.carrier_Hz, np.abs(step.b1_T), np.angle(step.b1_T)
        key = (round(step.dt_s, 14), np.round(f, 6).tobytes(), np.round(size, 16).tobytes())
        if key not in known:
            known = known if len(known) < MOST_KNOWN else {}
            lines = None if system.semisolid is None else system.semisolid.absorption_s(-f)
            known[key] = _exp(step.dt_s * generator(b1_T=size, frequency_Hz=f, lineshape_s=lines, **system.equations()))
        state = np.where(step.fresh[:, None], equilibrium, state)
        state = np.einsum("nij,nj->ni", known[key], turned(state, system.pools, -phase))
        state = turned(state, system.pools, phase - 2 * np.pi * step.carrier_Hz * step.dt_s)
        if step.seen is not None:
            m_xy = (state[:, : system.pools] + 1j * state[:, system.pools : 2 * system.pools]).sum(axis=1)
            signal.append((step.seen * cloud.amount) @ m_xy)
    return np.array(signal)


def _exp(rate_dt: Float[np.ndarray, "n size size"]) -> Float[np.ndarray, "n size size"]:
    """Matrix exponentials; of short steps by the series, which is quicker: 0.1^11 / 11! is 0 in float64."""
    if np.abs(rate_dt).sum(axis=2).max() > 0.1:
        return np.asarray(expm(rate_dt))
    one = total = np.broadcast_to(np.eye(rate_dt.shape[1]), rate_dt.shape)
    for order in range(10, 0, -1):
        total = one + rate_dt @ total / order
    return total
