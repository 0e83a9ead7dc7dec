"""Objects of the simulator benchmark: a block of spins on a grid, and pulserver's vials; for ours and for its peers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fullbore.data import FieldMap, Grid, Phantom, ScannerSpec, Tissue
from fullbore.hardware import Brief, design
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.simulate.cloud import SpinCloud

EXTENT_M = (0.16, 0.16, 0.012)
FIELD_T = 3.0
FAT_PPM = -3.45
THIN_M = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Thing:
    """A cloud, and what peers need besides: grid, wave vectors of the coils (coil, 3) in 1/m, how these act, cube size."""

    cloud: SpinCloud
    shape: tuple[int, int, int] = (1, 1, 1)
    coil_kind: str = "one"
    waves_per_m: np.ndarray
    spacing_m: float

    def fields(self) -> dict[str, Any]:
        """Arrays of a job for a peer's program."""
        cloud = self.cloud
        return {
            "position": cloud.position_m, "amount": cloud.amount, "t1": cloud.t1_s, "t2": cloud.t2_s, "b1": cloud.b1_scale,
            "field": cloud.off_resonance_Hz, "sensitivity": cloud.sensitivity, "shape": self.shape, "fov": EXTENT_M,
            "coil_kind": self.coil_kind, "waves": self.waves_per_m, "spacing": self.spacing_m, "axes": np.eye(3)[:2],
            "keep": np.zeros(0, int),
        }  # fmt: skip


def block(shape: tuple[int, int, int], coils: int = 1) -> Thing:
    """Spins at the middles of a grid's cells over `EXTENT_M`, uneven in density and field, of one tissue."""
    axes = [(np.arange(n) - n / 2 + 0.5) * extent / n for n, extent in zip(shape, EXTENT_M, strict=True)]
    position = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
    count = len(position)
    waves = np.zeros((1, 3)) if coils == 1 else 3 * np.random.default_rng(0).normal(size=(coils, 3))
    cloud = SpinCloud(
        position_m=position, amount=1 + 0.5 * np.sin(40 * position[:, 1] + 0.5) * np.cos(60 * position[:, 0] + 1),
        t1_s=np.full(count, 0.9), t2_s=np.full(count, 0.07), off_resonance_Hz=300 * position[:, 1], b1_scale=np.ones(count),
        sensitivity=np.exp(2j * np.pi * waves @ position.T).astype(np.complex64),
    )  # fmt: skip
    kind = "one" if coils == 1 else "phase"
    return Thing(cloud=cloud, shape=shape, coil_kind=kind, waves_per_m=waves, spacing_m=EXTENT_M[0] / shape[0])


def vials(coils: int = 32, spacing_m: float = 1e-3) -> Thing:
    """The phantom that pulserver 0.4.7 scans by default, sampled as it samples it.

    Seven discs of water, 15 mm in radius, on a circle of 45 mm in the plane z = 0, infinitely thin, T1 0.3 to 2 s and T2 0.04 to
    0.3 s in geometric steps; fat (T1 0.35 s, T2 0.1 s) in the middle. Each point is a square `spacing_m` wide. Coil c sees
    1 + cos(2 pi q_c.r) / 2, |q| = 2 per metre, directions evenly around. Source: pulserver/virtual/_command.py, _phantom.py.
    """
    body = vial_phantom(spacing_m)
    y, x = (part.ravel() for part in np.meshgrid(*(body.grid.axis_positions_m(axis) for axis in (1, 0)), indexing="ij"))
    parts = []
    for disc, share in zip(body.tissues, body.fractions, strict=True):
        inside = share.ravel() > 0
        ones = np.ones(int(inside.sum()))
        hertz = 1e-6 * GYROMAGNETIC_RATIO_HZ_PER_T * FIELD_T * disc.chemical_shift_ppm
        place = np.stack([x[inside], y[inside], 0 * ones], axis=1)
        parts.append((place, spacing_m**2 * ones, disc.t1_s * ones, disc.t2_s * ones, hertz * ones))
    position, amount, t1_s, t2_s, field = (np.concatenate(column) for column in zip(*parts, strict=True))
    waves = vial_waves(coils)
    cloud = SpinCloud(
        position_m=position, amount=amount, t1_s=t1_s, t2_s=t2_s, off_resonance_Hz=field, b1_scale=np.ones(len(amount)),
        sensitivity=seen(position, waves),
    )  # fmt: skip
    return Thing(cloud=cloud, coil_kind="cosine", waves_per_m=waves, spacing_m=spacing_m)


def vial_phantom(spacing_m: float = 1e-3) -> Phantom:
    """The vials for states: the same discs on the same points, straight between points instead of squares, as thin as 10 um."""
    steps = np.arange(7)
    angles = 2 * np.pi * steps / 7
    centres = [*(0.045 * np.stack([np.cos(angles), np.sin(angles)], axis=1)), np.zeros(2)]
    t1 = [*(0.3 * (2.0 / 0.3) ** (steps / 6)), 0.35]
    t2 = [*(0.04 * (0.3 / 0.04) ** (steps / 6)), 0.1]
    ppm = [0.0] * 7 + [FAT_PPM]
    line = np.arange(-80, 81) * spacing_m
    y, x = np.meshgrid(line, line, indexing="ij")
    discs = np.stack([(x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= 0.015**2 for centre in centres])[:, None]
    affine = np.diag([spacing_m, spacing_m, THIN_M, 1.0])
    affine[:2, 3] = line[0]
    tissues = tuple(
        Tissue(name=f"vial {i}", t1_s=float(a), t2_s=float(b), t2_prime_s=np.inf, proton_density=1.0, chemical_shift_ppm=shift)
        for i, (a, b, shift) in enumerate(zip(t1, t2, ppm, strict=True))
    )
    still = FieldMap(values=np.zeros((1, 3, 3, 3)), grid=Grid.centred((3, 3, 3), (0.1,) * 3), unit="ppm")
    grid = Grid(shape=(1, len(line), len(line)), affine_m=affine)
    return Phantom(name="vials", tissues=tissues, fractions=discs.astype(np.float32), grid=grid, field_ppm=still)


def vial_machine(coils: int = 32) -> ScannerSpec:
    """An ideal machine with pulserver's coils."""
    spec, grid = design(Brief()), Grid.centred((3, 41, 41), (0.1, 0.01, 0.01))
    values = seen(grid.points_m().reshape(-1, 3), vial_waves(coils)).reshape(coils, *grid.shape)
    receive = replace(
        spec.receive, sensitivity=FieldMap(values=values, grid=grid, unit="1"), noise_covariance=np.eye(coils, dtype=complex)
    )
    return replace(
        spec, b0_T=FIELD_T, receive=receive, transmit=replace(spec.transmit, values=np.ones_like(spec.transmit.values))
    )


def vial_waves(coils: int) -> np.ndarray:
    """q of pulserver's coils, (coil, 3) per metre."""
    turns = 2 * np.pi * np.arange(coils) / coils
    return 2.0 * np.stack([np.cos(turns), np.sin(turns), 0 * turns], axis=1)


def seen(position: np.ndarray, waves: np.ndarray) -> np.ndarray:
    """pulserver's analytic coils, (coil, n)."""
    return np.asarray(1 + 0.5 * np.cos(2 * np.pi * waves @ position.T), np.complex64)


def filled(thing: Thing, across: int) -> SpinCloud:
    """Isochromats in the middles of `across` strips of each of the vials' squares, side by side along x.

    Times the strips' spectrum they are the truth behind its squares: spoilers act along x alone, and neighbours are turned by the
    same angle again only after as many repetitions as `across` has no common divisor with the spoiler's cycles per square.
    """
    cloud = thing.cloud
    offsets = ((np.arange(across) + 0.5) / across - 0.5) * thing.spacing_m
    which = np.repeat(np.arange(len(cloud)), across)
    whole = cloud.take(which)
    position = whole.position_m.copy()
    position[:, 0] += np.tile(offsets, len(cloud))
    sensitivity = seen(position, thing.waves_per_m)
    return replace(whole, position_m=position, amount=whole.amount / across, sensitivity=sensitivity)
