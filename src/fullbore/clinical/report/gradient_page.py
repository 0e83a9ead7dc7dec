"""The page of gradient coils: their wires unrolled, how straight their fields are, what they ask of the amplifier."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fullbore.clinical.report.figure_names import told_figures
from fullbore.clinical.report.html import figure, page, table, verdict_word
from fullbore.clinical.report.magnet_page import Demand

_LAYERS = ("primary", "shield")
# percent of the gradient at the volume's edge
_LEVELS = (-5, -3, -2, -1, -0.5, 0.5, 1, 2, 3, 5)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GradientViews:
    """What the pictures show of one axis.

    radii_m: of primary and shield. track_m: (n, 3) of the wire. volume_m: half axes across and along. across_m (a,),
    along_m (b,), deviation_percent (b, a): Bz / (G u) at the volume's half axis, less u, in the plane that holds the axis.
    """

    axis: str
    radii_m: tuple[float, float]
    track_m: np.ndarray
    volume_m: tuple[float, float]
    across_m: np.ndarray
    along_m: np.ndarray
    deviation_percent: np.ndarray


def gradient_figure(views: list[GradientViews]) -> Figure:
    """A row an axis: primary and shield unrolled, deviation in the imaging volume."""
    drawn = Figure(figsize=(13, 3.4 * len(views)), layout="constrained")
    panels = drawn.subplots(len(views), 3, squeeze=False)
    for row, view in zip(panels, views, strict=True):
        for axis, layer, radius in zip(row[:2], _LAYERS, view.radii_m, strict=True):
            _unrolled(axis, view, layer, radius)
        deviation_panel(row[2], view)
    return drawn


def gradient_page(
    name: str,
    source: str,
    views: list[GradientViews],
    demands: list[Demand],
    figures: dict[str, dict[str, float]],
    facts: list[tuple[str, str]],
) -> str:
    """Gradient coils as HTML text. figures: axis -> figure of merit -> value; facts: (what, value) rows of their origin."""
    axes = ", ".join(view.axis for view in views)
    body = f'<h1>{escape(name)}</h1><p class="lead">Shielded gradient coils {axes}: {escape(source)}.</p>'
    rows = [(d.name, f"{d.value:.4g} {d.unit}", f"{d.limit:.4g} {d.unit}", verdict_word(d.met)) for d in demands]
    body += table(("asked", "reached", "limit", ""), rows)
    body += figure(gradient_figure(views), "Wires unrolled, and deviation from a straight field, % of the gradient at the edge.")
    body += "<h2>Figures</h2>" + table(("figure", *figures), figure_rows(figures))
    return page(name, body + "<h2>Origin</h2>" + table(("what", "value"), facts))


def figure_rows(figures: dict[str, dict[str, float]]) -> list[tuple[str, ...]]:
    """Of a table: what, and its value with a unit for each axis. figures: axis -> figure of merit -> value."""
    columns = [told_figures(own) for own in figures.values()]
    return [(row[0][0], *(value for _, value in row)) for row in zip(*columns, strict=True)]


def _unrolled(axis: Axes, view: GradientViews, layer: str, radius: float) -> None:
    points = view.track_m
    away = np.abs(np.hypot(points[:, 0], points[:, 1]) - radius) > 2e-3
    angle = np.degrees(np.arctan2(points[:, 1], points[:, 0]))
    heights = np.where(away, np.nan, points[:, 2])
    jumps = np.abs(np.diff(angle, prepend=angle[:1])) > 180
    axis.plot(np.where(jumps, np.nan, heights), angle, linewidth=0.6, color="#c8681f" if layer == "primary" else "#1f77b4")
    axis.set(xlabel="z (m)", ylabel="angle (deg)", title=f"{view.axis}, {layer}, radius {1e3 * radius:.0f} mm", ylim=(-180, 180))


def deviation_panel(axis: Axes, view: GradientViews) -> None:
    """How far the field of one axis is from straight, in the plane that holds the axis, with the volume's outline."""
    drawn = axis.contour(view.along_m, view.across_m, view.deviation_percent.T, levels=_LEVELS, cmap="coolwarm", linewidths=1)
    axis.clabel(drawn, fontsize=7, fmt="%g")
    angle = np.linspace(0, 2 * np.pi, 200)
    axis.plot(view.volume_m[1] * np.cos(angle), view.volume_m[0] * np.sin(angle), color="#13795b", linewidth=1)
    axis.set(xlabel="z (m)", ylabel="x or y (m)", title=f"{view.axis}: deviation (%)", aspect="equal")
