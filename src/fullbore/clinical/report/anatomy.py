"""Pictures of volumes the way a radiologist hangs them: axial, sagittal, coronal; patient's left on the right side."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fullbore.data import Grid

INK = "#e8ecf1"


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
    thick = int(np.argmax(spacing))
    order = [axis for axis in range(3) if axis != thick]
    picture = np.moveaxis(volume, thick, 0)
    chosen = (
        np.unique(np.linspace(0, len(picture) - 1, min(most, len(picture)) + 2).round().astype(int)[1:-1])
        if len(picture) > most
        else range(len(picture))
    )
    flip = slice(None, None, -1) if thick != 0 else slice(None)
    return [(f"slice {i + 1}", picture[i][flip], spacing[order[0]] / spacing[order[1]]) for i in chosen]


def show(axes: Axes, picture: np.ndarray, aspect: float, low: float, high: float, cmap: str = "gray", title: str = "") -> object:
    """One cut on black."""
    shown = axes.imshow(picture, cmap=cmap, vmin=low, vmax=high, aspect=aspect, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_facecolor("black")
    if title:
        axes.set_title(title, color=INK, fontsize=9)
    return shown


def dark_figure(width: float, height: float) -> Figure:
    """A figure on black, laid out tightly; no global state."""
    return Figure(figsize=(width, height), facecolor="#0b0d10", layout="constrained")


def rows_of_cuts(rows: list[tuple[str, np.ndarray, float, float, str]], grid: Grid, unit: str = "") -> Figure:
    """Rows of the same cuts through several volumes, each (label, volume, low, high, colour map); a unit adds colour bars."""
    cuts = [montage_cuts(volume, grid) for _, volume, *_ in rows]
    columns = len(cuts[0])
    drawing = dark_figure(min(2.6 * columns + 0.8, 16), 2.9 * len(rows))
    grid_of_axes = drawing.subplots(len(rows), columns, squeeze=False)
    for line, ((label, _, low, high, cmap), row) in enumerate(zip(rows, cuts, strict=True)):
        for column, (name, picture, aspect) in enumerate(row):
            title = f"{label} · {name}" if column == 0 else name
            shown = show(grid_of_axes[line, column], picture, aspect, low, high, cmap, title)
        if unit:
            bar = drawing.colorbar(shown, ax=grid_of_axes[line, :].tolist(), shrink=0.8, pad=0.01)  # type: ignore[arg-type]
            bar.ax.tick_params(colors=INK, labelsize=8)
            bar.set_label(unit if "error" not in label else "%", color=INK, fontsize=8)
    return drawing
