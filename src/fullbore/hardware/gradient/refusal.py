"""Briefs that cannot be met: which limit binds, and the nearest brief that can."""

from __future__ import annotations

from typing import NoReturn

from fullbore.errors import LimitError
from fullbore.hardware.gradient.brief import GradientBrief
from fullbore.hardware.gradient.program import Program, widening

# Limits are named a little wider than the program's exact answer, for rounding in the message.
_ROOM = 1.01
# Bridges, leads and levels that are whole turns: wires need this much more than was foretold, at most.
_WIRED = 1.04


def refuse_limits(brief: GradientBrief, axis: str, program: Program) -> NoReturn:
    """Raise LimitError for limits that no current on the cylinders keeps; each way out in the message is one that some does."""
    ways = []
    for name in ("linearity", "eddy", "spacing"):
        more = widening(program, (name,))
        if more is not None:
            ways.append((more, _limit_text(brief, name, (1 + more) * _ROOM)))
    ways.sort()
    named = ", or ".join(text for _, text in ways[:2])
    advice = named or _all_text(brief, widening(program, ("linearity", "eddy", "spacing")))
    binding = f"(binding: {ways[0][1].split(' ', 1)[0]})" if ways else "(all limits bind together)"
    limits = brief.limits
    raise LimitError(
        f"gradient brief {brief.name}, axis {axis}: {100 * limits.linearity:.3g} % linearity, {100 * limits.eddy:.3g} % eddy "
        f"field and {1e3 * limits.spacing_m:.3g} mm spacing at {brief.drive.amplitude_T_per_m * 1e3:.4g} mT/m and "
        f"{brief.drive.current_A:.4g} A cannot be met on these cylinders {binding}. "
        f"Allow {advice}, or give more length or radius between the cylinders."
    )


def refuse_drive(brief: GradientBrief, axis: str, inductance_H: float, resistance_ohm: float) -> None:
    """Raise LimitError when even the least energy within the limits asks for more voltage than the amplifier has."""
    drive = brief.drive
    per_slew = inductance_H * drive.current_A / drive.amplitude_T_per_m
    needed = per_slew * drive.slew_T_per_m_s + resistance_ohm * drive.current_A
    if needed <= drive.voltage_V:
        return
    left = drive.voltage_V - _WIRED * resistance_ohm * drive.current_A
    slew = left / (_WIRED * per_slew)
    if slew <= 0:
        raise LimitError(
            f"gradient brief {brief.name}, axis {axis}: the windings' resistance alone asks "
            f"{resistance_ohm * drive.current_A:.4g} V, limit {drive.voltage_V:.4g} V (binding: voltage). "
            "Take a thicker conductor or less amplitude."
        )
    raise LimitError(
        f"gradient brief {brief.name}, axis {axis}: {drive.slew_T_per_m_s:.4g} T/m/s at {drive.amplitude_T_per_m * 1e3:.4g} mT/m "
        f"asks {needed:.4g} V of {drive.current_A:.4g} A at least, limit {drive.voltage_V:.4g} V (binding: voltage). "
        f"Take {slew:.4g} T/m/s, or {drive.amplitude_T_per_m * 1e3 * slew / drive.slew_T_per_m_s:.4g} mT/m at that slew rate."
    )


def _limit_text(brief: GradientBrief, name: str, factor: float) -> str:
    if name == "spacing":
        return f"spacing of {1e3 * brief.limits.spacing_m / factor:.3g} mm"
    return f"{name} of {100 * getattr(brief.limits, name) * factor:.3g} %"


def _all_text(brief: GradientBrief, more: float | None) -> str:
    if more is None:
        return "other cylinders"
    return " and ".join(_limit_text(brief, name, (1 + more) * _ROOM) for name in ("linearity", "eddy", "spacing"))
