"""Motion correction on k-space in closed form of a head that turns and shifts under coils that stay."""

# TRUTHS of motion: a warp is unitary, moves a smooth blob where geometry says, and composes with its opposite to nothing
#   | no motion changes nothing | known poses give back the still image, in 2D and 3D | estimated poses nearly as well
#   | impossible requests raise

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from fullbore.errors import DataError, FullboreError, ShapeError, UsageError
from fullbore.numerics.rigid_warp import RigidWarp
from fullbore.recon import Combination, ConjugateGradient, MotionCorrection, Recipe, reconstruct
from tests.recon.measured import FOV, HEAD, array_of, ellipsoid_signal, encoding_of, full_lines, geometry_of, measure

STILL = Recipe(solver=ConjugateGradient(iterations=40))


def test_warp_moves_a_blob():
    shape, spacing, centre = (48, 40, 44), (0.004, 0.006, 0.005), np.array([0.02, -0.03, 0.015])
    rotation, shift = np.array([0.2, -0.15, 0.3]), np.array([0.005, -0.008, 0.011])
    # A round blob looks the same however it is turned, so only its centre moves.
    axes = [(np.arange(n) - n // 2) * s for n, s in zip(shape, spacing, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1)

    def round_blob(c):
        return torch.from_numpy(np.exp(-(((grid - c) / 0.02) ** 2).sum(-1))).to(torch.complex128)

    warp = RigidWarp(shape=shape, spacing=spacing, rotation=tuple(rotation), shift=tuple(shift))
    wanted = round_blob(Rotation.from_rotvec(rotation).apply(centre) + shift)
    assert torch.linalg.vector_norm(warp.forward(round_blob(centre)) - wanted) < 1e-3 * torch.linalg.vector_norm(wanted)


def test_warp_is_undone():
    warp = RigidWarp(shape=(9, 1, 12), spacing=(1.0, 1.0, 2.0), rotation=(0.0, 0.4, 0.0), shift=(0.7, 0.0, -1.3))
    x = torch.randn(3, 9, 1, 12, dtype=torch.complex128, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(warp.adjoint(warp.forward(x)), x, atol=1e-13)


@pytest.mark.parametrize("bad", [{"rotation": (1.0, 0.0, 0.5)}, {"shape": (4, 1, 4), "shift": (0.0, 1.0, 0.0)}])
def test_impossible_warps(bad):
    with pytest.raises(UsageError):
        RigidWarp(**{"shape": (4, 4, 4), "spacing": (1.0, 1.0, 1.0), **bad})


def moved_samples(encoding, array, poses, objects=HEAD):
    """The head in a pose of its own in every readout, seen by coils that stay: exact."""
    k, fov = encoding.trajectory_per_m(), np.array(FOV)
    dimensions = 3 if encoding.geometry.is_3d else 2
    turns = Rotation.from_rotvec(poses[:, :3]).inv().as_matrix()
    result = np.zeros((len(array.amplitudes), *k.shape[:2]), complex)
    for m, frequency in enumerate(array.frequencies):
        shifted = k - frequency
        back = np.einsum("rij,rsj->rsi", turns, shifted)
        parts = [d * ellipsoid_signal(back, np.array(c) * fov, np.array(h) * fov, dimensions) for c, h, d in objects]
        phase = np.exp(-2j * np.pi * np.einsum("rsi,ri->rs", shifted, poses[:, 3:]))
        result += array.amplitudes[:, m, None, None] * (sum(parts) * phase)
    thickness = 1.0 if dimensions == 3 else encoding.geometry.fov_m[2]
    return np.moveaxis(result, 0, 1).astype(np.complex64) * np.float32(thickness)


def scan(matrix, poses_of_shot, coils=8, centre_m=(0, 0, 0)):
    """Interleaved shots of a full acquisition: raw data of the still and of the moving head, and the poses of the rows."""
    if matrix[2] > 1:
        line, partition = full_lines(matrix)
    else:
        line, partition = np.arange(matrix[1]), 0
    encoding = encoding_of(geometry_of(matrix, centre_m=centre_m), line, partition)
    shots = (line + partition) % len(poses_of_shot)
    counters = encoding.counters.copy()
    counters[:, 7] = shots
    encoding, poses = replace(encoding, counters=counters), poses_of_shot[shots]
    array = array_of(coils, 3 if matrix[2] > 1 else 2)
    still = measure(encoding, array)
    return still, replace(still, samples=moved_samples(encoding, array, poses)), poses


def error(image, reference):
    return np.linalg.norm(image.values - reference.values) / np.linalg.norm(reference.values)


def in_plane_poses(shots, reference, seed=0):
    rng = np.random.default_rng(seed)
    poses = np.zeros((shots, 6))
    poses[:, 2] = np.deg2rad(rng.uniform(-4, 4, shots))
    poses[:, 3:5] = rng.uniform(-3e-3, 3e-3, (shots, 2))
    poses[reference] = 0
    return poses


def test_no_motion_changes_nothing():
    still, moved, poses = scan((48, 44, 1), np.zeros((4, 6)))
    assert np.allclose(moved.samples, still.samples, atol=1e-6 * np.abs(still.samples).max())
    assert error(reconstruct(still, STILL, poses=poses), reconstruct(still, STILL)) < 1e-4


def test_known_poses_in_2d():
    still, moved, poses = scan((64, 60, 1), in_plane_poses(6, 0))
    maps_from_still = reconstruct(still, STILL)
    assert error(reconstruct(moved, STILL), maps_from_still) > 0.15
    # The maps come from data that moved, and sharp edges ring differently when they are turned.
    assert error(reconstruct(moved, STILL, poses=poses), maps_from_still) < 0.06


def test_known_poses_in_3d():
    rng = np.random.default_rng(3)
    shots = np.concatenate([np.deg2rad(rng.uniform(-4, 4, (4, 3))), rng.uniform(-5e-3, 5e-3, (4, 3))], axis=1)
    shots[1] = 0
    still, moved, poses = scan((32, 30, 28), shots, coils=6)
    reference = reconstruct(still, STILL)
    before, after = error(reconstruct(moved, STILL), reference), error(reconstruct(moved, STILL, poses=poses), reference)
    assert after < before / 2.5


@pytest.mark.slow
def test_estimated_poses():
    wanted = in_plane_poses(6, 0)
    still, moved, _ = scan((64, 60, 1), wanted)
    reference = reconstruct(still, STILL)
    image = reconstruct(moved, replace(STILL, motion=MotionCorrection()))
    known = reconstruct(moved, STILL, poses=wanted[moved.encoding.counter("segment")])
    assert error(image, reference) < 0.25 * error(reconstruct(moved, STILL), reference)
    assert error(image, reference) < 1.5 * error(known, reference)
    turn = np.rad2deg(np.ptp(wanted[:, 2]))
    # A turn of all shots together is a turn of the image; what counts is between them.
    assert image.report["largest_turn_deg"] == pytest.approx(turn, rel=0.1)
    assert image.report["poses"] == 6


def test_impossible_requests():
    still, _, poses = scan((48, 44, 1), np.zeros((4, 6)))
    with pytest.raises(ShapeError, match="one for each readout"):
        reconstruct(still, STILL, poses=poses[:-1])
    with pytest.raises(UsageError, match="ConjugateGradient"):
        reconstruct(still, Recipe(solver=Combination()), poses=poses)
    with pytest.raises(UsageError, match="motion correction with"):
        Recipe(motion=MotionCorrection())
    tilted = poses.copy()
    tilted[:, 0] = 0.1
    with pytest.raises(FullboreError, match="one sample"):
        reconstruct(still, STILL, poses=tilted)
    one_shot = replace(still, encoding=replace(still.encoding, counters=still.encoding.counters * (np.arange(9) != 7)))
    with pytest.raises(DataError, match="readouts_per_shot"):
        reconstruct(one_shot, replace(STILL, motion=MotionCorrection()))
    once = replace(STILL, motion=MotionCorrection(iterations=1, readouts_per_shot=11))
    assert reconstruct(one_shot, once).report["poses"] == 4
