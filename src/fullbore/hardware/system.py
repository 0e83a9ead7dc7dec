"""Parts joined to a machine: what each of them fills of the `ScannerSpec` that sequences, safety checks and scans read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np

from fullbore.data import GradientChain, GradientResponse, Grid, HeatLimit, Magnet, ScannerSpec, SoundModel
from fullbore.errors import LimitError
from fullbore.hardware.array import ArrayBrief, array_coils, design_array
from fullbore.hardware.eddy.pre_emphasis import pre_emphasis
from fullbore.hardware.eddy.projection import ball_points, projected
from fullbore.hardware.eddy.response import eddy_response, joined, reduced
from fullbore.hardware.eddy.shells import mode_fields_T, shell_modes, wire_flux_Wb
from fullbore.hardware.eddy.sound import FREQUENCIES_HZ, sound_model, wall_velocity
from fullbore.hardware.eddy.vibration import shell_motion, wire_force
from fullbore.hardware.gradient import GradientBrief, GradientCoil, WoundGradient, wound_gradient
from fullbore.hardware.gradient.stimulation import felt_model
from fullbore.hardware.magnet import field_ppm
from fullbore.hardware.power_amplifier.amplifier import Load
from fullbore.hardware.power_amplifier.brief import AmplifierBrief
from fullbore.hardware.power_amplifier.chain import gradient_chain, reached_limits
from fullbore.hardware.power_amplifier.design import design_amplifier
from fullbore.hardware.power_amplifier.loop import loop_response, tuned
from fullbore.hardware.power_amplifier.machine import make_gradient_machine
from fullbore.hardware.rf import BirdcageBrief, design_birdcage, power_model, rf_amplifier, transmit_map
from fullbore.hardware.spectrometer import SpectrometerBrief, design_spectrometer, receiver_of

Tell = Callable[[float, str], None]

FIELD_GRID = Grid.centred((33, 33, 33), (0.015, 0.015, 0.015))
"""Where fields of magnet and gradients are kept: a cube of 48 cm, which holds the imaging volume."""
RECEIVE_GRIDS = {"helmet": 0.008, "cylinder": 0.008, "shells": 0.013}
"""Spacing (m) of the 41 x 41 x 41 points about the isocentre at which an array of that form is known."""
_TERMS = 6
"""Modes in which what pre-emphasis leaves is handed on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Which parts of a machine are designed; None leaves the part as the machine has it.

    magnet: as wound. wound: the gradient brief's coils on FIELD_GRID, where they are there already. gradient without amplifier:
    coils driven by the amplifier that is there. amplifier without gradient: for the sheets of its brief.
    """

    magnet: Magnet | None = None
    gradient: GradientBrief | None = None
    wound: WoundGradient | None = None
    amplifier: AmplifierBrief | None = None
    transmit: BirdcageBrief | None = None
    receive: ArrayBrief | None = None
    spectrometer: SpectrometerBrief | None = None

    @property
    def given(self) -> tuple[str, ...]:
        """Names of the parts that are designed."""
        return tuple(n for n in (item.name for item in fields(self)) if n != "wound" and getattr(self, n) is not None)


def with_parts(spec: ScannerSpec, parts: Parts, tell: Tell = lambda share, what: None) -> ScannerSpec:
    """The machine with its parts designed and put in, in the order magnet, gradients, transmit, receive, spectrometer.

    Filled: Flaws.field_ppm by the magnet; limits, chain, stimulation, Flaws.gradient_fields_m by gradient coils; chain, limits,
    Flaws.response and sound by the amplifier and the structure; transmit, power and Flaws.rf_amplifier by the birdcage; receive
    by the array; Flaws.receiver by the spectrometer. Errors: LimitError of each part's design.
    """
    count = max(len(parts.given), 1)

    def told(number: int) -> Tell:
        return lambda share, what: tell((number + share) / count, what)

    number = 0
    for name, join in _JOINS:
        if name in parts.given or (name == "gradient" and "amplifier" in parts.given):
            spec = join(spec, parts, told(min(number, count - 1)))
            number += 1
    tell(1.0, "")
    return spec


def _with_magnet(spec: ScannerSpec, parts: Parts, tell: Tell) -> ScannerSpec:
    assert parts.magnet is not None
    tell(0.0, "the magnet's field")
    return replace(spec, flaws=replace(spec.flaws, field_ppm=field_ppm(parts.magnet, FIELD_GRID)))


def _with_gradients(spec: ScannerSpec, parts: Parts, tell: Tell) -> ScannerSpec:
    """Coils, or amplifiers, or both."""
    if parts.gradient is None:
        return _with_amplifier(spec, parts, tell)
    wound = parts.wound or wound_gradient(parts.gradient, FIELD_GRID, {}, lambda share, what: tell(0.8 * share, what))
    flaws = replace(spec.flaws, gradient_fields_m=wound.fields())
    nerves = felt_model(spec.stimulation, wound.nerve_lengths_m, wound.name)
    spec = replace(spec, flaws=flaws, stimulation=nerves)
    asked = parts.gradient.drive.amplitude_T_per_m
    if parts.amplifier is not None:
        tell(0.8, "amplifier, eddy currents and sound of the wires")
        return _driven(spec, wound, parts.amplifier)
    chain = _rewound(spec, wound)
    gradient, slew = reached(chain, asked)
    limits = replace(spec.limits, gradient_T_per_m=gradient, slew_T_per_m_s=slew)
    return replace(spec, chain=chain, limits=limits)


def _rewound(spec: ScannerSpec, wound: WoundGradient) -> GradientChain:
    """The amplifiers that are there on other coils."""
    if spec.chain is None:
        raise LimitError(
            f"machine {spec.name}: has no gradient amplifiers that could drive {wound.name}. Give an amplifier brief."
        )
    x, y, z = wound.coils
    return replace(
        spec.chain,
        sensitivity_T_per_m_A=(x.sensitivity_T_per_m_A, y.sensitivity_T_per_m_A, z.sensitivity_T_per_m_A),
        inductance_H=(x.inductance_H, y.inductance_H, z.inductance_H),
        resistance_ohm=(x.resistance_ohm, y.resistance_ohm, z.resistance_ohm),
        source=f"{wound.name}, driven by: {spec.chain.source}",
    )


def reached(chain: GradientChain, asked_T_per_m: float) -> tuple[float, float]:
    """(gradient T/m, slew T/m/s) that every axis reaches: the amplitude asked or the amplifier's; there L dI/dt = V - R I.

    Errors: LimitError when resistance alone takes the voltage.
    """
    most = min(i * s for i, s in zip(chain.current_A, chain.sensitivity_T_per_m_A, strict=True))
    gradient = min(asked_T_per_m, most)
    rows = zip(chain.voltage_V, chain.resistance_ohm, chain.inductance_H, chain.sensitivity_T_per_m_A, strict=True)
    slew = min((volts - ohm * gradient / sens) * sens / henry for volts, ohm, henry, sens in rows)
    if slew <= 0:
        raise LimitError(
            f"gradient chain: resistance takes all the voltage at {gradient * 1e3:.4g} mT/m. Ask for less amplitude."
        )
    return gradient, slew


def _with_amplifier(spec: ScannerSpec, parts: Parts, tell: Tell) -> ScannerSpec:
    assert parts.amplifier is not None
    made = make_gradient_machine(parts.amplifier, tell)
    limits = replace(spec.limits, gradient_T_per_m=made.limits[0], slew_T_per_m_s=made.limits[1])
    flaws = replace(spec.flaws, response=made.response)
    return replace(spec, chain=made.chain, limits=limits, flaws=flaws, sound=made.sound)


def _driven(spec: ScannerSpec, wound: WoundGradient, brief: AmplifierBrief) -> ScannerSpec:
    """Amplifiers, eddy currents, pre-emphasis and sound for coils as wound."""
    emphasis = pre_emphasis(_eddies(wound.coils, brief), brief.pre_emphasis)
    most = max(emphasis.overshoot)
    x, y, z = (
        Load(
            inductance_H=coil.inductance_H,
            resistance_ohm=coil.resistance_ohm,
            sensitivity_T_per_m_A=coil.sensitivity_T_per_m_A,
            cable=brief.cable,
        )
        for coil in wound.coils
    )
    loads, wanted = (x, y, z), (brief.gradient_T_per_m * most, brief.slew_T_per_m_s * most)
    made = design_amplifier(brief.amplifier, loads, *wanted)
    amplifiers = (made, made, made)
    cooling = HeatLimit(
        part="coil", time_constant_s=brief.cooling.time_s, shared=True, continuous_A=(brief.cooling.continuous_A,) * 3
    )
    gradient, slew = emphasis.limits(*reached_limits(amplifiers, loads, wanted[0]))
    loops = loop_response(amplifiers, loads, (tuned(made, x), tuned(made, y), tuned(made, z)))
    return replace(
        spec,
        chain=gradient_chain(amplifiers, loads, cooling, f"{brief.name} on {wound.name}, as wound"),
        limits=replace(spec.limits, gradient_T_per_m=gradient, slew_T_per_m_s=slew),
        flaws=replace(spec.flaws, response=joined(loops, reduced(emphasis.net, _TERMS).response)),
        sound=_sound(wound.coils, brief),
    )


def _eddies(coils: tuple[GradientCoil, ...], brief: AmplifierBrief) -> GradientResponse:
    """What the brief's shells answer to the wires."""
    modes = shell_modes(brief.shells)
    points, weights = ball_points()
    field = projected(points, weights, mode_fields_T(modes, points)[:, :, 2])
    flux = np.stack([wire_flux_Wb(modes, [c.closed_m]) / c.sensitivity_T_per_m_A for c in coils], axis=1)
    return eddy_response(modes.time_constant_s, flux, field)


def _sound(coils: tuple[GradientCoil, ...], brief: AmplifierBrief) -> SoundModel:
    """How the wires' forces shake their cylinder."""
    motions = tuple(shell_motion(brief.body, order) for order in (0, 1))
    velocities = []
    for coil in coils:
        sine = coil.axis == "y"
        forces = [wire_force(m, [coil.closed_m], brief.b0_T, sine) / coil.sensitivity_T_per_m_A for m in motions]
        velocities.append(wall_velocity(brief.body, motions, forces, FREQUENCIES_HZ))
    return sound_model(brief.body, velocities, brief.gradient_T_per_m, brief.sound)


def _with_transmit(spec: ScannerSpec, parts: Parts, tell: Tell) -> ScannerSpec:
    """The birdcage's field in the head; its power and amplifier with the trunk in it, which is what it was judged for."""
    assert parts.transmit is not None
    made = design_birdcage(parts.transmit, tell)
    reached_T = made.figures["b1_reached_T"]
    return replace(
        spec,
        transmit=transmit_map(made),
        power=replace(power_model(made, "head"), forward_W_per_T2=made.figures["forward_W_per_T2"]),
        limits=replace(spec.limits, b1_peak_T=reached_T),
        flaws=replace(spec.flaws, rf_amplifier=rf_amplifier(made)),
    )


def _with_receive(spec: ScannerSpec, parts: Parts, tell: Tell) -> ScannerSpec:
    assert parts.receive is not None
    tell(0.0, "loops, noise and fields of the array")
    spacing = RECEIVE_GRIDS[parts.receive.former.form]
    return replace(spec, receive=array_coils(design_array(parts.receive, tell), Grid.centred((41, 41, 41), (spacing,) * 3)))


def _with_spectrometer(spec: ScannerSpec, parts: Parts, tell: Tell) -> ScannerSpec:
    assert parts.spectrometer is not None
    made = design_spectrometer(parts.spectrometer, tell)
    return replace(spec, flaws=replace(spec.flaws, receiver=receiver_of(made, spec.receive)))


_JOINS: tuple[tuple[str, Callable[[ScannerSpec, Parts, Tell], ScannerSpec]], ...] = (
    ("magnet", _with_magnet),
    ("gradient", _with_gradients),
    ("transmit", _with_transmit),
    ("receive", _with_receive),
    ("spectrometer", _with_spectrometer),
)
