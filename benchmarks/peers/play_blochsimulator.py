"""blochsimulator 2.9 on a job of one coil and one tissue: `play_blochsimulator.py job.npz job.seq out.npy`.

Run by its own Python; prints its seconds. Its spins are the points of a grid (`shape`, `fov`), x slowest.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from blochsimulator import BlochSimulator, ChemicalSpecies, SpectralPhantom
from blochsimulator.sequence import pulseq


def main(job_file: str, seq_file: str, out_file: str) -> None:
    """Play and say the seconds."""
    job = np.load(job_file)
    shape, t1, t2 = tuple(job["shape"]), float(job["t1"][0]), float(job["t2"][0])
    phantom = SpectralPhantom(
        shape=shape, fov=tuple(job["fov"]), species=[ChemicalSpecies("W", 0.0, t1, t2, t2)],
        concentration_maps={"W": job["amount"].reshape(shape)}, b0_map=job["field"].reshape(shape),
    )  # fmt: skip
    program = pulseq.load_pulseq(seq_file, strict=False)
    simulator = BlochSimulator(use_parallel=True, num_threads=2)
    began = time.perf_counter()
    signal = np.asarray(simulator.simulate_spectral_sequence(program, phantom).signal)
    print(time.perf_counter() - began)
    np.save(out_file, signal.reshape(int(job["rows"]), 1, -1))


if __name__ == "__main__":
    main(*sys.argv[1:4])
