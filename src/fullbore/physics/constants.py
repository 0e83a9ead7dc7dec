"""Constants of nature, each with its source. The only place where they are written."""

from __future__ import annotations

import math

# CODATA 2022, "shielded proton gyromag. ratio over 2 pi" (protons in water, 25 C), Hz/T.
GYROMAGNETIC_RATIO_HZ_PER_T = 42.57638543e6
GYROMAGNETIC_RATIO_RAD_PER_S_T = 2 * math.pi * GYROMAGNETIC_RATIO_HZ_PER_T

# CODATA 2022, vacuum magnetic permeability, N/A^2.
VACUUM_PERMEABILITY_N_PER_A2 = 1.25663706127e-6

# SI, exact, m/s.
SPEED_OF_LIGHT_M_PER_S = 299792458.0

# SI, exact: J/K and J s.
BOLTZMANN_J_PER_K = 1.380649e-23
PLANCK_J_S = 6.62607015e-34

# ISMRM fat-water challenge reference spectrum (challenge.ismrm.org/node/17): shift from water (ppm) and relative amplitude.
FAT_SHIFTS_PPM = (-3.80, -3.40, -2.60, -1.94, -0.39, 0.60)
FAT_AMPLITUDES = (0.087, 0.693, 0.128, 0.004, 0.039, 0.048)
