"""Pictures of a sequence: its diagram and its sampling."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fullbore.clinical.report.anatomy import DPI
from fullbore.data import Encoding, Sequence

LANES = ("RF (µT)", "Gx (mT/m)", "Gy (mT/m)", "Gz (mT/m)", "ADC")
COLOURS = ("#7b3fa0", "#1f77b4", "#2a9d60", "#c8681f", "#b3261e")


def diagram(sequence: Sequence, row: int = 0) -> Figure:
    """The repetition that holds a readout (`row`), and a closer look from the RF pulse before it to the next readout."""
    starts = sequence.block_starts_s()
    readouts = np.flatnonzero(sequence.adc >= 0)
    first, second = readouts[row], readouts[min(row + 1, len(readouts) - 1)]
    period = sequence.encoding.repetition_time_s or sequence.total_duration_s
    begin = float(starts[first] // period * period)
    whole = (begin, min(begin + period, sequence.total_duration_s))
    before = np.flatnonzero((sequence.rf >= 0) & (np.arange(sequence.blocks) < first))
    close = (float(starts[before[-1]]) if len(before) else 0.0, float(starts[second] + 1.2 * sequence.duration_s[second]))
    drawing = Figure(figsize=(14, 5.2), dpi=DPI, layout="constrained")
    axes = drawing.subplots(5, 2, sharex="col", gridspec_kw={"height_ratios": [1, 1, 1, 1, 0.45]})
    for column, (window, title) in enumerate(((whole, "one repetition"), (close, "a closer look"))):
        for lane, (label, colour) in enumerate(zip(LANES, COLOURS, strict=True)):
            axis = axes[lane, column]
            for time_s, value in lane_lines(sequence, lane, window):
                axis.plot(time_s * 1e3, value, color=colour, linewidth=0.9)
            _dress(axis, label if column == 0 else "", lane)
        axes[0, column].set_title(title, fontsize=10)
        axes[0, column].set_xlim(window[0] * 1e3, window[1] * 1e3)
        axes[4, column].set_xlabel("time (ms)", fontsize=9)
    return drawing


def lane_lines(sequence: Sequence, lane: int, window: tuple[float, float]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Polylines of one lane inside a time window: |B1| in uT, gradients in mT/m, or the ADC's gate."""
    starts = sequence.block_starts_s()
    shown = np.flatnonzero((starts + sequence.duration_s > window[0]) & (starts < window[1]))
    times, values = [np.array([window[0]])], [np.zeros(1)]
    for block in shown:
        time_s, value = _event(sequence, int(block), lane)
        times.append(starts[block] + time_s)
        values.append(value)
    return [(np.concatenate(times), np.concatenate(values))]


def _event(sequence: Sequence, block: int, lane: int) -> tuple[np.ndarray, np.ndarray]:
    end = sequence.duration_s[block]
    if lane == 0 and sequence.rf[block] >= 0:
        pulse = sequence.rf_pulses[sequence.rf[block]]
        time_s = pulse.delay_s + (np.arange(len(pulse.b1_T)) + 0.5) * pulse.raster_s
        return np.concatenate([[time_s[0]], time_s, [time_s[-1]]]), np.concatenate([[0], np.abs(pulse.b1_T) * 1e6, [0]])
    if lane in (1, 2, 3) and sequence.gradient[block, lane - 1] >= 0:
        shape = sequence.gradients[sequence.gradient[block, lane - 1]]
        return shape.times_s, shape.values_T_per_m * sequence.gradient_scale[block, lane - 1] * 1e3
    if lane == 4 and sequence.adc[block] >= 0:
        adc = sequence.adcs[sequence.adc[block]]
        stop = adc.delay_s + adc.samples * adc.dwell_s
        return np.array([adc.delay_s, adc.delay_s, stop, stop]), np.array([0.0, 1.0, 1.0, 0.0])
    return np.array([0.0, end]), np.zeros(2)


def _dress(axis: Axes, label: str, lane: int) -> None:
    axis.set_ylabel(label, fontsize=8, rotation=0, ha="right", va="center")
    axis.tick_params(labelsize=7)
    axis.axhline(0, color="#999", linewidth=0.4)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    if lane == 4:
        axis.set_yticks([])


def sampling(encoding: Encoding) -> Figure:
    """Which lines (and partitions) are measured, coloured by when in the echo train or scan they are measured."""
    drawing = Figure(figsize=(9, 4.2), dpi=DPI, layout="constrained")
    plane, order = drawing.subplots(1, 2)
    lines, others = encoding.counter("line"), encoding.counter("partition" if encoding.geometry.is_3d else "segment")
    label = "partition (kz)" if encoding.geometry.is_3d else "echo in the train"
    first = encoding.counter("slice") == encoding.counter("slice")[0]
    colour = np.arange(encoding.rows)[first]
    plane.scatter(lines[first], others[first], c=colour, s=2.0, cmap="viridis", marker="s", linewidths=0)
    plane.set_xlabel("line (ky)", fontsize=9)
    plane.set_ylabel(label, fontsize=9)
    plane.set_title("measured samples, coloured by time", fontsize=10)
    plane.set_aspect("equal" if encoding.geometry.is_3d else "auto")
    shown = np.flatnonzero(first)[: min(int(first.sum()), 2000)]
    order.plot(lines[shown], linewidth=0.6, label="line")
    if encoding.geometry.is_3d:
        order.plot(encoding.counter("partition")[shown], linewidth=0.6, label="partition")
    order.set_xlabel("readout", fontsize=9)
    order.set_title("order of the first readouts", fontsize=10)
    order.legend(fontsize=8, frameon=False)
    return drawing
