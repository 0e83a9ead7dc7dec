"""Gradient waveforms beside published tools, in the same run: how long what is designed lasts, and how long designing takes.

Run: python benchmarks/bench_gradients.py [--quick] [--json FILE]. Peers need `sh benchmarks/peers.sh` once, or rows say so.
Along curves of k-space, from rest to rest on a raster of 10 us: SigPy's min_time_gradient (Lustig 2008) and pypulseqpp's
traj_to_grad (MRArbGrad), limits on the vector's length. To moments: MRI-NUFFT's connect_gradient, limits on each axis. b-tensors:
dmipy-design, a port of NOW (Sjolund 2015; SLSQP), limits on each axis, at one timing and with the same nulls; the largest b is
compared, and since b goes as the cube of time, the length that the same b takes.
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
from pathlib import Path
from typing import Any

import numpy as np
from convention import NO_PEER, PEER_PYTHON, options, row, tell

from fullbore.data import Limits
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence.waveforms import DiffusionTiming, b_tensor_waveform, rosette_curve, spiral_curve, to_moments, trace

HERE = Path(__file__).parent
WAVEFORM_PYTHON = HERE / ".peers" / "gradients" / "bin" / "python"
NAMES = {"sigpy": "SigPy", "pypulseqpp": "pypulseqpp", "mrinufft": "MRI-NUFFT", "now": "dmipy-design (NOW)"}
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
    python = WAVEFORM_PYTHON if peer == "now" else PEER_PYTHON
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


def main() -> None:
    """Run and tell."""
    chosen = options(__doc__)
    rows = [row for part in (trace_rows, moment_rows, b_tensor_rows) for row in part(chosen.quick)]
    tell(rows, chosen.json)


if __name__ == "__main__":
    main()
