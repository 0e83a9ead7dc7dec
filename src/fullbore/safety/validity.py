"""Numbers that no sequence may hold: not finite, negative times, pointers to nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fullbore.data import Sequence
from fullbore.errors import ValueRangeError


def refuse_nonsense(sequence: Sequence) -> None:
    """Errors: ValueRangeError for a sequence without blocks or time, with NaN, infinity, negative times or wrong indices."""
    if sequence.blocks == 0:
        raise ValueRangeError(f"sequence {sequence.name}: it has no blocks, wanted at least one.")
    for where, values, lowest in _numbers(sequence):
        good = np.isfinite(values) & (values >= lowest)
        if not good.all():
            at = int(np.argmin(good if good.ndim == 1 else good.all(axis=1)))
            got = np.asarray(values)[at]
            wanted = "a finite number" if lowest == -np.inf else "a finite number, not negative"
            raise ValueRangeError(f"sequence {sequence.name}, {where} {at}: got {got}, wanted {wanted}.")
    for where, column, size in _pointers(sequence):
        if len(column) and not (int(column.min()) >= -1 and int(column.max()) < size):
            at = int(np.argmax((column < -1) | (column >= size)) // (column.shape[1] if column.ndim == 2 else 1))
            raise ValueRangeError(f"sequence {sequence.name}, block {at}: plays {where} {column[at]} of {size}.")


def _numbers(sequence: Sequence) -> Iterator[tuple[str, np.ndarray, float]]:
    """(what, values by number, lowest allowed) of all that a sequence holds."""
    free = -np.inf
    yield "duration of block", sequence.duration_s, 0.0
    yield "gradient scale of block", sequence.gradient_scale, free
    for name in ("rf_phase_rad", "rf_frequency_Hz", "adc_phase_rad", "adc_frequency_Hz"):
        yield f"{name} of block", getattr(sequence, name), free
    pulses, adcs = sequence.rf_pulses, sequence.adcs
    yield "times and values of gradient", np.array([_sum(g.times_s, g.values_T_per_m) for g in sequence.gradients]), free
    yield "samples of RF pulse", np.array([_sum(p.b1_T) for p in pulses]), free
    yield "times of RF pulse", np.array([(p.raster_s, p.delay_s, p.centre_s) for p in pulses]).reshape(-1, 3), 0.0
    yield "dwell time, delay and samples of ADC", np.array([(a.dwell_s, a.delay_s, a.samples) for a in adcs]).reshape(-1, 3), 0.0


def _sum(*arrays: np.ndarray) -> float:
    """Sum of magnitudes: finite just when all values are."""
    return float(sum(np.abs(a).sum() for a in arrays))


def _pointers(sequence: Sequence) -> Iterator[tuple[str, np.ndarray, int]]:
    yield "RF pulse", sequence.rf, len(sequence.rf_pulses)
    yield "gradient", sequence.gradient, len(sequence.gradients)
    yield "ADC", sequence.adc, len(sequence.adcs)
    yield "RF shim", sequence.rf_shim, len(sequence.rf_shims)
