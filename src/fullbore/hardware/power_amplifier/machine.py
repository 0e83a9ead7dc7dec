"""From an amplifier brief to all that it makes: coils, amplifier, responses, what remains, what sounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from fullbore.data import GradientChain, GradientResponse, HeatLimit, SoundModel
from fullbore.hardware.eddy.pre_emphasis import PreEmphasis, pre_emphasis, what_remains
from fullbore.hardware.eddy.projection import ball_points, projected
from fullbore.hardware.eddy.response import eddy_response, joined, reduced
from fullbore.hardware.eddy.sheet_coil import SheetCoil, sheet_coil
from fullbore.hardware.eddy.shells import mode_fields_T, sheet_flux_Wb, shell_modes
from fullbore.hardware.eddy.sound import FREQUENCIES_HZ, sound_model, wall_velocity
from fullbore.hardware.eddy.vibration import ShellMotion, sheet_force, shell_motion
from fullbore.hardware.gradient_response import frequency_response
from fullbore.hardware.power_amplifier.amplifier import Load, PowerAmplifier
from fullbore.hardware.power_amplifier.brief import AmplifierBrief
from fullbore.hardware.power_amplifier.chain import gradient_chain, reached_limits
from fullbore.hardware.power_amplifier.design import design_amplifier
from fullbore.hardware.power_amplifier.loop import loop_response, phase_margin_rad, tuned
from fullbore.hardware.power_amplifier.reach import curved_rise_s, most_slew, source_of, straight_rise_s
from fullbore.hardware.power_amplifier.ripple import ripple_A
from fullbore.hardware.power_amplifier.scaling import coil_power_VA, energy_coefficient, gradient_power_VA
from fullbore.hardware.power_amplifier.simulate import link_sag_V
from fullbore.hardware.power_amplifier.thermal import continuous_A, duty

_TERMS = 6
"""Modes in which what pre-emphasis leaves is handed on: it is under 1e-4, and so is their error."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GradientMachine:
    """What a brief becomes.

    response: what scans feel, eddy currents after pre-emphasis and the current loops. eddies: eddy currents alone.
    limits: (gradient T/m, slew T/m/s) that may be asked for, pre-emphasis' overshoot taken off what the amplifier reaches.
    velocities: (x, y, z) of the coil's wall over FREQUENCIES_HZ, m/s per T/m. motions: its modes of orders 0 and 1.
    """

    brief: AmplifierBrief
    coils: tuple[SheetCoil, SheetCoil, SheetCoil]
    loads: tuple[Load, Load, Load]
    amplifier: PowerAmplifier
    chain: GradientChain
    eddies: GradientResponse
    emphasis: PreEmphasis
    response: GradientResponse
    sound: SoundModel
    velocities: Float[np.ndarray, "3 f"]
    motions: tuple[ShellMotion, ...]
    limits: tuple[float, float]


def make_gradient_machine(
    brief: AmplifierBrief, tell: Callable[[float, str], None] = lambda share, text: None
) -> GradientMachine:
    """Coils, amplifier, eddy currents, pre-emphasis and sound of a brief; tell(share done, what).

    One amplifier serves the three axes, so it is the most demanding one's, and leaves room for pre-emphasis' overshoot.
    Errors: LimitError for what no amplifier of the brief's parts can drive, or sheets that cannot be so linear.
    """
    tell(0.0, "coils as current sheets")
    x, z = sheet_coil("x", brief.coil), sheet_coil("z", brief.coil)
    coils = (x, replace(x, axis="y"), z)
    tell(0.3, "eddy currents of the shells")
    eddies = eddies_of(brief, coils)
    emphasis = pre_emphasis(eddies, brief.pre_emphasis)
    tell(0.6, "amplifier")
    most = max(emphasis.overshoot)
    driven = brief.gradient_T_per_m * most, brief.slew_T_per_m_s * most
    loads = loads_of(brief, coils, driven[0])
    made = design_amplifier(brief.amplifier, loads, *driven)
    amplifiers = (made, made, made)
    reached = reached_limits(amplifiers, loads, driven[0])
    tell(0.8, "sound of the coil")
    motions = tuple(shell_motion(brief.body, order) for order in (0, 1))
    velocities = np.stack([
        wall_velocity(brief.body, motions, [sheet_force(m, coil, brief.b0_T) for m in motions], FREQUENCIES_HZ) for coil in coils
    ])  # fmt: skip
    loops = loop_response(amplifiers, loads, tuple(tuned(made, load) for load in loads))
    cooling = HeatLimit(
        part="coil", time_constant_s=brief.cooling.time_s, shared=True, continuous_A=(brief.cooling.continuous_A,) * 3
    )
    tell(1.0, "")
    return GradientMachine(
        brief=brief, coils=coils, loads=loads, amplifier=made, eddies=eddies, emphasis=emphasis, motions=motions,
        chain=gradient_chain(amplifiers, loads, cooling, f"{brief.name}, as designed"),
        response=joined(loops, reduced(emphasis.net, _TERMS).response), velocities=velocities, limits=emphasis.limits(*reached),
        sound=sound_model(brief.body, list(velocities), brief.gradient_T_per_m, brief.sound),
    )  # fmt: skip


def eddies_of(brief: AmplifierBrief, coils: tuple[SheetCoil, ...]) -> GradientResponse:
    """Eddy currents of the brief's shells, centred."""
    modes = shell_modes(brief.shells)
    points, weights = ball_points()
    field = projected(points, weights, mode_fields_T(modes, points)[:, :, 2])
    flux = np.stack([sheet_flux_Wb(modes, coil) for coil in coils], axis=1)
    return eddy_response(modes.time_constant_s, flux, field)


def loads_of(brief: AmplifierBrief, coils: tuple[SheetCoil, ...], gradient_T_per_m: float) -> tuple[Load, Load, Load]:
    """The coils wound so that the brief's current gives a gradient."""
    sensitivity = gradient_T_per_m / brief.current_A
    x, y, z = (
        Load(inductance_H=wound[0], resistance_ohm=wound[1], sensitivity_T_per_m_A=sensitivity, cable=brief.cable)
        for wound in (coil.wound(sensitivity) for coil in coils)
    )
    return x, y, z


def left_when_misjudged(made: GradientMachine, error: float) -> float:
    """Largest |response - 1| at any frequency when true eddy currents are larger by a share than those that the filter undoes."""
    true = GradientResponse(modes=tuple(replace(mode, amplitude=(1 + error) * mode.amplitude) for mode in made.eddies.modes))
    net = what_remains(true, made.emphasis.filter)
    return float(np.abs(frequency_response(net, np.logspace(-2, 4.7, 200)) - np.eye(4, 3)[:, :, None]).max())


def machine_figures(made: GradientMachine) -> dict[str, float]:
    """Figures of merit by name."""
    amplifier, load, brief = made.amplifier, made.loads[0], made.brief
    source = source_of(amplifier)
    gradient = made.limits[0] * max(made.emphasis.overshoot)
    power = coil_power_VA(made.coils[0], brief.gradient_T_per_m, brief.slew_T_per_m_s)
    raw = np.abs(sum(mode.amplitude for mode in made.eddies.modes))
    return {
        "apparent_power_MVA": amplifier.power_VA / 1e6,
        "asked_by_the_coil_MVA": power.total_VA / 1e6,
        "of_it_resistive_MVA": power.resistive_VA / 1e6,
        "calibrated_law_MVA": gradient_power_VA(brief.gradient_T_per_m, brief.slew_T_per_m_s, brief.bore_diameter_m) / 1e6,
        "energy_coefficient": energy_coefficient(made.coils[0]),
        "stack_V": amplifier.stack_V, "voltage_at_the_plug_V": amplifier.voltage_V, "current_A": amplifier.current_A,
        "bridges": amplifier.bridges, "parallel_devices": amplifier.parallel,
        "switches": 4 * amplifier.bridges * amplifier.parallel,
        "link_V": amplifier.link_V, "link_capacitance_mF": amplifier.capacitance_F * 1e3, "link_store_J": amplifier.store_J,
        "link_sag_percent": 100 * (1 - link_sag_V(amplifier, load, amplifier.current_A) / amplifier.stack_V),
        "supply_kW": amplifier.supply_W / 1e3, "switching_kHz": amplifier.switching_Hz / 1e3,
        "ripple_frequency_kHz": 2 * amplifier.bridges * amplifier.switching_Hz / 1e3,
        "largest_ripple_A": float(ripple_A(amplifier, load.total_H, np.array(0.5 / amplifier.bridges))),
        "phase_margin_deg": float(np.degrees(phase_margin_rad(amplifier, load, tuned(amplifier, load)))),
        "continuous_A": continuous_A(amplifier, load.total_ohm),
        "duty_at_full_current_percent": 100 * duty(amplifier, load.total_ohm, amplifier.current_A),
        **{f"coil_{axis}_inductance_uH": part.inductance_H * 1e6 for axis, part in zip("xyz", made.loads, strict=True)},
        **{f"coil_{axis}_resistance_mohm": part.resistance_ohm * 1e3 for axis, part in zip("xyz", made.loads, strict=True)},
        "gradient_mT_per_m": made.limits[0] * 1e3, "slew_T_per_m_s": made.limits[1],
        "slew_from_zero_T_per_m_s": float(most_slew(source, load, np.array(0.0))),
        "straight_rise_us": straight_rise_s(source, load, gradient) * 1e6,
        "curved_rise_us": curved_rise_s(source, load, gradient) * 1e6,
        "eddy_x_percent": 100 * float(raw[0, 0]), "eddy_z_percent": 100 * float(raw[2, 2]),
        "longest_eddy_ms": 1e3 * max(mode.time_constant_s for mode in made.eddies.modes),
        "left_after_pre_emphasis_percent": 100 * made.emphasis.error,
        "left_if_eddies_are_5_percent_larger_percent": 100 * left_when_misjudged(made, 0.05),
        "pre_emphasis_overshoot_percent": 100 * (max(made.emphasis.overshoot) - 1),
        "sound_bands": len(made.sound.bands), "sound_Pa_m_per_T": made.sound.pressure_Pa_m_per_T,
    }  # fmt: skip
