"""How much apparent power a gradient axis asks of its amplifier."""

from __future__ import annotations

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
    2.1 MVA in 65 cm and 3.9 MVA in 75 cm.
    """
    radius = (bore_diameter_m / 2 + _WALL_M) / (_CALIBRATION_BORE_M / 2 + _WALL_M)
    gradient = gradient_T_per_m / _CALIBRATION_GRADIENT_T_PER_M
    slew = slew_T_per_m_s / _CALIBRATION_SLEW_T_PER_M_S
    return float(_CALIBRATION_VA * gradient * slew * radius**5)
