"""The page of one spectrum."""

from __future__ import annotations

from html import escape

import numpy as np
from matplotlib.figure import Figure

from fullbore.clinical.report.anatomy import DPI
from fullbore.clinical.report.html import figure, page, table
from fullbore.data import RawData, Spectrum

METABOLITES_PPM = (0.5, 5.5)
"""What is drawn when the largest line is within it."""


def spectrum_figure(spectrum: Spectrum) -> Figure:
    """The real part over ppm, falling from left to right, with a band of two standard deviations of the noise."""
    drawn = Figure(figsize=(9, 3.6), dpi=DPI, layout="constrained")
    axis = drawn.subplots()
    axis.axhspan(-2 * spectrum.noise_std, 2 * spectrum.noise_std, color="0.88", label="noise, 2 standard deviations")
    axis.plot(spectrum.ppm, spectrum.values.real, linewidth=0.8, color="black")
    low, high = METABOLITES_PPM
    if not low < spectrum.peak_ppm < high:
        low, high = float(spectrum.ppm[-1]), float(spectrum.ppm[0])
    axis.set(xlim=(high, low), xlabel="chemical shift (ppm)", ylabel="real part (per Hz)")
    axis.legend(frameon=False)
    return drawn


def spectrum_page(raw: RawData, spectrum: Spectrum, source: str, source_sha256: str) -> str:
    """Spectrum, drift of the averages and figures, as HTML text."""
    facts: list[tuple[str, object]] = [
        ("file", source),
        ("SHA-256", source_sha256),
        ("system", raw.system or "unknown"),
        ("readouts × coils × samples", " × ".join(map(str, raw.samples.shape))),
        ("voxel (mm; read, phase, slice)", ", ".join(f"{edge * 1e3:.3g}" for edge in raw.encoding.geometry.fov_m)),
        ("receiver (MHz)", f"{spectrum.receiver_Hz * 1e-6:.6f}"),
        ("largest line (ppm)", f"{spectrum.peak_ppm:.3f}"),
        ("its width at half height (Hz)", f"{spectrum.line_width_Hz:.2f}"),
        ("its height over the noise's standard deviation", f"{spectrum.snr:.1f}"),
        ("standard deviation of the noise (real part)", f"{spectrum.noise_std:.4g}"),
    ]
    facts += [(f"read: {key}", value) for key, value in raw.provenance.items()]
    facts += [(f"reconstruction: {key}", str(value)) for key, value in spectrum.report.items()]
    body = f'<h1>{escape(spectrum.name)}</h1><p class="lead">Spectrum by Fullbore from {escape(source)}.</p>'
    body += figure(spectrum_figure(spectrum), "Real part of the spectrum; the largest line's phase is zero.")
    if np.count_nonzero(np.isfinite(spectrum.shifts_Hz)) > 1:
        body += figure(_drift_figure(spectrum), "What each average was off in frequency and phase, taken out before averaging.")
    return page(f"Fullbore spectrum of {source}", body + table(("what", "value"), facts))


def _drift_figure(spectrum: Spectrum) -> Figure:
    drawn = Figure(figsize=(9, 2.4), dpi=DPI, layout="constrained")
    left, right = drawn.subplots(1, 2)
    number = np.arange(1, len(spectrum.shifts_Hz) + 1)
    for axis, values, name in (
        (left, spectrum.shifts_Hz, "frequency (Hz)"),
        (right, np.rad2deg(spectrum.phases_rad), "phase (degrees)"),
    ):
        axis.plot(number, values, marker=".")
        axis.set(xlabel="average", ylabel=name)
        axis.grid(alpha=0.3)
    return drawn
