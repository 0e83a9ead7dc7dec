"""The page of a passive shim: where the iron goes and what it does."""

from __future__ import annotations

from html import escape

import numpy as np
from matplotlib.figure import Figure

from fullbore.clinical.report.html import figure, page, table


def shim_figure(sheets: np.ndarray, before_ppm: np.ndarray, after_ppm: np.ndarray) -> Figure:
    """Sheets (tray, pocket), and deviation (polar, azimuth) over the sphere before and after."""
    drawn = Figure(figsize=(14, 3.8), layout="constrained")
    chart, before, after = drawn.subplots(1, 3)
    shown = chart.imshow(sheets, aspect="auto", cmap="magma_r")
    chart.set(xlabel="pocket (along z)", ylabel="tray (around)", title="sheets in each pocket")
    drawn.colorbar(shown, ax=chart)
    for axis, values, title in ((before, before_ppm, "before (ppm)"), (after, after_ppm, "after (ppm)")):
        size = float(np.abs(values - values.mean()).max())
        mapped = axis.imshow(
            values - values.mean(), aspect="auto", cmap="coolwarm", vmin=-size, vmax=size, extent=(0, 360, 180, 0)
        )
        axis.set(xlabel="azimuth (deg)", ylabel="polar angle (deg)", title=title)
        drawn.colorbar(mapped, ax=axis)
    return drawn


def shim_page(title: str, sheets: np.ndarray, before_ppm: np.ndarray, after_ppm: np.ndarray, facts: list[tuple[str, str]]) -> str:
    """A passive shim as HTML text, with the chart that fills the trays. facts: (what, value) rows."""
    body = f'<h1>{escape(title)}</h1><p class="lead">Iron sheets in trays along the bore.</p>' + table(("what", "value"), facts)
    body += figure(shim_figure(sheets, before_ppm, after_ppm), "Sheets; deviation of Bz over the sphere before and after.")
    head = ("tray", *(f"pocket {k + 1}" for k in range(sheets.shape[1])))
    rows = [(int(tray + 1), *(int(n) for n in row)) for tray, row in enumerate(sheets)]
    return page(title, body + "<h2>Tray chart</h2>" + table(head, rows))
