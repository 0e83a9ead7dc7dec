"""Designing, checking, writing and reading a long sequence: CPU seconds and memory, ours, PyPulseq and pypulseqpp on one job.

Run: python benchmarks/bench_sequence.py [--quick] [--json FILE]. Peers need `sh benchmarks/peers.sh` once, or rows say so.
The job is a 3D gradient echo (gre_job.py): 36,864 repetitions of four blocks, 213 s; --quick plays 1,024. Every library works in
a process of its own, and all rasters are passed. Rows: {task, ours_s, ours_error, peer, peer_s, peer_error, ratio, note}; seconds
are CPU seconds of the whole process, without imports and without Numba's compilation; peaks are the process's, imports included.
Our check is safety.check, all of it; the peers' is their timing check, with nerve stimulation by SAFE where it finishes. Errors:
of k, largest distance over its extent, to the Encoding (ours) or the design (peers); PyPulseq's nerve stimulation does not finish
at full length, so it is left out there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from convention import NO_PEER, PEER_PYTHON, options, row, tell

HERE = Path(__file__).parent
FULL, QUICK, MILLION = 192, 32, 500
PEERS = {"pypulseq": "PyPulseq", "pypulseqpp": "pypulseqpp"}
JOB = ("build", "check", "pns", "write", "read")
TASKS = ("build", "check", "write", "read", "all four", "k-space")
MOST_S = 900.0


def played(command: list[str]) -> dict[str, Any]:
    """What a program's last line says; its error's last line under "failed"."""
    one = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=MOST_S, env=one)
    except subprocess.CalledProcessError as failure:
        return {"failed": (failure.stderr.strip().splitlines() or ["?"])[-1][:100]}
    except subprocess.TimeoutExpired:
        return {"failed": f"took longer than {MOST_S:.0f} s"}
    return dict(json.loads(told.stdout.strip().splitlines()[-1]))


def ours(n: int, folder: str, *more: str) -> dict[str, Any]:
    """Our own job; raises where it fails."""
    found = played([sys.executable, str(HERE / "gre_ours.py"), str(n), folder, *more])
    if "failed" in found:
        raise RuntimeError(found["failed"])
    return found


def seconds(found: dict[str, Any], task: str) -> float:
    """CPU seconds of a task; a peer's nerve stimulation belongs to its check."""
    if task == "all four":
        return sum(float(found[part][0]) for part in JOB if part in found)
    return float(found[task][0]) + (float(found["pns"][0]) if task == "check" and "pns" in found else 0.0)


def peak(found: dict[str, Any], task: str) -> float:
    """Peak memory up to the end of a task, MB."""
    return float(found["read" if task == "all four" else task][1])


def compared(task: str, n: int, mine: dict[str, Any], key: str, theirs: dict[str, Any] | None) -> dict[str, Any]:
    """One row."""
    name = f"{task}, {4 * n * n} blocks"
    note = f"{peak(mine, task):.0f} MB"
    error = mine["errors"].get(task)
    if theirs is None or "failed" in theirs:
        why = NO_PEER if theirs is None else f"{PEERS[key]} failed: {theirs['failed']}"
        return row(name, seconds(mine, task), f"{note}; {why}", ours_error=error)
    if task in ("check", "all four"):
        note += "; peer: timing and SAFE" if "pns" in theirs else "; peer: timing only"
    return row(
        name, seconds(mine, task), f"{note}; peer {peak(theirs, task):.0f} MB", ours_error=error, peer=PEERS[key],
        peer_s=seconds(theirs, task), peer_error=theirs.get("errors", {}).get(task),
    )  # fmt: skip


def main() -> None:
    """Run and tell."""
    chosen = options(__doc__)
    n = QUICK if chosen.quick else FULL
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        ours(QUICK, folder, "k")  # compiles what no run before has
        mine = ours(n, folder)
        mine["k-space"] = (streamed := ours(n, folder, "k"))["k-space"]
        mine["errors"] = streamed["errors"]
        for key in PEERS:
            more = ["k", "pns"] if key == "pypulseqpp" or n <= QUICK else ["k"]
            program = [str(PEER_PYTHON), str(HERE / "peers" / "gre_sequence.py"), key, str(n), folder, *more]
            theirs = played(program) if PEER_PYTHON.exists() else None
            rows += [compared(task, n, mine, key, theirs) for task in TASKS]
        if not chosen.quick:
            large = ours(MILLION, folder)
            rows.append(compared("all four", MILLION, large, "", None) | {"note": f"{peak(large, 'read'):.0f} MB"})
    tell(rows, chosen.json)


if __name__ == "__main__":
    main()
