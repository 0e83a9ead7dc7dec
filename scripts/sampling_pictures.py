"""The pictures of docs/explanation/sampling.md and waveforms.md, from real runs.

Run from the project's folder: python scripts/sampling_pictures.py [sampling | waveforms].
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fullbore.data import Limits
from fullbore.sequence.sampling import best_caipi, lattice_g_factor, phyllotaxis, point_spread, poisson_disc
from fullbore.sequence.sampling.angles import spiral_phyllotaxis
from fullbore.sequence.sampling.noise import coil_ring
from fullbore.sequence.sampling.regular import Caipi
from fullbore.sequence.sampling.vista import vista_lines
from fullbore.sequence.waveforms import DiffusionTiming, b_tensor_waveform, spiral

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"


def sampling() -> Figure:
    """Patterns above, what they do below."""
    figure = Figure(figsize=(13, 6.2), layout="constrained")
    axes = figure.subplots(2, 4)
    poisson, lattice = poisson_disc((128, 128), 6.0, (16, 16), 1), Caipi(rows=2, columns=3, shift=1)
    series = vista_lines(128, 48, 8.0, 0)
    arms = spiral_phyllotaxis((128, 128), 21, 130)
    for axis, image, title in (
        (axes[0, 0], poisson, "Poisson disc, R = 6"),
        (axes[0, 1], lattice.mask((24, 24)), "CAIPI 2 x 3, shift 1"),
        (axes[0, 2], series.T, "VISTA, R = 8 (lines over frames)"),
    ):
        axis.imshow(image, cmap="gray", aspect="auto", interpolation="nearest")
        axis.set_title(title)
    for arm in arms[:4]:
        axes[0, 3].plot(arm[:, 1], arm[:, 0], ".-", markersize=2, linewidth=0.4)
    axes[0, 3].set_title("spiral phyllotaxis, 4 of 21 arms")
    spread = point_spread(poisson)
    axes[1, 0].imshow(np.log10(np.abs(spread.function) + 1e-4), cmap="magma")
    axes[1, 0].set_title(f"its spread (log), sidelobe {spread.sidelobe:.3f}")
    coils = coil_ring(12, (64, 64), (0.24, 0.24))
    y, x = np.mgrid[-32:32, -32:32]
    support = y**2 + x**2 < 28**2
    best = best_caipi(6, (0.24, 0.24), coils, support)
    for axis, one in ((axes[1, 1], Caipi(rows=2, columns=3, shift=0)), (axes[1, 2], best.lattice)):
        g = lattice_g_factor(coils, one.aliases(), support)
        axis.imshow(g, cmap="inferno", vmin=1, vmax=2.5)
        axis.set_title(f"g, {one.rows} x {one.columns} shift {one.shift}: 99 % {np.percentile(g[support], 99):.2f}")
    directions = phyllotaxis(21, 40)
    for interleaf in directions[:5]:
        axes[1, 3].plot(interleaf[:, 0], interleaf[:, 1], ".-", markersize=3, linewidth=0.5)
    axes[1, 3].set_title("tips of spokes, 5 of 21 arms")
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
    return figure


def waveforms() -> Figure:
    """A spiral with its rewinder, and three b-tensors."""
    figure = Figure(figsize=(13, 6), layout="constrained")
    axes = figure.subplots(2, 3)
    limits = Limits(gradient_T_per_m=0.04, slew_T_per_m_s=150.0, b1_peak_T=20e-6)
    interleaf = spiral(0.22, 250.0, 8, limits, nulled_moments=2)
    whole = interleaf.whole()
    time_ms = whole.times_s() * 1e3
    axes[0, 0].plot(time_ms, whole.values_T_per_m * 1e3, linewidth=0.9)
    axes[0, 0].set(title="spiral and its rewinder (M0 = M1 = 0)", xlabel="ms", ylabel="mT/m")
    axes[0, 1].plot(time_ms[1:], np.linalg.norm(whole.slew_T_per_m_s, axis=1), linewidth=0.8)
    axes[0, 1].set(title="its slew: the limit is 150 T/m/s", xlabel="ms", ylim=(0, 160))
    k = whole.k_per_m()
    axes[0, 2].plot(k[:, 0], k[:, 1], linewidth=0.8)
    axes[0, 2].set(title="its k, cycles/m", aspect="equal")
    strong = Limits(gradient_T_per_m=0.08, slew_T_per_m_s=100.0, b1_peak_T=20e-6)
    timing = DiffusionTiming(first_s=28e-3, pause_s=8e-3, second_s=22e-3)
    for axis, shape, name in zip(axes[1], (1.0, -0.5, 0.0), ("linear", "planar", "spherical"), strict=True):
        w = b_tensor_waveform(shape, timing, strong)
        axis.plot(w.times_s * 1e3, w.values_T_per_m * 1e3, linewidth=1.0)
        axis.set(title=f"{name}: b = {w.b_s_per_m2 * 1e-6:.0f} s/mm2", xlabel="ms", ylabel="mT/m")
    return figure


if __name__ == "__main__":
    for name in sys.argv[1:] or ("sampling", "waveforms"):
        {"sampling": sampling, "waveforms": waveforms}[name]().savefig(FOLDER / f"{name}.png", dpi=70)
