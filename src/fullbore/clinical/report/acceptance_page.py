"""The page of an acceptance test: each picture with what was measured on it, and every figure beside its limit."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle

from fullbore.clinical.acceptance import Reading, View
from fullbore.clinical.report.html import Markup, figure, page, table

_COLUMNS = 4
_TITLE = 36
"""Letters over a picture."""
_GOOD, _BAD = "#4fc36b", "#ff5a4f"


def acceptance_figure(views: Sequence[View]) -> Figure:
    """The pictures, four in a row, with their lines and regions; red is what failed."""
    shown = [view for view in views if view.plane is not None]
    rows = max(1, -(-len(shown) // _COLUMNS))
    drawn = Figure(figsize=(13, 3.5 * rows), layout="constrained")
    axes = np.atleast_1d(drawn.subplots(rows, _COLUMNS)).ravel()
    for axis, view in zip(axes, shown, strict=False):
        _draw(axis, view)
    for axis in axes[len(shown) :]:
        axis.set_axis_off()
    return drawn


def _draw(axis: Axes, view: View) -> None:
    plane = view.plane
    assert plane is not None
    dx, dy = plane.pixel_m
    extent = (
        1e3 * (plane.x_m.min() - dx / 2), 1e3 * (plane.x_m.max() + dx / 2), 1e3 * (plane.y_m.max() + dy / 2),
        1e3 * (plane.y_m.min() - dy / 2),
    )  # fmt: skip
    values = plane.values[:: 1 if plane.y_m[1] > plane.y_m[0] else -1, :: 1 if plane.x_m[1] > plane.x_m[0] else -1]
    middle = values[values > 0.25 * np.percentile(values, 95)]
    top = float(np.percentile(middle, 95)) if middle.size else float(values.max())
    axis.imshow(values, cmap="gray", vmin=0.0, vmax=1.15 * top, extent=extent)
    for mark in view.marks:
        colour, points = _GOOD if mark.good else _BAD, 1e3 * np.array(mark.points_m)
        if mark.kind == "circle":
            radius = float(np.hypot(*(points[1] - points[0])))
            axis.add_patch(Circle((points[0, 0], points[0, 1]), radius, fill=False, color=colour, linewidth=0.9))
        elif mark.kind == "box":
            low, size = points.min(axis=0), np.ptp(points, axis=0)
            axis.add_patch(Rectangle((low[0], low[1]), size[0], size[1], fill=False, color=colour, linewidth=0.9))
        else:
            axis.plot(points[:, 0], points[:, 1], color=colour, linewidth=1.2)
    axis.set_title("\n".join(wrap(view.title, _TITLE)), fontsize=9)
    axis.tick_params(labelsize=6)


def acceptance_page(title: str, views: Sequence[View], facts: Sequence[tuple[str, str]]) -> str:
    """The whole page. facts: (what, value) rows."""
    readings = [reading for view in views for reading in view.readings]
    failed = [reading for reading in readings if reading.passed is False and not reading.explained]
    lead = "Every limit is kept." if not failed else f"{len(failed)} figures are beyond their limits."
    body = f'<h1>{escape(title)}</h1><p class="lead">{lead}</p>' + table(("what", "value"), list(facts))
    body += "<h2>Figures</h2>" + table(("test", "figure", "value", "unit", "limit", "", "note"), [_row(r) for r in readings])
    body += (
        "<p>A mark beside a verdict: <em>memory</em>, the limit was not verified in a source; <em>choice</em>, no source sets "
        "one; <em>physics</em>, the failure is explained by the machine's field and is no fault.</p>"
    )
    body += figure(acceptance_figure(views), "What was measured, mm. Green within, red beyond; grid: tenfold.")
    return page(title, body)


def _row(reading: Reading) -> tuple[object, ...]:
    passed = reading.passed
    kind = "bad" if passed is False and not reading.explained else "good"
    word = Markup(f'<span class="{kind}">{escape(reading.word)}</span>') if passed is not None else reading.word
    return (reading.test, reading.name, reading.value, reading.unit, reading.limit, word, reading.note)
