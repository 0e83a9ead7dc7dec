"""The page of a receive array: its loops, what they see, what they cost, how near they come to the best."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fullbore.clinical.report.figure_names import told_figures
from fullbore.clinical.report.html import figure, page, table, verdict_word
from fullbore.clinical.report.magnet_page import Demand

_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArrayViews:
    """What the pictures show, ready to draw.

    loops_m: a polygon (n, 3) each. body_m (u, v, 3): the body's surface. extent_m: left, right, bottom, top of the axial plane.
    inside (y, x); sensitivity (loop, y, x), magnitude; correlation (loop, loop); snr (y, x), sqrt(Hz)/mm3; g: name -> map.
    radii: shares of the sphere's radius; sample, whole: share of the ultimate there; plane: in the sphere's axial plane.
    """

    loops_m: tuple[np.ndarray, ...]
    body_m: np.ndarray
    extent_m: tuple[float, float, float, float]
    inside: np.ndarray
    sensitivity: np.ndarray
    correlation: np.ndarray
    snr: np.ndarray
    g: dict[str, np.ndarray]
    radii: np.ndarray
    sample: np.ndarray
    whole: np.ndarray
    plane: np.ndarray


def array_figure(views: ArrayViews) -> Figure:
    """Loops, noise correlation, signal-to-noise ratio and share of the ultimate."""
    drawn = Figure(figsize=(15, 3.9), layout="constrained")
    _loops(drawn, views)
    _matrix(drawn, drawn.add_subplot(1, 4, 2), views)
    axis = drawn.add_subplot(1, 4, 3)
    shown = axis.imshow(np.where(views.inside, views.snr, np.nan), extent=_centimetres(views), origin="upper", cmap="magma")
    axis.set(xlabel="x (cm)", ylabel="y (cm), front above", title="SNR of water (sqrt(Hz)/mm$^3$)")
    drawn.colorbar(shown, ax=axis)
    _share(drawn.add_subplot(1, 4, 4), views)
    return drawn


def g_figure(views: ArrayViews) -> Figure:
    """g maps, and the share of the ultimate in the sphere's plane."""
    drawn = Figure(figsize=(15, 3.6), layout="constrained")
    axes = drawn.subplots(1, len(views.g) + 1)
    for axis, (name, values) in zip(axes, views.g.items(), strict=False):
        seen = values[views.inside]
        shown = axis.imshow(np.where(views.inside, values, np.nan), extent=_centimetres(views), vmin=1, vmax=max(2.0, seen.max()))
        axis.set(title=f"g, {name}: mean {seen.mean():.2f}, worst {seen.max():.2f}", xlabel="x (cm)")
        drawn.colorbar(shown, ax=axis)
    shown = axes[-1].imshow(views.plane, extent=(-1, 1, 1, -1), vmin=0, vmax=1)
    axes[-1].set(title="share of the ultimate, sphere", xlabel="x / radius")
    drawn.colorbar(shown, ax=axes[-1])
    return drawn


def sensitivity_figure(views: ArrayViews) -> Figure:
    """Magnitude of the first channels' sensitivities in the axial plane, uT/A."""
    count = min(_SHOWN, len(views.sensitivity))
    drawn = Figure(figsize=(15, 2.4), layout="constrained")
    axes = np.atleast_1d(drawn.subplots(1, count))
    top = 1e6 * float(np.percentile(views.sensitivity[:count][:, views.inside], 99.5))
    for number, axis in enumerate(axes):
        values = np.where(views.inside, 1e6 * views.sensitivity[number], np.nan)
        shown = axis.imshow(values, extent=_centimetres(views), vmin=0, vmax=top, cmap="viridis")
        axis.set(title=f"loop {number + 1}", xticks=[], yticks=[])
    drawn.colorbar(shown, ax=list(axes), label="uT/A")
    return drawn


def array_page(
    title: str,
    views: ArrayViews,
    demands: list[Demand],
    figures: dict[str, float],
    facts: list[tuple[str, str]],
    rows: list[tuple],
) -> str:
    """A receive array as HTML text. facts: (what, value) of its origin. rows: one for each loop, as `LOOP_HEAD` names them."""
    body = f'<h1>{escape(title)}</h1><p class="lead">A receive array of {len(views.loops_m)} loops.</p>'
    marks = [
        (d.name, f"{d.value:.4g} {d.unit}", f"{d.limit:.4g} {d.unit}", verdict_word(d.met, "met", "missed")) for d in demands
    ]
    body += table(("asked", "reached", "limit", ""), marks)
    body += figure(
        array_figure(views),
        "Loops about the body; magnitude of the noise correlation; signal-to-noise ratio of water in the axial plane with all "
        "noise; share of the ultimate intrinsic signal-to-noise ratio in a sphere, over depth.",
    )
    body += figure(g_figure(views), "Noise that parallel imaging adds, and the share of the ultimate (sample noise alone).")
    body += figure(sensitivity_figure(views), "Magnitude of the sensitivities of the first loops.")
    body += "<h2>Figures</h2>" + table(("figure", "value"), told_figures(figures))
    body += "<h2>Loops</h2>" + table(LOOP_HEAD, rows)
    return page(title, body + "<h2>Origin</h2>" + table(("what", "value"), facts))


LOOP_HEAD = (
    "loop",
    "wire (mm)",
    "inductance (nH)",
    "wire (mohm)",
    "capacitors (mohm)",
    "sample (mohm)",
    "Q unloaded",
    "Q loaded",
    "breaks",
    "tuning, in all (pF)",
    "matching (pF)",
    "matching (nH)",
    "noise figure (dB)",
)


def _loops(drawn: Figure, views: ArrayViews) -> None:
    axis = drawn.add_subplot(1, 4, 1, projection="3d")
    surface = 100 * views.body_m
    axis.plot_surface(surface[..., 0], surface[..., 1], surface[..., 2], color="#ccc", alpha=0.4)
    for number, loop in enumerate(views.loops_m):
        closed = 100 * np.concatenate([loop, loop[:1]])
        axis.plot(closed[:, 0], closed[:, 1], closed[:, 2], color=f"C{number % 10}", linewidth=1.2)
    axis.set(xlabel="x (cm)", ylabel="y (cm)", title="loops")
    axis.set_box_aspect([float(np.ptp(np.concatenate(views.loops_m)[:, k])) for k in range(3)])
    axis.tick_params(labelsize=6)


def _matrix(drawn: Figure, axis: Axes, views: ArrayViews) -> None:
    shown = axis.imshow(views.correlation, vmin=0, vmax=1, cmap="viridis")
    others = views.correlation[np.triu_indices(len(views.correlation), 1)]
    mean, most = (float(others.mean()), float(others.max())) if len(others) else (0.0, 0.0)
    axis.set(title=f"noise correlation: mean {mean:.2f}, most {most:.2f}", xlabel="loop", ylabel="loop")
    drawn.colorbar(shown, ax=axis)


def _share(axis: Axes, views: ArrayViews) -> None:
    axis.plot(views.radii, 100 * views.sample, label="sample noise alone")
    axis.plot(views.radii, 100 * views.whole, label="all noise")
    axis.set(
        xlabel="depth: distance from the centre / radius", ylabel="%", title="share of the ultimate SNR, sphere", ylim=(0, 105)
    )
    axis.legend(fontsize=8, frameon=False)


def _centimetres(views: ArrayViews) -> tuple[float, float, float, float]:
    left, right, bottom, top = (100 * value for value in views.extent_m)
    return left, right, bottom, top
