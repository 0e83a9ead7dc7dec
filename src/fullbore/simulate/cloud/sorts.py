"""What the spins of a phantom's tissues are made of, and which courses they follow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from fullbore.data import Phantom, Tissue
from fullbore.simulate.cloud.changing import of_tissue
from fullbore.simulate.cloud.tissue_pools import pool_system
from fullbore.simulate.lines import Line, unfold


def unmixed(tissues: tuple[Tissue, ...], diffusing: bool = True) -> tuple[Line, ...]:
    """The lines of all tissues, a line for each compartment that diffuses in its own way; as one where nobody asks."""
    found: list[Line] = []
    for line in unfold(tissues):
        for share, tensor in line.tissue.diffusion if diffusing else ():
            own = replace(line.tissue, compartments=(), diffusivity_m2_per_s=0.0, diffusion_tensor_m2_per_s=tensor)
            found.append(Line(owner=line.owner, share=line.share * share, tissue=own))
        if not diffusing:
            found.append(line)
    return tuple(line for line in found if line.share > 0)


class Sorts:
    """What the spins of each line are made of and follow, and how they diffuse."""

    def __init__(self, phantom: Phantom, b0_T: float, diffusing: bool = False):
        self.lines = unmixed(phantom.tissues, diffusing)
        own = {line.tissue.diffusion[0][1] for line in self.lines if diffusing and np.any(line.tissue.diffusion[0][1])}
        self._tensors = {tensor: number for number, tensor in enumerate(sorted(own))}
        pooled = [number for number, tissue in enumerate(phantom.tissues) if tissue.pools]
        self.systems = tuple(pool_system(phantom.tissues[number], b0_T) for number in pooled)
        self.courses = tuple(of_tissue(course, b0_T) for course in phantom.courses)
        self._system = {owner: number for number, owner in enumerate(pooled)}
        self._course = {course.tissue: number for number, course in enumerate(phantom.courses)}

    def of(self, line: Line, count: int) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"], Int[np.ndarray, " n"]]:
        """Kind, T1rho and course of a line's spins."""
        tissue = line.tissue
        t1rho_s = tissue.t2_s if tissue.t1rho_s is None or tissue.pools else tissue.t1rho_s
        numbers = self._system.get(line.owner, -1), t1rho_s, self._course.get(tissue.name, -1)
        return np.full(count, numbers[0]), np.full(count, numbers[1]), np.full(count, numbers[2])

    @property
    def tensors_m2_per_s(self) -> Float[np.ndarray, "tensor 3 3"] | None:
        """Different tensors of all lines; None where nothing diffuses."""
        return np.array(list(self._tensors), np.float64) if self._tensors else None

    def diffuses(self, line: Line) -> int:
        """Which of the tensors is a line's, -1 for none."""
        return self._tensors.get(line.tissue.diffusion[0][1], -1)

    def widest_per_s(self, line: Line) -> float:
        """The largest R2' that a line's spins will ever have."""
        course, own = self._course.get(line.tissue.name), 1 / line.tissue.t2_prime_s
        return own if course is None else own + max(float(self.courses[course].values[:, 2].max()), 0.0)
