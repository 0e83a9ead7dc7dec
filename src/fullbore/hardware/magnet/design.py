"""From a magnet brief to windings of whole turns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from fullbore.data import Magnet, Winding
from fullbore.hardware.magnet.blocks import blocks_of
from fullbore.hardware.magnet.brief import MagnetBrief
from fullbore.hardware.magnet.density import current_density
from fullbore.hardware.magnet.figures import conductor_figures, magnet_figures
from fullbore.hardware.magnet.gauss_newton import null_harmonics
from fullbore.hardware.magnet.layout import PRIMARY, Layout
from fullbore.hardware.magnet.refine import Refined, refine
from fullbore.hardware.magnet.refusal import refuse_density, refuse_layout
from fullbore.hardware.magnet.turns import GOOD_ENOUGH, Wound, whole_turns

Tell = Callable[[float, str], None]
_ITERATIONS = 60


def design_magnet(brief: MagnetBrief, tell: Tell = lambda fraction, text: None, start: Layout | None = None) -> Magnet:
    """The magnet of least conductor found that keeps every limit of the brief, wound of whole turns.

    Linear program on loops -> rectangles -> Gauss-Newton on harmonics -> constrained refinement -> whole turns. start: a layout
    to begin from in place of the first two. tell: (fraction, what) as it goes. Deterministic.
    Errors: LimitError when no arrangement keeps the limits, with the one that binds and the nearest brief that can be met.
    """
    tell(0.0, "current density (linear program)")
    starts = [start] if start is not None else _starts(brief)
    smooth: Refined | None = None
    for count, layout in enumerate(starts):
        tell(0.05 + 0.2 * count, "rectangles: harmonics (Gauss-Newton), then constrained refinement")
        found = refine(null_harmonics(layout, brief), brief, iterations=_ITERATIONS, tell=partial(_refining, tell, count))
        smooth = found if smooth is None or found.excess < smooth.excess else smooth
        if smooth.excess <= GOOD_ENOUGH:
            break
    assert smooth is not None
    if smooth.excess > 2 * GOOD_ENOUGH:  # whole turns will not be better than any size of block
        refuse_layout(brief, smooth)
    wound = whole_turns(smooth.layout, brief, lambda share: tell(0.48 + 0.47 * share, "whole turns"))
    if wound.refined.excess > 2 * GOOD_ENOUGH:
        refuse_layout(brief, wound.refined)
    tell(0.95, "figures of merit")
    magnet = magnet_of(wound, brief)
    magnet = replace(magnet, figures={**magnet_figures(magnet, brief.stray.field_T), **conductor_figures(magnet, brief)})
    tell(1.0, "")
    return magnet


def _starts(brief: MagnetBrief) -> list[Layout]:
    """Rectangles from the linear program, long and thin first. Errors: LimitError when no current density will do."""
    density = current_density(brief)
    if density.excess > 0:
        refuse_density(brief, density.excess)
    return [blocks_of(density, brief), blocks_of(density, brief, compact=True)]


def _refining(tell: Tell, count: int, iteration: int) -> None:
    tell(0.05 + 0.2 * count + 0.2 * iteration / _ITERATIONS, "refining")


def layout_of(magnet: Magnet) -> Layout:
    """The upper half of a symmetric magnet as a layout to start from; its lower half is not looked at."""
    rows, groups = [], []
    for winding in magnet.windings:
        low, high = winding.centre_m - winding.length_m / 2, winding.centre_m + winding.length_m / 2
        if high > 0 and (low > -1e-6 or abs(winding.centre_m) < 1e-6):
            rows.append((winding.inner_radius_m, winding.outer_radius_m, max(low, 0.0), high))
            groups.append(PRIMARY if winding.turns > 0 else PRIMARY + 1)
    return Layout(edges_m=np.array(rows), group=np.array(groups))


def magnet_of(wound: Wound, brief: MagnetBrief) -> Magnet:
    """Windings from the lowest to the highest, primary first, named by group and place."""
    layout, windings = wound.refined.layout, []
    for block, (inner, outer, low, high) in enumerate(layout.edges_m):
        primary = bool(layout.group[block] == PRIMARY)
        turns = float(wound.layers[block] * wound.per_layer[block]) * (1 if primary else -1)
        central = bool(layout.central[block])
        for centre in (0.0,) if central else (-(low + high) / 2, (low + high) / 2):
            windings.append(
                Winding(
                    name="",
                    inner_radius_m=float(inner),
                    outer_radius_m=float(outer),
                    centre_m=float(centre),
                    length_m=float(high - low) * (2 if central else 1),
                    turns=turns,
                    layers=int(wound.layers[block]),
                    wire="primary" if primary else "shield",
                )
            )
    windings.sort(key=lambda w: (w.wire, w.centre_m))
    counts = {"primary": 0, "shield": 0}
    named = []
    for winding in windings:
        counts[winding.wire] += 1
        named.append(replace(winding, name=f"{winding.wire} {counts[winding.wire]}"))
    return Magnet(
        name=brief.name,
        b0_T=brief.b0_T,
        current_A=brief.current_A * layout.current_scale,
        windings=tuple(named),
        source=f"designed by Fullbore for the brief {brief.name}",
    )
