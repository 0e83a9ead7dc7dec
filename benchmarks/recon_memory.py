"""Peak memory of a reconstruction, in a process of its own: what comes on top of the program and the data it was given.

`rows(quick)` for bench_recon.py; alone: python benchmarks/recon_memory.py [--quick] [--json FILE]. "Data" are k-space on its
grid and the coil maps, as all tools are given them; the peak is the largest resident size, less what the imports need. Two
ways to give them: handed over, so that k-space goes once the encoding holds its samples, as in `recon.reconstruct`, which never
has it on a grid; and kept by the caller to the end.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from typing import Any

import torch
from convention import options, row, tell
from recon_cases import case
from recon_ours import OurCase, solved

from fullbore.recon.recipe import ProximalGradient, Wavelet

_MIB = 1 << 20


def measure(name: str, virtual: int, kept: bool) -> None:
    """Print MiB: before the data, data, image, peak; and the seconds."""
    solver, prior = ProximalGradient(iterations=3, tolerance=1e-9), Wavelet(weight=0.8, floor=0.0, shifts=1)
    OurCase(case("head2d")).solve(solver, prior, virtual)  # libraries and kernels are loaded
    before = _peak()
    ours = OurCase(case(name))
    data = (ours.kspace.nbytes + ours.maps.nbytes) / _MIB
    image = ours.truth.nbytes / _MIB
    began = time.process_time()
    volume = ours.volume(virtual)
    if not kept:
        del ours.kspace
    solved(volume, solver, prior)
    print(before, data, image, _peak(), time.process_time() - began)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def rows(quick: bool) -> list[dict[str, Any]]:
    """The 3D case, unless in a hurry."""
    name, virtual = ("head2d", 5) if quick else ("head3d", 6)
    return [_row(name, virtual, kept) for kept in (False, True)]


def _row(name: str, virtual: int, kept: bool) -> dict[str, Any]:
    command = [sys.executable, __file__, "--measure", name, str(virtual), *(["kept"] if kept else [])]
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    before, data, image, peak, seconds = (float(word) for word in told.stdout.split()[-5:])
    share = (peak - before) / (data + image)
    note = (
        f"peak {peak - before:.0f} MiB over the program's {before:.0f}; data {data:.0f}, image {image:.0f}: {share:.2f} of both; "
        "processor seconds"
    )
    return row(f"Peak memory, {name}, 3 iterations, {'kept' if kept else 'handed over'}", seconds, note)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        torch.set_num_threads(min(2, torch.get_num_threads()))
        measure(sys.argv[2], int(sys.argv[3]), sys.argv[4:] == ["kept"])
    else:
        chosen = options(__doc__)
        tell(rows(chosen.quick), chosen.json)
