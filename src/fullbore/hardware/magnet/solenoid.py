"""The solenoid, thin and thick: field and vector potential anywhere, inside the winding too."""

from __future__ import annotations

import math
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float

from fullbore.hardware.magnet.elliptic import cel
from fullbore.hardware.magnet.loop import MU0

# Radial quadrature of thin solenoids: Gauss-Legendre in t on both sides of the point, a = r + length t^3, because a sheet's field
# has a logarithm where the sheet ends.
_NODES = 14
_T, _W = np.polynomial.legendre.leggauss(_NODES)
_GRADED = ((_T + 1) / 2) ** 3
_WEIGHTS = 3 * ((_T + 1) / 2) ** 2 * _W / 2


def solenoid_field(points_m: Float[np.ndarray, "p 2"], sections: Float[np.ndarray, "n 5"]) -> Float[np.ndarray, "p 2"]:
    """Field (Br, Bz), T, of coaxial thick solenoids at (r, z), anywhere.

    sections: inner radius, outer radius, lower end, upper end (m), azimuthal current density (A/m^2), one row each.
    Each is a radial integral of thin solenoids in closed form (Derby and Olbert 2010, Am. J. Phys. 78:229), split at the
    point. Error against the loops' sum: under 1e-9 of the field within the winding and on its edges, 1e-13 outside.
    """
    return np.asarray(_thick(points_m, sections, _GRADED, _WEIGHTS))


def sheet_field(points_m: Float[np.ndarray, "p 2"], sheets: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, "p 2"]:
    """Field (Br, Bz), T, of coaxial thin solenoids. sheets: radius, lower end, upper end (m), amperes per metre."""
    return np.asarray(_thin(points_m, sheets))


def solenoid_potential(points_m: Float[np.ndarray, "p 2"], sections: Float[np.ndarray, "n 5"]) -> Float[np.ndarray, " p"]:
    """Azimuthal vector potential, T m, of coaxial thick solenoids, anywhere off the axis (where it is 0).

    Radial integral of thin solenoids: Callaghan and Maslen 1960, NASA TN D-465.
    """
    return np.asarray(_thick_potential(points_m, sections, _GRADED, _WEIGHTS))


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _sheet_end(a: float, r: float, d: float) -> tuple[float, float]:
    """What one end, at the depth d below the point, adds to (Br, Bz) for one ampere per metre."""
    far = math.sqrt((a + r) ** 2 + d * d)
    kc = math.sqrt((a - r) ** 2 + d * d) / far
    ratio = (a - r) / (a + r)
    radial = a / far * cel(kc, 1.0, 1.0, -1.0)
    axial = a / (a + r) * d / far * cel(kc, ratio * ratio, 1.0, ratio)
    return MU0 / math.pi * radial, MU0 / math.pi * axial


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _apart(a: float, r: float) -> float:
    """The radius of a sheet, a hair off the point where they meet (the field jumps there)."""
    return a * (1 + 1e-13) if abs(a - r) < 1e-13 * a else a


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _thin(points: np.ndarray, sheets: np.ndarray) -> np.ndarray:
    out = np.zeros((len(points), 2))
    for p in range(len(points)):
        r, z = points[p, 0], points[p, 1]
        for n in range(len(sheets)):
            a = _apart(sheets[n, 0], r)
            low, high = _sheet_end(a, r, z - sheets[n, 1]), _sheet_end(a, r, z - sheets[n, 2])
            out[p, 0] += sheets[n, 3] * (low[0] - high[0])
            out[p, 1] += sheets[n, 3] * (low[1] - high[1])
    return out


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _thick(points: np.ndarray, sections: np.ndarray, nodes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    out = np.zeros((len(points), 2))
    for p in range(len(points)):
        r, z = points[p, 0], points[p, 1]
        for n in range(len(sections)):
            inner, outer, low, high, density = sections[n]
            split = min(max(r, inner), outer)
            for edge in (inner, outer):
                length = edge - split
                if length == 0.0:
                    continue
                for node, weight in zip(nodes, weights):  # noqa: B905 (Numba knows no strict)
                    a = _apart(split + length * node, r)
                    one, two = _sheet_end(a, r, z - low), _sheet_end(a, r, z - high)
                    amount = density * weight * abs(length)
                    out[p, 0] += amount * (one[0] - two[0])
                    out[p, 1] += amount * (one[1] - two[1])
    return out


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _potential_end(a: float, r: float, d: float) -> float:
    """What one end adds to the potential for one ampere per metre; r > 0."""
    across = (a + r) ** 2
    far = across + d * d
    h2, k2 = 4 * a * r / across, 4 * a * r / far
    kc, hc2 = math.sqrt(((a - r) ** 2 + d * d) / far), ((a - r) / (a + r)) ** 2
    first, second = cel(kc, 1.0, 1.0, 1.0), cel(kc, 1.0, 1.0, kc * kc)
    third = cel(kc, hc2, 1.0, 1.0)
    shape = (k2 + h2 - h2 * k2) / (h2 * k2) * first - second / k2 + (h2 - 1) / h2 * third
    return MU0 / (2 * math.pi) * math.sqrt(a / r) * d * math.sqrt(k2) * shape


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _thick_potential(points: np.ndarray, sections: np.ndarray, nodes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    out = np.zeros(len(points))
    for p in range(len(points)):
        r, z = points[p, 0], points[p, 1]
        for n in range(len(sections)):
            inner, outer, low, high, density = sections[n]
            split = min(max(r, inner), outer)
            for edge in (inner, outer):
                length = edge - split
                if length == 0.0:
                    continue
                for node, weight in zip(nodes, weights):  # noqa: B905 (Numba knows no strict)
                    a = _apart(split + length * node, r)
                    ends = _potential_end(a, r, z - low) - _potential_end(a, r, z - high)
                    out[p] += density * weight * abs(length) * ends
    return out
