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

_APART = 2
"""Nodes between a periodic lattice's images."""


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

    def electric(self, current: Complex[Tensor, "*batch xyz=3 z y x"]) -> Complex[Tensor, "*batch xyz=3 z y x"]:
        """k^2 A + grad div A on the edges, times the current's unit: the field E of the current is this over i omega eps0."""
        waves = self._potential(current)
        slopes = self._slopes()
        parts = waves.unbind(-4)
        divergence = sum((slopes[i].conj() * parts[i] for i in range(3)), start=torch.zeros_like(parts[0]))
        waves *= self.wavenumber_per_m**2
        for i in range(3):
            waves[..., i, :, :, :] -= slopes[i] * divergence
        return self._inverse(waves)

    def magnetic(self, current: Complex[Tensor, "*batch xyz=3 z y x"]) -> Complex[Tensor, "*batch xyz=3 z y x"]:
        """curl A in the middle of the cells: H of the current, each component the mean of the two faces that it pierces."""
        waves, slopes = self._potential(current).unbind(-4), self._slopes()
        turned = []
        for i in range(3):
            first, second = (i + 1) % 3, (i + 2) % 3
            mean = 1 + slopes[i] * self.spacing_m / 2
            turned.append(mean * (slopes[first] * waves[second] - slopes[second] * waves[first]))
        return self._inverse(torch.stack(turned, dim=-4))

    def medium(self, eps: complex) -> Complex[Tensor, "xyz=3 xyz=3 z y x"]:
        """What `solved_in` multiplies waves with, on a periodic lattice of these nodes: an unbounded medium's inverse of
        (J - (eps - 1) (k^2 + grad div) A) / eps.

        Currents without divergence turn by eps (q^2 - k^2) / (q^2 - eps k^2), q^2 of the lattice's waves; gradients stay.
        """
        shape = tuple(next_fast_len(n + _APART) for n in self.nodes)
        slopes = self._slopes(shape)
        square = sum((slope.abs() ** 2 for slope in slopes), start=torch.zeros(shape, device=self.spectrum.device))
        air = self.wavenumber_per_m**2
        across = eps * (square - air) / (square - eps * air)
        along = (1 - across) / torch.where(square > 0, square, 1)
        out = [[along * (slopes[i] * slopes[j].conj()) + (across if i == j else 0) for j in range(3)] for i in range(3)]
        return torch.stack([torch.stack(row) for row in out]).to(self.spectrum.dtype)

    def solved_in(
        self, medium: Complex[Tensor, "xyz=3 xyz=3 zw yw xw"], current: Complex[Tensor, "*batch xyz=3 z y x"]
    ) -> Complex[Tensor, "*batch xyz=3 z y x"]:
        """What that medium answers to a right side on the edges."""
        parts = _transformed(current, medium.shape[2:]).unbind(-4)
        turned = [sum((row[j] * parts[j] for j in range(3)), start=torch.zeros_like(parts[0])) for row in medium]
        return self._inverse(torch.stack(turned, dim=-4))

    def _potential(self, current: Tensor) -> Tensor:
        return _transformed(current, self.spectrum.shape) * self.spectrum

    def _slopes(self, shape: tuple[int, ...] | None = None) -> list[Tensor]:
        """Forward differences along x, y, z as factors of waves."""
        out = []
        for i in range(3):
            length, line = (shape or self.spectrum.shape)[2 - i], [1, 1, 1]
            line[2 - i] = length
            factor = (np.exp(2j * np.pi * np.arange(length) / length) - 1) / self.spacing_m
            out.append(torch.from_numpy(factor.reshape(line)).to(self.spectrum))
        return out

    def _inverse(self, waves: Tensor) -> Tensor:
        for axis in (-3, -2, -1):
            waves = torch.fft.ifft(waves, dim=axis).narrow(axis, 0, self.nodes[axis])
        return waves


def _transformed(current: Tensor, shape: tuple[int, ...]) -> Tensor:
    # axis by axis: lines that hold only padding are never transformed
    for axis in (-1, -2, -3):
        current = torch.fft.fft(current, n=shape[axis], dim=axis)
    return current


def _unfolded(octant: np.ndarray, axis: int, length: int) -> np.ndarray:
    """All offsets along an axis from those that are not negative, in the order of a transform; 0 between."""
    n = octant.shape[axis]
    mirror = np.flip(np.take(octant, range(1, n), axis=axis), axis=axis)
    gap = list(octant.shape)
    gap[axis] = length - 2 * n + 1
    return np.concatenate([octant, np.zeros(gap, octant.dtype), mirror], axis=axis)
