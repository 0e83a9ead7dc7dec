# TRUTHS of EPG: 180s decay as exp(-n ESP/T2) | a 90-degree pulse gives i exp(i phase) | compiled train = states one by one |
#   = isochromat sum, T1, T2 and B1 included | constant-flip polynomial = train | flips a and 2 pi - a are one train |
#   60-degree train settles at sin(30 deg) = .500 | b1 scales excitation and refocusing | RF-spoiled train = isochromat sum |
#   voxels broadcast | an empty train raises | 1e5 voxels x 32 echoes in about a second
from __future__ import annotations

import time

import numpy as np
import pytest

from fullbore.errors import ShapeError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.signal.bloch import free_precession, rotate
from fullbore.signal.closed_forms import pseudo_steady_state
from fullbore.signal.epg import (
    constant_flip_train,
    equilibrium,
    relax_states,
    rotate_states,
    shift_states,
    spin_echo_train,
    spoiled_gradient_train,
)

T1, T2, ESP = 1.1, 0.09, 0.012


def states_one_by_one(refocusing: np.ndarray, b1: float) -> np.ndarray:
    states = rotate_states(equilibrium(2 * len(refocusing) + 2), b1 * np.pi / 2, -np.pi / 2)
    echoes = []
    for flip in refocusing:
        states = shift_states(relax_states(states, T1, T2, ESP / 2))
        states = rotate_states(states, b1 * flip)
        states = shift_states(relax_states(states, T1, T2, ESP / 2))
        echoes.append(states[0, 0])
    return np.array(echoes)


def instant_pulse(m_xy: np.ndarray, m_z: np.ndarray, flip: float, phase: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    b1 = np.array([flip / GYROMAGNETIC_RATIO_RAD_PER_S_T * np.exp(1j * phase)])
    return rotate(m_xy, m_z, b1, np.zeros(1), 1.0)


def wait(m_xy: np.ndarray, m_z: np.ndarray, dt: float, turn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Relaxation over dt with an evenly spread phase exp(i turn), as a crusher gives."""
    return free_precession(m_xy, m_z, np.array([T1]), np.array([T2]), -turn / (2 * np.pi * dt), dt)


def isochromats(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.zeros(n, complex), np.ones(n), 2 * np.pi * np.arange(n) / n


def test_perfect_refocusing_is_t2_decay() -> None:
    echoes = spin_echo_train(T1, T2, ESP, np.full(32, np.pi))
    np.testing.assert_allclose(echoes, np.exp(-ESP * np.arange(1, 33) / T2), rtol=1e-12)


def test_excitation_phase() -> None:
    states = rotate_states(equilibrium(1), np.pi / 2, 0.3)
    np.testing.assert_allclose(states[:, 0], [1j * np.exp(0.3j), -1j * np.exp(-0.3j), 0], atol=1e-15)


@pytest.mark.parametrize("n", [1, 2, 3, 8, 33])
@pytest.mark.parametrize("b1", [0.7, 1.0, 1.2])
def test_compiled_train_is_states_one_by_one(n: int, b1: float) -> None:
    refocusing = np.deg2rad(np.linspace(180, 60, n))
    np.testing.assert_allclose(spin_echo_train(T1, T2, ESP, refocusing, b1=b1), states_one_by_one(refocusing, b1), atol=1e-14)


def test_train_is_the_isochromat_sum() -> None:
    refocusing, b1 = np.deg2rad([150.0, 120, 110, 135, 170, 90]), 0.85
    m_xy, m_z, turn = isochromats(64)  # an even spread of 64 phases is exact up to 64 units of winding
    m_xy, m_z = instant_pulse(m_xy, m_z, b1 * np.pi / 2, -np.pi / 2)
    for echo, flip in zip(spin_echo_train(T1, T2, ESP, refocusing, b1=b1), refocusing, strict=True):
        m_xy, m_z = instant_pulse(*wait(m_xy, m_z, ESP / 2, turn), b1 * flip)
        m_xy, m_z = wait(m_xy, m_z, ESP / 2, turn)
        np.testing.assert_allclose(m_xy.mean(), echo, atol=1e-12)


@pytest.mark.parametrize("degrees", [60.0, 135, 170, 180, 200])
def test_constant_flip_polynomial(degrees: float) -> None:
    flip = np.deg2rad(degrees)
    polynomial = constant_flip_train(T1, T2, ESP, 32, np.cos(flip))
    np.testing.assert_allclose(polynomial, spin_echo_train(T1, T2, ESP, np.full(32, flip)), atol=1e-13)
    np.testing.assert_allclose(polynomial, spin_echo_train(T1, T2, ESP, np.full(32, 2 * np.pi - flip)), atol=1e-13)


def test_pseudo_steady_state() -> None:
    level = spin_echo_train(1e9, 1e9, ESP, np.full(400, np.pi / 3))[-8:].mean()
    assert level == pytest.approx(0.5, abs=1e-4)
    assert pseudo_steady_state(np.pi / 3) == pytest.approx(0.5, abs=1e-15)


def test_b1_scales_all_flips() -> None:
    scaled = spin_echo_train(T1, T2, ESP, np.full(8, 2.5), excitation_rad=1.5, b1=0.8)
    np.testing.assert_allclose(scaled, spin_echo_train(T1, T2, ESP, np.full(8, 2.0), excitation_rad=1.2), atol=1e-14)


def test_rf_spoiled_train_is_the_isochromat_sum() -> None:
    tr, flip, pulses = 0.007, np.deg2rad(15), 40
    m_xy, m_z, turn = isochromats(96)
    for n, signal in enumerate(spoiled_gradient_train(T1, T2, tr, flip, pulses)):
        phase = np.deg2rad(117) * n * (n + 1) / 2
        m_xy, m_z = instant_pulse(m_xy, m_z, flip, phase)
        np.testing.assert_allclose(m_xy.mean() * np.exp(-1j * phase), signal, atol=1e-12)
        m_xy, m_z = wait(m_xy, m_z, tr, turn)


def test_voxels_broadcast() -> None:
    t2 = np.array([[0.05, 0.1, 2.0]])
    b1 = np.array([[0.8], [1.0]])
    many = spin_echo_train(T1, t2, ESP, np.full(5, np.pi), b1=b1)
    assert many.shape == (2, 3, 5)
    np.testing.assert_array_equal(many[1, 2], spin_echo_train(T1, 2.0, ESP, np.full(5, np.pi)))


def test_empty_train_raises() -> None:
    with pytest.raises(ShapeError, match="refocusing"):
        spin_echo_train(T1, T2, ESP, np.zeros(0))


def test_speed() -> None:
    t2 = np.linspace(0.03, 2, 100_000)
    spin_echo_train(T1, t2[:2], ESP, np.full(32, np.pi))  # compile
    start = time.perf_counter()
    spin_echo_train(T1, t2, ESP, np.full(32, 3.0))
    assert time.perf_counter() - start < 3  # 0.1 s on two idle cores; the room is for busy ones
