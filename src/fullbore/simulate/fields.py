"""The fields that gradients and time make: a sum of terms, each a course in time times a shape in space.

A spin at r precesses at off-resonance + sum over terms of course(t) . shape(r). What the courses have gathered since the
sequence began is the moment clock of a `Timeline`; the shapes are numbers that a spin carries through the whole sequence.
A new flaw or motion is one more type with these two methods.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Inexact
from scipy.ndimage import map_coordinates, spline_filter

from fullbore.data import EddyMode, FieldMap, Flaws, GradientResponse, RfAmplifier
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T

MARGIN = 12
"""Points about a map that continue its edges: what a cubic spline keeps of the end of them is 1e-7."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spline:
    """A field map made ready to be looked up often. coefficients: with `MARGIN`. to_index: from metres to x, y, z there."""

    coefficients: Inexact[np.ndarray, "channel z y x"]
    to_index: Float[np.ndarray, "3 4"]


class FieldTerm(ABC):
    """course . shape, summed over the term's own number of parts."""

    @abstractmethod
    def courses(self, time_s: Float[np.ndarray, " t"], gradient: Float[np.ndarray, "t 4"]) -> Float[np.ndarray, "t part"]:
        """Hz per unit of shape. gradient: x, y, z in T/m and uniform field in T, as they are in the bore."""

    @abstractmethod
    def shapes(self, position_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n part"]:
        """Shapes at each place."""

    def corners_s(self) -> Float[np.ndarray, " n"]:
        """Times at which the courses bend for other reasons than the gradients."""
        return np.zeros(0)


@dataclass(frozen=True, slots=True)
class Linear(FieldTerm):
    """Ideal gradients."""

    def courses(self, time_s: Float[np.ndarray, " t"], gradient: Float[np.ndarray, "t 4"]) -> Float[np.ndarray, "t part"]:
        """gamma/2pi G, Hz/m."""
        return GYROMAGNETIC_RATIO_HZ_PER_T * gradient[:, :3]

    def shapes(self, position_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n part"]:
        """The coordinates, m."""
        return position_m


@dataclass(frozen=True, slots=True, eq=False)
class Nonlinear(FieldTerm):
    """Gradients whose fields are a map's, (3, z, y, x) in m."""

    field_m: Spline

    def courses(self, time_s: Float[np.ndarray, " t"], gradient: Float[np.ndarray, "t 4"]) -> Float[np.ndarray, "t part"]:
        """gamma/2pi G, Hz/m."""
        return GYROMAGNETIC_RATIO_HZ_PER_T * gradient[:, :3]

    def shapes(self, position_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n part"]:
        """Bz of each coil over its nominal strength, m."""
        return np.asarray(at_places(self.field_m, position_m).real.T)


@dataclass(frozen=True, slots=True)
class Uniform(FieldTerm):
    """Drift of the centre frequency, and the uniform fields of eddy currents."""

    drift_Hz_per_s: float

    def courses(self, time_s: Float[np.ndarray, " t"], gradient: Float[np.ndarray, "t 4"]) -> Float[np.ndarray, "t part"]:
        """Hz."""
        return np.asarray((self.drift_Hz_per_s * time_s + GYROMAGNETIC_RATIO_HZ_PER_T * gradient[:, 3])[:, None])

    def shapes(self, position_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n part"]:
        """One everywhere."""
        return np.ones((len(position_m), 1))


@dataclass(frozen=True, slots=True, eq=False)
class Static(FieldTerm):
    """The magnet's own inhomogeneity, for spins that move through it."""

    field_ppm: Spline
    b0_T: float

    def courses(self, time_s: Float[np.ndarray, " t"], gradient: Float[np.ndarray, "t 4"]) -> Float[np.ndarray, "t part"]:
        """Hz/ppm."""
        return np.full((len(time_s), 1), 1e-6 * self.b0_T * GYROMAGNETIC_RATIO_HZ_PER_T)

    def shapes(self, position_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n part"]:
        """ppm."""
        return np.asarray(at_places(self.field_ppm, position_m).real.T)


@dataclass(frozen=True, slots=True)
class Concomitant(FieldTerm):
    """Maxwell fields of the gradients, to first order in G r / B0. Source: Bernstein 1998 (MRM 39:300), eq. 2, alpha = 1/2."""

    b0_T: float

    def courses(self, time_s: Float[np.ndarray, " t"], gradient: Float[np.ndarray, "t 4"]) -> Float[np.ndarray, "t part"]:
        """Hz/m^2."""
        x, y, z = gradient[:, 0], gradient[:, 1], gradient[:, 2]
        products = np.stack([x * x + y * y, z * z / 4, -x * z, -y * z], axis=1)
        return np.asarray(products * (GYROMAGNETIC_RATIO_HZ_PER_T / (2 * self.b0_T)))

    def shapes(self, position_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n part"]:
        """z^2, x^2 + y^2, x z, y z in m^2."""
        x, y, z = position_m.T
        return np.stack([z * z, x * x + y * y, x * z, y * z], axis=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bore:
    """What a sequence meets in the machine: the terms of its field, the gradients' response and the RF amplifier."""

    terms: tuple[FieldTerm, ...] = (Linear(),)
    response: GradientResponse | None = None
    rf_amplifier: RfAmplifier | None = None

    @property
    def is_ideal(self) -> bool:
        """True when gradients are linear and play as they were asked for."""
        return self.terms == (Linear(),) and self.response is None

    @property
    def parts(self) -> int:
        """Number of courses."""
        return int(courses(self.terms, np.zeros(0), np.zeros((0, 4))).shape[1])


IDEAL = Bore()


def make_bore(flaws: Flaws, b0_T: float, moving: bool = False) -> Bore:
    """The bore of a machine. moving: for spins that move, which meet the magnet's static field in a term of its own."""
    terms: list[FieldTerm] = [Linear() if flaws.gradient_fields_m is None else Nonlinear(make_spline(flaws.gradient_fields_m))]
    if moving and flaws.field_ppm is not None:
        terms.append(Static(make_spline(flaws.field_ppm), b0_T))
    eddy = flaws.response is not None and any(_is_uniform(mode) for mode in flaws.response.modes)
    if flaws.drift_Hz_per_s or eddy:
        terms.append(Uniform(flaws.drift_Hz_per_s))
    if flaws.concomitant:
        terms.append(Concomitant(b0_T))
    return Bore(terms=tuple(terms), response=flaws.response, rf_amplifier=flaws.rf_amplifier)


def _is_uniform(mode: EddyMode) -> bool:
    return bool(mode.amplitude[3].any() or (mode.sine is not None and mode.sine[3].any()))


def courses(
    terms: tuple[FieldTerm, ...], time_s: Float[np.ndarray, " t"], gradient: Float[np.ndarray, "t 4"]
) -> Float[np.ndarray, "t c"]:
    """All terms' courses side by side."""
    return np.concatenate([term.courses(time_s, gradient) for term in terms], axis=1)


def shapes(terms: tuple[FieldTerm, ...], position_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n c"]:
    """All terms' shapes side by side."""
    return np.concatenate([term.shapes(position_m) for term in terms], axis=1)


def make_spline(field: FieldMap) -> Spline:
    """A field map's own, cubic; its edge values continue outside."""
    wide, kind = [(MARGIN, MARGIN)] * 3, np.result_type(field.values, np.float64)
    found = [spline_filter(np.pad(value, wide, mode="edge"), 3, output=kind, mode="nearest") for value in field.values]
    to_index = np.linalg.inv(field.grid.affine_m)[:3]
    to_index[:, 3] += MARGIN
    return Spline(coefficients=np.stack(found), to_index=to_index)


def at_places(field: FieldMap | Spline, position_m: Float[np.ndarray, "n 3"]) -> Inexact[np.ndarray, "channel n"]:
    """A field map at any places, cubic between its points; its edge values continue outside. A spline is looked up at once."""
    if isinstance(field, FieldMap):
        field = make_spline(field)
    where = (position_m @ field.to_index[:, :3].T + field.to_index[:, 3]).T[::-1]
    return np.stack([map_coordinates(value, where, order=3, mode="nearest", prefilter=False) for value in field.coefficients])
