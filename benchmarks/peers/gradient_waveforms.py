"""Peers' gradient waveforms for bench_gradients.py: reads tasks (.npz), writes waveforms (.npz); one process for each peer.

Run: python gradient_waveforms.py PEER TASK.npz RESULT.npz. Peers: sigpy (min_time_gradient, Lustig), pypulseqpp (traj_to_grad,
MRArbGrad), mrinufft (connect_gradient, linear programmes), now (dmipy-design, a port of NOW with SLSQP), gropt (GrOpt 2: ADMM).
Everything is in SI: curves in cycles/m, gradients in T/m as (corner, axis), seconds of the processor without imports.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np

GAMMA_HZ_PER_T = 42.57638543e6


def sigpy(task: Any) -> dict[str, Any]:
    """Along a curve, from rest to rest."""
    from sigpy.mri.rf.trajgrad import min_time_gradient

    curve = np.pad(task["curve"], ((0, 0), (0, 3 - task["curve"].shape[1])))
    top, slew, raster = float(task["gradient"]), float(task["slew"]), float(task["raster"])
    begin = time.process_time()
    found = min_time_gradient(curve / 100, 0, 0, gmax=top * 100, smax=slew / 10, dt=raster * 1e3, gamma=GAMMA_HZ_PER_T * 1e-7)
    return {"seconds": time.process_time() - begin, "gradient": found[0] / 100}


def pypulseqpp(task: Any) -> dict[str, Any]:
    """Along a curve, from rest to rest."""
    import pypulseqpp as pp

    system = pp.Opts(
        max_grad=float(task["gradient"]) * 1e3, grad_unit="mT/m", max_slew=float(task["slew"]), slew_unit="T/m/s",
        grad_raster_time=float(task["raster"]), gamma=GAMMA_HZ_PER_T,
    )  # fmt: skip
    begin = time.process_time()
    found, _ = pp.traj_to_grad(np.ascontiguousarray(task["curve"].T), system=system)
    return {"seconds": time.process_time() - begin, "gradient": found.T / GAMMA_HZ_PER_T}


def mrinufft(task: Any) -> dict[str, Any]:
    """From k and gradient to k and gradient, each axis with its own limits."""
    from mrinufft.trajectories.gradients import connect_gradient
    from mrinufft.trajectories.utils import Acquisition, Hardware

    machine = Hardware(gmax=float(task["gradient"]), smax=float(task["slew"]), n_coils=1, grad_raster_time=float(task["raster"]))
    acquisition = Acquisition(fov=(0.2,) * 3, img_size=(64,) * 3, hardware=machine)
    ends = [np.asarray(task[name], dtype=np.float64)[None] for name in ("k_start", "k_end", "g_start", "g_end")]
    begin = time.process_time()
    found = connect_gradient(*ends, acq=acquisition)
    return {"seconds": time.process_time() - begin, "gradient": found[0]}


def now(task: Any) -> dict[str, Any]:
    """The largest b of two lobes about a pause; knots (sample, axis) at multiples of dt."""
    from dmipy_design import SequenceTiming, design_waveform_now

    first, pause, second = (float(v) for v in task["timing"])
    # Its echo lies in the middle of the pause: what the shorter side lacks is lead or readout.
    half = max(first, second) + pause / 2
    timing = SequenceTiming(t_excite=half - pause / 2 - first, t_refocus=pause, t_readout_pre_echo=half - pause / 2 - second)
    begin = time.process_time()
    found = design_waveform_now(
        b_delta=float(task["shape"]), G_max=float(task["gradient"]), slew_rate_max=float(task["slew"]), TE=2 * half,
        n_t=int(task["samples"]), timing=timing, null_M1=bool(task["still"]), null_M2=False, maxwell=bool(task["maxwell"]),
        n_restarts=int(task["starts"]),
    )  # fmt: skip
    return {"seconds": time.process_time() - begin, "gradient": found.G, "dt": found.dt, "echo": half, "b": found.b_value}


def gropt(task: Any) -> dict[str, Any]:
    """A lobe of one axis from rest to rest, within amplitude, slew and nerves (its chronaxie 334 us, 60 T/m/s)."""
    import gropt2

    params = gropt2.GroptParams()
    params.init_N(int(task["steps"]) + 1, float(task["raster"]))
    params.add_gmax(float(task["gradient"]))
    params.add_smax(float(task["slew"]))
    params.add_moment(0, float(task["k"]) / GAMMA_HZ_PER_T * 1e6)  # mT/m ms
    params.add_op_pns(float(task["threshold"]))
    params.N_iter, params.solver_type = 5000, "lsmr"  # with its default, conjugate gradients, nerves end in NaN
    begin = time.process_time()
    params.optimize()
    # Its area is the sum of corners, which with rest at both ends is the area of straight lines between them.
    return {"seconds": time.process_time() - begin, "gradient": params.get_out(), "good": params.final_good == 2}


def main() -> None:
    """One task."""
    peer, task, result = sys.argv[1:]
    np.savez(result, **globals()[peer](dict(np.load(task))))


if __name__ == "__main__":
    main()
