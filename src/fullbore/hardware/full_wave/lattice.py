"""Maxwell's equations on an unbounded cubic lattice, currents in and fields out, by FFT.

Vectors live on the lattice's edges (x on those along x, ...), as in Yee 1966; with the lattice's own Green's function G, A = G *
J, the fields are those of the finite-difference equations without any boundary: curl curl E - k^2 E = -i omega mu0 J holds edge
by edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Complex
from scipy.fft import next_fast_len
from torch import Tensor

from fullbore.hardware.full_wave.lattice_green import lattice_green


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lattice:
    """nodes: (z, y, x). spacing_m, wavenumber_per_m: h and k. spectrum: transform of h^3 G, in the currents' dtype and device.

    An edge has the index of its lower node; edges that would leave the lattice exist in the arrays and are to carry no current.
    """

    nodes: tuple[int, int, int]
    spacing_m: float
    wavenumber_per_m: float
    spectrum: Tensor

    @classmethod
    def of(
        cls,
        nodes: tuple[int, int, int],
        spacing_m: float,
        wavenumber_per_m: float,
        dtype: torch.dtype = torch.complex64,
        device: torch.device | str = "cpu",
    ) -> Lattice:
        """The lattice with its Green's function transformed."""
        padded = [next_fast_len(2 * n + 1) for n in nodes]
        whole = lattice_green((nodes[0] + 1, nodes[1] + 1, nodes[2] + 1), spacing_m, wavenumber_per_m) * spacing_m**3
        for axis, length in enumerate(padded):
            whole = _unfolded(whole, axis, length)
        spectrum = torch.fft.fftn(torch.from_numpy(whole)).to(device=device, dtype=dtype)
        return cls(nodes=nodes, spacing_m=spacing_m, wavenumber_per_m=wavenumber_per_m, spectrum=spectrum)

    def electric(self, current: Complex[Tensor, "xyz=3 z y x"]) -> Complex[Tensor, "xyz=3 z y x"]:
        """k^2 A + grad div A on the edges, times the current's unit: the field E of the current is this over i omega eps0."""
        waves = self._potential(current)
        slopes = self._slopes()
        divergence = sum((slopes[i].conj() * waves[i] for i in range(3)), start=torch.zeros_like(waves[0]))
        waves *= self.wavenumber_per_m**2
        for i in range(3):
            waves[i] -= slopes[i] * divergence
        return self._inverse(waves)

    def magnetic(self, current: Complex[Tensor, "xyz=3 z y x"]) -> Complex[Tensor, "xyz=3 z y x"]:
        """curl A in the middle of the cells: H of the current, each component the mean of the two faces that it pierces."""
        waves, slopes = self._potential(current), self._slopes()
        turned = torch.empty_like(waves)
        for i in range(3):
            first, second = (i + 1) % 3, (i + 2) % 3
            mean = 1 + slopes[i] * self.spacing_m / 2
            turned[i] = mean * (slopes[first] * waves[second] - slopes[second] * waves[first])
        return self._inverse(turned)

    def _potential(self, current: Tensor) -> Tensor:
        # axis by axis: lines that hold only padding are never transformed
        for axis in (3, 2, 1):
            current = torch.fft.fft(current, n=self.spectrum.shape[axis - 1], dim=axis)
        return current * self.spectrum

    def _slopes(self) -> list[Tensor]:
        """Forward differences along x, y, z as factors of waves."""
        out = []
        for i in range(3):
            length, shape = self.spectrum.shape[2 - i], [1, 1, 1]
            shape[2 - i] = length
            factor = (np.exp(2j * np.pi * np.arange(length) / length) - 1) / self.spacing_m
            out.append(torch.from_numpy(factor.reshape(shape)).to(self.spectrum))
        return out

    def _inverse(self, waves: Tensor) -> Tensor:
        for axis in (1, 2, 3):
            waves = torch.fft.ifft(waves, dim=axis).narrow(axis, 0, self.nodes[axis - 1])
        return waves


def _unfolded(octant: np.ndarray, axis: int, length: int) -> np.ndarray:
    """All offsets along an axis from those that are not negative, in the order of a transform; 0 between."""
    n = octant.shape[axis]
    mirror = np.flip(np.take(octant, range(1, n), axis=axis), axis=axis)
    gap = list(octant.shape)
    gap[axis] = length - 2 * n + 1
    return np.concatenate([octant, np.zeros(gap, octant.dtype), mirror], axis=axis)
