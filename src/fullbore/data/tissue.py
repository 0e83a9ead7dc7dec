"""What a tissue is, as everything that a sequence can see of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.errors import ShapeError, ValueRangeError

Tensor = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
"""A symmetric 3 x 3 tensor along patient axes L, P, S, row by row: a value that can be compared and hashed."""

LINESHAPES = ("lorentzian", "super-lorentzian", "gaussian")


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
class Species:
    """One line of a tissue's spectrum: its share of the tissue's signal, and its shift from water."""

    shift_ppm: float
    fraction: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.shift_ppm) and 0 <= self.fraction <= 1):
            raise ValueRangeError(f"Species: shift {self.shift_ppm} ppm, fraction {self.fraction}; wanted finite and 0 to 1.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Protons that exchange with a tissue's water: of a solute (CEST) or bound to macromolecules (MT).

    fraction: of all magnetisation at rest, water's included. exchange_per_s: from the pool to water; the way back follows from
    detailed balance. lineshape: lorentzian has transverse magnetisation; super-lorentzian and gaussian are only saturated.
    """

    name: str
    fraction: float
    t1_s: float
    t2_s: float
    exchange_per_s: float
    shift_ppm: float = 0.0
    lineshape: str = "lorentzian"

    def __post_init__(self) -> None:
        if not (0 < self.fraction < 1 and self.t1_s > 0 and self.t2_s > 0 and self.exchange_per_s >= 0):
            got = (self.fraction, self.t1_s, self.t2_s, self.exchange_per_s)
            raise ValueRangeError(f"Pool {self.name}: fraction, T1, T2, exchange {got}; wanted 0 to 1, > 0, > 0 and >= 0.")
        if self.lineshape not in LINESHAPES:
            raise ValueRangeError(f"Pool {self.name}: lineshape {self.lineshape!r}, wanted one of {', '.join(LINESHAPES)}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Perfusion:
    """Blood in a tissue: flow (1/s: ml of blood per ml of tissue and second), volume fraction of blood, arterial transit time,
    and what leaks: transfer constant Ktrans (1/s), extravascular extracellular and plasma volume fractions ve and vp.
    """

    flow_per_s: float
    transit_s: float
    blood_fraction: float = 0.0
    transfer_per_s: float = 0.0
    extravascular_fraction: float = 0.0
    plasma_fraction: float = 0.0

    def __post_init__(self) -> None:
        if not all(0 <= getattr(self, name) < np.inf for name in self.__slots__):
            raise ValueRangeError(f"Perfusion: {self}, wanted finite numbers from 0.")
        if max(self.blood_fraction, self.extravascular_fraction + self.plasma_fraction) > 1:
            raise ValueRangeError(f"Perfusion: {self}, wanted volume fractions of one whole.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tissue:
    """One tissue at one field strength. T2' is the part of T2* that a spin echo refocuses: 1/T2* = 1/T2 + 1/T2'.

    T2' means a Lorentzian line within every voxel: exp(-|tau| / T2') at a time tau from the echo.
    Diffusion is free, in one of three ways: diffusivity_m2_per_s, isotropic; diffusion_tensor_m2_per_s, symmetric, along
    L, P, S; compartments, whose fractions sum to 1 and between which nothing is exchanged. Without any, nothing diffuses.
    species: lines of its spectrum, whose fractions sum to 1, each shifted from chemical_shift_ppm; without any, one line there.
    pools: what exchanges with its water. t1rho_s: relaxation along B1 while it is on; T2 where None.
    oxygenation: of its blood, 0 to 1. stiffness_Pa: shear modulus. Conductivity and relative permittivity: at 128 MHz.
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
    species: tuple[Species, ...] = ()
    pools: tuple[Pool, ...] = ()
    t1rho_s: float | None = None
    perfusion: Perfusion | None = None
    oxygenation: float | None = None
    stiffness_Pa: float | None = None
    temperature_K: float = 310.15
    conductivity_S_per_m: float | None = None
    relative_permittivity: float | None = None
    source: str = ""

    def __post_init__(self) -> None:
        for name in ("t1_s", "t2_s", "t2_prime_s"):
            if not getattr(self, name) > 0:
                raise ValueRangeError(f"Tissue {self.name}: {name} is {getattr(self, name)}, wanted a positive time.")
        if not self.proton_density >= 0:
            raise ValueRangeError(f"Tissue {self.name}: proton density {self.proton_density} is negative.")
        if self.t2_s > self.t1_s * 2:
            raise ValueRangeError(f"Tissue {self.name}: T2 {self.t2_s} s exceeds 2 T1 = {2 * self.t1_s} s.")
        self._check_rest()
        _check_diffusion(f"Tissue {self.name}", self.diffusivity_m2_per_s, self.diffusion_tensor_m2_per_s)
        if self.compartments:
            total = sum(part.fraction for part in self.compartments)
            if abs(total - 1) > 1e-6:
                raise ValueRangeError(f"Tissue {self.name}: its compartments sum to {total:.6g}, wanted 1. Scale them.")
            if self.diffusivity_m2_per_s or self.diffusion_tensor_m2_per_s is not None:
                raise ValueRangeError(f"Tissue {self.name}: compartments and a diffusivity of the whole. Give only one of them.")

    def _check_rest(self) -> None:
        if self.species and abs(sum(line.fraction for line in self.species) - 1) > 1e-6:
            total = sum(line.fraction for line in self.species)
            raise ValueRangeError(f"Tissue {self.name}: its species sum to {total:.6g}, wanted 1. Scale them.")
        if sum(pool.fraction for pool in self.pools) >= 1:
            raise ValueRangeError(f"Tissue {self.name}: its pools leave no water. Wanted fractions that sum to less than 1.")
        if self.oxygenation is not None and not 0 <= self.oxygenation <= 1:
            raise ValueRangeError(f"Tissue {self.name}: oxygenation {self.oxygenation}, wanted 0 to 1.")
        for name in ("t1rho_s", "stiffness_Pa", "temperature_K", "relative_permittivity"):
            value = getattr(self, name)
            if value is not None and not 0 < value < np.inf:
                raise ValueRangeError(f"Tissue {self.name}: {name} is {value}, wanted a positive number.")
        if self.conductivity_S_per_m is not None and not 0 <= self.conductivity_S_per_m < np.inf:
            raise ValueRangeError(f"Tissue {self.name}: conductivity {self.conductivity_S_per_m} S/m, wanted a number from 0.")

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
