"""A PyPulseq sequence as a fullbore one: what the benchmark's jobs use of Pulseq, and no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pypulseq as pp

from fullbore.data import Adc, Encoding, Geometry, Gradient, RfPulse, Sequence
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T as GAMMA


def read_job(file: Path, name: str) -> Sequence:
    """Read a file by PyPulseq. Its encoding says only how many readouts of how many samples there are."""
    played = pp.Sequence()
    played.read(str(file))
    pulses, shapes, windows = Unique(), Unique(), Unique()
    columns: dict[str, list] = {key: [] for key in ("duration_s", "rf", "phase", "hz", "gradient", "scale", "adc", "adc_phase")}
    for number in played.block_events:
        block = played.get_block(number)
        rf, adc = getattr(block, "rf", None), getattr(block, "adc", None)
        columns["duration_s"].append(float(block.block_duration))
        columns["rf"].append(-1 if rf is None else pulses.index(pulse(rf)))
        columns["phase"].append(0.0 if rf is None else float(rf.phase_offset))
        columns["hz"].append(0.0 if rf is None else float(rf.freq_offset))
        pairs = [gradient(getattr(block, axis, None)) for axis in ("gx", "gy", "gz")]
        columns["gradient"].append([-1 if shape is None else shapes.index(shape) for shape, _ in pairs])
        columns["scale"].append([scale for _, scale in pairs])
        window = None if adc is None else (int(adc.num_samples), float(adc.dwell), float(adc.delay))
        columns["adc"].append(-1 if window is None else windows.index(window))
        columns["adc_phase"].append(0.0 if adc is None else float(adc.phase_offset))
    table = {key: np.array(value) for key, value in columns.items()}
    adcs = tuple(Adc(samples=n, dwell_s=dwell, delay_s=delay) for n, dwell, delay in windows.found.values())
    return Sequence(
        name=name,
        rf_pulses=tuple(RfPulse(**fields) for fields in pulses.found.values()),
        gradients=tuple(Gradient(times_s=t, values_T_per_m=v) for t, v in shapes.found.values()),
        adcs=adcs, duration_s=table["duration_s"], rf=table["rf"].astype(np.int32), rf_phase_rad=table["phase"],
        rf_frequency_Hz=table["hz"], gradient=table["gradient"].astype(np.int32), gradient_scale=table["scale"],
        adc=table["adc"].astype(np.int32), adc_phase_rad=table["adc_phase"],
        encoding=bare_encoding(int((table["adc"] >= 0).sum()), adcs[0]),
    )  # fmt: skip


class Unique:
    """Things told apart by their bytes, in the order they came."""

    def __init__(self) -> None:
        self.found: dict[bytes, Any] = {}
        self._place: dict[bytes, int] = {}

    def index(self, thing: Any) -> int:
        """Where it is, adding it if new."""
        parts = thing.values() if isinstance(thing, dict) else thing
        key = b"|".join(part.encode() if isinstance(part, str) else np.round(np.asarray(part), 15).tobytes() for part in parts)
        self.found.setdefault(key, thing)
        return self._place.setdefault(key, len(self._place))


def pulse(rf: Any) -> dict[str, Any]:
    """Fields of an RfPulse."""
    raster = float(rf.t[1] - rf.t[0])
    signal = np.asarray(rf.signal)
    if len(rf.t) == 2:
        raster, signal = float(rf.shape_dur), signal[:1]
    return {
        "b1_T": signal.astype(complex) / GAMMA, "raster_s": round(raster, 9), "delay_s": float(rf.delay),
        "centre_s": float(pp.calc_rf_center(rf)[0]), "flip_rad": float(2 * np.pi * abs(signal.sum()) * raster),
        "use": rf.use[0] if rf.use else "u",
    }  # fmt: skip


def gradient(shape: Any) -> tuple[tuple[np.ndarray, np.ndarray] | None, float]:
    """Knots of a shape of greatest amplitude one, and its scale in T/m."""
    if shape is None:
        return None, 0.0
    if shape.type == "trap":
        flat = [shape.flat_time] if shape.flat_time > 0 else []
        times = shape.delay + np.cumsum([0.0, shape.rise_time, *flat, shape.fall_time])
        return (np.round(times, 9), np.array([0.0, 1.0, *([1.0] if flat else []), 0.0])), float(shape.amplitude) / GAMMA
    times, values = np.asarray(shape.tt, float), np.asarray(shape.waveform, float)
    if times[0] > 0:
        times = np.concatenate([[0.0], times, [float(shape.shape_dur)]])
        values = np.concatenate([[shape.first], values, [shape.last]])
    size = float(np.abs(values).max()) or 1.0
    return (np.round(shape.delay + times, 9), values / size), size / GAMMA


def bare_encoding(rows: int, adc: Adc) -> Encoding:
    """Rows without a meaning: raw samples are all that is compared."""
    nothing = np.zeros((rows, 3))
    geometry = Geometry(
        read=np.eye(3)[0], phase=np.eye(3)[1], slice=np.eye(3)[2], centre_m=np.zeros(3), fov_m=(1.0, 1.0, 1.0), matrix=(1, 1, 1),
        encoded_fov_m=(1.0, 1.0, 1.0), encoded_matrix=(1, 1, 1), slice_offsets_m=np.zeros(1),
    )  # fmt: skip
    return Encoding(
        geometry=geometry, samples=adc.samples, dwell_s=adc.dwell_s, centre_sample=0, counters=np.zeros((rows, 9), np.int32),
        flags=np.zeros(rows, np.uint64), k_first_per_m=nothing, k_step_per_m=nothing, echo_time_s=np.full(rows, np.nan),
        inversion_time_s=np.full(rows, np.nan), repetition_time_s=1.0, flip_rad=1.0,
    )  # fmt: skip
