"""The library of tissues, as the nouns that a body is made of."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from functools import cache

from fullbore.data import Perfusion, Pool, Species, Tissue
from fullbore.errors import UsageError
from fullbore.physics.tissue_record import TissueRecord
from fullbore.physics.tissues_head import BRAIN, DISEASE, FACE
from fullbore.physics.tissues_limb import JOINT, LIMB
from fullbore.physics.tissues_material import MATERIAL
from fullbore.physics.tissues_trunk import ABDOMEN, BLOOD, BREAST, HEART, PELVIS

AIR = "air"

RECORDS: dict[str, TissueRecord] = {
    **BRAIN, **DISEASE, **FACE, **BLOOD, **HEART, **ABDOMEN, **PELVIS, **BREAST, **LIMB, **JOINT, **MATERIAL,
}  # fmt: skip

# T1 of a tissue's free water, seconds: that of cerebrospinal fluid.
_FREE_WATER_T1_S = 4.3


@cache
def library_tissue(name: str) -> Tissue:
    """A tissue of the library at 3 T, without its bound pool (its T1 and T2 are those that one sees; see `with_bound_pool`).

    Errors: UsageError for a name that is not there, with the names nearest to it.
    """
    if name not in RECORDS:
        near = get_close_matches(name, RECORDS, n=3, cutoff=0.4)
        raise UsageError(
            f"tissue {name!r}: not in the library. " + (f"Did you mean {', '.join(near)}?" if near else "See tissue_names().")
        )
    row = RECORDS[name]
    conductivity, permittivity = row.electric or (None, None)
    return Tissue(
        name=name,
        t1_s=row.t1_s,
        t2_s=row.t2_s,
        t2_prime_s=1 / (1 / row.t2_star_s - 1 / row.t2_s),
        proton_density=row.density,
        chemical_shift_ppm=row.shift_ppm,
        susceptibility_ppm=row.chi_ppm,
        diffusivity_m2_per_s=row.diffusivity_m2_per_s,
        species=tuple(Species(shift_ppm=shift, fraction=share) for shift, share in row.lines),
        t1rho_s=row.t1rho_s,
        perfusion=_perfusion(row),
        oxygenation=row.oxygenation,
        stiffness_Pa=row.stiffness_Pa,
        temperature_K=row.temperature_K,
        conductivity_S_per_m=conductivity,
        relative_permittivity=permittivity,
        source=row.source,
    )


def tissue_names() -> tuple[str, ...]:
    """All tissues of the library."""
    return tuple(RECORDS)


def with_bound_pool(tissue: Tissue) -> Tissue:
    """The tissue with the bound pool that the library knows for its name, for sequences that saturate it.

    Errors: UsageError where it knows none.
    """
    bound = RECORDS[tissue.name].macromolecules if tissue.name in RECORDS else None
    if bound is None:
        raise UsageError(f"tissue {tissue.name!r}: the library knows no bound pool of it. Give it a Pool of your own.")
    fraction, exchange, t2_s = bound
    pool = Pool(
        name="macromolecules", fraction=fraction, t1_s=1.0, t2_s=t2_s, exchange_per_s=exchange, lineshape="super-lorentzian"
    )
    return replace(tissue, pools=(pool,))


def water_variant(tissue: Tissue, change: float) -> Tissue:
    """The tissue a little wetter (change > 0) or drier: T1, T2 and T2' times 1 + change, and the water that goes with that T1.

    Water exchanges fast between free and bound, so that 1 / T1 = 1 / T1 free + k (1 / w - 1) in its water content w, with the k
    that the tissue itself has. Named "NAME +" and "NAME -". Source: Fatouros and Marmarou 1999, J Neurosurg 90:109, whose law
    this is. Tissues with a T1 or a density near those of free water keep their density.
    """
    density, t1_s = tissue.proton_density, tissue.t1_s * (1 + change)
    if 0 < density < 1 and max(t1_s, tissue.t1_s) < 0.9 * _FREE_WATER_T1_S:
        slope = (1 / tissue.t1_s - 1 / _FREE_WATER_T1_S) / (1 / density - 1)
        density = 1 / (1 + (1 / t1_s - 1 / _FREE_WATER_T1_S) / slope)
    return replace(
        tissue,
        name=f"{tissue.name} {'+' if change > 0 else '-'}",
        t1_s=t1_s,
        t2_s=tissue.t2_s * (1 + change),
        t2_prime_s=tissue.t2_prime_s * (1 + change),
        proton_density=density,
        t1rho_s=None if tissue.t1rho_s is None else tissue.t1rho_s * (1 + change),
    )


def _perfusion(row: TissueRecord) -> Perfusion | None:
    blood = row.blood
    if blood is None:
        return None
    return Perfusion(
        flow_per_s=blood.flow_ml_100ml_min / 6000,
        transit_s=blood.transit_s,
        blood_fraction=blood.volume,
        transfer_per_s=blood.transfer_per_min / 60,
        extravascular_fraction=blood.extravascular,
        plasma_fraction=blood.plasma,
    )
