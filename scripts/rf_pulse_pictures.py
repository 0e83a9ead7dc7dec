"""The picture of docs/explanation/rf-pulses.md: pulses and what they do, simulated. Run: python scripts/rf_pulse_pictures.py"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from fullbore.data import Limits
from fullbore.sequence.pulses import pulse_response, refocusing_efficiency, selective, sinc_pulse, slr_pulse
from fullbore.sequence.pulses.adiabatic import bir4
from fullbore.sequence.pulses.basic import hard_pulse
from fullbore.sequence.pulses.multiband import multiband
from fullbore.sequence.pulses.pencil_beam import pencil_beam
from fullbore.sequence.pulses.pins import pins
from fullbore.sequence.pulses.verse import verse
from fullbore.sequence.pulses.water import spectral_spatial

LIMITS = Limits(gradient_T_per_m=45e-3, slew_T_per_m_s=200.0, b1_peak_T=20e-6)
TARGET = Path(__file__).parent.parent / "docs" / "pictures" / "rf-pulses.png"


def excitations(axes: Axes) -> None:
    """Profiles of a sinc and of SLR pulses of one length."""
    offset = np.linspace(-2000, 2000, 401)
    for name, pulse in (
        ("Hann sinc", sinc_pulse(np.pi / 2, 3.84e-3, 6.0, LIMITS)),
        ("SLR, linear", slr_pulse(np.pi / 2, 3.84e-3, 6.0, LIMITS)),
        ("SLR, minimum phase", slr_pulse(np.pi / 2, 3.84e-3, 6.0, LIMITS, phase="minimum")),
    ):
        axes.plot(offset / 1e3, np.abs(pulse_response(pulse, offset_Hz=offset)[0]), label=name)
    axes.set(title="90 deg in 3.84 ms, bandwidth 1.56 kHz", xlabel="offset (kHz)", ylabel="|Mxy|")


def replayed(axes: Axes) -> None:
    """B1 of a refocusing pulse and of its VERSE replay."""
    fixed = selective(slr_pulse(np.pi, 5.12e-3, 4.0, LIMITS, purpose="refocusing"), 4 / 5.12e-3, 5e-3, LIMITS)
    for name, selection in (("SLR 180", fixed), ("VERSE, as long", verse(fixed, LIMITS, duration_s=5.12e-3))):
        pulse = selection.pulse
        axes.plot(np.arange(len(pulse.b1_T)) * pulse.raster_s * 1e3, pulse.b1_T.real * 1e6, label=name)
    axes.set(title="One profile, a quarter of the peak", xlabel="time (ms)", ylabel="B1 (uT)")


def robust(axes: Axes) -> None:
    """Mz after 90 degrees over the transmit field."""
    scale = np.linspace(0.4, 1.4, 51)
    for name, pulse in (("rectangle", hard_pulse(np.pi / 2, 0.5e-3, LIMITS)), ("BIR-4", bir4(np.pi / 2, 10e-3, LIMITS))):
        axes.plot(scale, pulse_response(pulse, b1_scale=scale)[1], label=name)
    axes.set(title="90 deg in a wrong B1", xlabel="B1 / nominal", ylabel="Mz")


def bands(axes: Axes) -> None:
    """Multiband excitation and PINS refocusing."""
    place = np.linspace(-50e-3, 50e-3, 601)
    one = selective(slr_pulse(np.pi / 3, 5.12e-3, 4.0, LIMITS), 4 / 5.12e-3, 4e-3, LIMITS)
    three = multiband(one, (-30e-3, 0.0, 30e-3), LIMITS)
    axes.plot(place * 1e3, np.abs(pulse_response(three, position_m=place)[0]), label="multiband 60 deg, |Mxy|")
    comb = pins(np.pi, 4.0, 6e-3, 30e-3, LIMITS)
    axes.plot(place * 1e3, np.abs(refocusing_efficiency(comb, position_m=place)), label="PINS 180, echo")
    axes.set(title="Several slices", xlabel="z (mm)", ylabel="share")


def water_and_place(axes: Axes) -> None:
    """|Mxy| of a spectral-spatial pulse over place and frequency."""
    place, offset = np.linspace(-10e-3, 10e-3, 101), np.linspace(-700, 300, 101)
    pulse = spectral_spatial(np.pi / 6, 5e-3, -440.0, LIMITS)
    made = np.abs(pulse_response(pulse, position_m=place[:, None], offset_Hz=offset)[0])
    axes.imshow(made, extent=(-700, 300, 10, -10), aspect="auto", cmap="magma", vmin=0, vmax=0.5)
    axes.axvline(-434, color="white", lw=0.8, ls=":")
    axes.text(-434, -8, " fat", color="white")
    axes.text(0, -8, "water", color="white", ha="center")
    axes.set(title="Spectral-spatial, 30 deg", xlabel="offset (Hz)", ylabel="z (mm)")


def beam(axes: Axes) -> None:
    """|Mxy| of a pencil beam in its plane."""
    line = np.linspace(-0.06, 0.06, 121)
    made = np.abs(
        pulse_response(pencil_beam(np.pi / 6, 20e-3, 0.15, LIMITS), position_m=(line, line[:, None], np.zeros((1, 1))))[0]
    )
    axes.imshow(made, extent=(-60, 60, 60, -60), cmap="magma", vmin=0, vmax=0.5)
    axes.set(title="Pencil beam, 20 mm", xlabel="x (mm)", ylabel="y (mm)")


def main() -> None:
    """Draw all six and write the picture."""
    figure, grid = plt.subplots(2, 3, figsize=(12, 6.4), layout="constrained")
    for axes, draw in zip(grid.ravel(), (excitations, replayed, robust, bands, water_and_place, beam), strict=True):
        draw(axes)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8, frameon=False)
    figure.savefig(TARGET, dpi=90)


if __name__ == "__main__":
    main()
