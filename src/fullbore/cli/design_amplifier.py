"""`fullbore design amplifier`: gradient amplifiers for a machine, and what its structure answers."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from fullbore.cli.chosen_brief import chosen_brief
from fullbore.cli.doors import write_text
from fullbore.cli.folder import new_folder
from fullbore.cli.outcome import print_record, tell_demands, write_picture
from fullbore.cli.terminal import ExamTerminal
from fullbore.clinical.report import Demand
from fullbore.clinical.report.amplifier_page import AmplifierViews, amplifier_figure, amplifier_page, structure_figure
from fullbore.data import EddyMode, GradientResponse
from fullbore.hardware.eddy.play import played
from fullbore.hardware.eddy.sound import FREQUENCIES_HZ
from fullbore.hardware.gradient_response import frequency_response
from fullbore.hardware.power_amplifier.brief import (
    AmplifierBrief,
    amplifier_presets,
    load_amplifier_brief,
    parse_amplifier_brief,
)
from fullbore.hardware.power_amplifier.loop import tuned
from fullbore.hardware.power_amplifier.machine import GradientMachine, machine_figures, make_gradient_machine
from fullbore.hardware.power_amplifier.reach import most_gradient_T_per_m, most_slew, source_of
from fullbore.hardware.power_amplifier.scaling import bore_powers_VA, gradient_power_VA
from fullbore.hardware.power_amplifier.simulate import command_of, drive
from fullbore.machinery import digest

_BORES_M = (0.60, 0.65, 0.70, 0.75, 0.80)
_TRAIN = 12


def amplifier(options: argparse.Namespace) -> int:
    """Design the amplifiers of a brief; write amplifier.json, amplifier.png, structure.png and report.html."""
    brief = _brief(options)
    began = time.monotonic()
    with ExamTerminal({f"{brief.name}/design": 4.0, f"{brief.name}/report": 6.0}) as terminal:
        asked = f"{brief.gradient_T_per_m * 1e3:g} mT/m at {brief.slew_T_per_m_s:g} T/m/s"
        terminal.line(f"{brief.name}: {asked}, {brief.current_A:g} A, bore {brief.bore_diameter_m * 100:g} cm")
        made = make_gradient_machine(brief, _teller(terminal, brief.name))
        figures = machine_figures(made)
        terminal.progress(brief.name, "report", 0.0, "waveforms and scaling with bore")
        views = amplifier_views(made)
        folder = new_folder(options.out, brief.name)
        record = _write(made, views, figures, folder, time.monotonic() - began)
        tell_demands(terminal, demands(made, figures, views))
        terminal.line(f"done: open {folder}/report.html")
    print_record(options, folder, record)
    return 0


def demands(made: GradientMachine, figures: dict[str, float], views: AmplifierViews) -> list[Demand]:
    """What was asked beside what is reached."""
    brief, room, near = made.brief, made.brief.amplifier, 1e-6
    rows = (
        ("gradient", figures["gradient_mT_per_m"], brief.gradient_T_per_m * 1e3 * (1 - near), "mT/m", True),
        ("slew at that gradient", figures["slew_T_per_m_s"], brief.slew_T_per_m_s * (1 - near), "T/m/s", True),
        ("ripple", figures["largest_ripple_A"], room.ripple_A, "A", False),
        ("phase margin", figures["phase_margin_deg"], float(np.degrees(room.margin_rad)), "deg", True),
        ("sag of the links", figures["link_sag_percent"], 100 * room.sag * (1 + near), "%", False),
        ("continuous current", figures["continuous_A"], room.continuous_A * (1 - near), "A", True),
        ("left of a trapezoid train by eddy currents", 100 * views.left_share, 0.1, "%", False),
    )
    return [Demand(name=n, value=v, limit=limit, unit=unit, at_least=least) for n, v, limit, unit, least in rows]


def amplifier_views(made: GradientMachine) -> AmplifierViews:
    """What the report draws."""
    brief, source, load = made.brief, source_of(made.amplifier), made.loads[0]
    gradients = np.linspace(0.0, most_gradient_T_per_m(source, load), 200)
    times, values = _train(*made.limits)
    ticks, command = command_of(made.amplifier, load, times[:6], values[:6, 0], 1e-3)
    driven = drive(made.amplifier, load, tuned(made.amplifier, load), command)
    at = np.linspace(0.0, times[-1] + 0.2, 10001)
    asked = played(GradientResponse(), times, values, at)
    height = made.limits[0]
    left = {
        name: (played(response, times, values, at) - asked) / height
        for name, response in (("eddy currents", made.eddies), ("after pre-emphasis", made.emphasis.net))
    }
    frequency = np.logspace(-1, 4.3, 200)
    return AmplifierViews(
        gradients_T_per_m=gradients, slews_T_per_m_s=np.asarray(most_slew(source, load, gradients)),
        asked=(brief.gradient_T_per_m, brief.slew_T_per_m_s),
        times_s=ticks, command_A=command, current_A=driven.current_A, voltage_V=driven.voltage_V, stack_V=driven.stack_V,
        bores_m=_BORES_M, powers_VA={
            "coil of this brief, its gaps kept": bore_powers_VA(
                "x", brief.coil, brief.coil.primary_radius_m - brief.bore_diameter_m / 2, _BORES_M, brief.gradient_T_per_m,
                brief.slew_T_per_m_s,
            ),
            "fifth power, from 2.7 MVA": [gradient_power_VA(brief.gradient_T_per_m, brief.slew_T_per_m_s, b) for b in _BORES_M],
        },
        built=(brief.bore_diameter_m, made.amplifier.power_VA),
        frequency_Hz=frequency, girf=np.abs(frequency_response(made.eddies, frequency) - np.eye(4, 3)[:, :, None]),
        after_s=at, left={name: part[:, :3] for name, part in left.items()},
        left_share=float(np.abs(left["after pre-emphasis"][:, :3]).max()),
        sound_Hz=FREQUENCIES_HZ, velocity=made.velocities,
        bands=tuple((b.low_Hz, b.high_Hz, b.limit_T_per_m) for b in made.sound.bands),
    )  # fmt: skip


def _train(gradient_T_per_m: float, slew_T_per_m_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Trapezoids of 1 ms every 2 ms at the limits, on x wholly, half of it on y, back on z."""
    ramp = gradient_T_per_m / slew_T_per_m_s
    times, values = [0.0], [0.0]
    for _ in range(_TRAIN):
        for length, value in ((1e-3 - ramp, 0.0), (ramp, gradient_T_per_m), (1e-3 - ramp, gradient_T_per_m), (ramp, 0.0)):
            times.append(times[-1] + length)
            values.append(value)
    return np.array(times), np.outer(values, [1.0, 0.5, -1.0])


def _brief(options: argparse.Namespace) -> AmplifierBrief:
    return chosen_brief(options, "design amplifier", parse_amplifier_brief, load_amplifier_brief, amplifier_presets()[-1])


def _teller(terminal: ExamTerminal, name: str) -> Callable[[float, str], None]:
    def tell(fraction: float, what: str) -> None:
        if what:
            terminal.line(f"  {what}")
        terminal.progress(name, "design", fraction, what)

    return tell


def _write(
    made: GradientMachine, views: AmplifierViews, figures: dict[str, float], folder: Path, seconds: float
) -> dict[str, object]:
    sha = digest(asdict(made.brief))
    record: dict[str, object] = {
        "brief": asdict(made.brief), "brief_sha256": sha, "seconds": round(seconds, 2), "figures": figures,
        "amplifier": asdict(made.amplifier), "chain": asdict(made.chain), "sound": asdict(made.sound),
        "limits": {"gradient_T_per_m": made.limits[0], "slew_T_per_m_s": made.limits[1]},
        "eddies": _modes(made.eddies), "pre_emphasis": _modes(made.emphasis.filter), "response": _modes(made.response),
    }  # fmt: skip
    write_text(json.dumps(record, indent=1) + "\n", folder / "amplifier.json")
    for name, drawn in (("amplifier", amplifier_figure(views)), ("structure", structure_figure(views))):
        write_picture(drawn, folder / f"{name}.png", 80)
    facts = [
        ("brief", made.brief.name),
        ("brief's source", made.brief.source),
        ("brief's SHA-256", sha),
        ("made in", f"{seconds:.1f} s"),
    ]
    title = f"Gradient amplifier of {made.brief.name}"
    eddies = [
        (f"{1e3 * mode.time_constant_s:.4g}", *(f"{100 * mode.amplitude[i, i]:.4f}" for i in range(3)))
        for mode in made.eddies.modes
        if np.abs(mode.amplitude).max() > 1e-4
    ]
    write_text(amplifier_page(title, views, demands(made, figures, views), figures, eddies, facts), folder / "report.html")
    return {"seconds": record["seconds"], "figures": figures, "brief_sha256": sha}


def _modes(response: GradientResponse) -> dict[str, object]:
    """A response as JSON: an endless time constant is null."""

    def mode(one: EddyMode) -> dict[str, object]:
        tau = one.time_constant_s if np.isfinite(one.time_constant_s) else None
        sine = None if one.sine is None else one.sine.tolist()
        return {"time_constant_s": tau, "frequency_Hz": one.frequency_Hz, "amplitude": one.amplitude.tolist(), "sine": sine}

    return {"delay_s": list(response.delay_s), "modes": [mode(one) for one in response.modes]}
