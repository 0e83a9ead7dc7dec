"""The page of a magnet: its windings, its field, what it bears."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fullbore.clinical.report.figure_names import told_figures
from fullbore.clinical.report.html import figure, page, table, verdict_word
from fullbore.data import Magnet

COLOURS = {"primary": "#c8681f", "shield": "#1f77b4"}
# ppm; the outer ones show where the field leaves the imaging volume
LEVELS = (-100, -50, -20, -10, -5, -2, 2, 5, 10, 20, 50, 100)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MagnetViews:
    """What the pictures show, ready to draw.

    radii_m (r,), heights_m (z,), deviation_ppm (z, r): around the centre. stray_m: points (r, z) of the line of stray_T.
    allowed_m: half axes of the ellipse that was asked, None where none was. diameters_m: balls to draw.
    fields_T (b,), critical_A: critical current over field of each wire. operating: wire -> (peak field, current).
    as_wound_ppm: diameter -> peak-to-peak of magnets with winding errors.
    """

    radii_m: np.ndarray
    heights_m: np.ndarray
    deviation_ppm: np.ndarray
    stray_m: np.ndarray
    stray_T: float
    allowed_m: tuple[float, float] | None
    diameters_m: tuple[float, ...]
    fields_T: np.ndarray
    critical_A: dict[str, np.ndarray]
    operating: dict[str, tuple[float, float]]
    as_wound_ppm: dict[float, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One figure against its limit: name, value, limit, unit, and whether more is better."""

    name: str
    value: float
    limit: float
    unit: str
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the value keeps the limit."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def magnet_figure(magnet: Magnet, views: MagnetViews) -> Figure:
    """Windings, deviation around the centre and stray line."""
    drawn = Figure(figsize=(14, 3.8), layout="constrained")
    windings, even, stray = drawn.subplots(1, 3)
    _windings(windings, magnet, views)
    _deviation(even, views)
    _stray(stray, magnet, views)
    return drawn


def conductor_figure(views: MagnetViews) -> Figure:
    """Load lines, and homogeneity of magnets wound with errors."""
    drawn = Figure(figsize=(12, 4.2), layout="constrained")
    lines, spread = drawn.subplots(1, 2)
    for wire, (peak, current) in views.operating.items():
        colour = COLOURS.get(wire, "#555")
        lines.plot(views.fields_T, views.critical_A[wire], color=colour, label=f"{wire}: critical current at 4.2 K")
        reach = views.fields_T[views.fields_T * current / peak <= 1.2 * views.critical_A[wire].max()]
        lines.plot(reach, reach * current / peak, "--", color=colour, linewidth=1)
        lines.plot([peak], [current], "o", color=colour, label=f"{wire}: {peak:.2f} T, {current:.0f} A")
    lines.set(xlabel="field on the conductor (T)", ylabel="current (A)", title="load lines", ylim=(0, None))
    lines.legend(fontsize=8, frameon=False)
    for diameter, values in views.as_wound_ppm.items():
        spread.hist(values, bins=40, histtype="step", label=f"{100 * diameter:.0f} cm, median {np.median(values):.0f} ppm")
    spread.set(xlabel="peak-to-peak as wound (ppm)", ylabel="magnets", title="winding tolerances, before shimming")
    if views.as_wound_ppm:
        spread.legend(fontsize=8, frameon=False)
    return drawn


def magnet_page(magnet: Magnet, views: MagnetViews, demands: list[Demand], facts: list[tuple[str, str]]) -> str:
    """A magnet as HTML text. facts: (what, value) rows of where it came from."""
    body = f'<h1>{escape(magnet.name)}</h1><p class="lead">{magnet.b0_T:g} T, {len(magnet.windings)} coils in series at '
    body += f"{magnet.current_A:.2f} A: {escape(magnet.source)}.</p>"
    if demands:
        rows = [(d.name, f"{d.value:.4g} {d.unit}", f"{d.limit:.4g} {d.unit}", verdict_word(d.met)) for d in demands]
        body += table(("asked", "reached", "limit", ""), rows)
    body += figure(
        magnet_figure(magnet, views),
        f"Windings; deviation of Bz from its value at the centre (ppm); line of {views.stray_T * 1e3:g} mT.",
    )
    body += figure(conductor_figure(views), "Load line of each wire; homogeneity with each coil out of place.")
    body += "<h2>Windings</h2>" + _winding_rows(magnet)
    body += "<h2>Figures</h2>" + table(("figure", "value"), told_figures(magnet.figures))
    return page(magnet.name, body + "<h2>Origin</h2>" + table(("what", "value"), facts))


def _winding_rows(magnet: Magnet) -> str:
    head = ("coil", "inner radius (mm)", "outer radius (mm)", "centre (mm)", "length (mm)", "layers", "turns")
    rows = [
        (
            w.name,
            *(f"{1e3 * value:.2f}" for value in (w.inner_radius_m, w.outer_radius_m, w.centre_m, w.length_m)),
            w.layers,
            f"{w.turns:.10g}",
        )
        for w in magnet.windings
    ]
    return table(head, rows)


def _windings(axis: Axes, magnet: Magnet, views: MagnetViews) -> None:
    for w in magnet.windings:
        size = (w.length_m, w.outer_radius_m - w.inner_radius_m)
        axis.add_patch(Rectangle((w.centre_m - w.length_m / 2, w.inner_radius_m), *size, color=COLOURS.get(w.wire, "#555")))
    angle = np.linspace(0, np.pi, 100)
    for diameter in views.diameters_m:
        axis.plot(diameter / 2 * np.cos(angle), diameter / 2 * np.sin(angle), color="#13795b", linewidth=0.8)
    furthest = max(abs(w.centre_m) + w.length_m / 2 for w in magnet.windings)
    top = max(w.outer_radius_m for w in magnet.windings)
    axis.set(xlim=(-1.08 * furthest, 1.08 * furthest), ylim=(0, 1.08 * top), aspect="equal")
    axis.set(xlabel="z (m)", ylabel="r (m)", title="windings (shield in blue) and imaging volume")


def _deviation(axis: Axes, views: MagnetViews) -> None:
    drawn = axis.contour(views.heights_m, views.radii_m, views.deviation_ppm.T, levels=LEVELS, cmap="coolwarm", linewidths=1)
    axis.clabel(drawn, fontsize=7, fmt="%d")
    angle = np.linspace(0, np.pi, 100)
    for diameter in views.diameters_m:
        axis.plot(diameter / 2 * np.cos(angle), diameter / 2 * np.sin(angle), color="#13795b", linewidth=1)
    axis.set(xlabel="z (m)", ylabel="r (m)", title="deviation (ppm)", aspect="equal")


def _stray(axis: Axes, magnet: Magnet, views: MagnetViews) -> None:
    axis.plot(views.stray_m[:, 1], views.stray_m[:, 0], color="#b3261e", label=f"{views.stray_T * 1e3:g} mT")
    if views.allowed_m is not None:
        angle = np.linspace(0, np.pi, 200)
        radius, axial = views.allowed_m
        axis.plot(axial * np.cos(angle), radius * np.sin(angle), "--", color="#888", label="allowed")
    for w in magnet.windings:
        size = (w.length_m, w.outer_radius_m - w.inner_radius_m)
        axis.add_patch(Rectangle((w.centre_m - w.length_m / 2, w.inner_radius_m), *size, color=COLOURS.get(w.wire, "#555")))
    axis.set(xlabel="z (m)", ylabel="r (m)", title="stray field", aspect="equal", ylim=(0, None))
    axis.legend(fontsize=8, frameon=False)
