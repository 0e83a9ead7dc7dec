# TRUTHS of preparation pulses: binomials turn water by the flip and fat not at all, cos^n between | spectral-spatial: a
#   slice of water, none of fat | fat saturation and inversion spare water | trains have their B1 rms and duty cycle, and
#   keep their phase | spin locks return Mz exp(-t / T1rho), balanced ones in wrong B1, adiabatic ones in wrong B0 too |
#   adiabatic locks: T1rho within 1.5 % at 0 and 50 Hz off resonance, B1 .9 to 1.1; balanced ones, whose pulses are hard, not

from functools import partial

import numpy as np
import pytest

from fullbore.data import RfPulse
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence.pulses import moved, pulse_response
from fullbore.sequence.pulses.saturation_train import saturation_train
from fullbore.sequence.pulses.spin_lock import adiabatic_spin_lock, spin_lock
from fullbore.sequence.pulses.water import (
    binomial,
    fat_frequency_Hz,
    fat_inversion,
    fat_saturation,
    spectral_spatial,
)
from fullbore.sequence.refusal import Refusal
from tests.sequence.reference import LIMITS

FAT_HZ = -440.0


@pytest.mark.parametrize("order", [1, 2, 3])
def test_binomials_hit_water_and_spare_fat(order: int) -> None:
    pulse = binomial(np.deg2rad(10), order, FAT_HZ, LIMITS)
    water, fat, half = np.abs(pulse_response(pulse, offset_Hz=np.array([0.0, FAT_HZ, FAT_HZ / 2]))[0]) / np.sin(np.deg2rad(10))
    assert water == pytest.approx(1.0, abs=1e-9)
    assert fat < 0.008  # the distance is on a raster of 10 us: 0.4 % from half a turn
    assert half == pytest.approx(np.cos(np.pi / 4) ** order, abs=0.01)  # small flips; 10 degrees are nearly that
    ninety = pulse_response(binomial(np.pi / 2, order, FAT_HZ, LIMITS, sub_pulse_s=300e-6))[1]
    assert ninety == pytest.approx(0.0, abs=1e-9)


def test_spectral_spatial_excites_a_slice_of_water_only() -> None:
    pulse = spectral_spatial(np.deg2rad(30), 5e-3, FAT_HZ, LIMITS)
    place = np.linspace(-15e-3, 15e-3, 121)
    profile = {f: np.abs(pulse_response(pulse, position_m=place, offset_Hz=f)[0]) for f in (0.0, 60.0, -380.0, FAT_HZ)}
    assert profile[0.0][60] == pytest.approx(0.5, abs=1e-3)
    assert np.ptp(place[profile[0.0] > 0.25]) == pytest.approx(5e-3, abs=3e-4)  # the grid is 0.25 mm
    assert profile[0.0][np.abs(place) > 6e-3].max() < 0.005
    assert profile[60.0][60] > 0.48
    assert profile[FAT_HZ].max() < 0.003  # the raster puts the true zero at -442 Hz
    assert profile[-380.0].max() < 0.02  # six sub-pulses leave an equiripple stop band of 3 % of water's 0.5
    steep = np.abs(np.diff(pulse.slice.values_T_per_m) / np.diff(pulse.slice.times_s)).max()
    assert steep <= LIMITS.slew_T_per_m_s and np.abs(pulse.slice.values_T_per_m).max() <= LIMITS.gradient_T_per_m
    there = np.abs(pulse_response(moved(pulse, 20e-3, LIMITS), position_m=place + 20e-3)[0])
    assert np.abs(there - profile[0.0]).max() < 3e-3  # held B1 turns by up to 5 % of a cycle in a step


def test_spectral_spatial_refuses_what_does_not_fit_between_two_sub_pulses() -> None:
    with pytest.raises(Refusal, match="flyback") as refused:
        spectral_spatial(np.deg2rad(30), 1e-3, FAT_HZ, LIMITS)
    spectral_spatial(np.deg2rad(30), refused.value.legal, FAT_HZ, LIMITS)


def test_fat_pulses_spare_water() -> None:
    fat = fat_frequency_Hz(3.0)
    assert fat == pytest.approx(-434.3, abs=0.1)
    saturation, frequency = fat_saturation(3.0, LIMITS)
    assert frequency == fat
    on_fat, water = pulse_response(saturation, offset_Hz=np.array([0.0, -fat]))[1]  # frequencies from the pulse's own
    assert on_fat == pytest.approx(np.cos(np.deg2rad(95)), abs=1e-6) and water > 0.999
    inversion, _ = fat_inversion(3.0, LIMITS)
    for b1 in (0.7, 1.0, 1.3):
        m_z = pulse_response(inversion, offset_Hz=np.array([-60.0, 0.0, 60.0, -fat]), b1_scale=b1)[1]
        assert m_z[:3].max() < -0.95 and m_z[3] > 0.999


@pytest.mark.parametrize("shape", ["block", "gaussian", "sinc_gaussian", "hann"])
def test_trains_have_the_power_that_was_asked_for(shape: str) -> None:
    train = saturation_train(2e-6, 450.0, 50e-3, 50e-3, 20, LIMITS, shape=shape)
    energy = 20 * np.sum(np.abs(train.pulse.b1_T) ** 2) * train.pulse.raster_s
    assert np.sqrt(energy / (20 * 0.1 - 0.05)) == pytest.approx(2e-6, rel=1e-9)
    assert train.b1_rms_T == pytest.approx(2e-6, rel=1e-9)
    assert train.duty_cycle == pytest.approx(1.0 / 1.95)
    assert np.exp(1j * train.phase_rad(7)) == pytest.approx(np.exp(2j * np.pi * 450.0 * 0.7), abs=1e-9)


def test_a_train_too_strong_is_refused() -> None:
    with pytest.raises(Refusal, match="uT") as refused:
        saturation_train(10e-6, 450.0, 50e-3, 50e-3, 20, LIMITS)
    legal = saturation_train(refused.value.legal, 450.0, 50e-3, 50e-3, 20, LIMITS)
    assert np.abs(legal.pulse.b1_T).max() <= LIMITS.b1_peak_T
    with pytest.raises(Refusal, match="ring-down") as refused:
        saturation_train(1e-6, 450.0, 50e-3, 20e-6, 20, LIMITS)
    saturation_train(1e-6, 450.0, 50e-3, refused.value.legal, 20, LIMITS)


@pytest.mark.parametrize("kind", ["simple", "rotary_echo", "balanced"])
def test_a_lock_keeps_what_t1rho_leaves(kind: str) -> None:
    pulse = spin_lock(10e-3, 11.7e-6, LIMITS, kind=kind)
    assert pulse_response(pulse)[1] == pytest.approx(1.0, abs=1e-9)
    kept = pulse_response(pulse, t2_s=0.04, t1_s=1e6)[1]
    # On resonance the lock's relaxation is T2's here; the tips, 0.4 ms each, cost half of theirs and 180s all of it.
    assert kept == pytest.approx(np.exp(-10e-3 / 0.04), rel=0.06)
    wrong = pulse_response(pulse, b1_scale=np.array([0.85, 1.15]))[1]
    assert wrong.min() > {"simple": 0.7, "rotary_echo": 0.999, "balanced": 0.999}[kind]


def test_an_adiabatic_lock_withstands_b1_and_b0() -> None:
    pulse = adiabatic_spin_lock(10e-3, 11.7e-6, LIMITS)
    offset = np.array([-100.0, 0.0, 100.0])[:, None]
    assert pulse_response(pulse, b1_scale=np.array([0.8, 1.0, 1.2]), offset_Hz=offset)[1].min() > 0.93
    with pytest.raises(Refusal, match="adiabatic") as refused:
        adiabatic_spin_lock(10e-3, 5e-6, LIMITS)
    adiabatic_spin_lock(10e-3, refused.value.legal, LIMITS)
    with pytest.raises(Refusal, match="limit"):
        spin_lock(10e-3, 30e-6, LIMITS)


def stored(pulse: RfPulse, offset_Hz: np.ndarray, b1_scale: np.ndarray) -> np.ndarray:
    """Mz after a pulse of spins with T1 800 ms, T2 = T1rho = 40 ms; by small rotations and decays, one after another."""
    step, (x, y, z) = pulse.raster_s, (np.zeros_like(offset_Hz), np.zeros_like(offset_Hz), np.ones_like(offset_Hz))
    fine = max(round(10e-6 / step), 1)
    held = pulse.b1_T[: len(pulse.b1_T) // fine * fine].reshape(-1, fine).mean(axis=1)
    step *= fine
    across, along = np.exp(-step / 0.04), np.exp(-step / 0.8)
    turns = 2 * np.pi * step * np.stack([GYROMAGNETIC_RATIO_HZ_PER_T * b1_scale * 1e-6, offset_Hz])
    for b1 in held * 1e6:
        v = np.stack([turns[0] * b1.real, turns[0] * b1.imag, turns[1]])
        angle = np.linalg.norm(v, axis=0) + 1e-30
        v, m, c = v / angle, np.stack([x, y, z]), np.cos(angle)
        m = c * m + np.sin(angle) * np.cross(v, m, axis=0) + (1 - c) * v * (v * m).sum(axis=0)
        x, y, z = across * m[0], across * m[1], 1 + (m[2] - 1) * along
    return z


def mapped_t1rho(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """T1rho from the difference of both halves of the phase cycle at 10 to 40 ms, and what the tilted field leaves of it."""
    offset, scale = (v.ravel() for v in np.meshgrid([-50.0, 0.0, 50.0], [0.9, 1.0, 1.1]))
    times, b1 = np.array([10e-3, 20e-3, 40e-3]), 500 / GYROMAGNETIC_RATIO_HZ_PER_T
    make = adiabatic_spin_lock if kind == "adiabatic" else partial(spin_lock, kind=kind)
    kept = [stored(make(t, b1, LIMITS), offset, scale) - stored(make(t, b1, LIMITS, inverted=True), offset, scale) for t in times]
    tilt = (offset / np.hypot(offset, scale * 500.0)) ** 2
    return -1 / np.polyfit(times, np.log(np.array(kept)), 1)[0], 1 / ((1 - tilt) / 0.04 + tilt / 0.8)


def test_adiabatic_locks_map_t1rho_off_resonance() -> None:
    found, followed = mapped_t1rho("adiabatic")
    # 1.2 % is the field's tilt, whose share of the rate is 1 / T1 in place of 1 / T1rho, at 50 Hz by 450 Hz.
    assert found == pytest.approx(0.04, rel=0.015)
    # .3 %: passages of 6 ms leave up to 5e-3 of the spins beside the field.
    assert found == pytest.approx(followed, rel=3e-3)
    assert np.abs(mapped_t1rho("balanced")[0] / 0.04 - 1).max() > 0.03
