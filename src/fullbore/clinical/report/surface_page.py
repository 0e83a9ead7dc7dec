"""The page of a gradient coil on drawn surfaces: the mesh with its stream function, the turns, how straight their field is."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.art3d import Line3DCollection, Poly3DCollection

from fullbore.clinical.report.gradient_page import GradientViews, deviation_panel, figure_rows
from fullbore.clinical.report.html import figure, page, table, verdict_word
from fullbore.clinical.report.magnet_page import Demand

_LAYERS = ("primary", "shield")
# Leads are drawn as far beyond the surface, m.
_BESIDE_M = 0.05


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurfaceViews:
    """corners_m (t, 3, 3) and layers (t,), 0 primary, 1 shield, of triangles; psi (t,) in turns at their middles.

    turns: closed, (n, 3) m each, and layer of each; leads: open, (n, 3) m each; field: deviation in a plane (its radii and track
    are not used).
    """

    corners_m: np.ndarray
    layers: np.ndarray
    psi: np.ndarray
    turns_m: list[np.ndarray]
    turn_layers: np.ndarray
    leads_m: list[np.ndarray]
    field: GradientViews


def surface_figure(views: SurfaceViews) -> Figure:
    """A row a surface: triangles in the colours of the stream function, turns; then the deviation in the imaging volume."""
    layers = [int(n) for n in np.unique(views.layers)]
    drawn = Figure(figsize=(14, 4.6 * len(layers)), layout="constrained")
    for row, layer in enumerate(layers):
        mesh = drawn.add_subplot(len(layers), 3, 3 * row + 1, projection="3d")
        turns = drawn.add_subplot(len(layers), 3, 3 * row + 2, projection="3d")
        _mesh(mesh, views, layer)
        _turns(turns, views, layer)
    deviation_panel(drawn.add_subplot(len(layers), 3, 3), views.field)
    return drawn


def _mesh(axis: Any, views: SurfaceViews, layer: int) -> None:
    own = views.layers == layer
    most = float(np.abs(views.psi).max())
    colours = colormaps["RdBu_r"](0.5 + views.psi[own] / most / 2)
    corners = views.corners_m[own][:, :, [2, 0, 1]]
    axis.add_collection3d(Poly3DCollection(corners, facecolors=colours, edgecolors="#00000044", linewidths=0.2))
    _box(axis, corners.reshape(-1, 3), f"{_LAYERS[layer]}: {int(own.sum())} triangles, stream function")


def _turns(axis: Any, views: SurfaceViews, layer: int) -> None:
    own = [turn[:, [2, 0, 1]] for turn, number in zip(views.turns_m, views.turn_layers, strict=True) if number == layer]
    axis.add_collection3d(Line3DCollection(own, colors="#c8681f" if layer == 0 else "#1f77b4", linewidths=0.6))
    corners = views.corners_m[views.layers == layer][:, :, [2, 0, 1]].reshape(-1, 3)
    low, high = corners.min(axis=0) - _BESIDE_M, corners.max(axis=0) + _BESIDE_M
    near = [lead[:, [2, 0, 1]] for lead in views.leads_m if _nearer(lead, views, layer)]
    axis.add_collection3d(Line3DCollection([np.clip(lead, low, high) for lead in near], colors="#202020", linewidths=0.8))
    _box(axis, corners, f"{_LAYERS[layer]}: {len(own)} turns, bridges and leads")


def _nearer(lead: np.ndarray, views: SurfaceViews, layer: int) -> bool:
    """Whether a lead's middle is nearest to a layer."""
    middles = views.corners_m.mean(axis=1)
    away = np.linalg.norm(middles - lead[len(lead) // 2], axis=1)
    return bool(views.layers[int(away.argmin())] == layer)


def _box(axis: Any, points: np.ndarray, title: str) -> None:
    low, high = points.min(axis=0), points.max(axis=0)
    flat = 0.02 * float((high - low).max())
    low, high = low - flat, high + flat
    axis.set(
        xlabel="z (m)", ylabel="x (m)", zlabel="y (m)", title=title,
        xlim=(low[0], high[0]), ylim=(low[1], high[1]), zlim=(low[2], high[2]),
    )  # fmt: skip
    axis.set_box_aspect(high - low)


def surface_page(
    name: str,
    source: str,
    views: SurfaceViews,
    demands: list[Demand],
    figures: dict[str, float],
    facts: list[tuple[str, str]],
) -> str:
    """As HTML text. figures: figure of merit -> value; facts: (what, value) rows of their origin."""
    axis = views.field.axis
    body = f'<h1>{escape(name)}</h1><p class="lead">Gradient coil {axis} on drawn surfaces: {escape(source)}.</p>'
    rows = [(d.name, f"{d.value:.4g} {d.unit}", f"{d.limit:.4g} {d.unit}", verdict_word(d.met)) for d in demands]
    body += table(("asked", "reached", "limit", ""), rows)
    body += figure(
        surface_figure(views), "Triangles, turns and leads, and deviation from a straight field, % of the gradient at the edge."
    )
    body += "<p>All turns are one wire; its bridges and leads are in every figure.</p>"
    body += "<h2>Figures</h2>" + table(("figure", axis), figure_rows({axis: figures}))
    return page(name, body + "<h2>Origin</h2>" + table(("what", "value"), facts))
