"""Vials whose truth is a concentration: fat in water with iron, and polymer that slows diffusion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fullbore.data import Species, Tissue
from fullbore.errors import ValueRangeError
from fullbore.phantom.body import Body, Layer
from fullbore.phantom.fill import mixed, renamed
from fullbore.phantom.primitives import ball, cylinder
from fullbore.physics.tissue_record import FAT_LINES

_DENSITY = {"water": 0.97, "oil": 0.92}
_OIL_LINES = tuple(Species(shift_ppm=shift, fraction=share) for shift, share in FAT_LINES)


def fat_water_vials(
    fat_fractions: Sequence[float] = (0.0, 0.05, 0.10, 0.15, 0.20, 0.30, 0.40, 0.60, 0.80, 1.0),
    r2_star_per_s: Sequence[float] = (30.0, 90.0, 250.0),
    vial_radius_m: float = 0.010,
) -> Body:
    """Vials along z in a bath: a column for each proton density fat fraction, a row for each R2* of iron.

    Water (T1 1.2 s, T2 60 ms) and oil (six peaks, T1 0.25 s, T2 60 ms) share a vial so that the share of the fat's protons is the
    fraction, exactly; both lose their signal at R2*. Iron does not shift their field. Organs: "PDFF 10 %, R2* 90 /s".
    """
    if not all(0 <= f <= 1 for f in fat_fractions) or not all(17 < r < 2000 for r in r2_star_per_s):
        raise ValueRangeError(
            f"fat_water_vials: fractions {tuple(fat_fractions)}, R2* {tuple(r2_star_per_s)}; wanted 0 to 1, 17 to 2000 /s."
        )
    step, high = 2.6 * vial_radius_m, 0.04
    columns, rows = len(fat_fractions), len(r2_star_per_s)
    reach = 0.5 * step * np.hypot(columns, rows) + 0.01
    layers = [Layer(shape=cylinder((0, 0, -0.06), (0, 0, 0.06), reach), fill="doped water", organ="bath")]
    truths: dict[str, float] = {}
    for row, rate in enumerate(r2_star_per_s):
        water, oil = _water_and_oil(rate)
        for column, fraction in enumerate(fat_fractions):
            x, y = (column - (columns - 1) / 2) * step, (row - (rows - 1) / 2) * step
            name = f"PDFF {100 * fraction:g} %, R2* {rate:g} /s"
            share = fraction * _DENSITY["water"] / (_DENSITY["oil"] * (1 - fraction) + fraction * _DENSITY["water"])
            vial = cylinder((x, y, -high), (x, y, high), vial_radius_m)
            layers.append(Layer(shape=vial, fill=mixed(((water, 1 - share), (oil, share))), organ=name))
            truths |= {f"{name}: fat_fraction": fraction, f"{name}: R2_star_per_s": rate}
    return Body(
        name="fat-water-iron vials",
        layers=tuple(layers),
        truths=truths,
        shim_over=("doped water",),
        source="fat: ISMRM challenge 2012",
    )


def _water_and_oil(rate_per_s: float) -> tuple[Tissue, Tissue]:
    whole = Tissue(
        name=f"water, R2* {rate_per_s:g} /s", t1_s=1.2, t2_s=0.06, t2_prime_s=1 / (rate_per_s - 1 / 0.06),
        proton_density=_DENSITY["water"], diffusivity_m2_per_s=1.9e-9, temperature_K=293.15,
        source="a choice; fat spectrum of the ISMRM challenge 2012",
    )  # fmt: skip
    oil = renamed(
        whole,
        f"oil, R2* {rate_per_s:g} /s",
        t1_s=0.25,
        proton_density=_DENSITY["oil"],
        diffusivity_m2_per_s=0.0,
        species=_OIL_LINES,
    )
    return whole, oil


def water_diffusivity(temperature_K: float) -> float:
    """Self-diffusion of water, m^2/s, 0 to 100 C. Source: Holz 2000, PCCP 2:4740 (Speedy and Angell's power law)."""
    return float(1.635e-8 * (temperature_K / 215.05 - 1) ** 2.063)


def polymer_diffusivity(percent: float | int, temperature_K: float) -> float:
    """Of water in polyvinylpyrrolidone, percent by weight up to 50. Source: Amouzandeh 2022, Med Phys 49:3325 (abstract)."""
    if not 0 <= percent <= 50:
        raise ValueRangeError(f"diffusion vials: {percent} % of polymer, wanted 0 to 50.")
    return water_diffusivity(temperature_K) * (12.5e-5 * percent**2 - 23.2e-3 * percent + 1)


def diffusion_vials(temperature_K: float = 273.15, percents: Sequence[float | int] = (0, 10, 20, 30, 40, 50)) -> Body:
    """Vials of polyvinylpyrrolidone in ice water: water in the middle, each concentration on an inner and an outer ring.

    A sphere of 194 mm (Boss 2014). Their diffusivities are measured ones; T1 and T2 fall with concentration, not verified.
    """
    ice_water = renamed(
        "water",
        "ice water",
        t1_s=1.7,
        t2_s=1.0,
        temperature_K=temperature_K,
        diffusivity_m2_per_s=water_diffusivity(temperature_K),
    )
    layers = [Layer(shape=ball((0, 0, 0), 0.097), fill=ice_water, organ="bath")]
    truths = {"temperature_K": temperature_K}
    places: list[tuple[str, float, Sequence[float | int]]] = [
        ("middle", 0.0, [0]),
        ("inner", 0.035, percents),
        ("outer", 0.065, percents),
    ]
    for ring, radius, held in places:
        for number, percent in enumerate(held):
            angle = 2 * np.pi * number / len(held) + (np.pi / len(held) if ring == "outer" else 0)
            x, y = float(radius * np.cos(angle)), float(radius * np.sin(angle))
            name = f"PVP {percent:g} %, {ring}"
            layers.append(
                Layer(shape=cylinder((x, y, -0.03), (x, y, 0.03), 0.0125), fill=_polymer(percent, temperature_K), organ=name)
            )
            truths[f"{name}: ADC_m2_per_s"] = polymer_diffusivity(percent, temperature_K)
    return Body(
        name="diffusion vials",
        layers=tuple(layers),
        truths=truths,
        shim_over=("ice water",),
        source="Boss 2014; Amouzandeh 2022; Holz 2000",
    )


def _polymer(percent: float | int, temperature_K: float) -> Tissue:
    return Tissue(
        name=f"PVP {percent:g} %", t1_s=1.7 - 0.022 * percent, t2_s=1.0 - 0.017 * percent, t2_prime_s=10.0,
        proton_density=1.0 - 0.0075 * percent, diffusivity_m2_per_s=polymer_diffusivity(percent, temperature_K),
        temperature_K=temperature_K, source="diffusivity Amouzandeh 2022; T1, T2, density not verified",
    )  # fmt: skip
