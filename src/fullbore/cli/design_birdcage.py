"""`fullbore design birdcage`: a body coil and its amplifier from their brief, with a report."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from fullbore.cli.chosen_brief import chosen_brief
from fullbore.cli.doors import write_text
from fullbore.cli.folder import new_folder
from fullbore.cli.outcome import print_record, tell_demands, write_picture
from fullbore.cli.terminal import ExamTerminal
from fullbore.clinical.report import Demand
from fullbore.clinical.report.birdcage_page import BirdcageViews, birdcage_figure, birdcage_page, modes_figure
from fullbore.data import Grid
from fullbore.hardware.rf import Birdcage, BirdcageBrief, birdcage_presets, design_birdcage, load_birdcage_brief
from fullbore.hardware.rf.birdcage import rotating_mode
from fullbore.hardware.rf.bodies import head_sphere, trunk_cylinder
from fullbore.hardware.rf.brief import parse_birdcage_brief
from fullbore.hardware.rf.multichannel import TARGET_CENTRE_M, TARGET_RADIUS_M, DrivenSlice, compare_drives
from fullbore.hardware.rf.power_amplifier import class_ab, learn_predistorter
from fullbore.hardware.rf.transmit import sphere_transmit
from fullbore.machinery import digest

_ONE = np.ones(1, complex)
# Seconds on one core: what the bar starts from.
_DESIGN_S, _CHANNELS_S = 6.0, 6.0
_LEVELS, _TOP = 80, 0.8
_FINE, _FINE_M = 85, 0.0025


def birdcage(options: argparse.Namespace) -> int:
    """Design a body coil; write birdcage.json, birdcage.png, modes.png and report.html."""
    brief = birdcage_brief(options)
    began = time.monotonic()
    with ExamTerminal({f"{brief.name}/design": _DESIGN_S, f"{brief.name}/channels": _CHANNELS_S}) as terminal:
        coil = brief.coil
        terminal.line(f"{brief.name}: {coil.kind}, {coil.rungs} rungs, {2 * coil.radius_m:g} m across, {brief.b0_T:g} T")
        made = design_birdcage(brief, lambda share, what: terminal.progress(brief.name, "design", share, what))
        terminal.progress(brief.name, "channels", 0.0, "drives of the trunk")
        drives = compare_drives(made.shape, trunk_cylinder(brief.frequency_Hz), made.trunk)
        terminal.progress(brief.name, "channels", 1.0, "")
        folder = new_folder(options.out, brief.name)
        record = _write(made, drives, folder, time.monotonic() - began)
        tell_demands(terminal, demands(made))
        terminal.line(f"done: open {folder}/report.html")
    print_record(options, folder, record)
    return 0


def birdcage_brief(options: argparse.Namespace) -> BirdcageBrief:
    """The brief in a file, or a preset. Errors: UsageError for both at once, or for a file that is no brief."""
    return chosen_brief(options, "design birdcage", parse_birdcage_brief, load_birdcage_brief, birdcage_presets()[-1])


def demands(made: Birdcage) -> list[Demand]:
    """The brief's limits beside what the coil reaches."""
    brief, figures = made.brief, made.figures
    peak, parts = 1e6 * brief.b1_peak_T, brief.parts
    band = figures[f"bandwidth_{brief.load}_Hz"]
    found = [
        Demand(name=f"B1+ in the {brief.load}", value=1e6 * figures["b1_reached_T"], limit=peak, unit="uT", at_least=True),
        Demand(
            name=f"power for {peak:.3g} uT",
            value=figures["peak_power_W"] / 1e3,
            limit=brief.amplifier.peak_W / 1e3,
            unit="kW",
        ),
        Demand(name="capacitor voltage", value=figures["capacitor_V"] / 1e3, limit=parts.voltage_V / 1e3, unit="kV"),
        Demand(
            name="median splitting, half the bandwidth",
            value=figures["splitting_median_Hz"] / 1e3,
            limit=band / 2e3,
            unit="kHz",
        ),
    ]
    for name in ("ring", "rung"):
        value = figures.get(f"{name}_capacitor_F")
        if value is not None:
            found.append(
                Demand(name=f"{name} capacitor", value=1e12 * value, limit=1e12 * parts.least_F, unit="pF", at_least=True)
            )
    return found


def birdcage_views(made: Birdcage, drives: tuple[DrivenSlice, ...]) -> BirdcageViews:
    """What the report draws."""
    slices = [_head_slice(made, shape) for shape in ((1, _FINE, _FINE), (_FINE, 1, _FINE))]
    trunk = made.trunk.inside[0]
    levels = np.linspace(0.02, _TOP, _LEVELS)
    amplifier = class_ab()
    learnt = learn_predistorter(amplifier, training_signal())
    held = [np.full(24, level + 0j) for level in levels]
    gain = {
        "plain": np.array([amplifier(x)[-1] / x[-1] for x in held]) / amplifier.gain,
        "pre-distorted": np.array([amplifier(learnt(x))[-1] / x[-1] for x in held]) / amplifier.gain,
    }
    return BirdcageViews(
        head_b1=(slices[0][0], slices[1][0]),
        head_sar=(slices[0][1], slices[1][1]),
        head_half_m=_FINE / 2 * _FINE_M,
        drives={d.name: (np.where(trunk, d.relative, np.nan), d.rms_error) for d in drives},
        trunk_half_m=made.trunk.grid.shape[2] / 2 * float(made.trunk.grid.spacing_m[0]),
        target_m=(*TARGET_CENTRE_M, TARGET_RADIUS_M),
        modes_Hz=made.ladder.mode_frequencies_Hz(),
        frequency_Hz=made.brief.frequency_Hz,
        splittings_Hz=made.splittings_Hz,
        levels=levels,
        gain=gain,
    )


def _head_slice(made: Birdcage, shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """|B1+| over its mean and point SAR at 1 uT in a thin slice of the head; the rungs' harmonics are nothing there."""
    body, grid = head_sphere(made.brief.frequency_Hz), Grid.centred(shape, (_FINE_M,) * 3)
    drive = rotating_mode(made.shape.rungs)[None]
    fields = sphere_transmit(made.shape, body, grid, drive, np.zeros((made.shape.rungs,) * 2), 1)
    mean = made.figures["b1_head_T_per_A"]
    b1 = np.where(fields.inside, np.abs(fields.driven_T(_ONE)) / mean, np.nan)
    sar = np.where(fields.inside, fields.sar_W_per_kg(_ONE) / (1e6 * mean) ** 2, np.nan)
    return np.squeeze(b1), np.squeeze(sar)


def training_signal(count: int = 4000, band: float = 0.1) -> np.ndarray:
    """Band-limited complex noise up to 0.9 of full scale, from which the pre-distorter learns (seed 0)."""
    rng = np.random.default_rng(0)
    spectrum = np.fft.fft(rng.standard_normal(count) + 1j * rng.standard_normal(count))
    x = np.fft.ifft(spectrum * (np.abs(np.fft.fftfreq(count)) < band / 2))
    return np.asarray(0.9 * x / np.abs(x).max())


def _write(made: Birdcage, drives: tuple[DrivenSlice, ...], folder: Path, seconds: float) -> dict[str, object]:
    brief, views = made.brief, birdcage_views(made, drives)
    sha = digest(asdict(brief))
    facts = [("brief", brief.name), ("brief's source", brief.source), ("brief's SHA-256", sha), ("made in", f"{seconds:.1f} s")]
    ways = {d.name: {"rms_error": d.rms_error, "power_W_per_T2": d.power_W_per_T2} for d in drives}
    told: dict[str, object] = {"seconds": round(seconds, 2), "figures": made.figures, "drives": ways, "brief_sha256": sha}
    modes = views.modes_Hz.tolist()
    write_text(json.dumps({"brief": asdict(brief), "modes_Hz": modes, **told}, indent=1) + "\n", folder / "birdcage.json")
    for name, drawing in (("birdcage.png", birdcage_figure(views)), ("modes.png", modes_figure(views))):
        write_picture(drawing, folder / name, 80)
    shown = birdcage_page(brief.name, brief.source, views, demands(made), made.figures, facts)
    write_text(shown, folder / "report.html")
    return told
