"""From a brief to a body coil: inductance, capacitors, losses, load, B1+, power; refusal of what cannot be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from fullbore.data import FieldMap, Grid, PowerModel, RfAmplifier
from fullbore.errors import LimitError
from fullbore.hardware.rf.birdcage import CoilShape, mesh_matrix, rotating_mode
from fullbore.hardware.rf.bodies import head_sphere, trunk_cylinder
from fullbore.hardware.rf.brief import BirdcageBrief
from fullbore.hardware.rf.cylinder import CylinderSolution, empty_body, mode_impedances_ohm, solve_cylinder
from fullbore.hardware.rf.ladder import (
    Kind,
    Ladder,
    Match,
    even_ladder,
    match,
    mode_factor,
    port_impedance_ohm,
    splittings_Hz,
    tune,
)
from fullbore.hardware.rf.layers import MU0
from fullbore.hardware.rf.losses import mode_losses_ohm
from fullbore.hardware.rf.power_amplifier import class_ab, scanner_amplifier
from fullbore.hardware.rf.transmit import TransmitFields, cylinder_transmit, mean_b1_T_per_A, relative_field, sphere_transmit

Progress = Callable[[float, str], None]
# Grid of the head: 41^3 voxels of 8 mm, as the scanner's transmit map always was.
HEAD_GRID = Grid.centred((41, 41, 41), (0.008,) * 3)
TRUNK_GRID = Grid.centred((1, 55, 55), (0.0065,) * 3)
# Mass of the reference subject (a choice), kg.
BODY_MASS_KG = 75.0
_SAMPLES = 200


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Birdcage:
    """A designed body coil.

    ladder: as tuned. inductances_H, losses_ohm: of each mode, without a body. head, trunk: fields of one channel, the mode that
    turns with the spins, one ampere of mesh current. port_match: of one of the two ports, loaded. splittings_Hz: of the
    homogeneous pair in coils with wrong capacitors.
    """

    brief: BirdcageBrief
    shape: CoilShape
    ladder: Ladder
    inductances_H: np.ndarray
    losses_ohm: np.ndarray
    head: TransmitFields
    trunk: TransmitFields
    port_match: Match
    splittings_Hz: np.ndarray
    figures: dict[str, float]


def design_birdcage(brief: BirdcageBrief, progress: Progress = lambda share, what: None) -> Birdcage:
    """Tune, load and judge a birdcage.

    Errors: LimitError where a capacitor, its voltage or the amplifier's power cannot be; the message names the nearest brief
    that can (each was computed).
    """
    shape = brief.coil.shape()
    progress(0.02, "inductances")
    empty = solve_cylinder(shape, empty_body(shape, brief.frequency_Hz), shape.rungs + 1)
    inductances = mode_impedances_ohm(empty).imag / (2 * np.pi * brief.frequency_Hz)
    ring, rung = _capacitors(brief, float(inductances[1]))
    losses = mode_losses_ohm(shape, brief.frequency_Hz, ring, rung, brief.parts, empty)
    progress(0.25, "head in the coil")
    drive, mesh = rotating_mode(shape.rungs)[None], mesh_matrix(losses)
    head = sphere_transmit(shape, head_sphere(brief.frequency_Hz), HEAD_GRID, drive, mesh)
    progress(0.6, "trunk in the coil")
    trunk = cylinder_transmit(shape, trunk_cylinder(brief.frequency_Hz), TRUNK_GRID, drive, mesh)
    progress(0.9, "tolerances")
    ladder = even_ladder(mesh_matrix(inductances), ring, rung)
    split, _ = splittings_Hz(ladder, brief.frequency_Hz, brief.parts.tolerance, _SAMPLES, np.random.default_rng(0))
    loaded = mesh_matrix(losses + _body_ohm(head if brief.load == "head" else trunk, shape))
    made = Birdcage(
        brief=brief,
        shape=shape,
        ladder=ladder,
        inductances_H=inductances,
        losses_ohm=losses,
        head=head,
        trunk=trunk,
        port_match=match(port_impedance_ohm(ladder, loaded, brief.frequency_Hz), brief.frequency_Hz),
        splittings_Hz=split,
        figures={},
    )
    made = replace(made, figures=_figures(made, empty))
    _refuse_power(made)
    progress(1.0, "")
    return made


def power_model(made: Birdcage, exposed: Literal["head", "trunk"] = "head") -> PowerModel:
    """SAR and power for the scanner, with the head or the trunk in the middle of the coil.

    Head SAR is that of the head sphere; whole-body SAR is what the exposed part takes over the reference body's mass;
    forward power is that of the brief's load.
    """
    figures, amplifier = made.figures, made.brief.amplifier
    return PowerModel(
        whole_body_W_per_kg_per_T2=figures[f"{exposed}_absorbed_W_per_T2"] / BODY_MASS_KG,
        head_W_per_kg_per_T2=figures["head_sar_W_per_kg_per_T2"],
        source=f"layered {exposed} in {made.brief.name}; {BODY_MASS_KG:.0f} kg; shoulders are in neither",
        forward_W_per_T2=figures["forward_W_per_T2"],
        peak_W=amplifier.peak_W,
        mean_W=amplifier.mean_W,
    )


def rf_amplifier(made: Birdcage) -> RfAmplifier:
    """The class-AB amplifier of this coil without pre-distortion: full scale at the B1+ that its peak power reaches."""
    amplifier = made.brief.amplifier
    return scanner_amplifier(class_ab(), made.figures["b1_reached_T"], amplifier.droop / amplifier.droop_time_s)


def transmit_map(made: Birdcage) -> FieldMap:
    """Complex relative B1+ of the coil in quadrature in the head sphere, (1, 41, 41, 41) on 8 mm, unit "1"."""
    return relative_field(made.head, np.ones(1, complex))


def _capacitors(brief: BirdcageBrief, inductance_H: float) -> tuple[float, float]:
    """Capacitors of the tuned coil. Errors: LimitError where none can be bought."""

    def of(kind: Kind, share: float) -> tuple[float, float]:
        return tune(kind, brief.frequency_Hz, inductance_H, brief.coil.rungs, share)

    def fits(pair: tuple[float, float]) -> bool:
        return all(brief.parts.least_F <= c <= brief.parts.most_F for c in pair if np.isfinite(c))

    got = of(brief.coil.kind, brief.coil.ring_share)
    if fits(got):
        return got
    shares = sorted((share / 20 for share in range(1, 20)), key=lambda share: abs(share - brief.coil.ring_share))
    others: list[tuple[Kind, float]] = [("high pass", 0.5), ("low pass", 0.5), *(("band pass", share) for share in shares)]
    others.sort(key=lambda way: way[0] != brief.coil.kind)  # the same kind first
    ways = [(kind, share) for kind, share in others if fits(of(kind, share))]
    text = ", ".join(f"{1e12 * c:.3g} pF" for c in got if np.isfinite(c))
    limits = f"{1e12 * brief.parts.least_F:.3g} to {1e12 * brief.parts.most_F:.3g} pF"
    if ways:
        kind, share = ways[0]
        advice = f"Make it {kind}" + (f" with a ring share of {share:.2f}" if kind == "band pass" else "") + ": that is possible."
    else:
        low, high = min(c for c in got if np.isfinite(c)), max(c for c in got if np.isfinite(c))
        advice = f"Allow {1e12 * min(low, brief.parts.least_F):.3g} to {1e12 * max(high, brief.parts.most_F):.3g} pF."
    raise LimitError(f"birdcage brief {brief.name}: a {brief.coil.kind} needs capacitors of {text}, limit {limits}. {advice}")


def _refuse_power(made: Birdcage) -> None:
    """LimitError where peak power or a capacitor's voltage does not suffice for the wanted B1+."""
    brief, reached = made.brief, made.figures["b1_reached_T"]
    strong = made.figures["b1_at_rated_voltage_T"]
    worst, name = min((reached, "the amplifier's peak power"), (strong, "the capacitors' voltage"))
    if worst >= brief.b1_peak_T:
        return
    needed = made.figures["forward_W_per_T2"] * brief.b1_peak_T**2
    volts = made.figures["capacitor_V"]
    raise LimitError(
        f"birdcage brief {brief.name}: {1e6 * brief.b1_peak_T:.4g} uT in the {brief.load} asks {needed / 1e3:.4g} kW (limit "
        f"{brief.amplifier.peak_W / 1e3:.4g}) and {volts / 1e3:.4g} kV (limit {brief.parts.voltage_V / 1e3:.4g}); {name} binds. "
        f"Ask at most {np.floor(1e8 * worst) / 1e2:.8g} uT."
    )


def _body_ohm(fields: TransmitFields, shape: CoilShape) -> float:
    """Resistance that a body adds to the rotating mode, per window: power = N/2 R |J|^2."""
    return float(fields.body_power_W[0, 0].real * 2 / shape.rungs)


def _figures(made: Birdcage, empty: CylinderSolution) -> dict[str, float]:
    brief, shape = made.brief, made.shape
    _, field = empty.fields(np.zeros((1, 3)), rotating_mode(shape.rungs)[None])
    modes = made.ladder.mode_frequencies_Hz()
    ring, rung = float(made.ladder.ring_F[0, 0]), float(made.ladder.rung_F[0])
    omega, inductance, loss = 2 * np.pi * brief.frequency_Hz, float(made.inductances_H[1]), float(made.losses_ohm[1])
    figures = {
        "frequency_Hz": brief.frequency_Hz,
        **{f"{name}_capacitor_F": c for name, c in (("ring", ring), ("rung", rung)) if np.isfinite(c)},
        "inductance_H": inductance,
        "nearest_other_mode_Hz": float(modes[np.argsort(np.abs(modes - brief.frequency_Hz))[2]]),
        "loss_ohm": loss,
        "quality_unloaded": omega * inductance / loss,
        "empty_b1_T_per_A": float(np.abs(MU0 / 2 * (field[0, 0, 0] + 1j * field[0, 0, 1]))),
        **_load_figures(made, "head", made.head),
        **_load_figures(made, "trunk", made.trunk),
        "splitting_median_Hz": float(np.median(made.splittings_Hz)),
        "port_shunt_F": made.port_match.shunt_F,
        "port_series_ohm": made.port_match.series_ohm,
    }
    current = brief.b1_peak_T / figures[f"b1_{brief.load}_T_per_A"]
    volts = current / omega * max(1 / ring, np.sqrt(mode_factor(shape.rungs)) / rung)
    inside = made.head.inside
    b1 = np.abs(made.head.driven_T(np.ones(1, complex)))[inside]
    return {
        **figures,
        "forward_W_per_T2": figures[f"forward_{brief.load}_W_per_T2"],
        "b1_reached_T": figures[f"b1_reached_{brief.load}_T"],
        "peak_power_W": figures[f"forward_{brief.load}_W_per_T2"] * brief.b1_peak_T**2,
        "current_at_peak_A": current,
        "capacitor_V": float(volts),
        "b1_at_rated_voltage_T": float(brief.b1_peak_T * brief.parts.voltage_V / volts),
        "head_mass_kg": made.head.body_mass_kg,
        "head_sar_W_per_kg_per_T2": figures["head_absorbed_W_per_T2"] / made.head.body_mass_kg,
        "head_b1_variation": float(b1.std() / b1.mean()),
    }


def _load_figures(made: Birdcage, name: str, fields: TransmitFields) -> dict[str, float]:
    """What one body makes of the coil; the amplifier gives what coil and body take and what the line loses."""
    brief, one = made.brief, np.ones(1, complex)
    omega, inductance, loss = 2 * np.pi * brief.frequency_Hz, float(made.inductances_H[1]), float(made.losses_ohm[1])
    size, body = mean_b1_T_per_A(fields, one), _body_ohm(fields, made.shape)
    forward = fields.forward_W(one) / size**2 / (1 - brief.amplifier.loss)
    return {
        f"{name}_ohm": body,
        f"quality_{name}": omega * inductance / (loss + body),
        f"bandwidth_{name}_Hz": brief.frequency_Hz * (loss + body) / (omega * inductance),
        f"b1_{name}_T_per_A": size,
        f"{name}_absorbed_W_per_T2": float(fields.body_power_W[0, 0].real) / size**2,
        f"forward_{name}_W_per_T2": forward,
        f"efficiency_{name}_T_per_sqrt_W": float(1 / np.sqrt(forward)),
        f"b1_reached_{name}_T": float(np.sqrt(brief.amplifier.peak_W / forward)),
    }
