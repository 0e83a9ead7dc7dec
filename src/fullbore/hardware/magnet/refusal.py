"""Briefs that cannot be met: which limit binds, and the nearest brief that can."""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

from fullbore.errors import LimitError
from fullbore.hardware.magnet.brief import MagnetBrief
from fullbore.hardware.magnet.density import current_density
from fullbore.hardware.magnet.refine import Refined

_LONGEST, _HALVINGS = 2.0, 6
# Rectangles of whole turns need a little more length than free currents.
_ROOM = 1.02


def refuse_density(brief: MagnetBrief, excess: float) -> NoReturn:
    """Raise LimitError for a brief that no current density within its space can meet."""
    asked = _fields_text(brief)
    length = _shortest_length(brief)
    relaxed = _stretched(brief, 1 + excess)
    ways = [f"take {length * _ROOM:.2f} m of length"] if length is not None else []
    if excess < 1:
        ways.append(f"at {brief.space.length_m:.3g} m ask {_fields_text(relaxed)}")
    advice = ", or ".join(ways) or "widen the space for the windings or lower the field"
    raise LimitError(
        f"magnet brief {brief.name}: {asked} cannot be met by any windings {brief.space.length_m:.3g} m long from "
        f"{brief.space.inner_radius_m:.3g} to {brief.space.outer_radius_m:.3g} m of radius at {brief.b0_T:.3g} T: the limits "
        f"would have to be {1 + excess:.3g} times as wide. {advice[0].upper()}{advice[1:]}."
    )


def refuse_layout(brief: MagnetBrief, refined: Refined) -> NoReturn:
    """Raise LimitError for a brief whose best windings exceed a limit: these windings meet the brief that the message names."""
    limits, worst = brief.limits, refined.binding[0]
    over = 1 + refined.excess
    nearest = {
        "stray field": f"{brief.stray.field_T * over * 1e3:.3g} mT on the ellipse",
        "load line": f"a load-line margin of {100 * max(0.0, 1 - (1 - limits.load_line_margin) * over):.3g} %",
        "hoop stress": f"a hoop stress of {limits.hoop_stress_Pa * over / 1e6:.4g} MPa",
        "stored energy": f"{limits.energy_J * over / 1e6:.4g} MJ",
        "conductor length": f"{limits.conductor_m * over / 1e3:.4g} km of conductor",
    }
    homogeneous = ", ".join(f"{b.peak_to_peak * over * 1e6:.3g} ppm over {b.diameter_m * 100:.3g} cm" for b in brief.homogeneity)
    allowed = [nearest.get(name, homogeneous) for name in refined.binding]
    raise LimitError(
        f"magnet brief {brief.name}: the best windings exceed {worst} by {100 * refined.excess:.3g} % "
        f"(binding: {', '.join(refined.binding)}). Allow {' and '.join(dict.fromkeys(allowed))}, "
        "or give more length, radius or pairs."
    )


def _shortest_length(brief: MagnetBrief) -> float | None:
    """The least length whose density program can be met, to a sixty-fourth of the search, up to twice what was asked."""
    low, high = brief.space.length_m, brief.space.length_m * _LONGEST
    if _excess(brief, high) > 0:
        return None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if _excess(brief, middle) == 0 else (middle, high)
    return high


def _excess(brief: MagnetBrief, length_m: float) -> float:
    return current_density(replace(brief, space=replace(brief.space, length_m=length_m))).excess


def _stretched(brief: MagnetBrief, factor: float) -> MagnetBrief:
    balls = tuple(replace(ball, peak_to_peak=ball.peak_to_peak * factor) for ball in brief.homogeneity)
    return replace(brief, homogeneity=balls, stray=replace(brief.stray, field_T=brief.stray.field_T * factor))


def _fields_text(brief: MagnetBrief) -> str:
    balls = ", ".join(f"{ball.peak_to_peak * 1e6:.3g} ppm over {ball.diameter_m * 100:.3g} cm" for ball in brief.homogeneity)
    stray = brief.stray
    return f"{balls} and {stray.field_T * 1e3:.3g} mT within {stray.radius_m:.3g} x {stray.axial_m:.3g} m"
