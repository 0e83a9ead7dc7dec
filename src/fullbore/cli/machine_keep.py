"""What is kept in a machine's folder, so that a change of one part costs that part: coils by axis, figures, the scanned image.

Each stands under a key of all that it follows from, the code included; under another key it is made anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fullbore.clinical.machine_figures import MachineFigures, SequenceFigures
from fullbore.data import Grid
from fullbore.files.kept import keep, kept
from fullbore.hardware.gradient import GradientBrief, GradientCoil, WoundAxis, WoundGradient, axis_brief
from fullbore.hardware.gradient.contours import SheetCurrent
from fullbore.machinery import code_digest, digest

FOLDER = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A machine's folder to write to, and one to look into first; None for none."""

    own: Path
    older: Path | None = None

    def find(self, name: str, key: str) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
        """What is kept under a name and key."""
        return None if self.older is None else kept(self.older / FOLDER / f"{name}.npz", key)

    def put(self, name: str, key: str, tree: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        """Keep it in the own folder."""
        (self.own / FOLDER).mkdir(exist_ok=True)
        keep(self.own / FOLDER / f"{name}.npz", key, tree, arrays)


def known_axes(brief: GradientBrief, grid: Grid, older: Path | None) -> dict[str, WoundAxis]:
    """Axes of a folder's machine on a grid whose own brief was, to the bit, what it is in this one."""
    found = {axis: Shelf(own=Path(), older=older).find(f"gradient-{axis}", _axis_key(brief, axis, grid)) for axis in "xyz"}
    return {axis: _axis(*held) for axis, held in found.items() if held is not None}


def keep_coils(shelf: Shelf, brief: GradientBrief, wound: WoundGradient) -> None:
    """Each axis under its own brief."""
    for axis, made in zip("xyz", wound.axes, strict=True):
        coil = made.coil
        arrays = {"track_m": coil.track_m, "field_m": made.field_m}
        sheets = []
        for number, sheet in enumerate(coil.sheets):
            arrays |= {f"heights_m.{number}": sheet.heights_m, f"profile_A.{number}": sheet.profile_A}
            sheets.append({"radius_m": sheet.radius_m, "order": sheet.order, "turned_rad": sheet.turned_rad})
        tree = {
            "axis": coil.axis,
            "turns": list(coil.turns),
            "sensitivity_T_per_m_A": coil.sensitivity_T_per_m_A,
            "inductance_H": coil.inductance_H,
            "resistance_ohm": coil.resistance_ohm,
            "figures": coil.figures,
            "sheets": sheets,
            "nerve_length_m": made.nerve_length_m,
        }
        shelf.put(f"gradient-{axis}", _axis_key(brief, axis, wound.grid), tree, arrays)


def _axis_key(brief: GradientBrief, axis: str, grid: Grid) -> str:
    where = {"shape": grid.shape, "affine_m": grid.affine_m.tolist()}
    return digest({"axis": axis, "brief": asdict(axis_brief(brief, axis)), "grid": where, "code": code_digest()})


def _axis(tree: dict[str, Any], arrays: dict[str, np.ndarray]) -> WoundAxis:
    own = dict(tree)
    sheets = tuple(
        SheetCurrent(heights_m=arrays[f"heights_m.{number}"], profile_A=arrays[f"profile_A.{number}"], **sheet)
        for number, sheet in enumerate(own.pop("sheets"))
    )
    turns, nerves = tuple(own.pop("turns")), own.pop("nerve_length_m")
    coil = GradientCoil(sheets=sheets, turns=turns, track_m=arrays["track_m"], **own)
    return WoundAxis(coil=coil, field_m=arrays["field_m"], nerve_length_m=nerves)


def known_figures(shelf: Shelf, key: Mapping[str, object]) -> MachineFigures | None:
    """A machine's figures, where they are on the shelf."""
    found = shelf.find("figures", digest({**key, "code": code_digest()}))
    return None if found is None else _figures(found[0])


def keep_figures(shelf: Shelf, key: Mapping[str, object], made: MachineFigures) -> None:
    """Put them there."""
    tree = asdict(made) | {name: list(getattr(made, name).items()) for name in ("field_ppm", "bend_m")}
    shelf.put("figures", digest({**key, "code": code_digest()}), tree, {})


def _figures(tree: dict[str, Any]) -> MachineFigures:
    own = dict(tree)
    sequences = tuple(SequenceFigures(**item) for item in own.pop("sequences"))
    balls: dict[str, Any] = {name: {float(ball): value for ball, value in own.pop(name)} for name in ("field_ppm", "bend_m")}
    return MachineFigures(sequences=sequences, **balls, **own)


def known_slice(shelf: Shelf, key: Mapping[str, object]) -> np.ndarray | None:
    """A scanned slice's magnitude (y, x), where it is on the shelf."""
    found = shelf.find("scan", digest({**key, "code": code_digest()}))
    return None if found is None else found[1]["values"]


def keep_slice(shelf: Shelf, key: Mapping[str, object], made: np.ndarray) -> None:
    """Put it there."""
    shelf.put("scan", digest({**key, "code": code_digest()}), {}, {"values": made})
