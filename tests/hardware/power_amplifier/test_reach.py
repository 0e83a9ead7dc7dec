# TRUTHS of what amplifier and coil reach: at the slew found, L di/dt + R i is just V | a curved rise solves L di/dt + R i = V,
# | and beats the straight one | what is playable is, what is stretched just is, at its worst corner | stretching for area scales
# | both ways | the fastest trapezoid has its area and no other amplitude is faster | sag: energy goes from links to coil
# | coils of one energy ask one power, whatever their turns | what is beyond reach is refused with what is within
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from fullbore.errors import LimitError, ShapeError
from fullbore.hardware.power_amplifier import Cable, Load, most_slew, playable, stretched
from fullbore.hardware.power_amplifier.reach import (
    Source,
    curved_rise_s,
    fastest_trapezoid,
    most_gradient_T_per_m,
    straight_rise_s,
    stretch_needed,
)

LOAD = Load(
    inductance_H=550e-6, resistance_ohm=0.05, sensitivity_T_per_m_A=3.75e-5, cable=Cable(inductance_H=5e-6, resistance_ohm=5e-3)
)
STIFF = Source(stack_V=3200.0, current_A=1200.0)
SOFT = Source(stack_V=3400.0, current_A=1200.0, share=0.95, drop_V=15.0, store_F=5e-4)


@given(st.floats(0.0, 0.0449))
def test_at_the_slew_found_the_voltage_is_just_used(gradient):
    for source in (STIFF, SOFT):
        slew = float(most_slew(source, LOAD, np.array(gradient)))
        current = gradient / LOAD.sensitivity_T_per_m_A
        volts = LOAD.total_H * slew / LOAD.sensitivity_T_per_m_A + LOAD.total_ohm * current
        assert volts == pytest.approx(float(source.sagged_V(LOAD, np.array(current))), rel=1e-12)
    assert float(most_slew(STIFF, LOAD, np.array(0.0451))) == 0.0


def test_a_curved_rise_solves_the_circuit_and_beats_the_straight():
    gradient = 0.045
    lasts = curved_rise_s(STIFF, LOAD, gradient)
    grown = solve_ivp(lambda t, i: (3200.0 - LOAD.total_ohm * i) / LOAD.total_H, (0, lasts), [0.0], rtol=1e-10, atol=1e-9)
    assert grown.y[0, -1] == pytest.approx(1200.0, rel=1e-8)
    assert lasts < straight_rise_s(STIFF, LOAD, gradient) < lasts * 1.02


def test_energy_goes_from_the_links_to_the_coil():
    left = float(Source(stack_V=3000.0, current_A=1200.0, store_F=5e-4).sagged_V(LOAD, np.array(1000.0)))
    assert 0.5 * 5e-4 * (3000.0**2 - left**2) == pytest.approx(0.5 * LOAD.total_H * 1000.0**2, rel=1e-12)


waveforms = st.lists(st.tuples(st.floats(1e-5, 2e-3), st.floats(-0.045, 0.045)), min_size=2, max_size=8)


@settings(max_examples=60, deadline=None)
@given(waveforms, st.sampled_from([STIFF, SOFT]))
def test_what_is_stretched_is_just_playable(pieces, source):
    times = np.concatenate([[0.0], np.cumsum([length for length, _ in pieces])])
    values = np.array([0.0, *(value for _, value in pieces)])
    before = playable(source, LOAD, times, values)
    for found in (stretched(source, LOAD, times, values), times * stretch_needed(source, LOAD, times, values)):
        after = playable(source, LOAD, found, values)
        assert after.possible
        assert after.voltage_share == pytest.approx(1.0, abs=1e-6) or before.possible or after.voltage_share < 1
        assert (np.diff(found) >= np.diff(times) * (1 - 1e-9)).all()
    factor = stretch_needed(source, LOAD, times, values)
    if factor > 1 + 1e-6:
        assert not playable(source, LOAD, times * (factor * (1 - 1e-6)), values).possible
    assert before.possible == (factor == 1.0)


def test_stretching_for_area():
    times, values = np.array([0.0, 1e-4, 5e-4, 6e-4]), np.array([0.0, 0.045, 0.045, 0.0])
    factor = stretch_needed(STIFF, LOAD, times, values, keep_area=True)
    current, ramp = 0.045 / LOAD.sensitivity_T_per_m_A / factor, 1e-4 * factor
    assert LOAD.total_H * current / ramp + LOAD.total_ohm * current == pytest.approx(3200.0, rel=1e-8)
    assert factor < stretch_needed(STIFF, LOAD, times, values)


@pytest.mark.parametrize("area", [1e-7, 3e-6, 5e-5])
def test_the_fastest_trapezoid(area):
    amplitude, ramp, flat = fastest_trapezoid(STIFF, LOAD, area)
    assert amplitude * (ramp + flat) == pytest.approx(area, rel=1e-6)
    times = np.cumsum([0.0, ramp, flat, ramp])
    assert playable(STIFF, LOAD, times, np.array([0.0, amplitude, amplitude, 0.0])).possible
    others = np.linspace(0.05, 1.0, 400) * most_gradient_T_per_m(STIFF, LOAD)
    rise = np.array([straight_rise_s(STIFF, LOAD, float(g)) for g in others])
    fits = area / others >= rise
    assert 2 * ramp + flat <= (area / others + rise)[fits].min(initial=np.inf) * (1 + 1e-6)


def test_turns_do_not_matter():
    for turns in (0.5, 2.0):
        other = Load(
            inductance_H=LOAD.total_H * turns**2, resistance_ohm=LOAD.total_ohm * turns**2, sensitivity_T_per_m_A=3.75e-5 * turns
        )
        source = Source(stack_V=3200.0 * turns, current_A=1200.0 / turns)
        assert float(most_slew(source, other, np.array(0.03))) == pytest.approx(float(most_slew(STIFF, LOAD, np.array(0.03))))


def test_beyond_reach_is_refused_with_what_is_within():
    with pytest.raises(LimitError, match="Take at most") as refusal:
        straight_rise_s(STIFF, LOAD, 0.08)
    most = float(str(refusal.value).split("at most ")[1].split(" mT/m")[0]) * 1e-3
    assert straight_rise_s(STIFF, LOAD, most) > 0
    weak = Source(stack_V=30.0, current_A=1200.0, store_F=5e-4)
    held = most_gradient_T_per_m(weak, LOAD) / LOAD.sensitivity_T_per_m_A
    assert float(weak.sagged_V(LOAD, np.array(held))) == pytest.approx(LOAD.total_ohm * held, rel=1e-9)
    jump = np.array([0.0, 1e-3, 1e-3, 2e-3]), np.array([0.0, 0.0, 0.02, 0.02])
    assert playable(STIFF, LOAD, *jump).voltage_share == np.inf
    with pytest.raises(LimitError, match="jump"):
        stretch_needed(STIFF, LOAD, *jump)
    with pytest.raises(ShapeError, match="waveform"):
        playable(STIFF, LOAD, np.array([1.0, 0.0]), np.array([0.0, 0.0]))
