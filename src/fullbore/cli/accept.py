"""`fullbore accept`: the acceptance tests of a machine, on the virtual scanner."""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.markup import escape

from fullbore import phantom, recon, sequence
from fullbore.cli.doors import noun_digest, sampled, write_text
from fullbore.cli.folder import new_folder
from fullbore.cli.machines import machine
from fullbore.cli.outcome import print_record, write_picture
from fullbore.cli.terminal import ExamTerminal
from fullbore.clinical.acceptance import QUICK_TESTS, TESTS, Reading, Scan, Taken, View, measure, scans
from fullbore.clinical.report.acceptance_page import acceptance_figure, acceptance_page
from fullbore.data import FieldMap, Grid, Phantom, ScannerSpec, Subject
from fullbore.errors import UsageError
from fullbore.scanner import FaultyScanner, VirtualScanner, faults_of

# Who is told to the safety check: a phantom has no nerves, and is judged as its usual reference subject all the same.
SUBJECT = Subject(identifier="FB-QA", name="Quality^Assurance", mass_kg=75.0, height_m=1.75)
# Seconds on an idle core, full and quick, of (sampling the object, scanning), for the first guess of the time to go.
_EXPECTED_S = {
    "slice": ((15.0, 3.0), (3.0, 0.6)),
    "gradient": ((1.0, 0.8), (1.0, 0.8)),
    "sagittal": ((2.0, 1.3), (2.0, 0.6)),
    "spheres": ((1.5, 5.0), (1.5, 5.0)),
}
_REJECTED = 1
_TOLERANCE = 1e-3
"""Of the simulation: a sphere is a twelfth of a plate's samples, so that 5e-3 of them all were 5 % of its T1."""


def accept(options: argparse.Namespace) -> int:
    """Scan, measure, print each figure, write accept.json, accept.png and report.html. Returns 1 when a limit is not kept."""
    tests = _tests(options.tests, options.quick)
    if options.seed < 0:
        raise UsageError(f"--seed: got {options.seed}, wanted a whole number from 0.")
    faults, spec = faults_of(options.fault), machine(options.scanner)
    planned, began = scans(tests, options.quick), time.monotonic()
    folder = new_folder(options.out, "acceptance")
    expected: dict[str, float] = {}
    for scan in planned:
        paint, play = _EXPECTED_S[scan.name.split("-")[0]][options.quick]
        expected |= {f"{scan.name}/object": paint, f"{scan.name}/scan": play}
    with ExamTerminal(expected) as terminal:
        terminal.line(f"{spec.name}: {', '.join(tests)}" + (f"; planted: {', '.join(options.fault)}" if faults else ""))
        taken, clock_s, bodies = {}, 0.0, Bodies()
        for number, scan in enumerate(planned):
            terminal.progress(scan.name, "object", 0.0, "sampling the object")
            scanner = VirtualScanner(spec=spec, phantom=bodies.part(scan), subject=SUBJECT, tolerance=_TOLERANCE)
            terminal.progress(scan.name, "object", 1.0, "")
            faulty = FaultyScanner(scanner=scanner, faults=faults)
            taken[scan.name], spent = take(scan, faulty, spec, options.seed + number, clock_s, _teller(terminal, scan.name))
            clock_s += spent
        views = measure(taken, tests, spec.b0_T)
        readings = [reading for view in views for reading in view.readings]
        for reading in readings:
            terminal.line(_sentence(reading), markup=True)
        record = _write(folder, spec, options, views, readings, time.monotonic() - began)
        terminal.line(f"{record['verdict']}: open {folder}/report.html")
    print_record(options, folder, record)
    return 0 if record["accepted"] else _REJECTED


def take(
    scan: Scan, machine: FaultyScanner, installed: ScannerSpec, seed: int, began_s: float, tell: Callable[[float, str], None]
) -> tuple[Taken, float]:
    """One scan and how long it took on the machine's clock. installed: the machine as its calibration knows it."""
    played = sequence.build(scan.protocol, installed.limits)
    verdict = machine.judge(played)
    raw = machine.acquire(
        played, verdict, seed=seed, began_s=began_s, progress=lambda done, what: tell(0.9 * done, what if done < 1 else "read")
    )
    image = recon.reconstruct(raw)
    tell(1.0, "")
    array, transmit = installed.receive.sensitivity, installed.transmit
    shading = sampled(np.sqrt((np.abs(array.values) ** 2).sum(axis=0)), array.grid, image.grid)
    flip_scale = sampled(np.abs(transmit.values[0]), transmit.grid, image.grid)
    taken = Taken(
        scan=scan, image=image, raw=raw, verdict=verdict, shading=shading, flip_scale=flip_scale, began_s=began_s
    )  # fmt: skip
    return taken, played.total_duration_s


class Bodies:
    """The objects that are scanned, each made once, and their parts sampled; the same part only once."""

    def __init__(self) -> None:
        self._bodies: dict[str, phantom.Body] = {}
        self._parts: dict[tuple[object, ...], Phantom] = {}

    def part(self, scan: Scan) -> Phantom:
        """What a scan looks at, in a field without inhomogeneity: the object is shimmed, and its plastic does not disturb."""
        key = (scan.body, scan.middle_m, scan.half_m, scan.spacing_m)
        if key not in self._parts:
            if scan.body not in self._bodies:
                self._bodies[scan.body] = phantom.make_body(scan.body)
            x, y, z = (2 * math.ceil(half / step) + 1 for half, step in zip(scan.half_m, scan.spacing_m, strict=True))
            grid = Grid.centred((z, y, x), scan.spacing_m, scan.middle_m)
            flat = FieldMap(values=np.zeros((1, 2, 2, 2), np.float32), grid=Grid.centred((2, 2, 2), (0.5, 0.5, 0.5)), unit="ppm")
            self._parts[key] = phantom.sampled(self._bodies[scan.body], grid, oversampling=2, field_ppm=flat)
        return self._parts[key]


def _tests(asked: str, quick: bool) -> tuple[str, ...]:
    """Names of tests, in their own order. Errors: UsageError for an unknown one."""
    if not asked:
        return QUICK_TESTS if quick else tuple(TESTS)
    names = [name.strip() for name in asked.split(",") if name.strip()]
    for name in names:
        if name not in TESTS:
            raise UsageError(f"--tests: got {name!r}, wanted some of {', '.join(TESTS)}.")
    return tuple(name for name in TESTS if name in names)


def _teller(terminal: ExamTerminal, name: str) -> Callable[[float, str], None]:
    return lambda fraction, what: terminal.progress(name, "scan", fraction, what)


def _sentence(reading: Reading) -> str:
    """A figure beside its limit, marked up."""
    passed = reading.passed
    colour = "dim" if passed is None else "green" if passed else "yellow" if reading.explained else "red"
    limit = f", wanted {reading.limit}" if reading.limit else ""
    note = f"   {reading.note}" if reading.note else ""
    word = f"[{colour}]{reading.word:<14}[/{colour}]"
    return f"  {word} " + escape(f"{reading.test}, {reading.name}: {reading.value:.4g} {reading.unit}{limit}{note}")


def _write(
    folder: Path, spec: ScannerSpec, options: argparse.Namespace, views: list[View], readings: list[Reading], seconds: float
) -> dict[str, object]:
    failed = [reading for reading in readings if reading.passed is False and not reading.explained]
    accepted = not failed
    verdict = "accepted" if accepted else f"not accepted, {len(failed)} figures beyond their limits"
    record: dict[str, object] = {
        "accepted": accepted, "verdict": verdict, "scanner": spec.name, "scanner_sha256": noun_digest(spec), "seed": options.seed,
        "quick": options.quick, "planted": options.fault, "seconds": round(seconds, 1),
        "readings": [_entry(reading) for reading in readings],
    }  # fmt: skip
    write_text(json.dumps(record, indent=1) + "\n", folder / "accept.json")
    write_picture(acceptance_figure(views), folder / "accept.png", 80)
    facts = [
        ("machine", spec.name), ("SHA-256 of its description", noun_digest(spec)),
        ("planted faults", ", ".join(options.fault) or "none"),
        ("verdict", verdict), ("made in", f"{seconds:.0f} s"),
    ]  # fmt: skip
    write_text(acceptance_page(f"Acceptance of {spec.name}", views, facts), folder / "report.html")
    return record


def _entry(reading: Reading) -> dict[str, object]:
    """A reading for JSON, which knows no NaN and no infinity."""
    value = reading.value if math.isfinite(reading.value) else None
    return asdict(reading) | {"value": value, "passed": reading.passed, "word": reading.word}
