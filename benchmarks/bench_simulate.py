"""Playing sequences to clouds of spins: time, error against the float64 reference, and blochsimulator on the same spins.

Run: python benchmarks/bench_simulate.py [--quick] [--json FILE]. The peer needs `sh benchmarks/peers.sh` once; without it
rows say so. Rows: {task, ours_s, ours_error, peer, peer_s, peer_error, ratio, note}; ratio = peer time over ours, median of
alternating runs. Errors are relative l2 on the smallest cloud, after the best common complex scale: conventions differ.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fullbore import files, hardware
from fullbore.data import Sequence
from fullbore.sequence import build, parse_protocol
from fullbore.simulate.cloud import SpinCloud, play_cloud, reference

PEER_PYTHON = Path(__file__).parent / ".peers" / "bin" / "python"
PEER = """
import sys, time
import numpy as np
from blochsimulator import BlochSimulator, ChemicalSpecies, SpectralPhantom
from blochsimulator.sequence import pulseq
data = np.load(sys.argv[1])
program = pulseq.load_pulseq(sys.argv[2], strict=False)
shape = tuple(data["shape"])
species = ChemicalSpecies("W", 0.0, float(data["t1"]), float(data["t2"]), float(data["t2"]))
phantom = SpectralPhantom(shape=shape, fov=tuple(data["fov"]), species=[species],
    concentration_maps={"W": data["amount"].reshape(shape)}, b0_map=data["field"].reshape(shape))
simulator = BlochSimulator(use_parallel=True, num_threads=2)
began = time.perf_counter()
result = simulator.simulate_spectral_sequence(program, phantom)
print(time.perf_counter() - began)
np.save(sys.argv[3], np.asarray(result.signal))
"""
GRE = {
    "sequence": "spoiled_gre_3d", "name": "gre", "orientation": "sagittal", "fov": ["256 mm", "256 mm", "40 mm"],
    "matrix": [64, 32, 4], "repetition_time": "8 ms", "echo_time": "4 ms", "flip_angle": "15 deg", "bandwidth": "400 Hz/px",
    "dummy_views": 0,
}  # fmt: skip
EXTENT_M = (0.032, 0.128, 0.05)
T1_S, T2_S = 0.9, 0.07


def grid_cloud(shape: tuple[int, int, int], coils: int = 1) -> SpinCloud:
    """Spins at the middles of a grid's cells, of uneven density, in an uneven field."""
    axes = [(np.arange(n) - n / 2 + 0.5) * extent / n for n, extent in zip(shape, EXTENT_M, strict=True)]
    position = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
    count = len(position)
    waves = 20 * np.random.default_rng(0).normal(size=(coils, 3))
    sensitivity = np.ones((1, count)) if coils == 1 else np.exp(1j * waves @ position.T)
    return SpinCloud(
        position_m=position, amount=1 + 0.5 * np.cos(40 * position[:, 1]) * np.cos(60 * position[:, 2]),
        t1_s=np.full(count, T1_S), t2_s=np.full(count, T2_S), off_resonance_Hz=300 * position[:, 1], b1_scale=np.ones(count),
        sensitivity=sensitivity.astype(np.complex64),
    )  # fmt: skip


def golden_angle(sequence: Sequence) -> Sequence:
    """The readout of every repetition turned by the golden angle from z towards y, instead of phase encoding along y."""
    turn = np.maximum(np.cumsum(sequence.rf >= 0) - 1, 0) * np.pi * (np.sqrt(5) - 1) / 2
    gradient, scale = sequence.gradient.copy(), sequence.gradient_scale.copy()
    gradient[:, 1] = gradient[:, 2]
    scale[:, 1], scale[:, 2] = np.sin(turn) * scale[:, 2], np.cos(turn) * scale[:, 2]
    return replace(sequence, name="radial", gradient=gradient, gradient_scale=scale)


def scaled_error(got: np.ndarray, wanted: np.ndarray) -> float:
    """Relative l2 after the best common complex scale."""
    scale = np.vdot(got, wanted) / np.vdot(got, got)
    return float(np.linalg.norm(scale * got - wanted) / np.linalg.norm(wanted))


def run_peer(cloud: SpinCloud, shape: tuple[int, int, int], sequence: Sequence, folder: Path) -> tuple[float, np.ndarray]:
    """Seconds and samples (row, 1, sample) of the peer."""
    files.write_pulseq(sequence, folder / "job.seq")
    fields = {"amount": cloud.amount, "field": cloud.off_resonance_Hz, "t1": T1_S, "t2": T2_S, "shape": shape, "fov": EXTENT_M}
    np.savez(folder / "job.npz", **fields)
    command = [str(PEER_PYTHON), "-c", PEER, *(str(folder / name) for name in ("job.npz", "job.seq", "out.npy"))]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    samples = np.load(folder / "out.npy").reshape(sequence.encoding.rows, 1, -1)
    return float(told.strip().splitlines()[-1]), samples


def against_peer(sequence: Sequence, shape: tuple[int, int, int], repeats: int, with_error: bool) -> dict[str, Any]:
    """Both on the same spins, one coil."""
    cloud = grid_cloud(shape)
    ours_s, peer_s, ours, theirs = [], [], play_cloud(cloud, sequence), None
    with tempfile.TemporaryDirectory() as scratch:
        for _ in range(repeats):
            began = time.perf_counter()
            ours = play_cloud(cloud, sequence)
            ours_s.append(time.perf_counter() - began)
            if PEER_PYTHON.exists():
                seconds, theirs = run_peer(cloud, shape, sequence, Path(scratch))
                peer_s.append(seconds)
    wanted = reference(cloud, sequence) if with_error else None
    row = new_row(
        f"{sequence.name} {samples_of(sequence)}, {len(cloud)} spins, 1 coil", statistics.median(ours_s), cloud, sequence
    )
    row["ours_error"] = None if wanted is None else scaled_error(ours, wanted)
    if theirs is None:
        row["note"] += "; peer not installed: run sh benchmarks/peers.sh"
        return row
    row |= {"peer": "blochsimulator", "peer_s": round(statistics.median(peer_s), 3)}
    row["peer_error"] = None if wanted is None else scaled_error(theirs, wanted)
    row["ratio"] = round(statistics.median(peer_s) / statistics.median(ours_s), 1)
    return row


def alone(sequence: Sequence, shape: tuple[int, int, int], coils: int, repeats: int) -> dict[str, Any]:
    """Ours only: what the peer would take hours for, or cannot do."""
    cloud, seconds = grid_cloud(shape, coils), []
    for _ in range(repeats):
        began = time.perf_counter()
        play_cloud(cloud, sequence)
        seconds.append(time.perf_counter() - began)
    task = f"{sequence.name} {samples_of(sequence)}, {len(cloud)} spins, {coils} coils"
    return new_row(task, statistics.median(seconds), cloud, sequence)


def samples_of(sequence: Sequence) -> str:
    """Readouts x samples."""
    return f"{sequence.encoding.rows} x {sequence.encoding.samples}"


def new_row(task: str, seconds: float, cloud: SpinCloud, sequence: Sequence) -> dict[str, Any]:
    """One row of the convention."""
    rate = len(cloud) * sequence.encoding.rows * sequence.encoding.samples / seconds
    empty = {"ours_error": None, "peer": None, "peer_s": None, "peer_error": None, "ratio": None}
    return {"task": task, "ours_s": round(seconds, 4), **empty, "note": f"{rate:.2g} spins x samples per second"}


def main() -> None:
    """Print the rows; write them as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    limits = hardware.design(hardware.Brief(preset="fullbore-65cm")).limits
    sequence = build(parse_protocol({"protocol": GRE}), limits)
    repeats = 1 if options.quick else 3
    rows = [against_peer(sequence, (4, 16, 100), repeats, with_error=True)]
    if not options.quick:
        rows.append(against_peer(sequence, (8, 64, 200), repeats, with_error=False))
    radial = golden_angle(sequence)
    rows.append(against_peer(radial, (4, 16, 100), repeats, with_error=True))
    rows += [alone(played, (25, 100, 400), 8, repeats) for played in (sequence, radial)]
    for row in rows:
        errors = "".join(
            f"  {who} error {row[key]:.1e}" for who, key in (("our", "ours_error"), ("peer", "peer_error")) if row[key]
        )
        peer = f"  {row['peer']} {row['peer_s']} s, ratio {row['ratio']}" if row["peer"] else ""
        print(f"{row['task']:<38} {row['ours_s']:8.3f} s{errors}{peer}  ({row['note']})")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
