"""The page of a whole machine: what it is, what it can play, what its flaws do to an image, and what changed with it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from matplotlib.figure import Figure

from fullbore.clinical.machine_figures import BALLS_M, MachineFigures, SequenceFigures
from fullbore.clinical.report.anatomy import DPI
from fullbore.clinical.report.html import Markup, figure, page, table

_TIMES = (("echo_time_s", "TE"), ("echo_spacing_s", "echo spacing"), ("repetition_time_s", "TR"))
_COLOURS = ("#9aa5b1", "#c8681f")


def system_page(
    title: str,
    facts: Sequence[tuple[str, object]],
    parts: Sequence[tuple[str, str]],
    machines: Sequence[MachineFigures],
    images: Sequence[np.ndarray],
) -> str:
    """facts: of the machine. parts: its part -> what it is and where it comes from. machines, images: of the machine it is
    compared with, if any, and of this one, in that order; images are magnitudes (y, x)."""
    body = f"<h1>{escape(title)}</h1>"
    if len(machines) > 1:
        body += f'<p class="lead">{escape(machines[1].name)} beside {escape(machines[0].name)}: {escape(change(*machines))}</p>'
    body += table(("what", "value"), facts) + "<h2>Parts</h2>" + table(("part", "from"), parts)
    body += "<h2>What it can play</h2>" + figure(times_figure(machines), "Shortest echo and repetition times (quick protocols).")
    body += _times_table(machines) + "<h2>What its fields do</h2>" + _field_table(machines)
    if images:
        told, share = "The same echo-planar slice of vials, scanned on each machine", difference(images)
        told += "." if share is None else f"; they differ by {100 * share:.3g} % of the brightest at most."
        body += figure(images_figure(images, machines), told)
    return page(title, body)


def change(before: MachineFigures, after: MachineFigures) -> str:
    """What became of the times, in one sentence."""
    shares = []
    for old, new in zip(before.sequences, after.sequences, strict=True):
        for field, _ in _TIMES:
            a, b = getattr(old, field), getattr(new, field)
            if a and b:
                shares.append(b / a - 1)
    if not shares:
        return "no sequence can be compared."
    longer, shorter = sum(share > 1e-9 for share in shares), sum(share < -1e-9 for share in shares)
    middle = float(np.median(shares))
    return f"of {len(shares)} shortest times {shorter} are shorter and {longer} longer, the median changed by {middle:+.1%}."


def times_figure(machines: Sequence[MachineFigures]) -> Figure:
    """Shortest TE and TR as bars, machine beside machine, logarithmic."""
    drawing = Figure(figsize=(9, 3.6), dpi=DPI, layout="constrained")
    axes = drawing.subplots(1, 2, sharey=True)
    names = [item.name for item in machines[0].sequences]
    for axis, (field, label) in zip(axes, (_TIMES[0], _TIMES[2]), strict=True):
        for number, machine in enumerate(machines):
            values = [1e3 * (getattr(item, field) or np.nan) for item in machine.sequences]
            places = np.arange(len(names)) + (number - (len(machines) - 1) / 2) * 0.38
            axis.barh(places, values, height=0.36, color=_COLOURS[number + 2 - len(machines)], label=machine.name)
        axis.set(xscale="log", xlabel=f"shortest {label} (ms)")
        axis.grid(alpha=0.3, axis="x")
    axes[0].set_yticks(np.arange(len(names)), names, fontsize=8)
    axes[0].invert_yaxis()
    axes[0].legend(fontsize=8)
    return drawing


def images_figure(images: Sequence[np.ndarray], machines: Sequence[MachineFigures]) -> Figure:
    """Slices (y, x), and of two their difference, its largest white and told in its title."""
    shown = list(images)
    brightest = float(np.percentile(shown[-1], 99.7)) or 1.0
    tops, titles = [brightest] * len(shown), [machine.name for machine in machines]
    share = difference(images)
    if share is not None:
        shown.append(np.abs(shown[1] - shown[0]))
        tops.append(float(shown[-1].max()) or 1.0)
        titles.append(f"difference, at most {share:.2g} of the brightest")
    drawing = Figure(figsize=(3.1 * len(shown), 3.2), dpi=DPI, layout="constrained")
    axes = np.atleast_1d(np.asarray(drawing.subplots(1, len(shown))))
    for axis, values, top, title in zip(axes, shown, tops, titles, strict=True):
        axis.imshow(values, cmap="gray", vmin=0, vmax=top)
        axis.set_title(title, fontsize=9)
        axis.axis("off")
    return drawing


def difference(images: Sequence[np.ndarray]) -> float | None:
    """Largest difference of two slices over the brightest of the second; None where there are no two alike in shape."""
    if len(images) != 2 or images[0].shape != images[1].shape:
        return None
    return float(np.abs(images[1] - images[0]).max() / (images[1].max() or 1.0))


def _times_table(machines: Sequence[MachineFigures]) -> Markup:
    head = ["sequence", *(f"{label}, {machine.name}" for _, label in _TIMES for machine in machines)]
    head += [f"nerves keep, {machine.name}" for machine in machines] + ["what binds"]
    rows = []
    for number, last in enumerate(machines[-1].sequences):
        items = [machine.sequences[number] for machine in machines]
        times = [_ms(getattr(item, field)) for field, _ in _TIMES for item in items]
        margins = ["-" if np.isnan(item.nerve_margin) else f"{item.nerve_margin:.1%}" for item in items]
        rows.append([last.name, *times, *margins, _binds(last)])
    return Markup(table(head, rows))


def _binds(item: SequenceFigures) -> str:
    return "; ".join(f"{field.replace('_', ' ')}: {what}" for field, what in item.binds.items())


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value * 1e3:.5g} ms"


def _field_table(machines: Sequence[MachineFigures]) -> Markup:
    rows: list[list[str]] = [
        ["echo-planar shift per hertz", *(f"{1e3 * machine.echo_planar_m_per_Hz:.3g} mm" for machine in machines)]
    ]
    for ball in BALLS_M:
        over = f"over {ball * 100:.0f} cm"
        rows += [
            [f"magnet, {over}", *(f"{machine.field_ppm[ball]:.3g} ppm" for machine in machines)],
            [f"echo-planar shift by it, {over}", *(f"{1e3 * machine.echo_planar_shift_m(ball):.3g} mm" for machine in machines)],
            [f"gradients misplace, {over}", *(f"{1e3 * machine.bend_m[ball]:.3g} mm" for machine in machines)],
        ]
    return Markup(table(["what", *(machine.name for machine in machines)], rows))
