"""cfsem or magpylib on coaxial loops: `field_of_loops.py cfsem|magpylib job.npz out.npy`.

Run by its own Python; prints its seconds. job: loops (n, 2) radius and z, currents (n,), points
(p, 2) r and z. out: (p, 2) Br, Bz.
"""

from __future__ import annotations

import sys
import time

import numpy as np


def by_cfsem(loops: np.ndarray, currents: np.ndarray, points: np.ndarray) -> np.ndarray:
    """One call for all loops and points, on one thread."""
    import cfsem

    arrays = [np.ascontiguousarray(a) for a in (currents, loops[:, 0], loops[:, 1], points[:, 0], points[:, 1])]
    return np.column_stack(cfsem.flux_density_circular_filament(*arrays, par=False))


def by_magpylib(loops: np.ndarray, currents: np.ndarray, points: np.ndarray) -> np.ndarray:
    """A collection of circles."""
    import magpylib

    circles = [
        magpylib.current.Circle(current=i, diameter=2 * a, position=(0, 0, z)) for (a, z), i in zip(loops, currents, strict=True)
    ]
    places = np.column_stack([points[:, 0], 0 * points[:, 0], points[:, 1]])
    return np.asarray(magpylib.getB(circles, places, sumup=True))[:, [0, 2]]


if __name__ == "__main__":
    job = np.load(sys.argv[2])
    run = {"cfsem": by_cfsem, "magpylib": by_magpylib}[sys.argv[1]]
    run(job["loops"][:2], job["currents"][:2], job["points"][:2])
    began = time.perf_counter()
    field = run(job["loops"], job["currents"], job["points"])
    print(time.perf_counter() - began)
    np.save(sys.argv[3], field)
