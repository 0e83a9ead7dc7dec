"""The seven tests of the ACR large phantom, each from the pictures of its slices to readings and marks.

Source of the tests: Phantom Test Guidance for the ACR MRI Accreditation Program. Limits as in the reference on acceptance: those
that were read in a source are SOURCED, others carry their mark. Places of inserts are those of the phantom that is measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.clinical.acceptance.contrast import DETECTED, complete_spokes, disc_scores
from fullbore.clinical.acceptance.geometry import chord_m, grid_crossings_m, grid_distortion, length_m
from fullbore.clinical.acceptance.ghosting import signal_ghosting
from fullbore.clinical.acceptance.plane import Mark, Plane, centre_of
from fullbore.clinical.acceptance.position import bar_difference_m
from fullbore.clinical.acceptance.reading import CHOICE, MEMORY, SOURCED, Reading
from fullbore.clinical.acceptance.resolution import SEEN, finest_hole_m, row_modulation
from fullbore.clinical.acceptance.thickness import full_width_m, ramp_thickness_m
from fullbore.clinical.acceptance.uniformity import integral_uniformity, peak_deviation

DIAMETER_M, OUTER_RADIUS_M = 0.190, 0.102
GRID_PITCH_M, GRID_CELLS, GRID_WITHIN_M = 0.0144, 10, 0.075
RAMP_Y_M, RAMP_SLOPE, RAMP_HALF_WIDTH_M = 5.5e-3, 0.1, 3.0e-3
BARS_X_M, BARS_Y_M = ((-5.5e-3, -1.5e-3), (1.5e-3, 5.5e-3)), (-0.085, -0.055)
HOLES_M, HOLES_X_M, HOLES_Y_M = (1.1e-3, 1.0e-3, 0.9e-3), (-0.027, 0.0, 0.027), 0.045
DISC_DIAMETERS_M = tuple(np.linspace(7.0e-3, 1.5e-3, 10))
DISC_PLACES_M = (0.0128, 0.0255, 0.0383)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class View:
    """A picture, where there is one, with what was measured on it."""

    title: str
    plane: Plane | None
    readings: tuple[Reading, ...]
    marks: tuple[Mark, ...] = ()


def geometric_accuracy(plane: Plane) -> View:
    """Test 1: the inner diameter along four directions, on slice 5."""
    centre = centre_of(plane)
    readings, marks = [], []
    for degrees in (0, 45, 90, 135):
        ends = chord_m(plane, centre, float(np.deg2rad(degrees)), 0.120)
        error = 1e3 * (length_m(ends) - DIAMETER_M)
        reading = Reading(
            test="ACR geometric accuracy", name=f"diameter at {degrees} deg, error", value=error, unit="mm", low=-2.0, high=2.0,
            note="true 190 mm",
        )  # fmt: skip
        readings.append(reading)
        marks.append(Mark(kind="line", points_m=ends, good=bool(reading.passed)))
    return View(title="ACR slice 5: diameters", plane=plane, readings=tuple(readings), marks=tuple(marks))


def grid_view(plane: Plane) -> View:
    """NEMA MS 2 on the grid of slice 5: scale and displacement of its crossings."""
    true, found = grid_crossings_m(plane, centre_of(plane), GRID_PITCH_M, GRID_CELLS, GRID_WITHIN_M)
    scale, largest, error = grid_distortion(true, found)
    readings = (
        Reading(test="NEMA MS 2", name="scale of the grid, error", value=100 * (scale - 1), unit="%", low=-1.0, high=1.0,
                basis=CHOICE, note="2 mm over 190 mm, about 1 %"),
        Reading(test="NEMA MS 2", name="largest displacement of a crossing", value=1e3 * largest, unit="mm", high=1.0,
                basis=CHOICE, note=f"{len(true)} crossings within {GRID_WITHIN_M * 1e3:.0f} mm"),
    )  # fmt: skip
    places = true + np.array(centre_of(plane))
    marks = tuple(
        Mark(kind="line", points_m=((float(x), float(y)), (float(x + 10 * dx), float(y + 10 * dy))))
        for (x, y), (dx, dy) in zip(places, error, strict=True)
    )
    return View(title="ACR slice 5: grid, displacements tenfold", plane=plane, readings=readings, marks=marks)


def resolution_view(plane: Plane) -> View:
    """Test 2: finest holes told apart, rows across (upper left arrays) and columns along (lower right ones), on slice 1."""
    middle = centre_of(plane)
    found: dict[int, dict[float, float]] = {0: {}, 1: {}}
    marks = []
    for diameter, x in zip(HOLES_M, HOLES_X_M, strict=True):
        for axis in (0, 1):
            rows = [_row(diameter, axis, line) + (x + middle[0], HOLES_Y_M + middle[1]) for line in range(4)]
            found[axis][diameter] = max(row_modulation(plane, row) for row in rows)
            ends = np.concatenate(rows)
            low, high = ends.min(axis=0) - diameter, ends.max(axis=0) + diameter
            corners = ((float(low[0]), float(low[1])), (float(high[0]), float(high[1])))
            marks.append(Mark(kind="box", points_m=corners, good=found[axis][diameter] >= SEEN))
    readings = tuple(
        Reading(
            test="ACR high-contrast resolution", name=f"finest holes told apart, {name}", value=1e3 * finest_hole_m(found[axis]),
            unit="mm", high=1.0,
            note="modulation " + ", ".join(f"{d * 1e3:.1f} mm: {m:.2f}" for d, m in found[axis].items()),
        )
        for axis, name in ((0, "across"), (1, "along"))
    )  # fmt: skip
    return View(title="ACR slice 1: resolution", plane=plane, readings=readings, marks=tuple(marks))


def _row(diameter_m: float, axis: int, line: int) -> np.ndarray:
    """Holes (4, 2) of a row of an upper left array (axis 0) or of a column of a lower right one (axis 1), from their corner."""
    run, aside = 2 * diameter_m * np.arange(4), line * 2 * diameter_m
    slip = line * diameter_m / 8
    if axis == 0:
        return np.stack([-run - slip, np.full(4, -aside)], axis=1)
    return np.stack([np.full(4, aside), run + slip], axis=1)


def thickness_view(plane: Plane, nominal_m: float = 5e-3) -> View:
    """Test 3 and NEMA MS 5: lengths of the two ramps of slice 1."""
    (cx, cy), step = centre_of(plane), 0.1 * min(plane.pixel_m)
    x = np.arange(cx - 0.075, cx + 0.075, step)
    lengths, marks = [], []
    for side in (-1, 1):
        y = cy + side * RAMP_Y_M + np.linspace(-RAMP_HALF_WIDTH_M, RAMP_HALF_WIDTH_M, 7)
        profile = plane.at(*(np.ascontiguousarray(part) for part in np.meshgrid(x, y))).mean(axis=0)
        first, last = full_width_m(x, profile)
        lengths.append(last - first)
        marks.append(Mark(kind="line", points_m=((first, cy + side * RAMP_Y_M), (last, cy + side * RAMP_Y_M))))
    value = 1e3 * ramp_thickness_m(lengths[0], lengths[1], RAMP_SLOPE)
    nominal = 1e3 * nominal_m
    note = f"ramps {lengths[0] * 1e3:.1f} and {lengths[1] * 1e3:.1f} mm"
    reading = Reading(
        test="ACR slice thickness, NEMA MS 5", name="slice thickness", value=value, unit="mm", low=nominal - 0.7,
        high=nominal + 0.7, basis=MEMORY, note=note,
    )  # fmt: skip
    return View(title="ACR slice 1: slice thickness", plane=plane, readings=(reading,), marks=tuple(marks))


def position_view(plane: Plane, number: int) -> View:
    """Test 4: the difference of the wedges' bars, on slice 1 or 11."""
    (cx, cy), bars = centre_of(plane), BARS_X_M
    left, right = ((low + cx, high + cx) for low, high in bars)
    difference, marks = bar_difference_m(plane, left, right, (BARS_Y_M[0] + cy, BARS_Y_M[1] + cy))
    reading = Reading(
        test="ACR slice position", name=f"bar difference, slice {number}", value=1e3 * difference, unit="mm", low=-5.0, high=5.0,
        basis=MEMORY, note="twice the slice's error",
    )  # fmt: skip
    return View(title=f"ACR slice {number}: position", plane=plane, readings=(reading,), marks=marks)


def uniformity_view(plane: Plane, what: str, b0_T: float = 3.0, binding: bool = True, note: str = "") -> View:
    """Test 5 and NEMA MS 3, on slice 7: within 80 mm for ACR (200 cm^2), within three quarters of the area for NEMA."""
    centre = centre_of(plane)
    value, dark, bright = integral_uniformity(plane, plane.disc(centre, 0.080))
    deviation = peak_deviation(plane, plane.disc(centre, np.sqrt(0.75) * DIAMETER_M / 2))
    low = (82.0 if b0_T >= 2.9 else 87.5) if binding else None
    readings = (
        Reading(test="ACR uniformity", name=f"PIU, {what}", value=value, unit="%", low=low, note=note),
        Reading(test="NEMA MS 3", name=f"peak deviation, {what}", value=deviation, unit="%", basis=MEMORY,
                note="no limit in the standard"),
    )  # fmt: skip
    small = 5.6e-3
    marks = (
        Mark(kind="circle", points_m=(centre, (centre[0] + 0.080, centre[1]))),
        Mark(kind="circle", points_m=(dark, (dark[0] + small, dark[1])), good=False),
        Mark(kind="circle", points_m=(bright, (bright[0] + small, bright[1]))),
    )
    return View(title=f"ACR slice 7: uniformity, {what}", plane=plane, readings=readings, marks=marks)


def ghosting_view(plane: Plane) -> View:
    """Test 6: percent signal ghosting, on slice 7."""
    value, marks = signal_ghosting(plane, centre_of(plane), OUTER_RADIUS_M)
    reading = Reading(test="ACR ghosting", name="PSG", value=value, unit="%", high=2.5)
    return View(title="ACR slice 7: ghosting", plane=plane, readings=(reading,), marks=marks)


def contrast_discs_m(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Centres (30, 2) and radii (30,) of the discs of slice 8 to 11, spoke after spoke, the largest first."""
    angle = 2 * np.pi * np.arange(10) / 10 - np.pi / 2 + np.deg2rad(9) * (number - 8)
    places = np.array(DISC_PLACES_M)
    centres = np.stack([np.cos(angle)[:, None] * places, np.sin(angle)[:, None] * places], axis=-1).reshape(-1, 2)
    return centres, np.repeat(np.array(DISC_DIAMETERS_M) / 2, len(places))


def contrast_view(plane: Plane, number: int, noise: float) -> tuple[View, int]:
    """Test 7 on one slice: complete spokes, and the picture. noise: standard deviation of a pixel within the sheet."""
    centre = np.array(centre_of(plane))
    centres, radii = contrast_discs_m(number)
    seen = disc_scores(plane, centres + centre, radii, noise) > DETECTED
    spokes = complete_spokes(seen)
    marks = tuple(
        Mark(kind="circle", points_m=((float(x), float(y)), (float(x + r), float(y))), good=bool(good))
        for (x, y), r, good in zip(centres + centre, radii, seen, strict=True)
    )
    reading = Reading(test="ACR low contrast", name=f"spokes, slice {number}", value=float(spokes), unit="of 10", note="")
    return View(title=f"ACR slice {number}: low contrast", plane=plane, readings=(reading,), marks=marks), spokes


def contrast_total(spokes: int, slices: int) -> Reading:
    """Test 7: at least 37 spokes of 40 at 3 T; of fewer slices the figure informs only."""
    whole = slices == 4
    return Reading(
        test="ACR low contrast", name=f"spokes in all, {slices} slices", value=float(spokes), unit=f"of {10 * slices}",
        low=37.0 if whole else None, basis=SOURCED, note=f"a disc counts from {DETECTED:g} standard deviations (a choice)",
    )  # fmt: skip
