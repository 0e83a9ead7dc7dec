"""`fullbore recon FILE` of a spectroscopy scan: the spectrum of its voxel."""

from __future__ import annotations

import argparse
import json
import sys

from fullbore import files
from fullbore.cli.doors import write_text
from fullbore.cli.folder import new_folder
from fullbore.cli.recon_folder import fingerprint, stem_of
from fullbore.cli.terminal import ExamTerminal
from fullbore.clinical.report import spectrum_figure, spectrum_page
from fullbore.data import RawData
from fullbore.errors import UsageError
from fullbore.files.atomic import atomic_path
from fullbore.recon import spectrum


def recon_spectrum(options: argparse.Namespace, raw: RawData) -> int:
    """Write spectrum.nii.gz (NIfTI-MRS) with its sidecar, spectrum.csv, spectrum.png and report.html."""
    asked = {"recipe": options.recipe, "set": options.set, "field": options.field, "girf": options.girf, "show": options.show}
    refused = [f"--{name}" for name, value in asked.items() if value]
    if refused:
        raise UsageError(
            f"recon: {' and '.join(refused)} with the spectrum of one voxel, which has no recipe. Leave it out, or call "
            "recon.spectrum with its options."
        )
    stem = stem_of(options.file)
    with ExamTerminal({f"{stem}/reconstruct": 1.0, f"{stem}/write": 1.0}) as terminal:
        for key, value in raw.provenance.items():
            terminal.line(f"  {key}: {value}")
        terminal.progress(stem, "reconstruct", 0.0, "spectrum")
        made = spectrum(raw)
        terminal.progress(stem, "write", 0.0, "")
        folder = new_folder(options.out, f"{stem}-recon")
        written = [*files.write_nifti_mrs(made, folder / "spectrum"), files.write_spectrum_csv(made, folder / "spectrum.csv")]
        with atomic_path(folder / "spectrum.png") as temporary:
            spectrum_figure(made).savefig(temporary, format="png")
        write_text(spectrum_page(raw, made, options.file.name, fingerprint(options.file)), folder / "report.html")
        terminal.progress(stem, "write", 1.0, "")
        terminal.line(f"  one voxel, {made.report['averages']} averages, {made.report['averages_aligned']} of them aligned")
        terminal.line(
            f"  largest line: {made.peak_ppm:.3f} ppm, {made.line_width_Hz:.1f} Hz wide, {made.snr:.0f} times the noise"
        )
        if made.report["warning"] != "none":
            terminal.line(f"  [yellow]warning[/yellow]: {made.report['warning']}", markup=True)
        terminal.line(f"done: open {folder}/report.html")
    if options.json:
        record = {"status": "complete", "file": str(options.file), "folder": str(folder), "spectra": [str(p) for p in written]}
        figures = {"peak_ppm": made.peak_ppm, "line_width_Hz": made.line_width_Hz, "snr": made.snr, "noise_std": made.noise_std}
        sys.stdout.write(json.dumps(record | figures | made.report, default=str) + "\n")
    return 0
