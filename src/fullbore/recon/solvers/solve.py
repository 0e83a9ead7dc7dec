"""The solver that a recipe names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from jaxtyping import Complex
from torch import Tensor

from fullbore.errors import DataError
from fullbore.recon.encodings.cartesian import CartesianVolume
from fullbore.recon.encodings.subspace import SubspaceVolume
from fullbore.recon.encodings.volume import EncodedVolume
from fullbore.recon.recipe import Combination, Direct, Recipe
from fullbore.recon.solvers.direct import combine, solve_columns
from fullbore.recon.solvers.iterative import iterate
from fullbore.recon.solvers.solved import Solved

# Columns from one noise inversion to the next when an estimate will do: it costs less than the image then.
_NOISE_STRIDE = 4


def solve_volume(
    volume: EncodedVolume,
    recipe: Recipe,
    progress: Callable[[float], None],
    basis: Complex[Tensor, "frame course"] | None = None,
) -> Solved:
    """All frames of one slice or slab. basis: orthonormal courses that the frames combine; None: frames as they are.

    Errors: DataError when the solver does not suit the data.
    """
    if basis is not None:
        inner = SubspaceVolume(inner=volume, basis=basis.to(volume.maps.device))
        solved = solve_volume(inner, recipe, progress)
        return replace(solved, values=inner.expand(solved.values))
    match recipe.solver:
        case Combination():
            return combine(volume)
        case Direct():
            if not isinstance(volume, CartesianVolume) or volume.shape[1] > 1 or volume.shape[3] > 1:
                raise DataError(
                    "Direct solver: the data have partition encoding, a curved trajectory or several sets of maps. "
                    "Use ConjugateGradient or ProximalGradient."
                )
            return solve_columns(volume, recipe.solver, 1 if recipe.noise_map == "analytic" else _NOISE_STRIDE)
        case _:
            return iterate(volume, recipe.solver, recipe.prior, progress)
