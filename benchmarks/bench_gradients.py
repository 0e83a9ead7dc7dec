"""Gradient waveforms beside published tools, in the same run: how long what is designed lasts, and how long designing takes.

Run: python benchmarks/bench_gradients.py [--quick] [--json FILE]. Peers need `sh benchmarks/peers.sh` once, or rows say so.
Along curves of k-space, from rest to rest on a raster of 10 us: SigPy's min_time_gradient (Lustig 2008) and pypulseqpp's
traj_to_grad (MRArbGrad), limits on the vector's length. To moments: MRI-NUFFT's connect_gradient, limits on each axis. b-tensors:
dmipy-design, a port of NOW (Sjolund 2015; SLSQP), limits on each axis, at one timing and with the same nulls; the largest b is
compared, and since b goes as the cube of time, the length that the same b takes.
Within nerves' limits (80 % of the threshold, chronaxie 334 us, rheobase 20 T/s, 1/3 m: GrOpt's figures): lobes beside GrOpt and
linear programmes (their optimum on the raster), curves beside cone programmes (a local optimum) and SigPy. With a forbidden band:
beside a dynamic programme, the shortest of 24 weights and guards whose energy within the band is at most 5 % more than ours, and
SigPy. These programmes are `gradient_optima`. SigPy knows no nerves and no bands: its slew limit is lowered for all of the curve.
ours_s and peer_s are CPU seconds of designing; ours_length_ms and peer_length_ms what is designed, longer their ratio less 1
(negative where ours is shorter). Errors: largest ratio to a limit less 1, found from corners on the raster for both alike
(SigPy's first and last six steps are left out); where a peer breaks a limit by more than 1 %, it is given a lower slew limit
until it does not, and peer_length_ms is of that; the note says what it took by itself.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import gradient_optima as optima
import numpy as np
from convention import NO_PEER, PEER_PYTHON, options, row, tell

from fullbore.data import Limits, StimulationModel
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence.waveforms import (
    DiffusionTiming,
    NerveLimit,
    b_tensor_waveform,
    rosette_curve,
    spiral_curve,
    to_moments,
    trace,
)
from fullbore.sequence.waveforms.stimulation import band_share, nerve_response
from fullbore.sequence.waveforms.waveform import Waveform

HERE = Path(__file__).parent
WAVEFORM_PYTHON = HERE / ".peers" / "gradients" / "bin" / "python"
NAMES = {"sigpy": "SigPy", "pypulseqpp": "pypulseqpp", "mrinufft": "MRI-NUFFT", "now": "dmipy-design (NOW)", "gropt": "GrOpt"}
NAMES |= {"linear": "linear programme", "cone": "cone programmes", "dynamic": "dynamic programme"}
CHRONAXIE_S, RHEOBASE_T_PER_S, LENGTH_M = 334e-6, 20.0, 1 / 3
MODEL = StimulationModel(
    rheobase_T_per_s=RHEOBASE_T_PER_S, chronaxie_s=CHRONAXIE_S, effective_length_m=(LENGTH_M,) * 3, source="GrOpt's figures"
)
NERVES = NerveLimit(model=MODEL, share=0.8)
ROUGH, SLOW = (45e-3, 200.0), (20e-3, 200.0)
ALLOWED = 0.01
MOST_S = 300.0


def curves() -> dict[str, np.ndarray]:
    """Curves of k-space, cycles/m."""
    rng = np.random.default_rng(3)
    at = np.linspace(0, 1, 800)[:, None] * np.pi * np.arange(1, 8)
    smooth = np.sin(at) @ (rng.standard_normal((7, 3)) / np.arange(1, 8)[:, None])
    smooth += (1 - np.cos(at)) @ (rng.standard_normal((7, 3)) / np.arange(1, 8)[:, None])
    return {
        "spiral, 16 arms": spiral_curve(0.22, 500, 16),
        "spiral, 4 arms, edge density 0.4": spiral_curve(0.24, 500, 4, outer_density=0.4),
        "rosette, 10 petals": rosette_curve(500, 10),
        "line": np.outer(np.linspace(0, 500, 200), [1.0, 0.0]),
        "random smooth 3D": smooth * 400 / np.abs(smooth).max(),
    }


def limits_of(gradient: float, slew: float) -> Limits:
    """Limits on a raster of 10 us."""
    return Limits(gradient_T_per_m=gradient, slew_T_per_m_s=slew, b1_peak_T=20e-6, gradient_raster_s=10e-6)


def designed(peer: str, task: dict[str, Any]) -> dict[str, Any] | None:
    """What a peer makes of a task; None where it is not installed or does not end."""
    python = WAVEFORM_PYTHON if peer in ("now", "gropt") else PEER_PYTHON
    if not python.exists():
        return None
    one = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "task.npz", Path(folder) / "result.npz"
        np.savez(given, **task)
        command = [str(python), str(HERE / "peers" / "gradient_waveforms.py"), peer, str(given), str(found)]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=MOST_S, env=one)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return None
        return dict(np.load(found))


def excess(values: np.ndarray, raster_s: float, limits: Limits, joint: bool) -> float:
    """Largest ratio of amplitude or slew to its limit, less 1."""
    slew = np.diff(values, axis=0) / raster_s
    size = [np.linalg.norm(v, axis=1).max() if joint else np.abs(v).max() for v in (values, slew)]
    return float(max(size[0] / limits.gradient_T_per_m, size[1] / limits.slew_T_per_m_s) - 1)


def timed(design: Callable[[], Any], times: int = 3) -> tuple[Any, float]:
    """The result and the least CPU seconds; what is compiled is compiled before."""
    found, best = design(), np.inf
    for _ in range(times):
        begin = time.process_time()
        found = design()
        best = min(best, time.process_time() - begin)
    return found, best


def compared(task: str, ours: tuple[float, float, float], peer: str, theirs: tuple[float, float, float] | None, note: str) -> Any:
    """One row of (design seconds, length, excess) of both."""
    if theirs is None:
        return row(task, ours[0], NO_PEER, ours_error=ours[2]) | {"ours_length_ms": round(ours[1] * 1e3, 4)}
    longer = ours[1] / theirs[1] - 1
    told = f"lasts {ours[1] * 1e3:.3f} ms, peer {theirs[1] * 1e3:.3f} ms: {longer:+.2%}; {note}".rstrip("; ")
    figures = row(task, ours[0], told, ours_error=ours[2], peer=NAMES[peer], peer_s=theirs[0], peer_error=theirs[2])
    lengths = {"ours_length_ms": round(ours[1] * 1e3, 4), "peer_length_ms": round(theirs[1] * 1e3, 4)}
    return figures | lengths | {"longer": round(longer, 5)}


def legal_trace(peer: str, curve: np.ndarray, limits: Limits) -> tuple[tuple[float, float, float], str] | None:
    """A peer's (seconds, length, excess) along a curve, with a lower slew limit where it would break ours; and a note."""
    slew, note = limits.slew_T_per_m_s, ""
    for _ in range(8):
        task = {"curve": curve, "gradient": limits.gradient_T_per_m, "slew": slew, "raster": limits.gradient_raster_s}
        found = designed(peer, task)
        if found is None:
            return None
        values = found["gradient"]
        # SigPy's waveforms neither begin nor end at rest: the steps that takes are theirs, too.
        ends = np.linalg.norm(values[[0, -1]], axis=1) / (limits.slew_T_per_m_s * limits.gradient_raster_s)
        length = (len(values) - 1 + int(np.ceil(ends - 1e-6).sum())) * limits.gradient_raster_s
        over = excess(values[6:-6] if peer == "sigpy" else values, limits.gradient_raster_s, limits, True)
        if over <= ALLOWED:
            break
        note = note or f"by itself {length * 1e3:.3f} ms with {over:.0%} too much slew"
        slew /= 1 + over
    return (float(found["seconds"]), length, over), note


def trace_rows(quick: bool) -> list[dict[str, Any]]:
    """Along curves."""
    rows = []
    for gradient, slew in (ROUGH,) if quick else (ROUGH, SLOW):
        limits = limits_of(gradient, slew)
        for name, curve in list(curves().items())[: 1 if quick else None]:
            waveform, seconds = timed(lambda c=curve, m=limits: trace(c, m))  # type: ignore[misc]
            ours = seconds, waveform.duration_s, excess(waveform.values_T_per_m, waveform.raster_s, limits, True)
            for peer in ("sigpy", "pypulseqpp"):
                theirs, note = legal_trace(peer, curve, limits) or (None, "")
                rows.append(compared(f"{name}, {gradient * 1e3:g} mT/m", ours, peer, theirs, note))
    return rows


def moment_rows(quick: bool) -> list[dict[str, Any]]:
    """From k and gradient to k and gradient."""
    cases = {
        "rewinder of a spiral": ((30e-3, -20e-3), (0.0, 0.0), (300.0, 350.0)),
        "from rest to a readout": ((0.0, 0.0), (25e-3, 0.0), (-480.0, 200.0)),
    }
    rows, limits = [], limits_of(*ROUGH)
    for name, (begin, end, move) in list(cases.items())[: 1 if quick else None]:
        start, last, k = (np.array(v) for v in (begin, end, move))
        wanted = k[:, None] / GYROMAGNETIC_RATIO_HZ_PER_T
        waveform, seconds = timed(
            lambda w=wanted, a=start, b=last: to_moments(w, limits, start_T_per_m=a, end_T_per_m=b, turned=False),  # type: ignore[misc]
            1,
        )
        ours = seconds, waveform.duration_s, excess(waveform.values_T_per_m, waveform.raster_s, limits, False)
        task = {"k_start": np.zeros(2), "k_end": k, "g_start": start, "g_end": last, "raster": limits.gradient_raster_s}
        found = designed("mrinufft", task | {"gradient": limits.gradient_T_per_m, "slew": limits.slew_T_per_m_s})
        theirs = None
        if found is not None:
            over = excess(found["gradient"], limits.gradient_raster_s, limits, False)
            theirs = float(found["seconds"]), (len(found["gradient"]) - 1) * limits.gradient_raster_s, over
        rows.append(compared(name, ours, "mrinufft", theirs, ""))
    return rows


def b_of_knots(values: np.ndarray, step_s: float, echo_s: float) -> np.ndarray:
    """The b-tensor of knots, linear between them, by a fine sum; s/m2."""
    at = np.linspace(0, (len(values) - 1) * step_s, 200_001)
    gradient = np.stack([np.interp(at, np.arange(len(values)) * step_s, v) for v in values.T], axis=1)
    gradient *= np.where(at < echo_s, 1.0, -1.0)[:, None]
    q = np.cumsum(gradient, axis=0) * at[1] * 2 * np.pi * GYROMAGNETIC_RATIO_HZ_PER_T
    return np.asarray(q.T @ q * at[1])


def b_tensor_rows(quick: bool) -> list[dict[str, Any]]:
    """Largest b of two lobes, each axis with its own limits."""
    limits, timing = limits_of(80e-3, 100.0), DiffusionTiming(first_s=28e-3, pause_s=8e-3, second_s=22e-3)
    cases = [(1.0, True, False), (1.0, True, True), (-0.5, True, False), (0.0, True, False), (0.0, False, False)]
    words = {1.0: "linear", -0.5: "planar", 0.0: "spherical"}
    rows = []
    for shape, maxwell, still in cases[:1] if quick else cases:
        begin = time.process_time()
        mine = b_tensor_waveform(shape, timing, limits, turned=False, maxwell=maxwell, nulled_moments=1 + still)
        seconds = time.process_time() - begin
        slope = np.abs(np.diff(mine.values_T_per_m, axis=0) / np.diff(mine.times_s)[:, None]).max()
        over = max(np.abs(mine.values_T_per_m).max() / 80e-3, slope / 100.0) - 1
        task = {"shape": shape, "gradient": 80e-3, "slew": 100.0, "timing": [28e-3, 8e-3, 22e-3]}
        task["samples"] = 257 if shape == 1 else 129
        found = designed("now", task | {"maxwell": maxwell, "still": still, "starts": 4})
        theirs, note = None, f"b {mine.b_s_per_m2 * 1e-6:.0f} s/mm2"
        if found is not None:
            b = float(np.trace(b_of_knots(found["gradient"], float(found["dt"]), float(found["echo"]))))
            # Both last as long; what theirs would have to last for the b of ours.
            same = timing.duration_s * (mine.b_s_per_m2 / b) ** (1 / 3)
            theirs = float(found["seconds"]), same, excess(found["gradient"], float(found["dt"]), limits, False)
            note += f", peer {b * 1e-6:.0f} in the same time"
        name = f"b-tensor, {words[shape]}{', Maxwell' if maxwell else ''}{', M1' if still else ''}"
        rows.append(compared(name, (seconds, timing.duration_s, float(over)), "now", theirs, note))
    return rows


def bounds_of(limits: Limits) -> optima.Bounds:
    """Limits and nerves as the programmes take them."""
    return optima.Bounds(
        gradient=limits.gradient_T_per_m, slew=limits.slew_T_per_m_s, raster=limits.gradient_raster_s,
        chronaxie=CHRONAXIE_S, rheobase=RHEOBASE_T_PER_S / LENGTH_M, share=NERVES.share,
    )  # fmt: skip


def measured(waveform: Waveform, limits: Limits) -> float:
    """Largest excess of amplitude, slew and nerves."""
    over = excess(waveform.values_T_per_m, waveform.raster_s, limits, True)
    return max(over, float(nerve_response(waveform, NERVES).max()) / NERVES.share - 1)


def lobe_by_gropt(k: float, limits: Limits, least: int) -> tuple[float, float, float] | None:
    """GrOpt's shortest lobe from `least` raster steps on that is legal to 1 %, as it is by its own finding."""
    spent = 0.0
    for steps, threshold in product(range(least, least + 12), (0.8, 0.82)):
        task = {"k": k, "steps": steps, "threshold": threshold, "raster": limits.gradient_raster_s}
        found = designed("gropt", task | {"gradient": limits.gradient_T_per_m, "slew": limits.slew_T_per_m_s})
        if found is None:
            return None
        spent += float(found["seconds"])
        waveform = Waveform(raster_s=limits.gradient_raster_s, values_T_per_m=found["gradient"][:, None])
        over = measured(waveform, limits) if np.isfinite(found["gradient"]).all() else np.inf
        if found["good"] and over <= ALLOWED:
            return spent, waveform.duration_s, over
    return None


def slowed_sigpy(
    curve: np.ndarray, limits: Limits, calm: Callable[[Waveform], bool]
) -> tuple[tuple[float, float, float], str] | None:
    """SigPy's waveform with the largest of its slew limits (by halves, to 1 %) with which it is calm."""
    low, high, best, spent = 0.2, 1.0, None, 0.0
    while high - low > 0.01:
        share = 0.5 * (low + high)
        task = {"curve": curve, "gradient": limits.gradient_T_per_m, "slew": limits.slew_T_per_m_s * share}
        found = designed("sigpy", task | {"raster": limits.gradient_raster_s})
        if found is None:
            return None
        spent += float(found["seconds"])
        waveform = Waveform(raster_s=limits.gradient_raster_s, values_T_per_m=found["gradient"][6:-6])
        length = (len(found["gradient"]) - 1) * limits.gradient_raster_s
        fine = calm(waveform) and excess(waveform.values_T_per_m, waveform.raster_s, limits, True) <= ALLOWED
        low, high = (share, high) if fine else (low, share)
        best = (spent, length, 0.0) if fine else best
    return None if best is None else (best, f"slew limit {low:.0%} all along")


def cone_length(curve: np.ndarray, waveform: Waveform, limits: Limits) -> tuple[float, float, float]:
    """The shortest motion that cone programmes find, from that of the waveform; (seconds, length, 0)."""
    begin, bounds = time.process_time(), bounds_of(limits)
    speed = np.linalg.norm(waveform.values_T_per_m, axis=1)
    arc = np.concatenate([[0], np.cumsum(speed[1:] + speed[:-1])])
    steps, legal, tight = round(0.995 * (len(arc) - 1)), len(arc) - 1, 0
    while tight + 1 < legal:
        places = np.interp(np.linspace(0, len(arc) - 1, steps), np.arange(len(arc)), arc)
        use = optima.motion_use(curve, places, bounds)
        tight, legal = (tight, min(legal, steps)) if use <= 1 + 1e-4 else (max(tight, steps), legal)
        steps = int(np.clip(round(steps * np.sqrt(use)), tight + 1, max(legal - 1, tight + 1)))
    return time.process_time() - begin, legal * limits.gradient_raster_s, 0.0


def nerve_rows(quick: bool) -> list[dict[str, Any]]:
    """Lobes and curves within the nerves' limit."""
    rows, limits = [], limits_of(*ROUGH)
    for k in (300.0,) if quick else (150.0, 300.0, 500.0, 1000.0, 2000.0):
        line = np.outer(np.linspace(0, k, 200), [1.0, 0.0])
        waveform, seconds = timed(lambda c=line: trace(c, limits, nerves=NERVES), 1)  # type: ignore[misc]
        ours, most = (seconds, waveform.duration_s, measured(waveform, limits)), round(waveform.duration_s / 1e-5)
        begin = time.process_time()
        least = optima.lobe_steps(k, bounds_of(limits), most)
        best = time.process_time() - begin, least * limits.gradient_raster_s, 0.0
        rows.append(compared(f"lobe of {k:g}/m, nerves", ours, "linear", best, ""))
        rows.append(compared(f"lobe of {k:g}/m, nerves", ours, "gropt", lobe_by_gropt(k, limits, least), ""))
    named = {"spiral, 32 arms": spiral_curve(0.22, 400, 32), **curves()}
    names = ("spiral, 32 arms", "random smooth 3D", "spiral, 16 arms", "rosette, 10 petals")
    for name in names[: 1 if quick else None]:
        curve = named[name]
        waveform, seconds = timed(lambda c=curve: trace(c, limits, nerves=NERVES), 1)  # type: ignore[misc]
        ours = seconds, waveform.duration_s, measured(waveform, limits)
        rows.append(compared(f"{name}, nerves", ours, "cone", cone_length(curve, waveform, limits), ""))
        calm = lambda w: nerve_response(w, NERVES).max() <= NERVES.share * (1 + ALLOWED)  # noqa: E731
        theirs, note = slowed_sigpy(curve, limits, calm) or (None, "")
        rows.append(compared(f"{name}, nerves", ours, "sigpy", theirs, note))
    return rows


def quiet_length(curve: np.ndarray, limits: Limits, band: tuple[float, float], most: float) -> tuple[float, float, float] | None:
    """The dynamic programme's shortest waveform with at most so large a share of its energy within the band."""
    begin, lengths = time.process_time(), []
    for weight, guard in product((2.0, 5.0, 12.0, 30.0), (0.02, 0.04, 0.06, 0.08, 0.1, 0.12)):
        wider = band[0] * (1 - guard), band[1] * (1 + guard)
        values = optima.quiet_motion(curve, bounds_of(limits), wider, weight)
        waveform = Waveform(raster_s=limits.gradient_raster_s, values_T_per_m=values)
        lengths += [waveform.duration_s] if band_share(waveform, band) <= most else []
    return (time.process_time() - begin, min(lengths), 0.0) if lengths else None


def band_rows(quick: bool) -> list[dict[str, Any]]:
    """Spirals past a forbidden band."""
    limits, rows = limits_of(*ROUGH), []
    cases = {
        "spiral, 16 arms": (spiral_curve(0.22, 500, 16), (1000.0, 1200.0)),
        "spiral, 4 arms": (spiral_curve(0.22, 500, 4), (600.0, 700.0)),
    }
    for name, (curve, band) in list(cases.items())[: 1 if quick else None]:
        waveform, seconds = timed(lambda c=curve, b=band: trace(c, limits, bands=(b,)), 1)  # type: ignore[misc]
        ours = seconds, waveform.duration_s, excess(waveform.values_T_per_m, waveform.raster_s, limits, True)
        share, free = band_share(waveform, band), band_share(trace(curve, limits), band)
        note = f"{share:.1%} of the energy within the band, {free:.1%} without it"
        task = f"{name}, band {band[0]:g} to {band[1]:g} Hz"
        rows.append(compared(task, ours, "dynamic", quiet_length(curve, limits, band, 1.05 * share), note))
        theirs, slow = slowed_sigpy(curve, limits, lambda w, b=band, s=share: band_share(w, b) <= 1.05 * s) or (None, "")  # type: ignore[misc]
        rows.append(compared(task, ours, "sigpy", theirs, slow))
    return rows


def main() -> None:
    """Run and tell."""
    chosen = options(__doc__)
    rows = [row for part in (trace_rows, nerve_rows, band_rows, moment_rows, b_tensor_rows) for row in part(chosen.quick)]
    tell(rows, chosen.json)


if __name__ == "__main__":
    main()
