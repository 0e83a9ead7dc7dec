# TRUTHS of RF pulses: a pulse's on-resonance flip is its nominal one | sinc: a slice of the nominal width | hyperbolic secant:
#   Mz < -0.95 for B1 0.7..1.3 and +-300 Hz | the peak B1 is kept or refused | a legal flip is legal

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import RfPulse
from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.sequence.pulses import hard_pulse, hyperbolic_secant, sinc_pulse
from fullbore.sequence.refusal import Refusal
from tests.sequence.reference import LIMITS


def played(pulse: RfPulse, b1: float, off_resonance_Hz: np.ndarray) -> np.ndarray:
    """Magnetisation (offset, xyz) after a pulse from rest, by rotating it step after step (dM/dt = gamma M x B)."""
    m = np.zeros((len(off_resonance_Hz), 3))
    m[:, 2] = 1.0
    for field in pulse.b1_T:
        turn = np.empty_like(m)
        turn[:, 0] = -GYROMAGNETIC_RATIO_RAD_PER_S_T * b1 * field.real
        turn[:, 1] = -GYROMAGNETIC_RATIO_RAD_PER_S_T * b1 * field.imag
        turn[:, 2] = -2 * np.pi * off_resonance_Hz
        turn *= pulse.raster_s
        angle = np.linalg.norm(turn, axis=1, keepdims=True)
        axis = turn / np.maximum(angle, 1e-30)
        along = axis * (axis * m).sum(axis=1, keepdims=True)
        m = along + (m - along) * np.cos(angle) + np.cross(axis, m) * np.sin(angle)
    return m


@pytest.mark.parametrize("flip_deg", [9.0, 90.0, 160.0])
def test_flip_on_resonance(flip_deg: float) -> None:
    flip = np.deg2rad(flip_deg)
    for pulse in (hard_pulse(flip, 1e-3, LIMITS), sinc_pulse(flip, 2.56e-3, 4.0, LIMITS)):
        assert played(pulse, 1.0, np.zeros(1))[0, 2] == pytest.approx(np.cos(flip), abs=1e-9)


def test_sinc_excites_its_bandwidth() -> None:
    pulse = sinc_pulse(np.deg2rad(90), 2.56e-3, 4.0, LIMITS)
    offset = np.linspace(-3000, 3000, 601)
    transverse = np.hypot(*played(pulse, 1.0, offset)[:, :2].T)
    width = np.ptp(offset[transverse > 0.5])
    assert width == pytest.approx(4.0 / 2.56e-3, rel=0.1)  # a large-flip profile is not the shape's Fourier transform
    assert transverse[np.abs(offset) > 1500].max() < 0.03
    assert pulse.centre_s == pytest.approx(1.28e-3)


def test_hyperbolic_secant_inverts_where_b1_and_b0_are_wrong() -> None:
    pulse = hyperbolic_secant(10.24e-3, LIMITS)
    offset = np.linspace(-300, 300, 41)
    for b1 in (0.7, 0.85, 1.0, 1.15, 1.3):
        assert played(pulse, b1, offset)[:, 2].max() < -0.95
    assert np.abs(pulse.b1_T).max() <= LIMITS.b1_peak_T


def test_the_peak_is_refused_and_the_legal_flip_is_legal() -> None:
    with pytest.raises(Refusal, match="peak B1 would be 58") as refused:
        hard_pulse(np.pi / 2, 100e-6, LIMITS)
    assert np.abs(hard_pulse(refused.value.legal, 100e-6, LIMITS).b1_T).max() <= LIMITS.b1_peak_T
    weak = replace(LIMITS, b1_peak_T=10e-6)
    with pytest.raises(Refusal, match="adiabatic") as refused:
        hyperbolic_secant(10.24e-3, weak)
    assert np.abs(hyperbolic_secant(refused.value.legal, weak).b1_T).max() <= weak.b1_peak_T
