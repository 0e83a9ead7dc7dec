# TRUTHS: a second safety check, dense on 2.5 us and written from the definitions alone, disagrees with the room nowhere by more
# than 1 % on thousands of random sequences: amplitude, slew, their vectors, jumps, coil voltage, nerves, heart, SAFE, heat,
# forbidden bands, RF windows, concomitant phase, spoiling, SAR (whole body, head, partial, local) and RF power over 10 s and
# 6 min, B1+rms, sound pressure | trains of pulses of up to an hour, with RF shims and observation points, agree in SAR, too
import numpy as np
import pytest

from fullbore import safety
from fullbore.physics.stimulation import CARDIAC_TIME_CONSTANT_S, nerve_kernel_per_s
from fullbore.safety.heat import warmest
from fullbore.safety.phase import RADIUS_M
from fullbore.safety.power import played_pulses, worst_window
from fullbore.safety.sound import resonances
from tests.safety.dense import Dense, loudness, mean_power, rf_figures
from tests.safety.hand_built import SUBJECT, finding
from tests.safety.random_sequences import CHAIN, SAFE, SOUND, machine, machine_with_fields, random_pulse_train, random_sequence

MACHINE = machine()
LENGTH = np.array(MACHINE.stimulation.effective_length_m)
FREQUENCIES = np.array([540.0, 587.0, 640.0])


def ours(seq):
    """Every figure of the room, by name."""
    verdict = safety.check(seq, MACHINE, SUBJECT, "first_level")
    out = {}
    for f in verdict.findings:
        axis = f.where[5] if f.where.startswith("axis") else ""
        out[f"{f.check} {axis}".strip()] = f.value
    out["sound pressure"] = 20e-6 * 10 ** (out["sound pressure"] / 20)
    wave = safety.waveform(seq)
    values, _ = resonances(wave, FREQUENCIES, 10e-3)
    for a, axis in enumerate("xyz"):
        for n, f in enumerate(FREQUENCIES):
            out[f"{f:.0f} Hz {axis}"] = values[a, n]
    for limit in CHAIN.heat:
        for row, value in enumerate(warmest(wave, limit, np.array(CHAIN.sensitivity_T_per_m_A))[0]):
            out[f"heat {limit.part} {row}"] = value
    pulses = played_pulses(seq)
    for window in (1e-3, 3e-3):
        out[f"power {window}"] = worst_window(pulses, pulses.energy_T2_s, window)[0]
    return out


def theirs(seq):
    """The same by the dense check."""
    dense, raster = Dense(seq), MACHINE.limits.gradient_raster_s
    sensitivity, c = np.array(CHAIN.sensitivity_T_per_m_A), MACHINE.stimulation.chronaxie_s
    amplitude, vector = dense.amplitude()
    slew, slew_vector = dense.slew(raster)
    volts = dense.voltage(sensitivity, np.array(CHAIN.inductance_H), np.array(CHAIN.resistance_ohm))
    out = {"gradient vector": 1e3 * vector, "slew vector": slew_vector}
    for a, axis in enumerate("xyz"):
        out |= {f"gradient {axis}": 1e3 * amplitude[a], f"slew {axis}": slew[a], f"coil voltage {axis}": volts[a]}
        out[f"coil current {axis}"] = amplitude[a] / sensitivity[a]
    nerve = dense.response(lambda t: nerve_kernel_per_s(t, c), LENGTH)
    heart = dense.response(lambda t: np.exp(-t / CARDIAC_TIME_CONSTANT_S) / CARDIAC_TIME_CONSTANT_S, LENGTH)
    out |= {"nerve stimulation": 100 * nerve / 20.0, "cardiac stimulation": 100 * heart / 20.0}
    out["nerve stimulation (SAFE)"] = 100 * dense.safe(SAFE, raster)
    for f in FREQUENCIES:
        for axis, value in zip("xyz", dense.amplitude_at(f, 10e-3), strict=True):
            out[f"{f:.0f} Hz {axis}"] = value
    for limit in CHAIN.heat:
        warmth = dense.warmth(limit.time_constant_s, sensitivity, np.array(limit.continuous_A), limit.shared)
        out |= {f"heat {limit.part} {row}": value for row, value in enumerate(warmth)}
    energy = np.array([np.sum(np.abs(seq.rf_pulses[i].b1_T) ** 2) * 1e-6 if i >= 0 else 0.0 for i in seq.rf])
    out |= {f"power {window}": mean_power(seq, energy, window) for window in (1e-3, 3e-3)}
    phase, least, most = dense.spins(seq, MACHINE.b0_T, RADIUS_M)
    # a sequence below the threshold of hearing reads 0 dB(A)
    out |= {"concomitant phase at 100 mm": phase, "sound pressure": max(loudness(dense, SOUND), 20e-6)} | rf_figures(
        seq, MACHINE.power
    )
    return out | ({"spoiling": least} if np.isfinite(least) and most > 0.01 else {})


def disagreements(seeds):
    found, checked = [], 0
    for seed in seeds:
        seq = random_sequence(seed)
        one, two = ours(seq), theirs(seq)
        assert ("spoiling" in one) == ("spoiling" in two)
        for name, value in two.items():
            checked += 1
            # 1 % is what is promised; the dense check's own step (2.5 us of shapes that change in 10) costs it a part.
            if not np.isclose(one.get(name, 0.0), value, rtol=1e-2, atol=1e-9):
                found.append((seed, name, one.get(name), value))
    return found, checked


def test_a_hundred_random_sequences():
    found, checked = disagreements(range(100))
    assert not found, found[:40]
    assert checked > 2500


def rf_disagreements(seeds):
    found, checked, windows = [], 0, 0
    for seed in seeds:
        seq, scanner = random_pulse_train(seed), machine_with_fields(seed) if seed % 2 else MACHINE
        values = {f.check: f.value for f in safety.check(seq, scanner, SUBJECT, "first_level").findings}
        figures = rf_figures(seq, scanner.power)
        windows += seq.total_duration_s > 360.0
        for name, value in figures.items():
            checked += 1
            if not np.isclose(values[name], value, rtol=1e-2, atol=1e-9):
                found.append((seed, name, values[name], value))
    return found, checked, windows


def test_a_hundred_random_pulse_trains():
    found, checked, windows = rf_disagreements(range(100))
    assert not found, found[:40]
    assert checked == 1100 and windows > 15


@pytest.mark.slow
def test_two_thousand_more_pulse_trains():
    found, _, _ = rf_disagreements(range(100, 2100))
    assert not found, found[:40]


@pytest.mark.slow
def test_two_thousand_more():
    found, _ = disagreements(range(100, 2100))
    assert not found, found[:40]


def test_the_second_opinion_can_disagree():
    seq = random_sequence(3)
    value = finding(safety.check(seq, MACHINE, SUBJECT), "nerve stimulation").value
    assert abs(theirs(seq)["nerve stimulation (SAFE)"] / value - 1) > 0.01
