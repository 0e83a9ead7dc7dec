"""Small random sequences of every kind of event, and a machine of which everything is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fullbore.data import Adc, ForbiddenBand, Gradient, GradientChain, HeatLimit, SafeModel, SoundModel
from tests.safety.hand_built import rect, sequence, spec, trapezoid

SAFE = SafeModel(
    tau1_s=(0.2e-3, 1.5e-3, 2e-3), tau2_s=(0.03e-3, 2.5e-3, 0.12e-3), tau3_s=(3e-3, 0.15e-3, 1e-3), a1=(0.4, 0.55, 0.42),
    a2=(0.1, 0.15, 0.4), a3=(0.5, 0.3, 0.18), stim_limit_T_per_m_s=(30.0, 15.0, 25.0),
    stim_threshold_T_per_m_s=(24.0, 12.0, 20.0), g_scale=(0.35, 0.31, 0.25), source="test",
)  # fmt: skip
CHAIN = GradientChain(
    sensitivity_T_per_m_A=(5e-5, 5.5e-5, 6e-5), inductance_H=(500e-6, 450e-6, 400e-6), resistance_ohm=(0.1, 0.12, 0.15),
    voltage_V=(2400.0,) * 3, current_A=(900.0,) * 3,
    heat=(
        HeatLimit(part="amplifier", time_constant_s=1.0, continuous_A=(400.0, 450.0, 500.0)),
        HeatLimit(part="coil", time_constant_s=2.0, continuous_A=(300.0, 320.0, 340.0), shared=True),
    ),
)  # fmt: skip
SOUND = SoundModel(
    bands=(ForbiddenBand(low_Hz=540.0, high_Hz=640.0, limit_T_per_m=8e-3),),
    ring_s=10e-3,
    pressure_Pa_m_per_T=400.0,
    source="test",
)


def machine(**limits):
    plain = spec((0.30, 0.35, 0.33), **limits)
    power = replace(plain.power, forward_W_per_T2=7.5e13, peak_W=30e3, mean_W=2400.0)
    return replace(plain, stimulation=replace(plain.stimulation, safe=SAFE), chain=CHAIN, sound=SOUND, power=power)


def _gradient(rng, blocks_us):
    """A trapezoid, a triangle, a shape sampled at raster centres, or a piece that need not begin or end at zero."""
    ticks = blocks_us // 10
    kind = rng.integers(4)
    amplitude = rng.uniform(0.002, 0.04)
    if kind < 2:
        rise = int(rng.integers(2, ticks // 4))
        flat = int(rng.integers(1, ticks // 3)) if kind == 0 else 0
        delay = int(rng.integers(0, ticks - 2 * rise - flat + 1))
        return trapezoid(amplitude, rise * 1e-5, flat * 1e-5, delay * 1e-5)
    if kind == 2:
        count = int(rng.integers(10, ticks))
        wave = amplitude * np.convolve(rng.normal(size=count), np.hanning(9), mode="same") * np.hanning(count)
        times = np.concatenate([[0.0], (np.arange(count) + 0.5) * 1e-5, [count * 1e-5]])
        return Gradient(times_s=times, values_T_per_m=np.concatenate([[0.0], wave, [0.0]]))
    corners = np.sort(rng.choice(np.arange(1, ticks), size=3, replace=False))
    times = np.concatenate([[0], corners, [ticks]]) * 1e-5
    values = amplitude * rng.uniform(-1, 1, 5)
    if rng.random() < 0.7:
        values[[0, -1]] = 0.0
    return Gradient(times_s=times, values_T_per_m=values)


def random_sequence(seed):
    """Up to 10 blocks of up to 2 ms, with pulses that excite, refocus and prepare, and readouts."""
    rng = np.random.default_rng(seed)
    pulses = [replace(rect(rng.uniform(1e-6, 18e-6), 10e-6 * rng.integers(5, 40)), use=use) for use in "eers"]
    adc = Adc(samples=16, dwell_s=1e-5, delay_s=100e-6)
    shapes = [(length, _gradient(rng, length)) for length in rng.integers(60, 200, 4) * 10]
    blocks = []
    for _ in range(int(rng.integers(1, 11))):
        length = max(item[0] for item in shapes)
        block = {"duration": (length + 10 * int(rng.integers(0, 30))) * 1e-6}
        for axis in "xyz":
            if rng.random() < 0.7:
                block[axis] = (shapes[rng.integers(4)][1], rng.uniform(-1, 1))
        kind = rng.integers(4)
        if kind == 0:
            block["rf"] = pulses[rng.integers(4)]
        elif kind == 1:
            block["adc"] = adc
        blocks.append(block)
    return sequence(blocks, name=f"random {seed}")


def random_pulse_train(seed):
    """RF alone, for the windows of 10 s and 6 min: 2 to 200 blocks of 10 ms to 100 s, some with a pulse, some with an RF shim."""
    rng = np.random.default_rng(seed)
    pulses = [rect(rng.uniform(1e-6, 18e-6), 10e-6 * rng.integers(5, 400)) for _ in range(4)]
    longest = rng.uniform(0.0, 2.0)
    blocks = []
    for _ in range(int(rng.integers(2, 201))):
        seconds = 10 ** rng.uniform(-2.0, longest)
        block = {"duration": 1e-5 * round(1e5 * seconds)}
        blocks.append(block | {"rf": pulses[rng.integers(4)]} if rng.random() < 0.7 else block)
    seq = sequence(blocks, name=f"random pulses {seed}")
    drives = rng.normal(size=(2, 3, 2)) @ np.array([1.0, 1j])
    shim = np.where(seq.rf >= 0, rng.integers(-1, 2, seq.blocks), -1).astype(np.int32)
    return replace(seq, rf_shim=shim, rf_shims=tuple(drives))


def machine_with_fields(seed):
    """The same machine, with 8 virtual observation points of 3 channels."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(8, 3, 3)) + 1j * rng.normal(size=(8, 3, 3))
    plain = machine()
    points = 1e11 * np.conj(np.swapaxes(a, 1, 2)) @ a
    return replace(plain, power=replace(plain.power, observation_points=points))
