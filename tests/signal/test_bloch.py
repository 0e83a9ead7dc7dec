# TRUTHS of Bloch: |M| kept without relaxation | 180 then 180 = identity | b1 along x turns Mz to +i (sign convention) |
#   free spin gathers exp(-2 pi i (k.r + f t)) exp(-t/T2) | off-resonant pulse = Rabi's formula | spin echo at TE, exp(-TE/T2) |
#   play = matrix exponential of the Bloch equation | spins are independent, signals add with their weights | wrong lengths raise
from __future__ import annotations

import numpy as np
import pytest
from jaxtyping import TypeCheckError
from scipy.linalg import expm

from fullbore.errors import ShapeError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T, GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.signal import free_precession, play, rotate

GAMMA = GYROMAGNETIC_RATIO_RAD_PER_S_T


def spins(n: int = 1, **changes: object) -> dict:
    still = dict(
        position_m=np.zeros((n, 3)),
        t1_s=np.full(n, 1e9),
        t2_s=np.full(n, 1e9),
        off_resonance_Hz=np.zeros(n),
        b1_scale=np.ones(n),
        weight=np.ones((1, n)),
    )
    return still | changes


def steps(*rows: tuple[float, complex, bool], gradient: np.ndarray | None = None) -> dict:
    dt, b1, sampled = zip(*rows, strict=True)
    return dict(
        dt_s=np.array(dt),
        b1_T=np.array(b1, complex),
        sampled=np.array(sampled),
        gradient_T_per_m=np.zeros((len(rows), 3)) if gradient is None else gradient,
    )


def pulse(flip_rad: float, phase_rad: float = 0.0, duration_s: float = 1e-9) -> tuple[float, complex, bool]:
    return duration_s, flip_rad / (GAMMA * duration_s) * np.exp(1j * phase_rad), False


def random_state(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    return rng.normal(size=n) + 1j * rng.normal(size=n), rng.normal(size=n)


def test_rotation_keeps_length_and_180_twice_is_identity() -> None:
    rng = np.random.default_rng(1)
    m_xy, m_z = random_state(50)
    b1, f = 1e-5 * (rng.normal(size=50) + 1j * rng.normal(size=50)), 300 * rng.normal(size=50)
    a_xy, a_z = rotate(m_xy, m_z, b1, f, 1e-3)
    np.testing.assert_allclose(np.abs(a_xy) ** 2 + a_z**2, np.abs(m_xy) ** 2 + m_z**2, rtol=1e-13)
    half_turn_s = np.pi / (GAMMA * 1e-5)
    for _ in range(2):
        m_xy, m_z = rotate(m_xy, m_z, np.full(50, 1e-5 * np.exp(0.7j)), np.zeros(50), half_turn_s)
    np.testing.assert_allclose(m_xy, random_state(50)[0], atol=1e-13)
    np.testing.assert_allclose(m_z, random_state(50)[1], atol=1e-13)


@pytest.mark.parametrize("phase", [0.0, 0.5, np.pi / 2, 2.0])
def test_sign_of_the_pulse(phase: float) -> None:
    _, (m_xy, m_z) = play(**spins(), **steps(pulse(np.pi / 3, phase)))
    np.testing.assert_allclose(m_xy, 1j * np.exp(1j * phase) * np.sin(np.pi / 3), atol=1e-9)
    np.testing.assert_allclose(m_z, np.cos(np.pi / 3), atol=1e-9)


def test_free_spin_follows_the_signal_law() -> None:
    position, gradient = np.array([[0.03, -0.02, 0.05]]), np.array([[0.0, 0.0, 0.0], [0.01, 0.02, -0.015]])
    t, f, t2 = 1.7e-3, 37.0, 0.08
    drive = steps(pulse(np.pi / 2), (t, 0, True), gradient=gradient)
    signal, _ = play(**spins(position_m=position, off_resonance_Hz=np.array([f]), t2_s=np.array([t2])), **drive)
    k = GYROMAGNETIC_RATIO_HZ_PER_T * gradient[1] * t
    wanted = 1j * np.exp(-2j * np.pi * (k @ position[0] + f * t)) * np.exp(-t / t2)
    np.testing.assert_allclose(signal[0, 0], wanted, atol=1e-6)


@pytest.mark.parametrize("f", [0.0, 120.0, -800.0])
def test_rabi(f: float) -> None:
    nutation, t = 500.0, 1.3e-3
    _, (_, m_z) = play(**spins(off_resonance_Hz=np.array([f])), **steps((t, 2 * np.pi * nutation / GAMMA, False)))
    effective = np.hypot(nutation, f)
    wanted = 1 - 2 * (nutation / effective * np.sin(np.pi * effective * t)) ** 2
    np.testing.assert_allclose(m_z, wanted, atol=1e-9)


def test_spin_echo() -> None:
    n, te, t2 = 401, 0.02, 0.05
    f = np.linspace(-200, 200, n)
    echo = [(te / 2, 0, False), pulse(np.pi), (te / 4, 0, True), (te / 4, 0, True), (te / 4, 0, True)]
    signal, _ = play(
        **spins(n, off_resonance_Hz=f, t2_s=np.full(n, t2), weight=np.full((1, n), 1 / n)),
        **steps(pulse(np.pi / 2, np.pi / 2), *echo),
    )
    before, at, after = np.abs(signal[0])
    assert max(before, after) < 0.05 * at
    np.testing.assert_allclose(signal[0, 1], -np.exp(-te / t2), rtol=1e-6)


def test_play_is_the_matrix_exponential() -> None:
    t1, t2, f, b1, t = 0.5, 0.03, 40.0, 3e-6 * np.exp(0.4j), 4e-3
    w = np.array([-GAMMA * b1.real, -GAMMA * b1.imag, -2 * np.pi * f])
    cross = np.array([[0, -w[2], w[1], 0], [w[2], 0, -w[0], 0], [-w[1], w[0], 0, 0], [0, 0, 0, 0]])
    generator = cross + np.diag([-1 / t2, -1 / t2, -1 / t1, 0])
    generator[2, 3] = 1 / t1
    exact = expm(t * generator) @ np.array([0.2, -0.3, 0.4, 1.0])
    start = (np.array([0.2 - 0.3j]), np.array([0.4]))
    parts = [(t / 400, b1, False)] * 400
    one = spins(t1_s=np.array([t1]), t2_s=np.array([t2]), off_resonance_Hz=np.array([f]))
    _, (m_xy, m_z) = play(**one, **steps(*parts), start=start)
    np.testing.assert_allclose([m_xy[0].real, m_xy[0].imag, m_z[0]], exact[:3], atol=1e-7)


def test_signals_add() -> None:
    n = 5
    rng = np.random.default_rng(3)
    many = spins(
        n,
        position_m=rng.normal(size=(n, 3)) * 0.1,
        t1_s=rng.uniform(0.5, 2, n),
        t2_s=rng.uniform(0.05, 0.2, n),
        off_resonance_Hz=rng.normal(size=n) * 50,
        b1_scale=rng.uniform(0.7, 1.2, n) * np.exp(1j * rng.normal(size=n)),
        weight=np.eye(n),
    )
    drive = steps(
        pulse(1.0, 0.3, 1e-3), (3e-3, 0, True), pulse(2.0, 1.0, 1e-3), (2e-3, 0, True), gradient=rng.normal(size=(4, 3)) * 1e-3
    )
    each, _ = play(**many, **drive)
    weight = rng.normal(size=(2, n)) + 1j * rng.normal(size=(2, n))
    np.testing.assert_allclose(play(**many | {"weight": weight}, **drive)[0], weight @ each, atol=1e-13)


def test_inversion_recovers() -> None:
    m_xy, m_z = free_precession(
        np.array([1 + 0j]), np.array([-1.0]), np.array([0.8]), np.array([0.1]), np.array([0.0]), 0.8 * np.log(2)
    )
    np.testing.assert_allclose(m_z, 0, atol=1e-15)
    np.testing.assert_allclose(m_xy, 2.0**-8, rtol=1e-12)


def test_wrong_lengths_raise() -> None:
    with pytest.raises((ShapeError, TypeCheckError), match="t1_s"):  # the annotation speaks first where it is checked
        play(**spins(2, t1_s=np.ones(3)), **steps(pulse(1.0)))
