# TRUTHS of multiband and PINS: every band is the single band | the found phases are no worse than Wong's | bands have the
#   phases asked for | time-shifted bands stand where they should | PINS repeats with its spacing, has its
#   thickness, moves with its phase | peaks and spacings refused with a legal value

import numpy as np
import pytest

from fullbore.sequence.pulses import moved, pulse_response, refocusing_efficiency, selective, slr_pulse
from fullbore.sequence.pulses.multiband import multiband, time_shifted
from fullbore.sequence.pulses.pins import pins
from fullbore.sequence.refusal import Refusal
from tests.sequence.reference import LIMITS

STOP = 1e-3
PLACE = np.linspace(-3e-3, 3e-3, 61)
# Phases of Wong, Proc ISMRM 2012:2209, as published for 3, 4 and 5 bands.
WONG = {3: (0.0, 0.730, 4.602), 4: (0.0, 3.875, 5.940, 6.197), 5: (0.0, 3.778, 5.335, 0.872, 0.471)}


def single() -> object:
    pulse = slr_pulse(np.deg2rad(60), 3.84e-3, 4.0, LIMITS, stopband_ripple=STOP)
    return selective(pulse, 4.0 / 3.84e-3, 2e-3, LIMITS)


def offsets(bands: int) -> tuple[float, ...]:
    return tuple(float(x) for x in (np.arange(bands) - (bands - 1) / 2) * 16e-3)


@pytest.mark.parametrize("bands", [2, 3])
def test_every_band_is_the_single_band(bands: int) -> None:
    one = single()
    alone = np.abs(pulse_response(one, position_m=PLACE)[0])
    several = multiband(one, offsets(bands), LIMITS)
    for offset in offsets(bands):
        made = np.abs(pulse_response(several, position_m=PLACE + offset)[0])
        # The other bands' stop bands add up here, and turn what this band tipped by as much.
        assert np.abs(made - alone).max() < 3 * (bands - 1) * STOP + 2e-3
    between = pulse_response(several, position_m=np.linspace(-3e-3, 3e-3, 7) + offsets(bands)[0] + 8e-3)[0]
    assert np.abs(between).max() < 3 * bands * STOP


def test_the_bands_have_the_phases_that_were_asked_for() -> None:
    two = multiband(single(), (0.0, 20e-3), LIMITS, phases_rad=(0.0, 1.0))
    first, second = pulse_response(two, position_m=np.array([0.0, 20e-3]), rephased=True)[0]
    assert np.angle(first / second) == pytest.approx(1.0, abs=0.01)  # B1 exp(i p) in Pulseq's frame turns Mxy by -p


@pytest.mark.parametrize("bands", sorted(WONG))
def test_the_phases_are_no_worse_than_published_ones(bands: int) -> None:
    one = single()
    found, published = (
        np.abs(multiband(one, offsets(bands), LIMITS, phases_rad=phases).pulse.b1_T).max() for phases in (None, WONG[bands])
    )
    assert found <= published * 1.001
    assert found < 0.85 * bands * np.abs(one.pulse.b1_T).max()


def test_time_shifted_bands_stand_where_they_should() -> None:
    one, shift = single(), 1.2e-3
    places = (-10e-3, 0.0, 10e-3)
    row = time_shifted(one, places, shift, LIMITS)
    alone = np.abs(pulse_response(one, position_m=PLACE)[0])
    for offset in places:
        made = np.abs(pulse_response(row, position_m=PLACE + offset)[0])
        assert np.abs(made - alone).max() < 0.01  # neighbours' stop bands, as above
    assert np.abs(row.pulse.b1_T).max() < 1.5 * np.abs(one.pulse.b1_T).max()
    assert row.pulse.duration_s == pytest.approx(one.pulse.duration_s + 2 * shift)
    assert row.slice.times_s[-1] <= row.block_s + 1e-12


def test_pins_repeats_with_its_spacing() -> None:
    comb = pins(np.pi, 4.0, 3e-3, 24e-3, LIMITS)
    place = np.linspace(-36e-3, 36e-3, 289)  # three periods of 96 places
    made = np.abs(refocusing_efficiency(comb, position_m=place))
    assert np.abs(made[:96] - made[96:192]).max() < 1e-9
    assert np.abs(made[96:192] - made[192:288]).max() < 1e-9
    middle = np.abs(place) < 12e-3
    assert np.ptp(place[middle & (made > 0.25)]) == pytest.approx(3e-3, abs=2.6e-4)  # |beta|^2 = 1/4; the grid is 0.25 mm
    assert made[np.abs(place) < 0.9e-3].min() > 0.98
    assert made[middle & (np.abs(place) > 2.5e-3)].max() < 0.0105
    assert np.abs(comb.pulse.b1_T).max() <= LIMITS.b1_peak_T
    steep = np.abs(np.diff(comb.slice.values_T_per_m) / np.diff(comb.slice.times_s)).max()
    assert steep <= LIMITS.slew_T_per_m_s


def test_moving_pins_changes_neither_profile_nor_energy() -> None:
    comb = pins(np.pi / 2, 4.0, 3e-3, 24e-3, LIMITS, purpose="excitation")
    shifted = moved(comb, 5e-3, LIMITS)
    place = np.linspace(-12e-3, 12e-3, 97)
    here, there = (np.abs(pulse_response(c, position_m=place + x)[0]) for c, x in ((comb, 0.0), (shifted, 5e-3)))
    assert np.abs(here - there).max() < 1e-9
    assert np.sum(np.abs(shifted.pulse.b1_T) ** 2) * shifted.pulse.raster_s == pytest.approx(
        np.sum(np.abs(comb.pulse.b1_T) ** 2) * comb.pulse.raster_s
    )


def test_refusals_name_a_legal_value() -> None:
    strong = slr_pulse(np.pi / 2, 2.56e-3, 6.0, LIMITS)
    with pytest.raises(Refusal, match="peak B1") as refused:
        multiband(selective(strong, 6.0 / 2.56e-3, 4e-3, LIMITS), offsets(5), LIMITS)
    longer = slr_pulse(np.pi / 2, refused.value.legal, 6.0, LIMITS)
    multiband(selective(longer, 6.0 / refused.value.legal, 4e-3, LIMITS), offsets(5), LIMITS)
    with pytest.raises(Refusal, match="touch") as refused:
        pins(np.pi, 4.0, 3e-3, 4e-3, LIMITS)
    pins(np.pi, 4.0, 3e-3, refused.value.legal, LIMITS)
    with pytest.raises(Refusal, match="sub-pulse") as refused:
        pins(np.pi, 4.0, 3e-3, 24e-3, LIMITS, sub_pulse_s=20e-6)
    pins(np.pi, 4.0, 3e-3, 24e-3, LIMITS, sub_pulse_s=refused.value.legal)
