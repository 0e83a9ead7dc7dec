"""The page of a gradient amplifier: what it reaches with its coil, and what the structure answers."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fullbore.clinical.report.figure_names import told_figures
from fullbore.clinical.report.html import figure, page, table, verdict_word
from fullbore.clinical.report.magnet_page import Demand

_AXES = (("x", "#c8681f"), ("y", "#1f77b4"), ("z", "#13795b"))
_FLOOR = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AmplifierViews:
    """What the pictures show, ready to draw.

    slews_T_per_m_s over gradients_T_per_m; asked: the brief's point. times_s, command_A, current_A, voltage_V, stack_V: a
    trapezoid. bores_m with powers_VA by law; built: (bore, VA). frequency_Hz, girf: |response - 1| (4, 3, f). after_s, left:
    name -> deviation of a train (t, 3), share of its height; left_share: the largest after pre-emphasis. sound_Hz, velocity
    (3, f), m/s per T/m; bands: (from Hz, to Hz, T/m).
    """

    gradients_T_per_m: np.ndarray
    slews_T_per_m_s: np.ndarray
    asked: tuple[float, float]
    times_s: np.ndarray
    command_A: np.ndarray
    current_A: np.ndarray
    voltage_V: np.ndarray
    stack_V: np.ndarray
    bores_m: tuple[float, ...]
    powers_VA: dict[str, list[float]]
    built: tuple[float, float]
    frequency_Hz: np.ndarray
    girf: np.ndarray
    after_s: np.ndarray
    left: dict[str, np.ndarray]
    left_share: float
    sound_Hz: np.ndarray
    velocity: np.ndarray
    bands: tuple[tuple[float, float, float], ...]


def amplifier_figure(views: AmplifierViews) -> Figure:
    """Slew over amplitude, a trapezoid as it is driven, power over bore."""
    drawn = Figure(figsize=(14, 3.8), layout="constrained")
    reach, wave, bores = drawn.subplots(1, 3)
    reach.plot(1e3 * views.gradients_T_per_m, views.slews_T_per_m_s, color="#c8681f")
    reach.plot([1e3 * views.asked[0]], [views.asked[1]], "o", color="#b3261e", label="asked")
    reach.set(xlabel="amplitude (mT/m)", ylabel="slew (T/m/s)", title="reached by a straight ramp, axis x", ylim=(0, None))
    reach.legend(fontsize=8, frameon=False)
    _wave(wave, views)
    for name, powers in views.powers_VA.items():
        bores.plot(100 * np.array(views.bores_m), 1e-6 * np.array(powers), "o-", markersize=3, label=name)
    bores.plot([100 * views.built[0]], [1e-6 * views.built[1]], "s", color="#b3261e", label="this amplifier")
    bores.set(xlabel="bore (cm)", ylabel="V I per axis (MVA)", title="the same gradient and slew over bores", ylim=(0, None))
    bores.legend(fontsize=8, frameon=False)
    return drawn


def _wave(axis: Axes, views: AmplifierViews) -> None:
    t = 1e3 * views.times_s
    axis.plot(t, views.command_A, "--", color="#888", linewidth=1, label="asked (A)")
    axis.plot(t, views.current_A, color="#c8681f", label="current (A)")
    axis.plot(t, views.voltage_V, color="#1f77b4", linewidth=0.8, label="voltage (V)")
    axis.plot(t, views.stack_V, color="#13795b", linewidth=0.8, label="links (V)")
    axis.set(xlabel="time (ms)", title="a trapezoid at full amplitude and slew")
    axis.legend(fontsize=8, frameon=False)


def structure_figure(views: AmplifierViews) -> Figure:
    """Eddy currents over frequency, what a train leaves before and after pre-emphasis, motion of the coil's wall."""
    drawn = Figure(figsize=(14, 3.8), layout="constrained")
    spectrum, train, sound = drawn.subplots(1, 3)
    for index, (name, colour) in enumerate(_AXES):
        spectrum.loglog(views.frequency_Hz, 100 * np.maximum(views.girf[index, index], _FLOOR), color=colour, label=name)
    spectrum.set(xlabel="frequency (Hz)", ylabel="|response - 1| (%)", title="eddy currents before pre-emphasis")
    spectrum.legend(fontsize=8, frameon=False)
    for (name, part), style in zip(views.left.items(), (":", "-"), strict=False):
        size = 100 * np.maximum(np.abs(part[:, 0]), _FLOOR)
        train.semilogy(1e3 * views.after_s, size, style, linewidth=1, label=f"{name}, x")
    train.axhline(0.1, color="#b3261e", linewidth=0.8, label="0.1 %")
    train.set(xlabel="time (ms)", ylabel="deviation (% of amplitude)", title="a train of trapezoids", ylim=(1e-6, 10))
    train.legend(fontsize=8, frameon=False, loc="upper right")
    for index, (name, colour) in enumerate(_AXES):
        if index != 1:
            sound.semilogy(views.sound_Hz, views.velocity[index], color=colour, label="x, y" if index == 0 else name)
    for low, high, _ in views.bands:
        sound.axvspan(low, high, color="#b3261e", alpha=0.15)
    sound.set(xlabel="frequency (Hz)", ylabel="wall velocity (m/s per T/m)", title="motion of the coil; forbidden bands")
    sound.legend(fontsize=8, frameon=False)
    return drawn


def amplifier_page(
    title: str,
    views: AmplifierViews,
    demands: list[Demand],
    figures: dict[str, float],
    eddies: list[tuple[str, ...]],
    facts: list[tuple[str, str]],
) -> str:
    """An amplifier and the structure's answer as HTML text. eddies: rows of time constant and amplitudes; facts: origin."""
    body = f'<h1>{escape(title)}</h1><p class="lead">What amplifier and coil reach together, and what the structure answers.</p>'
    rows = [(d.name, f"{d.value:.4g} {d.unit}", f"{d.limit:.4g} {d.unit}", verdict_word(d.met)) for d in demands]
    body += table(("asked", "reached", "limit", ""), rows)
    body += figure(amplifier_figure(views), "Slew over amplitude; a trapezoid with control, links and limits; power over bore.")
    body += figure(structure_figure(views), "Eddy currents of the shells; deviation of a train; motion of the coil's cylinder.")
    body += "<h2>Eddy currents of the shells</h2>" + table(("time constant (ms)", "x (%)", "y (%)", "z (%)"), eddies)
    bands = [(f"{low:.0f}", f"{high:.0f}", f"{1e3 * limit:.3g}") for low, high, limit in views.bands]
    body += "<h2>Forbidden bands</h2>" + table(("from (Hz)", "to (Hz)", "steady sine borne (mT/m)"), bands)
    body += "<h2>Figures</h2>" + table(("figure", "value"), told_figures(figures))
    return page(title, body + "<h2>Origin</h2>" + table(("what", "value"), facts))
