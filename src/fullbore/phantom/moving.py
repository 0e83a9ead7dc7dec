"""A body that moves and bleeds, as the phantom that the scanner plays: at rest on a grid, with its motion and its flows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from fullbore.data import Motion, Phantom
from fullbore.errors import UsageError
from fullbore.phantom.body import Body, organ_movement
from fullbore.phantom.movement import common_period
from fullbore.phantom.sampling import sampled
from fullbore.phantom.sliding import Frames, merged, slid, told_apart

FRAMES_PER_CYCLE = 24


def moves(body: Body) -> bool:
    """True for a body that moves, in whole or in part."""
    return body.movement is not None or any(layer.movement is not None for layer in body.layers)


def at_rest(body: Body) -> Body:
    """The body without its movements."""
    layers = tuple(replace(layer, movement=None) for layer in body.layers)
    truths, box = dict(body.truths), (body.low_m, body.high_m)
    return Body(
        name=body.name, layers=layers, truths=truths, low_m=box[0], high_m=box[1], shim_over=body.shim_over,
        endless=body.endless, flows=body.flows, source=body.source,
    )  # fmt: skip


def moving(body: Body, spacing_m: float, times_s: Float[np.ndarray, " t"] | None = None, *, tolerance_m: float = 1e-4) -> Phantom:
    """The phantom of a body, at rest on a grid of `spacing_m`, with its flows and its motion: a `Deformation`, or where layers
    move in different ways, `Sliding`: each piece of matter goes with the layer that it was painted by, up to the very border.

    times_s: at which the motion is known, straight between them; None: the one period in which all its movements start again, for
    ever, at `FRAMES_PER_CYCLE` times in a cycle of the quickest and more where it bends. The displacement of every movement is
    known at any place, in as few modes as leave less than `tolerance_m` at places all over its matter.
    Errors: UsageError for a body whose movements have no common period, without times.
    """
    if not moves(body):
        return replace(sampled(at_rest(body), spacing_m), flows=body.flows)
    period = None
    if times_s is None:
        period, times_s = _cycle(body)
    apart = told_apart(body)
    painted = sampled(apart.body, spacing_m)
    frames = Frames(
        body=body, times_s=np.asarray(times_s, np.float64), period_s=period, tolerance_m=tolerance_m,
        spacing_m=spacing_m,
    )  # fmt: skip
    motion: Motion
    if len(apart.movers) == 1:
        motion = frames.of_one(apart.movers[0], np.asarray(painted.fractions.any(axis=0)), painted.grid)
    else:
        motion = slid(apart, painted, frames)
    fractions = merged(apart, painted.fractions, body)
    return replace(painted, tissues=body.tissues, fractions=fractions, flows=body.flows, motion=motion)


def displacement(
    body: Body, places_m: Float[np.ndarray, "n 3"], organ: Int[np.ndarray, " n"], time_s: float
) -> Float[np.ndarray, "n 3"]:
    """Where matter at rest has gone, less where it was. organ: 1 + index into body.organs, 0 for what only the body moves."""
    gone = np.array(places_m, np.float64)
    for number, name in enumerate(body.organs):
        own, which = organ_movement(body, name), np.flatnonzero(organ == number + 1)
        if own is not None and len(which):
            gone[which] = own.forward(gone[which], time_s)
    if body.movement is not None:
        gone = body.movement.forward(gone, time_s)
    return gone - places_m


def period_s(body: Body) -> float | None:
    """The shortest time after which all movements of a body start again, see `common_period`; None where there is none."""
    return common_period(_periods(body))


def quickest_s(body: Body) -> float | None:
    """The period of the quickest of all movements of a body; None where nothing repeats."""
    movements = [body.movement, *(layer.movement for layer in body.layers)]
    known = [period for one in movements if one is not None for period in (one.quickest_s, one.period_s) if period is not None]
    return min(known, default=None)


def _periods(body: Body) -> list[float | None]:
    """All periods of its movements, each once."""
    movements = [body.movement, *(layer.movement for layer in body.layers)]
    return list({movement.period_s for movement in movements if movement is not None})


def _cycle(body: Body) -> tuple[float, np.ndarray]:
    """The period of a body and times in it, `FRAMES_PER_CYCLE` in its quickest movement's cycle. Errors: UsageError."""
    period, quickest = period_s(body), quickest_s(body)
    if period is None or quickest is None:
        told = ", ".join("one that does not repeat" if one is None else f"{one:.4g} s" for one in _periods(body))
        raise UsageError(
            f"Body {body.name}: its movements have no common period (theirs: {told}). Give times_s over the whole scan, or "
            "periods of which one is a whole number of the other, as a breath that lasts five heart beats."
        )
    count = FRAMES_PER_CYCLE * max(1, round(period / quickest))
    return period, period * np.arange(count) / count
