"""Playing sequences to clouds of spins on a CUDA device: time, and error against the float64 reference and `play_cloud`.

Run: python benchmarks/bench_device.py [--quick] [--json FILE]. Without a CUDA device it says so and runs nothing. Rows as in
`bench_simulate.py`, the peer being our own `play_cloud` on this machine's processor and the same spins. Times are medians of
whole calls, to samples on the host, after one that compiles kernels; "carried" clouds are on the device beforehand, others
start on the host. Errors are relative l2: ours against the reference on a small cloud, and in the note the peer's from ours.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from bench_simulate import GRE, golden_angle, grid_cloud
from convention import options, row, tell

from fullbore import hardware
from fullbore.data import Adc, Gradient, RfPulse, Sequence
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence import build, parse_protocol
from fullbore.simulate.cloud import SpinCloud, play_cloud, reference
from fullbore.simulate.cloud.device import play_on
from fullbore.simulate.cloud.device_cloud import carry
from fullbore.simulate.cloud.device_fused import TRITON

TARGET_S = 0.03
"""What the gradient echo with a million spins and eight coils may take."""


def selective(hard: Sequence) -> Sequence:
    """As many readouts of as many samples, each after a 3 ms sinc pulse that selects 20 mm along z."""
    rows, samples, bandwidth_Hz = hard.encoding.rows, hard.encoding.samples, 2000.0
    t = (np.arange(300) + 0.5) * 10e-6 - 1.5e-3
    shape = np.sinc(bandwidth_Hz * t) * np.hanning(302)[1:-1]
    flip_rad = np.deg2rad(15)
    pulse = RfPulse(
        b1_T=(shape * flip_rad / (2 * np.pi * GYROMAGNETIC_RATIO_HZ_PER_T * shape.sum() * 10e-6)).astype(complex),
        raster_s=10e-6, delay_s=2e-4, centre_s=1.5e-3, flip_rad=float(flip_rad), use="e",
    )  # fmt: skip
    slab = bandwidth_Hz / GYROMAGNETIC_RATIO_HZ_PER_T / 20e-3
    read = 1 / (GYROMAGNETIC_RATIO_HZ_PER_T * 10e-6 * 0.256)
    long, short = np.array([0, 2e-4, 3.2e-3, 3.4e-3]), np.array([0, 2e-4, 8e-4, 1e-3])
    line, flat = np.array([0, 2e-4, 2e-4 + samples * 10e-6, 4e-4 + samples * 10e-6]), np.array([0.0, 1, 1, 0])
    select, move = Gradient(times_s=long, values_T_per_m=slab * flat), Gradient(times_s=short, values_T_per_m=10e-3 * flat)
    along = Gradient(times_s=line, values_T_per_m=read * flat)
    unit, half = move.area_T_s_per_m, (along.area_T_s_per_m / 2, select.area_T_s_per_m / 2)
    scale = np.ones((rows, 4, 3))
    scale[:, 1] = [-half[0] / unit, 0, -half[1] / unit]
    scale[:, 1, 1] = np.linspace(-1, 1, rows)
    one = {"rf": [0, -1, -1, -1], "adc": [-1, -1, 0, -1], "duration_s": [3.4e-3, 1e-3, line[-1], 1e-3]}
    return Sequence(
        name="selective gre", rf_pulses=(pulse,), gradients=(select, move, along),
        adcs=(Adc(samples=samples, dwell_s=10e-6, delay_s=2e-4),), **{name: np.tile(value, rows) for name, value in one.items()},
        rf_phase_rad=np.repeat(np.deg2rad(117 * np.cumsum(np.arange(rows))), 4), rf_frequency_Hz=np.zeros(4 * rows),
        gradient=np.tile(np.array([[-1, -1, 0], [1, 1, 1], [2, -1, -1], [-1, -1, 1]], np.int32), (rows, 1)),
        gradient_scale=scale.reshape(-1, 3), adc_phase_rad=np.zeros(4 * rows), encoding=replace(hard.encoding, dwell_s=10e-6),
    )  # fmt: skip


def timed(call: Callable[[], np.ndarray], repeats: int) -> tuple[float, np.ndarray]:
    """Median seconds and what came out."""
    seconds, found = [], call()
    for _ in range(repeats):
        torch.cuda.synchronize()
        began = time.perf_counter()
        found = call()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), found


def error(got: np.ndarray, wanted: np.ndarray) -> float:
    """Relative l2."""
    return float(np.linalg.norm(got - wanted) / np.linalg.norm(wanted))


def played(cloud: SpinCloud, sequence: Sequence, repeats: int, from_host: bool) -> dict[str, Any]:
    """One row on the first CUDA device."""
    small = grid_cloud((4, 16, 100))
    ours_error = error(play_on(small, sequence, "cuda"), reference(small, sequence))
    given = cloud if from_host else carry(cloud, "cuda")
    seconds, ours = timed(lambda: play_on(given, sequence, "cuda"), repeats)
    began = time.perf_counter()
    theirs = play_cloud(cloud, sequence)
    peer_s = time.perf_counter() - began
    rows, samples, coils = sequence.encoding.rows, sequence.encoding.samples, len(cloud.sensitivity)
    note = f"{len(cloud) * rows * samples / seconds:.2g} spins x samples per second; {error(theirs, ours):.1e} from play_cloud"
    if sequence.name == "gre":
        note += f"; target {TARGET_S} s " + ("met" if seconds <= TARGET_S else "missed")
    task = f"{sequence.name} {rows} x {samples}, {len(cloud)} spins, {coils} coils, {'host' if from_host else 'carried'}"
    return row(task, seconds, note, ours_error=ours_error, peer="play_cloud", peer_s=peer_s)


def main() -> None:
    """Run and tell."""
    chosen = options(__doc__)
    if not torch.cuda.is_available():
        print("no CUDA device: nothing is run")
        tell([], chosen.json)
        return
    memory = torch.cuda.get_device_properties(0).total_memory / 1e9
    print(f"{torch.cuda.get_device_name(0)}, {memory:.0f} GB, torch {torch.__version__}, Triton {'yes' if TRITON else 'no'}")
    limits = hardware.design(hardware.Brief(preset="fullbore-65cm")).limits
    hard = build(parse_protocol({"protocol": GRE}), limits)
    cloud, repeats = grid_cloud((25, 100, 40 if chosen.quick else 400), 8), 3 if chosen.quick else 11
    jobs = [(hard, False), (hard, True), (selective(hard), False), (golden_angle(hard), False)]
    tell([played(cloud, sequence, repeats, from_host) for sequence, from_host in jobs], chosen.json)


if __name__ == "__main__":
    main()
