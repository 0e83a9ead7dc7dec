"""Laws of blood and what it carries: the arterial input, a tissue's answer to it, a contrast agent's relaxivity, active cortex.

Concentrations in mmol per litre (mM). Sources: Parker 2006, MRM 56:993 (arterial input); Tofts 1999, JMRI 10:223 (leak);
Meier and Zierler 1954 (central volume); Friston 1998, MRM 39:41 (haemodynamic response).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import gammainc

HAEMATOCRIT = 0.42
"""Of large vessels. Not verified."""
PARKER_DOSE_MMOL_PER_KG = 0.1
"""Of a bolus at 3 ml/s, for which Parker's curve stands."""


class ContrastAgent(NamedTuple):
    """Relaxivities at 3 T and 37 C, per second and mM: of tissue (as in plasma) and of blood, and of R2' by vessels in tissue.

    The last, per mM of tissue that is within vessels: the field of agent that stays in them. It acts on gradient echoes.
    """

    r1: float
    r2: float
    r1_blood: float
    r2_blood: float
    r2_prime_vessels: float
    source: str


_R1 = "r1 Szomolanyi 2019, Invest Radiol 54:559"
_R2 = "r2 not verified; R2* by vessels 87 per s and mM (Kjolby 2006, MRM 56:187: not verified)"

AGENTS: dict[str, ContrastAgent] = {
    "gadobutrol": ContrastAgent(4.97, 6.3, 3.47, 6.5, 80.0, f"{_R1}; {_R2}"),
    "gadoterate": ContrastAgent(3.00, 4.3, 2.72, 5.0, 82.0, f"{_R1}; {_R2}"),
    "gadoteridol": ContrastAgent(3.28, 4.6, 2.61, 5.0, 82.0, f"{_R1}; {_R2}"),
}


def arterial_input_mM(
    time_s: Float[np.ndarray, " t"], dose_mmol_per_kg: float = PARKER_DOSE_MMOL_PER_KG
) -> Float[np.ndarray, " t"]:
    """Concentration in arterial blood of an adult, at times after injection; 0 before. In proportion to the dose.

    Two passes of the bolus and the wash-out: sum of two Gaussians and an exponential times a sigmoid (Parker 2006, table 1).
    """
    minute = np.asarray(time_s, np.float64) / 60
    first, second = (
        area / (width * np.sqrt(2 * np.pi)) * np.exp(-0.5 * ((minute - middle) / width) ** 2)
        for area, middle, width in ((0.809, 0.17046, 0.0563), (0.330, 0.365, 0.132))
    )
    late = 1.050 * np.exp(-0.1685 * minute) / (1 + np.exp(-38.078 * (minute - 0.483)))
    return np.where(minute > 0, first + second + late, 0.0) * (dose_mmol_per_kg / PARKER_DOSE_MMOL_PER_KG)


def exponential_answer(
    time_s: Float[np.ndarray, " t"], given: Float[np.ndarray, " t"], rate_per_s: float
) -> Float[np.ndarray, " t"]:
    """Integral of given(s) exp(-rate (t - s)) ds up to each of rising times, from the first of them; exact for `given` straight
    between them. rate 0: the plain integral.
    """
    step = np.diff(time_s)
    kept = np.exp(-rate_per_s * step)
    x = rate_per_s * step
    small = x < 1e-4
    safe = np.where(small, 1.0, x)
    # Weights of the ends of a step: its integrals of (1 - u) exp(-x (1 - u)) and u exp(-x (1 - u)) over u.
    late = step * np.where(small, 0.5 - x / 6, (safe - 1 + np.exp(-safe)) / safe**2)
    early = step * np.where(small, 0.5 - x / 3, (1 - np.exp(-safe) * (1 + safe)) / safe**2)
    found = np.zeros(len(time_s))
    for n in range(len(step)):
        found[n + 1] = kept[n] * found[n] + early[n] * given[n] + late[n] * given[n + 1]
    return found


def leaking_mM(
    time_s: Float[np.ndarray, " t"],
    plasma_mM: Float[np.ndarray, " t"],
    transfer_per_s: float,
    extravascular_fraction: float,
    plasma_fraction: float = 0.0,
) -> Float[np.ndarray, " t"]:
    """Concentration in tissue by the extended Tofts model: vp Cp + Ktrans times Cp folded with exp(-Ktrans t / ve)."""
    back_per_s = transfer_per_s / extravascular_fraction if extravascular_fraction > 0 else 0.0
    return plasma_fraction * plasma_mM + transfer_per_s * exponential_answer(time_s, plasma_mM, back_per_s)


def passing_mM(
    time_s: Float[np.ndarray, " t"], blood_mM: Float[np.ndarray, " t"], flow_per_s: float, blood_fraction: float
) -> Float[np.ndarray, " t"]:
    """Concentration in tissue through which blood passes and nothing leaks: flow times the blood's folded with exp(-t / MTT).

    MTT = blood fraction / flow: the area below is the blood's times the blood fraction (central volume theorem).
    """
    if flow_per_s == 0 or blood_fraction == 0:
        return np.zeros(len(time_s))
    return flow_per_s * exponential_answer(time_s, blood_mM, flow_per_s / blood_fraction)


def haemodynamic_step(time_s: Float[np.ndarray, " t"]) -> Float[np.ndarray, " t"]:
    """Answer of the blood in cortex to work that begins at 0 and goes on: 0 before, overshoot, 1 in the end.

    Integral of the canonical response, two gamma densities of shapes 6 and 16 s, the second a sixth: incomplete gamma functions.
    """
    late = np.maximum(np.asarray(time_s, np.float64), 0.0)
    return np.asarray((gammainc(6.0, late) - gammainc(16.0, late) / 6) / (1 - 1 / 6))
