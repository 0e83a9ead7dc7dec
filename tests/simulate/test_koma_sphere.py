# TRUTHS of a foreign simulator: the sphere with chemical shift in a single-shot EPI is as JEMRIS computed it, within 1 % (what
#   JEMRIS itself is good to) | some of its spins = the float64 reference to 1e-5
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from fullbore.data import Adc, Gradient, RfPulse, Sequence
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T, GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.simulate.cloud import SpinCloud, play_cloud, reference
from tests.simulate.small import GRE, built, error, machine

FOV_M, LINES, DWELL_S, RAMP_S, BLIP_S = 0.23, 100, 10e-6, 0.28e-3, 0.12e-3
TRAIN_STARTS_S = 16.11e-3
"""From the recorded sample times: the first is at 16.395 ms, half a dwell time and a ramp after the train's start."""


def single_shot_epi() -> Sequence:
    """A hard 90 degree pulse, a prephaser, then lines to and fro with blips towards -y between them (TE 100 ms)."""
    step = 1 / (FOV_M * GYROMAGNETIC_RATIO_HZ_PER_T)  # T s/m
    flat_s = LINES * DWELL_S
    line = trapezoid(step / DWELL_S, RAMP_S, flat_s)
    blip = Gradient(times_s=np.array([0.0, BLIP_S / 2, BLIP_S]), values_T_per_m=np.array([0.0, 2 * step / BLIP_S, 0.0]))
    lobe = trapezoid(1.0, 1e-3, 1e-3)
    gradients, prephase = (line, blip, lobe), np.array([-0.5 * line.area_T_s_per_m, LINES / 2 * step]) / lobe.area_T_s_per_m
    train = [((-1) ** i * np.array([1, 0, 0]), (0, -1, -1), 0, 2 * RAMP_S + flat_s) for i in range(LINES)]
    blocks = [(np.zeros(3), (-1, -1, -1), -1, 1e-4), (np.zeros(3), (-1, -1, -1), -1, TRAIN_STARTS_S - 3.1e-3)]
    blocks.append((np.array([*prephase, 0.0]), (2, 2, -1), -1, 3e-3))
    for one in train:
        blocks += [one, (np.array([0, -1, 0]), (-1, 1, -1), -1, BLIP_S)]
    flip = 0.5 * np.pi / (GYROMAGNETIC_RATIO_RAD_PER_S_T * 1e-4)
    pulse = RfPulse(b1_T=np.full(100, flip, complex), raster_s=1e-6, delay_s=0.0, centre_s=5e-5, flip_rad=np.pi / 2, use="e")
    count = len(blocks)
    encoding = built(GRE, machine()).encoding.take(np.arange(LINES) % 16)
    return Sequence(
        name="epi", rf_pulses=(pulse,), gradients=gradients, adcs=(Adc(samples=LINES, dwell_s=DWELL_S, delay_s=RAMP_S),),
        duration_s=np.array([block[3] for block in blocks]), rf=np.array([0] + [-1] * (count - 1)), rf_phase_rad=np.zeros(count),
        rf_frequency_Hz=np.zeros(count), gradient=np.array([block[1] for block in blocks], np.int32),
        gradient_scale=np.array([block[0] for block in blocks], float), adc=np.array([block[2] for block in blocks]),
        adc_phase_rad=np.zeros(count), encoding=replace(encoding, samples=LINES, dwell_s=DWELL_S),
    )  # fmt: skip


def trapezoid(height: float, ramp_s: float, flat_s: float) -> Gradient:
    return Gradient(times_s=np.cumsum([0.0, ramp_s, flat_s, ramp_s]), values_T_per_m=np.array([0.0, height, height, 0.0]))


def sphere(path: Path) -> SpinCloud:
    with h5py.File(path) as file:
        x, y, z, t1, t2, shift, density = (file[name][:].ravel() for name in ("x", "y", "z", "T1", "T2", "Δw", "ρ"))
    count = len(x)
    return SpinCloud(
        position_m=np.stack([x, y, z], axis=1), amount=density, t1_s=t1, t2_s=t2, off_resonance_Hz=shift / (2 * np.pi),
        b1_scale=np.ones(count), sensitivity=np.ones((1, count), np.complex64),
    )  # fmt: skip


def test_a_sphere_is_what_jemris_makes_of_it(shared_data: Path) -> None:
    folder = shared_data / "sim_koma_sphere"
    with h5py.File(folder / "jemris_signals_epi_sphere_cs.h5") as file:
        wanted = file["signal/channels/00"][:, 0] + 1j * file["signal/channels/00"][:, 1]
        times_s = 1e-3 * file["signal/times"][:]
    sequence, cloud = single_shot_epi(), sphere(folder / "phantom_sphere.h5")
    assert abs(sequence.block_starts_s()[3] + RAMP_S + 0.5 * DWELL_S - times_s[0]) < 1e-8
    got = play_cloud(cloud, sequence).ravel().astype(complex)
    scale = np.vdot(got, wanted) / np.vdot(got, got)  # of the transmitter's phase and of the density
    assert np.linalg.norm(scale * got - wanted) < 0.01 * np.linalg.norm(wanted)


def test_some_of_its_spins_are_the_reference(shared_data: Path) -> None:
    cloud = sphere(shared_data / "sim_koma_sphere" / "phantom_sphere.h5").take(np.arange(0, 7825, 40))
    assert error(play_cloud(cloud, single_shot_epi()), reference(cloud, single_shot_epi())) < 1e-5
