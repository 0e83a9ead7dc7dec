"""`fullbore scan`: a digital subject on the virtual 3 T, from protocol to delivered exam."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from fullbore import clinical
from fullbore.cli.doors import Machine, exam_doors
from fullbore.cli.folder import new_folder, refuse_taken
from fullbore.cli.terminal import ExamTerminal, clock_text
from fullbore.clinical import exam_protocols
from fullbore.clinical.report import exam_page
from fullbore.data import Finding, Subject, Verdict
from fullbore.errors import UsageError
from fullbore.machinery import digest, read_toml

SUBJECT = Subject(identifier="FB-MNI152", name="Phantom^Digital", mass_kg=75.0, height_m=1.75)
_FIGURES = 6
"""Kinds of check that the line of a verdict names."""

# What each stage took on two cores, for the first guess of the time to go: (full, quick) seconds.
EXPECTED_S: dict[str, dict[str, tuple[float, float]]] = {
    "localizer": {
        "plan": (0.1, 0.1),
        "check": (0.1, 0.1),
        "scan": (3.3, 2.5),
        "reconstruct": (1.8, 1.7),
        "quantify": (0.5, 0.5),
        "deliver": (0.1, 0.1),
    },
    "t1_mprage": {
        "plan": (0.2, 0.1),
        "check": (0.1, 0.1),
        "scan": (16, 4),
        "reconstruct": (10, 2.3),
        "quantify": (3.5, 0.5),
        "deliver": (0.6, 0.1),
    },
    "t2_tse": {
        "plan": (0.1, 0.1),
        "check": (0.1, 0.1),
        "scan": (28, 4),
        "reconstruct": (4, 0.4),
        "quantify": (0.7, 0.2),
        "deliver": (0.1, 0.1),
    },
    "t1t2_map": {
        "plan": (0.1, 0.1),
        "check": (0.1, 0.1),
        "scan": (11, 5),
        "reconstruct": (2.1, 0.5),
        "quantify": (2, 0.7),
        "deliver": (1, 0.7),
    },
}


def scan(options: argparse.Namespace) -> int:
    """Run the exam that the options ask for."""
    chosen = tuple(name.strip() for name in options.series.split(",") if name.strip())
    protocols = exam_protocols(options.region, chosen)
    if options.protocol:
        protocols = {path.stem: read_toml(path) for path in options.protocol}
    if options.seed < 0:
        raise UsageError(f"--seed: got {options.seed}, wanted a non-negative whole number.")
    refuse_taken(options.out)
    machine = Machine.assemble(options.scanner, SUBJECT)
    plan = plan_exam(options.region, protocols, options.quick, options.seed, machine, options.scanner)
    exam = run_exam(plan, machine, new_folder(options.out, "exam"))
    if options.json:
        sys.stdout.write(json.dumps(exam.record) + "\n")
    return 0


def plan_exam(
    region: str,
    protocols: dict[str, dict[str, Any]],
    quick: bool,
    seed: int,
    machine: Machine,
    preset: str,
    started: datetime | None = None,
) -> clinical.ExamPlan:
    """The plan of an exam on a machine; `started` is now unless given."""
    spec = machine.scanner.spec
    return clinical.ExamPlan(
        region=region,
        protocols=protocols,
        quick=quick,
        seed=seed,
        subject=machine.scanner.subject,
        started=started or datetime.now().astimezone().replace(microsecond=0),
        limits=spec.limits,
        b0_T=spec.b0_T,
        system=spec.name,
        machine={"preset": preset, "sha256": machine.spec_sha256},
        inputs={"scanner": machine.spec_sha256, "phantom": machine.phantom_sha256, "limits": digest(asdict(spec.limits))},
    )


def run_exam(plan: clinical.ExamPlan, machine: Machine, folder: Path) -> clinical.Exam:
    """Run the exam, write the report whatever happens, say what came out."""
    began = time.perf_counter()
    with ExamTerminal(_expected(plan.protocols, plan.quick)) as terminal:
        terminal.line(f"{plan.region} exam on {plan.system} ({plan.b0_T:g} T) -> {folder}/")
        exam = clinical.Exam(
            plan, exam_doors(machine), folder, announce=lambda verdict: terminal.line(_verdict_text(verdict), markup=True)
        )
        try:
            exam.run(_teller(terminal))
        finally:
            exam.doors.write_text(exam_page(exam), folder / "report.html")
        exam.record["seconds"] = round(time.perf_counter() - began, 2)
        for line in _closing_lines(exam, folder):
            terminal.line(line)
    return exam


def _teller(terminal: ExamTerminal) -> Callable[[str, str, float, str], None]:
    """Progress, and a line for a scan that is played by spins: why, and how long that may take."""

    def tell(series: str, stage: str, fraction: float, text: str) -> None:
        if fraction == 0.0 and text.startswith("plan: ") and "isochromats" in text:
            terminal.line(f"  {series:<10} {text}")
        terminal.progress(series, stage, fraction, text)

    return tell


def _expected(protocols: dict[str, dict[str, Any]], quick: bool) -> dict[str, float]:
    guess = EXPECTED_S["t2_tse"]
    return {f"{n}/{stage}": float(t[1 if quick else 0]) for n in protocols for stage, t in EXPECTED_S.get(n, guess).items()}


def _verdict_text(verdict: Verdict) -> str:
    """Allowed or refused, and the kinds of check that come nearest their limits; refusals and hints in full."""
    nearest: dict[str, Finding] = {}
    for finding in verdict.findings:
        kind = finding.check.partition(",")[0]
        if (finding.binding and finding.limit > 0) and (
            kind not in nearest or finding.value / finding.limit > nearest[kind].value / nearest[kind].limit
        ):
            nearest[kind] = finding
    first = sorted(nearest.items(), key=lambda item: -item[1].value / item[1].limit)[:_FIGURES]
    figures = ", ".join(f"{kind} {f.value:.3g} of {f.limit:.3g} {f.unit}" for kind, f in first)
    word = "[green]allowed[/green]" if verdict.allowed else "[red]refused[/red]"
    reasons = "".join(f"\n    {finding}" for finding in verdict.refusals)
    reasons += "".join(f"\n    hint: {finding}" for finding in verdict.hints)
    return f"  {verdict.sequence:<10} {word} in {verdict.mode} mode: {figures}{reasons}"


def _closing_lines(exam: clinical.Exam, folder: Path) -> list[str]:
    lines = []
    for result in exam.results:
        for r in result.regions:
            lines.append(
                f"  {r.quantity} {r.tissue}: {1e3 * r.median:.0f} ms, truth {1e3 * r.truth:.0f} ms ({r.error_percent:+.1f} %)"
            )
        if result.figures and "white_to_grey" in result.figures:
            figures = result.figures
            lines.append(
                f"  {result.name}: white/grey {figures['white_to_grey']:.2f}, expected {figures['white_to_grey_expected']:.2f}"
            )
    return [*lines, f"done in {clock_text(exam.record['seconds'])}: open {folder}/report.html"]
