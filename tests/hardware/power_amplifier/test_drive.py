# TRUTHS of the driven axis: perfect feed-forward = the command, one sample late | an imperfect one strays as its modes say
# | a leak is a lasting loss and a mode that gives it back, droop exactly | energy given = stored + lost, links and cable too
# | links sag as the energy says, and come back | limits hold | a cable rings at 1 / 2 pi sqrt(L C) | staggered legs: harmonics
# | below 2 N f cancel, ripple is the closed form, none on a level | heat: steady, one step, mean square keeps the junction
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullbore.data import GradientResponse
from fullbore.errors import LimitError, ShapeError, ValueRangeError
from fullbore.hardware.eddy.play import played
from fullbore.hardware.power_amplifier import Cable, Control, Device, Load, PowerAmplifier, drive, loop_response, tuned
from fullbore.hardware.power_amplifier.loop import missing, phase_margin_rad
from fullbore.hardware.power_amplifier.ripple import ripple_A, switched_V
from fullbore.hardware.power_amplifier.simulate import command_of, link_sag_V
from fullbore.hardware.power_amplifier.thermal import axis_loss_W, continuous_A, device_loss_W, duty, junction_rise_K

DEVICE = Device(
    name="module", blocking_V=1200.0, rated_A=600.0, drop_V=0.9, slope_ohm=1.6e-3, cycle_J=0.1, cycle_at_V=600.0,
    cycle_with_A=600.0, junction_resistance_K_per_W=0.04, junction_time_s=0.05, limit_K=100.0,
)  # fmt: skip
STACK = PowerAmplifier(
    bridges=5, parallel=3, device=DEVICE, link_V=680.0, current_A=1200.0, switching_Hz=20e3, modulation=0.95,
    capacitance_F=2.2e-3, supply_W=27e3, sink_resistance_K_per_W=0.03, sink_time_s=2.0, bandwidth_Hz=5e3,
)  # fmt: skip
LOAD = Load(inductance_H=550e-6, resistance_ohm=0.05, sensitivity_T_per_m_A=3.75e-5)
CABLED = replace(LOAD, cable=Cable(inductance_H=5e-6, resistance_ohm=5e-3, capacitance_F=1e-9))
TIMES = np.array([0.0, 5e-4, 8e-4, 2e-3, 2.3e-3, 3e-3])
VALUES = np.array([0.0, 0.0, 0.04, 0.04, 0.0, 0.0])


def known(load, amplifier=STACK):
    return tuned(amplifier, load, 0.0, 0.0)


def test_perfect_feed_forward_is_only_late():
    _, command = command_of(STACK, LOAD, TIMES, VALUES)
    found = drive(STACK, LOAD, known(LOAD), command)
    # the resistance's part is held over a step: R T / L = 5e-4 of the current's change in a step, which the loop takes back
    assert np.abs(found.current_A[1:] - command[:-1]).max() < 1e-4 * 1200
    assert found.limited == 0


@pytest.mark.parametrize("leak", [0.0, 300.0])
def test_an_imperfect_one_strays_as_its_modes_say(leak):
    quick = replace(STACK, switching_Hz=2e6, supply_W=1e9, capacitance_F=1.0)
    control = Control(proportional_ohm=6.0, integral_ohm_per_s=2e4, inductance_error=0.05, resistance_error=0.3, leak_per_s=leak)
    times, command = command_of(quick, LOAD, TIMES, VALUES)
    found = drive(quick, LOAD, control, command, ideal_links=True)
    response = loop_response((quick,) * 3, (LOAD,) * 3, (control,) * 3)
    asked = np.outer(VALUES, [1.0, 0.0, 0.0])
    heard = played(response, TIMES, asked, times)[:, 0] / LOAD.sensitivity_T_per_m_A
    stray = np.abs(heard - command).max()
    assert np.abs(found.current_A - heard).max() < 0.02 * stray and stray > 1.0  # steps of 50 ns beside 90 us of the loop


def test_a_leak_is_a_droop():
    slow = Control(proportional_ohm=1e-3, integral_ohm_per_s=1e-12, resistance_error=0.1, leak_per_s=1.0)
    still, poles, parts = missing(LOAD, slow)
    assert still == pytest.approx(0.1 * 0.05 / (0.05 + 1e-3), rel=1e-6)
    for s in (2j * np.pi * 30, 5.0 + 0j):
        gain = slow.proportional_ohm + slow.integral_ohm_per_s / (s + 1.0)
        wanted = 0.1 * 0.05 / (LOAD.total_H * s + LOAD.total_ohm + gain)
        found = still + sum(part * s / (s - pole) for pole, part in zip(poles, parts, strict=True))
        assert found == pytest.approx(wanted, rel=1e-9)
    rate = LOAD.total_H / (LOAD.total_ohm + 1e-3)
    droop = GradientResponse.droop(still / rate, rate)
    response = loop_response((STACK,) * 3, (LOAD,) * 3, (slow,) * 3)
    at = np.linspace(0, 0.1, 50)
    asked = np.outer(VALUES, [1.0, 0.0, 0.0])
    late = played(replace(response, delay_s=(0.0, 0.0, 0.0)), TIMES, asked, at)[:, 0]
    assert late == pytest.approx(played(droop, TIMES, asked, at)[:, 0], abs=1e-10)


@pytest.mark.parametrize("load", [LOAD, CABLED])
def test_energy_given_is_stored_and_lost(load):
    _, command = command_of(STACK, load, TIMES, VALUES, 2e-3)
    found = drive(STACK, load, tuned(STACK, load), command)
    given, switches, copper, held = found.energies_J
    assert given == pytest.approx(switches + copper + held, abs=1e-6)
    exact = load.total_ohm * np.sum(found.current_A**2) * found.step_s
    assert copper == pytest.approx(exact, rel=5e-3)  # a sum over samples of 5 us, and the cable's own ringing


def test_links_sag_as_the_energy_says_and_come_back():
    lossless = replace(STACK, device=replace(DEVICE, drop_V=1e-9, slope_ohm=1e-12, cycle_J=1e-12), supply_W=1e-9)
    pure = replace(LOAD, resistance_ohm=1e-9)
    _, command = command_of(lossless, pure, TIMES, VALUES)
    found = drive(lossless, pure, known(pure, lossless), command)
    top = float(found.current_A.max())
    assert found.stack_V.min() == pytest.approx(link_sag_V(lossless, pure, top), rel=1e-9)
    assert found.stack_V[-1] == pytest.approx(lossless.stack_V, rel=1e-6)
    _, longer = command_of(STACK, LOAD, TIMES, VALUES, 30e-3)
    back = drive(STACK, LOAD, tuned(STACK, LOAD), longer)
    assert back.stack_V[-1] == pytest.approx(STACK.stack_V, rel=1e-9) and back.stack_V.max() <= STACK.stack_V * (1 + 1e-9)


def test_limits_hold():
    times, values = np.array([0.0, 1e-4, 1.2e-4, 2e-3]), np.array([0.0, 0.0, 0.06, 0.06])
    _, command = command_of(STACK, LOAD, times, values)
    found = drive(STACK, LOAD, tuned(STACK, LOAD), command)
    assert found.limited > 0
    assert (np.abs(found.voltage_V) <= STACK.modulation * found.stack_V - STACK.drop_V + 1e-9).all()
    assert found.current_A[-1] == pytest.approx(1200.0, rel=5e-3)  # the loop settles within 2 ms
    assert found.current_A.max() < 1200.0 * 1.15
    slope = np.diff(found.current_A) / found.step_s
    assert slope.max() <= STACK.voltage_V / LOAD.total_H * 1.001 + 1e4 * 0.05  # the drop at no current is less than at the peak


def test_a_cable_rings():
    step = 2e-9
    from fullbore.hardware.power_amplifier.simulate import _plant

    state, feed = _plant(CABLED, step)
    x, volts = np.zeros(3), []
    for _ in range(8000):
        x = state[:3] @ x + feed[:3] * 100.0
        volts.append(x[2])
    spectrum = np.abs(np.fft.rfft((np.array(volts) - np.mean(volts)) * np.hanning(8000), 1 << 20))
    found = np.fft.rfftfreq(1 << 20, step)[spectrum.argmax()]
    both = 1 / (1 / 5e-6 + 1 / 550e-6)
    assert found == pytest.approx(1 / (2 * np.pi * np.sqrt(both * 1e-9)), rel=2e-3)  # a window of 16 us


@pytest.mark.parametrize("bridges", [1, 3, 5])
@pytest.mark.parametrize("share", [0.0, 0.13, 0.5, 0.77])
def test_staggered_legs(bridges, share):
    count = 2 * bridges * 4000
    time = (np.arange(count) + 0.5) / count / 20e3
    volts = switched_V(bridges, 680.0, 20e3, share, time)
    assert volts.mean() == pytest.approx(share * bridges * 680.0, abs=680.0 * 2e-3)  # edges fall on a grid of 8000 in a period
    harmonics = np.abs(np.fft.rfft(volts))[1 : 2 * bridges] * 2 / count
    assert harmonics.max(initial=0.0) < 2e-3 * 680.0
    current = np.cumsum(volts - volts.mean()) / count / 20e3 / 550e-6
    stack = replace(STACK, bridges=bridges)
    wanted = float(ripple_A(stack, 550e-6, np.array(share)))
    assert np.ptp(current) == pytest.approx(wanted, abs=0.02 * 680.0 / (8 * bridges * 20e3 * 550e-6))  # the same grid


def test_the_largest_ripple():
    shares = np.linspace(0, 1, 1001)
    ripple = ripple_A(STACK, 550e-6, shares)
    assert ripple.max() == pytest.approx(680.0 / (8 * 5 * 20e3 * 550e-6), rel=1e-6)
    assert np.abs(ripple[::200]).max() < 1e-12


def test_heat_of_a_step_and_for_ever():
    power = float(device_loss_W(STACK, np.array(800.0)))
    rise = junction_rise_K(STACK, 0.01, np.full(3000, 800.0))
    at = 0.01 * np.arange(1, 3001)
    wanted = power * (0.04 * -np.expm1(-at / 0.05) + 0.03 * -np.expm1(-at / 2.0))
    assert rise == pytest.approx(wanted, rel=1e-9)
    assert float(axis_loss_W(STACK, np.array(800.0))) == pytest.approx(60 * power)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.0, 1.0), min_size=3, max_size=40), st.floats(1e-3, 1.0))
def test_a_mean_square_keeps_the_junction(shares, step):
    hot = replace(STACK, sink_resistance_K_per_W=0.2, supply_W=1e9)
    steady = continuous_A(hot, 0.05)
    assert steady < hot.current_A
    current = hot.current_A * np.array(shares)
    warmth, q = [], 0.0
    for value in current:
        drive_ = (value / steady) ** 2
        q = drive_ + (q - drive_) * np.exp(-step / hot.sink_time_s)
        warmth.append(q)
    if max(warmth) <= 1:
        assert junction_rise_K(hot, step, current).max() <= DEVICE.limit_K * (1 + 1e-9)


def test_duty_and_supply():
    steady = continuous_A(STACK, 0.05)
    assert float(axis_loss_W(STACK, np.array(steady))) + 0.05 * steady**2 == pytest.approx(STACK.supply_W, rel=1e-9)
    assert duty(STACK, 0.05, steady) == pytest.approx(1.0) and 0 < duty(STACK, 0.05, 1200.0) < 0.5
    with pytest.raises(LimitError, match="junction"):
        continuous_A(replace(STACK, parallel=1), 0.05)


def test_phase_margin_falls_with_delay():
    control = known(LOAD)
    slow = replace(STACK, switching_Hz=10e3)
    fall = phase_margin_rad(STACK, LOAD, control) - phase_margin_rad(slow, LOAD, control)
    crossing = fall / (2 * np.pi * 1.5 * (slow.sample_s - STACK.sample_s))
    assert crossing == pytest.approx(5e3, rel=0.02)  # the integral lifts the crossing by half a per cent


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueRangeError, match="link and modulation"):
        replace(STACK, link_V=1300.0)
    with pytest.raises(ValueRangeError, match=r"Device.slope_ohm"):
        replace(DEVICE, slope_ohm=0.0)
    with pytest.raises(ValueRangeError, match="Control"):
        Control(proportional_ohm=0.0, integral_ohm_per_s=1.0)
    with pytest.raises(ShapeError, match="drive"):
        drive(STACK, LOAD, known(LOAD), np.zeros(1))
