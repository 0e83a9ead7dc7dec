"""What tissues are, as numbers: relaxation at 3 T, proton density, chemical shift, susceptibility; each with its source.

One consistent set, because published values scatter widely (white-matter T1 at 3 T: 0.70 to 1.74 s in Bojorquez 2017). The
scatter is not error of the set but of the field: a map is judged against the value that the phantom was given, which is
this one. Values marked "not verified" come from memory of the literature and must not become a pass or fail number.
"""

from __future__ import annotations

from typing import NamedTuple

# Reference field of the relaxation times below, tesla.
REFERENCE_B0_T = 3.0

# Susceptibility of air relative to soft tissue, ppm. Source: Marques 2021, QSM challenge 2.0 head phantom.
AIR_SUSCEPTIBILITY_PPM = 9.2


FAT_SPECTRUM = ((-3.80, 0.087), (-3.40, 0.693), (-2.60, 0.128), (-1.94, 0.004), (-0.39, 0.039), (0.60, 0.048))
"""Six lines of fat: (ppm from water, relative amplitude; they sum to 0.999). Source: Hamilton 2011, liver fat (NMR in Biomedicine
24:784), as the ISMRM fat-water toolbox and challenge of 2012 have it."""


class TissueValues(NamedTuple):
    """Values of one tissue at 3 T and body temperature; seconds, density relative to pure water, ppm, m^2/s.

    Diffusivities of white and grey matter: ADC in AJNR 2002; 0 where there is hardly any signal to diffuse.
    """

    t1_s: float
    t2_s: float
    t2_star_s: float
    proton_density: float
    chemical_shift_ppm: float
    susceptibility_ppm: float
    diffusivity_m2_per_s: float
    source: str

    @property
    def t2_prime_s(self) -> float:
        """The part of T2* that a spin echo refocuses: 1/T2' = 1/T2* - 1/T2."""
        return 1.0 / (1.0 / self.t2_star_s - 1.0 / self.t2_s)


_CHI = "susceptibility Marques 2021 (QSM challenge 2.0)"
_MEMORY = "T2*, density, diffusivity outside brain: not verified"

TISSUES: dict[str, TissueValues] = {
    "white matter": TissueValues(
        0.832, 0.0796, 0.048, 0.70, 0.0, -0.030, 0.70e-9, f"T1, T2 Wansapura 1999 (832, 79.6 ms at 3 T); {_CHI}; {_MEMORY}"
    ),
    "grey matter": TissueValues(
        1.331, 0.110, 0.055, 0.83, 0.0, 0.020, 0.89e-9, f"T1, T2 Wansapura 1999 (1331, 110 ms at 3 T); {_CHI}; {_MEMORY}"
    ),
    "csf": TissueValues(
        4.3, 2.0, 0.5, 1.0, 0.0, 0.019, 3.0e-9, f"T1 4.3, T2 2.0 s, upper end of published 3 T values; {_CHI}; {_MEMORY}"
    ),
    "cortical bone": TissueValues(
        0.2,
        0.0004,
        0.00039,
        0.2,
        0.0,
        -2.1,
        0.0,
        f"T1, T2 ultrashort-TE literature (140 to 260 ms, 0.4 ms): not verified; {_CHI}",
    ),
    "marrow": TissueValues(
        0.586,
        0.049,
        0.015,
        0.7,
        -3.4,
        0.019,
        0.4e-9,
        f"T1, T2 de Bazelaire 2004 (L4); fat main peak as its only species; {_MEMORY}",
    ),
    "fat": TissueValues(
        0.382,
        0.068,
        0.035,
        0.9,
        -3.4,
        0.019,
        0.1e-9,
        f"T1, T2 de Bazelaire 2004 (subcutaneous); main peak only; {_CHI}; {_MEMORY}",
    ),
    "muscle": TissueValues(
        0.898, 0.029, 0.028, 0.85, 0.0, 0.0, 1.5e-9, f"T1, T2 de Bazelaire 2004 (paravertebral), skin included; {_CHI}; {_MEMORY}"
    ),
}
