"""The coil maps that a recipe asks for, of one slice or slab."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from fullbore.errors import DataError
from fullbore.recon.calibration.central_block import central_block
from fullbore.recon.calibration.espirit import coil_maps, onto_image, referenced, several_maps, strongest_combination
from fullbore.recon.calibration.nlinv import joint_estimate
from fullbore.recon.calibration.walsh import adaptive_maps
from fullbore.recon.encodings.volume import Prepared
from fullbore.recon.recipe import Coils, Espirit, NlInv, Walsh

# A slab's centre of this many points along each axis holds the maps; a slice may take more.
_SLAB_GRID = 32
# A joint estimate of image and maps needs some lines that do not fold, fewer than patches need to move.
FEWEST_FOR_JOINT = 4


def estimate_maps(data: Prepared, slice_: int, coils: Coils) -> Complex[Tensor, "part x channel z y"]:
    """Unit norm in each part, or zero. Errors: DataError without what the recipe's method needs."""
    z, y, x = data.grid
    if data.channels == 1:
        return torch.ones((1, x, 1, z, y), dtype=torch.complex64)
    match coils:
        case Espirit() if coils.maps > 1:
            parts = several_maps(data.calibration(slice_, coils.calibration), data.grid, coils)[0]
            return parts.permute(0, 4, 1, 2, 3).contiguous()
        case Espirit():
            maps = coil_maps(data.calibration(slice_, coils.calibration), data.grid, coils)[0]
        case Walsh():
            maps = adaptive_maps(data.calibration(slice_, coils.calibration), data.grid, coils)
        case NlInv():
            maps = _joint_maps(
                *data.sampled_centre(slice_, min(coils.grid, _SLAB_GRID) if z > 1 else coils.grid), data.grid, coils
            )
    return torch.from_numpy(maps).permute(3, 0, 1, 2)[None].contiguous()


def _joint_maps(
    kspace: Complex[Tensor, "channel kz ky kx"], mask: Float[Tensor, "kz ky kx"], shape: tuple[int, int, int], recipe: NlInv
) -> Complex[np.ndarray, "channel z y x"]:
    """Maps of the nonlinear inversion with unit norm and the phase convention of ESPIRiT's.

    Errors: DataError where even the innermost lines have gaps: an image that is folded explains such data as well.
    """
    measured = mask.amax(-1).numpy() > 0
    wanted = [min(FEWEST_FOR_JOINT, n) for n in measured.shape]
    centre = tuple(part.stop - part.start for part in central_block(measured, max(wanted)))
    if any(got < want for got, want in zip(centre, wanted, strict=True)):
        raise DataError(
            f"joint estimate: the fully sampled centre of k-space is {centre} (kz, ky), wanted at least {tuple(wanted)}. "
            "Acquire calibration lines."
        )
    image, maps = joint_estimate(kspace, mask, recipe)
    grid = tuple(image.shape)
    vectors = maps.reshape(len(maps), -1).T
    vectors = vectors / torch.linalg.vector_norm(vectors, dim=1, keepdim=True).clamp_min(1e-20)
    vectors = referenced(vectors, strongest_combination(kspace[None]))
    return onto_image(vectors.T.reshape(-1, *grid).numpy(), np.ones(grid, np.float32), shape, 0.0)[0]
