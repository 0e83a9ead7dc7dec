"""The page of a transmit coil: its B1+ in a body, and what the body absorbs."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from fullbore.clinical.report.figure_names import told_figures
from fullbore.clinical.report.html import figure, page, table, verdict_word
from fullbore.clinical.report.magnet_page import Demand


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TransmitViews:
    """What the pictures show, ready to draw; volumes are (z, y, x).

    relative_b1: |B1+| over nominal, NaN in air. channels: (channel, y, x), |B1+| of each channel alone in the axial plane.
    point_sar, local_sar: W/kg per uT^2 of each voxel, of 10 g cubes. electric: |E|, V/m per uT. planes: index (z, y, x) of the
    three cuts. extent_m: ((z0, z1), (y0, y1), (x0, x1)), edges of the volume.
    """

    relative_b1: np.ndarray
    channels: np.ndarray
    electric: np.ndarray
    point_sar: np.ndarray
    local_sar: np.ndarray
    planes: tuple[int, int, int]
    extent_m: tuple[tuple[float, float], tuple[float, float], tuple[float, float]]


_CUTS = ((1, 2, "axial"), (0, 2, "coronal"), (0, 1, "sagittal"))
_LETTERS = ("S", "P", "L")


def transmit_figure(views: TransmitViews) -> Figure:
    """Three cuts of |B1+|, and of local SAR."""
    drawn = Figure(figsize=(11, 7.2), layout="constrained")
    axes = drawn.subplots(2, 3)
    for row, (values, map_name, title) in enumerate(
        (
            (views.relative_b1, "viridis", "|B1+| over its mean in the slab"),
            (np.where(np.isnan(views.relative_b1), np.nan, views.local_sar), "inferno", "10 g SAR (W/kg per µT²)"),
        )
    ):
        top = float(np.nanmax(values)) or 1.0
        for axis, cut in zip(axes[row], _CUTS, strict=True):
            shown = _cut(axis, values, views, cut, map_name, top)
            axis.set_title(f"{title}, {cut[2]}" if cut[2] == "axial" else cut[2], fontsize=9)
        drawn.colorbar(shown, ax=list(axes[row]), shrink=0.85)
    return drawn


def point_figure(views: TransmitViews) -> Figure:
    """Electric field and SAR of single voxels."""
    drawn = Figure(figsize=(11, 7.2), layout="constrained")
    axes = drawn.subplots(2, 3)
    air = np.isnan(views.relative_b1)
    for row, (values, title) in enumerate(
        ((views.electric, "|E| (V/m per µT)"), (views.point_sar, "SAR of voxels (W/kg per µT²)"))
    ):
        top = float(np.quantile(values[~air], 0.999)) or 1.0
        for axis, cut in zip(axes[row], _CUTS, strict=True):
            shown = _cut(axis, np.where(air, np.nan, values), views, cut, "inferno", top)
            axis.set_title(f"{title}, {cut[2]}" if cut[2] == "axial" else cut[2], fontsize=9)
        drawn.colorbar(shown, ax=list(axes[row]), shrink=0.85)
    return drawn


def channel_figure(views: TransmitViews) -> Figure:
    """|B1+| of each channel in the axial plane."""
    count = len(views.channels)
    drawn = Figure(figsize=(min(12, 3 * count), 3 * -(-count // 4)), layout="constrained")
    axes = np.atleast_1d(drawn.subplots(-(-count // 4), min(count, 4))).ravel()
    (y0, y1), (x0, x1) = views.extent_m[1], views.extent_m[2]
    for number, axis in enumerate(axes):
        axis.set_axis_off()
        if number < count:
            axis.imshow(
                views.channels[number], extent=(100 * x0, 100 * x1, 100 * y1, 100 * y0), cmap="viridis",
                vmin=0, vmax=float(np.nanmax(views.channels)),
            )  # fmt: skip
            axis.set_title(f"channel {number + 1}", fontsize=9)
    return drawn


def transmit_page(
    title: str,
    lead: str,
    views: TransmitViews,
    demands: list[Demand],
    figures: dict[str, float],
    facts: list[tuple[str, str]],
    refusal: str = "",
) -> str:
    """A transmit coil as HTML text. figures: name with unit -> value. facts: rows of its origin. refusal: of the brief."""
    body = f'<h1>{escape(title)}</h1><p class="lead">{escape(lead)}</p>'
    if refusal:
        body += f'<p class="bad">{escape(refusal)}</p>'
    rows = [(d.name, f"{d.value:.4g} {d.unit}", f"{d.limit:.4g} {d.unit}", verdict_word(d.met)) for d in demands]
    body += table(("asked", "reached", "limit", ""), rows)
    body += figure(transmit_figure(views), "B1+ relative to its mean in the central slab; SAR of 10 g cubes for 1 uT mean B1+.")
    body += figure(point_figure(views), "Electric field and SAR of single voxels (colours end at the 99.9th percentile).")
    if len(views.channels) > 1:
        body += figure(channel_figure(views), "B1+ of each channel alone, axial plane through the centre.")
    body += "<h2>Figures</h2>" + table(("figure", "value"), told_figures(figures))
    return page(title, body + "<h2>Origin</h2>" + table(("what", "value"), facts))


def _cut(axis: Axes, values: np.ndarray, views: TransmitViews, cut: tuple[int, int, str], colours: str, top: float) -> AxesImage:
    """One plane: radiological convention, patient's left on the right, head up, front up."""
    down, across, _ = cut
    fixed = 3 - down - across
    plane = np.take(values, views.planes[fixed], axis=fixed)
    (low, high), (left, right) = views.extent_m[down], views.extent_m[across]
    shown = axis.imshow(
        plane,
        origin="lower" if down == 0 else "upper",
        extent=(100 * left, 100 * right, *((100 * low, 100 * high) if down == 0 else (100 * high, 100 * low))),
        cmap=colours,
        vmin=0,
        vmax=top,
    )
    axis.set_xlabel(f"{_LETTERS[across]} (cm)", fontsize=8)
    axis.set_ylabel(f"{_LETTERS[down]} (cm)", fontsize=8)
    axis.tick_params(labelsize=7)
    return shown
