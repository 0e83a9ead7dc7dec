"""The page of what is to be made: files with the field that each gives when read back, amounts, pictures; charts for trays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from matplotlib.figure import Figure

from fullbore.clinical.report.html import figure, page, table

_COLOURS = {"x": "#c8681f", "y": "#1f77b4", "z": "#13795b"}
_A4_M = (11.69, 8.27)
_POCKETS_A_PAGE, _TRAYS_A_PAGE = 20, 30


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeFile:
    """One file: name, size, what it holds. error: of its field as read back, as a share; None where it carries no current."""

    name: str
    size_B: int
    holds: str
    error: float | None


def making_page(
    title: str,
    made: list[MadeFile],
    bill: Sequence[tuple[str, float, str, float, str]],
    drawn: Figure,
    facts: list[tuple[str, str]],
) -> str:
    """As HTML text."""
    body = f'<h1>{escape(title)}</h1><p class="lead">Files for a workshop; each was read back, and its field compared.</p>'
    rows = [(own.name, f"{own.size_B / 1e3:.4g} kB", own.holds, _told(own.error)) for own in made]
    body += table(("file", "size", "holds", "field off by"), rows) + figure(drawn, "As read back.")
    items = [(item, f"{quantity:.5g} {unit}", f"{mass:.4g} kg", note) for item, quantity, unit, mass, note in bill]
    items.append(("together", "", f"{sum(row[3] for row in bill):.4g} kg", ""))
    body += "<h2>Bill of material</h2>" + table(("item", "quantity", "mass", "note"), items)
    return page(title, body + "<h2>Origin</h2>" + table(("what", "value"), facts))


def _told(error: float | None) -> str:
    return "carries no current" if error is None else f"{1e2 * error:.2g} %"


def tracks_figure(tracks_m: dict[str, np.ndarray], radii_m: dict[str, tuple[float, ...]]) -> Figure:
    """A row a wire: in space, and unrolled on its innermost cylinder, or seen along z where it has no radii."""
    drawn = Figure(figsize=(12, 4 * len(tracks_m)), layout="constrained")
    for row, (name, track) in enumerate(tracks_m.items()):
        colour = _COLOURS.get(name, "#444444")
        space = drawn.add_subplot(len(tracks_m), 2, 2 * row + 1, projection="3d")
        space.plot(track[:, 2], track[:, 0], track[:, 1], linewidth=0.5, color=colour)
        space.set(xlabel="z (m)", ylabel="x (m)", zlabel="y (m)", title=f"{name}: {_length_m(track):.0f} m")
        space.set_box_aspect(np.ptp(track[:, [2, 0, 1]], axis=0))
        flat = drawn.add_subplot(len(tracks_m), 2, 2 * row + 2)
        if name not in radii_m:
            flat.plot(track[:, 0], track[:, 1], linewidth=0.5, color=colour)
            flat.set(xlabel="x (m)", ylabel="y (m)", title=f"{name} seen along z", aspect="equal")
            continue
        radius = radii_m[name][0]
        flat.plot(*_sheet(track, radius), linewidth=0.5, color=colour)
        flat.set(xlabel="z (m)", ylabel="around (m)", title=f"{name} unrolled, radius {1e3 * radius:.0f} mm", aspect="equal")
    return drawn


def _sheet(track: np.ndarray, radius_m: float) -> tuple[np.ndarray, np.ndarray]:
    """z and the way around of what lies on the cylinder; more than one turn is laid on one sheet, cut at the back."""
    angle = np.unwrap(np.arctan2(track[:, 1], track[:, 0]))
    on = np.abs(np.hypot(track[:, 0], track[:, 1]) - radius_m) < 2e-3
    if np.ptp(angle[on], axis=0) > 2 * np.pi:
        sheet = np.round(angle / (2 * np.pi))
        angle, on = angle - 2 * np.pi * sheet, on & (np.diff(sheet, prepend=sheet[0]) == 0)
    return track[:, 2], np.where(on, angle * radius_m, np.nan)


def _length_m(track: np.ndarray) -> float:
    return float(np.linalg.norm(np.diff(track, axis=0), axis=1).sum())


def sections_figure(windings_m: dict[str, np.ndarray], spools_m: dict[str, np.ndarray]) -> Figure:
    """Windings and spools in the half plane (z, r)."""
    drawn = Figure(figsize=(11, 5.5), layout="constrained")
    axis = drawn.subplots()
    for profile in spools_m.values():
        axis.fill(profile[:, 1], profile[:, 0], facecolor="#d9dde1", edgecolor="#777777", linewidth=0.6)
    for name, profile in windings_m.items():
        axis.fill(profile[:, 1], profile[:, 0], facecolor="#c8681f", edgecolor="#7a3b0c", linewidth=0.6)
        axis.annotate(name, profile.mean(axis=0)[::-1], fontsize=6, ha="center", va="center", rotation=90)
    axis.set(xlabel="z (m)", ylabel="radius (m)", aspect="equal")
    return drawn


def tray_charts(title: str, sheets: np.ndarray) -> Iterator[Figure]:
    """A4 pages: sheets per pocket, a line a tray, each line one text: `tray 3 pockets 1 to 15: 0 4 12 ...`."""
    trays, pockets = sheets.shape
    for first in range(0, trays, _TRAYS_A_PAGE):
        for left in range(0, pockets, _POCKETS_A_PAGE):
            right = min(left + _POCKETS_A_PAGE, pockets)
            drawn = Figure(figsize=_A4_M)
            drawn.text(0.05, 0.94, f"{title}: iron sheets in each pocket", fontsize=13)
            drawn.text(0.05, 0.905, "tray 1 lies towards +x, the next ones follow towards +y; pocket 1 has the lowest z")
            for line, tray in enumerate(range(first, min(first + _TRAYS_A_PAGE, trays))):
                words = " ".join(f"{int(n):3d}" for n in sheets[tray, left:right])
                text = f"tray {tray + 1:3d} pockets {left + 1} to {right}: {words}"
                drawn.text(0.05, 0.86 - 0.027 * line, text, fontsize=8.5, family="monospace")
            yield drawn


def chart_figure(sheets: np.ndarray) -> Figure:
    """Sheets (tray, pocket) as a picture."""
    drawn = Figure(figsize=(9, 4.5), layout="constrained")
    axis = drawn.subplots()
    drawn.colorbar(axis.imshow(sheets, aspect="auto", cmap="magma_r"), ax=axis)
    axis.set(xlabel="pocket (along z)", ylabel="tray (around)", title="sheets in each pocket")
    return drawn
