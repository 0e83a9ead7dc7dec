# TRUTHS of velocity: the scan of a pipe shows Poiseuille's profile, along the slice by phase contrast, the mean to 1 %; in three
#   directions by 4D flow with either encoding, each to 2 % of the peak

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.clinical.library import sequence_protocol
from fullbore.data import Flow, Phantom, Sequence
from fullbore.phantom.flowing import STEADY
from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.recon import reconstruct
from fullbore.sequence import build, parse_protocol
from fullbore.simulate import acquire
from tests.simulate.small import box, machine, tissue

LOUD = machine(b1=False, coils=False)
SPEC = replace(LOUD, receive=replace(LOUD.receive, noise_covariance=1e-12 * LOUD.receive.noise_covariance))
PEAK_M_PER_S, RADIUS_M = 0.8, 10e-3


def sequence(name: str, **changes: object) -> Sequence:
    table = sequence_protocol(name)
    table["quick"] |= changes
    return build(parse_protocol(table, quick=True), SPEC.limits)


def pipe(direction: np.ndarray, length_m: float) -> Phantom:
    """Blood in a straight pipe through the isocentre; it comes in fresh."""
    along = direction / np.linalg.norm(direction)
    blood = tissue("blood", t1=0.5, t2=0.01)  # little is left from pulse to pulse, which would take many spins to spoil
    flow = Flow(
        path_m=np.outer([-length_m / 2, length_m / 2], along), radius_m=RADIUS_M, peak_velocity_m_per_s=PEAK_M_PER_S,
        pace=STEADY, fills=True,
    )  # fmt: skip
    reach = int(np.ceil((length_m / 2 + RADIUS_M) / 4e-3)) * 2 + 3
    body = box(shape=(reach,) * 3, spacing_m=(4e-3,) * 3, kind=blood)
    points = body.grid.points_m()
    axial = points @ along
    off = np.linalg.norm(points - axial[..., None] * along, axis=-1)
    inside = (np.abs(axial) < length_m / 2 + 4e-3) & (off < RADIUS_M + 4e-3)
    return replace(body, fractions=inside[None].astype(np.float32), flows=(flow,))


def velocities(played: Sequence, phantom: Phantom, spins: int) -> tuple[np.ndarray, np.ndarray]:
    """Velocity (m/s, LPS) of each voxel, (3, z, y, x), and the phase (rad) of each set for 1 m/s along x, y and z.

    A spin at r + v (t - echo) has gathered -gamma M1 v at its echo: sets' phases against the first are linear in velocity.
    """
    image = reconstruct(acquire(phantom, played, SPEC, engine="spins", spins=spins))
    table = played.encoding
    values = image.values.reshape(table.counter("set").max() + 1, *image.values.shape[-3:])
    first = [int(np.flatnonzero(table.counter("set") == number)[0]) for number in range(len(values))]
    moments = np.stack([table.measures[f"moment_{axis}_T_s2_per_m"][first] for axis in "xyz"], axis=1)
    turned = np.angle(values[1:] * np.conj(values[:1])).reshape(len(values) - 1, -1)
    change = -GYROMAGNETIC_RATIO_RAD_PER_S_T * (moments[1:] - moments[:1])
    found, *_ = np.linalg.lstsq(change, turned, rcond=None)
    return found.reshape(3, *values.shape[1:]), change


def places(played: Sequence) -> np.ndarray:
    """Of the image's voxels, (z, y, x, 3)."""
    geometry = played.encoding.geometry
    size = geometry.matrix
    index = [(np.arange(n) - n // 2) * fov / n for n, fov in zip(size, geometry.fov_m, strict=True)]
    z, y, x = np.meshgrid(index[2], index[1], index[0], indexing="ij")
    axes = (geometry.read, geometry.phase, geometry.slice)
    return np.asarray(geometry.centre_m + sum(part[..., None] * axis for part, axis in zip((x, y, z), axes, strict=True)))


def poiseuille(place_m: np.ndarray, along: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Speed, and distance from the axis over the radius."""
    off = np.linalg.norm(place_m - (place_m @ along)[..., None] * along, axis=-1) / RADIUS_M
    return PEAK_M_PER_S * np.maximum(1 - off**2, 0), off


@pytest.mark.slow
def test_phase_contrast_shows_the_profile() -> None:
    small = {"fov": ["64 mm", "64 mm"], "matrix": [32, 32], "slices": 1, "cardiac_phases": 1, "lines_per_beat": 8}
    played = sequence("phase_contrast_2d", venc="100 cm/s", heart_period="150 ms", **small)
    along = np.array([0.0, 0.0, 1.0])
    found, _ = velocities(played, pipe(along, 30e-3), 40_000)
    speed, off = poiseuille(places(played), along)
    core = off < 0.8
    # a voxel holds a hundred spins, a pixel of a curved profile, and blood that moves by 4 mm from excitation to echo
    assert np.sqrt(((found[2] - speed)[core] ** 2).mean()) < 0.05 * PEAK_M_PER_S
    assert found[2][core].mean() == pytest.approx(speed[core].mean(), rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["reference", "balanced"])
def test_flow_4d_shows_three_directions(encoding: str) -> None:
    small = {"fov": ["64 mm", "64 mm", "40 mm"], "matrix": [16, 16, 8], "cardiac_phases": 1, "views_per_beat": 16}
    played = sequence("flow_4d", venc="100 cm/s", encoding=encoding, orientation="axial", heart_period="600 ms", **small)
    along = np.array([1.0, -2.0, 2.0]) / 3
    found, change = velocities(played, pipe(along, 60e-3), 6_000)
    assert np.linalg.matrix_rank(change) == 3
    place = places(played)
    speed, off = poiseuille(place, along)
    core = (off < 0.6) & (np.abs(place[..., 2]) < 11e-3)
    gone = found[:, core] - along[:, None] * speed[core]
    # A voxel holds a few dozen spins, which leave a scatter of 0.15 of the peak; over the 53 voxels it is the seventh of that
    assert np.abs(gone.mean(axis=1)).max() < 0.02 * PEAK_M_PER_S
    assert np.sqrt((gone**2).sum(axis=0).mean()) < 0.2 * PEAK_M_PER_S
    shares = found[:, core] @ speed[core] / (speed[core] ** 2).sum()
    assert shares == pytest.approx(along, abs=0.03)
