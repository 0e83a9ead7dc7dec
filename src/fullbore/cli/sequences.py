"""`fullbore sequence`: pulse sequences listed, shown, built and checked."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fullbore import files
from fullbore.cli.bodies import setting
from fullbore.cli.doors import write_text
from fullbore.cli.folder import new_folder
from fullbore.cli.machines import machine, machine_names
from fullbore.cli.terminal import say
from fullbore.cli.tries import tries
from fullbore.clinical import Solution, derived, shortest
from fullbore.clinical.library import protocol_text, sequence_protocol
from fullbore.clinical.report import sequence_page
from fullbore.clinical.shortest import Shortest
from fullbore.clinical.solve import Search
from fullbore.data import ScannerSpec, Sequence, Subject, Verdict
from fullbore.errors import LimitError, UsageError
from fullbore.machinery import read_toml
from fullbore.safety import check as judged
from fullbore.sequence import SEQUENCES, parse_protocol

REFUSED = LimitError.exit_code


def list_sequences(options: argparse.Namespace) -> int:
    """Name, what it is and who published it."""
    known = {name: {"about": kind.about, "source": kind.source} for name, kind in sorted(SEQUENCES.items())}
    if options.json:
        sys.stdout.write(json.dumps(known) + "\n")
        return 0
    width = max(map(len, known))
    sys.stdout.writelines(f"{name:<{width}}  {told['about']}. {told['source']}\n" for name, told in known.items())
    return 0


def protocol(options: argparse.Namespace) -> int:
    """The protocol file of a sequence, as text to keep and change."""
    if options.json:
        sys.stdout.write(json.dumps(sequence_protocol(options.name)) + "\n")
    else:
        sys.stdout.write(protocol_text(options.name))
    return 0


def show(options: argparse.Namespace) -> int:
    """Write report.html of a sequence."""
    return _shown(options, with_file=False)


def build(options: argparse.Namespace) -> int:
    """Write NAME.seq and report.html of a sequence."""
    return _shown(options, with_file=True)


def check(options: argparse.Namespace) -> int:
    """Print every finding of the safety check; the exit code says whether the scan is allowed."""
    spec = machine(options.scanner)
    search = _asked(options, spec)
    early = search is not None and not search.solution.legal and not options.nearest and not options.json
    if search is not None and early and search.first.sequence is not None and search.first.verdict is not None:
        _print_findings(search.first.sequence, search.first.verdict)  # whoever waits for the search knows the reason
    solution = _found(options, search)
    if solution is not None and solution.verdict is None and not options.nearest:
        return _refused(options, solution)
    sequence, verdict = _chosen(options, spec, solution)
    if options.json:
        record = {**asdict(verdict), "allowed": verdict.allowed, "derived": _figures(sequence, verdict), **_advice(solution)}
        sys.stdout.write(json.dumps(record, default=str) + "\n")
    elif solution is not None and early:
        sys.stdout.write(solution.sentence() + "\n")
    else:
        _print_findings(sequence, verdict)
        if solution is not None and not solution.legal:
            sys.stdout.write(solution.sentence() + "\n")
    return 0 if verdict.allowed else REFUSED


def _print_findings(sequence: Sequence, verdict: Verdict) -> None:
    """Every finding, the derived figures, and whether it is allowed."""
    for finding in verdict.findings:
        sys.stdout.write(f"{'ok  ' if finding.allowed else 'OVER'}  {finding}\n")
    sys.stdout.writelines(f"{item.name}: {item}\n" for item in derived(sequence, verdict))
    sys.stdout.write(f"{verdict.sequence} on {verdict.scanner}: {'allowed' if verdict.allowed else 'refused'}.\n")
    sys.stdout.flush()


def limits(options: argparse.Namespace) -> int:
    """Print how short the times of a protocol can be on each machine, and what binds."""
    protocol = parse_protocol(_table(options), quick=options.quick)
    machines = options.scanner or machine_names()
    specs = [machine(name) for name in machines]
    found = [shortest(protocol, spec, _subject(options), options.mode, progress=tries(options)) for spec in specs]
    if options.json:
        told = {spec.name: _limits_record(item) for spec, item in zip(specs, found, strict=True)}
        sys.stdout.write(json.dumps(told) + "\n")
        return 0
    for spec, item in zip(specs, found, strict=True):
        needs = f" (with {item.solution.arguments})" if item.solution.arguments else ""
        margin = f", nerves keep {item.nerve_margin:.0%} of their limit" if item.protocol is not None else ""
        sys.stdout.write(f"{spec.name}{needs}{margin}\n")
        if item.protocol is None:
            sys.stdout.write(f"  {item.solution.sentence()}\n")
        for bound in item.bounds:
            binds = f"{bound.reason.binds}: {bound.reason.sentence}" if bound.reason is not None else ""
            sys.stdout.write(f"  shortest {bound.field:<16} {bound.value_s * 1e3:>10.6g} ms  {binds}\n")
    return 0


def _limits_record(item: Shortest) -> dict[str, Any]:
    """The shortest times of one machine as JSON has them."""
    times = {f"{bound.field}_s": bound.value_s for bound in item.bounds}
    binds = {bound.field: bound.reason.binds for bound in item.bounds if bound.reason is not None}
    margin = item.nerve_margin if item.protocol is not None else None
    return {**times, "binds": binds, "nerve_margin": margin, **_advice(item.solution)}


def _shown(options: argparse.Namespace, *, with_file: bool) -> int:
    spec = machine(options.scanner)
    search = _asked(options, spec)
    built = search is not None and search.first.sequence is not None
    solution = _found(options, search, look=with_file or options.nearest or not built)
    if solution is not None and not solution.legal and not options.nearest and (with_file or solution.sequence is None):
        return _refused(options, solution)
    sequence, verdict = _chosen(options, spec, solution)
    folder = new_folder(options.out, f"{sequence.name}-sequence")
    record = {"status": "complete", "folder": str(folder), "blocks": sequence.blocks, "readouts": sequence.encoding.rows}
    record |= {"duration_s": sequence.total_duration_s, "allowed": verdict.allowed, "derived": _figures(sequence, verdict)}
    record |= _advice(solution)
    if with_file:
        path = folder / f"{sequence.name}.seq"
        files.write_pulseq(sequence, path)
        record["file"] = str(path)
    kind = SEQUENCES.get(str(_table(options).get("protocol", {}).get("sequence", "")) if _is_protocol(options) else "")
    about = f"{kind.about}. {kind.source}" if kind else f"Read from {options.what}."
    facts = [*_facts(options, spec), *(solution.changes.items() if solution is not None and options.nearest else ())]
    write_text(sequence_page(sequence, sequence.name, facts, verdict, about), folder / "report.html")
    if options.json:
        sys.stdout.write(json.dumps(record) + "\n")
    else:
        word = "allowed" if verdict.allowed else "REFUSED: " + " ".join(str(item) for item in verdict.refusals)
        size = f"{sequence.total_duration_s:.4g} s, {sequence.blocks} blocks, {sequence.encoding.rows} readouts"
        files_there = f"{folder}/report.html" + (f", {record['file']}" if with_file else "")
        sys.stdout.write(f"{sequence.name}: {size}; {word}\ndone: {files_there}\n")
    return 0


def _asked(options: argparse.Namespace, spec: ScannerSpec) -> Search | None:
    """The protocol that is asked for, judged, and the way to the nearest legal one; None for a Pulseq file."""
    if options.tries < 0:
        raise UsageError(f"--tries: got {options.tries}, wanted 0 (no search) or more.")
    if _is_protocol(options):
        protocol = parse_protocol(_table(options), quick=options.quick)
        most = options.tries + 1
        return Search(protocol, spec, _subject(options), options.mode, builds=most, progress=tries(options, most))
    if options.set or options.quick or options.nearest:
        raise UsageError(f"{options.what}: --set, --quick and --nearest are for protocols, not Pulseq files. Leave them out.")
    return None


def _found(options: argparse.Namespace, search: Search | None, *, look: bool = True) -> Solution | None:
    """What becomes of it. look: for a legal protocol where it is none; Ctrl-C ends that with what is known by then."""
    if search is None:
        return None
    if look and options.tries and not search.first.legal:
        if not options.json:
            why = " ".join(reason.sentence for reason in search.reasons)
            say(f"{search.first.protocol.name}: {why}\nLooking for the nearest legal protocol. Ctrl-C ends the search.")
        try:
            search.run()
        except KeyboardInterrupt:
            say("The search was ended before it was complete.")
    return search.solution


def _chosen(options: argparse.Namespace, spec: ScannerSpec, solution: Solution | None) -> tuple[Sequence, Verdict]:
    """The sequence to go on with, and what the safety check says of it."""
    if solution is None:
        sequence = files.read_pulseq(options.what, b0_T=spec.b0_T)
        return sequence, judged(sequence, spec, _subject(options), options.mode)
    nearest = solution.nearest_sequence, solution.nearest_verdict
    sequence, verdict = nearest if options.nearest else (solution.sequence, solution.verdict)  # type: ignore[assignment]
    if sequence is None or verdict is None:
        raise LimitError(solution.sentence())
    if options.nearest and solution.changes:
        say(solution.sentence())
    return sequence, verdict


def _refused(options: argparse.Namespace, solution: Solution) -> int:
    """Say why and what would be allowed. Errors: LimitError with that sentence, but for JSON, which is printed."""
    if not options.json:
        raise LimitError(solution.sentence())
    error = {"status": "error", "exit_code": REFUSED, "error": solution.sentence(), "allowed": False}
    sys.stdout.write(json.dumps({**error, **_advice(solution)}, default=str) + "\n")
    return REFUSED


def _advice(solution: Solution | None) -> dict[str, Any]:
    """Why a protocol is not legal and the nearest one that is; {} where there is nothing to advise."""
    if solution is None or solution.legal:
        return {}
    reasons = [{key: value for key, value in asdict(reason).items() if value == value} for reason in solution.reasons]
    nearest = {"changes": solution.changes, "arguments": solution.arguments} if solution.nearest is not None else None
    return {"reasons": reasons, "nearest": nearest}


def _figures(sequence: Sequence, verdict: Verdict) -> dict[str, Any]:
    """The derived figures, SI."""
    return {item.name: {"values": list(item.values), "unit": item.unit} for item in derived(sequence, verdict)}


def _subject(options: argparse.Namespace) -> Subject:
    return Subject(identifier="unnamed", name="Unnamed", mass_kg=options.mass, height_m=1.75)


def _is_protocol(options: argparse.Namespace) -> bool:
    return Path(options.what).suffix != ".seq"


def _table(options: argparse.Namespace) -> dict[str, Any]:
    """The protocol's tables with the changes that were asked for, which hold for its small version, too."""
    table = read_toml(Path(options.what)) if Path(options.what).suffix == ".toml" else sequence_protocol(options.what)
    changes = dict(setting(text) for text in options.set)
    settings = table.get("protocol", {})
    if not isinstance(settings, dict):
        raise UsageError(f"{options.what}: got no table [protocol], wanted one with the settings.")
    quick = {**table.get("quick", {}), **changes} if options.quick else table.get("quick", {})
    return {**table, "protocol": {**settings, **changes}, "quick": quick}


def _facts(options: argparse.Namespace, spec: ScannerSpec) -> list[tuple[str, str]]:
    """The machine and the protocol, key by key."""
    limits = spec.limits
    machine = f"{spec.name}: {limits.gradient_T_per_m * 1e3:g} mT/m, {limits.slew_T_per_m_s:g} T/m/s"
    if not _is_protocol(options):
        return [("machine", machine)]
    table = _table(options)
    settings = {**table["protocol"], **(table.get("quick", {}) if options.quick else {})}
    return [("machine", machine), *((key, str(value)) for key, value in settings.items())]
