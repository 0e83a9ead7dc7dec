# TRUTHS of preparations: saturation leaves under 1 % for B1 0.7 to 1.2 and T1 of 0.3 s | fat saturation takes fat, not water |
#   T2 preparation leaves exp(-TE/T2) | ... for B1 0.85 to 1.1 and 120 Hz off, to 6 % | too short a time is
#   refused | inversion below -0.95

from __future__ import annotations

import math

import numpy as np
import pytest

from fullbore.data import Limits
from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.sequence.module import Module
from fullbore.sequence.preparations import fat_saturation, inversion, saturation, t2_preparation
from fullbore.sequence.refusal import Refusal
from tests.sequence.reference import LIMITS

FAT_HZ = -3.4e-6 * 42.577478518e6 * 3.0


def left(module: Module, *, b1: float = 1.0, off_Hz: float = 0.0, t1_s: float = 1e9, t2_s: float = 1e9) -> float:
    """Mz at the module's end from Mz = 1, by rotations of one spin; a block with gradients spoils it wholly.

    The frame of the pulses: B1 exp(i (phase + 2 pi f t)) is still for a spin at off-resonance f.
    """
    m, z = 0j, 1.0
    for block in module.blocks:
        t = 0.0
        pulse = block.rf
        if pulse is not None:
            m, z = rest(m, z, pulse.delay_s, off_Hz, t1_s, t2_s)
            t = pulse.delay_s
            for step, value in enumerate(pulse.b1_T):
                since = (step + 0.5) * pulse.raster_s
                phase = float(block.rf_phase_rad) + 2 * math.pi * float(block.rf_frequency_Hz) * since
                m, z = turned(m, z, b1 * value * np.exp(1j * phase), off_Hz, pulse.raster_s)
                m, z = rest(m, z, pulse.raster_s, 0.0, t1_s, t2_s)
            t += pulse.duration_s
        m, z = rest(m, z, block.duration_s - t, off_Hz, t1_s, t2_s)
        if any(g is not None for g in block.gradients):
            m = 0j
    return z


def rest(m: complex, z: float, length_s: float, off_Hz: float, t1_s: float, t2_s: float) -> tuple[complex, float]:
    m *= np.exp(2j * math.pi * off_Hz * length_s - length_s / t2_s)
    return m, 1 - (1 - z) * math.exp(-length_s / t1_s)


def turned(m: complex, z: float, b1_T: complex, off_Hz: float, length_s: float) -> tuple[complex, float]:
    """One rotation about (B1, offset): a spin at +f runs on by +2 pi f t, so it is still under a pulse tuned to +f."""
    axis = np.array(
        [
            GYROMAGNETIC_RATIO_RAD_PER_S_T * b1_T.real,
            GYROMAGNETIC_RATIO_RAD_PER_S_T * b1_T.imag,
            2 * math.pi * off_Hz,
        ]
    )
    angle = np.linalg.norm(axis) * length_s
    if angle == 0:
        return m, z
    u, v = axis / np.linalg.norm(axis), np.array([m.real, m.imag, z])
    v = v * math.cos(angle) + np.cross(u, v) * math.sin(angle) + u * (u @ v) * (1 - math.cos(angle))
    return complex(v[0], v[1]), float(v[2])


@pytest.mark.parametrize("b1", [0.7, 0.85, 1.0, 1.2])
def test_saturation_leaves_nothing(b1: float) -> None:
    module = saturation(LIMITS)
    last = module.duration_s - module.centre_s
    z = left(module, b1=b1, t1_s=0.3)
    at_centre = 1 - (1 - z) * math.exp(last / 0.3)
    assert abs(at_centre) < 0.01


def test_fat_saturation_takes_fat_and_leaves_water() -> None:
    module = fat_saturation(LIMITS)
    assert left(module, off_Hz=FAT_HZ) == pytest.approx(math.cos(math.radians(100)), abs=0.01)
    assert left(module) > 0.995


@pytest.mark.parametrize("time_s", [30e-3, 55e-3])
def test_t2_preparation_leaves_the_exponential(time_s: float) -> None:
    module = t2_preparation(time_s, LIMITS)
    # T1 is out of the picture; what is left is second order in the pulses' length over T2
    assert left(module, t2_s=50e-3) == pytest.approx(math.exp(-time_s / 50e-3), rel=1e-3)


def test_t2_preparation_is_robust() -> None:
    module = t2_preparation(40e-3, LIMITS)
    wanted = math.exp(-40e-3 / 50e-3)
    # the time in the plane changes with B1 by up to 2.6 of 40 ms: 5.4 %
    for b1, off_Hz in ((0.85, 0.0), (1.1, 0.0), (1.0, 120.0), (0.9, -80.0)):
        assert left(module, b1=b1, off_Hz=off_Hz, t2_s=50e-3) == pytest.approx(wanted, rel=0.06), (b1, off_Hz)


def test_t2_preparation_that_does_not_fit() -> None:
    with pytest.raises(Refusal, match="preparation_times"):
        t2_preparation(4e-3, LIMITS)


def test_inversion(limits: Limits = LIMITS) -> None:
    assert left(inversion(10.24e-3, limits)) < -0.95
