# TRUTHS of selections: +x is where a pulse moved by +x excites, by tuning and by phase | a pulse tuned to +f excites +f |
#   Mxy of a hard pulse | rephasing area leaves no phase | VERSE: same profile on resonance, lower peak, limits kept, peak or
#   duration kept | pencil beam: diameter, ring, moved, limits | b1 rms | a thickness beyond the gradient is refused

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import Gradient, Limits
from fullbore.errors import UsageError
from fullbore.sequence.pulses import (
    SelectivePulse,
    b1_energy_T2_s,
    b1_rms_T,
    gaussian_pulse,
    hard_pulse,
    moved,
    pulse_response,
    refocusing_efficiency,
    selective,
    sinc_pulse,
    slr_pulse,
)
from fullbore.sequence.pulses.pencil_beam import pencil_beam
from fullbore.sequence.pulses.verse import verse
from fullbore.sequence.refusal import Refusal
from tests.sequence.reference import LIMITS

PLACE = np.linspace(-8e-3, 8e-3, 81)


def slew(gradient: Gradient) -> float:
    return float(np.abs(np.diff(gradient.values_T_per_m) / np.diff(gradient.times_s)).max())


def slab(flip_deg: float = 30.0, phase: str = "minimum") -> SelectivePulse:
    """An asymmetric pulse, so that no mirror image passes for the real one."""
    return selective(slr_pulse(np.deg2rad(flip_deg), 2.56e-3, 4.0, LIMITS, phase=phase), 4.0 / 2.56e-3, 4e-3, LIMITS)


def test_a_hard_pulse_about_x_tips_to_plus_y_of_the_bloch_frame() -> None:
    m_xy, m_z = pulse_response(hard_pulse(np.pi / 2, 1e-3, LIMITS))
    assert m_xy == pytest.approx(1j) and m_z == pytest.approx(0.0, abs=1e-12)
    turned = replace(
        hard_pulse(np.pi / 2, 1e-3, LIMITS), b1_T=np.array([np.exp(0.3j)]) * hard_pulse(np.pi / 2, 1e-3, LIMITS).b1_T
    )
    assert pulse_response(turned)[0] == pytest.approx(1j * np.exp(-0.3j))  # Pulseq's phase is the mirror image


def test_a_pulse_tuned_to_f_excites_f() -> None:
    pulse = gaussian_pulse(np.deg2rad(40), 8e-3, 300.0, LIMITS)
    t = (np.arange(len(pulse.b1_T)) + 0.5) * pulse.raster_s
    tuned = replace(pulse, b1_T=pulse.b1_T * np.exp(2j * np.pi * 900.0 * t))
    there, mirror = np.abs(pulse_response(tuned, offset_Hz=np.array([900.0, -900.0]))[0])
    assert there == pytest.approx(np.sin(np.deg2rad(40)), abs=1e-3)
    assert mirror < 1e-2


def test_the_gaussian_has_its_bandwidth() -> None:
    pulse = gaussian_pulse(np.deg2rad(5), 10e-3, 400.0, LIMITS)
    half = np.abs(pulse_response(pulse, offset_Hz=np.array([0.0, 200.0]))[0])
    assert half[1] / half[0] == pytest.approx(0.5, abs=0.005)  # its ends are cut at 0.3 %


def test_moved_and_tuned_pulses_excite_at_plus_x() -> None:
    at_centre = slab()
    wanted, _ = pulse_response(at_centre, position_m=PLACE, rephased=True)
    by_phase, _ = pulse_response(moved(at_centre, 30e-3, LIMITS), position_m=PLACE + 30e-3, rephased=True)
    assert np.abs(by_phase - wanted).max() < 2e-3  # held B1 turns by up to 5 % of a cycle in a step
    frequency, phase = at_centre.tuning(30e-3)
    fine = replace(at_centre.pulse, b1_T=np.repeat(at_centre.pulse.b1_T, 10), raster_s=1e-6)
    t = (np.arange(len(fine.b1_T)) + 0.5) * 1e-6
    tuned = replace(at_centre, pulse=replace(fine, b1_T=fine.b1_T * np.exp(1j * (phase + 2 * np.pi * frequency * t))))
    by_frequency, _ = pulse_response(tuned, position_m=PLACE + 30e-3, rephased=True)
    assert np.abs(by_frequency - wanted).max() < 2e-3  # as above


def test_the_rephasing_area_leaves_no_slope_of_phase() -> None:
    selection = slab(phase="linear")
    inner = PLACE[np.abs(PLACE) < 1.2e-3]
    m_xy, _ = pulse_response(selection, position_m=inner)
    turns = 42.57638543e6 * selection.rephasing_area_T_s_per_m * inner
    assert np.ptp(np.angle(m_xy * np.exp(2j * np.pi * turns))) < np.deg2rad(2)
    assert selection.area_before_T_s_per_m + selection.rephasing_area_T_s_per_m == pytest.approx(selection.slice.area_T_s_per_m)


@pytest.mark.parametrize("purpose", ["excitation", "refocusing"])
def test_verse_keeps_profile_and_limits(purpose: str) -> None:
    limits = replace(LIMITS, b1_peak_T=40e-6)
    flip = np.pi if purpose == "refocusing" else np.pi / 2
    fixed = selective(slr_pulse(flip, 3.84e-3, 4.0, limits, purpose=purpose), 4.0 / 3.84e-3, 4e-3, limits)
    peak = float(np.abs(fixed.pulse.b1_T).max())
    for replay in (verse(fixed, limits, duration_s=3.84e-3), verse(fixed, limits, b1_peak_T=0.6 * peak)):
        if purpose == "refocusing":
            before, after = (refocusing_efficiency(s, position_m=PLACE) for s in (fixed, replay))
        else:
            before, after = (pulse_response(s, position_m=PLACE, rephased=True)[0] for s in (fixed, replay))
        assert np.abs(after - before).max() < 3e-3  # steps of 10 us under a stronger gradient
        assert np.abs(replay.pulse.b1_T).max() <= 0.6 * peak
        assert replay.pulse.duration_s <= 3.84e-3 + 1e-9
        assert slew(replay.slice) <= limits.slew_T_per_m_s
        assert np.abs(replay.slice.values_T_per_m).max() <= limits.gradient_T_per_m
        assert b1_energy_T2_s(replay.pulse) < 1.1 * b1_energy_T2_s(fixed.pulse)
    slow = verse(fixed, limits, duration_s=3.84e-3)
    assert np.abs(slow.pulse.b1_T).max() < 0.45 * peak  # what time at the sides is worth
    with pytest.raises(UsageError):
        verse(slow, limits)


def test_a_verse_pulse_can_be_moved() -> None:
    replay = verse(slab(90.0), LIMITS, duration_s=2.56e-3)
    here, there = (
        pulse_response(s, position_m=PLACE + x, rephased=True)[0]
        for s, x in ((replay, 0.0), (moved(replay, 20e-3, LIMITS), 20e-3))
    )
    assert np.abs(here - there).max() < 4e-3  # held B1 turns by up to 5 % of a cycle in a step
    with pytest.raises(UsageError):
        replay.tuning(20e-3)


@pytest.mark.parametrize(("diameter_m", "ring_m"), [(25e-3, 0.2), (12e-3, 0.1)])
def test_the_pencil_beam_has_its_diameter(diameter_m: float, ring_m: float) -> None:
    beam = pencil_beam(np.deg2rad(20), diameter_m, ring_m, LIMITS)
    line = np.linspace(-ring_m * 0.6, ring_m * 0.6, 241)
    still = np.zeros(241)
    for place in ((line, still, still), (still, line, still)):
        made = np.abs(pulse_response(beam, position_m=place)[0])
        assert made[120] == pytest.approx(np.sin(np.deg2rad(20)), abs=1e-3)
        assert np.ptp(line[made > made[120] / 2]) == pytest.approx(diameter_m, rel=0.05)  # the grid is up to 1 mm
        assert made[np.abs(line) > 1.2 * diameter_m].max() < 0.02 * made[120]  # the spiral's end, cut at 1 %
    both = beam.read.values_T_per_m + 1j * beam.phase.values_T_per_m
    assert np.abs(np.diff(both) / np.diff(beam.read.times_s)).max() <= LIMITS.slew_T_per_m_s
    assert np.abs(both).max() <= LIMITS.gradient_T_per_m


def test_the_beam_moves_and_takes_other_waveforms() -> None:
    beam = pencil_beam(np.deg2rad(20), 25e-3, 0.2, LIMITS)
    line, still = np.linspace(-0.05, 0.05, 41), np.zeros(41)
    here = pulse_response(beam, position_m=(line, still, still))[0]
    there = pulse_response(moved(beam, (30e-3, -20e-3, 0.0), LIMITS), position_m=(line + 30e-3, still - 20e-3, still))[0]
    assert np.abs(here - there).max() < 2e-3  # held B1 turns by up to 5 % of a cycle in a step
    again = pencil_beam(np.deg2rad(20), 25e-3, 0.2, LIMITS, waveforms=(beam.read, beam.phase))
    assert np.array_equal(again.pulse.b1_T, beam.pulse.b1_T)


def test_root_mean_square() -> None:
    pulse = hard_pulse(np.pi / 2, 1e-3, LIMITS)
    assert b1_rms_T(pulse) == pytest.approx(np.pi / 2 / (2 * np.pi * 42.57638543e6 * 1e-3))
    assert b1_rms_T(pulse, 4e-3) == pytest.approx(b1_rms_T(pulse) / 2)
    assert b1_energy_T2_s(pulse) == pytest.approx(b1_rms_T(pulse) ** 2 * 1e-3)


def test_a_slice_too_thin_for_the_gradient_is_refused() -> None:
    weak = Limits(gradient_T_per_m=10e-3, slew_T_per_m_s=100.0, b1_peak_T=20e-6)
    pulse = sinc_pulse(np.deg2rad(20), 1e-3, 4.0, weak)
    with pytest.raises(Refusal, match="slice gradient") as refused:
        selective(pulse, 4000.0, 2e-3, weak)
    assert selective(pulse, 4000.0, refused.value.legal, weak).amplitude_T_per_m <= 10e-3
