"""The page of a body coil: its modes, its field in head and trunk, its power, its amplifier."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fullbore.clinical.report.figure_names import told_figures
from fullbore.clinical.report.html import figure, page, table, verdict_word
from fullbore.clinical.report.magnet_page import Demand

_EXTENT_CM = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BirdcageViews:
    """What the pictures show, ready to draw.

    head_b1, head_sar: (y, x) and (z, x) slices through the isocentre, of |B1+| over its mean and of SAR (W/kg at 1 uT), NaN
    outside. head_half_m, trunk_half_m: half widths of the slices. drives: name -> |B1+| over the target in the trunk (y, x), NaN
    outside, and its error. target_m: centre x, y and radius of the disc. splittings_Hz: of coils with wrong capacitors. levels,
    gain: of the amplifier, plain and pre-distorted.
    """

    head_b1: tuple[np.ndarray, np.ndarray]
    head_sar: tuple[np.ndarray, np.ndarray]
    head_half_m: float
    drives: dict[str, tuple[np.ndarray, float]]
    trunk_half_m: float
    target_m: tuple[float, float, float]
    modes_Hz: np.ndarray
    frequency_Hz: float
    splittings_Hz: np.ndarray
    levels: np.ndarray
    gain: dict[str, np.ndarray]


def birdcage_figure(views: BirdcageViews) -> Figure:
    """B1+ and SAR in the head, B1+ in the trunk for each way of driving."""
    drawn = Figure(figsize=(13, 6.4), layout="constrained")
    axes = drawn.subplots(2, max(4, len(views.drives)))
    names = ("transverse", "coronal")
    for i, (name, b1, sar) in enumerate(zip(names, views.head_b1, views.head_sar, strict=True)):
        _map(drawn, axes[0, i], b1, views.head_half_m, f"head, {name}: |B1+| over mean", "viridis")
        _map(drawn, axes[0, i + 2], sar, views.head_half_m, f"head, {name}: point SAR (W/kg at 1 uT)", "inferno")
    angle = np.linspace(0, 2 * np.pi, 100)
    x, y, radius = views.target_m
    for axis, (name, (b1, error)) in zip(axes[1], views.drives.items(), strict=False):
        _map(drawn, axis, b1, views.trunk_half_m, f"trunk, {name}: {100 * error:.1f} % rms in the disc", "viridis", 2.0)
        axis.plot(_EXTENT_CM * (x + radius * np.cos(angle)), _EXTENT_CM * (y + radius * np.sin(angle)), color="white")
    for axis in axes[1, len(views.drives) :]:
        _curves(axis, views)
    return drawn


def modes_figure(views: BirdcageViews) -> Figure:
    """Resonances of the ladder, and what capacitors' tolerances do to the homogeneous pair."""
    drawn = Figure(figsize=(11, 3.6), layout="constrained")
    lines, spread = drawn.subplots(1, 2)
    shown = views.modes_Hz[views.modes_Hz > 0] / 1e6
    lines.vlines(shown, 0, 1, color="#1f77b4")
    lines.axvline(views.frequency_Hz / 1e6, color="#b3261e", linestyle="--", label=f"{views.frequency_Hz / 1e6:.2f} MHz")
    lines.set(xlabel="frequency (MHz)", yticks=[], title="modes of the windows, tuned")
    lines.legend(fontsize=8, frameon=False)
    spread.hist(views.splittings_Hz / 1e3, bins=30, histtype="step")
    spread.set(xlabel="splitting of the homogeneous pair (kHz)", ylabel="coils", title="capacitors off by their tolerance")
    return drawn


def birdcage_page(
    name: str, source: str, views: BirdcageViews, demands: list[Demand], figures: dict[str, float], facts: list[tuple[str, str]]
) -> str:
    """A body coil as HTML text. facts: (what, value) rows of where it came from."""
    body = f'<h1>{escape(name)}</h1><p class="lead">{views.frequency_Hz / 1e6:.2f} MHz: {escape(source)}.</p>'
    rows = [(d.name, f"{d.value:.4g} {d.unit}", f"{d.limit:.4g} {d.unit}", verdict_word(d.met)) for d in demands]
    body += table(("asked", "reached", "limit", ""), rows)
    body += figure(
        birdcage_figure(views),
        "Exact fields in a layered sphere (head) and a layered cylinder (trunk); disc: where the trunk's drives aim, all with at "
        "most quadrature's power. Amplifier: gain over drive, plain and pre-distorted.",
    )
    body += figure(modes_figure(views), "Resonances of the tuned ladder; splitting of the homogeneous pair.")
    body += "<h2>Figures</h2>" + table(("figure", "value"), told_figures(figures))
    return page(name, body + "<h2>Origin</h2>" + table(("what", "value"), facts))


def _map(
    drawn: Figure, axis: Axes, values: np.ndarray, half_m: float, title: str, colours: str, top: float | None = None
) -> None:
    half = _EXTENT_CM * half_m
    shown = axis.imshow(
        values, origin="lower", extent=(-half, half, -half, half), cmap=colours, vmin=0, vmax=top, interpolation="nearest"
    )
    drawn.colorbar(shown, ax=axis, shrink=0.8)
    axis.set_title(title, fontsize=8)
    axis.tick_params(labelsize=7)


def _curves(axis: Axes, views: BirdcageViews) -> None:
    for name, gain in views.gain.items():
        axis.plot(views.levels, 20 * np.log10(np.abs(gain)), label=f"{name}, dB")
        axis.plot(views.levels, np.degrees(np.angle(gain)) / 10, "--", linewidth=1, label=f"{name}, 10 degrees")
    axis.set_title("amplifier: gain over drive", fontsize=8)
    axis.set_xlabel("drive over full scale", fontsize=8)
    axis.tick_params(labelsize=7)
    axis.legend(fontsize=7, frameon=False)
