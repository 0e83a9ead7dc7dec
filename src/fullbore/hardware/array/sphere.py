"""A uniform conducting sphere: how waves from outside enter it, what they lose there, what field they make.

Phasors exp(-i omega t), so the received signal is Bx + i By, the conjugate of Bx - i By with exp(+i omega t).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float
from scipy.special import spherical_jn, spherical_yn

from fullbore.errors import ValueRangeError
from fullbore.hardware.array.loop import Loop
from fullbore.hardware.array.vector_harmonics import mode_orders, spherical_harmonics, transverse_harmonics
from fullbore.physics.constants import (
    GYROMAGNETIC_RATIO_HZ_PER_T,
    SPEED_OF_LIGHT_M_PER_S,
    VACUUM_PERMEABILITY_N_PER_A2,
)
from fullbore.physics.magnetostatics import medium_wavenumber_per_m

_NODES = 96  # radial Gauss points
_WIRE_POINTS = 128
_LEAST_RADIUS_M = 1e-6
_CHUNK = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Sphere:
    """A sphere about the origin in a field. permittivity: relative. b0_T sets the frequency."""

    radius_m: float
    conductivity_S_per_m: float
    permittivity: float
    b0_T: float

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ValueRangeError(f"Sphere.{name}: got {getattr(self, name)}, wanted a positive number.")

    @property
    def omega(self) -> float:
        """Angular Larmor frequency, rad/s."""
        return 2 * math.pi * GYROMAGNETIC_RATIO_HZ_PER_T * self.b0_T

    @property
    def outside_per_m(self) -> float:
        """Wave number of free space."""
        return self.omega / SPEED_OF_LIGHT_M_PER_S

    @property
    def inside_per_m(self) -> complex:
        """Wave number within, Im >= 0."""
        frequency = self.omega / (2 * math.pi)
        return medium_wavenumber_per_m(frequency, self.permittivity, self.conductivity_S_per_m).conjugate()


def entering_waves(sphere: Sphere, loops: tuple[Loop, ...], order: int) -> Complex[np.ndarray, "kind=2 loop mode"]:
    """Amplitudes within the sphere, V/m per A, of the modes of `mode_fields`, for loops of one ampere outside it.

    kind: M (electric field across the radius), N (magnetic field across it). Exact but for the order: of the size of
    (radius / nearest wire)^(2 order). The dyadic Green function of free space, E = i omega mu0 i k sum of M M~ + N N~, meets
    the sphere; for a closed path the gradient in N~ falls out. Source: Jackson 9.7 to 9.11.
    Errors: ValueRangeError for a wire within the sphere.
    """
    degrees, _ = mode_orders(order)
    root, k = np.sqrt(degrees * (degrees + 1.0)), sphere.outside_per_m
    entry = [_transmission(sphere, order, kind)[degrees - 1] for kind in (0, 1)]
    out = np.empty((2, len(loops), len(degrees)), np.complex128)
    for index, loop in enumerate(loops):
        points, lengths = loop.thinned(_WIRE_POINTS)
        radius = np.linalg.norm(points, axis=1)
        if radius.min() <= sphere.radius_m:
            raise ValueRangeError(
                f"loop {index}: a wire is {radius.min():.4g} m from the centre, in a sphere of {sphere.radius_m:.4g} m."
            )
        scalar = spherical_harmonics(order, points)
        hankel = _hankel(order, k * radius)[degrees - 1]
        across = np.einsum("kpx,px->kp", transverse_harmonics(order, scalar).conj(), lengths)
        out[0, index] = entry[0] * (hankel * across).sum(axis=1)
        out[1, index] = entry[1] * (-1j * k / root) * ((hankel * scalar.conj()) @ (points * lengths).sum(axis=1))
    return np.asarray(-sphere.omega * VACUUM_PERMEABILITY_N_PER_A2 * k * out)


def mode_losses(sphere: Sphere, order: int) -> Float[np.ndarray, "kind=2 mode"]:
    """sigma times the integral of |E|^2 over the sphere of each mode of unit amplitude, W per (V/m)^2; modes are orthogonal."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    radius, weights = sphere.radius_m * (nodes + 1) / 2, sphere.radius_m * weights / 2
    degree = np.arange(1, order + 1)[:, None]
    value, slope = _radial(sphere, order, radius)
    electric = (np.abs(value * radius) ** 2) @ weights
    k = abs(sphere.inside_per_m)
    magnetic = (degree * (degree + 1) * np.abs(value) ** 2 + np.abs(slope) ** 2) @ weights / k**2
    degrees, _ = mode_orders(order)
    return np.asarray(sphere.conductivity_S_per_m * np.stack([electric, magnetic])[:, degrees - 1])


def mode_fields(
    sphere: Sphere, order: int, points_m: Float[np.ndarray, "p 3"]
) -> tuple[Complex[np.ndarray, "kind=2 mode p 3"], Complex[np.ndarray, "kind=2 mode p 3"]]:
    """Electric field (unit) and magnetic field (T per V/m) of each mode at points within the sphere.

    M = u_l(r) X_lm and N = curl M / k with u_l = j_l(k r) / j_l(k a); B = curl E / (i omega).
    Errors: ValueRangeError for a point outside.
    """
    points = np.where(np.linalg.norm(points_m, axis=1, keepdims=True) < _LEAST_RADIUS_M, [[0, 0, _LEAST_RADIUS_M]], points_m)
    radius = np.linalg.norm(points, axis=1)
    if radius.max(initial=0.0) > sphere.radius_m * (1 + 1e-12):
        raise ValueRangeError(f"sphere: a point is {radius.max():.4g} m from the centre, wanted at most {sphere.radius_m:.4g} m.")
    degrees, _ = mode_orders(order)
    root, k = np.sqrt(degrees * (degrees + 1.0)), sphere.inside_per_m
    value, slope = (part[degrees - 1] for part in _radial(sphere, order, radius))
    scalar = spherical_harmonics(order, points)
    transverse = transverse_harmonics(order, scalar)
    outward = points / radius[:, None]
    first = value[..., None] * transverse
    turned = np.cross(outward[None], transverse)
    second = (1j * root[:, None] * value * scalar)[..., None] * outward[None] + slope[..., None] * turned
    second = second / (radius[None, :, None] * k)
    electric = np.stack([first, second])
    return electric, np.stack([second, first]) * (k / (1j * sphere.omega))


def mode_signals(sphere: Sphere, order: int, points_m: Float[np.ndarray, "p 3"]) -> Complex[np.ndarray, "kind=2 mode p"]:
    """Bx + i By of each mode of `mode_fields`, T per V/m."""
    parts = []
    for begin in range(0, len(points_m), _CHUNK):
        _, field = mode_fields(sphere, order, points_m[begin : begin + _CHUNK])
        parts.append(field[..., 0] + 1j * field[..., 1])
    return np.concatenate(parts, axis=-1)


def sphere_fields(
    sphere: Sphere, waves: Complex[np.ndarray, "kind=2 loop mode"], points_m: Float[np.ndarray, "p 3"]
) -> Complex[np.ndarray, "loop p"]:
    """Sensitivity Bx + i By of loops at points within the sphere, T/A. waves: of `entering_waves`."""
    order = round(math.sqrt(waves.shape[-1] + 1)) - 1
    return np.asarray(np.einsum("tik,tkp->ip", waves, mode_signals(sphere, order, points_m), optimize=True))


def sphere_resistance(sphere: Sphere, waves: Complex[np.ndarray, "kind=2 loop mode"]) -> Complex[np.ndarray, "loop loop"]:
    """Noise resistance matrix sigma * integral of E_i . E_j* over the sphere, ohm; Hermitian, positive."""
    order = round(math.sqrt(waves.shape[-1] + 1)) - 1
    matrix = np.einsum("tik,tk,tjk->ij", waves, mode_losses(sphere, order), waves.conj(), optimize=True)
    return np.asarray((matrix + matrix.conj().T) / 2)


def _radial(sphere: Sphere, order: int, radius_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """u_l and d(r u_l)/dr, (order, r)."""
    degree, k = np.arange(1, order + 1)[:, None], sphere.inside_per_m
    rim = spherical_jn(degree, k * sphere.radius_m)
    argument = k * radius_m[None]
    value = spherical_jn(degree, argument) / rim
    return value, value + argument * spherical_jn(degree, argument, derivative=True) / rim


def _hankel(order: int, argument: np.ndarray) -> np.ndarray:
    degree = np.arange(1, order + 1)[:, None]
    return np.asarray(spherical_jn(degree, argument[None]) + 1j * spherical_yn(degree, argument[None]))


def _transmission(sphere: Sphere, order: int, kind: int) -> np.ndarray:
    """Amplitude u_l within for one j_l(k0 r) that arrives: tangential E and H are continuous at the surface."""
    degree = np.arange(1, order + 1)
    outer, inner = sphere.outside_per_m * sphere.radius_m, sphere.inside_per_m * sphere.radius_m
    ratio = sphere.inside_per_m / sphere.outside_per_m
    hankel = spherical_jn(degree, outer) + 1j * spherical_yn(degree, outer)
    slope = spherical_jn(degree, outer, derivative=True) + 1j * spherical_yn(degree, outer, derivative=True)
    scattered = hankel + outer * slope
    within = 1 + inner * spherical_jn(degree, inner, derivative=True) / spherical_jn(degree, inner)
    if kind == 0:
        return np.asarray(1j / outer / (scattered - within * hankel))
    return np.asarray(1j / outer / (ratio * scattered - within * hankel / ratio))
