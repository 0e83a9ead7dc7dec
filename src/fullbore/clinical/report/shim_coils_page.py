"""The page of shim coils: how they are wound, and what they do to a patient's field."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Protocol, runtime_checkable

import numpy as np
from matplotlib.figure import Figure

from fullbore.clinical.report.html import figure, page, table

_TURNS = 9
_CUTS = 6


@runtime_checkable
class Sheet(Protocol):
    """A stream function on a cylinder."""

    @property
    def heights_m(self) -> np.ndarray:
        """(z,)."""

    def sampled(self, angles_rad: np.ndarray) -> np.ndarray:
        """(angle, height), A."""


@runtime_checkable
class Coil(Protocol):
    """What the page tells of a shim coil: a `hardware.shim.ShimCoil`."""

    @property
    def name(self) -> str:
        """Of its harmonic."""

    @property
    def degree(self) -> int:
        """Of its harmonic."""

    @property
    def sheet(self) -> Sheet:
        """At 1 A."""

    @property
    def strength_T_per_ml_A(self) -> float:
        """Of its harmonic."""

    @property
    def impurity(self) -> float:
        """Largest deviation over the ball."""

    @property
    def heat_W_per_A2(self) -> float:
        """Dissipation."""


@runtime_checkable
class Shimmed(Protocol):
    """Currents and what they leave: a `hardware.shim.PatientShim`."""

    @property
    def currents_A(self) -> np.ndarray:
        """(part, coil)."""

    @property
    def left_Hz(self) -> np.ndarray:
        """(z, y, x)."""

    @property
    def before_Hz(self) -> float:
        """Standard deviation over the mask."""

    @property
    def after_Hz(self) -> float:
        """Root mean square over the mask."""


def shim_coils_figure(coils: Sequence[Coil]) -> Figure:
    """Turns of each coil, unrolled."""
    columns = 5
    rows = -(-len(coils) // columns)
    drawn = Figure(figsize=(2.6 * columns, 1.9 * rows), layout="constrained")
    axes = np.atleast_1d(drawn.subplots(rows, columns, sharex=True, sharey=True)).ravel()
    angles = np.linspace(0, 2 * np.pi, 181)
    for axis in axes[len(coils) :]:
        axis.axis("off")
    for axis, coil in zip(axes, coils, strict=False):
        values = coil.sheet.sampled(angles)
        size = float(np.abs(values).max())
        levels = (np.arange(-_TURNS, _TURNS) + 0.5) / _TURNS * size
        axis.contour(np.degrees(angles), 100 * coil.sheet.heights_m, values.T, levels=levels, cmap="coolwarm", linewidths=0.8)
        axis.set_title(coil.name, fontsize=9)
        axis.tick_params(labelsize=7)
    drawn.supxlabel("azimuth (deg)", fontsize=8)
    drawn.supylabel("z (cm)", fontsize=8)
    return drawn


def shimmed_figure(before_Hz: np.ndarray, after_Hz: np.ndarray, mask: np.ndarray) -> Figure:
    """Slices through the mask before and after, in one scale."""
    filled = np.flatnonzero(mask.any(axis=(1, 2)))
    chosen = filled[np.linspace(0, len(filled) - 1, min(_CUTS, len(filled))).round().astype(int)]
    size = float(np.percentile(np.abs(before_Hz[mask] - before_Hz[mask].mean()), 98)) or 1.0
    drawn = Figure(figsize=(2.0 * len(chosen) + 0.8, 4.4), layout="constrained")
    axes = np.asarray(drawn.subplots(2, len(chosen), squeeze=False))
    shown = None
    for row, (values, label) in enumerate(((before_Hz - before_Hz[mask].mean(), "before"), (after_Hz, "after"))):
        for axis, z in zip(axes[row], chosen, strict=True):
            shown = axis.imshow(np.where(mask[z], values[z], np.nan), cmap="coolwarm", vmin=-size, vmax=size)
            axis.set_title(f"{label}, slice {z}", fontsize=8)
            axis.axis("off")
    assert shown is not None
    drawn.colorbar(shown, ax=axes, label="Hz", shrink=0.8)
    return drawn


def shim_coils_page(
    of: str, coils: Sequence[Coil], limits_A: np.ndarray, before_Hz: np.ndarray, mask: np.ndarray, found: Shimmed
) -> str:
    """HTML text. of: whose field. before_Hz, mask: (z, y, x)."""
    parts = len(found.currents_A)
    facts = [
        ("field of", of),
        ("voxels that matter", f"{int(mask.sum())}"),
        ("standard deviation before", f"{found.before_Hz:.4g} Hz"),
        ("root mean square after", f"{found.after_Hz:.4g} Hz"),
        ("currents", "for the volume" if parts == 1 else f"for each of {parts} slices"),
    ]
    body = f'<h1>Shim coils</h1><p class="lead">Shimmed: {escape(of)}.</p>' + table(("what", "value"), facts)
    body += figure(shimmed_figure(before_Hz, found.left_Hz, mask), "Field before and after, Hz about the mean frequency.")
    most = np.abs(found.currents_A).max(axis=0)
    rows = [
        (
            coil.name, f"{coil.strength_T_per_ml_A * 1e6:.4g} uT/m^{coil.degree}/A", f"{coil.impurity:.1%}",
            f"{coil.heat_W_per_A2:.3g} W/A2", f"{limit:.3g} A", f"{used:.3g} A", "at its limit" if used > 0.999 * limit else "",
        )
        for coil, limit, used in zip(coils, limits_A, most, strict=True)
    ]  # fmt: skip
    head = ("coil", "strength", "impurity", "heat", "limit", "largest used", "")
    body += figure(shim_coils_figure(coils), "Turns of the coils, unrolled.") + table(head, rows)
    return page("Fullbore shim coils", body)
