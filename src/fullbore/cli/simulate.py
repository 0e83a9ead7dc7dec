"""`fullbore simulate`: any Pulseq file on a digital subject, to raw data."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fullbore import files, phantom
from fullbore.cli.bodies import setting
from fullbore.cli.doors import write_text
from fullbore.cli.folder import new_folder
from fullbore.cli.machines import machine
from fullbore.cli.outcome import write_picture
from fullbore.cli.terminal import ExamTerminal
from fullbore.clinical.report import raw_figure, raw_page
from fullbore.data import Phantom, RawData, ScannerSpec, Sequence
from fullbore.errors import AcquisitionInterrupted, UsageError
from fullbore.machinery import file_digest
from fullbore.simulate import acquire

# At which a body of continuous shapes is sampled for the simulator.
SPACING_M = 2e-3
# Between times at which movements without a common period are known, and how many of them at most.
FRAME_S, MOST_FRAMES = 0.05, 200

PHANTOMS: dict[str, Callable[[], Phantom]] = {
    "head": phantom.head,
    "sphere": phantom.sphere,
    "box": phantom.uniform_box,
    "vials": phantom.cylinder_vials,
}


def simulate(options: argparse.Namespace) -> int:
    """Read the sequence, say the plan, play it, write raw.h5, raw.png and report.html; what Ctrl-C leaves is written too."""
    if options.phantom not in PHANTOMS and options.phantom not in phantom.BODIES:
        raise UsageError(f"--phantom: got {options.phantom!r}, wanted one of {', '.join([*PHANTOMS, *phantom.BODIES])}.")
    if options.seed < 0 or options.spins < 1:
        raise UsageError(f"--seed, --spins: got {options.seed}, {options.spins}, wanted a seed from 0 and at least one spin.")
    spec = machine(options.scanner)
    sequence = files.read_pulseq(options.file, b0_T=spec.b0_T)
    body = _subject(options, sequence.total_duration_s)
    if options.contrast != 0:
        body = phantom.with_contrast(body, sequence.total_duration_s, dose_mmol_per_kg=options.contrast)
    if options.task:
        body = phantom.with_activation(body, [_block(text) for text in options.task], sequence.total_duration_s)
    folder = new_folder(options.out, f"{options.file.stem}-raw")
    with ExamTerminal({f"{options.file.stem}/simulate": 60.0}) as terminal:
        terminal.line(
            f"{options.file.name} ({sequence.encoding.rows} readouts, {sequence.total_duration_s:.3g} s) on {options.phantom}"
        )
        began = time.monotonic()
        try:
            raw = _play(options, terminal, body, sequence, spec)
        except AcquisitionInterrupted as interrupted:
            assert isinstance(interrupted.acquired, RawData)
            _write(interrupted.acquired, folder, options, time.monotonic() - began)
            raise
        except BaseException:
            folder.rmdir()  # it is empty: a refusal leaves nothing behind
            raise
        _write(raw, folder, options, time.monotonic() - began)
        terminal.line(f"done: open {folder}/report.html, or reconstruct with: fullbore recon {folder}/raw.h5")
    if options.json:
        record = {"status": "complete", "file": str(options.file), "folder": str(folder), "readouts": raw.encoding.rows}
        sys.stdout.write(json.dumps({**record, **raw.provenance}) + "\n")
    return 0


def _subject(options: argparse.Namespace, duration_s: float) -> Phantom:
    if options.phantom in PHANTOMS:
        if options.set:
            raise UsageError(f"--set: {options.phantom} has no parameters. Choose a body of `fullbore phantom list`.")
        return PHANTOMS[options.phantom]()
    body = phantom.make_body(options.phantom, dict(setting(text) for text in options.set))
    if options.still:
        return phantom.sampled(body, SPACING_M)
    frames = min(int(np.ceil(duration_s / FRAME_S)) + 1, MOST_FRAMES)
    times_s = None if phantom.period_s(body) is not None else duration_s * np.arange(frames) / max(frames - 1, 1)
    return phantom.moving(body, SPACING_M, times_s)


def _block(text: str) -> tuple[float, float]:
    """Begin and end (s) of a block of work, written BEGIN:END."""
    begin, _, end = text.partition(":")
    try:
        return float(begin), float(end)
    except ValueError:
        raise UsageError(f"--task: got {text!r}, wanted BEGIN:END in seconds, e.g. 10:30.") from None


def _play(options: argparse.Namespace, terminal: ExamTerminal, body: Phantom, sequence: Sequence, spec: ScannerSpec) -> RawData:
    def tell(fraction: float, what: str) -> None:
        if (fraction == 0.0 and what != "planning") or what.startswith("WARNING"):
            terminal.line(f"  {what}")
        terminal.progress(options.file.stem, "simulate", fraction, what if fraction < 1 else "")

    return acquire(
        body, sequence, spec, seed=options.seed, engine=options.engine, spins=options.spins, progress=tell,
    )  # fmt: skip


def _write(raw: RawData, folder: Path, options: argparse.Namespace, seconds: float) -> None:
    files.write_mrd(raw, folder / "raw.h5")
    write_picture(raw_figure(raw), folder / "raw.png", 110)
    facts = [("sequence", options.file.name), ("SHA-256", file_digest(options.file)), ("simulated in", f"{seconds:.1f} s")]
    write_text(raw_page(raw, f"{options.file.stem} on {options.phantom}", facts), folder / "report.html")
