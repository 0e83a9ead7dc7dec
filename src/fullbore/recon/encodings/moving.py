"""A head that moved between readouts: every pose is a Cartesian acquisition of the same image, seen turned and shifted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Complex, Float
from scipy.spatial.transform import Rotation
from torch import Tensor

from fullbore.data import Geometry
from fullbore.errors import DataError, ShapeError
from fullbore.numerics.eigenvalue import largest_eigenvalue
from fullbore.numerics.rigid_warp import RigidWarp, Triple
from fullbore.recon.encodings.cartesian import CartesianVolume
from fullbore.recon.encodings.volume import EncodedVolume

Poses = Float[np.ndarray, "row 6"]
"""Of each readout: rotation vector (rad, LPS) about the isocentre, then shift (m, LPS), of the head from where it is drawn."""
_POWER_ITERATIONS = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MovingVolume(EncodedVolume):
    """One frame of a slice or slab, measured in several poses. parts: the readouts of each pose; warps: where the head was.

    maps: of the coil, which stays. Source: Batchelor et al. 2005; Cordero-Grande et al. 2016, eq. 2.
    """

    maps: Complex[Tensor, "part x channel z y"]
    parts: tuple[CartesianVolume, ...]
    warps: tuple[RigidWarp, ...]

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """(1, part, x, z, y)."""
        return self.parts[0].shape

    def adjoint(self) -> Complex[Tensor, "frame part x z y"]:
        """The parts' images, each brought back to where the head is drawn."""
        images = [warp.adjoint(part.adjoint()) for part, warp in zip(self.parts, self.warps, strict=True)]
        return torch.stack(images).sum(0)

    def normal(self, image: Complex[Tensor, "frame part x z y"]) -> Complex[Tensor, "frame part x z y"]:
        """A^H A image."""
        result = torch.zeros_like(image)
        for part, warp in zip(self.parts, self.warps, strict=True):
            result += warp.adjoint(part.normal(warp.forward(image)))
        return result

    def only(self, frame: int) -> MovingVolume:
        """It has one frame."""
        assert frame == 0
        return self

    @property
    def eigenvalue(self) -> float:
        """Poses can see the same part of k-space more than once, so it may be more than 1: power iterations."""
        seed = torch.Generator().manual_seed(0)
        start = torch.randn(self.shape, dtype=torch.complex64, generator=seed).to(self.maps.device)
        # They come from below; the margin covers what is left.
        return 1.1 * largest_eigenvalue(self.normal, start, _POWER_ITERATIONS)

    def matched_variance(self) -> Float[Tensor, "x z y"]:
        """As of a still head."""
        return torch.stack([part.matched_variance() for part in self.parts]).sum(0)

    @property
    def acceleration(self) -> float:
        """Positions over measured ones, all poses together."""
        return 1 / sum(1 / part.acceleration for part in self.parts)

    @property
    def has_gaps(self) -> bool:
        """A turn opens gaps in k-space even where every line was measured."""
        return True


def moving_volume(volume: CartesianVolume, poses: Float[np.ndarray, "n 6"], geometry: Geometry, slice_: int) -> MovingVolume:
    """The volume with its readouts sorted into poses.

    poses: of each row of `volume.readouts`. Errors: DataError for several frames, ShapeError for a wrong number of poses,
    UsageError for a motion through a single slice or a turn beyond 60 degrees.
    """
    if len(volume.rows) != 1:
        raise DataError(f"motion correction: got {len(volume.rows)} frames, wanted one. Reconstruct them one by one.")
    if poses.shape != (len(volume.readouts.frame), 6):
        raise ShapeError(f"poses: got {poses.shape}, wanted ({len(volume.readouts.frame)}, 6), one for each readout.")
    rows = volume.rows[0]
    distinct, which = np.unique(np.round(poses[rows], 9), axis=0, return_inverse=True)
    parts, warps = [], []
    for index, pose in enumerate(distinct):
        chosen = rows[which.reshape(-1) == index]
        count = np.zeros(volume.readouts.matrix, dtype=np.int64)
        np.add.at(count, (volume.readouts.partition[chosen], volume.readouts.line[chosen]), 1)
        parts.append(replace(volume, rows=(chosen,), counts=(count,)))
        warps.append(warp_of(pose, volume, geometry, slice_))
    return MovingVolume(maps=volume.maps, parts=tuple(parts), warps=tuple(warps))


def warp_of(pose: Float[np.ndarray, " 6"], volume: EncodedVolume, geometry: Geometry, slice_: int) -> RigidWarp:
    """A pose in the image's own axes (read, partition, phase), about its own centre."""
    shape = volume.shape[2:]
    axes = np.stack([geometry.read, geometry.slice, geometry.phase])
    # (read, slice, phase) is left-handed; as a vector of rotation it changes its sign.
    handed = np.sign(np.linalg.det(axes))
    centre = geometry.centre_m + geometry.slice * geometry.slice_offsets_m[0 if geometry.is_3d else slice_]
    moved = Rotation.from_rotvec(pose[:3]).apply(centre) - centre + pose[3:]
    thickness = geometry.encoded_fov_m[2] / geometry.encoded_matrix[2] if geometry.is_3d else 1.0
    spacing = (
        geometry.fov_m[0] / geometry.matrix[0],
        thickness if thickness > 0 else 1.0,
        geometry.encoded_fov_m[1] / geometry.encoded_matrix[1],
    )
    rotation, shift = _triple(handed * (axes @ pose[:3])), _triple(axes @ moved)
    return RigidWarp(shape=(shape[0], shape[1], shape[2]), spacing=spacing, rotation=rotation, shift=shift)


def _triple(values: np.ndarray) -> Triple:
    """Rounded, so that a motion in the slice's plane has exactly nothing through it."""
    a, b, c = (float(value) for value in np.round(values, 12))
    return a, b, c
