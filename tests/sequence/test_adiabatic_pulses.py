# TRUTHS of adiabatic and composite pulses: HS, WURST invert for B1 0.7..1.3 | half passage: Mz to x and back, for any B1 |
#   BIR-4 turns by its flip at B1 0.7..1.3 | BIR-4 of flip 0 with gaps keeps Mz, loses T2 in the gaps | GOIA: a slab of the
#   nominal width; two refocus it | composites: better than one rectangle where they claim it | BB1 any flip, sixth order |
#   peaks kept, refused, and the legal duration is legal

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import RfPulse
from fullbore.sequence.pulses import hard_pulse, hyperbolic_secant, pulse_response, refocusing_efficiency, selective
from fullbore.sequence.pulses.adiabatic import adiabatic_half_passage, bir4, wurst
from fullbore.sequence.pulses.composite import broadband_pulse, composite_inversion, composite_refocusing
from fullbore.sequence.pulses.goia import goia_wurst
from fullbore.sequence.pulses.hyperbolic_secant import hyperbolic_secant_bandwidth_Hz
from fullbore.sequence.refusal import Refusal
from tests.sequence.reference import LIMITS

B1 = np.array([0.7, 0.85, 1.0, 1.15, 1.3])


def test_hyperbolic_secant_inverts_a_slab() -> None:
    slab = selective(hyperbolic_secant(10.24e-3, LIMITS), hyperbolic_secant_bandwidth_Hz(10.24e-3), 0.1, LIMITS)
    place = np.linspace(-0.1, 0.1, 401)
    for b1 in (0.7, 1.0, 1.3):
        m_z = pulse_response(slab, position_m=place, b1_scale=b1)[1]
        assert np.ptp(place[m_z < 0]) == pytest.approx(0.1, rel=0.06)  # the band's edge lies where B1 makes it adiabatic
        assert m_z[np.abs(place) < 0.03].max() < -0.95
        assert m_z[np.abs(place) > 0.075].min() > 0.99


def test_wurst_inverts_the_inner_part_of_its_sweep() -> None:
    for product, share in ((20.0, 0.4), (50.0, 0.6)):
        pulse = wurst(10e-3, product / 10e-3, replace(LIMITS, b1_peak_T=40e-6))
        offset = np.linspace(-0.5, 0.5, 21)[:, None] * share * product / 10e-3
        assert pulse_response(pulse, offset_Hz=offset, b1_scale=B1)[1].max() < -0.9


def test_a_half_passage_tips_onto_b1_and_its_reverse_undoes_it() -> None:
    down, up = (adiabatic_half_passage(3e-3, LIMITS, reverse=back) for back in (False, True))
    m_xy, m_z = pulse_response(down, b1_scale=B1)
    assert np.abs(m_z).max() < 0.02  # what is left after two turns of gamma B1 T
    assert m_xy.real.min() > 0.98
    assert pulse_response(up, b1_scale=B1, start=(1.0, 0.0))[1].min() > 0.98
    assert down.centre_s == down.duration_s


@pytest.mark.parametrize("flip_deg", [20.0, 45.0, 90.0, 180.0])
def test_bir4_turns_by_its_flip_whatever_b1(flip_deg: float) -> None:
    pulse = bir4(np.deg2rad(flip_deg), 10e-3, LIMITS)
    m_xy, m_z = pulse_response(pulse, b1_scale=B1)
    assert np.abs(m_z - np.cos(np.deg2rad(flip_deg))).max() < 1e-3
    if flip_deg < 180:  # about x, as a hard pulse: to +y in the frame of signal.bloch; some degrees of phase are left
        assert np.abs(np.angle(m_xy / 1j)).max() < np.deg2rad(10)


def test_bir4_with_gaps_prepares_t2() -> None:
    without, with_gap = (bir4(0.0, 10e-3, LIMITS, gap_s=gap, use="p") for gap in (0.0, 20e-3))
    offset = np.array([-100.0, 0.0, 100.0])[:, None]
    assert pulse_response(with_gap, b1_scale=B1, offset_Hz=offset)[1].min() > 0.98  # off resonance, BIR-4's own error
    ratio = pulse_response(with_gap, t2_s=0.05)[1] / pulse_response(without, t2_s=0.05)[1]
    assert ratio == pytest.approx(np.exp(-40e-3 / 0.05), rel=0.002)  # the spins are within 2 degrees of the plane


def test_two_goia_pulses_refocus_a_slab_of_the_nominal_width() -> None:
    pulse = goia_wurst(4.5e-3, 10e3, 30e-3, LIMITS)
    place = np.linspace(-30e-3, 30e-3, 241)
    inside, outside = np.abs(place) < 12e-3, np.abs(place) > 18e-3
    for b1 in (0.8, 1.0, 1.3):
        once = refocusing_efficiency(pulse, position_m=place, b1_scale=b1)
        twice = once * np.conj(once)  # a second one refers its echo to the first one's conjugate: the phases cancel
        assert twice.real[inside].min() > 0.9  # WURST's rounded ends; 0.92 at the nominal B1
        assert np.abs(twice)[outside].max() < 0.01
    m_z = pulse_response(pulse, position_m=place)[1]
    assert np.ptp(place[m_z < 0]) == pytest.approx(30e-3, rel=0.05)
    steep = np.abs(np.diff(pulse.slice.values_T_per_m) / np.diff(pulse.slice.times_s)).max()
    assert steep <= LIMITS.slew_T_per_m_s


def test_composites_do_better_than_rectangles_where_they_claim() -> None:
    b1 = np.array([0.7, 1.3])
    plain = np.abs(refocusing_efficiency(hard_pulse(np.pi, 0.6e-3, LIMITS, use="r"), b1_scale=b1))
    made = np.abs(refocusing_efficiency(composite_refocusing(1.2e-3, LIMITS), b1_scale=b1))
    assert made.min() > 0.95 > 0.8 > plain.max()
    offset = np.array([-250.0, -125.0, 0.0, 125.0, 250.0])
    assert pulse_response(composite_inversion(1.5e-3, LIMITS), offset_Hz=offset)[1].max() < -0.97
    assert pulse_response(hard_pulse(np.pi, 0.6e-3, LIMITS), offset_Hz=offset)[1].max() > -0.9


@pytest.mark.parametrize("flip_deg", [30.0, 90.0, 180.0])
def test_the_broadband_pulse_errs_in_the_sixth_order(flip_deg: float) -> None:
    pulse = broadband_pulse(np.deg2rad(flip_deg), 3.2e-3, LIMITS)
    state = pulse_response(pulse, b1_scale=np.array([1.0, 0.9, 0.8]))
    wanted = 1j * np.sin(np.deg2rad(flip_deg)), np.cos(np.deg2rad(flip_deg))
    turned = np.hypot(np.abs(state[0] - wanted[0]), np.abs(state[1] - wanted[1]))
    assert turned[0] < 1e-9
    # The rotation's fidelity errs in the sixth order, a vector in the third: a tenth of a rectangle's 0.1 * flip and less.
    assert turned[1] < 0.02
    assert turned[2] / turned[1] == pytest.approx(8, rel=0.3)  # third order, with a next term


@pytest.mark.parametrize(
    "make",
    [
        lambda t: hyperbolic_secant(t, LIMITS),
        lambda t: wurst(t, 8e3, LIMITS),
        lambda t: adiabatic_half_passage(t, LIMITS),
        lambda t: bir4(np.pi / 2, t, LIMITS),
        lambda t: composite_refocusing(t, LIMITS),
        lambda t: broadband_pulse(np.pi, t, LIMITS),
        lambda t: goia_wurst(t, 10e3, 30e-3, LIMITS).pulse,
    ],
)
def test_peaks_are_refused_and_the_legal_duration_is_legal(make: Callable[[float], RfPulse]) -> None:
    with pytest.raises(Refusal, match="peak B1") as refused:
        make(0.88e-3)
    assert 0.9 * LIMITS.b1_peak_T < np.abs(make(refused.value.legal).b1_T).max() <= LIMITS.b1_peak_T
