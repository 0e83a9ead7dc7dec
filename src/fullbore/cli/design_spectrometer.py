"""`fullbore design spectrometer`: clock, converter, filters and gain from a brief."""

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
from fullbore.clinical.report import Demand, SpectrometerViews, spectrometer_figure, spectrometer_page
from fullbore.hardware.spectrometer import (
    Spectrometer,
    SpectrometerBrief,
    design_spectrometer,
    load_spectrometer_brief,
    parse_spectrometer_brief,
    transmit_figures,
    zones,
)
from fullbore.hardware.spectrometer.cic import cic_response
from fullbore.hardware.spectrometer.compensation import response
from fullbore.hardware.spectrometer.machine import DEMANDED, digital_of, judged
from fullbore.hardware.spectrometer.noise_budget import decibels, jitter_dB, process_gain_dB, quantisation_dB
from fullbore.hardware.spectrometer.transmit import pulse_error
from fullbore.machinery import digest

_DEFAULT = "3t"
_WORDS = {
    "dynamic_range_dB": "largest signal over k T in 1 Hz",
    "noise_figure_dB": "noise figure",
    "signal_to_noise_dB": "signal-to-noise ratio, largest bandwidth",
    "flatness_dB": "flatness of the passband",
    "alias_dB": "alias rejection",
}


def spectrometer(options: argparse.Namespace) -> int:
    """Design a spectrometer; write spectrometer.json, spectrometer.png and report.html."""
    brief = chosen_brief(options, "design spectrometer", parse_spectrometer_brief, load_spectrometer_brief, _DEFAULT)
    began = time.monotonic()
    with ExamTerminal({f"{brief.name}/design": 1.0}) as terminal:
        terminal.line(f"{brief.name}: {brief.b0_T:g} T, {brief.demands.bandwidth_Hz / 1e6:g} MHz")
        made = design_spectrometer(brief, lambda fraction, what: terminal.progress(brief.name, "design", fraction, what))
        folder = new_folder(options.out, brief.name)
        record = _write(made, brief, folder, time.monotonic() - began)
        terminal.line(
            f"  {made.bits} bits at {made.clock_Hz / 1e6:g} MHz, {made.attenuation_dB:g} dB of attenuation, CIC of order "
            f"{made.cic_order} and {len(made.taps)} taps"
        )
        tell_demands(terminal, demands(made, brief))
        terminal.line(f"done: open {folder}/report.html")
    print_record(options, folder, record)
    return 0


def demands(made: Spectrometer, brief: SpectrometerBrief) -> list[Demand]:
    """The brief's demands beside what is reached."""
    found = [
        Demand(name=_WORDS[key], value=made.figures[key], limit=getattr(brief.demands, key), unit="dB", at_least=more)
        for key, more in DEMANDED
    ]
    aliases = made.figures["analogue_alias_dB"]
    return [*found, Demand(name="aliases before sampling", value=aliases, limit=brief.demands.alias_dB, unit="dB", at_least=True)]


def _write(made: Spectrometer, brief: SpectrometerBrief, folder: Path, seconds: float) -> dict[str, object]:
    views, sha = spectrometer_views(made, brief), digest(asdict(brief))
    transmit = transmit_figures(brief)
    transmit["error_of_a_sinc_dB"] = 20 * float(np.log10(pulse_error(_sinc(brief), brief)))
    record: dict[str, object] = {"seconds": round(seconds, 2), "figures": made.figures, "transmit": transmit, "brief_sha256": sha}
    whole = {"brief": asdict(brief), "spectrometer": asdict(made), **record}
    write_text(json.dumps(_finite(whole), indent=1) + "\n", folder / "spectrometer.json")
    write_picture(spectrometer_figure(views), folder / "spectrometer.png", 80)
    facts = [("brief", brief.name), ("brief's SHA-256", sha), ("designed in", f"{seconds:.1f} s")]
    text = spectrometer_page(made.name, made.source, views, demands(made, brief), made.figures, transmit, facts)
    write_text(text, folder / "report.html")
    return _finite(record)


def _finite(tree: dict[str, object]) -> dict[str, object]:
    """Infinite levels (no image at all) have no JSON: null."""
    return {
        key: _finite(value) if isinstance(value, dict) else None if isinstance(value, float) and np.isinf(value) else value
        for key, value in tree.items()
    }


def _sinc(brief: SpectrometerBrief) -> np.ndarray:
    """A slice-selective pulse of 1 ms, 4 kHz, at half of full scale."""
    times = np.arange(round(1e-3 / brief.transmit.raster_s)) * brief.transmit.raster_s - 0.5e-3
    return 0.5 * np.sinc(4e3 * times) * np.cos(np.pi * times / 1e-3) ** 2 + 0j


def spectrometer_views(made: Spectrometer, brief: SpectrometerBrief) -> SpectrometerViews:
    """What the report draws."""
    asked, band = brief.demands, brief.bandpass
    cic = int(made.figures["cic_decimation"])
    fast, share = made.clock_Hz / cic, process_gain_dB(made.clock_Hz, asked.bandwidth_Hz)
    frequency = np.linspace(-1.5 * fast, 1.5 * fast, 6001)
    passed = response(np.array(made.taps), frequency / fast) * cic_response(frequency / made.clock_Hz, made.cic_order, cic)
    rf = np.linspace(0.5 * made.carrier_Hz, 1.5 * made.carrier_Hz, 2001)
    jitter, bits = np.logspace(-14, -11, 61), np.arange(8, 21)
    digital = digital_of(brief, made.clock_Hz, made.decimation)
    losses = np.arange(int(brief.attenuator.most_dB) + 1.0)
    trade = [(loss, judged(brief, made.clock_Hz, digital, made.bits, float(loss)).figures) for loss in losses]
    figures = made.figures
    return SpectrometerViews(
        parts=_parts(made, brief),
        frequency_Hz=frequency,
        digital_dB=20 * np.log10(np.maximum(np.abs(passed), 1e-10)),
        rf_Hz=rf,
        analogue_dB=zones.bandpass_dB(rf, made.carrier_Hz, band.width_Hz, band.order),
        aliases_Hz=zones.images_Hz(made.carrier_Hz, made.clock_Hz),
        bandwidth_Hz=asked.bandwidth_Hz,
        passband=asked.passband,
        jitter_s=jitter,
        jitter_dB=np.array([jitter_dB(made.carrier_Hz, float(value)) for value in jitter]) + share,
        bits=bits,
        bits_dB=np.array([quantisation_dB(int(n)) for n in bits]) + share,
        own=(made.jitter_s, made.bits, figures["signal_to_noise_dB"]),
        gains=np.array([(loss, f["dynamic_range_dB"], f["noise_figure_dB"]) for loss, f in trade]),
        chosen_dB=made.attenuation_dB,
        noise=(
            ("the array's own (k T)", 0.0),
            ("with the preamplifier", decibels(made.first_noise_factor)),
            ("with all amplifiers", figures["amplifier_noise_figure_dB"]),
            ("with the converter's noise", decibels(made.noise_factor)),
            ("with the converter's steps", figures["noise_figure_dB"]),
        ),
    )


def _parts(made: Spectrometer, brief: SpectrometerBrief) -> tuple[tuple[str, str], ...]:
    front = [(s.name, f"{s.gain_dB:+g} dB, NF {s.noise_figure_dB:g}") for s in brief.front]
    back = [(s.name, f"{s.gain_dB:+g} dB, NF {s.noise_figure_dB:g}") for s in brief.back]
    zone, seen = made.figures["zone"], made.figures["alias_Hz"]
    return (
        *front,
        ("attenuator", f"-{made.attenuation_dB:g} dB"),
        *back,
        (f"{made.bits} bits", f"{made.clock_Hz / 1e6:g} MHz, zone {zone:g}"),
        ("oscillator", f"{seen / 1e6:.3f} MHz, {made.oscillator.accumulator_bits} bits"),
        (f"CIC order {made.cic_order}", f"/ {made.figures['cic_decimation']:g}"),
        (f"{len(made.taps)} taps", f"/ {made.decimation}"),
    )
