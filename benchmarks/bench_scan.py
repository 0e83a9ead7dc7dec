"""Time and peak memory of each stage of the exam, and the Pulseq writer against PyPulseq's.

Run: python benchmarks/bench_scan.py [--quick] [--json FILE]. The PyPulseq row needs `sh benchmarks/peers.sh` once;
without it the row says so.
Rows: {task, ours_s, ours_error, peer, peer_s, peer_error, ratio, note}; ratio = peer time over ours.
"""

from __future__ import annotations

import subprocess
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from convention import NO_PEER, PEER_PYTHON, options, row, tell

from fullbore import files
from fullbore.cli.doors import Machine, exam_doors
from fullbore.cli.scan import SUBJECT, plan_exam
from fullbore.clinical import Exam, exam_protocols
from fullbore.sequence import build, parse_protocol

PEER_WRITE = """
import statistics, sys, time, warnings
warnings.filterwarnings("ignore")
import pypulseq
sequence = pypulseq.Sequence()
sequence.read(sys.argv[1])
times = []
for _ in range(int(sys.argv[3])):
    began = time.perf_counter(); sequence.write(sys.argv[2]); times.append(time.perf_counter() - began)
print(statistics.median(times))
"""


class PeakMemory:
    """Largest resident size of this process while the context is open, sampled every 5 ms."""

    def __enter__(self) -> PeakMemory:
        self.peak_MB, self._open = 0.0, True
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while self._open:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.peak_MB = max(self.peak_MB, pages * 4096 / 1e6)
            time.sleep(0.005)

    def __exit__(self, *failure: object) -> None:
        self._open = False
        self._thread.join()


def exam_rows(quick: bool) -> list[dict[str, Any]]:
    """One row for each stage of each series, and one for the whole exam."""
    peaks: dict[str, PeakMemory] = {}
    current: list[str] = []

    def watch(series: str, stage: str, fraction: float, text: str) -> None:
        key = f"{series}/{stage}"
        if current and current[0] != key:
            peaks[current.pop()].__exit__()
        if not current:
            current.append(key)
            peaks[key] = PeakMemory().__enter__()

    with tempfile.TemporaryDirectory() as scratch:
        began = time.perf_counter()
        machine = Machine.assemble("fullbore-65cm", SUBJECT)
        assembled = time.perf_counter() - began
        exam = Exam(
            plan_exam("brain", exam_protocols("brain"), quick, 1, machine, "fullbore-65cm"), exam_doors(machine), Path(scratch)
        )
        exam.run(watch)
        whole = time.perf_counter() - began
    peaks[current.pop()].__exit__()
    rows = [row("assemble machine and head", assembled)]
    for entry in exam.record["series"]:
        for stage, seconds in entry["timings_s"].items():
            key = f"{entry['name']}/{stage}"
            rows.append(row(key, seconds, f"peak {peaks[key].peak_MB:.0f} MB"))
    return [*rows, row("whole exam", whole, f"peak {max(p.peak_MB for p in peaks.values()):.0f} MB")]


def writer_row(quick: bool, repeats: int = 3) -> dict[str, Any]:
    """Writing the MPRAGE's Pulseq file: ours and PyPulseq's, alternating on the same sequence."""
    machine = Machine.assemble("fullbore-65cm", SUBJECT)
    sequence = build(parse_protocol(exam_protocols("brain")["t1_mprage"], quick=quick), machine.scanner.spec.limits)
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "ours.seq"
        for _ in range(repeats):
            began = time.perf_counter()
            files.write_pulseq(replace(sequence), path)
            ours.append(time.perf_counter() - began)
            if PEER_PYTHON.exists():
                command = [str(PEER_PYTHON), "-c", PEER_WRITE, str(path), str(Path(scratch) / "theirs.seq"), "1"]
                theirs.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    ours_s = sorted(ours)[repeats // 2]
    if not theirs:
        return row("write t1_mprage.seq", ours_s, NO_PEER)
    peer_s = sorted(theirs)[repeats // 2]
    return row("write t1_mprage.seq", ours_s, f"{sequence.blocks} blocks", peer="pypulseq", peer_s=peer_s)


def main() -> None:
    """Run and tell."""
    chosen = options(__doc__)
    tell([*exam_rows(chosen.quick), writer_row(chosen.quick)], chosen.json)


if __name__ == "__main__":
    main()
