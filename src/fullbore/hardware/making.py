"""From a design to what a workshop needs beside its drawings: formers, amounts and masses, and how far another field is off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from fullbore.data import Magnet, Winding
from fullbore.errors import LimitError
from fullbore.hardware.gradient.brief import Conductor, GradientBrief
from fullbore.hardware.gradient.contours import SheetCurrent
from fullbore.hardware.gradient.figures import local_widths
from fullbore.hardware.magnet.conductor import Wire
from fullbore.hardware.magnet.figures import conductor_of_m
from fullbore.hardware.shim import ShimTrays

# kg/m3 at 20 C: copper; niobium-titanium (47 % titanium); aluminium; glass cloth in epoxy, and filled epoxy: common values.
COPPER, NIOBIUM_TITANIUM, ALUMINIUM, GLASS_EPOXY, FILLED_EPOXY = 8960.0, 6000.0, 2700.0, 1850.0, 1750.0
# Choices: walls of the formers, of a magnet's spool and its flanges.
_FORMER_M, _SPOOL_M, _FLANGE_M = 5e-3, 20e-3, 15e-3
Item = tuple[str, float, str, float, str]
Profile = Float[np.ndarray, "p 2"]


def field_error(wanted_T: np.ndarray, got_T: np.ndarray) -> float:
    """Largest difference as a share of the largest field wanted."""
    return float(np.abs(got_T - wanted_T).max() / np.abs(wanted_T).max())


def ring(inner_m: float, outer_m: float, low_m: float, high_m: float) -> Profile:
    """A rectangle (radius, z), counter-clockwise."""
    return np.array([[inner_m, low_m], [outer_m, low_m], [outer_m, high_m], [inner_m, high_m]])


def ring_volume_m3(profile_m: Profile) -> float:
    """Of a closed profile (radius, z) turned about z; counter-clockwise is positive."""
    r, z = profile_m.T
    after, rise = np.roll(r, -1), np.roll(z, -1) - z
    return float(np.pi * np.sum((r**2 + r * after + after**2) / 3 * rise))


def gradient_formers(brief: GradientBrief) -> dict[str, Profile]:
    """Cylinders that carry a set of coils: one within all primaries, one around all shields; the walls are a choice."""
    half = brief.conductor.thickness_m / 2
    cylinders = [brief.cylinders(axis) for axis in "xyz"]
    inner = min(own.primary_radius_m for own in cylinders) - half
    outer = max(own.shield_radius_m for own in cylinders) + half
    short = max(own.primary_length_m for own in cylinders) / 2
    long = max(own.shield_length_m for own in cylinders) / 2
    return {
        "former-primary": ring(inner - _FORMER_M, inner, -short, short),
        "former-shield": ring(outer, outer + _FORMER_M, -long, long),
    }


def gradient_bill(
    tracks_m: dict[str, np.ndarray], sheets: dict[str, tuple[SheetCurrent, ...]], brief: GradientBrief
) -> list[Item]:
    """Copper per axis (closed tracks), formers, and the resin that fills what is left between them."""
    rows: list[Item] = []
    copper_m3 = 0.0
    for axis, track in tracks_m.items():
        lengths = np.linalg.norm(np.diff(track, axis=0), axis=1)
        widths = local_widths(track, sheets[axis], brief.conductor)
        volume = float((lengths * widths).sum()) * brief.conductor.thickness_m
        copper_m3 += volume
        note = f"{1e3 * widths.min():.3g} to {1e3 * widths.max():.3g} mm wide, {1e3 * brief.conductor.thickness_m:.3g} mm thick"
        rows.append((f"copper track {axis}", float(lengths.sum()), "m", volume * COPPER, note))
    formers = gradient_formers(brief)
    for name, profile in formers.items():
        across = f"{2e3 * profile[0, 0]:.1f} / {2e3 * profile[1, 0]:.1f} mm"
        note = f"glass-epoxy tube, {across}, {1e3 * np.ptp(profile[:, 1]):.0f} mm long"
        rows.append((name, 1.0, "piece", ring_volume_m3(profile) * GLASS_EPOXY, note))
    low, high = formers["former-primary"], formers["former-shield"]
    between = np.pi * (high[0, 0] ** 2 - low[1, 0] ** 2) * float(np.ptp(low[:, 1])) - copper_m3
    rows.append(("filled epoxy", between, "m3", between * FILLED_EPOXY, "all between the formers that is no copper; no cooling"))
    return rows


def surface_bill(
    axis: str, track_m: np.ndarray, widths_m: np.ndarray, areas_m2: dict[str, float], conductor: Conductor
) -> list[Item]:
    """Copper of one closed track, whose pieces have those widths, and shells that carry it."""
    lengths = np.linalg.norm(np.diff(track_m, axis=0), axis=1)
    mass = float((lengths * widths_m).sum()) * conductor.thickness_m * COPPER
    note = f"{1e3 * widths_m.min():.3g} to {1e3 * widths_m.max():.3g} mm wide, {1e3 * conductor.thickness_m:.3g} mm thick"
    rows: list[Item] = [(f"copper track {axis}", float(lengths.sum()), "m", mass, note)]
    shell = f"glass-epoxy shell as drawn, {1e3 * _FORMER_M:.3g} mm thick"
    return rows + [(name, area, "m2", area * _FORMER_M * GLASS_EPOXY, shell) for name, area in areas_m2.items()]


def magnet_profiles(magnet: Magnet) -> dict[str, Profile]:
    """Section of every winding, by its name."""
    return {w.name: _section(w) for w in magnet.windings}


def _section(w: Winding) -> Profile:
    return ring(w.inner_radius_m, w.outer_radius_m, w.centre_m - w.length_m / 2, w.centre_m + w.length_m / 2)


def magnet_spools(magnet: Magnet) -> dict[str, Profile]:
    """One spool per wire's group of windings, with a groove for each: barrel 20 mm under the deepest, ends 15 mm thick (choices).

    Errors: LimitError for windings of one group that overlap along z: no single spool holds them.
    """
    kinds = dict.fromkeys(w.wire for w in magnet.windings)
    return {f"spool-{kind}": _spool([w for w in magnet.windings if w.wire == kind]) for kind in kinds}


def _spool(windings: Sequence[Winding]) -> Profile:
    ordered = [_section(w) for w in sorted(windings, key=lambda w: w.centre_m)]
    bore = min(float(own[0, 0]) for own in ordered) - _SPOOL_M
    top = max(float(own[1, 0]) for own in ordered)
    low, high = float(ordered[0][0, 1]) - _FLANGE_M, float(ordered[-1][2, 1]) + _FLANGE_M
    corners = [(bore, low), (top, low)]
    for own in ordered:
        if not own[0, 1] > corners[-1][1]:
            raise LimitError(f"spool: a groove begins at z = {own[0, 1]:.4g} m in the one before it. Use two spools.")
        corners += [(top, own[0, 1]), (own[0, 0], own[0, 1]), (own[0, 0], own[2, 1]), (top, own[2, 1])]
    return np.array([*corners, (top, high), (bore, high)])


def magnet_bill(magnet: Magnet, wires: dict[str, Wire], spools: dict[str, Profile]) -> list[Item]:
    """Wire per winding with the masses of its metals, joints, spools. A winding whose wire is not named counts as primary."""
    rows: list[Item] = []
    for w in magnet.windings:
        wire = wires.get(w.wire) or wires["primary"]
        length, share = conductor_of_m(w), wire.copper_ratio / (1 + wire.copper_ratio)
        metal = length * wire.area_m2 * wire.metal_share
        mass = metal * (share * COPPER + (1 - share) * NIOBIUM_TITANIUM)
        size = f"{1e3 * wire.width_m:.3g} x {1e3 * wire.height_m:.3g} mm, copper ratio {wire.copper_ratio:g}"
        rows.append((f"NbTi wire, {w.name}", length, "m", mass, f"{size}, {abs(w.turns):.0f} turns"))
    joints = float(len(magnet.windings) - 1)
    rows.append(("superconducting joints", joints, "piece", 0.0, "between neighbours in series, each one length"))
    for name, profile in spools.items():
        rows.append((name, 1.0, "piece", ring_volume_m3(profile) * ALUMINIUM, "aluminium"))
    return rows


def windings_at(magnet: Magnet, profiles_m: dict[str, Profile]) -> Float[np.ndarray, "n 5"]:
    """Sections, as `Magnet.sections`, of the magnet's turns wound where the profiles say: four corners each, by name."""
    rows = []
    for w in magnet.windings:
        (inner, low), (outer, high) = profiles_m[w.name].min(axis=0), profiles_m[w.name].max(axis=0)
        rows.append((inner, outer, low, high, w.turns * magnet.current_A / ((outer - inner) * (high - low))))
    return np.array(rows, dtype=np.float64)


def windings_in_grooves(magnet: Magnet, corners_m: Float[np.ndarray, "c 2"]) -> dict[str, Profile]:
    """Profiles of the windings as they lie in grooves: floor and sides from the nearest corners of spools, build as wound."""
    found = {}
    for w in magnet.windings:
        wanted = _section(w)[[0, 3]]
        distance = np.linalg.norm(corners_m[:, None] - wanted, axis=2)
        low, high = corners_m[distance.argmin(axis=0)]
        floor = float(low[0] + high[0]) / 2
        found[w.name] = ring(floor, floor + w.outer_radius_m - w.inner_radius_m, float(low[1]), float(high[1]))
    return found


def shim_bill(sheets: np.ndarray, trays: ShimTrays) -> list[Item]:
    """Iron per tray."""
    size = f"{1e3 * trays.sheet_length_m:g} x {1e3 * trays.sheet_width_m:g} x {1e3 * trays.sheet_thickness_m:g} mm"
    return [
        (f"iron sheets, tray {number}", float(row.sum()), "piece", float(row.sum()) * trays.sheet_kg, size)
        for number, row in enumerate(sheets, start=1)
    ]
