"""The picture of docs/explanation/safety.md: an exam's MPRAGE on two machines, as the safety check sees it.

Run from the repository: python scripts/safety_picture.py
"""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from fullbore import safety
from fullbore.data import Sequence
from fullbore.hardware import Brief, design
from fullbore.safety.sound import resonances
from fullbore.sequence import build, parse_protocol

SHOWN_S = (9e-3, 19e-3)
FREQUENCIES_HZ = np.arange(200.0, 1800.0, 5.0)


def mprage(machine: str) -> tuple[Sequence, object]:
    """The brain exam's MPRAGE for a machine, and the machine."""
    spec = design(Brief(preset=machine))
    text = (resources.files("fullbore.clinical") / "protocols" / "brain" / "t1_mprage.toml").read_text(encoding="utf-8")
    return build(parse_protocol(tomllib.loads(text)), spec.limits), spec


def main() -> None:
    """Three panels: gradients, SAFE stimulation, spectrum against the forbidden bands."""
    figure, axes = plt.subplots(3, 1, figsize=(8, 7.5), dpi=110)
    for machine, colour in (("fullbore-60cm", "tab:red"), ("fullbore-65cm", "tab:blue")):
        sequence, spec = mprage(machine)
        wave, raster = safety.waveform(sequence), spec.limits.gradient_raster_s
        t = np.arange(round(SHOWN_S[1] / raster)) * raster
        course = 100 * np.linalg.norm(safety.safe_course(wave, spec.stimulation.safe, raster)[: len(t)], axis=1)
        played = 1e3 * safety.sampled(wave, 0.0, raster, len(t))
        axes[0].plot(1e3 * t, played[0], color=colour, label=machine)
        axes[1].plot(1e3 * t, course, color=colour, label=machine)
        peaks = 1e3 * resonances(wave, FREQUENCIES_HZ, spec.sound.ring_s)[0].max(axis=0)
        axes[2].plot(FREQUENCIES_HZ, peaks, color=colour, label=machine)
    axes[1].axhline(80, color="black", linestyle="--", label="normal mode")
    for band in spec.sound.bands:
        axes[2].fill_between([band.low_Hz, band.high_Hz], 1e3 * band.limit_T_per_m, 10, color="grey", alpha=0.4)
    for axis, label in zip(axes, ("gradient on x, mT/m", "SAFE stimulation, %", "amplitude, mT/m"), strict=True):
        axis.set_ylabel(label)
        axis.legend(loc="upper right", fontsize=8)
    for axis in axes[:2]:
        axis.set_xlim(1e3 * SHOWN_S[0], 1e3 * SHOWN_S[1])
        axis.set_xlabel("time, ms")
    axes[2].set_xlabel("frequency, Hz (grey: forbidden)")
    figure.tight_layout()
    figure.savefig(Path("docs") / "pictures" / "safety.png")


if __name__ == "__main__":
    main()
