"""Sparse and low-rank reconstruction beside BART, bartorch, SigPy and MRpro, on the same files, in the same run.

Run: python benchmarks/bench_recon.py [--quick] [--json FILE] [--only PART ...] [--one-thread]

Every tool is given the same coil maps, so that solvers are compared with solvers. Its weight is found by the same search:
the best error over the same number of weights, spaced by factors of two, at early and late numbers of iterations; all points
are told. Ours compresses the channels (8 to 5 in 2D and in the cine, 6 in 3D) inside the time; BART is given all of them.
Errors are NRMSE after the best complex scale against what noise-free full sampling shows. BART's seconds include its start and
files, ours and the Python peers' do not include reading them. BART runs with OMP_WAIT_POLICY=passive (so do we), on one and on
two threads, the better one counting. With --one-thread every tool has a single one: on a machine with other work to do the
ratio of processor seconds is then the figure to trust.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from convention import NO_PEER, row, tell
from recon_cases import case
from recon_ours import OurCase
from recon_peers import Figures, bart_present, best_bart, run_bart, run_tool

from fullbore.recon.recipe import LocallyLowRank, ProximalGradient, Wavelet

Rows = list[dict[str, Any]]
# Modules beside this one, each with rows(quick), for what their authors measure.
OTHERS = ("recon_radial", "recon_grappa", "recon_espirit", "recon_memory")
_NEVER = 1e-9


def searched(run: Callable[[float], Figures], weights: list[float]) -> tuple[float, Figures]:
    """The weight with the least error and its figures."""
    found = [(weight, run(weight)) for weight in weights]
    return min(found, key=lambda entry: entry[1][2])


def compared(task: str, ours: tuple[float, Figures], peer: str, theirs: tuple[float, Figures] | None) -> dict[str, Any]:
    """One row; processor seconds in its note, since they tell more than wall time on a busy machine."""
    weight, (wall, cpu, error) = ours
    note = f"ours: weight {weight:g}, {cpu:.3f} processor s"
    if theirs is None:
        return row(task, wall, f"{note}; {peer} did not run: {NO_PEER}", ours_error=error)
    other, (peer_wall, peer_cpu, peer_error) = theirs
    note += f"; {peer}: weight {other:g}, {peer_cpu:.3f} processor s, processor ratio {peer_cpu / cpu:.1f}"
    return row(task, wall, note, ours_error=error, peer=peer, peer_s=peer_wall, peer_error=peer_error)


def wavelet_rows(name: str, task: str, quick: bool, tools: tuple[str, ...], virtual: int | None = None) -> Rows:
    """Early and converged points of every tool."""
    data, ours = case(name), OurCase(case(name))
    large = name == "head3d"
    times = 1 if large else 7
    weights = [0.8] if quick else [0.4, 0.8, 1.6]
    rows, threads = [], torch.get_num_threads()
    for point, our_iterations, peer_iterations in _points(large, quick):
        mine = searched(
            lambda w, n=our_iterations: ours.timed(  # type: ignore[misc]
                ProximalGradient(iterations=n, tolerance=_NEVER),
                Wavelet(weight=w, floor=0.0, shifts=1 if large else 2),
                virtual,
                times,
            ),
            weights,
        )
        if bart_present():
            theirs = searched(
                lambda w, n=peer_iterations: run_bart(data, f"-l1 -r{w} -i{n}", 1, threads),  # type: ignore[misc]
                [0.015] if quick else [0.0075, 0.015, 0.03],
            )
            theirs = theirs[0], best_bart(data, f"-l1 -r{theirs[0]} -i{peer_iterations}", times, threads)
            rows.append(compared(f"{task}, {point}", mine, "BART 0.8", theirs))
        for tool in tools:
            rows.append(compared(f"{task}, {point}", mine, tool, _tool(tool, data, peer_iterations, quick, times)))
    return rows


def _points(large: bool, quick: bool) -> tuple[tuple[str, int, int], ...]:
    """Name, our iterations, the peers' iterations."""
    if large:
        return (("early", 10, 10),) if quick else (("early", 10, 10), ("converged", 25, 30))
    return (("early", 6, 5),) if quick else (("early", 6, 5), ("middle", 14, 20), ("converged", 30, 60))


def _tool(tool: str, data: Any, iterations: int, quick: bool, times: int) -> tuple[float, Figures] | None:
    middle = {"bartorch": 0.015, "sigpy": 0.005, "mrpro": 0.01}[tool]
    weights = [middle] if quick else [middle / 2, middle, middle * 2]
    found = []
    for weight in weights:
        figures = run_tool(tool, data, iterations, weight, times, torch.get_num_threads())
        if figures is None:
            return None
        found.append((weight, figures))
    return min(found, key=lambda entry: entry[1][2])


def cine_rows(quick: bool) -> Rows:
    """Locally low rank: 24 frames, 128 x 128, 8 channels; at 30 iterations of both, and where neither changes any more."""
    data, ours, task = case("cine"), OurCase(case("cine")), "LLR cine 128 x 128 x 24 x 8"
    rows, threads, times = [], torch.get_num_threads(), 2 if quick else 3
    for point, our_iterations, peer_iterations in (("30 iterations", 30, 30), ("converged", 60, 100))[: 1 if quick else 2]:
        solver = ProximalGradient(iterations=our_iterations, tolerance=_NEVER)
        mine = searched(
            lambda w, s=solver: ours.timed(s, LocallyLowRank(weight=w, floor=0.0), 5, times),  # type: ignore[misc]
            [0.35] if quick else [0.175, 0.35, 0.7],
        )
        if not bart_present():
            rows.append(compared(f"{task}, {point}", mine, "BART 0.8", None))
            continue
        options = f"-u0.1 -b8 -i{peer_iterations} -R L:5:5:"
        theirs = searched(
            lambda w, o=options: run_bart(data, f"{o}{w}", 1, threads),  # type: ignore[misc]
            [0.01] if quick else [0.005, 0.01, 0.02],
        )
        if not quick:
            theirs = theirs[0], best_bart(data, f"{options}{theirs[0]}", 2, threads)
        rows.append(compared(f"{task}, {point}", mine, "BART 0.8", theirs))
    return rows


def other_rows(quick: bool) -> Rows:
    """What the neighbouring modules measure, where they are there."""
    rows: Rows = []
    for name in OTHERS:
        if (Path(__file__).parent / f"{name}.py").exists():
            rows += importlib.import_module(name).rows(quick)
    return rows


def cases_2d(quick: bool) -> Rows:
    """L1-wavelet in 2D: a digital head from a finer grid, and BART's own phantom."""
    rows = wavelet_rows("head2d", "L1-wavelet 256 x 256 x 8, head, R = 6", quick, ("bartorch", "sigpy", "mrpro"), 5)
    return rows + wavelet_rows("bart2d", "L1-wavelet 256 x 256 x 8, BART's phantom", quick, ("bartorch",), 5)


PARTS: dict[str, Callable[[bool], Rows]] = {
    "2d": cases_2d,
    "3d": lambda quick: wavelet_rows("head3d", "L1-wavelet 160 x 160 x 128 x 8, head, R = 6", quick, ("bartorch",), 6),
    "cine": cine_rows,
    "others": other_rows,
}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one-thread", action="store_true")
    parser.add_argument("--only", nargs="*", choices=tuple(PARTS), default=tuple(PARTS))
    chosen = parser.parse_args()
    if os.environ.get("OMP_WAIT_POLICY") != "passive":
        # As BART runs; it must be known before the first library starts its threads.
        os.execve(sys.executable, [sys.executable, *sys.argv], dict(os.environ, OMP_WAIT_POLICY="passive"))
    torch.set_num_threads(1 if chosen.one_thread else min(2, torch.get_num_threads()))
    rows: Rows = []
    for part in chosen.only:
        found = PARTS[part](chosen.quick)
        rows += found
        # All rows so far are written each time: an interruption keeps what is done.
        tell(found, None)
        if chosen.json:
            chosen.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
