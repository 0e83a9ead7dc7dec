# TRUTHS of Bloch and Torrey: without diffusion an isochromat | a spin echo in a steady gradient loses (2 pi g)^2 D TE^3 / 12
#   | halving the step quarters the error | magnetisation that is even does not change by diffusing
#   | a moment of half a turn and a pulse under a gradient are refused
from __future__ import annotations

import numpy as np
import pytest

from fullbore.errors import ValueRangeError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T, GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.signal import play
from fullbore.signal.bloch_torrey import diffuse

LENGTH_M, PULSE_S, HALF_S = 1e-4, 1e-5, 8e-3
TURN_T_S_PER_M = 1 / (LENGTH_M * GYROMAGNETIC_RATIO_HZ_PER_T)


def echo(step_s: float, turns: float = 3.0) -> dict[str, np.ndarray]:
    """90, 180, sample, with a steady gradient on but during pulses; `turns` over the line in half the echo time."""
    count = round(HALF_S / step_s)
    flip = np.array([0.5, 1j]) * np.pi / (GYROMAGNETIC_RATIO_RAD_PER_S_T * PULSE_S)
    dt = np.concatenate([[PULSE_S], np.full(count, step_s)] * 2)
    b1 = np.concatenate([[flip[0]], np.zeros(count), [flip[1]], np.zeros(count)])
    gradient = np.where(b1 == 0, turns * TURN_T_S_PER_M / HALF_S, 0.0)
    return {"dt_s": dt, "b1_T": b1, "gradient_T_per_m": gradient, "sampled": np.arange(len(dt)) == len(dt) - 1}


def line(steps, diffusivity=2e-9, t1=1e9, t2=1e9, f=0.0) -> np.ndarray:
    return diffuse(
        length_m=LENGTH_M, diffusivity_m2_per_s=diffusivity, t1_s=t1, t2_s=t2, off_resonance_Hz=np.full(32, f), **steps
    )


def lost(turns: float = 3.0) -> float:
    """Of the logarithm: the cube of the echo time, and the refocusing pulse, during which the wave stands at its highest."""
    return float((2 * np.pi * turns / LENGTH_M) ** 2 * 2e-9 * (2 * HALF_S / 3 + PULSE_S))


def test_an_echo_in_a_steady_gradient_loses_the_cube_of_its_time():
    got = abs(line(echo(2e-5))[0])
    assert lost() > 0.1 and -np.log(got) == pytest.approx(lost(), rel=1e-4)


def test_half_the_step_is_a_quarter_of_the_error():
    coarse, fine = (abs(-np.log(abs(line(echo(step))[0])) - lost()) for step in (1e-3, 5e-4))
    assert coarse / fine == pytest.approx(4, rel=0.02)


def test_without_diffusion_it_is_an_isochromat():
    steps = echo(5e-4)
    ones, x = np.ones(32), np.arange(32) * LENGTH_M / 32
    wanted, _ = play(
        position_m=np.column_stack([x, 0 * x, 0 * x]), t1_s=0.4 * ones, t2_s=0.05 * ones, off_resonance_Hz=30 * ones,
        b1_scale=ones, weight=ones[None] / 32, dt_s=steps["dt_s"], b1_T=steps["b1_T"],
        gradient_T_per_m=np.column_stack([steps["gradient_T_per_m"], np.zeros((len(steps["dt_s"]), 2))]),
        sampled=steps["sampled"],
    )  # fmt: skip
    np.testing.assert_allclose(line(steps, 0.0, 0.4, 0.05, 30.0), wanted[0], atol=1e-12)


def test_what_is_even_does_not_diffuse():
    steps = echo(5e-4, turns=0.0)
    np.testing.assert_allclose(line(steps, 1e-6, 0.4, 0.05), line(steps, 0.0, 0.4, 0.05), atol=1e-13)


def test_half_a_turn_and_pulses_under_gradients_are_refused():
    with pytest.raises(ValueRangeError, match=r"2\.5 turns"):
        line(echo(5e-4, turns=2.5))
    steps = echo(5e-4)
    with pytest.raises(ValueRangeError, match="no gradient"):
        line(steps | {"gradient_T_per_m": np.full_like(steps["gradient_T_per_m"], TURN_T_S_PER_M / PULSE_S)})
