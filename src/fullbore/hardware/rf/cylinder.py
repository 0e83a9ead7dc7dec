"""Exact fields of a coil in a perfect shield around a layered cylinder: cylindrical harmonics in phi, Fourier in z.

For each order m and wave number k, E_z and H_z in a layer are mixtures of J_m and H_m of the second kind of kappa r, with
kappa^2 = k_s^2 - k^2; tangential E and H are continuous, H jumps by the coil's current, tangential E vanishes on the shield.
Source: Stratton 1941, Electromagnetic Theory, ch. 6; Harrington 1961, Time-Harmonic Electromagnetic Fields, ch. 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float
from scipy.special import hankel2, jv

from fullbore.errors import ValueRangeError
from fullbore.hardware.rf.birdcage import CoilShape, fold, order_inductances_H, order_kernel
from fullbore.hardware.rf.layers import FREE_IMPEDANCE_OHM, Layer, LayeredBody

# Rows of a state: E_r, E_phi, E_z, eta H_r, eta H_phi, eta H_z; those along an interface:
_TANGENTIAL = [2, 1, 5, 4]
# A window at angle 0 and its mirror image in phi carry opposite currents: profiles of -m from those of m.
_MIRROR = np.array([-1.0, 1, -1, 1, -1, 1])
_NEPERS = 16.0
# First zero of J_1': below this k b nothing runs along an empty shield (TE11).
CUT_OFF = 1.8412
_SMALLEST_M = 1e-7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CylinderField:
    """One order m of one ampere in the window at angle 0. wavenumbers_per_m: (k,), spacing dk.

    inside: (layer, k, 4) amplitudes of J and H of E_z, then of eta H_z, the last layer the air up to the coil.
    outside: (k, 4), between coil and shield.
    """

    order: int
    wavenumbers_per_m: np.ndarray
    inside: np.ndarray
    outside: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CylinderSolution:
    """Fields of all orders |m| <= highest of a coil around a layered cylinder (body) about z, infinite as the shield is."""

    shape: CoilShape
    body: LayeredBody
    orders: tuple[CylinderField, ...]

    def fields(
        self, points_m: Float[np.ndarray, "p 3"], currents_A: Complex[np.ndarray, "channel n"]
    ) -> tuple[Complex[np.ndarray, "channel p 3"], Complex[np.ndarray, "channel p 3"]]:
        """E (V/m) and H (A/m), Cartesian, of mesh currents, at points within the coil. Errors: ValueRangeError outside it."""
        radius, phi = np.hypot(points_m[:, 0], points_m[:, 1]), np.arctan2(points_m[:, 1], points_m[:, 0])
        if radius.max(initial=0.0) >= self.shape.radius_m:
            raise ValueRangeError(f"CylinderSolution.fields: points beyond the coil's radius, {self.shape.radius_m:.4g} m.")
        radii, of_radius = np.unique(np.round(radius, 10), return_inverse=True)
        heights, of_height = np.unique(np.round(points_m[:, 2], 10), return_inverse=True)
        total = np.zeros((6, len(currents_A), len(points_m)), complex)
        for field in self.orders[len(self.orders) // 2 :]:
            pair = {field.order: np.ones(6), -field.order: _MIRROR if field.order else np.ones(6)}
            weights = {m: self.shape.weights(m, currents_A) for m in pair}
            if max(np.abs(w).max() for w in weights.values()) > 1e-12 * np.abs(currents_A).sum():
                profile = self._profile(field, radii, heights)[:, of_radius, of_height]
                for m, signs in pair.items():
                    total += weights[m][None, :, None] * (signs[:, None] * profile * np.exp(1j * m * phi))[:, None]
        return _cartesian(total[:3], phi), _cartesian(total[3:], phi) / FREE_IMPEDANCE_OHM

    def order_impedances_ohm(self) -> Complex[np.ndarray, " m"]:
        """-int E . K* over the coil of each of `orders`: power = 1/2 sum of Re z_m |weight_m|^2, the body's loss."""
        air, a = self.body.wavenumbers_per_m[-1], self.shape.radius_m
        out = []
        for field in self.orders:
            k = field.wavenumbers_per_m
            state = _states(field.order, k, air, self.body, np.array([a]))[0] @ field.inside[-1][..., None]
            psi = self.shape.spectrum_m(field.order, k)
            work = state[:, 1, 0] * np.conj(1j * k * psi) + state[:, 2, 0] * np.conj(-1j * field.order / a * psi)
            out.append(-a * (k[1] - k[0]) * work.sum())
        return np.array(out)

    def shield_currents(self, field: CylinderField) -> tuple[Complex[np.ndarray, " k"], Complex[np.ndarray, " k"]]:
        """Transforms of the shield's K_phi and K_z, A/m times m, for one order."""
        air, b = self.body.wavenumbers_per_m[-1], self.shape.shield_radius_m
        state = _states(field.order, field.wavenumbers_per_m, air, self.body, np.array([b]))[0] @ field.outside[..., None]
        return state[:, 5, 0] / FREE_IMPEDANCE_OHM, -state[:, 4, 0] / FREE_IMPEDANCE_OHM

    def inward_power_W(self, radius_m: float, currents_A: Complex[np.ndarray, " n"]) -> float:
        """Poynting flux into the cylinder of a radius within the coil, all of its length (watts, mean)."""
        total = 0.0
        shell = int(self.body.shell_of(np.array([radius_m]))[0])
        for field in self.orders:
            k = field.wavenumbers_per_m
            wave = self.body.wavenumbers_per_m[shell]
            state = (_states(field.order, k, wave, self.body, np.array([radius_m]))[0] @ field.inside[shell][..., None])[..., 0]
            flux = (state[:, 1] * state[:, 5].conj() - state[:, 2] * state[:, 4].conj()).real.sum() / FREE_IMPEDANCE_OHM
            weight = abs(self.shape.weights(field.order, currents_A[None])[0]) ** 2
            total -= weight * radius_m / 2 * (k[1] - k[0]) * flux
        return float(total)

    def _profile(self, field: CylinderField, radii_m: np.ndarray, heights_m: np.ndarray) -> np.ndarray:
        """(6, radius, height) of one order, along phi = 0."""
        k, out = field.wavenumbers_per_m, np.zeros((6, len(radii_m), len(heights_m)), complex)
        wave = np.exp(1j * k[:, None] * heights_m[None]) * (k[1] - k[0]) / (2 * np.pi)
        shells = self.body.shell_of(radii_m)
        for shell in np.unique(shells):
            inside = shells == shell
            states = _states(
                field.order, k, self.body.wavenumbers_per_m[shell], self.body, radii_m[inside], core=bool(shell == 0)
            )
            out[:, inside] = np.einsum("rkij,kj,kz->irz", states, field.inside[shell], wave, optimize=True)
        return out


def solve_cylinder(shape: CoilShape, body: LayeredBody, highest: int, period_m: float = 4.0) -> CylinderSolution:
    """Fields of every order |m| <= highest. The error falls as exp(-k (a - r)) in k, and as the waves in the shield, which is
    below cut-off, over half a period. Errors: ValueRangeError for a body that reaches the coil, or a
    frequency above cut-off.
    """
    if body.radii_m[-1] >= shape.radius_m:
        raise ValueRangeError(f"solve_cylinder: a body of {body.radii_m[-1]:.4g} m reaches the coil at {shape.radius_m:.4g} m.")
    if body.wavenumbers_per_m[-1].real * shape.shield_radius_m >= CUT_OFF:
        raise ValueRangeError(
            f"solve_cylinder: waves of {body.frequency_Hz / 1e6:.4g} MHz run along a shield of {shape.shield_radius_m:.4g} m; "
            f"wanted a radius under {CUT_OFF / body.wavenumbers_per_m[-1].real:.4g} m."
        )
    step = 2 * np.pi / period_m
    count = int(np.ceil(_NEPERS / min(shape.radius_m - body.radii_m[-1], 0.1) / step))
    k = (np.arange(-count, count) + 0.5) * step
    fields = tuple(_solve_order(shape, body, m, k) for m in range(-highest, highest + 1))
    return CylinderSolution(shape=shape, body=body, orders=fields)


def empty_body(shape: CoilShape, frequency_Hz: float) -> LayeredBody:
    """Air within the coil."""
    layer = Layer(outer_radius_m=shape.radius_m / 2, permittivity=1.0, conductivity_S_per_m=0.0)
    return LayeredBody(layers=(layer,), frequency_Hz=frequency_Hz)


def mode_impedances_ohm(solution: CylinderSolution) -> Complex[np.ndarray, " n"]:
    """Mesh impedance of each mode p = 0..N-1 without capacitors and copper: exact for the low orders, static for the others."""
    static = order_inductances_H(solution.shape)
    exact = solution.order_impedances_ohm()
    highest, omega = solution.orders[-1].order, solution.body.omega_per_s
    both = (exact[highest:] + exact[highest::-1]) / 2
    rest = 1j * omega * static.astype(complex)
    coarse = 1j * omega * _coarse_inductances(solution)
    rest[: highest + 1] += both - coarse
    return fold(rest.real, solution.shape.rungs) + 1j * fold(rest.imag, solution.shape.rungs)


def _coarse_inductances(solution: CylinderSolution) -> np.ndarray:
    """The static inductance of the low orders on the coarse k of the exact fields, which leave out the same high k."""
    shape, k = solution.shape, solution.orders[0].wavenumbers_per_m
    return np.array([(k[1] - k[0]) * order_kernel(shape, m, np.abs(k)) for m in range(solution.orders[-1].order + 1)])


def _solve_order(shape: CoilShape, body: LayeredBody, order: int, k: np.ndarray) -> CylinderField:
    waves, air = body.wavenumbers_per_m, body.wavenumbers_per_m[-1]
    amplitudes = [np.broadcast_to(np.eye(4, dtype=complex)[:, [0, 2]], (len(k), 4, 2))]
    for s, radius in enumerate(body.radii_m):
        inner, outer = (_states(order, k, waves[t], body, np.array([radius]), core=t == 0)[0][:, _TANGENTIAL] for t in (s, s + 1))
        amplitudes.append(np.linalg.solve(outer, inner @ amplitudes[-1]))
    at_coil = _states(order, k, air, body, np.array([shape.radius_m]))[0][:, _TANGENTIAL]
    beyond = _vanishing(order, k, air, shape.shield_radius_m)
    psi = shape.spectrum_m(order, k)
    jump = np.zeros((len(k), 4, 1), complex)
    jump[:, 2, 0] = -FREE_IMPEDANCE_OHM * 1j * k * psi
    jump[:, 3, 0] = -FREE_IMPEDANCE_OHM * 1j * order / shape.radius_m * psi
    system = np.concatenate([at_coil @ beyond, -(at_coil @ amplitudes[-1])], axis=2)
    found = np.linalg.solve(system, jump)
    inside = np.stack([(part @ found[:, 2:])[..., 0] for part in amplitudes])
    return CylinderField(order=order, wavenumbers_per_m=k, inside=inside, outside=(beyond @ found[:, :2])[..., 0])


def _vanishing(order: int, k: np.ndarray, wave: complex, radius_m: float) -> np.ndarray:
    """(k, 4, 2): mixtures of J and H with E_z = 0 and E_phi = 0 at a radius."""
    x = _kappa(k, wave) * radius_m
    (j, dj), (h, dh) = _bessel(order, x, False), _bessel(order, x, True)
    out = np.zeros((len(k), 4, 2), complex)
    out[:, 0, 0], out[:, 1, 0], out[:, 2, 1], out[:, 3, 1] = h, -j, dh, -dj
    return out


def _states(order: int, k: np.ndarray, wave: complex, body: LayeredBody, radii_m: np.ndarray, core: bool = False) -> np.ndarray:
    """(radius, k, 6, 4), k even in number and symmetric: components of unit J and H of E_z, and of eta H_z; no H in the core."""
    free = body.wavenumbers_per_m[-1]
    kappa, radius = _kappa(k, wave)[None], np.maximum(radii_m, _SMALLEST_M)[:, None]
    scale, ring = 1j / kappa**2, 1j * order / radius
    out = np.zeros((len(radii_m), len(k), 6, 4), complex)
    for column, outgoing in ((0, False),) if core else ((0, False), (1, True)):
        # k is symmetric about 0, and kappa even in it
        half = _bessel(order, kappa[:, len(k) // 2 :] * radius, outgoing)
        value, slope = (np.concatenate([part[:, ::-1], part], axis=1) for part in half)
        slope = slope * kappa
        electric, magnetic = out[..., column], out[..., column + 2]
        electric[..., 0], electric[..., 1], electric[..., 2] = scale * k * slope, scale * ring * k * value, value
        electric[..., 3], electric[..., 4] = scale * wave**2 / free * ring * value, -scale * wave**2 / free * slope
        magnetic[..., 0], magnetic[..., 1] = -scale * free * ring * value, scale * free * slope
        magnetic[..., 3], magnetic[..., 4], magnetic[..., 5] = scale * k * slope, scale * ring * k * value, value
    return out


def _kappa(k: np.ndarray, wave: complex) -> np.ndarray:
    root = np.sqrt(wave**2 - k.astype(complex) ** 2)
    return np.where(root.imag > 0, -root, root)


def _bessel(order: int, x: np.ndarray, outgoing: bool) -> tuple[np.ndarray, np.ndarray]:
    function = hankel2 if outgoing else jv
    value = function(order, x)
    return value, function(order - 1, x) - order * value / x


def _cartesian(parts: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """(r, phi, z) components (3, channel, p) -> (channel, p, 3)."""
    cosine, sine = np.cos(phi), np.sin(phi)
    return np.stack([parts[0] * cosine - parts[1] * sine, parts[0] * sine + parts[1] * cosine, parts[2]], axis=-1)
