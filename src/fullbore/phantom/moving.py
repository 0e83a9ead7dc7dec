"""A body that moves and bleeds, as the phantom that the scanner plays: at rest on a grid, with its motion and its flows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int
from scipy.ndimage import distance_transform_edt

from fullbore.data import Course, Deformation, FieldMap, Grid, Phantom
from fullbore.errors import UsageError
from fullbore.phantom.body import Body, organ_movement
from fullbore.phantom.body_truth import organ_labels
from fullbore.phantom.sampling import body_grid, sampled

FRAMES_PER_CYCLE = 24
FIELD_SPACING_M = 3e-3
AIR_STEPS = 4


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
    """The phantom of a body, at rest on a grid of `spacing_m`, with its flows and its motion as a `Deformation`.

    times_s: at which the motion is known, straight between them; None: `FRAMES_PER_CYCLE` times of the one period that all its
    movements share, for ever. The displacement of every organ is known every `FIELD_SPACING_M` or the phantom's spacing, as
    few modes as leave less than `tolerance_m`; between organs that slide along each other it changes within one such step.
    Errors: UsageError for a body whose movements have no common period, without times.
    """
    rest = at_rest(body)
    phantom = replace(sampled(rest, spacing_m), flows=body.flows)
    if not moves(body):
        return phantom
    period = None
    if times_s is None:
        period = period_s(body)
        if period is None:
            raise UsageError(f"Body {body.name}: its movements have no common period. Give times_s over the whole scan.")
        times_s = period * np.arange(FRAMES_PER_CYCLE) / FRAMES_PER_CYCLE
    grid = body_grid(rest, max(spacing_m, FIELD_SPACING_M))
    places, organ = grid.points_m().reshape(-1, 3), _into_air(organ_labels(rest, grid)).ravel()
    frames = np.stack([displacement(body, places, organ, float(time)).ravel() for time in times_s])
    modes, amplitude = _few(frames, tolerance_m)
    return replace(
        phantom,
        motion=Deformation(
            modes=tuple(_field(mode, grid) for mode in modes),
            amplitude=Course(times_s=np.asarray(times_s, np.float64), values=amplitude, period_s=period),
        ),
    )


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
    """The one period that all movements of a body share; None where they have none."""
    movements = [body.movement, *(layer.movement for layer in body.layers)]
    periods = {movement.period_s for movement in movements if movement is not None}
    return periods.pop() if len(periods) == 1 else None


def _into_air(organ: Int[np.ndarray, "z y x"]) -> Int[np.ndarray, "z y x"]:
    """Labels with empty points next to an organ given to it, so that the field goes on smoothly beyond its border."""
    if not organ.any():
        return organ
    distance, nearest = distance_transform_edt(organ == 0, return_indices=True)
    return np.where(distance <= AIR_STEPS, organ[tuple(nearest)], organ)


def _few(frames: Float[np.ndarray, "t m"], tolerance_m: float) -> tuple[Float[np.ndarray, "mode m"], Float[np.ndarray, "t mode"]]:
    """As few modes and their amplitudes as leave less than the tolerance anywhere, at any of the times."""
    left, size, right = np.linalg.svd(frames, full_matrices=False)
    kept, rest = 0, frames
    while kept < len(size) and np.abs(rest).max(initial=0.0) > tolerance_m:
        rest = rest - size[kept] * np.outer(left[:, kept], right[kept])
        kept += 1
    kept = max(kept, 1)
    return right[:kept] * np.abs(left[:, :kept] * size[:kept]).max(axis=0)[:, None], _unit(left[:, :kept] * size[:kept])


def _unit(amplitude: Float[np.ndarray, "t mode"]) -> Float[np.ndarray, "t mode"]:
    largest = np.abs(amplitude).max(axis=0)
    return np.asarray(amplitude / np.where(largest > 0, largest, 1.0))


def _field(mode: Float[np.ndarray, " m"], grid: Grid) -> FieldMap:
    values = np.ascontiguousarray(np.moveaxis(mode.reshape(*grid.shape, 3), -1, 0))
    return FieldMap(values=values, grid=grid, unit="m")
