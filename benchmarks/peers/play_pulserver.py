"""pulserver 0.4.7 on a job: run by its own Python, `play_pulserver.py job.npz job.seq out.npy`; prints its seconds.

The job's spins become cubes `spacing` wide along `axes`; receive sensitivities are functions of place, from the job's waves:
`coil_kind` "phase" is exp(2 pi i q.r), "cosine" is pulserver's own 1 + cos(2 pi q.r) / 2, and "one" a single even coil.
Its samples already fit the signal law (a free spin gathers exp(-2 pi i f t) and exp(-2 pi i k.r)), up to one common scale.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pypulseqpp as pp
import torch
from pulserver import ir
from pulserver.virtual import FourierPlayer, Tissue

SHORT_S = 10.0


def receiver(kind: str, waves: np.ndarray):
    """Sensitivities at points (n, 3) -> (n, coil)."""
    if kind == "one":
        return lambda points: None
    if kind == "phase":
        return lambda points: np.exp(2j * np.pi * np.asarray(points) @ waves.T)
    return lambda points: 1 + 0.5 * np.cos(2 * np.pi * np.asarray(points) @ waves.T)


def tissue(job) -> Tissue:
    """The job's spins as pulserver's entries."""
    b1 = job["b1"]
    kind = str(job["coil_kind"])
    return Tissue(
        positions=job["position"], density=job["amount"], t1=job["t1"], t2=job["t2"],
        t2_prime=np.full(len(b1), np.inf), frequency=job["field"], spacing=float(job["spacing"]), axes=job["axes"],
        transmit=None if np.all(b1 == 1) else b1.astype(complex), receive=receiver(kind, job["waves"]),
        coils=1 if kind == "one" else len(job["waves"]),
    )  # fmt: skip


def limits(seq_file: Path) -> pp.Opts:
    """Limits nothing meets, on the file's own rasters."""
    names = {"RadiofrequencyRasterTime": "rf_raster_time", "GradientRasterTime": "grad_raster_time",
             "AdcRasterTime": "adc_raster_time", "BlockDurationRaster": "block_duration_raster"}  # fmt: skip
    told = [line.split() for line in seq_file.read_text().split("[BLOCKS]")[0].splitlines()]
    rasters = {names[line[0]]: float(line[1]) for line in told if line and line[0] in names}
    return pp.Opts(max_grad=200, grad_unit="mT/m", max_slew=1000, slew_unit="T/m/s", B0=3.0, **rasters)


def play(job, seq_file: Path) -> tuple[float, list[np.ndarray]]:
    """Seconds with planning, without reading the file; and the readouts asked for."""
    ir.convert(seq_file, limits(seq_file))
    began = time.perf_counter()
    tolerance = {"tolerance": float(job["tolerance"])} if "tolerance" in job else {}
    player = FourierPlayer(seq_file, tissue(job), **tolerance)
    wanted, kept, at, row = set(job["keep"].tolist()), [], 0, 0
    while at < player.blocks:
        end = player.boundary(at + 1)
        for samples in player.readouts(at, end):
            if not wanted or row in wanted:
                kept.append(samples.copy())
            row += 1
        at = end
    return time.perf_counter() - began, kept


def main(job_file: str, seq_file: str, out_file: str) -> None:
    """Play, say the seconds (the best of three when they are few, so that nothing is counted that only a first run needs)."""
    torch.set_num_threads(2)
    job = np.load(job_file)
    seconds, kept = play(job, Path(seq_file))
    if seconds < SHORT_S:
        seconds = min(seconds, *(play(job, Path(seq_file))[0] for _ in range(3)))
    print(seconds)
    np.save(out_file, np.stack(kept))


if __name__ == "__main__":
    main(*sys.argv[1:4])
