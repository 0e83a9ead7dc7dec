"""Everything a layout must obey, as values that are at most 0, with analytic slopes where fields are linear in the current."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from fullbore.hardware.magnet.brief import MagnetBrief
from fullbore.hardware.magnet.conductor import load_line_limit_A
from fullbore.hardware.magnet.energy import stored_energy_J, stored_energy_slopes
from fullbore.hardware.magnet.exterior import distant_field, distant_field_slopes
from fullbore.hardware.magnet.harmonics import solenoid_harmonic_slopes, solenoid_harmonics
from fullbore.hardware.magnet.layout import PRIMARY, Layout, both_halves, half_sections
from fullbore.hardware.magnet.loads import hoop_stresses_Pa, peak_fields_T

ORDER = 28
_POLAR, _ELLIPSE = 48, 25
_STEP_M = 1e-5
_FAR = 0.1
# Of the limits, kept in hand for what lies between the points that are looked at, and for what whole turns exceed them by: a
# winding is taken with up to 2 `GOOD_ENOUGH` of that.
IN_HAND = 0.02


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Constraints as values <= 0, in units of their limits. names: kind of each row. slopes: (row, variable)."""

    names: tuple[str, ...]
    values: np.ndarray
    slopes: np.ndarray


def homogeneity_rows(layout: Layout, brief: MagnetBrief) -> Rows:
    """Deviation of Bz from B0 over each ball's surface, where a harmonic function has its extremes; unit: half the limit."""
    half = half_sections(layout, brief)
    degrees = slice(0, ORDER + 1, 2)
    largest = max(ball.diameter_m for ball in brief.homogeneity) / 2
    coefficients = 2 * solenoid_harmonics(half, ORDER, largest)[degrees]
    moved = 2 * solenoid_harmonic_slopes(half, ORDER, largest)[degrees].reshape(len(coefficients), -1)
    total = coefficients.sum(axis=1)
    slopes = np.column_stack([moved, total / layout.current_scale])
    names, values, gradients = [], [], []
    for ball in brief.homogeneity:
        powers = (ball.diameter_m / 2 / largest) ** np.arange(ORDER + 1)[degrees]
        basis = _polar_basis()[:, degrees] * powers / brief.b0_T
        unit = ball.peak_to_peak / 2 * (1 - IN_HAND)
        deviation, gradient = (basis @ total - 1) / unit, basis @ slopes / unit
        values += [deviation - 1, -deviation - 1]
        gradients += [gradient, -gradient]
        names += [f"homogeneity over {ball.diameter_m * 100:.3g} cm"] * (2 * len(basis))
    return Rows(names=tuple(names), values=np.concatenate(values), slopes=np.concatenate(gradients))


def stray_rows(layout: Layout, brief: MagnetBrief) -> Rows:
    """|B| on the ellipse; on and beyond it |B| is largest on it, each component being harmonic."""
    half = half_sections(layout, brief)
    points = ellipse_points(brief)
    image = np.column_stack([points[:, 0], -points[:, 1]])
    flip = np.array([-1.0, 1.0])  # a mirrored coil's field at z is the coil's at -z with Br reversed
    field = (distant_field(points, half) + distant_field(image, half) * flip).sum(axis=1)
    slopes = distant_field_slopes(points, half) + distant_field_slopes(image, half) * flip[:, None]
    size = np.maximum(np.linalg.norm(field, axis=-1), 1e-9)
    moved = np.einsum("pc,pnce->pne", field / size[:, None], slopes).reshape(len(points), -1)
    limit = brief.stray.field_T * (1 - IN_HAND)
    return Rows(
        names=("stray field",) * len(points),
        values=size / limit - 1,
        slopes=np.column_stack([moved, size / layout.current_scale]) / limit,
    )


def load_values(layout: Layout, brief: MagnetBrief, blocks: np.ndarray | None = None) -> Float[np.ndarray, " q"]:
    """Load line of the chosen blocks (all unless given), then their hoop stress."""
    half = half_sections(layout, brief)
    chosen = np.arange(len(half)) if blocks is None else blocks
    every, current = both_halves(half), brief.current_A * layout.current_scale
    peaks = peak_fields_T(every, half[chosen])
    wires = [(brief.primary_wire if group == PRIMARY else brief.shield_wire).wire() for group in layout.group[chosen]]
    used = [current / load_line_limit_A(wire, current, float(peak)) for wire, peak in zip(wires, peaks, strict=True)]
    margin = np.array(used) / ((1 - brief.limits.load_line_margin) * (1 - IN_HAND)) - 1
    stress = hoop_stresses_Pa(every, half[chosen]) / (brief.limits.hoop_stress_Pa * (1 - IN_HAND)) - 1
    return np.concatenate([margin, stress])


def load_rows(layout: Layout, brief: MagnetBrief) -> Rows:
    """`load_values` with slopes by forward differences, 0 for blocks far from their limits.

    The point of the peak moves with the edges and the field has a kink there: no closed form stays true.
    """
    values, vector = load_values(layout, brief), layout.vector()
    blocks = len(layout.group)
    near = np.flatnonzero(values.reshape(2, blocks).max(axis=0) > -_FAR)
    chosen = np.concatenate([near, near + blocks])
    slopes = np.zeros((len(values), len(vector)))
    for index in range(len(vector) if len(near) else 0):
        moved = vector.copy()
        moved[index] += _STEP_M
        slopes[chosen, index] = (load_values(layout.at(moved), brief, near) - values[chosen]) / _STEP_M
    return Rows(names=("load line",) * blocks + ("hoop stress",) * blocks, values=values, slopes=slopes)


def total_rows(layout: Layout, brief: MagnetBrief) -> Rows:
    """Stored energy and conductor length."""
    half = half_sections(layout, brief)
    every = both_halves(half)
    energy = 2 * stored_energy_J(every, half)
    moved = 2 * stored_energy_slopes(every, half).ravel()
    length, length_slopes = conductor_length_m(layout, brief)
    most_J, most_m = _totals(brief)
    return Rows(
        names=("stored energy", "conductor length"),
        values=np.array([energy / most_J - 1, length / most_m - 1]),
        slopes=np.stack([np.append(moved, 2 * energy / layout.current_scale) / most_J, length_slopes / most_m]),
    )


def _totals(brief: MagnetBrief) -> tuple[float, float]:
    """Energy, J, and length of conductor, m, that a layout is held to."""
    return brief.limits.energy_J * (1 - IN_HAND), brief.limits.conductor_m * (1 - IN_HAND)


def conductor_length_m(layout: Layout, brief: MagnetBrief) -> tuple[float, Float[np.ndarray, " v"]]:
    """Length of all wire and its slopes: volume of the windings over the wire's area."""
    inner, outer, low, high = layout.edges_m.T
    areas = np.array([brief.primary_wire.wire().area_m2, brief.shield_wire.wire().area_m2])[layout.group]
    per = 2 * np.pi / areas  # both halves
    slopes = np.zeros((len(areas), 4))
    slopes[:, 0], slopes[:, 1] = -2 * inner * (high - low) * per, 2 * outer * (high - low) * per
    slopes[:, 3] = (outer**2 - inner**2) * per
    slopes[:, 2] = -slopes[:, 3]
    return float(((outer**2 - inner**2) * (high - low) * per).sum()), np.append(slopes.ravel(), 0.0)


def all_rows(layout: Layout, brief: MagnetBrief) -> Rows:
    """Every constraint that is not a bound or a distance."""
    parts = [rows(layout, brief) for rows in (homogeneity_rows, stray_rows, load_rows, total_rows)]
    return Rows(
        names=sum((part.names for part in parts), ()),
        values=np.concatenate([part.values for part in parts]),
        slopes=np.concatenate([part.slopes for part in parts]),
    )


def all_values(layout: Layout, brief: MagnetBrief) -> Float[np.ndarray, " q"]:
    """The values of `all_rows`."""
    half = half_sections(layout, brief)
    most_J, most_m = _totals(brief)
    energy = 2 * stored_energy_J(both_halves(half), half) / most_J - 1
    length = conductor_length_m(layout, brief)[0] / most_m - 1
    fields = [rows(layout, brief).values for rows in (homogeneity_rows, stray_rows)]
    return np.concatenate([*fields, load_values(layout, brief), [energy, length]])


def ellipse_points(brief: MagnetBrief) -> Float[np.ndarray, "p 2"]:
    """Points (r, z) on the upper quarter of the stray ellipse."""
    angle = np.linspace(0, np.pi / 2, _ELLIPSE)
    return np.column_stack([brief.stray.radius_m * np.sin(angle), brief.stray.axial_m * np.cos(angle)])


def _polar_basis() -> Float[np.ndarray, "p k"]:
    return np.asarray(np.polynomial.legendre.legvander(np.cos(np.linspace(0, np.pi / 2, _POLAR)), ORDER))
