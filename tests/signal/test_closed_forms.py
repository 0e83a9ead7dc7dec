# TRUTHS of closed forms: the Ernst angle maximises and equals cos a = exp(-TR/T1) | spoiled GRE = Mz recursion | spin echo and
#   turbo spin echo = Bloch recursion | bSSFP = Bloch after thousands of TR, on and off resonance | bSSFP null on resonance
#   without phase alternation | inversion null at T1 ln 2 | MPRAGE WM/GM = 1.47 (TR 2300, TI 900, FA 9, ES 7, 176)
#   | MPRAGE = plain recursion to steady state | no train: MPRAGE = inversion recovery | a train that does not fit raises
from __future__ import annotations

import numpy as np
import pytest

from fullbore.errors import ValueRangeError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.signal import (
    balanced_steady_state,
    ernst_angle,
    free_precession,
    inversion_recovery,
    inversion_train,
    rotate,
    spin_echo,
    spoiled_gradient_echo,
    turbo_spin_echo,
)

T1, T2 = 0.9, 0.08
Spin = tuple[np.ndarray, np.ndarray]


def instant_pulse(spin: Spin, flip: float, phase: float = 0.0) -> Spin:
    return rotate(*spin, np.array([flip / GYROMAGNETIC_RATIO_RAD_PER_S_T * np.exp(1j * phase)]), np.zeros(1), 1.0)


def wait(spin: Spin, dt: float, f: float = 0.0) -> Spin:
    return free_precession(*spin, np.array([T1]), np.array([T2]), np.array([f]), dt)


def spoil(spin: Spin) -> Spin:
    return 0 * spin[0], spin[1]


def equilibrium() -> Spin:
    return np.zeros(1, complex), np.ones(1)


def test_ernst_angle_maximises() -> None:
    flips = np.deg2rad(np.arange(0.01, 90, 0.01))
    best = flips[np.argmax(spoiled_gradient_echo(0.832, 0.007, flips))]
    assert best == pytest.approx(ernst_angle(0.832, 0.007), abs=np.deg2rad(0.01))
    assert np.rad2deg(ernst_angle(0.832, 0.007)) == pytest.approx(7.42, abs=0.005)


def test_spoiled_gradient_echo_is_the_recursion() -> None:
    spin, tr, te = equilibrium(), 0.05, 0.004
    for _ in range(600):
        excited = instant_pulse(spin, 0.4)
        spin = spoil(wait(excited, tr))
    assert abs(wait(excited, te)[0][0]) == pytest.approx(spoiled_gradient_echo(T1, tr, 0.4, T2, te), rel=1e-9)


@pytest.mark.parametrize("echoes", [1, 2, 7])
def test_spin_echo_trains_are_the_recursion(echoes: int) -> None:
    spin, tr, esp = equilibrium(), 1.3, 0.02
    for _ in range(3):
        spin, measured = wait(instant_pulse(spoil(spin), np.pi / 2, np.pi / 2), esp / 2), []
        for _ in range(echoes):
            spin = wait(instant_pulse(spin, np.pi), esp / 2)
            measured.append(abs(spin[0][0]))
            spin = wait(spin, esp / 2)
        spin = wait(spin, tr - (echoes + 0.5) * esp)
    np.testing.assert_allclose(measured, turbo_spin_echo(T1, T2, tr, esp, echoes), rtol=1e-9)
    if echoes == 1:
        assert measured[0] == pytest.approx(spin_echo(T1, T2, tr, esp), rel=1e-9)


@pytest.mark.parametrize("f", [0.0, 33.0, 1 / 0.0064, 200.0, -90.0])
def test_bssfp_is_reached_by_bloch(f: float) -> None:
    spin, tr = equilibrium(), 0.0032
    for _ in range(4000):
        excited = instant_pulse(spin, 0.7)
        spin = wait(excited, tr, f)
    np.testing.assert_allclose(excited[0][0], balanced_steady_state(T1, T2, tr, 0.7, f), atol=1e-9)


def test_bssfp_on_resonance_textbook_form() -> None:
    e1, e2 = np.exp(-0.0032 / T1), np.exp(-0.0032 / T2)
    textbook = np.sin(0.7) * (1 - e1) / (1 - (e1 - e2) * np.cos(0.7) - e1 * e2)
    assert abs(balanced_steady_state(T1, T2, 0.0032, 0.7, 1 / 0.0064)) == pytest.approx(textbook, rel=1e-12)
    assert abs(balanced_steady_state(T1, T2, 0.0032, 0.7)) < 0.06 * textbook


def test_inversion_null() -> None:
    assert inversion_recovery(T1, T1 * np.log(2)) == pytest.approx(0, abs=1e-15)
    assert inversion_recovery(T1, 0.3, efficiency=0.9) == pytest.approx(1 - 1.9 * np.exp(-0.3 / T1), rel=1e-14)
    fluid_null = T1 * np.log(2 - np.exp(-2.0 / T1))  # 2.0 s pass from the 90 to the next inversion
    assert inversion_recovery(T1, fluid_null, 2.0 + fluid_null) == pytest.approx(0, abs=1e-15)


def test_mprage_contrast() -> None:
    white, grey = inversion_train(np.array([0.832, 1.331]), 2.3, 0.9, 0.007, np.deg2rad(9), 176)[88] * np.array([0.70, 0.82])
    assert white == pytest.approx(0.0330, abs=5e-5)
    assert grey == pytest.approx(0.0225, abs=5e-5)
    assert white / grey == pytest.approx(1.47, abs=0.005)


def test_mprage_is_the_recursion() -> None:
    tr, ti, spacing, flip, views, efficiency = 2.0, 0.8, 0.01, 0.2, 60, 0.93
    m_z = 1.0
    for _ in range(40):
        m_z, measured = 1 - (1 + efficiency * m_z) * np.exp(-(ti - 30 * spacing) / T1), []
        for _ in range(views):
            measured.append(m_z * np.sin(flip))
            m_z = 1 - (1 - m_z * np.cos(flip)) * np.exp(-spacing / T1)
        m_z = 1 - (1 - m_z) * np.exp(-(tr - ti - 30 * spacing) / T1)
    np.testing.assert_allclose(inversion_train(T1, tr, ti, spacing, flip, views, efficiency), measured, atol=1e-12)


def test_one_view_of_90_degrees_is_inversion_recovery() -> None:
    assert inversion_train(T1, 3.0, 0.7, 0.0, np.pi / 2, 1)[0] == pytest.approx(inversion_recovery(T1, 0.7, 3.0), rel=1e-12)


def test_train_that_does_not_fit_raises() -> None:
    with pytest.raises(ValueRangeError, match="before"):
        inversion_train(T1, 2.3, 0.9, 0.012, 0.15, 176)
