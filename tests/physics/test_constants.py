# TRUTHS of constants: proton in water = CODATA | 3 T = 127.73 MHz | mu0 = CODATA | c exact | fat amplitudes sum to 1
# | main fat peak -3.4 ppm
import math

import pytest
from scipy import constants as codata

from fullbore.physics import constants as ours


def test_proton_in_water_is_codata_within_its_uncertainty():
    name = "shielded proton gyromag. ratio in MHz/T"
    value, _, uncertainty = codata.physical_constants[name]
    assert abs(ours.GYROMAGNETIC_RATIO_HZ_PER_T / 1e6 - value) <= max(3 * uncertainty, 1e-6)
    assert pytest.approx(2 * math.pi * ours.GYROMAGNETIC_RATIO_HZ_PER_T, rel=1e-15) == ours.GYROMAGNETIC_RATIO_RAD_PER_S_T


def test_three_tesla_rings_at_127_73_MHz():
    assert pytest.approx(127.729e6, abs=500) == 3 * ours.GYROMAGNETIC_RATIO_HZ_PER_T


def test_vacuum_permeability_and_speed_of_light():
    # CODATA 2018 and 2022 differ by 7e-11.
    assert pytest.approx(codata.mu_0, rel=1e-9) == ours.VACUUM_PERMEABILITY_N_PER_A2
    assert codata.c == ours.SPEED_OF_LIGHT_M_PER_S


def test_fat_spectrum_is_a_whole_whose_main_peak_is_methylene():
    # The six published amplitudes are rounded to three digits: their sum may miss 1 by 6 x 0.0005.
    assert sum(ours.FAT_AMPLITUDES) == pytest.approx(1, abs=3e-3)
    assert ours.FAT_SHIFTS_PPM[ours.FAT_AMPLITUDES.index(max(ours.FAT_AMPLITUDES))] == -3.40
