"""The page of a digital patient: three cuts through labels and maps, the organs with their volumes, what is known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from fullbore.clinical.report.anatomy import Picture, mosaic, planes
from fullbore.clinical.report.html import Markup, figure, page, table
from fullbore.data import Grid, ParameterMaps, Tissue

_COLOURS = "nipy_spectral"
_MAPS = (("T1", 3.0, "magma", "s"), ("T2", 0.2, "inferno", "s"), ("PD", 1.0, "gray", "1"))
_SIDE_IN = 2.9


def body_figure(labels: np.ndarray, count: int, maps: ParameterMaps) -> Figure:
    """Axial, sagittal and coronal cuts through the middle of what is there: labels, then T1, T2 and proton density.

    labels: (z, y, x) from 0 (air) to count.
    """
    at = _middle(labels, maps.grid)
    rows = [[
        Picture(values=cut, aspect=aspect, low=0.0, high=float(count + 1), colours=_COLOURS, title=f"organs · {name}")
        for name, cut, aspect in planes(labels, maps.grid, at)
    ]]  # fmt: skip
    for name, high, colours, unit in _MAPS:
        cuts = planes(np.nan_to_num(maps[name].value), maps.grid, at)
        rows.append([
            Picture(values=cut, aspect=aspect, low=0.0, high=high, colours=colours, title=f"{name} · {which}",
                    unit=unit if number == len(cuts) - 1 else "")
            for number, (which, cut, aspect) in enumerate(cuts)
        ])  # fmt: skip
    return mosaic(rows, _SIDE_IN)


def body_page(
    name: str,
    facts: Sequence[tuple[str, str]],
    drawing: Figure,
    organs: Mapping[str, float],
    tissues: Sequence[Tissue],
    truths: Mapping[str, float],
) -> str:
    """The page as HTML text. organs: volume in m^3 of each, in the order of their labels."""
    body = f'<h1>{escape(name)}</h1><p class="lead">A digital subject of Fullbore.</p>'
    body += figure(drawing, "Organs, T1, T2 and proton density in three planes; the patient's left is on the right.")
    body += table(("what", "value"), facts)
    rows = [
        (_patch(number, len(organs)), number, organ, 1e6 * volume) for number, (organ, volume) in enumerate(organs.items(), 1)
    ]
    body += "<h2>Organs</h2>" + table(("", "label", "organ", "volume (ml)"), rows)
    if truths:
        body += "<h2>Known of it</h2>" + table(("truth", "value"), sorted(truths.items()))
    columns = ("tissue", "T1 (ms)", "T2 (ms)", "density", "chi (ppm)", "ADC (1e-3 mm²/s)", "source")
    values = [
        (t.name, 1e3 * t.t1_s, 1e3 * t.t2_s, t.proton_density, t.susceptibility_ppm, 1e9 * t.diffusivity_m2_per_s, t.source)
        for t in tissues
    ]
    return page(name, body + "<h2>Tissues</h2>" + table(columns, values))


def _middle(labels: np.ndarray, grid: Grid) -> tuple[int, int, int]:
    """Index (S, P, L) of the middle of what is there, in the volume as it hangs."""
    held = [np.flatnonzero((labels > 0).any(axis=tuple(other for other in range(3) if other != axis))) for axis in range(3)]
    directions = grid.affine_m[:3, :3] / grid.spacing_m
    owner = np.argmax(np.abs(directions), axis=1)
    found = []
    for patient in (2, 1, 0):
        axis = 2 - int(owner[patient])
        size, here = labels.shape[axis], held[axis]
        place = int(here.min() + here.max()) // 2 if len(here) else size // 2
        found.append(place if directions[patient, owner[patient]] > 0 else size - 1 - place)
    return found[0], found[1], found[2]


def _patch(number: int, count: int) -> Markup:
    red, green, blue, _ = colormaps[_COLOURS](number / (count + 1), bytes=True)
    return Markup(f'<span style="display:inline-block;width:1em;height:1em;background:rgb({red},{green},{blue})"></span>')
