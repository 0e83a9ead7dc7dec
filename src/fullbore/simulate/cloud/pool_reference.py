"""The readable truth for spins of many pools: every spin through every step of the sequence by matrix exponentials."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Complex, Float, Int

from fullbore.data import Sequence
from fullbore.signal.bloch_mcconnell import play_pools as play_system
from fullbore.simulate.cloud.play_pools import check_kinds
from fullbore.simulate.cloud.pools import PoolSystem
from fullbore.simulate.cloud.reference import _steps, reference
from fullbore.simulate.cloud.spins import SpinCloud


def reference_pools(
    cloud: SpinCloud, systems: tuple[PoolSystem, ...], kind: Int[np.ndarray, " n"], sequence: Sequence
) -> Complex[np.ndarray, "row coil sample"]:
    """Noiseless samples of a small cloud, as `play_pools` gives them; plain spins (kind -1) are `reference`'s.

    Runs of equal RF are one step, which is exact.
    """
    check_kinds(cloud, systems, kind)
    steps = [_steps(sequence, block) for block in range(sequence.blocks)]
    dt, b1, carrier, gradient, sampled = _joined(*(np.concatenate(part) for part in zip(*steps, strict=True)))
    total = np.zeros((len(cloud.sensitivity), int(sampled.sum())), complex)
    for number in np.unique(kind[kind >= 0]):
        part = cloud.take(np.flatnonzero(kind == number))
        common = dict(
            position_m=part.position_m, off_resonance_Hz=part.off_resonance_Hz, b1_scale=part.b1_scale,
            weight=part.sensitivity * part.amount, dt_s=dt, b1_T=b1, gradient_T_per_m=gradient, sampled=sampled,
            carrier_Hz=carrier,
        )  # fmt: skip
        system = systems[number]
        shape = None if system.semisolid is None else system.semisolid.absorption_s
        total += play_system(**system.equations(), lineshape=shape, **common)[0]
    rows = total.reshape(len(total), sequence.encoding.rows, -1).transpose(1, 0, 2)
    rows = rows * np.exp(1j * sequence.adc_phase_rad[sequence.adc >= 0])[:, None, None]
    plain = np.flatnonzero(kind == -1)
    return np.asarray(rows + reference(cloud.take(plain), sequence) if len(plain) else rows)


def _joined(
    dt: Float[np.ndarray, " n"],
    b1: Complex[np.ndarray, " n"],
    carrier: Float[np.ndarray, " n"],
    gradient: Float[np.ndarray, "n axis"],
    sampled: Bool[np.ndarray, " n"],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The same steps with those put together that go on as the one before: equal gradient and b1, no sample between."""
    goes_on = b1[:-1] * np.exp(-2j * np.pi * carrier[:-1] * dt[:-1])
    same = (np.abs(b1[1:] - goes_on) <= 1e-9 * np.abs(b1).max()) & (carrier[1:] == carrier[:-1]) & ~sampled[:-1]
    same &= (np.abs(np.diff(gradient, axis=0)) < 1e-12).all(axis=1)
    first = np.concatenate([[0], np.flatnonzero(~same) + 1])
    last = np.append(first[1:], len(dt)) - 1
    return np.add.reduceat(dt, first), b1[first], carrier[first], gradient[first], sampled[last]
