"""Noise that a regular lattice of samples adds to parallel imaging (g-factor), in closed form."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Complex, Float

_EMPTY = 1e-6  # of the largest sum of squares: voxels that no coil sees


def lattice_g_factor(
    coils: Complex[np.ndarray, "coil *rest row column"],
    aliases: Float[np.ndarray, "alias 2"],
    support: Bool[np.ndarray, "*rest row column"] | None = None,
) -> Float[np.ndarray, "*rest row column"]:
    """SENSE's g = sqrt([(C^H C)^-1]_vv [C^H C]_vv) at each voxel; 0 outside the support.

    coils: whitened sensitivities. aliases: shares of the field of view (of the lattice's periods), the voxel itself first; copies
    that fall between voxels take the nearest voxel's sensitivity, copies outside the support cost nothing.
    Source: Pruessmann 1999, MRM 42:952, eq. 23.
    """
    inside = seen(coils) if support is None else support & seen(coils)
    shape = np.array(coils.shape[-2:])
    shifts = np.round(aliases * shape).astype(int)
    kept = coils * inside
    copies = np.stack([np.roll(kept, tuple(-s), axis=(-2, -1)) for s in shifts], axis=-1)
    gram = np.einsum("c...a,c...b->...ab", copies.conj(), copies)
    power = np.real(np.einsum("...aa->...a", gram))
    scale = max(float(power.max()), 1e-300)
    gram = gram + np.einsum("...a,ab->...ab", (power <= 0) * scale, np.eye(len(shifts)))
    gram += 1e-12 * scale * np.eye(len(shifts))
    inverse = np.linalg.inv(gram)[..., 0, 0].real
    return np.asarray(np.where(inside, np.sqrt(np.maximum(inverse * power[..., 0], 0)), 0.0))


def seen(coils: Complex[np.ndarray, "coil *rest row column"]) -> Bool[np.ndarray, "*rest row column"]:
    """Voxels that any coil sees."""
    power = (np.abs(coils) ** 2).sum(axis=0)
    return np.asarray(power > _EMPTY * power.max())
