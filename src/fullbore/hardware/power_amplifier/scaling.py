"""What apparent power a gradient asks in a bore: from the energy that its coil stores."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fullbore.hardware.eddy.sheet_coil import SheetCoil, SheetSpace, sheet_coil

# One calibrated point: 1200 A x 2250 V per axis (Blasche 2017, MAGNETOM Flash 69) taken as what 80 mT/m at 200 T/m/s asks
# in a 60 cm bore (our assumption: the article names no model).
_CALIBRATION_VA = 2.7e6
_CALIBRATION_GRADIENT_T_PER_M = 0.080
_CALIBRATION_SLEW_T_PER_M_S = 200.0
_CALIBRATION_BORE_M = 0.60

# Distance from the bore's wall to the gradient coil's primary windings.
_WALL_M = 0.06


def gradient_power_VA(gradient_T_per_m: float, slew_T_per_m_s: float, bore_diameter_m: float) -> float:
    """Peak apparent power per axis for an amplitude and slew rate in a bore.

    The coil stores E ~ G^2 r^5 and must be filled within G / slew, so P = 2 E / t ~ G * slew * r^5, with r the radius of
    the windings (bore radius + 6 cm). Resistive drop is ignored. Calibrated on 2.7 MVA for 80/200 in 60 cm; 45/200 asks
    2.1 MVA in 65 cm and 3.9 MVA in 75 cm. `coil_power_VA` derives it for a given coil.
    """
    radius = (bore_diameter_m / 2 + _WALL_M) / (_CALIBRATION_BORE_M / 2 + _WALL_M)
    gradient = gradient_T_per_m / _CALIBRATION_GRADIENT_T_PER_M
    slew = slew_T_per_m_s / _CALIBRATION_SLEW_T_PER_M_S
    return float(_CALIBRATION_VA * gradient * slew * radius**5)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoilPower:
    """At the end of a straight ramp: the part that fills the coil, the part that heats it, VA; their sum is V I."""

    inductive_VA: float
    resistive_VA: float

    @property
    def total_VA(self) -> float:
        """V I at the coil."""
        return self.inductive_VA + self.resistive_VA


def coil_power_VA(coil: SheetCoil, gradient_T_per_m: float, slew_T_per_m_s: float) -> CoilPower:
    """V I at the end of a ramp: (L di/dt + R i) i = 2 E G slew + W G^2, E and W stored and lost at 1 T/m; turns do not matter."""
    return CoilPower(
        inductive_VA=2 * coil.energy_J * gradient_T_per_m * slew_T_per_m_s, resistive_VA=coil.loss_W * gradient_T_per_m**2
    )


def energy_coefficient(coil: SheetCoil) -> float:
    """2 E / (G^2 a^5), T^-2 J / m^3, a the primary's radius: the same for every size of one shape (27.9e6 for the anchor's)."""
    return 2 * coil.energy_J / coil.sheets[0].radius_m ** 5


def scaled(space: SheetSpace, factor: float) -> SheetSpace:
    """Every length times a factor: the same shape, larger. Its energy at one gradient goes with the fifth power."""
    names = (
        "primary_radius_m", "shield_radius_m", "primary_half_m", "shield_half_m", "diameter_m", "cryostat_radius_m",
        "cryostat_half_m", "conductor_m",
    )  # fmt: skip
    return replace(space, **{name: getattr(space, name) * factor for name in names})


def bore_powers_VA(
    axis: str, space: SheetSpace, wall_m: float, bores_m: tuple[float, ...], gradient_T_per_m: float, slew_T_per_m_s: float
) -> list[float]:
    """V I over bores: radii keep the space's gaps, the ball and the lengths stay (so does the patient)."""
    powers = []
    for bore in bores_m:
        shift = bore / 2 + wall_m - space.primary_radius_m
        moved = replace(
            space, primary_radius_m=space.primary_radius_m + shift, shield_radius_m=space.shield_radius_m + shift,
            cryostat_radius_m=space.cryostat_radius_m + shift if space.cryostat_radius_m else 0.0,
        )  # fmt: skip
        powers.append(coil_power_VA(sheet_coil(axis, moved), gradient_T_per_m, slew_T_per_m_s).total_VA)
    return powers
