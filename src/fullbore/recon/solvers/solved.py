"""What every solver gives back."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Complex, Float
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solved:
    """Images of one slice or slab.

    values: (frame, part, x, z, y). noise_variance: (x, z, y) for white noise of variance 1 in every channel.
    noise_is_exact: that variance is the closed form, not an estimate.
    iterations, residual: the largest over the frames. converged: of every frame. condition: of the encoding, or None.
    history: residual after each iteration, of the frame that took most.
    """

    values: Complex[Tensor, "frame part x z y"]
    noise_variance: Float[Tensor, "x z y"]
    iterations: int
    residual: float
    converged: bool
    condition: float | None = None
    noise_is_exact: bool = False
    history: tuple[float, ...] = ()
