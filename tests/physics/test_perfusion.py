# TRUTHS of perfusion: the arterial input's area is that of its Gaussians and its tail, its late part one exponential | a fold
#   with an exponential is exact for straight input: a step, a ramp, any times | a step into a leaking tissue is Tofts' closed
#   form, and fills ve | what passes has the area blood fraction times the blood's, at any flow | working cortex ends at 1, with
#   the derivative of two gamma densities
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erf
from scipy.stats import gamma

from fullbore.physics.perfusion import arterial_input_mM, exponential_answer, haemodynamic_step, leaking_mM, passing_mM

TIMES = np.sort(np.random.default_rng(0).uniform(0, 400, 900))


def test_the_arterial_input_has_the_area_and_the_tail_of_its_parts():
    minute = np.linspace(0, 20, 400_001)
    first, second = (
        area * 0.5 * (1 + erf(middle / (width * np.sqrt(2))))  # of a Gaussian that is cut at 0
        for area, middle, width in ((0.809, 0.17046, 0.0563), (0.330, 0.365, 0.132))
    )
    tail = quad(lambda t: 1.050 * np.exp(-0.1685 * t) / (1 + np.exp(-38.078 * (t - 0.483))), 0, 20, points=[0.483])[0]
    assert np.trapezoid(arterial_input_mM(60 * minute), minute) == pytest.approx(first + second + tail, rel=1e-5)
    late = arterial_input_mM(np.array([300.0, 600.0]))
    assert late == pytest.approx(1.050 * np.exp(-0.1685 * np.array([5.0, 10.0])), rel=1e-9)
    assert arterial_input_mM(np.array([-5.0, 0.0])).tolist() == [0, 0]
    assert arterial_input_mM(np.array([12.0]), 0.2) == pytest.approx(2 * arterial_input_mM(np.array([12.0])))


@pytest.mark.parametrize("rate", [0.0, 1e-7, 3e-3, 0.2, 40.0])
def test_a_fold_with_an_exponential_is_exact_for_a_step_and_a_ramp(rate):
    t = TIMES - TIMES[0]
    step = t if rate == 0 else -np.expm1(-rate * t) / rate
    np.testing.assert_allclose(exponential_answer(t, np.ones(len(t)), rate), step, rtol=1e-7)
    if rate >= 3e-3:  # below it the closed form itself cancels
        np.testing.assert_allclose(exponential_answer(t, t, rate)[1:], ((t - step) / rate)[1:], rtol=1e-6)


def test_a_step_into_a_leaking_tissue_is_tofts_closed_form():
    t, transfer, space, plasma = np.linspace(0, 3000, 500), 0.004, 0.3, 0.05
    found = leaking_mM(t, np.full(500, 2.0), transfer, space, plasma)
    np.testing.assert_allclose(found, 2.0 * (plasma + space * (1 - np.exp(-transfer * t / space))), rtol=1e-9)
    assert found[-1] == pytest.approx(2.0 * (plasma + space), rel=1e-6)


@pytest.mark.parametrize("flow", [0.003, 0.01, 0.02])
def test_the_area_below_a_passing_bolus_is_the_blood_fraction(flow):
    t = np.linspace(0, 400, 8001)
    bolus = np.where(t > 5, ((t - 5) / 3) ** 3 * np.exp(-np.maximum(t - 5, 0) / 1.5), 0.0)
    tissue = passing_mM(t, bolus, flow, 0.04)
    assert np.trapezoid(tissue, t) / np.trapezoid(bolus, t) == pytest.approx(0.04, rel=1e-5)
    assert passing_mM(t, bolus, 0.0, 0.04).max() == 0


def test_working_cortex_ends_at_one_with_the_derivative_of_two_gammas():
    t = np.linspace(0.05, 40, 2000)
    slope = (haemodynamic_step(t + 1e-4) - haemodynamic_step(t - 1e-4)) / 2e-4
    np.testing.assert_allclose(slope, (gamma.pdf(t, 6) - gamma.pdf(t, 16) / 6) * 6 / 5, atol=1e-8)
    assert haemodynamic_step(np.array([-3.0, 0.0, 100.0])) == pytest.approx([0, 0, 1])
    assert 5 < t[slope.argmax()] < 5.1  # a gamma density of shape 6 s peaks at 5 s
