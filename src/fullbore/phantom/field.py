"""Off-resonance by susceptibility: dipole convolution, shim, and a smooth map for the simulator."""

from __future__ import annotations

import numpy as np
from scipy import fft
from scipy.ndimage import gaussian_filter

from fullbore.data import FieldMap, Grid, Tissue
from fullbore.physics.magnetostatics import dipole_kernel, solid_harmonics
from fullbore.physics.tissue import AIR_SUSCEPTIBILITY_PPM

_CLIP_PPM = 12.0
# Tissue without visible signal in any voxel-sized echo does not decide the field of its voxel.
_VISIBLE_T2_S = 2e-3


def susceptibility_field(
    susceptibility_ppm: np.ndarray,
    spacing_m: tuple[float, float, float],
    *,
    continue_below: bool = False,
    continue_above: bool = False,
) -> np.ndarray:
    """Field shift (ppm of B0, B0 along z) that spins feel in a body of given susceptibility, in surroundings of zero.

    susceptibility_ppm: (z, y, x), relative to the surroundings. spacing_m: (x, y, z).
    continue_below, continue_above: repeat the lowest or highest slice to the middle of the padding, where a body is cut off.
    Method: k-space dipole kernel on a volume zero-padded to one and a half times its size, see `dipole_kernel`; the images of
    the periodic transform lie half a size away. A sphere of half the width agrees with theory to 1 % of its pole field.
    """
    shape = susceptibility_ppm.shape
    padded = tuple(fft.next_fast_len(int(1.5 * n) + 16, real=True) for n in shape)
    volume = np.zeros(padded, np.float32)
    low = (padded[0] - shape[0]) if continue_below or continue_above else 0
    volume[low : low + shape[0], : shape[1], : shape[2]] = susceptibility_ppm
    if continue_below:
        volume[low // 2 : low, : shape[1], : shape[2]] = susceptibility_ppm[0]
    if continue_above:  # the transform is periodic: what lies above the volume stands at its beginning
        volume[: low // 2, : shape[1], : shape[2]] = susceptibility_ppm[-1]
    spectrum = fft.rfftn(volume, workers=-1)
    spectrum *= dipole_kernel(padded, spacing_m)
    field = fft.irfftn(spectrum, padded, workers=-1, overwrite_x=True)
    return np.ascontiguousarray(field[low : low + shape[0], : shape[1], : shape[2]])


def shim(field_ppm: np.ndarray, points_m: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Field (z, y, x) less its weighted least-squares fit by the nine harmonics up to second order.

    points_m: (z, y, x, 3). weight: (z, y, x) >= 0, the region that is shimmed.
    """
    inside = weight > 0
    scale = 0.1
    root = np.sqrt(weight[inside])[:, None]
    basis = solid_harmonics(points_m[inside] / scale)
    coefficients, *_ = np.linalg.lstsq(basis * root, field_ppm[inside] * root[:, 0], rcond=None)
    return np.asarray(field_ppm - solid_harmonics(points_m / scale) @ coefficients)


def shimmed_field(
    fractions: np.ndarray, tissues: tuple[Tissue, ...], grid: Grid, shim_over: list[int], *, continue_above: bool = False
) -> FieldMap:
    """FieldMap (ppm) of a subject, on a lattice four times as coarse as its own.

    fractions: (tissue, z, y, x) on `grid`. shim_over: tissues whose voxels are shimmed. The body is taken to go
    on below its lowest slice, and above its highest one where asked.
    The convolution runs at twice the spacing. A coarse point holds the mean over its visible tissue only (bone and air
    cannot pull it), and points without tissue hold a smooth continuation of their surroundings, clipped to 12 ppm.
    """
    chi = np.full(grid.shape, AIR_SUSCEPTIBILITY_PPM, np.float32)
    visible = np.zeros(grid.shape, np.float32)
    for tissue, share in zip(tissues, fractions, strict=True):
        chi += np.float32(tissue.susceptibility_ppm - AIR_SUSCEPTIBILITY_PPM) * share
        if tissue.t2_s > _VISIBLE_T2_S:
            visible += share
    brain = np.asarray(sum(fractions[i] for i in shim_over))
    chi, visible, brain = (block_mean(volume, 2) for volume in (chi, visible, brain))
    middle = _coarser(grid, 2, chi.shape)
    spacing = tuple(float(s) for s in middle.spacing_m)
    field = susceptibility_field(
        chi - np.float32(AIR_SUSCEPTIBILITY_PPM),
        spacing,  # type: ignore[arg-type]
        continue_below=True,
        continue_above=continue_above,
    )
    field = shim(field, middle.points_m(), np.where(brain > 0.5, brain, 0)).astype(np.float32)
    weight = block_mean(visible, 2)
    mean = block_mean(field * visible, 2) / np.maximum(weight, 1e-6)
    values = np.clip(_continue(mean, weight > 0.05), -_CLIP_PPM, _CLIP_PPM)
    return FieldMap(values=values[None].astype(np.float32), grid=_coarser(middle, 2, values.shape), unit="ppm")


def block_mean(volume: np.ndarray, factor: int) -> np.ndarray:
    """Mean over cubes of `factor` voxels; the ends are repeated to fill the last cubes."""
    padded = np.pad(volume, [(0, -n % factor) for n in volume.shape], mode="edge")
    for axis in range(3):
        parts = [padded[(slice(None),) * axis + (slice(i, None, factor),)] for i in range(factor)]
        padded = np.asarray(sum(parts[1:], parts[0])) / np.float32(factor)
    return np.asarray(padded)


def _coarser(grid: Grid, factor: int, shape: tuple[int, ...]) -> Grid:
    affine = grid.affine_m.copy()
    affine[:3, 3] += affine[:3, :3].sum(axis=1) * (factor - 1) / 2
    affine[:3, :3] *= factor
    return Grid(shape=(shape[0], shape[1], shape[2]), affine_m=affine)


def _continue(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Fill what is not known from what is, by ever wider Gaussian means."""
    filled = np.where(known, values, 0).astype(np.float32)
    missing = ~known
    source, weight = filled.copy(), known.astype(np.float32)
    for sigma in (1.0, 2.0, 4.0, 8.0, 16.0):
        share = gaussian_filter(weight, sigma)
        reached = missing & (share > 1e-2)
        filled[reached] = gaussian_filter(source, sigma)[reached] / share[reached]
        missing &= ~reached
    filled[missing] = 0
    return filled
