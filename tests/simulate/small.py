"""Small machines, objects and protocols for the simulator's tests."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fullbore.data import Adc, FieldMap, Gradient, Grid, Phantom, RfPulse, ScannerSpec, Sequence, Tissue
from fullbore.hardware import Brief, design
from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
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
    planned = plan(phantom, sequence, spec, tolerance)
    result = np.zeros((sequence.encoding.rows, spec.receive.coils, sequence.encoding.samples), np.complex64)
    for _ in run_groups(planned, sequence, spec, result, lambda f, what: None):
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


RASTER_S = 10e-6


@dataclass(frozen=True, kw_only=True)
class Event:
    """One block by hand: a hard pulse, a shape along a vector (T/m at its height 1), or a readout; or nothing at all."""

    duration_s: float = 1e-4
    flip_rad: float = 0.0
    phase_rad: float = 0.0
    use: str = "e"
    shape: Gradient | None = None
    height_T_per_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    samples: bool = False


def pulse(flip_deg: float, phase_deg: float = 0.0, use: str = "e", duration_s: float = 1e-4) -> Event:
    return Event(duration_s=duration_s, flip_rad=np.deg2rad(flip_deg), phase_rad=np.deg2rad(phase_deg), use=use)


def trapezoid(height_T_per_m: tuple[float, float, float], ramp_s: float, flat_s: float) -> Event:
    shape = Gradient(times_s=np.cumsum([0.0, ramp_s, flat_s, ramp_s]), values_T_per_m=np.array([0.0, 1.0, 1.0, 0.0]))
    return Event(duration_s=2 * ramp_s + flat_s, shape=shape, height_T_per_m=height_T_per_m)


def by_hand(events: list[Event], samples: int = 8, dwell_s: float = 50e-6) -> Sequence:
    """A sequence of such blocks; a readout fills the middle of its block."""
    rf, shapes, indices = [], [], []
    for event in events:
        steps = round(event.duration_s / RASTER_S)
        if event.flip_rad:
            b1 = event.flip_rad / (GYROMAGNETIC_RATIO_RAD_PER_S_T * event.duration_s)
            rf.append(
                RfPulse(b1_T=np.full(steps, b1, complex), raster_s=RASTER_S, delay_s=0.0, centre_s=event.duration_s / 2,
                        flip_rad=event.flip_rad, use=event.use)
            )  # fmt: skip
        if event.shape is not None:
            shapes.append(event.shape)
        indices.append((len(rf) - 1 if event.flip_rad else -1, len(shapes) - 1 if event.shape is not None else -1))
    gaps = {round(event.duration_s - samples * dwell_s, 9) for event in events if event.samples}
    rows = sum(event.samples for event in events)
    encoding = built(GRE, machine()).encoding.take(np.arange(rows) % 16)
    heights = np.array([event.height_T_per_m for event in events], float)
    shape = np.array([index[1] for index in indices], np.int32)
    return Sequence(
        name="by hand", rf_pulses=tuple(rf), gradients=tuple(shapes),
        adcs=(Adc(samples=samples, dwell_s=dwell_s, delay_s=gaps.pop() / 2),),
        duration_s=np.array([event.duration_s for event in events]), rf=np.array([index[0] for index in indices]),
        rf_phase_rad=np.array([event.phase_rad for event in events]), rf_frequency_Hz=np.zeros(len(events)),
        gradient=np.where(heights != 0, shape[:, None], -1).astype(np.int32), gradient_scale=heights,
        adc=np.array([0 if event.samples else -1 for event in events]), adc_phase_rad=np.zeros(len(events)),
        encoding=replace(encoding, samples=samples, dwell_s=dwell_s),
    )  # fmt: skip


def point(kind: Tissue, spacing_m: float = 1e-3) -> Phantom:
    """One point of one tissue at isocentre, a hat function wide."""
    return box((1, 1, 1), (spacing_m,) * 3, kind)
