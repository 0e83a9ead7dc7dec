"""The ISMRM/NIST system phantom: 14 spheres each of T1, T2 and proton density, and 57 fiducials.

Source: Stupic 2021, MRM 86:1194 (200 mm sphere, 57 fiducials on a 40 mm lattice; T1 and T2 at 3 T and 20 C from its supplement).
Not verified: sphere sizes, the heights of the plates (ours), T1 and T2 of the density spheres, fiducials and filling.
"""

from __future__ import annotations

import numpy as np

from fullbore.data import Tissue
from fullbore.phantom.body import Body, Layer
from fullbore.phantom.primitives import ball, balls

# Milliseconds at 3 T and 20 C, spheres 1 to 14: (T1, T2).
NICKEL_MS = (
    (1989, 1465), (1454, 1077), (984.1, 717.9), (706.0, 510.1), (496.7, 359.6), (351.5, 255.5), (247.13, 180.8), (175.3, 127.3),
    (125.9, 90.3), (89.0, 64.3), (62.7, 45.7), (44.53, 31.86), (30.84, 22.38), (21.719, 15.83),
)  # fmt: skip
MANGANESE_MS = (
    (2480, 581.3), (2173, 403.5), (1907, 278.1), (1604, 190.94), (1332, 133.27), (1044, 96.89), (801.7, 64.07), (608.6, 46.42),
    (458.4, 31.97), (336.5, 22.56), (244.2, 15.81), (176.9, 11.24), (126.9, 7.91), (90.9, 5.59),
)  # fmt: skip
DENSITIES = (0.05, 0.10, 0.15, 0.20, 0.25, 0.30, 0.35, 0.40, 0.50, 0.60, 0.70, 0.80, 0.90, 1.00)

PITCH_M = 0.040
FIDUCIAL_RADIUS_M, SPHERE_RADIUS_M = 5e-3, 7.5e-3
PLATE_M = {"T1": -0.020, "T2": 0.020, "PD": 0.060}
_STUPIC = "Stupic 2021 (supplement), 3 T, 20 C"


def system_phantom() -> Body:
    """The phantom around the isocentre, plates across z. Organs: "T1-1" ... "T1-14", "T2-1" ..., "PD-1" ..., "fiducials".

    The T1 array holds nickel chloride, the T2 array manganese chloride, the density array water and heavy water.
    """
    layers = [
        Layer(shape=ball((0, 0, 0), 0.1), fill="water", organ="filling"),
        Layer(
            shape=balls(fiducials_m(), FIDUCIAL_RADIUS_M),
            fill=_tissue("fiducial", 0.35, 0.3, 1.0, "not verified"),
            organ="fiducials",
        ),
    ]
    truths: dict[str, float] = {"fiducial_pitch_m": PITCH_M, "fiducials": float(len(fiducials_m()))}
    for kind in PLATE_M:
        for number, centre in enumerate(array_m(kind), 1):
            name = f"{kind}-{number}"
            tissue = _filling(kind, number)
            x, y, z = (float(value) for value in centre)
            layers.append(Layer(shape=ball((x, y, z), SPHERE_RADIUS_M), fill=tissue, organ=name))
            truths |= {f"{name}_T1_s": tissue.t1_s, f"{name}_T2_s": tissue.t2_s, f"{name}_PD": tissue.proton_density}
    return Body(name="ISMRM/NIST system phantom", layers=tuple(layers), truths=truths, shim_over=("water",), source=_STUPIC)


def fiducials_m() -> np.ndarray:
    """Centres (57, 3) of the fiducials: the points of a lattice of 40 mm within 90 mm of the middle."""
    steps = np.arange(-2, 3)
    lattice = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    return np.asarray(PITCH_M * lattice[(lattice**2).sum(axis=1) <= 5])


def array_m(kind: str) -> np.ndarray:
    """Centres (14, 3) of the spheres of an array: ten on a circle of 100 mm, four on a square of 40 mm within."""
    angle = 2 * np.pi * np.arange(10) / 10 - np.pi / 2
    ring = 0.050 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    square = 0.020 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    flat = np.concatenate([ring, square])
    return np.concatenate([flat, np.full((14, 1), PLATE_M[kind])], axis=1)


def _filling(kind: str, number: int) -> Tissue:
    if kind == "PD":
        return _tissue(f"PD-{number}", 0.45, 0.35, DENSITIES[number - 1], "density of the array; T1, T2 not verified")
    t1_ms, t2_ms = (NICKEL_MS if kind == "T1" else MANGANESE_MS)[number - 1]
    return _tissue(f"{kind}-{number}", 1e-3 * t1_ms, 1e-3 * t2_ms, 1.0, _STUPIC)


def _tissue(name: str, t1_s: float, t2_s: float, density: float, source: str) -> Tissue:
    return Tissue(
        name=name, t1_s=t1_s, t2_s=t2_s, t2_prime_s=10.0, proton_density=density, diffusivity_m2_per_s=2.0e-9,
        temperature_K=293.15, source=source,
    )  # fmt: skip
