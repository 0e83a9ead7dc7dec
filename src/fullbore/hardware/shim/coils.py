"""Shim coils: currents on a cylinder whose Bz is one solid harmonic over a ball, nearly, at the least heat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from fullbore.errors import LimitError, ValueRangeError
from fullbore.hardware.gradient.contours import SheetCurrent
from fullbore.hardware.gradient.program import Bound, Program, solve
from fullbore.hardware.gradient.sheet import Sheet, axial_field, dissipations, sampled
from fullbore.numerics.solid_harmonics import meridian_harmonic, solid_harmonic

_NODES, _NEXT, _PROFILE = 24, 5, 801
COPPER_OHM_M = 1.72e-8
"""At 20 degrees Celsius."""
_NAMES = {
    (1, 1): "X", (1, -1): "Y", (1, 0): "Z", (2, 0): "Z2", (2, 1): "ZX", (2, -1): "ZY", (2, 2): "X2-Y2", (2, -2): "XY",
    (3, 0): "Z3", (3, 1): "Z2X", (3, -1): "Z2Y", (3, 2): "Z(X2-Y2)", (3, -2): "ZXY", (3, 3): "X3", (3, -3): "Y3",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ShimSpace:
    """Where shim coils are wound and what they must make even.

    turns: of the coil's crest, so a coil at 1 A has a stream function of so many ampere. purity: largest deviation from the
    pure harmonic over the ball, of the harmonic's largest value there. thickness_m: times the width is the wire's section.
    """

    radius_m: float
    length_m: float
    ball_m: float
    turns: int = 20
    modes: int = 10
    purity: float = 0.05
    thickness_m: float = 2e-3

    def __post_init__(self) -> None:
        for name in ("radius_m", "length_m", "ball_m", "turns", "modes", "purity", "thickness_m"):
            if not getattr(self, name) > 0:
                raise ValueRangeError(f"ShimSpace.{name}: got {getattr(self, name)}, wanted a positive number.")
        if not self.ball_m / 2 < 0.9 * self.radius_m:
            raise ValueRangeError(
                f"ShimSpace.ball_m: got {self.ball_m:g} m in coils of radius {self.radius_m:g} m. Take a smaller ball."
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShimCoil:
    """One coil at 1 A. order < 0 is the one with sin(|m| phi).

    coefficients: (k,) T/m^l/A of the solid harmonics of degree l = degrees[k] and this order; the first of the coil's own
    degree, the others its impurities. impurity: largest deviation over the ball. heat_W_per_A2: dissipation.
    """

    degree: int
    order: int
    sheet: SheetCurrent
    degrees: tuple[int, ...]
    coefficients: Float[np.ndarray, " k"]
    impurity: float
    heat_W_per_A2: float

    @property
    def name(self) -> str:
        """As shim boards say it."""
        return _NAMES.get((self.degree, self.order), f"{self.degree},{self.order}")

    @property
    def strength_T_per_ml_A(self) -> float:
        """Of its own harmonic, T/m^l/A."""
        return float(self.coefficients[self.degrees.index(self.degree)])

    def field_T_per_A(self, points_m: Float[np.ndarray, "*any 3"]) -> Float[np.ndarray, "*any"]:
        """Bz at points of the ball, its impurities with it."""
        parts = zip(self.degrees, self.coefficients, strict=True)
        return np.asarray(sum(c * solid_harmonic(degree, self.order, points_m) for degree, c in parts))


def shim_coils(space: ShimSpace, highest: int = 3, lowest: int = 2) -> tuple[ShimCoil, ...]:
    """All coils of degrees `lowest` to `highest`, cosine and sine; first degree is what gradient coils make."""
    pairs = [(degree, order) for degree in range(lowest, highest + 1) for order in range(-degree, degree + 1)]
    return tuple(shim_coil(space, degree, order) for degree, order in pairs)


def _degrees(degree: int, order: int) -> tuple[int, ...]:
    """Those of the same order and parity, to a few beyond."""
    same = range(abs(order) + (degree - abs(order)) % 2, degree + 2 * _NEXT, 2)
    return tuple(item for item in same if item >= 1 or order == 0)


def shim_coil(space: ShimSpace, degree: int, order: int) -> ShimCoil:
    """The coil of one harmonic with the least dissipation that keeps the purity.

    Errors: ValueRangeError for no such harmonic; LimitError where no current on the cylinder is so pure.
    """
    if not 1 <= degree <= 6 or abs(order) > degree:
        raise ValueRangeError(f"shim coil: got degree {degree} and order {order}, wanted 1 to 6 and at most the degree.")
    parity = "odd" if (degree + order) % 2 == 0 else "even"
    sheet = Sheet(radius_m=space.radius_m, length_m=space.length_m, modes=space.modes, order=abs(order), parity=parity)
    cosines, weights = np.polynomial.legendre.leggauss(_NODES)
    places = space.ball_m / 2 * np.column_stack([np.sqrt(1 - cosines**2), cosines])
    rows = axial_field(sheet, places)
    wanted = meridian_harmonic(degree, abs(order), places[:, 0], places[:, 1])
    heat = np.diag(dissipations(sheet)) * COPPER_OHM_M / space.thickness_m
    share = _projection(degree, abs(order), places, weights)
    bound = Bound(name="purity", rows=rows, target=wanted, limit=space.purity * float(np.abs(wanted).max()))
    found = solve(Program(cost=heat, equal=(share @ rows)[None], target=np.ones(1), bounds=(bound,)))
    if found is None:
        raise LimitError(
            f"shim coil {_NAMES.get((degree, order), (degree, order))}: no current on a cylinder of {space.radius_m:g} x "
            f"{space.length_m:g} m is pure to {space.purity:.3g} over {space.ball_m:g} m. Lengthen it, or allow more impurity."
        )
    heights = np.linspace(-space.length_m / 2, space.length_m / 2, _PROFILE)
    profile = sampled(sheet, heights) @ found
    at_1_A = space.turns / float(np.abs(profile).max())
    degrees = _degrees(degree, order)
    made = rows @ found
    coefficients = np.array([_projection(item, abs(order), places, weights) @ made for item in degrees])
    return ShimCoil(
        degree=degree,
        order=order,
        sheet=SheetCurrent(
            radius_m=space.radius_m, order=abs(order), heights_m=heights, profile_A=at_1_A * profile,
            turned_rad=np.pi / (2 * abs(order)) if order < 0 else 0.0,
        ),
        degrees=degrees,
        coefficients=at_1_A * coefficients,
        impurity=float(np.abs(made - wanted).max() / np.abs(wanted).max()),
        heat_W_per_A2=float(at_1_A**2 * found @ heat @ found),
    )  # fmt: skip


def _projection(
    degree: int, order: int, places_m: Float[np.ndarray, "p 2"], weights: Float[np.ndarray, " p"]
) -> Float[np.ndarray, " p"]:
    """Row that gives a field's coefficient of one harmonic from its values on a meridian at Gauss-Legendre nodes."""
    values = meridian_harmonic(degree, order, places_m[:, 0], places_m[:, 1])
    return np.asarray(weights * values / (weights * values**2).sum())
