"""MRzeroCore 1.2 on a job: run by its own Python, `play_mrzero.py job.npz job.seq out.npy`; prints its seconds.

Spins are voxels without extent. Its plan prunes states by a guess of their signal (falling as |k|^-2.2, in 1/m) that holds for
images and not for points, so that spoiled pathways go missing by tens of per cent unless `threshold` is 0. Diffusion and T2'
are off. Pulses are instantaneous whatever their shape and gradient: no slice profile. It plays RF phase in a frame that is the
mirror of its own precession, so it is given the mirrored object (place and off-resonance negated) and its samples conjugated.
"""

from __future__ import annotations

import sys
import time
import warnings

import numpy as np
import torch

warnings.filterwarnings("ignore")
import MRzeroCore as mr0  # noqa: E402


def voxels(job) -> mr0.SimData:
    """The job's spins as point voxels, mirrored."""

    def real(name: str) -> torch.Tensor:
        return torch.tensor(job[name], dtype=torch.float32)

    count = len(job["amount"])
    extent = torch.tensor(np.ptp(job["position"], axis=0) + 1e-3, dtype=torch.float32)
    sensitivity = torch.tensor(job["sensitivity"].astype(np.complex64))
    return mr0.SimData(
        real("amount"), real("t1"), real("t2"), torch.full((count,), 1e9), torch.zeros(count), -real("field"),
        torch.tensor(job["b1"].astype(np.complex64))[None], sensitivity.conj(), extent,
        torch.eye(4)[:3], -real("position"), torch.full((3,), float("inf")), lambda k, nyquist: torch.ones(len(k)),
    )  # fmt: skip


def main(job_file: str, seq_file: str, out_file: str) -> None:
    """Play and say the seconds, planning included."""
    # Faded states turn denormal, ten times as slow; the switch holds for this thread alone, so there is one.
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    job = np.load(job_file)
    states, threshold = int(job["states"]), float(job["threshold"])
    sequence = mr0.Sequence.import_file(seq_file)
    data = voxels(job)
    began = time.perf_counter()
    with torch.no_grad():
        graph = mr0.compute_graph(sequence, data, states, float(job["smallest"]))
        samples = mr0.execute_graph(graph, sequence, data, threshold, threshold, print_progress=False)
    seconds = time.perf_counter() - began
    print(f"{sum(len(repetition) for repetition in graph)} states")
    print(seconds)
    np.save(out_file, samples.numpy().conj().reshape(int(job["rows"]), -1, samples.shape[1]).transpose(0, 2, 1))


if __name__ == "__main__":
    main(*sys.argv[1:4])
