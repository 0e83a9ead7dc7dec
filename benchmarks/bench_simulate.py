"""Playing Pulseq files to spins: time and error, ours and three peers on the same files and objects.

Run: python benchmarks/bench_simulate.py [--quick] [--only gre,vial_mprage] [--json FILE]. Rows are told, and written, as they are
found, so that what is done survives an interruption. Peers need `sh benchmarks/peers.sh` once, or rows say so.
Rows: {task, ours_s, ours_error, peer, peer_s, peer_error, ratio, note}; ratio = peer time over ours on the same spins, medians.
Errors are relative l2 after the best common complex scale (conventions differ), ours against the float64 reference. Peers that
know only instantaneous pulses show it there. pulserver plays squares of even magnetisation, so its truth is our signal of their
middles times the squares' spectrum, which is exact where all that is read was encoded along the file's nominal k.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from convention import NO_PEER, PEER_PYTHON, row, tell
from jobs import JOBS, write_jobs
from objects import Thing, block, filled, vial_machine, vial_phantom, vials
from peer_runs import run_peer

from fullbore import files
from fullbore.data import Phantom, ScannerSpec, Sequence
from fullbore.simulate.acquisition import StatesRun
from fullbore.simulate.cloud import SpinCloud, play_cloud, reference, scatter
from fullbore.simulate.planning import plan
from fullbore.simulate.trajectory import trajectory

SEVEN = ("gre", "se_epi", "mprage", "bssfp", "tse", "radial", "spiral")
# pulserver's own jobs: readouts whose error is found, and strips along x that fill a square: a spoiler of 4 cycles recurs after
# as many repetitions, which the MPRAGE, with little signal where it begins, shows to 1 % at 29.
VIALS = {"vial_gre": (128, 29, 9), "vial_mprage": (16, 127, 3)}
POINT_PEERS = ("blochsimulator", "mrzero")
NAMES = {"mrzero": "MRzeroCore", "blochsimulator": "blochsimulator", "pulserver": "pulserver"}
KNOWN = {"mrzero": "peer's pulses are instantaneous, its rare states left out"}
# Spins of the comparison with peers of points, of the one with pulserver, and of ours alone.
SMALL, QUICK, SQUARES, QUICK_SQUARES = (8, 8, 60), (4, 4, 30), (32, 32, 400), (16, 16, 200)
SIZED = (16, 16, 100)
LARGE = {"1e5": (16, 16, 400), "1e6": (50, 50, 400)}
COILS = (1, 8, 32)
# No size of ours that would take longer is run, and no peer is waited for longer.
MOST_S, MOST_PEER_S = 30.0, 400.0
# Runs of ours on pulserver's own jobs (the first pays for memory that was never used).
RUNS = 5
COLUMNS = ("duration_s", "rf", "rf_phase_rad", "rf_frequency_Hz", "gradient", "gradient_scale", "adc", "adc_phase_rad",
           "adc_frequency_Hz", "rf_shim")  # fmt: skip
# Spins of the truth that are played at once: their memory stays below that of the samples.
TOGETHER = 200_000


def scaled_error(got: np.ndarray, wanted: np.ndarray) -> float:
    """Relative l2 after the best common complex scale."""
    scale = np.vdot(got, wanted) / np.vdot(got, got)
    return float(np.linalg.norm(scale * got - wanted) / np.linalg.norm(wanted))


def timed(cloud: SpinCloud, sequence: Sequence, repeats: int) -> tuple[float, np.ndarray]:
    """Median seconds and samples of ours, compiled code being warm."""
    play_cloud(cloud.take(np.arange(min(len(cloud), 5000))), sequence)
    seconds, samples = [], np.zeros(0)
    for _ in range(repeats):
        began = time.perf_counter()
        samples = play_cloud(cloud, sequence)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), samples


def sinc_of_squares(sequence: Sequence, spacing_m: tuple[float, float]) -> np.ndarray:
    """Spectrum of a rectangle in x and y at every sample's k, (row, 1, sample)."""
    k = trajectory(sequence)
    return np.asarray((np.sinc(k[..., 0] * spacing_m[0]) * np.sinc(k[..., 1] * spacing_m[1]))[:, None])


def told(name: str, thing: Thing, samples: np.ndarray, seconds: float, note: str = "", **found: Any) -> dict[str, Any]:
    """A row named by its size, with its rates."""
    rows, coils, count = samples.shape
    work = len(thing.cloud) * rows * count
    rates = f"{work / seconds:.2g} spins x samples per second"
    if found.get("peer_s"):
        rates += f", peer {work / found['peer_s']:.2g}"
    parts = [rates, note, "" if PEER_PYTHON.exists() else NO_PEER]
    task = f"{name} {rows} x {count}, {len(thing.cloud)} spins, {coils} coil(s)"
    return row(task, seconds, "; ".join(part for part in parts if part), **found)


def played(peer: str, thing: Thing, file: Path, rows: int) -> tuple[dict[str, Any], np.ndarray | None, str]:
    """What a peer found: fields of a row, samples, and a word on its failure."""
    try:
        result = run_peer(peer, thing.fields(), file, rows, MOST_PEER_S)
    except subprocess.CalledProcessError as failure:
        return {}, None, f"{NAMES[peer]} failed: {failure.stderr.strip().splitlines()[-1][:80]}"
    except subprocess.TimeoutExpired:
        return {}, None, f"{NAMES[peer]} took longer than {MOST_PEER_S:.0f} s"
    if result is None:
        return {}, None, ""
    return {"peer": NAMES[peer], "peer_s": result[0]}, result[1], KNOWN.get(peer, "")


def against_points(name: str, file: Path, shape: tuple[int, int, int], repeats: int) -> list[dict[str, Any]]:
    """Ours, the reference and the peers that take points, one coil."""
    sequence, thing = files.read_pulseq(file), block(shape)
    seconds, ours = timed(thing.cloud, sequence, repeats)
    wanted = reference(thing.cloud, sequence)
    found = []
    for peer in POINT_PEERS:
        told_by, theirs, note = played(peer, thing, file, len(ours))
        error = None if theirs is None else scaled_error(theirs, wanted)
        found.append(told(name, thing, ours, seconds, note, **told_by, ours_error=scaled_error(ours, wanted), peer_error=error))
    return found


def at_size(name: str, file: Path, shape: tuple[int, int, int]) -> dict[str, Any]:
    """Ours and blochsimulator on many spins, told apart: the reference would take minutes, and has judged both on fewer."""
    sequence, thing = files.read_pulseq(file), block(shape)
    seconds, ours = timed(thing.cloud, sequence, 3)
    told_by, theirs, note = played("blochsimulator", thing, file, len(ours))
    apart = "" if theirs is None else f"{scaled_error(theirs, ours):.1e} apart"
    return told(name, thing, ours, seconds, "; ".join(part for part in (note, apart) if part), **told_by)


def against_squares(name: str, file: Path, shape: tuple[int, int, int], repeats: int, coils: int) -> dict[str, Any]:
    """Ours and pulserver on many spins."""
    sequence, thing = files.read_pulseq(file), block(shape, coils)
    seconds, ours = timed(thing.cloud, sequence, repeats)
    told_by, theirs, note = played("pulserver", thing, file, len(ours))
    if theirs is not None and name != "mprage":
        # MPRAGE spoils along x within its squares, which points at their middles do not show.
        truth = ours * sinc_of_squares(sequence, (thing.spacing_m,) * 2)
        told_by["peer_error"] = scaled_error(theirs, truth)
    return told(name, thing, ours, seconds, note, **told_by)


def alone(name: str, file: Path) -> Iterator[dict[str, Any]]:
    """Ours at 1e5 and 1e6 spins, 1, 8 and 32 coils; sizes that would take long by the last one's rate are left out."""
    sequence, slowest = files.read_pulseq(file), 0.0
    for shape in LARGE.values():
        for coils in COILS:
            size = float(np.prod(shape)) * coils
            if slowest * size > MOST_S:
                continue
            thing = block(shape, coils)
            seconds, ours = timed(thing.cloud, sequence, 1)
            slowest = seconds / size
            yield told(name, thing, ours, seconds)


def write_vial_jobs(folder: Path) -> list[Path]:
    """pulserver's own two files, by its own designs; none where it is not installed."""
    if not PEER_PYTHON.exists():
        return []
    program = Path(__file__).parent / "peers" / "design_pulserver.py"
    subprocess.run([str(PEER_PYTHON), str(program), str(folder)], check=True, capture_output=True)
    return [folder / "vial_gre.seq", folder / "vial_mprage.seq"]


def states(body: Phantom, sequence: Sequence, spec: ScannerSpec) -> np.ndarray:
    """Our noiseless samples by configuration states at a tolerance of 1e-3."""
    run = StatesRun(plan(body, sequence, spec, tolerance=1e-3), sequence, spec)
    for _ in run.pieces(lambda fraction, what: None):
        pass
    return run.samples


def first_readouts(sequence: Sequence, count: int) -> Sequence:
    """A sequence up to its readout number `count`."""
    blocks = int(np.flatnonzero(sequence.adc >= 0)[count - 1]) + 1
    cut = {name: value[:blocks] for name in COLUMNS if len(value := getattr(sequence, name))}
    triggers, delays = (tuple(x for x in own if x.block < blocks) for own in (sequence.triggers, sequence.soft_delays))
    encoding = sequence.encoding.take(np.arange(count))
    return replace(sequence, **cut, triggers=triggers, soft_delays=delays, encoding=encoding)


def vial_truth(cloud: SpinCloud, sequence: Sequence, across_m: tuple[float, float]) -> np.ndarray:
    """Isochromats times the spectrum of the rectangles around them."""
    parts = (cloud.take(np.arange(low, min(low + TOGETHER, len(cloud)))) for low in range(0, len(cloud), TOGETHER))
    return sum(play_cloud(part, sequence) for part in parts) * sinc_of_squares(sequence, across_m)


def against_vials(file: Path) -> dict[str, Any]:
    """pulserver on its own file and vials, 32 coils, against our states on the same discs, all readouts.

    The peer's error is against isochromats that fill its squares, ours against isochromats that fill the hats between the same
    points: each its own way of being continuous. Both on the first readouts, times the spectrum of the strips.
    """
    sequence, thing, body, spec = files.read_pulseq(file), vials(), vial_phantom(), vial_machine()
    checked, strips, along = VIALS[file.stem]
    seconds, ours = [], np.zeros((0, 0, 0), np.complex64)
    for _ in range(RUNS):
        ours = ours[:0, :, :].copy()  # the memory of one run serves the next
        began = time.perf_counter()
        ours = states(body, sequence, spec)
        seconds.append(time.perf_counter() - began)
    rows, coils, count = ours.shape
    ours, start = ours[:checked].copy(), first_readouts(sequence, checked)
    wide = thing.spacing_m
    hats = vial_truth(scatter(body, spec, (strips, along, 1)), start, (wide / strips, wide / along))
    found: dict[str, Any] = {"ours_error": scaled_error(ours, hats)}
    result = run_peer("pulserver", {**thing.fields(), "keep": np.arange(checked)}, file, rows)
    if result is not None:
        squares = vial_truth(filled(thing, strips), start, (wide / strips, wide))
        found |= {"peer": "pulserver", "peer_s": result[0], "peer_error": scaled_error(result[1], squares)}
    note = f"ours by states, the best of {RUNS}; both with planning; errors on the first {checked} readouts"
    task = f"{file.stem} {rows} x {count}, {len(thing.cloud)} squares, {coils} coils"
    return row(task, min(seconds), note + ("" if PEER_PYTHON.exists() else f"; {NO_PEER}"), **found)


def rows_of(name: str, file: Path, quick: bool) -> Iterator[dict[str, Any]]:
    """All rows of one job."""
    if name in VIALS:
        yield against_vials(file)
        return
    repeats = 1 if quick else 3
    yield from against_points(name, file, QUICK if quick else SMALL, repeats)
    yield against_squares(name, file, QUICK_SQUARES if quick else SQUARES, repeats, coils=1)
    if not quick:
        if name == "gre":
            yield at_size(name, file, SIZED)
        yield against_squares(name, file, SQUARES, 1, coils=8)
        yield from alone(name, file)


def chosen_options() -> argparse.Namespace:
    """--quick, --only JOB,JOB and --json FILE."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", type=lambda names: tuple(names.split(",")), default=())
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    if unknown := [name for name in chosen.only if name not in (*SEVEN, *VIALS)]:
        parser.error(f"--only {unknown}: wanted some of {', '.join((*SEVEN, *VIALS))}.")
    return chosen


def main() -> None:
    """Run and tell, row by row."""
    chosen = chosen_options()
    names = chosen.only or ((*SEVEN[:2], "vial_gre") if chosen.quick else (*SEVEN, *VIALS))
    rows: list[dict[str, Any]] = []
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        written = write_jobs(folder, [name for name in names if name in SEVEN])
        written += write_vial_jobs(folder) if set(names) & set(VIALS) else []
        for file in (file for file in written if file.stem in names):
            print(f"[{time.perf_counter() - began:.0f} s] {file.stem}", flush=True)
            for entry in rows_of(file.stem, file, chosen.quick):
                rows.append(entry)
                tell([entry], None)
                sys.stdout.flush()
                if chosen.json:
                    chosen.json.write_text(json.dumps(rows, indent=1) + "\n")
    print(f"[{time.perf_counter() - began:.0f} s] done", flush=True)


if __name__ == "__main__":
    assert set(SEVEN) < set(JOBS)
    main()
