"""What is true of a body: labels, property maps and volumes, on any grid and at any time, straight from its description."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

from fullbore.data import FitStatus, Grid, ParameterMap, ParameterMaps, Tissue
from fullbore.errors import UsageError
from fullbore.phantom.body import Body, families, family
from fullbore.phantom.sampling import body_grid, organ_shares, shares
from fullbore.phantom.spins import family_shares, mean_time

# A voxel is of one tissue when that fills this much of it.
PURE_SHARE = 0.98

_PLAIN: dict[str, tuple[str, Callable[[Tissue], float | None]]] = {
    "T2prime": ("s", lambda tissue: tissue.t2_prime_s),
    "T1rho": ("s", lambda tissue: tissue.t1rho_s),
    "susceptibility": ("ppm", lambda tissue: tissue.susceptibility_ppm),
    "ADC": ("m^2/s", lambda tissue: tissue.diffusivity_m2_per_s),
    "stiffness": ("Pa", lambda tissue: tissue.stiffness_Pa),
    "conductivity": ("S/m", lambda tissue: tissue.conductivity_S_per_m),
    "permittivity": ("1", lambda tissue: tissue.relative_permittivity),
    "perfusion": ("1/s", lambda tissue: tissue.perfusion.flow_per_s if tissue.perfusion else None),
    "transit": ("s", lambda tissue: tissue.perfusion.transit_s if tissue.perfusion else None),
    "Ktrans": ("1/s", lambda tissue: tissue.perfusion.transfer_per_s if tissue.perfusion else None),
    "temperature": ("K", lambda tissue: tissue.temperature_K),
    "oxygenation": ("1", lambda tissue: tissue.oxygenation),
    "fat": ("1", lambda tissue: sum(line.fraction for line in tissue.species if abs(line.shift_ppm) > 0.1)),
}

PROPERTIES = ("T1", "T2", "PD", *_PLAIN)


def organ_labels(body: Body, grid: Grid, time_s: float | int = 0.0, *, oversampling: int = 1) -> Int[np.ndarray, "z y x"]:
    """Segmentation, int16: 1 + the index into body.organs of what fills most of a voxel, 0 where that is less than half."""
    held = organ_shares(body, grid, time_s, oversampling=oversampling)
    return _labels(held)


def tissue_labels(body: Body, grid: Grid, time_s: float | int = 0.0, *, oversampling: int = 1) -> Int[np.ndarray, "z y x"]:
    """Segmentation by tissue, int16: 1 + the index into `families(body)`, 0 where less than half of the voxel is matter."""
    held = family_shares(body, shares(body, grid, time_s, oversampling=oversampling))
    return np.where(held.sum(axis=0) >= 0.5, held.argmax(axis=0) + 1, 0).astype(np.int16)


def property_maps(
    body: Body,
    grid: Grid,
    time_s: float | int = 0.0,
    *,
    names: tuple[str, ...] = ("T1", "T2", "PD"),
    oversampling: int = 1,
) -> ParameterMaps:
    """True maps of properties (of `PROPERTIES`) of the tissue that fills most of each voxel; NaN in air and where not known.

    T1 and T2 of a textured tissue: one over the mean rate of its variants, weighted with their protons; PD their mean.
    status: OK where that tissue fills 0.98 of the voxel, FAILED (mixed) in other matter, else BACKGROUND. std is 0.
    report: "tissues", and "tissue": index into it of each voxel, -1 in air. Errors: UsageError for an unknown property.
    """
    unknown = set(names) - set(PROPERTIES)
    if unknown:
        raise UsageError(f"property_maps: no property {', '.join(sorted(unknown))}; wanted some of {', '.join(PROPERTIES)}.")
    each = shares(body, grid, time_s, oversampling=oversampling)
    held = family_shares(body, each)
    largest, matter = held.argmax(axis=0), held.sum(axis=0) >= 0.5
    pure = matter & (np.take_along_axis(held, largest[None], axis=0)[0] >= PURE_SHARE)
    status = np.where(pure, FitStatus.OK, np.where(matter, FitStatus.FAILED, FitStatus.BACKGROUND)).astype(np.uint8)
    maps = []
    for name in names:
        value = np.full(grid.shape, np.nan, np.float32)
        for number, tissue in enumerate(families(body)):
            where = np.nonzero(matter & (largest == number))
            value[where] = _values(body, tissue, name, each[:, where[0], where[1], where[2]])
        std = np.where(np.isnan(value), np.nan, 0).astype(np.float32)
        maps.append(ParameterMap(name=name, value=value, std=std, unit=_unit(name)))
    report: dict[str, object] = {
        "tissues": list(families(body)),
        "tissue": np.where(matter, largest, -1).astype(np.int16),
        "body": body.name,
        "time_s": float(time_s),
    }
    return ParameterMaps(model="truth", maps=tuple(maps), status=status, grid=grid, report=report)


def organ_volumes(body: Body, where: float | Grid, time_s: float | int = 0.0, *, oversampling: int = 1) -> dict[str, float]:
    """Volume (m^3) in sight of every organ at a time, at a spacing over the body's box or on a grid that holds it."""
    grid = where if isinstance(where, Grid) else body_grid(body, float(where))
    held = organ_shares(body, grid, time_s, oversampling=oversampling).sum(axis=(1, 2, 3), dtype=np.float64)
    return {name: float(total) * grid.voxel_volume_m3 for name, total in zip(body.organs, held, strict=True)}


def tissue_volumes(body: Body, where: float | Grid, time_s: float | int = 0.0, *, oversampling: int = 1) -> dict[str, float]:
    """Volume (m^3) of every tissue at a time, variants of a textured one together."""
    grid = where if isinstance(where, Grid) else body_grid(body, float(where))
    held = family_shares(body, shares(body, grid, time_s, oversampling=oversampling)).sum(axis=(1, 2, 3), dtype=np.float64)
    return {name: float(total) * grid.voxel_volume_m3 for name, total in zip(families(body), held, strict=True)}


def empty_organs(body: Body, spacing_m: float) -> tuple[str, ...]:
    """Organs of which nothing is in sight at rest: covered by what was painted after them, or without an inside."""
    return tuple(name for name, volume in organ_volumes(body, spacing_m).items() if volume <= 0)


def _labels(held: np.ndarray) -> np.ndarray:
    largest = held.argmax(axis=0)
    share = np.take_along_axis(held, largest[None], axis=0)[0]
    return np.where((share > 0) & (held.sum(axis=0) >= 0.5), largest + 1, 0).astype(np.int16)


def _unit(name: str) -> str:
    return {"T1": "s", "T2": "s", "PD": "1"}[name] if name not in _PLAIN else _PLAIN[name][0]


def _values(body: Body, tissue: str, name: str, held: Float[np.ndarray, "tissue n"]) -> np.ndarray:
    members = [index for index, item in enumerate(body.tissues) if family(item.name) == tissue]
    own = held[members].astype(np.float64)
    if name in ("T1", "T2"):
        return mean_time(body, members, own, {"T1": "t1_s", "T2": "t2_s"}[name])
    if name == "PD":
        density = np.array([body.tissues[index].proton_density for index in members])
        return np.asarray(density @ own / own.sum(axis=0))
    value = _PLAIN[name][1](body.tissues[members[0]])
    return np.full(own.shape[1], np.nan if value is None else value)
