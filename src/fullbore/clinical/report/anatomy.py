"""Pictures of volumes the way a radiologist hangs them: axial, sagittal, coronal; patient's left on the right side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from fullbore.data import Grid

INK, GROUND = "#e8ecf1", "#0b0d10"
DPI = 110
SCALE_IN = 0.85


def hang(values: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Volume turned to axes (S, P, L), each rising, and its spacing (S, P, L) in metres; for a nearly axis-aligned grid."""
    directions = grid.affine_m[:3, :3] / grid.spacing_m
    owner = np.argmax(np.abs(directions), axis=1)  # which index axis (x, y, z) runs along L, P, S
    turned = np.transpose(values, [2 - owner[2], 2 - owner[1], 2 - owner[0]])
    for position, patient in enumerate((2, 1, 0)):
        if directions[patient, owner[patient]] < 0:
            turned = np.flip(turned, position)
    return turned, grid.spacing_m[owner[[2, 1, 0]]]


def planes(values: np.ndarray, grid: Grid, at: tuple[int, int, int] | None = None) -> list[tuple[str, np.ndarray, float]]:
    """Axial, sagittal and coronal cut: name, picture, height of a pixel over its width; only cuts at least 16 pixels wide."""
    volume, spacing = hang(values, grid)
    s, p, left = at or tuple(n // 2 for n in volume.shape)
    cuts = [
        ("axial", volume[s], spacing[1] / spacing[2]),
        ("sagittal", volume[::-1, :, left], spacing[0] / spacing[1]),
        ("coronal", volume[::-1, p, :], spacing[0] / spacing[2]),
    ]
    return [cut for cut in cuts if min(cut[1].shape) >= 16]


def montage_cuts(values: np.ndarray, grid: Grid, most: int = 6) -> list[tuple[str, np.ndarray, float]]:
    """Cuts worth showing: three planes of a volume, or evenly chosen slices of a thick stack."""
    if min(values.shape) >= 16 and grid.spacing_m.max() < 2 * grid.spacing_m.min():
        return planes(values, grid)
    volume, spacing = hang(values, grid)
    thick = int(np.argmin(volume.shape) if min(volume.shape) < 16 else np.argmax(spacing))
    order = [axis for axis in range(3) if axis != thick]
    picture = np.moveaxis(volume, thick, 0)
    chosen = (
        np.unique(np.linspace(0, len(picture) - 1, min(most, len(picture)) + 2).round().astype(int)[1:-1])
        if len(picture) > most
        else range(len(picture))
    )
    flip = slice(None, None, -1) if thick != 0 else slice(None)
    return [(f"slice {i + 1}", picture[i][flip], spacing[order[0]] / spacing[order[1]]) for i in chosen]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """One cut and how to show it: aspect is the height of a pixel over its width; low and high are the window's ends."""

    values: np.ndarray
    aspect: float
    low: float
    high: float
    colours: str = "gray"
    title: str = ""
    unit: str = ""

    def pixels(self, height: int, width: int) -> np.ndarray:
        """RGB (height, width, 3), nearest neighbour."""
        row = (np.arange(height) * self.values.shape[0]) // height
        column = (np.arange(width) * self.values.shape[1]) // width
        shown = np.clip((self.values[np.ix_(row, column)] - self.low) / (self.high - self.low), 0, 1)
        return np.asarray(colormaps[self.colours](shown, bytes=True)[..., :3])


def mosaic(rows: list[list[Picture]], side_in: float) -> Figure:
    """Pictures on black, each fitted into a square of `side_in` inches, its title above, its scale (if it has a unit) beside."""
    margin, head = 0.08, 0.26
    aside = [SCALE_IN if any(row[i].unit for row in rows if i < len(row)) else 0.0 for i in range(max(map(len, rows)))]
    left = np.concatenate([[margin], margin + np.cumsum([side_in + margin + extra for extra in aside])])
    wide, high = float(left[-1]), len(rows) * (side_in + head + margin)
    drawing = Figure(figsize=(wide, high), facecolor=GROUND, dpi=DPI)
    canvas = np.empty((round(high * DPI), round(wide * DPI), 3), np.uint8)
    canvas[:] = np.round(255 * np.array(to_rgb(GROUND)))
    for line, row in enumerate(rows):
        top = line * (side_in + head + margin) + head
        for column, picture in enumerate(row):
            shape = np.array([picture.values.shape[0] * picture.aspect, picture.values.shape[1]])
            height, width = np.maximum((shape / shape.max() * side_in * DPI).astype(int), 1)
            y, x = round(top * DPI), round(left[column] * DPI + 0.5 * (side_in * DPI - width))
            canvas[y : y + height, x : x + width] = picture.pixels(int(height), int(width))
            where = ((left[column] + 0.5 * side_in) / wide, 1 - (top - 0.07) / high)
            drawing.text(*where, picture.title, color=INK, fontsize=9, ha="center", va="bottom")
            if picture.unit:
                right, bottom = left[column] + side_in + margin, high - top - 0.9 * side_in
                _scale(drawing, picture, (right / wide, bottom / high, 0.12 / wide, 0.8 * side_in / high))
    drawing.figimage(canvas)
    return drawing


def _scale(drawing: Figure, picture: Picture, box: tuple[float, float, float, float]) -> None:
    axis = drawing.add_axes(box)
    ramp = np.linspace(picture.low, picture.high, 128)[:, None]
    axis.imshow(
        ramp, cmap=picture.colours, aspect="auto", origin="lower", extent=(0.0, 1.0, float(picture.low), float(picture.high))
    )
    axis.set_xticks([])
    axis.yaxis.tick_right()
    axis.tick_params(colors=INK, labelsize=8)
    axis.yaxis.set_label_position("right")
    axis.set_ylabel(picture.unit, color=INK, fontsize=8)


def rows_of_cuts(rows: list[tuple[str, np.ndarray, float, float, str]], grid: Grid, unit: str = "") -> Figure:
    """The same cuts through several volumes, each (label, volume, low, high, colour map); a unit adds colour scales.

    A volume a row; volumes of a single cut share one row.
    """
    pictures = []
    for label, volume, low, high, colours in rows:
        cuts = montage_cuts(volume, grid)
        scaled = ("%" if "error" in label else unit) if unit else ""
        pictures.append(
            [
                Picture(
                    values=values, aspect=aspect, low=low, high=high, colours=colours,
                    title=label if len(cuts) == 1 else f"{label} · {name}" if number == 0 else name,
                    unit=scaled if number == len(cuts) - 1 else "",
                )
                for number, (name, values, aspect) in enumerate(cuts)
            ]
        )  # fmt: skip
    if len(pictures[0]) == 1:
        pictures = [[row[0] for row in pictures]]
    return mosaic(pictures, 2.5)
