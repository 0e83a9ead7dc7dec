"""Heat of amplifiers and windings: mean squares of the gradient current, remembered with the parts' time constants."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float

from fullbore.data import Change, Finding, GradientChain, HeatLimit, Limits, Sequence
from fullbore.safety.place import AXES, Place, finding
from fullbore.safety.waveform import Waveform


@numba.njit(cache=True, nogil=True)
@no_type_check
def shape_squares(offset, duration_s, begin, end):
    """Integral of the square of each axis of each shape, (shape, axis): exact for straight segments."""
    out = np.zeros((len(offset) - 1, 3))
    for k in range(len(out)):
        for i in range(offset[k], offset[k + 1]):
            for a in range(3):
                u, v = begin[i, a], end[i, a]
                out[k, a] += duration_s[i] * (u * u + u * v + v * v) / 3.0
    return out


@numba.njit(cache=True, nogil=True)
@no_type_check
def _warmed(kind, scale, heat, decay, share, state):
    """Play the blocks' heat (shape, axis) through a cooling part; returns the peaks (row,), their blocks.

    share: (row, axis), which axes warm which part. state: (row,), updated. decay: exp(-duration / time constant) of a shape.
    """
    best, block, now = state.copy(), np.zeros(len(state), dtype=np.int64), np.zeros(3)
    for b in range(len(kind)):
        k = kind[b]
        for a in range(3):
            now[a] = heat[k, a] * scale[b, a] * scale[b, a]
        for r in range(len(state)):
            drive = share[r, 0] * now[0] + share[r, 1] * now[1] + share[r, 2] * now[2]
            state[r] = drive + (state[r] - drive) * decay[k]
            if state[r] > best[r]:
                best[r], block[r] = state[r], b
    return best, block


def warmest(wave: Waveform, limit: HeatLimit, sensitivity: Float[np.ndarray, " 3"]) -> tuple[np.ndarray, np.ndarray]:
    """(largest warmth of each part, 1 = limit; the block at whose end it is), as if the sequence were repeated for ever.

    Parts are the three axes, or one where they share. The power of a block counts as even over it.
    """
    squares = shape_squares(wave.offset, wave.duration_s, wave.begin, wave.end)
    drive = squares / (sensitivity * np.asarray(limit.continuous_A)) ** 2
    heat = drive / np.maximum(wave.shape_s, 1e-300)[:, None]
    heat[wave.shape_s <= 0] = 0.0
    decay = np.exp(-wave.shape_s / limit.time_constant_s)
    share = np.ones((1, 3)) if limit.shared else np.eye(3)
    state = np.zeros(len(share))
    _warmed(wave.kind, wave.scale, heat, decay, share, state)
    total = float(wave.shape_s[wave.kind].sum())
    if total > 0:
        state = state / -np.expm1(-total / limit.time_constant_s)
    return _warmed(wave.kind, wave.scale, heat, decay, share, state)


def heat_findings(sequence: Sequence, wave: Waveform, chain: GradientChain) -> list[Finding]:
    """Warmth of every part in % of what it bears."""
    found = []
    for limit in chain.heat:
        values, blocks = warmest(wave, limit, np.asarray(chain.sensitivity_T_per_m_A))
        for row, value in enumerate(values):
            excess = max(float(value), 1.0)
            axis = None if limit.shared else row
            lower = 1 / np.sqrt(excess)
            found.append(
                finding(
                    sequence, f"heat, {limit.part}", 100 * float(value), 100.0, "%",
                    prefix="" if axis is None else f"axis {AXES[axis]}", basis=chain.source,
                    place=Place(block=int(blocks[row]), event="gradients before it"),
                    advice=f"Lengthen TR by {excess - 1:.1%}, or lower the gradients to {lower:.1%}.",
                    changes=(
                        Change(quantity="repetition time", factor=excess),
                        Change(quantity="gradient amplitude", factor=float(lower), axis=axis),
                    ),
                )
            )  # fmt: skip
    return found


def duty_findings(sequence: Sequence, wave: Waveform, limits: Limits) -> list[Finding]:
    """Root mean square of each axis over the whole sequence in % of the largest gradient: a figure, never a refusal."""
    squares = shape_squares(wave.offset, wave.duration_s, wave.begin, wave.end)
    total = float(wave.shape_s[wave.kind].sum())
    sums = np.einsum("ba,ba->a", squares[wave.kind], wave.scale**2)
    rms = np.sqrt(sums / total) if total > 0 else np.zeros(3)
    return [
        finding(
            sequence, "gradient duty", 100 * float(rms[axis]) / limits.gradient_T_per_m, 100.0, "%",
            prefix=f"axis {AXES[axis]}", binding=False,
        )
        for axis in range(3)
    ]  # fmt: skip
