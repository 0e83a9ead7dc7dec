"""The page of raw data: what was received, and where in k-space."""

from __future__ import annotations

from html import escape

import numpy as np
from matplotlib.figure import Figure

from fullbore.clinical.report.html import figure, page, table
from fullbore.data import RawData

MOST_POINTS = 40_000


def raw_figure(raw: RawData) -> Figure:
    """Magnitude of every sample (root sum of squares over coils, decibels), and the trajectory along its two widest axes."""
    drawn = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = drawn.subplots(1, 2)
    size = np.sqrt((np.abs(raw.samples) ** 2).sum(axis=1))
    decibels = 20 * np.log10(np.maximum(size / (size.max() or 1.0), 1e-6))
    shown = left.imshow(decibels, aspect="auto", cmap="magma", vmin=-80, vmax=0, interpolation="nearest")
    left.set(xlabel="sample", ylabel="readout", title="received, dB below the largest")
    drawn.colorbar(shown, ax=left)
    k = np.zeros((0, 3)) if raw.trajectory_per_m is None else np.asarray(raw.trajectory_per_m).reshape(-1, 3)
    points = k[:: max(1, len(k) // MOST_POINTS)]
    one, two = np.sort(np.argsort(np.ptp(points, axis=0))[1:]) if len(points) else (0, 1)
    right.plot(points[:, one], points[:, two], ".", markersize=1)
    right.set(xlabel=f"k{'xyz'[one]} (cycles/m)", ylabel=f"k{'xyz'[two]} (cycles/m)", title="trajectory", aspect="equal")
    return drawn


def raw_page(raw: RawData, title: str, facts: list[tuple[str, str]]) -> str:
    """Raw data as HTML text. facts: (what, value) rows that stand above those of the data themselves."""
    rows = [*facts, ("system", raw.system), ("readouts × coils × samples", " × ".join(map(str, raw.samples.shape)))]
    rows += [(f"provenance: {key}", value) for key, value in raw.provenance.items()]
    body = f'<h1>{escape(title)}</h1><p class="lead">Raw data simulated by Fullbore.</p>'
    body += figure(raw_figure(raw), "What the receivers gave, readout by readout, and where each sample lies in k-space.")
    return page(title, body + table(("what", "value"), rows))
