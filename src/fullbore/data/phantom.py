"""The digital subject: tissues, where they are, and the field they make."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.data.field_map import FieldMap
from fullbore.data.grid import Grid
from fullbore.errors import ShapeError, ValueRangeError

Tensor = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
"""A symmetric 3 x 3 tensor along patient axes L, P, S, row by row: a value that can be compared and hashed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compartment:
    """A part of a tissue that diffuses in its own way: its share of the tissue's signal, and a diffusivity or a tensor.

    diffusion_tensor_m2_per_s: symmetric, along L, P, S, with no negative eigenvalue.
    """

    fraction: float
    diffusivity_m2_per_s: float = 0.0
    diffusion_tensor_m2_per_s: Tensor | None = None

    def __post_init__(self) -> None:
        _check_diffusion("Compartment", self.diffusivity_m2_per_s, self.diffusion_tensor_m2_per_s)
        if not 0 <= self.fraction <= 1:
            raise ValueRangeError(f"Compartment: fraction {self.fraction}, wanted 0 to 1.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tissue:
    """One tissue at one field strength. T2' is the part of T2* that a spin echo refocuses: 1/T2* = 1/T2 + 1/T2'.

    T2' means a Lorentzian line within every voxel: exp(-|tau| / T2') at a time tau from the echo.
    Diffusion is free, in one of three ways: diffusivity_m2_per_s, isotropic; diffusion_tensor_m2_per_s, symmetric, along
    L, P, S; compartments, whose fractions sum to 1 and between which nothing is exchanged. Without any, nothing diffuses.
    """

    name: str
    t1_s: float
    t2_s: float
    t2_prime_s: float
    proton_density: float
    chemical_shift_ppm: float = 0.0
    susceptibility_ppm: float = 0.0
    diffusivity_m2_per_s: float = 0.0
    diffusion_tensor_m2_per_s: Tensor | None = None
    compartments: tuple[Compartment, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        for name in ("t1_s", "t2_s", "t2_prime_s"):
            if not getattr(self, name) > 0:
                raise ValueRangeError(f"Tissue {self.name}: {name} is {getattr(self, name)}, wanted a positive time.")
        if not self.proton_density >= 0:
            raise ValueRangeError(f"Tissue {self.name}: proton density {self.proton_density} is negative.")
        if self.t2_s > self.t1_s * 2:
            raise ValueRangeError(f"Tissue {self.name}: T2 {self.t2_s} s exceeds 2 T1 = {2 * self.t1_s} s.")
        _check_diffusion(f"Tissue {self.name}", self.diffusivity_m2_per_s, self.diffusion_tensor_m2_per_s)
        if self.compartments:
            total = sum(part.fraction for part in self.compartments)
            if abs(total - 1) > 1e-6:
                raise ValueRangeError(f"Tissue {self.name}: its compartments sum to {total:.6g}, wanted 1. Scale them.")
            if self.diffusivity_m2_per_s or self.diffusion_tensor_m2_per_s is not None:
                raise ValueRangeError(f"Tissue {self.name}: compartments and a diffusivity of the whole. Give only one of them.")

    @property
    def diffusion(self) -> tuple[tuple[float, Tensor], ...]:
        """(fraction, diffusion tensor) of every compartment; the whole as one where there are none."""
        whole = Compartment(
            fraction=1.0,
            diffusivity_m2_per_s=self.diffusivity_m2_per_s,
            diffusion_tensor_m2_per_s=self.diffusion_tensor_m2_per_s,
        )
        return tuple((part.fraction, _tensor(part)) for part in self.compartments or (whole,))


def _tensor(part: Compartment) -> Tensor:
    d = part.diffusivity_m2_per_s
    return part.diffusion_tensor_m2_per_s or ((d, 0.0, 0.0), (0.0, d, 0.0), (0.0, 0.0, d))


def _check_diffusion(who: str, diffusivity_m2_per_s: float, tensor: Tensor | None) -> None:
    if not 0 <= diffusivity_m2_per_s < np.inf:
        raise ValueRangeError(f"{who}: diffusivity_m2_per_s is {diffusivity_m2_per_s}, wanted a number from 0.")
    if tensor is None:
        return
    if diffusivity_m2_per_s:
        raise ValueRangeError(f"{who}: a diffusivity and a diffusion tensor. Give only one of them.")
    value = np.array(tensor, dtype=np.float64)
    if value.shape != (3, 3):
        raise ShapeError(f"{who}, diffusion_tensor_m2_per_s: got {value.shape}, wanted (3, 3).")
    size = np.abs(value).max()
    if not np.isfinite(size) or np.abs(value - value.T).max() > 1e-9 * size or np.linalg.eigvalsh(value)[0] < -1e-9 * size:
        raise ValueRangeError(f"{who}: diffusion tensor {tensor}, wanted a symmetric one without negative eigenvalues.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Phantom:
    """A subject as a mixture of tissues, continuous in space by linear interpolation between the grid's points.

    fractions: float32 (tissue, z, y, x), each 0..1, their sum at most 1 (the rest is air or signal-free).
    field_ppm: off-resonance of water by susceptibility, after shimming, in ppm of B0, (1, z, y, x) on a grid of its own.
    """

    name: str
    tissues: tuple[Tissue, ...]
    fractions: np.ndarray
    grid: Grid
    field_ppm: FieldMap

    def __post_init__(self) -> None:
        if self.fractions.shape != (len(self.tissues), *self.grid.shape):
            raise ShapeError(f"Phantom.fractions: got {self.fractions.shape}, wanted ({len(self.tissues)}, *{self.grid.shape}).")
        low, high = float(self.fractions.min()), float(self.fractions.sum(axis=0).max())
        if not (low >= -1e-6 and high <= 1 + 1e-3):
            raise ValueRangeError(f"Phantom.fractions: range {low:.3g}, largest sum {high:.3g}; wanted fractions of one whole.")
