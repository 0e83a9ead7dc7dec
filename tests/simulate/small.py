"""Small machines, objects and protocols for the simulator's tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fullbore.data import FieldMap, Grid, Phantom, ScannerSpec, Sequence, Tissue
from fullbore.hardware import Brief, design
from fullbore.sequence import build, parse_protocol
from fullbore.simulate.acquisition import run_groups
from fullbore.simulate.planning import plan

CENTRE = (0.03, 0.01, 0.02)
GRE = {
    "sequence": "spoiled_gre_3d", "name": "gre", "orientation": "sagittal", "fov": ["40 mm"] * 3, "matrix": [8, 4, 4],
    "repetition_time": "6 ms", "echo_time": "2.5 ms", "flip_angle": "15 deg", "bandwidth": "700 Hz/px", "dummy_views": 4,
}  # fmt: skip
MPRAGE = {
    "sequence": "mprage", "name": "mprage", "orientation": "sagittal", "fov": ["40 mm"] * 3, "matrix": [8, 4, 4],
    "repetition_time": "300 ms", "inversion_time": "100 ms", "echo_time": "3.2 ms", "echo_spacing": "7 ms", "flip_angle": "9 deg",
    "bandwidth": "280 Hz/px", "views_per_train": 4, "dummy_trains": 1, "calibration": [4, 4],
}  # fmt: skip
TSE = {
    "sequence": "spin_echo_train_2d", "name": "tse", "orientation": "axial", "fov": ["40 mm", "40 mm"], "matrix": [4, 4],
    "slices": 1, "slice_thickness": "5 mm", "repetition_time": "300 ms", "echo_time": "20 ms", "echo_spacing": "10 ms",
    "train_length": 4, "refocusing_flip_angle": "150 deg", "bandwidth": "500 Hz/px", "dummy_shots": 1,
    "centre": ["30 mm", "10 mm", "20 mm"],
}  # fmt: skip


def machine(b1: bool = True, coils: bool = True) -> ScannerSpec:
    """The preset scanner, with its fields or with flat ones."""
    spec = design(Brief())
    if not b1:
        spec = replace(spec, transmit=_flat(spec.transmit))
    if not coils:
        spec = replace(spec, receive=replace(spec.receive, sensitivity=_flat(spec.receive.sensitivity)))
    return spec


def _flat(field: FieldMap) -> FieldMap:
    return replace(field, values=np.ones_like(field.values))


def built(protocol: dict, spec: ScannerSpec, **changes) -> Sequence:
    return build(parse_protocol({"protocol": protocol | changes}), spec.limits)


def samples(phantom: Phantom, sequence: Sequence, spec: ScannerSpec, tolerance: float = 1e-3) -> np.ndarray:
    """Noiseless samples."""
    planned = plan(phantom, sequence, spec)
    result = np.zeros((sequence.encoding.rows, spec.receive.coils, sequence.encoding.samples), np.complex64)
    for _ in run_groups(planned, sequence, spec, result, tolerance, lambda f, what: None):
        pass
    return result * np.exp(1j * planned.timeline.receiver_phase_rad).astype(np.complex64)[:, None, :]


def field(ppm_per_m: tuple[float, float, float] = (0, 0, 0), offset_ppm: float = 0.0, centre=CENTRE) -> FieldMap:
    grid = Grid.centred((5, 5, 5), (60e-3,) * 3, centre)
    return FieldMap(values=(offset_ppm + (grid.points_m() - centre) @ np.array(ppm_per_m, float))[None], grid=grid, unit="ppm")


def tissue(name: str = "water", t1: float = 0.8, t2: float = 0.07, density: float = 1.0, shift: float = 0.0) -> Tissue:
    return Tissue(name=name, t1_s=t1, t2_s=t2, t2_prime_s=np.inf, proton_density=density, chemical_shift_ppm=shift)


def rod(points: int = 16, spacing_m: float = 0.5e-3, slope: float = 0.3) -> Phantom:
    """A few points across and a smooth mixture of two tissues along z, so that spoilers dephase it completely."""
    along = np.arange(points) / points
    bump = np.sin(np.pi * (np.arange(points) + 0.5) / points) ** 2
    fractions = np.stack([bump * (0.3 + 0.2 * along), bump * (0.4 - 0.3 * along)])[:, :, None, None]
    return Phantom(
        name="rod",
        tissues=(tissue("a", density=0.8), tissue("b", 0.3, 0.2, shift=-3.4)),
        fractions=np.ascontiguousarray(np.broadcast_to(fractions, (2, points, 1, 2)), dtype=np.float32),
        grid=Grid.centred((points, 1, 2), (spacing_m,) * 3, CENTRE),
        field_ppm=field((20 * slope, 15 * slope, -8 * slope)),
    )


def slab(points: int = 16) -> Phantom:
    """The rod, as wide along x as along z: for sequences that crush along x."""
    bump = np.sin(np.pi * (np.arange(points) + 0.5) / points) ** 2
    fractions = np.ascontiguousarray(rod().fractions[..., :1] * bump, dtype=np.float32)
    return replace(rod(), fractions=fractions, grid=Grid.centred((points, 1, points), (0.5e-3,) * 3, CENTRE))


def box(
    shape=(6, 8, 10), spacing_m=(2e-3,) * 3, kind: Tissue | None = None, centre=(0.0, 0.0, 0.0), fill: float = 1.0
) -> Phantom:
    """Every point of a (z, y, x) grid holds the same fraction of one tissue."""
    return Phantom(
        name="box", tissues=(kind or tissue(),), fractions=np.full((1, *shape), fill, np.float32),
        grid=Grid.centred(shape, spacing_m, centre), field_ppm=field(centre=centre),
    )  # fmt: skip


def error(got: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.linalg.norm(got - wanted) / np.linalg.norm(wanted))


def cut(sequence: Sequence, readouts: int) -> Sequence:
    """The sequence up to its first few readouts."""
    end = int(np.flatnonzero(sequence.adc >= 0)[readouts - 1]) + 1
    columns = ("duration_s", "rf", "rf_phase_rad", "rf_frequency_Hz", "gradient", "gradient_scale", "adc", "adc_phase_rad")
    parts = {name: getattr(sequence, name)[:end] for name in columns}
    return replace(sequence, encoding=sequence.encoding.take(np.arange(readouts)), **parts)
