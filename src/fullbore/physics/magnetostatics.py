"""Magnetic fields of loops and of matter: Biot-Savart, its retarded form, the dipole kernel, solid harmonics."""

from __future__ import annotations

import math
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Complex, Float

from fullbore.physics.constants import SPEED_OF_LIGHT_M_PER_S, VACUUM_PERMEABILITY_N_PER_A2

_SCALE = VACUUM_PERMEABILITY_N_PER_A2 / (4 * math.pi)


def loop_segments(
    centre_m: Float[np.ndarray, "xyz=3"], normal: Float[np.ndarray, "xyz=3"], radius_m: float, segments: int = 48
) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]:
    """Midpoints and length vectors (m) of a circular loop, right-handed about `normal`.

    The sum over such segments converges exponentially off the wire (a periodic integrand): its relative error is about
    exp(-segments * d / radius) at the distance d from the wire.
    """
    axis = normal / np.linalg.norm(normal)
    helper = np.eye(3)[int(np.argmin(np.abs(axis)))]
    first = np.cross(axis, helper)
    first /= np.linalg.norm(first)
    second = np.cross(axis, first)
    angle = 2 * np.pi * (np.arange(segments) + 0.5)[:, None] / segments
    midpoints = centre_m + radius_m * (np.cos(angle) * first + np.sin(angle) * second)
    lengths = (2 * np.pi * radius_m / segments) * (np.cos(angle) * second - np.sin(angle) * first)
    return midpoints, lengths


def loop_field(
    points_m: Float[np.ndarray, "p 3"],
    midpoints_m: Float[np.ndarray, "n 3"],
    lengths_m: Float[np.ndarray, "n 3"],
    wavenumber_per_m: complex = 0j,
    wire_radius_m: float = 0.0,
) -> Complex[np.ndarray, "p 3"]:
    """Magnetic field per ampere, T/A, of a closed path of short segments carrying one phase.

    wavenumber_per_m: k of the homogeneous medium for exp(+i omega t); 0 gives Biot-Savart. B = mu0/4pi * sum of
        dl x R (1 + i k R) exp(-i k R) / R^3, the curl of the retarded vector potential (Jackson, ch. 9).
    wire_radius_m: softens the singularity on the wire, R^2 -> R^2 + wire_radius^2.
    """
    return np.asarray(_SCALE * _sum_field(points_m, midpoints_m, lengths_m, complex(wavenumber_per_m), wire_radius_m**2))


@numba.njit(parallel=True, cache=True)
@no_type_check
def _sum_field(points: np.ndarray, midpoints: np.ndarray, lengths: np.ndarray, k: complex, soft: float) -> np.ndarray:
    out = np.zeros((len(points), 3), np.complex128)
    for p in numba.prange(len(points)):
        for n in range(len(midpoints)):
            rx, ry, rz = points[p, 0] - midpoints[n, 0], points[p, 1] - midpoints[n, 1], points[p, 2] - midpoints[n, 2]
            square = rx * rx + ry * ry + rz * rz + soft
            r = math.sqrt(square)
            weight = (1 + 1j * k * r) * np.exp(-1j * k * r) / (square * r)
            lx, ly, lz = lengths[n, 0], lengths[n, 1], lengths[n, 2]
            out[p, 0] += weight * (ly * rz - lz * ry)
            out[p, 1] += weight * (lz * rx - lx * rz)
            out[p, 2] += weight * (lx * ry - ly * rx)
    return out


def loop_vector_potential(
    points_m: Float[np.ndarray, "p 3"],
    midpoints_m: Float[np.ndarray, "n 3"],
    lengths_m: Float[np.ndarray, "n 3"],
    wavenumber_per_m: complex = 0j,
) -> Complex[np.ndarray, "p 3"]:
    """Vector potential per ampere, T m / A: A = mu0/4pi * sum of dl exp(-i k R) / R."""
    return np.asarray(_SCALE * _sum_potential(points_m, midpoints_m, lengths_m, complex(wavenumber_per_m)))


@numba.njit(parallel=True, cache=True)
@no_type_check
def _sum_potential(points: np.ndarray, midpoints: np.ndarray, lengths: np.ndarray, k: complex) -> np.ndarray:
    out = np.zeros((len(points), 3), np.complex128)
    for p in numba.prange(len(points)):
        for n in range(len(midpoints)):
            rx, ry, rz = points[p, 0] - midpoints[n, 0], points[p, 1] - midpoints[n, 1], points[p, 2] - midpoints[n, 2]
            r = math.sqrt(rx * rx + ry * ry + rz * rz)
            weight = np.exp(-1j * k * r) / r
            out[p, 0] += weight * lengths[n, 0]
            out[p, 1] += weight * lengths[n, 1]
            out[p, 2] += weight * lengths[n, 2]
    return out


def medium_wavenumber_per_m(frequency_Hz: float, relative_permittivity: float, conductivity_S_per_m: float) -> complex:
    """Wave number in a lossy medium for exp(+i omega t): k^2 = omega^2 mu0 eps - i omega mu0 sigma, Im k <= 0."""
    omega = 2 * math.pi * frequency_Hz
    square = complex(
        relative_permittivity * (omega / SPEED_OF_LIGHT_M_PER_S) ** 2,
        -omega * VACUUM_PERMEABILITY_N_PER_A2 * conductivity_S_per_m,
    )
    root: complex = np.sqrt(square)
    return root if root.imag <= 0 else -root


def dipole_kernel(shape: tuple[int, int, int], spacing_m: tuple[float, float, float]) -> Float[np.ndarray, "z y x"]:
    """Relative field per susceptibility in k-space, 1/3 - kz^2/k^2, for `numpy.fft.rfftn` of a (z, y, x) volume; B0 along z.

    spacing_m: (x, y, z). Includes the sphere of Lorentz, so it is the field that a spin feels. 0 at k = 0.
    Source: Salomir 2003, Concepts Magn Reson 19B:26; Marques and Bowtell 2005, ibid. 25B:65.
    """
    kz = np.fft.fftfreq(shape[0], spacing_m[2]).astype(np.float32)[:, None, None] ** 2
    ky = np.fft.fftfreq(shape[1], spacing_m[1]).astype(np.float32)[None, :, None] ** 2
    kx = np.fft.rfftfreq(shape[2], spacing_m[0]).astype(np.float32)[None, None, :] ** 2
    square = kz + ky + kx
    square[0, 0, 0] = 1
    kernel = np.float32(1 / 3) - kz / square
    kernel[0, 0, 0] = 0
    return kernel


def solid_harmonics(points_m: Float[np.ndarray, "*p 3"]) -> Float[np.ndarray, "*p 9"]:
    """The shim functions up to second order, z along B0: 1, x, y, z, z^2 - (x^2+y^2)/2, zx, zy, x^2-y^2, 2xy."""
    x, y, z = np.moveaxis(points_m, -1, 0)
    terms = [np.ones_like(x), x, y, z, z * z - (x * x + y * y) / 2, z * x, z * y, x * x - y * y, 2 * x * y]
    return np.stack(terms, axis=-1)
