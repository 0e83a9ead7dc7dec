# TRUTHS of the ladder: without mutual inductance its modes are the closed form, low, high and band pass | the homogeneous mode of
#   a tuned coil is at its frequency, its current goes as the cosine | a low pass rises with the order, a high pass falls | a
#   capacitor's error splits the pair as perturbation says | a matched port reflects nothing | power of the port = losses
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullbore.errors import ShapeError, ValueRangeError
from fullbore.hardware.rf.birdcage import CoilShape, mesh_matrix, mode_inductances_H
from fullbore.hardware.rf.ladder import (
    Ladder,
    currents_of,
    even_ladder,
    homogeneous_pair_Hz,
    match,
    mesh_resistance_ohm,
    mode_factor,
    port_impedance_ohm,
    simple_modes_Hz,
    splittings_Hz,
    tune,
)

FREQUENCY_HZ = 127.74e6
SHAPE = CoilShape(radius_m=0.355, length_m=0.5, rungs=16, shield_radius_m=0.39, rung_width_m=0.03, ring_width_m=0.03)


@pytest.fixture(scope="module")
def modes():
    return mode_inductances_H(SHAPE)


def coil(kind: str, modes: np.ndarray) -> Ladder:
    return even_ladder(mesh_matrix(modes), *tune(kind, FREQUENCY_HZ, float(modes[1]), SHAPE.rungs))


@pytest.mark.parametrize("rungs", [16, 24, 32])
@pytest.mark.parametrize("capacitors", [{"rung_F": 5e-12}, {"ring_F": 20e-12}, {"rung_F": 5e-12, "ring_F": 20e-12}])
def test_without_mutuals_the_ladder_is_the_closed_form(rungs, capacitors):
    ring, rung = 40e-9, 250e-9
    inductance = mesh_matrix(np.array([2 * ring + mode_factor(rungs, p) * rung for p in range(rungs)]))
    got = even_ladder(inductance, capacitors.get("ring_F", np.inf), capacitors.get("rung_F", np.inf)).mode_frequencies_Hz()
    wanted = simple_modes_Hz(rungs, ring, rung, **capacitors)
    for frequency in wanted[:-1]:
        assert np.sort(np.abs(got / frequency - 1))[:2].max() < 1e-9  # each mode but the last is a pair
    assert np.abs(got / wanted[-1] - 1).min() < 1e-9


@pytest.mark.parametrize("kind", ["low pass", "high pass", "band pass"])
def test_a_tuned_coil_resonates_with_a_sinusoid(kind, modes):
    ladder = coil(kind, modes)
    assert homogeneous_pair_Hz(ladder, FREQUENCY_HZ) == pytest.approx((FREQUENCY_HZ, FREQUENCY_HZ), rel=1e-9)
    drive = np.zeros(16, complex)
    drive[3] = 1
    found = currents_of(ladder, mesh_resistance_ohm(16, 1e-6, 1e-6), FREQUENCY_HZ, drive)
    wanted = np.cos(2 * np.pi * (np.arange(16) - 3) / 16)
    assert np.abs(found / found[3] - wanted).max() < 1e-4
    rungs = (found - np.roll(found, -1)) / found[3]
    assert np.abs(rungs).max() == pytest.approx(np.sqrt(mode_factor(16)), rel=0.02)  # rungs lie a half window off the crest


def test_order_of_the_modes(modes):
    p = np.arange(1, 9)
    low, high = (np.sqrt(s / modes[p]) for s in (4 * np.sin(np.pi * p / 16) ** 2, np.full(8, 2.0)))
    assert (np.diff(low[:4]) > 0).all() and (np.diff(high) < 0).all()


@given(index=st.integers(0, 15), size=st.floats(-0.01, 0.01))
def test_one_wrong_capacitor_splits_as_perturbation_says(index, size):
    inductance = mesh_matrix(np.array([mode_factor(16, p) * 1e-7 + 1e-7 for p in range(16)]))
    ring, _ = tune("high pass", FREQUENCY_HZ, float(np.linalg.eigvalsh(inductance)[1]), 16)
    even = even_ladder(inductance, ring, np.inf)
    values = even.ring_F.copy()
    values[0, index] /= 1 + size
    low, high = homogeneous_pair_Hz(Ladder(inductance_H=inductance, ring_F=values, rung_F=even.rung_F), FREQUENCY_HZ)
    # one of the pair has its crest there, the other its zero: omega^2 of the first grows by size / N
    wanted = FREQUENCY_HZ * abs(size) / 16 / 2
    assert high - low == pytest.approx(wanted, rel=0.03, abs=1.0)  # second order in size: up to 1 % of 1 over the modes' distance


def test_tolerances_split_in_proportion(modes):
    ladder = coil("high pass", modes)
    small, large = (splittings_Hz(ladder, FREQUENCY_HZ, t, 60, np.random.default_rng(0))[0] for t in (0.001, 0.002))
    assert np.median(large / small) == pytest.approx(2, rel=0.02)  # first order in the tolerance
    # of 32 capacitors each in d(omega^2) = omega^2 / (2 N) (e cos 2 phi, e sin 2 phi): a Rayleigh length of sigma sqrt(N) / (2 N)
    many, _ = splittings_Hz(ladder, FREQUENCY_HZ, 0.001, 1500, np.random.default_rng(1))
    wanted = FREQUENCY_HZ * 0.001 / (2 * np.sqrt(16)) * np.sqrt(np.pi / 2)
    assert many.mean() == pytest.approx(wanted, rel=0.05)  # 1500 draws: 1.4 % standard error


@given(real=st.floats(0.5, 2000), imaginary=st.floats(-500, 500))
def test_a_matched_port_reflects_nothing(real, imaginary):
    port = complex(real, imaginary)
    assert abs(match(port, FREQUENCY_HZ).reflection(port)) < 1e-9


def test_port_and_losses(modes):
    ladder, resistance = coil("high pass", modes), mesh_resistance_ohm(16, 0.02, 0.05, np.full(16, 0.8))
    drive = np.zeros(16, complex)
    drive[0] = 1
    current = currents_of(ladder, resistance, FREQUENCY_HZ, drive)
    port = port_impedance_ohm(ladder, resistance, FREQUENCY_HZ)
    assert (current.conj() @ resistance @ current).real == pytest.approx((1 / port).real, rel=1e-9)
    mode = 2 * 0.02 + mode_factor(16) * 0.05 + 0.8
    assert port.real == pytest.approx(16 * mode / 2, rel=0.01)  # two modes share the port; the others lie far off resonance


def test_bad_input_is_refused():
    with pytest.raises(ShapeError):
        Ladder(inductance_H=np.eye(4), ring_F=np.ones((2, 5)), rung_F=np.ones(4))
    with pytest.raises(ValueRangeError, match="infinity"):
        even_ladder(np.eye(4), 0.0, 1e-12)
    with pytest.raises(ValueRangeError, match="resistance"):
        match(-1 + 3j, 1e8)
