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
from fullbore.phantom.movement import common_period
from fullbore.phantom.sampling import body_grid, sampled

FRAMES_PER_CYCLE = 24
FIELD_SPACING_M = 3e-3
AIR_STEPS = 4
_PIECE = 300_000


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

    times_s: at which the motion is known, straight between them; None: the one period in which all its movements start again, for
    ever, at `FRAMES_PER_CYCLE` times in a cycle of the quickest. The displacement of every organ is known every
    `FIELD_SPACING_M` or the phantom's spacing,
    as few modes as leave less than `tolerance_m`; between organs that slide along each other it changes within one such step.
    Errors: UsageError for a body whose movements have no common period, without times.
    """
    rest = at_rest(body)
    phantom = replace(sampled(rest, spacing_m), flows=body.flows)
    if not moves(body):
        return phantom
    period = None
    if times_s is None:
        period, times_s = _cycle(body)
    grid = body_grid(rest, max(spacing_m, FIELD_SPACING_M))
    places, organ = grid.points_m().reshape(-1, 3), _into_air(organ_labels(rest, grid)).ravel()
    frames = np.empty((len(times_s), places.size), np.float32)
    for frame, time in zip(frames, times_s, strict=True):
        frame[:] = displacement(body, places, organ, float(time)).ravel()
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


def _into_air(organ: Int[np.ndarray, "z y x"]) -> Int[np.ndarray, "z y x"]:
    """Labels with empty points next to an organ given to it, so that the field goes on smoothly beyond its border."""
    if not organ.any():
        return organ
    distance, nearest = distance_transform_edt(organ == 0, return_indices=True)
    return np.where(distance <= AIR_STEPS, organ[tuple(nearest)], organ)


def _few(frames: Float[np.ndarray, "t m"], tolerance_m: float) -> tuple[Float[np.ndarray, "mode m"], Float[np.ndarray, "t mode"]]:
    """As few modes and their amplitudes as leave less than the tolerance anywhere, at any of the times.

    By the frames' products with each other, which are few, and in pieces: frames of a large body fill gigabytes.
    """
    pieces = [frames[:, first : first + _PIECE] for first in range(0, frames.shape[1], _PIECE)]
    products = np.sum([piece.astype(np.float64) @ piece.T.astype(np.float64) for piece in pieces], axis=0)
    left = np.linalg.eigh(products)[1][:, ::-1]
    kept = 1
    for piece in pieces:
        parts = left.T @ piece
        while kept < len(left) and np.abs(piece - left[:, :kept] @ parts[:kept]).max(initial=0.0) > tolerance_m:
            kept += 1
    chosen = left[:, :kept]
    modes = np.concatenate([(chosen.T @ piece).astype(np.float32) for piece in pieces], axis=1)
    largest = np.abs(chosen).max(axis=0)
    return modes * largest[:, None].astype(np.float32), _unit(chosen)


def _unit(amplitude: Float[np.ndarray, "t mode"]) -> Float[np.ndarray, "t mode"]:
    largest = np.abs(amplitude).max(axis=0)
    return np.asarray(amplitude / np.where(largest > 0, largest, 1.0))


def _field(mode: Float[np.ndarray, " m"], grid: Grid) -> FieldMap:
    values = np.ascontiguousarray(np.moveaxis(mode.reshape(*grid.shape, 3), -1, 0))
    return FieldMap(values=values, grid=grid, unit="m")
