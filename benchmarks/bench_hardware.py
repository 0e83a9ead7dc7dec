"""The machine's parts: fields of coils against cfsem and magpylib, and whole designs of magnets.

Run: python benchmarks/bench_hardware.py [--quick] [--json FILE]. Peers need `sh benchmarks/peers.sh` once, or rows say so.
Rows: {task, ours_s, ours_error, peer, peer_s, peer_error, ratio, note}. Errors are the largest deviation over the largest field,
of loops from sums over short segments (exact to rounding), of thick coils from 64 by 64 Gauss filaments each. Peers know loops
only: to them a thick coil is evenly spaced loops, as many as the note says. All on one thread.
Gradient coils: pyCoilGen winds a shielded x coil (minutes; --quick leaves it out), one Biot-Savart code measures linearity, field
of images in the bore and inductance of its wires, and ours is designed to at most those figures on the same cylinders.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from convention import NO_PEER, PEER_PYTHON, options, row, tell

from fullbore.hardware.gradient import GradientBrief, design_axis, gradient_presets, load_gradient_brief, mutual_inductance
from fullbore.hardware.gradient.figures import field_figures
from fullbore.hardware.magnet import design_magnet, load_magnet_brief, magnet_presets
from fullbore.hardware.magnet.loop import MU0, loop_field
from fullbore.hardware.magnet.solenoid import solenoid_field

PEERS = ("cfsem", "magpylib")
PROGRAM = Path(__file__).parent / "peers" / "field_of_loops.py"
# A magnet's eight coils: inner and outer radius, ends (m), A/m^2.
COILS = np.array(
    [
        [0.541, 0.599, low, high, 1.3e8]
        for low, high in ((-0.833, -0.538), (-0.38, -0.205), (-0.17, 0.17), (0.205, 0.38), (0.538, 0.833))
    ]
    + [[1.023, 1.059, low, high, -1.3e8] for low, high in ((-0.9, -0.745), (-0.125, 0.125), (0.745, 0.9))]
)


def timed(work: Callable[[], np.ndarray], repeats: int = 3) -> tuple[float, np.ndarray]:
    """Median seconds, compiled code being warm."""
    work()
    seconds, found = [], np.zeros(0)
    for _ in range(repeats):
        began = time.perf_counter()
        found = work()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), found


def peer_field(peer: str, loops: np.ndarray, currents: np.ndarray, points: np.ndarray) -> tuple[float, np.ndarray] | None:
    """Seconds (without starting) and field; None where it is not installed, or does not run."""
    if not PEER_PYTHON.exists():
        return None
    with tempfile.TemporaryDirectory() as scratch:
        job, out = Path(scratch) / "job.npz", Path(scratch) / "out.npy"
        np.savez(job, loops=loops, currents=currents, points=points)
        told = subprocess.run([str(PEER_PYTHON), str(PROGRAM), peer, str(job), str(out)], capture_output=True, text=True)
        if told.returncode:
            return None
        return float(told.stdout.strip().splitlines()[-1]), np.load(out)


def worst(got: np.ndarray, wanted: np.ndarray) -> float:
    """Largest deviation over the largest field."""
    return float(np.abs(got - wanted).max() / np.abs(wanted).max())


def exact_loops(loops: np.ndarray, currents: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Sums over short segments, 4000 a loop: exact to rounding off the wire (the integrand is periodic)."""
    angle = 2 * np.pi * (np.arange(4000) + 0.5) / 4000
    field = np.zeros((len(points), 2))
    for (a, z), current in zip(loops, currents, strict=True):
        r, d = points[:, :1], points[:, 1:] - z
        cube = (r**2 + a**2 + d**2 - 2 * a * r * np.cos(angle)) ** 1.5
        field[:, 0] += current * (a * d * np.cos(angle) / cube).mean(axis=1)
        field[:, 1] += current * (a * (a - r * np.cos(angle)) / cube).mean(axis=1)
    return MU0 / 2 * field


def gauss_loops(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss filaments, count by count a coil."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return _filled(COILS, nodes, weights, nodes, weights)


def even_loops(along: int) -> tuple[np.ndarray, np.ndarray]:
    """Evenly spaced filaments, a third as many through a coil as along it."""
    one, two = ((2 * np.arange(n) + 1) / n - 1 for n in (max(along // 3, 1), along))
    return _filled(COILS, one, np.full(len(one), 2 / len(one)), two, np.full(len(two), 2 / len(two)))


def _filled(coils: np.ndarray, x: np.ndarray, wx: np.ndarray, y: np.ndarray, wy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    places, amounts = [], []
    for inner, outer, low, high, density in coils:
        r, z = np.meshgrid((inner + outer) / 2 + (outer - inner) / 2 * x, (low + high) / 2 + (high - low) / 2 * y, indexing="ij")
        places.append(np.column_stack([r.ravel(), z.ravel()]))
        amounts.append((np.outer(wx, wy) * density * (outer - inner) * (high - low) / 4).ravel())
    return np.concatenate(places), np.concatenate(amounts)


def compared(task: str, ours: tuple[float, float], jobs: dict[str, Any], wanted: np.ndarray, note: str) -> list[dict[str, Any]]:
    """One row a peer."""
    rows = []
    for peer in PEERS:
        found = peer_field(peer, **jobs)
        if found is None:
            rows.append(row(task, ours[0], "; ".join(filter(None, [note, f"{peer}: {NO_PEER}"])), ours_error=ours[1]))
            continue
        error = worst(found[1][: len(wanted)], wanted)
        rows.append(row(task, ours[0], note, ours_error=ours[1], peer=peer, peer_s=found[0], peer_error=error))
    return rows


def loops_rows(count: int, points: int) -> list[dict[str, Any]]:
    """Many loops at many points."""
    generator = np.random.default_rng(1)
    loops = np.column_stack([generator.uniform(0.5, 0.6, count), generator.uniform(-0.8, 0.8, count)])
    currents = generator.uniform(-1, 1, count)
    places = np.column_stack([generator.uniform(0, 0.45, points), generator.uniform(-0.5, 0.5, points)])
    seconds, field = timed(lambda: loop_field(places, loops, currents))
    wanted = exact_loops(loops, currents, places[:20])
    jobs = {"loops": loops, "currents": currents, "points": places}
    return compared(f"field of {count} loops at {points} points", (seconds, worst(field[:20], wanted)), jobs, wanted, "")


def thick_rows(points: int, along: int) -> list[dict[str, Any]]:
    """Eight thick coils in the imaging volume."""
    generator = np.random.default_rng(2)
    places = generator.uniform(-0.25, 0.25, (points, 2))
    places[:, 0] = np.abs(places[:, 0])
    seconds, field = timed(lambda: solenoid_field(places, COILS))
    wanted = loop_field(places[:50], *gauss_loops(64))
    loops, currents = even_loops(along)
    jobs = {"loops": loops, "currents": currents, "points": places}
    note = f"peer: {len(loops)} loops"
    return compared(f"field of 8 thick coils at {points} points", (seconds, worst(field[:50], wanted)), jobs, wanted, note)


def design_rows(names: tuple[str, ...]) -> list[dict[str, Any]]:
    """From brief to whole turns, once (compiled code being warm)."""
    rows = []
    for name in names:
        began = time.perf_counter()
        f = design_magnet(load_magnet_brief(name)).figures
        seconds = time.perf_counter() - began
        note = (
            f"{', '.join(f'{f[key]:.1f}' for key in f if key.startswith('peak_to_peak'))} ppm over 40, 45, 50 cm; "
            f"5 gauss {f['stray_radius_m']:.2f} x {f['stray_axial_m']:.2f} m; {f['energy_J'] / 1e6:.1f} MJ; "
            f"{f['conductor_m'] / 1e3:.1f} km; {f['peak_field_T']:.2f} T; margin {100 * f['load_line_margin_primary']:.0f} %; "
            f"windings {f['length_m']:.2f} m long"
        )
        rows.append(row(f"3 T magnet for a bore of {name}", seconds, note))
    return rows


COILGEN_PYTHON = Path(__file__).parent / ".peers" / "coilgen" / "bin" / "python"
COILGEN = Path(__file__).parent / "peers" / "gradient_by_coilgen.py"
# The Tikhonov weight that gave its coil most merit of 5, 20 and 100; its weight of the outer target changes nothing.
SHIELDED = {
    "radii_m": [0.36, 0.44],
    "lengths_m": [1.3, 1.4],
    "bore_radius_m": 0.5,
    "ball_radius_m": 0.225,
    "mesh": [36, 32],
    "levels": 20,
    "tikhonov": 100,
    "weight": 0.5,
}
# Geometric mean distance of a conductor of 10 x 5 mm, for both.
SECTION_M = 0.2235 * 0.015


def shielded_brief(linearity: float, eddy: float, sensitivity: float) -> GradientBrief:
    """The peer's cylinders and figures."""
    brief = load_gradient_brief("75cm")
    (primary, shield), (first, second) = SHIELDED["radii_m"], SHIELDED["lengths_m"]
    x = replace(brief.x, primary_radius_m=primary, shield_radius_m=shield, primary_length_m=first, shield_length_m=second)
    return replace(
        brief,
        x=x,
        limits=replace(brief.limits, linearity=linearity, eddy=eddy),
        drive=replace(brief.drive, amplitude_T_per_m=sensitivity, current_A=1.0, voltage_V=1e3, slew_T_per_m_s=1.0),
    )


def judged(paths: list[np.ndarray]) -> dict[str, float]:
    """Figures of closed paths, the same way for everybody."""
    figures = field_figures(paths, "x", load_gradient_brief("75cm").volume, SHIELDED["bore_radius_m"])
    figures["inductance_H"] = mutual_inductance(paths, paths, SECTION_M)
    return figures | {"merit": figures["sensitivity_T_per_m_A"] ** 2 / figures["inductance_H"]}


def told_coil(f: dict[str, float]) -> str:
    """In words."""
    return (
        f"{f['merit'] * 1e6:.1f} (uT/m/A)^2/uH, {f['sensitivity_T_per_m_A'] * 1e6:.1f} uT/m/A, {f['inductance_H'] * 1e6:.0f} uH, "
        f"linearity {f['linearity_percent']:.1f} %, eddy {f['eddy_percent']:.1f} %"
    )


def coilgen() -> tuple[float, dict[str, float]] | None:
    """Seconds and figures of the peer's coil, its shield wired the way round that shields more; None where it does not run."""
    if not COILGEN_PYTHON.exists():
        return None
    with tempfile.TemporaryDirectory() as scratch:
        job, out = Path(scratch) / "job.json", Path(scratch) / "out.npz"
        job.write_text(json.dumps(SHIELDED))
        told = subprocess.run([str(COILGEN_PYTHON), str(COILGEN), str(job), str(out)], capture_output=True, text=True)
        if told.returncode:
            return None
        found = np.load(out)
        first, second = (np.concatenate([found[key], found[key][:1]]) for key in ("wire0", "wire1"))
    both = [judged([first, wire]) for wire in (second, second[::-1])]
    return float(told.stdout.strip().splitlines()[-1]), min(both, key=lambda figures: figures["eddy_percent"])


def gradient_rows(quick: bool) -> list[dict[str, Any]]:
    """Every preset's x coil, and a shielded coil at the peer's own linearity and shielding."""
    rows = []
    for name in ("75cm",) if quick else gradient_presets():
        began = time.perf_counter()
        f = design_axis(load_gradient_brief(name), "x").figures
        note = told_coil({**f, "merit": f["merit_T2_per_m2_A2_H"]}) + f", {f['voltage_V']:.0f} V for its slew rate"
        rows.append(row(f"x gradient for a bore of {name}", time.perf_counter() - began, note))
    if quick:
        return rows
    task, found = "shielded x coil on given cylinders", coilgen()
    if found is None:
        # without the peer's figures there is nothing to be equal to: the limits of the preset
        began = time.perf_counter()
        ours = judged([design_axis(shielded_brief(0.05, 2e-3, 72.7e-6), "x").closed_m])
        return [*rows, row(task, time.perf_counter() - began, f"ours: {told_coil(ours)}; pyCoilGen: {NO_PEER}")]
    seconds, peer = found
    # our own limits leave room for bridges and leads: asked so that wires come out at the peer's figures or better
    brief = shielded_brief(peer["linearity_percent"] / 98, peer["eddy_percent"] / 58, peer["sensitivity_T_per_m_A"])
    began = time.perf_counter()
    ours = judged([design_axis(brief, "x").closed_m])
    taken = time.perf_counter() - began
    equal = all(ours[key] <= 1.005 * peer[key] for key in ("linearity_percent", "eddy_percent"))
    note = f"ours: {told_coil(ours)}; peer: {told_coil(peer)}; ours at most the peer's figures: {equal}"
    return [*rows, row(task, taken, note, peer="pyCoilGen", peer_s=seconds)]


def main() -> None:
    """Run and tell."""
    chosen = options(__doc__)
    rows = loops_rows(*((100, 1000) if chosen.quick else (1000, 10_000)))
    rows += thick_rows(*((1000, 12) if chosen.quick else (10_000, 24)))
    rows += design_rows(("75cm",) if chosen.quick else magnet_presets())
    rows += gradient_rows(chosen.quick)
    tell(rows, chosen.json)


if __name__ == "__main__":
    main()
