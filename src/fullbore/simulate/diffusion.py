"""Diffusion weighting of any stretch of a sequence, from the waveforms themselves.

Along a stretch from a to b the moment m(t) = gamma/2pi * integral of G from a to t moves a state of wave vector k along
k + m(t), and diffusion leaves exp(-4 pi^2 * integral of (k + m)^T D (k + m) dt) of it (Torrey 1956). With
T = b - a, the path P = integral of m dt and the spread S = integral of m m^T dt this is exactly
exp(-4 pi^2 * (T k^T D k + 2 k^T D P + trace(D S))): ramps, cross terms and gradients on all axes at once are in P and S.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from fullbore.data import Gradient, Sequence, Tissue
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.simulate.timeline import Timeline
from fullbore.simulate.tracks import joint_labels

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(3)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stretches:
    """Stretches of time and what gradients do in each.

    time_s: (n,) T. moment_per_m: (n, 3) m at the end. path_s_per_m: (n, 3) P. spread_s_per_m2: (n, 3, 3) S.
    """

    time_s: Float[np.ndarray, " n"]
    moment_per_m: Float[np.ndarray, "n 3"]
    path_s_per_m: Float[np.ndarray, "n 3"]
    spread_s_per_m2: Float[np.ndarray, "n 3 3"]

    def joined(self, first: Int[np.ndarray, " m"], end: Int[np.ndarray, " m"]) -> Stretches:
        """Longer stretches, each made of pieces first, ..., end - 1 of these in their order; nothing where end = first."""
        length = end - first
        stretch = np.repeat(np.arange(len(first)), length)
        piece = np.arange(len(stretch)) - np.repeat(np.cumsum(length) - length, length) + np.repeat(first, length)
        clock = np.concatenate([np.zeros((1, 3)), np.cumsum(self.moment_per_m, axis=0)])
        before, time = clock[piece] - clock[first[stretch]], self.time_s[piece]
        path = self.path_s_per_m[piece]
        cross = before[:, :, None] * path[:, None, :]
        spread = self.spread_s_per_m2[piece] + cross + cross.transpose(0, 2, 1)
        spread += time[:, None, None] * before[:, :, None] * before[:, None, :]

        def add(values: Float[np.ndarray, "piece ..."]) -> Float[np.ndarray, "stretch ..."]:
            total = np.zeros((len(first), *values.shape[1:]))
            np.add.at(total, stretch, values)
            return total

        return Stretches(
            time_s=add(time),
            moment_per_m=clock[end] - clock[first],
            path_s_per_m=add(path + time[:, None] * before),
            spread_s_per_m2=add(spread),
        )

    def spanned(self, first: Int[np.ndarray, " m"], end: Int[np.ndarray, " m"]) -> Stretches:
        """The same without path and spread, where nothing diffuses."""
        time = np.concatenate([[0.0], np.cumsum(self.time_s)])
        clock = np.concatenate([np.zeros((1, 3)), np.cumsum(self.moment_per_m, axis=0)])
        return Stretches(
            time_s=time[end] - time[first],
            moment_per_m=clock[end] - clock[first],
            path_s_per_m=np.zeros((len(first), 3)),
            spread_s_per_m2=np.zeros((len(first), 3, 3)),
        )

    def taken(self, which: Int[np.ndarray, " m"]) -> Stretches:
        """Some of the stretches."""
        return Stretches(
            time_s=self.time_s[which],
            moment_per_m=self.moment_per_m[which],
            path_s_per_m=self.path_s_per_m[which],
            spread_s_per_m2=self.spread_s_per_m2[which],
        )

    def turned(self, frame: Float[np.ndarray, "3 3"]) -> Stretches:
        """The same along the rows of `frame`."""
        return Stretches(
            time_s=self.time_s,
            moment_per_m=self.moment_per_m @ frame.T,
            path_s_per_m=self.path_s_per_m @ frame.T,
            spread_s_per_m2=frame @ self.spread_s_per_m2 @ frame.T,
        )

    def exponent(self, k_per_m: Float[np.ndarray, "n 3"], tensor_m2_per_s: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, " n"]:
        """What diffusion takes from the logarithm of states that enter the stretches with these wave vectors."""
        pulled = k_per_m @ tensor_m2_per_s
        still = self.time_s * (pulled * k_per_m).sum(axis=1) + 2 * (pulled * self.path_s_per_m).sum(axis=1)
        return np.asarray(4 * np.pi**2 * (still + np.einsum("nij,ij->n", self.spread_s_per_m2, tensor_m2_per_s)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Waveforms:
    """A whole sequence cut at its blocks, its pulses' centres and the middle sample of its readouts.

    pieces: what lies between cuts. pulse: (pulse,) and row: (row,) the pieces that begin there. diffuses: whether anything does;
    else pieces are only what lies between pulses, without path and spread.
    """

    pieces: Stretches
    pulse: Int[np.ndarray, " pulse"]
    row: Int[np.ndarray, " row"]
    diffuses: bool = True

    def between(self, pulses: Int[np.ndarray, " n"]) -> Stretches:
        """From each of these pulses to the next of them, an empty stretch before the first."""
        at = self.pulse[pulses]
        return self._joined(np.concatenate([at[:1], at[:-1]]), at)

    def until(self, pulses: Int[np.ndarray, " n"], rows: Int[np.ndarray, " n"]) -> Stretches:
        """From a pulse to the middle sample of a readout after it, pair by pair."""
        return self._joined(self.pulse[pulses], self.row[rows])

    def _joined(self, first: Int[np.ndarray, " m"], end: Int[np.ndarray, " m"]) -> Stretches:
        return self.pieces.joined(first, end) if self.diffuses else self.pieces.spanned(first, end)


def cut_waveforms(sequence: Sequence, timeline: Timeline, diffuses: bool = True) -> Waveforms:
    """Every piece integrated exactly; pieces of one shape and length are integrated once."""
    if not diffuses:
        return _uncut_waveforms(timeline)
    starts = sequence.block_starts_s()
    middle = timeline.times.at(timeline.times.samples // 2)[:, 0]
    cuts = np.unique(np.concatenate([starts, timeline.time_s, middle, starts[-1:] + sequence.duration_s[-1]]))
    block = np.clip(np.searchsorted(starts, cuts[:-1], side="right") - 1, 0, None)
    return Waveforms(
        pieces=_integrate(sequence, block, cuts[:-1] - starts[block], cuts[1:] - starts[block]),
        pulse=np.searchsorted(cuts, timeline.time_s),
        row=np.searchsorted(cuts, middle),
    )


def _uncut_waveforms(timeline: Timeline) -> Waveforms:
    """From the sequence's start to the first pulse, from pulse to pulse, and on: times and moments alone."""
    time, moment = timeline.time_s, timeline.moment_per_m
    end = timeline.times.at(timeline.times.samples // 2)[-1:, 0], timeline.moments.at(timeline.moments.samples // 2)[-1:]
    pieces = Stretches(
        time_s=np.diff(np.concatenate([time, end[0]]), prepend=0.0),
        moment_per_m=np.diff(np.concatenate([moment, end[1]]), axis=0, prepend=np.zeros((1, 3))),
        path_s_per_m=np.zeros((len(time) + 1, 3)),
        spread_s_per_m2=np.zeros((len(time) + 1, 3, 3)),
    )
    return Waveforms(pieces=pieces, pulse=np.arange(len(time)) + 1, row=timeline.last_pulse + 1, diffuses=False)


def _integrate(
    sequence: Sequence, block: Int[np.ndarray, " n"], first_s: Float[np.ndarray, " n"], end_s: Float[np.ndarray, " n"]
) -> Stretches:
    shape, scale = sequence.gradient[block], sequence.gradient_scale[block] * GYROMAGNETIC_RATIO_HZ_PER_T
    example, which = joint_labels(*shape.T, np.round(first_s * 1e10), np.round(end_s * 1e10))
    units = [
        _unit_integrals([sequence.gradients[i] if i >= 0 else None for i in shape[n]], float(first_s[n]), float(end_s[n]))
        for n in example
    ]
    moment, path, spread = (np.stack(part)[which] for part in zip(*units, strict=True))
    return Stretches(
        time_s=end_s - first_s,
        moment_per_m=scale * moment,
        path_s_per_m=scale * path,
        spread_s_per_m2=scale[:, :, None] * scale[:, None, :] * spread,
    )


def _unit_integrals(
    shapes: list[Gradient | None], first_s: float, end_s: float
) -> tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 3"], Float[np.ndarray, "3 3"]]:
    """Moment, path and spread of three waveforms; three Gauss points between knots are exact for what is of fourth degree."""
    knots = [shape.times_s for shape in shapes if shape is not None]
    inner = np.concatenate([np.zeros(0), *knots])
    edges = np.unique(np.concatenate([[first_s, end_s], inner[(inner > first_s) & (inner < end_s)]]))
    half = 0.5 * np.diff(edges)[:, None]
    times = np.concatenate([[first_s], (edges[:-1, None] + half * (1 + _NODES)).ravel(), [end_s]])
    weights = (half * _WEIGHTS).ravel()
    moment = np.stack([np.zeros(len(times)) if s is None else s.area_until_T_s_per_m(times) for s in shapes], axis=1)
    moment -= moment[0]
    inside = moment[1:-1]
    return moment[-1], weights @ inside, np.einsum("n,ni,nj->ij", weights, inside, inside)


def tensor_in(frame: Float[np.ndarray, "3 3"], tissue: Tissue) -> list[tuple[float, Float[np.ndarray, "3 3"]]]:
    """(fraction, diffusion tensor along the rows of `frame`) of every compartment of a tissue."""
    return [(fraction, frame @ np.array(tensor) @ frame.T) for fraction, tensor in tissue.diffusion]


def mean_tensor(frame: Float[np.ndarray, "3 3"], tissue: Tissue) -> Float[np.ndarray, "3 3"]:
    """Diffusion tensor of all compartments together, along the rows of `frame`."""
    return np.einsum("n,nij->ij", *(np.array(part) for part in zip(*tensor_in(frame, tissue), strict=True)))


def within_readout(
    k_per_m: Float[np.ndarray, "sample 3"], dwell_s: float, tensor_m2_per_s: Float[np.ndarray, "3 3"]
) -> Float[np.ndarray, " sample"]:
    """What diffusion takes from the logarithm of the signal between the middle sample and every sample of a readout."""
    rate = np.einsum("si,ij,sj->s", k_per_m, tensor_m2_per_s, k_per_m)
    grown = np.concatenate([[0.0], np.cumsum(0.5 * (rate[1:] + rate[:-1]))]) * dwell_s
    return np.asarray(4 * np.pi**2 * (grown - grown[len(k_per_m) // 2]))
