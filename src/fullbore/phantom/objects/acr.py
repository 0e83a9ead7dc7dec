"""The large phantom of the American College of Radiology, with the inserts of its seven tests.

Sources: Phantom Test Guidance for the ACR MRI Accreditation Program (large phantom, 2018) and the maker's overview: inside
190 mm by 148 mm; eleven slices of 5 mm with 5 mm gaps; holes of 1.1, 1.0 and 0.9 mm at twice their diameter; ramps of 1 to 10;
crossed wedges of 45 degrees; a 10 by 10 grid of 144 mm, 10 mm thick; ten spokes of three discs from 7.0 to 1.5 mm at contrasts
of 1.4, 2.5, 3.6 and 5.1 %; 10 mmol/l nickel chloride. Places of the inserts across the slices, walls and the thickness of
films are ours: the guidance shows them in pictures only.
"""

from __future__ import annotations

import numpy as np

from fullbore.data import Tissue
from fullbore.phantom.body import Body, Layer
from fullbore.phantom.fill import mixed
from fullbore.phantom.primitives import box, cylinder, extruded, pins
from fullbore.phantom.shape import Shape, placed, rotation, union

RADIUS_M, HALF_LENGTH_M = 0.095, 0.074
SLICE_STEP_M = 0.010
HOLES_M = (1.1e-3, 1.0e-3, 0.9e-3)
CONTRASTS = (0.014, 0.025, 0.036, 0.051)
DISC_DIAMETERS_M = tuple(np.linspace(7.0e-3, 1.5e-3, 10))
DISC_PLACES_M = (0.0128, 0.0255, 0.0383)
GRID_M, GRID_CELLS, GRID_WALL_M = 0.144, 10, 1.5e-3

# Between the nickel chloride spheres of Stupic 2021 (8.3 and 11.9 mmol/l, concentrations from memory), linear in the rates.
SOLUTION = Tissue(
    name="nickel chloride", t1_s=0.148, t2_s=0.107, t2_prime_s=10.0, proton_density=1.0, diffusivity_m2_per_s=2.0e-9,
    temperature_K=293.15, conductivity_S_per_m=1.0, relative_permittivity=78.0,
    source="10 mmol/l NiCl2: T1, T2 interpolated from Stupic 2021 at 3 T, 20 C; rest not verified",
)  # fmt: skip


def acr_large() -> Body:
    """The phantom, its axis along z, slice 1 at z = -50 mm and slice 11 at +50 mm, chin marks to the patient's front (-y).

    Truths: inner length and diameter, hole sizes, contrasts, and the z of every slice.
    """
    inside = cylinder((0, 0, -HALF_LENGTH_M), (0, 0, HALF_LENGTH_M), RADIUS_M)
    wall = cylinder((0, 0, -HALF_LENGTH_M - 8e-3), (0, 0, HALF_LENGTH_M + 8e-3), RADIUS_M + 7e-3)
    layers = [
        Layer(shape=wall, fill="acrylic", organ="wall"),
        Layer(shape=inside, fill=SOLUTION, organ="solution"),
        Layer(shape=_grid(slice_m(5)) & inside, fill="acrylic", organ="grid"),
        *_thickness_insert(slice_m(1), inside),
        *_resolution_insert(slice_m(1)),
        *(_wedges(slice_m(number), inside) for number in (1, 11)),
        *(_contrast_sheet(number, contrast) for number, contrast in zip((8, 9, 10, 11), CONTRASTS, strict=True)),
    ]
    truths = {
        "inner_length_m": 2 * HALF_LENGTH_M,
        "inner_diameter_m": 2 * RADIUS_M,
        "ramp_slope": 0.1,
        "grid_pitch_m": GRID_M / GRID_CELLS,
    }
    truths |= {f"slice_{number}_z_m": slice_m(number) for number in range(1, 12)}
    truths |= {f"contrast_slice_{number}": c for number, c in zip((8, 9, 10, 11), CONTRASTS, strict=True)}
    return Body(
        name="ACR large phantom", layers=tuple(layers), truths=truths, shim_over=("nickel chloride",), source="ACR guidance 2018"
    )


def slice_m(number: int) -> float:
    """Where the middle of a slice of the protocol (1 to 11) lies, z in metres."""
    return (number - 6) * SLICE_STEP_M


def _grid(z: float) -> Shape:
    half, pitch = GRID_M / 2, GRID_M / GRID_CELLS

    def distance(points: np.ndarray) -> np.ndarray:
        offset = points[:, :2] + half
        line = np.abs(offset - pitch * np.clip(np.rint(offset / pitch), 0, GRID_CELLS)) - GRID_WALL_M / 2
        over = np.abs(points) - (half + GRID_WALL_M / 2, half + GRID_WALL_M / 2, 0)
        return np.maximum(np.maximum(line.min(axis=1), over[:, :2].max(axis=1)), np.abs(points[:, 2] - z) - 5e-3)

    reach = half + GRID_WALL_M
    return Shape(distance=distance, low_m=(-reach, -reach, z - 5e-3), high_m=(reach, reach, z + 5e-3))


def _thickness_insert(z: float, inside: Shape) -> list[Layer]:
    """A bar with two films of solution that climb 1 in 10 along x, in opposite directions, 10 mm wide each."""
    bar = box((0, 0, z), (0.3, 0.024, 0.022)) & inside
    ramps = union(*(
        placed(box((0, 0, 0), (0.21, 0.010, 1.0e-3)), (0, side * 5.5e-3, z), rotation((0, 1, 0), side * np.arctan(0.1)))
        for side in (-1, 1)
    ))  # fmt: skip
    return [Layer(shape=bar, fill="acrylic", organ="ramp bar"), Layer(shape=ramps & bar, fill=SOLUTION, organ="ramps")]


def _resolution_insert(z: float) -> list[Layer]:
    centres, radii = resolution_holes()
    block = box((0, 0.045, z), (0.090, 0.024, 0.011))
    holes = pins(centres, radii, z - 5.5e-3, z + 5.5e-3)
    return [
        Layer(shape=block, fill="acrylic", organ="resolution insert"),
        Layer(shape=holes, fill=SOLUTION, organ="resolution holes"),
    ]


def resolution_holes() -> tuple[np.ndarray, np.ndarray]:
    """Centres (x, y) and radii (m) of the holes: for each diameter two arrays of 4 by 4 that share a corner hole.

    Rows of the upper left array step sideways, columns of the lower right one downward, by a quarter of a pitch in all.
    """
    centres, radii = [], []
    for middle, diameter in zip((-0.027, 0.0, 0.027), HOLES_M, strict=True):
        pitch, step = 2 * diameter, diameter / 8
        for array in (-1, 1):
            for i in range(4):
                for j in range(4):
                    if array == 1 and i == j == 0:
                        continue
                    x, y = (i * pitch, j * pitch) if array == 1 else (-i * pitch, -j * pitch)
                    shift = (0.0, i * step) if array == 1 else (-j * step, 0.0)
                    centres.append((middle + x + shift[0], 0.045 + y + shift[1]))
                    radii.append(diameter / 2)
    return np.array(centres), np.array(radii)


def _wedges(z: float, inside: Shape) -> Layer:
    """Two wedges side by side at the front, 45 degrees each way, whose edges meet at y = -70 mm in the middle of the slice."""
    rise = 0.010
    profile = np.array([[-0.1, -rise], [-0.070 - rise, -rise], [-0.070 + rise, rise], [-0.1, rise]])
    # extruded along z, then turned so that (x, y, z) of the profile become y, z, x of the patient.
    frame = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])
    first = placed(extruded(profile, -7e-3, 0.0), (0, 0, z), frame)
    second = placed(extruded(profile * (1, -1), 0.0, 7e-3), (0, 0, z), frame)
    return Layer(shape=union(first, second) & inside, fill="acrylic", organ="wedges")


def contrast_discs(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Centres (x, y) and radii (m) of the thirty discs of slice 8 to 11; from slice to slice the spokes turn by 9 degrees."""
    angle = 2 * np.pi * np.arange(10) / 10 - np.pi / 2 + np.deg2rad(9) * (number - 8)
    places = np.array(DISC_PLACES_M)
    centres = np.stack([np.cos(angle)[:, None] * places, np.sin(angle)[:, None] * places], axis=-1).reshape(-1, 2)
    return centres, np.repeat(np.array(DISC_DIAMETERS_M) / 2, len(places))


def _contrast_sheet(number: int, contrast: float) -> Layer:
    """A thin sheet of plastic displaces a share of the slice's solution, but for its holes; here spread over the slice's 5 mm."""
    z = slice_m(number)
    centres, radii = contrast_discs(number)
    sheet = cylinder((0, 0, z - 2.5e-3), (0, 0, z + 2.5e-3), 0.045) - pins(centres, radii, z - 4e-3, z + 4e-3)
    return Layer(
        shape=sheet, fill=mixed(((SOLUTION, 1 - contrast), ("acrylic", contrast))), organ=f"contrast sheet, slice {number}"
    )
