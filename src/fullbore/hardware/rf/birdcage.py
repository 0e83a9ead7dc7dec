"""The current of a birdcage or of a ring of loops on a cylinder, as a stream function, and its inductance with the shield.

Windows n = 0..N-1 lie between neighbouring rungs; a window's mesh current J_n flows right-handed about the outward normal, so a
rung carries J_n - J_(n+1) and every current closes. K = grad psi x r: K_phi = d psi / dz, K_z = -(1/a) d psi / d phi. Its
transform, psi_m(k) = (1 / 2 pi) int psi exp(-i m phi - i k z) d phi dz, is what fields and inductances need.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float
from scipy.special import ive, kve

from fullbore.errors import ValueRangeError
from fullbore.hardware.rf.layers import MU0

# Beyond it the leading term of the uniform expansion of the Bessel functions is good to 1 / (8 order^2).
_EXACT_ORDER, _EXACT_ARGUMENT = 50, 300.0
_ORDERS_PER_STRIP, _REACH, _STEPS_PER_LENGTH = 2.0, 12.0, 24


@dataclass(frozen=True, slots=True, kw_only=True)
class CoilShape:
    """Where the copper is: rungs and end rings as strips on a cylinder of radius_m, about z, within a conducting shield.

    length_m: between the end rings' centre lines. rungs: as many as windows.
    """

    radius_m: float
    length_m: float
    rungs: int
    shield_radius_m: float
    rung_width_m: float = 0.02
    ring_width_m: float = 0.02

    def __post_init__(self) -> None:
        sizes = (self.radius_m, self.length_m, self.rung_width_m, self.ring_width_m)
        if not min(sizes) > 0 or self.rungs < 4 or self.shield_radius_m <= self.radius_m:
            raise ValueRangeError(f"CoilShape: got {self}, wanted positive sizes, 4 rungs or more, a shield outside the coil.")
        if self.rung_width_m * self.rungs >= 2 * np.pi * self.radius_m or self.ring_width_m >= self.length_m:
            raise ValueRangeError(f"CoilShape: {self.rungs} rungs {self.rung_width_m:.4g} m wide leave no window between them.")

    @property
    def window_angles_rad(self) -> Float[np.ndarray, " n"]:
        """Where the windows' middles lie."""
        return 2 * np.pi * np.arange(self.rungs) / self.rungs

    def spectrum_m(self, order: int, wavenumber_per_m: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
        """psi_m(k) of one ampere in the window at angle 0, A m per A."""
        return self.azimuthal(order) * self.length_m * self.axial(wavenumber_per_m)

    def azimuthal(self, order: int) -> float:
        """Share of one window in the order m: the window's width and the rung's."""
        return float(np.sinc(order / self.rungs) * np.sinc(order * self.rung_width_m / (2 * np.pi * self.radius_m)) / self.rungs)

    def axial(self, wavenumber_per_m: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
        """The profile along z, 1 at k = 0: a box of the length, smoothed by the ring's width."""
        half = wavenumber_per_m / (2 * np.pi)
        return np.sinc(half * self.length_m) * np.sinc(half * self.ring_width_m)

    def weights(self, order: int, currents_A: Complex[np.ndarray, "channel n"]) -> Complex[np.ndarray, " channel"]:
        """Weight of the order m in the stream function of mesh currents, over that of one window at angle 0."""
        return currents_A @ np.exp(-1j * order * self.window_angles_rad)


def rotating_mode(rungs: int, mode: int = -1) -> Complex[np.ndarray, " n"]:
    """Mesh currents exp(2 pi i mode n / N); -1 turns with the spins (B1+), +1 against them."""
    return np.exp(2j * np.pi * mode * np.arange(rungs) / rungs)


def order_inductances_H(shape: CoilShape) -> Float[np.ndarray, " m"]:
    """Inductance of each order m = 0, 1, ...: energy = 1/2 sum over all m of l_m |weight_m|^2, with the shield's image currents.

    l_m = -mu0 int x^2 I'_m(x) K'_m(x) (1 - I'_m(x) K'_m(y) / (I'_m(y) K'_m(x))) |psi_m|^2 dk, x = |k| a, y = |k| b: exact for an
    infinite perfect shield at low frequency. Source: Turner and Bowley 1986, J Phys E 19:876.
    """
    narrow = min(shape.rung_width_m, 2 * np.pi * shape.radius_m / shape.rungs)
    highest = int(np.ceil(_ORDERS_PER_STRIP * _REACH * 2 * np.pi * shape.radius_m / narrow / np.pi))
    top = _REACH * 2 * np.pi / shape.ring_width_m
    count = int(np.ceil(top / (2 * np.pi / shape.length_m) * _STEPS_PER_LENGTH))
    k = (np.arange(count) + 0.5) * top / count
    return np.array([2 * top / count * order_kernel(shape, m, k) for m in range(highest + 1)])


def order_kernel(shape: CoilShape, order: int, wavenumber_per_m: Float[np.ndarray, " k"]) -> float:
    """Sum over positive wave numbers of the integrand of `order_inductances_H`, henry metres."""
    return float(MU0 * _kernel(shape, order, wavenumber_per_m) @ shape.spectrum_m(order, wavenumber_per_m) ** 2)


def mode_inductances_H(shape: CoilShape) -> Float[np.ndarray, " n"]:
    """Inductance of each mode p = 0..N-1 of the windows, J_n = exp(2 pi i p n / N): the eigenvalues of the mesh inductance.

    It holds the self and mutual inductances of all rungs and end rings and of their images.
    """
    return fold(order_inductances_H(shape), shape.rungs)


def fold(orders: Float[np.ndarray, " m"], rungs: int) -> Float[np.ndarray, " n"]:
    """N times the sum over the orders +-m that alias onto each mode, for what is even in m."""
    modes = np.zeros(rungs)
    for m, value in enumerate(orders):
        for signed in {m, -m}:
            modes[signed % rungs] += rungs * value
    return modes


def mesh_matrix(modes: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n n"]:
    """The symmetric circulant matrix with these eigenvalues."""
    row = np.fft.ifft(modes).real
    index = np.arange(len(modes))
    return row[(index[None] - index[:, None]) % len(modes)]


def _kernel(shape: CoilShape, order: int, k: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    """-x^2 I'K' with the shield's factor, by Bessel functions or by their uniform expansion."""
    x, y = k * shape.radius_m, k * shape.shield_radius_m
    root = np.sqrt(order**2 + x**2)
    out = root / 2 * (1 - np.exp(-2 * (_exponent(order, y) - _exponent(order, x))))
    exact = (x < _EXACT_ARGUMENT) & (order <= _EXACT_ORDER)
    xs, ys = x[exact], y[exact]
    (ix, kx), (iy, ky) = _slopes(order, xs), _slopes(order, ys)
    out[exact] = -(xs**2) * ix * kx * (1 - ix * ky / (iy * kx) * np.exp(-2 * (ys - xs)))
    return out


def _exponent(order: int, x: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    root = np.sqrt(order**2 + x**2)
    return root + (order * np.log(x / (order + root)) if order else 0.0)


def _slopes(order: int, x: Float[np.ndarray, " k"]) -> tuple[np.ndarray, np.ndarray]:
    """I'_m exp(-x) and K'_m exp(x)."""
    return (ive(order - 1, x) + ive(order + 1, x)) / 2, -(kve(order - 1, x) + kve(order + 1, x)) / 2
