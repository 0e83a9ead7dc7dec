"""K-space as the gradients play it, a few readouts at a time: no more memory than the samples that are asked for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int

from fullbore.data import Sequence
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T

READOUTS = 1024


def streamed_k_space(
    sequence: Sequence, readouts: int = READOUTS
) -> Iterator[tuple[Int[np.ndarray, " row"], Float[np.ndarray, "row sample 3"]]]:
    """(rows of the Encoding, k of their samples in cycles/m, LPS), at most `readouts` at a time, in playing order.

    From the gradients alone: k is zero at the centre of an excitation, turns its sign at the centre of a refocusing pulse, and
    takes no notice of other pulses. Beside a piece it holds a few numbers for each block. Windows of several lengths come in
    pieces of one length each. Errors: none; a sequence without readouts yields nothing.
    """
    starts = _moments_at_starts(sequence)
    played, blocks = np.flatnonzero(sequence.rf >= 0), np.flatnonzero(sequence.adc >= 0)
    sign, offset = _after_pulses(sequence, starts, played)
    last = np.searchsorted(played, blocks, side="right") - 1  # a pulse comes before the readout of its own block
    edges = np.flatnonzero(np.diff(sequence.adc[blocks])) + 1
    for first, end in zip([0, *edges.tolist()], [*edges.tolist(), len(blocks)], strict=True):
        for low in range(first, end, readouts):
            rows = np.arange(low, min(low + readouts, end))
            adc = sequence.adcs[sequence.adc[blocks[low]]]
            times = adc.delay_s + (np.arange(adc.samples) + 0.5) * adc.dwell_s
            k = _within(sequence, blocks[rows], times)
            # index -1, before any pulse, takes the row of zeros at the end
            k += (starts[blocks[rows]] + sign[last[rows], None] * offset[last[rows]])[:, None]
            yield rows, k


def _moments_at_starts(sequence: Sequence) -> Float[np.ndarray, "block 3"]:
    """Gradient moment from the sequence's start to each block's (cycles/m)."""
    areas = np.array([shape.area_T_s_per_m for shape in sequence.gradients] + [0.0])
    each = areas[sequence.gradient]
    each *= sequence.gradient_scale
    each *= GYROMAGNETIC_RATIO_HZ_PER_T
    total = np.cumsum(each, axis=0)
    total -= each
    return np.asarray(total)


def _after_pulses(
    sequence: Sequence, starts: Float[np.ndarray, "block 3"], played: Int[np.ndarray, " pulse"]
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "n 3"]]:
    """(sign, offset) after each pulse, k = moment + sign * offset; one entry more, the last, for before all pulses.

    Refocusing takes k = M + s o to -k = M + s' o' with s' = -s, so that o' = o - 2 s' M: a running sum, which starts anew with
    each excitation, o = -s M.
    """
    use = np.array([pulse.use for pulse in sequence.rf_pulses] or [""])[sequence.rf[played]]
    centre = [pulse.delay_s + pulse.centre_s for pulse in sequence.rf_pulses]
    moment = starts[played]
    for number, time in enumerate(centre):
        own = np.flatnonzero(sequence.rf[played] == number)
        moment[own] += _within(sequence, played[own], np.array([time]))[:, 0]
    refocuses = use == "r"
    sign = np.where(np.cumsum(refocuses) % 2, -1.0, 1.0)
    total = np.cumsum(np.where(refocuses[:, None], -2 * sign[:, None] * moment, 0.0), axis=0)
    latest = np.maximum.accumulate(np.where(np.isin(use, ("e", "u")), np.arange(len(use)), -1)) if len(use) else np.zeros(0, int)
    begin = np.where(latest[:, None] >= 0, (-sign[:, None] * moment - total)[latest], 0.0) if len(use) else np.zeros((0, 3))
    return np.append(sign, 1.0), np.concatenate([begin + total, np.zeros((1, 3))])


def _within(
    sequence: Sequence, blocks: Int[np.ndarray, " row"], times_s: Float[np.ndarray, " time"]
) -> Float[np.ndarray, "row time 3"]:
    """Moment from each block's start to times within it; each shape is integrated once."""
    result = np.zeros((len(blocks), len(times_s), 3))
    for axis in range(3):
        index = sequence.gradient[blocks, axis]
        for shape in np.unique(index[index >= 0]).tolist():
            on = np.flatnonzero(index == shape)
            area = GYROMAGNETIC_RATIO_HZ_PER_T * sequence.gradients[shape].area_until_T_s_per_m(times_s)
            result[on, :, axis] = sequence.gradient_scale[blocks[on], axis][:, None] * area
    return result
