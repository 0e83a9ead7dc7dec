"""Spectra as NIfTI-MRS, and as a table. Source: the NIfTI-MRS specification 0.10 (doi:10.5281/zenodo.11446007).

Its Appendix A follows Levitt: protons that are less shielded turn as exp(-2 pi i f t) with f > 0, which is our law too, so the
samples go in as they are.
"""

from __future__ import annotations

import math
from pathlib import Path

import nibabel
import numpy as np
from nibabel.nifti1 import Nifti1Extension

from fullbore.data import Spectrum
from fullbore.files.atomic import atomic_path
from fullbore.files.bids import to_json
from fullbore.files.nifti import affine_ras_mm

_VERSION = "mrs_v0_10"
_EXTENSION = 44


def write_nifti_mrs(spectrum: Spectrum, stem: str | Path) -> list[Path]:
    """Write the combined signal over time, (1, 1, 1, sample), as NIfTI-2 with its JSON extension, and the same as a sidecar.

    stem: path without suffix. Returns the .nii.gz and .json files written. Errors: OutputError.
    """
    stem = Path(stem)
    affine = affine_ras_mm(spectrum.encoding.geometry.grid())
    fields = _fields(spectrum)
    nifti = nibabel.Nifti2Image(spectrum.signal.astype(np.complex64).reshape(1, 1, 1, -1), affine)
    nifti.set_qform(affine, code=1)
    nifti.set_sform(affine, code=1)
    nifti.header.set_zooms((*nifti.header.get_zooms()[:3], spectrum.dwell_s))
    nifti.header.set_xyzt_units("mm", "sec")
    nifti.header["intent_name"] = _VERSION.encode()
    nifti.header.extensions.append(Nifti1Extension(_EXTENSION, to_json(fields).encode()))
    image_path, json_path = stem.with_name(f"{stem.name}.nii.gz"), stem.with_name(f"{stem.name}.json")
    with atomic_path(image_path) as temporary:
        nibabel.save(nifti, temporary)
    with atomic_path(json_path) as temporary:
        temporary.write_text(to_json(fields | {"Reconstruction": spectrum.report}), encoding="utf-8")
    return [image_path, json_path]


def write_spectrum_csv(spectrum: Spectrum, path: str | Path) -> Path:
    """Write ppm, real and imaginary part, one line each, with a head. Errors: OutputError."""
    rows = (f"{ppm:.6f},{value.real:.9g},{value.imag:.9g}\n" for ppm, value in zip(spectrum.ppm, spectrum.values, strict=True))
    with atomic_path(Path(path)) as temporary:
        temporary.write_text("ppm,real,imaginary\n" + "".join(rows), encoding="utf-8")
    return Path(path)


def _fields(spectrum: Spectrum) -> dict[str, object]:
    """What the standard defines and we know; the frequency in MHz, the angle in degrees, times in seconds."""
    encoding = spectrum.encoding
    fields: dict[str, object] = {
        "SpectrometerFrequency": [spectrum.receiver_Hz * 1e-6],
        "ResonantNucleus": ["1H"],
        "SpectralWidth": 1 / spectrum.dwell_s,
        "Manufacturer": "Fullbore",
    }
    if encoding.echo_times_s:
        fields["EchoTime"] = float(encoding.echo_times_s[0])
    if encoding.repetition_time_s > 0:
        fields["RepetitionTime"] = float(encoding.repetition_time_s)
    if encoding.flip_rad > 0:
        fields["ExcitationFlipAngle"] = math.degrees(encoding.flip_rad)
    if "water_suppressed" in encoding.parameters:
        fields["WaterSuppressed"] = bool(encoding.parameters["water_suppressed"])
    if encoding.protocol:
        fields["ProtocolName"] = encoding.protocol
    steps = ("RF coil combination", "Frequency and phase correction", "Signal averaging", "Phasing")
    fields["ProcessingApplied"] = [{"Program": "Fullbore", "Method": step} for step in steps]
    return fields
