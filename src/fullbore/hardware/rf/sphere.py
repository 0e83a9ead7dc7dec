"""Exact fields of a layered sphere: vector spherical harmonics, excited by currents around it or by a plane wave.

In each layer E = sum a M[u] + b N[v], H = (i k / omega mu0) sum a N[u] + b M[v], with M[u] = u_l(r) Phi_lm, N = curl M / k,
Phi = r x grad Y / sqrt(l (l + 1)); u and v are mixtures of j_l(k r) and h_l(k r), fixed by the continuity of tangential E and H.
Source: Stratton 1941, Electromagnetic Theory, ch. 7; Tai 1994, Dyadic Green Functions, ch. 10 (here for exp(+i omega t)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float

from fullbore.errors import ShapeError, ValueRangeError
from fullbore.hardware.rf.layers import MU0, LayeredBody
from fullbore.hardware.rf.vector_harmonics import harmonics, mode_list, radial
from fullbore.physics.constants import SPEED_OF_LIGHT_M_PER_S

_CHUNK = 4096
_SMALLEST = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SphereSolution:
    """Fields of a layered sphere about the origin, for any number of channels.

    a, b: (channel, mode) coefficients of the incident M and N waves, modes as `mode_list(degree, orders)`.
    nearest_m: radius of the nearest source: fields hold inside it. Infinite for a plane wave.
    """

    body: LayeredBody
    a: np.ndarray
    b: np.ndarray
    degree: int
    orders: tuple[int, ...] | None = None
    nearest_m: float = np.inf

    def __post_init__(self) -> None:
        modes = len(mode_list(self.degree, self.orders)[0])
        if self.a.ndim != 2 or self.a.shape != self.b.shape or self.a.shape[1] != modes:
            raise ShapeError(f"SphereSolution: got {self.a.shape} and {self.b.shape}, wanted twice (channel, {modes}).")

    def fields(
        self, points_m: Float[np.ndarray, "p 3"]
    ) -> tuple[Complex[np.ndarray, "channel p 3"], Complex[np.ndarray, "channel p 3"]]:
        """E (V/m) and H (A/m), Cartesian, at points nearer than the nearest source.

        Errors: ValueRangeError for points farther out.
        """
        if len(points_m) and np.linalg.norm(points_m, axis=1).max() >= self.nearest_m:
            raise ValueRangeError(f"SphereSolution.fields: points beyond the nearest source at {self.nearest_m:.4g} m.")
        return _in_chunks(self, _layer_waves(self.body, self.degree), points_m)

    def scattered_fields(
        self, points_m: Float[np.ndarray, "p 3"]
    ) -> tuple[Complex[np.ndarray, "channel p 3"], Complex[np.ndarray, "channel p 3"]]:
        """E and H that the sphere adds to those of the sources, at any points outside it.

        Errors: ValueRangeError for points within the sphere.
        """
        if len(points_m) and np.linalg.norm(points_m, axis=1).min() < self.body.radii_m[-1]:
            raise ValueRangeError("SphereSolution.scattered_fields: points within the sphere.")
        waves = _layer_waves(self.body, self.degree)
        waves[:, -1, 0] = 0
        return _in_chunks(self, waves, points_m)

    def inward_power_W(self, radius_m: float) -> Complex[np.ndarray, "channel channel"]:
        """Hermitian matrix P of the Poynting flux into the sphere of a radius, in closed form: I^H P I is the mean power, W.

        The real part of its diagonal is what one ampere (one volt per metre of a plane wave) in a channel gives.
        """
        degrees, _ = mode_list(self.degree, self.orders)
        u, v, k = _radials(self.body, _layer_waves(self.body, self.degree), np.array([radius_m]))
        scale = 1j * k[0] / (self.body.omega_per_s * MU0)
        # tangential E: a u Phi - b v' Psi; tangential H: scale (b v Phi - a u' Psi); flux = beta gamma* - alpha delta*
        alpha, beta = self.a * u[0][degrees - 1, 0], -self.b * v[1][degrees - 1, 0]
        gamma, delta = scale * self.b * v[0][degrees - 1, 0], -scale * self.a * u[1][degrees - 1, 0]
        flux = gamma.conj() @ beta.T - delta.conj() @ alpha.T
        return np.asarray(-(flux + flux.conj().T) / 4 * radius_m**2)


def element_sphere(
    body: LayeredBody,
    points_m: Float[np.ndarray, "n 3"],
    moments_A_m: Complex[np.ndarray, "channel n 3"],
    degree: int = 30,
    orders: tuple[int, ...] | None = None,
) -> SphereSolution:
    """A layered sphere excited by current elements (I dl, A m) outside it, each a Hertzian dipole with its charges.

    The relative error of degree L falls as (r / source radius)^L.
    Errors: ValueRangeError for an element within the sphere.
    """
    radius, theta, phi = _spherical(points_m)
    if radius.min() <= body.radii_m[-1]:
        raise ValueRangeError(f"element_sphere: a source at {radius.min():.4g} m lies within {body.radii_m[-1]:.4g} m.")
    degrees, _ = mode_list(degree, orders)
    k = body.wavenumbers_per_m[-1]
    y, along, across = (part.conj() for part in harmonics(theta, phi, degree, orders))
    z, slope = (part[degrees - 1] for part in radial(k * radius, degree, True))
    root = np.sqrt(degrees * (degrees + 1.0))[:, None]
    r_part, t_part, p_part = (np.einsum("cni,ni->cn", moments_A_m, axis) for axis in _axes(theta, phi))
    weight = -body.omega_per_s * MU0 * k
    a = weight * (t_part @ (-z * across).T + p_part @ (z * along).T)
    b = -weight * (r_part @ (root * z / (k * radius) * y).T + t_part @ (slope * along).T + p_part @ (slope * across).T)
    return SphereSolution(body=body, a=a, b=b, degree=degree, orders=orders, nearest_m=float(radius.min()))


def plane_wave_sphere(
    body: LayeredBody, direction: Float[np.ndarray, "xyz=3"], electric_V_per_m: Complex[np.ndarray, "xyz=3"], degree: int = 30
) -> SphereSolution:
    """A layered sphere in E exp(-i k n.r), n the direction, E normal to it. Errors: ValueRangeError where it is not."""
    unit = direction / np.linalg.norm(direction)
    if abs(electric_V_per_m @ unit) > 1e-9 * np.linalg.norm(electric_V_per_m):
        raise ValueRangeError("plane_wave_sphere: the electric field is not normal to the direction.")
    _, theta, phi = _spherical(unit[None])
    degrees, _ = mode_list(degree)
    _, along, across = (part.conj()[:, 0] for part in harmonics(theta, phi, degree))
    _, theta_axis, phi_axis = (axis[0] for axis in _axes(theta, phi))
    weight = 4 * np.pi * (-1j) ** degrees
    turned = -1j * np.cross(unit, electric_V_per_m)
    a, b = (weight * (-across * (theta_axis @ e) + along * (phi_axis @ e)) for e in (electric_V_per_m, turned))
    return SphereSolution(body=body, a=a[None], b=b[None], degree=degree)


def element_fields(
    points_m: Float[np.ndarray, "p 3"],
    sources_m: Float[np.ndarray, "n 3"],
    moments_A_m: Complex[np.ndarray, "n 3"],
    frequency_Hz: float,
) -> tuple[Complex[np.ndarray, "p 3"], Complex[np.ndarray, "p 3"]]:
    """E (V/m) and H (A/m) of Hertzian dipoles in free space: what is incident on a body. Source: Jackson, eq. 9.18."""
    omega = 2 * np.pi * frequency_Hz
    k = omega / SPEED_OF_LIGHT_M_PER_S
    electric, magnetic = np.zeros((len(points_m), 3), complex), np.zeros((len(points_m), 3), complex)
    for source, moment in zip(sources_m, moments_A_m, strict=True):
        offset = points_m - source
        r = np.linalg.norm(offset, axis=1)[:, None]
        n, wave = offset / r, np.exp(-1j * k * r) / (4 * np.pi * r)
        along = (n @ moment)[:, None]
        near = 1 / (1j * k * r) + 1 / (1j * k * r) ** 2
        electric -= 1j * omega * MU0 * wave * (moment - n * along + near * (moment - 3 * n * along))
        magnetic -= 1j * k * wave * (1 + 1 / (1j * k * r)) * np.cross(n, moment)
    return electric, magnetic


def _spherical(points_m: Float[np.ndarray, "p 3"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    radius = np.linalg.norm(points_m, axis=1)
    across = np.hypot(points_m[:, 0], points_m[:, 1])
    return radius, np.arctan2(across, points_m[:, 2]), np.arctan2(points_m[:, 1], points_m[:, 0])


def _axes(theta: np.ndarray, phi: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit vectors along r, theta and phi, each (p, 3)."""
    st, ct, sp, cp = np.sin(theta), np.cos(theta), np.sin(phi), np.cos(phi)
    zero = np.zeros_like(st)
    return np.stack([st * cp, st * sp, ct], -1), np.stack([ct * cp, ct * sp, -st], -1), np.stack([-sp, cp, zero], -1)


def _layer_waves(body: LayeredBody, degree: int) -> np.ndarray:
    """Amplitudes (kind, layer, regular or outgoing, l): kind 0 of u, 1 of v; one regular wave comes in from the air."""
    k, layers = body.wavenumbers_per_m, len(body.layers)
    out = np.zeros((2, layers + 1, 2, degree), complex)
    out[:, 0, 0] = 1
    for s, radius in enumerate(body.radii_m):
        inner = [radial(np.array([k[s] * radius]), degree, kind) for kind in (False, True)]
        outer = [radial(np.array([k[s + 1] * radius]), degree, kind) for kind in (False, True)]
        for kind, (weight, slope_weight) in enumerate(((1, k[s] / k[s + 1]), (k[s] / k[s + 1], 1))):
            value = sum(out[kind, s, i] * inner[i][0][:, 0] if out[kind, s, i].any() else 0 for i in (0, 1)) * weight
            slope = sum(out[kind, s, i] * inner[i][1][:, 0] if out[kind, s, i].any() else 0 for i in (0, 1)) * slope_weight
            (j, dj), (h, dh) = ((part[0][:, 0], part[1][:, 0]) for part in outer)
            wronskian = j * dh - h * dj
            out[kind, s + 1, 0] = (value * dh - slope * h) / wronskian
            out[kind, s + 1, 1] = (j * slope - dj * value) / wronskian
    return out / out[:, -1:, :1]


def _radials(
    body: LayeredBody, waves: np.ndarray, radius_m: Float[np.ndarray, " p"]
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray], np.ndarray]:
    """(u, (x u)' / x), (v, (x v)' / x), each (l, p), and the wave number at each point."""
    radii, back = np.unique(np.round(radius_m, 13), return_inverse=True)
    shells, k = body.shell_of(radii), body.wavenumbers_per_m
    degree = waves.shape[-1]
    out = np.zeros((2, 2, degree, len(radii)), complex)
    for s in np.unique(shells):
        inside = shells == s
        x = k[s] * np.maximum(radii[inside], _SMALLEST * body.radii_m[-1])
        kinds = [radial(x, degree, False)] + ([radial(x, degree, True)] if s > 0 else [])
        for i, functions in enumerate(kinds):
            for which in (0, 1):
                for kind in (0, 1):
                    out[kind, which][:, inside] += waves[kind, s, i][:, None] * functions[which]
    out = out[..., back]
    return (out[0, 0], out[0, 1]), (out[1, 0], out[1, 1]), k[shells][back]


def _in_chunks(solution: SphereSolution, waves: np.ndarray, points_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    shape = (len(solution.a), len(points_m), 3)
    electric, magnetic = np.zeros(shape, complex), np.zeros(shape, complex)
    for start in range(0, len(points_m), _CHUNK):
        part = slice(start, start + _CHUNK)
        electric[:, part], magnetic[:, part] = _fields(solution, waves, points_m[part])
    return electric, magnetic


def _fields(solution: SphereSolution, waves: np.ndarray, points_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    body, (radius, theta, phi) = solution.body, _spherical(points_m)
    degrees, _ = mode_list(solution.degree, solution.orders)
    y, along, across = harmonics(theta, phi, solution.degree, solution.orders)
    u, v, k = _radials(body, waves, radius)
    u, v = tuple(part[degrees - 1] for part in u), tuple(part[degrees - 1] for part in v)
    over = np.sqrt(degrees * (degrees + 1.0))[:, None] / (k * np.maximum(radius, _SMALLEST * body.radii_m[-1]))
    axes = _axes(theta, phi)

    def total(m: np.ndarray, n: np.ndarray, of_m: tuple[np.ndarray, ...], of_n: tuple[np.ndarray, ...]) -> np.ndarray:
        radial_part = -(n @ (over * of_n[0] * y))
        theta_part = -(m @ (of_m[0] * across)) - n @ (of_n[1] * along)
        phi_part = m @ (of_m[0] * along) - n @ (of_n[1] * across)
        return np.asarray(
            sum(part[..., None] * axis for part, axis in zip((radial_part, theta_part, phi_part), axes, strict=True))
        )

    electric = total(solution.a, solution.b, u, v)
    scale = (1j * k / (body.omega_per_s * MU0))[:, None]
    return electric, scale * total(solution.b, solution.a, v, u)
