"""The ladder network of a birdcage: capacitors, modes, tuning, losses, matching, and what capacitor tolerances do.

Unknowns are the mesh currents of the windows. A window holds one capacitor in each of its two end-ring segments and shares those
in its two rungs: V = (i omega L + S / (i omega) + R) J, with L the mesh inductance (all mutual inductances and images in it).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Complex, Float
from scipy.linalg import eigh

from fullbore.errors import ShapeError, ValueRangeError
from fullbore.hardware.rf.birdcage import mesh_matrix

Kind = Literal["low pass", "high pass", "band pass"]
_MATCHES = 50.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ladder:
    """inductance_H: mesh matrix (n, n). ring_F: capacitors of the end-ring segments, (2, n); rung_F: of the rungs, (n,), rung n
    between the windows n and n + 1; infinite where there is none.
    """

    inductance_H: np.ndarray
    ring_F: np.ndarray
    rung_F: np.ndarray

    def __post_init__(self) -> None:
        n = len(self.rung_F)
        if self.inductance_H.shape != (n, n) or self.ring_F.shape != (2, n):
            raise ShapeError(f"Ladder: got {self.inductance_H.shape}, {self.ring_F.shape}, wanted ({n}, {n}), (2, {n}).")
        if not (self.ring_F.min() > 0 and self.rung_F.min() > 0):
            raise ValueRangeError("Ladder: a capacitor is not positive; write infinity for none.")

    def elastance_per_F(self) -> Float[np.ndarray, "n n"]:
        """S of the windows."""
        rungs = 1 / self.rung_F
        matrix = np.diag((1 / self.ring_F).sum(0) + rungs + np.roll(rungs, 1))
        index = np.arange(len(rungs))
        np.add.at(matrix, (index, (index + 1) % len(rungs)), -rungs)
        np.add.at(matrix, ((index + 1) % len(rungs), index), -rungs)
        return matrix

    def mode_frequencies_Hz(self) -> Float[np.ndarray, " n"]:
        """Resonances of the windows without losses, ascending; a low pass has one at 0."""
        squares = eigh(self.elastance_per_F(), self.inductance_H, eigvals_only=True)
        return np.sqrt(np.maximum(squares, 0)) / (2 * np.pi)


def mode_factor(rungs: int, mode: int = 1) -> float:
    """2 - 2 cos(2 pi mode / N): the square of a rung's current over a window's."""
    return float(2 - 2 * np.cos(2 * np.pi * mode / rungs))


def simple_modes_Hz(
    rungs: int, ring_H: float, rung_H: float, ring_F: float = np.inf, rung_F: float = np.inf
) -> Float[np.ndarray, " mode"]:
    """Modes k = 1..N/2 of a ladder without mutual inductance, in closed form: ring_H and ring_F of one segment, rung_H, rung_F.

    omega^2 = (2 / C_ring + s / C_rung) / (2 L_ring + s L_rung), s = 4 sin^2(pi k / N). Source: Tropp 1989, J Magn Reson 82:51;
    Jin 1998, Electromagnetic Analysis and Design in MRI, ch. 4.
    """
    share = 4 * np.sin(np.pi * np.arange(1, rungs // 2 + 1) / rungs) ** 2
    return np.sqrt((2 / ring_F + share / rung_F) / (2 * ring_H + share * rung_H)) / (2 * np.pi)


def tune(kind: Kind, frequency_Hz: float, inductance_H: float, rungs: int, ring_share: float = 0.5) -> tuple[float, float]:
    """(ring_F, rung_F) that put the homogeneous mode at a frequency, given its inductance; ring_share: of a band pass."""
    wanted = (2 * np.pi * frequency_Hz) ** 2 * inductance_H
    share = {"low pass": 0.0, "high pass": 1.0, "band pass": ring_share}[kind]
    ring = 2 / (share * wanted) if share > 0 else np.inf
    rung = mode_factor(rungs) / ((1 - share) * wanted) if share < 1 else np.inf
    return float(ring), float(rung)


def even_ladder(inductance_H: Float[np.ndarray, "n n"], ring_F: float, rung_F: float) -> Ladder:
    """A ladder whose capacitors are all as meant."""
    n = len(inductance_H)
    return Ladder(inductance_H=inductance_H, ring_F=np.full((2, n), ring_F), rung_F=np.full(n, rung_F))


def homogeneous_pair_Hz(ladder: Ladder, frequency_Hz: float) -> tuple[float, float]:
    """The two modes nearest a frequency, ascending: the two linear modes that turn as one when they agree."""
    modes = ladder.mode_frequencies_Hz()
    low, high = sorted(modes[np.argsort(np.abs(modes - frequency_Hz))[:2]].tolist())
    return low, high


def splittings_Hz(
    ladder: Ladder, frequency_Hz: float, tolerance: float, samples: int, rng: np.random.Generator
) -> tuple[Float[np.ndarray, " s"], Float[np.ndarray, " s"]]:
    """Splitting of the homogeneous pair, and shift of its mean, with every capacitor off by a normal error (a share)."""
    split, shift = np.zeros(samples), np.zeros(samples)
    for i in range(samples):
        ring = ladder.ring_F * (1 + tolerance * rng.standard_normal(ladder.ring_F.shape))
        rung = ladder.rung_F * (1 + tolerance * rng.standard_normal(ladder.rung_F.shape))
        low, high = homogeneous_pair_Hz(Ladder(inductance_H=ladder.inductance_H, ring_F=ring, rung_F=rung), frequency_Hz)
        split[i], shift[i] = high - low, (low + high) / 2 - frequency_Hz
    return split, shift


def port_impedance_ohm(ladder: Ladder, resistance_ohm: Float[np.ndarray, "n n"], frequency_Hz: float, window: int = 0) -> complex:
    """What a generator in series with one end-ring segment of a window sees."""
    omega = 2 * np.pi * frequency_Hz
    mesh = 1j * omega * ladder.inductance_H + ladder.elastance_per_F() / (1j * omega) + resistance_ohm
    drive = np.zeros(len(mesh))
    drive[window] = 1
    return complex(1 / np.linalg.solve(mesh, drive)[window])


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An L network of one shunt capacitor and one series reactance (negative: a capacitor) between line and port.

    shunt_at_line: whether the capacitor lies across the line, or across the port.
    """

    shunt_F: float
    series_ohm: float
    shunt_at_line: bool
    frequency_Hz: float

    def reflection(self, port_ohm: complex, line_ohm: float = _MATCHES) -> complex:
        """Reflection coefficient of a port behind this network."""
        shunt = 1j * 2 * np.pi * self.frequency_Hz * self.shunt_F
        if self.shunt_at_line:
            seen = 1 / (1 / (port_ohm + 1j * self.series_ohm) + shunt)
        else:
            seen = 1 / (1 / port_ohm + shunt) + 1j * self.series_ohm
        return complex((seen - line_ohm) / (seen + line_ohm))


def match(port_ohm: complex, frequency_Hz: float, line_ohm: float = _MATCHES) -> Match:
    """The network that makes a port look like the line. Errors: ValueRangeError for a port without resistance."""
    if not port_ohm.real > 0:
        raise ValueRangeError(f"match: got a port of {port_ohm:.4g} ohm, wanted a positive resistance.")
    omega = 2 * np.pi * frequency_Hz
    if port_ohm.real <= line_ohm:
        quality = np.sqrt(line_ohm / port_ohm.real - 1)
        shunt, series = quality / line_ohm / omega, quality * port_ohm.real - port_ohm.imag
        return Match(shunt_F=float(shunt), series_ohm=float(series), shunt_at_line=True, frequency_Hz=frequency_Hz)
    inverse = 1 / port_ohm
    quality = np.sqrt(1 / (inverse.real * line_ohm) - 1)
    shunt, series = (quality * inverse.real - inverse.imag) / omega, quality * line_ohm
    return Match(shunt_F=float(shunt), series_ohm=float(series), shunt_at_line=False, frequency_Hz=frequency_Hz)


def mesh_resistance_ohm(
    rungs: int, ring_ohm: float, rung_ohm: float, modes_ohm: Float[np.ndarray, " n"] | None = None
) -> Float[np.ndarray, "n n"]:
    """Loss matrix of the windows: a resistance in each ring segment and rung, and what bodies add to each mode."""
    modes = 2 * ring_ohm + rung_ohm * np.array([mode_factor(rungs, p) for p in range(rungs)])
    return mesh_matrix(modes if modes_ohm is None else modes + modes_ohm)


def currents_of(
    ladder: Ladder, resistance_ohm: Float[np.ndarray, "n n"], frequency_Hz: float, voltages_V: Complex[np.ndarray, " n"]
) -> Complex[np.ndarray, " n"]:
    """Mesh currents that voltages in the windows drive."""
    omega = 2 * np.pi * frequency_Hz
    mesh = 1j * omega * ladder.inductance_H + ladder.elastance_per_F() / (1j * omega) + resistance_ohm
    return np.linalg.solve(mesh, voltages_V.astype(complex))
