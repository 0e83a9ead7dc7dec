"""Playing sequences to clouds of spins: time, error against the float64 reference, and blochsimulator on the same spins.

Run: python benchmarks/bench_simulate.py [--quick] [--json FILE]. The peer needs `sh benchmarks/peers.sh` once; without it
rows say so. Rows: {task, ours_s, ours_error, peer, peer_s, peer_error, ratio, note}; ratio = peer time over ours, median of
alternating runs. Errors are relative l2 on the smallest cloud, after the best common complex scale: conventions differ.
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from convention import NO_PEER, PEER_PYTHON, options, row, tell

from fullbore import files, hardware
from fullbore.data import Sequence
from fullbore.sequence import build, parse_protocol
from fullbore.simulate.cloud import SpinCloud, play_cloud, reference

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
    found: dict[str, Any] = {}
    if theirs is not None:
        found |= {"peer": "blochsimulator", "peer_s": statistics.median(peer_s)}
    if with_error:
        wanted = reference(cloud, sequence)
        found["ours_error"] = scaled_error(ours, wanted)
        found["peer_error"] = None if theirs is None else scaled_error(theirs, wanted)
    return played_row(cloud, sequence, statistics.median(ours_s), **found)


def alone(sequence: Sequence, shape: tuple[int, int, int], coils: int, repeats: int) -> dict[str, Any]:
    """Ours only: what the peer would take hours for, or cannot do."""
    cloud, seconds = grid_cloud(shape, coils), []
    for _ in range(repeats):
        began = time.perf_counter()
        play_cloud(cloud, sequence)
        seconds.append(time.perf_counter() - began)
    return played_row(cloud, sequence, statistics.median(seconds))


def played_row(cloud: SpinCloud, sequence: Sequence, seconds: float, **found: Any) -> dict[str, Any]:
    """A row named by its size, with its rate."""
    rows, samples, coils = sequence.encoding.rows, sequence.encoding.samples, len(cloud.sensitivity)
    note = f"{len(cloud) * rows * samples / seconds:.2g} spins x samples per second"
    if found.get("peer") is None and not PEER_PYTHON.exists():
        note += f"; {NO_PEER}"
    return row(f"{sequence.name} {rows} x {samples}, {len(cloud)} spins, {coils} coil(s)", seconds, note, **found)


def main() -> None:
    """Run and tell."""
    chosen = options(__doc__)
    limits = hardware.design(hardware.Brief(preset="fullbore-65cm")).limits
    sequence = build(parse_protocol({"protocol": GRE}), limits)
    repeats = 1 if chosen.quick else 3
    rows = [against_peer(sequence, (4, 16, 100), repeats, with_error=True)]
    if not chosen.quick:
        rows.append(against_peer(sequence, (8, 64, 200), repeats, with_error=False))
    radial = golden_angle(sequence)
    rows.append(against_peer(radial, (4, 16, 100), repeats, with_error=True))
    rows += [alone(played, (25, 100, 400), 8, repeats) for played in (sequence, radial)]
    tell(rows, chosen.json)


if __name__ == "__main__":
    main()
