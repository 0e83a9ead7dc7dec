"""The page of a spectrometer: its chain, what it passes, and where its noise comes from."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fullbore.clinical.report.figure_names import told_figures
from fullbore.clinical.report.html import figure, page, table, verdict_word
from fullbore.clinical.report.magnet_page import Demand


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpectrometerViews:
    """What the pictures show, ready to draw.

    parts: (what, figure) from coil to samples. frequency_Hz, digital_dB: response of the filters about the carrier;
    rf_Hz, analogue_dB, aliases_Hz: of the band-pass, and what folds. bandwidth_Hz, passband: share of it.
    jitter_s, jitter_dB: bound of the clock; bits, bits_dB: of the converter, both in the largest bandwidth.
    own: (jitter, bits, reached dB). gains: (attenuation, dynamic range, noise figure) of every attenuation, (n, 3).
    noise: (source, dB over k T) referred to the plug.
    """

    parts: tuple[tuple[str, str], ...]
    frequency_Hz: np.ndarray
    digital_dB: np.ndarray
    rf_Hz: np.ndarray
    analogue_dB: np.ndarray
    aliases_Hz: np.ndarray
    bandwidth_Hz: float
    passband: float
    jitter_s: np.ndarray
    jitter_dB: np.ndarray
    bits: np.ndarray
    bits_dB: np.ndarray
    own: tuple[float, int, float]
    gains: np.ndarray
    chosen_dB: float
    noise: tuple[tuple[str, float], ...]


def spectrometer_figure(views: SpectrometerViews) -> Figure:
    """Chain, response, bounds and noise."""
    drawn = Figure(figsize=(14, 7.4), layout="constrained")
    rows = drawn.add_gridspec(3, 3, height_ratios=(0.5, 1, 1))
    _chain(drawn.add_subplot(rows[0, :]), views)
    _digital(drawn.add_subplot(rows[1, 0]), views)
    _flat(drawn.add_subplot(rows[1, 1]), views)
    _analogue(drawn.add_subplot(rows[1, 2]), views)
    _bounds(drawn.add_subplot(rows[2, 0]), drawn.add_subplot(rows[2, 1]), views)
    _gains(drawn.add_subplot(rows[2, 2]), views)
    return drawn


def spectrometer_page(
    title: str,
    source: str,
    views: SpectrometerViews,
    demands: list[Demand],
    figures: dict[str, float],
    transmit: dict[str, float],
    facts: list[tuple[str, str]],
) -> str:
    """A spectrometer as HTML text. facts: (what, value) rows of where it came from."""
    body = f'<h1>{escape(title)}</h1><p class="lead">{escape(source)}.</p>'
    rows = [(d.name, f"{d.value:.4g} {d.unit}", f"{d.limit:.4g} {d.unit}", verdict_word(d.met)) for d in demands]
    body += table(("asked", "reached", "limit", ""), rows)
    caption = (
        "Chain; response of the filters, and within the passband; analogue band-pass with what folds onto the carrier (dots); "
        "bounds of clock and converter in the largest bandwidth; what the attenuator trades."
    )
    body += figure(spectrometer_figure(views), caption)
    body += "<h2>Noise, referred to the plug</h2>" + table(("source", "dB over k T"), [(n, f"{v:.2f}") for n, v in views.noise])
    body += "<h2>Transmitter: added to a pulse</h2>" + table(("figure", "value"), told_figures(transmit))
    body += "<h2>Figures</h2>" + table(("figure", "value"), told_figures(figures))
    return page(title, body + "<h2>Origin</h2>" + table(("what", "value"), facts))


def _chain(axis: Axes, views: SpectrometerViews) -> None:
    count = len(views.parts)
    for place, (name, text) in enumerate(views.parts):
        box = {"boxstyle": "round,pad=0.35", "facecolor": "#f2f5f7", "edgecolor": "#1f77b4"}
        axis.text(place, 0, f"{name}\n{text}", ha="center", va="center", fontsize=7.5, bbox=box)
        if place:
            axis.annotate("", (place - 0.4, 0), (place - 0.6, 0), arrowprops={"arrowstyle": "->", "color": "#555"})
    axis.set(xlim=(-0.6, count - 0.4), ylim=(-1, 1))
    axis.axis("off")


def _digital(axis: Axes, views: SpectrometerViews) -> None:
    axis.plot(views.frequency_Hz / 1e6, views.digital_dB, color="#1f77b4", linewidth=0.8)
    half = views.passband * views.bandwidth_Hz / 2e6
    axis.axvspan(-half, half, color="#13795b", alpha=0.15)
    axis.set(xlabel="from the carrier (MHz)", ylabel="dB", title="filters (used band in green)", ylim=(-160, 5))


def _flat(axis: Axes, views: SpectrometerViews) -> None:
    inside = np.abs(views.frequency_Hz) <= views.passband * views.bandwidth_Hz / 2
    axis.plot(views.frequency_Hz[inside] / 1e3, views.digital_dB[inside], color="#1f77b4")
    axis.set(xlabel="from the carrier (kHz)", ylabel="dB", title="within the passband")


def _analogue(axis: Axes, views: SpectrometerViews) -> None:
    axis.plot(views.rf_Hz / 1e6, -views.analogue_dB, color="#c8681f")
    shown = views.aliases_Hz[(views.aliases_Hz > views.rf_Hz[0]) & (views.aliases_Hz < views.rf_Hz[-1])]
    axis.plot(shown / 1e6, -np.interp(shown, views.rf_Hz, views.analogue_dB), "o", color="#b3261e", markersize=4)
    axis.set(xlabel="frequency (MHz)", ylabel="dB", title="analogue band-pass", ylim=(-140, 5))


def _bounds(jitter: Axes, bits: Axes, views: SpectrometerViews) -> None:
    own_jitter, own_bits, reached = views.own
    jitter.semilogx(views.jitter_s * 1e12, views.jitter_dB, color="#1f77b4", label="clock alone")
    jitter.plot([own_jitter * 1e12], [reached], "o", color="#b3261e", label="reached, all noise")
    jitter.set(xlabel="jitter (ps)", ylabel="dB", title="signal-to-noise ratio and jitter")
    jitter.legend(fontsize=8, frameon=False)
    bits.plot(views.bits, views.bits_dB, "o-", color="#1f77b4", label="6.02 N + 1.76 and decimation")
    bits.plot([own_bits], [reached], "o", color="#b3261e", label="reached, all noise")
    bits.set(xlabel="bits", ylabel="dB", title="signal-to-noise ratio and bits")
    bits.legend(fontsize=8, frameon=False)


def _gains(axis: Axes, views: SpectrometerViews) -> None:
    axis.plot(views.gains[:, 1], views.gains[:, 2], color="#1f77b4")
    chosen = views.gains[np.argmin(np.abs(views.gains[:, 0] - views.chosen_dB))]
    axis.plot([chosen[1]], [chosen[2]], "o", color="#b3261e", label=f"{chosen[0]:g} dB of attenuation")
    axis.set(
        xlabel="largest signal over k T in 1 Hz (dB)", ylabel="noise figure (dB)", title="the attenuator's trade", ylim=(0, 12)
    )
    axis.legend(fontsize=8, frameon=False)
