"""`fullbore design shim-coils`: coils of harmonics, and their currents for a patient's field."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from fullbore import files, phantom
from fullbore.cli.doors import sampled, write_text
from fullbore.cli.folder import new_folder, refuse_taken
from fullbore.cli.outcome import print_record, write_picture
from fullbore.cli.terminal import ExamTerminal
from fullbore.clinical.report.shim_coils_page import shim_coils_figure, shim_coils_page, shimmed_figure
from fullbore.data import FieldMap, Grid
from fullbore.errors import FormatError, UsageError
from fullbore.hardware.shim import PatientShim, ShimCoil, ShimSpace, shim_coil, shim_coils, shim_patient
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T

_WALL_M, _LINEAR_T_PER_M = 0.09, 1e-3
"""From the bore's wall to the shim coils' layer, beyond the primary gradient coil; what gradient offsets may take. Choices."""
_MOST_A = 1000.0
_BRAIN = ("white matter", "grey matter")
_HEAD_GRID = Grid.centred((40, 48, 40), (4e-3, 4e-3, 4e-3))


def shim_patient_coils(options: argparse.Namespace) -> int:
    """Design the coils, shim a field with them, write shim.json, currents.csv, pictures and report.html."""
    if options.degree not in (1, 2, 3) or not 0 < options.current <= _MOST_A or not 0.3 < options.bore < 1.2:
        got, wanted = (options.degree, options.current, options.bore), f"a degree of 1 to 3, up to {_MOST_A:g} A, 0.3 to 1.2 m"
        raise UsageError(f"--degree, --current, --bore: got {got}, wanted {wanted}.")
    if options.mask is not None and options.field is None:
        raise UsageError("--mask: got a mask without a field, wanted --field too: the digital head has its own.")
    refuse_taken(options.out)
    field, mask, of = _field(options)
    began = time.monotonic()
    with ExamTerminal({"shim-coils/coils": 2.0, "shim-coils/patient": 5.0}) as terminal:
        terminal.progress("shim-coils", "coils", 0.0, "least heat for each harmonic")
        space = ShimSpace(radius_m=options.bore / 2 + _WALL_M, length_m=1.3, ball_m=0.40)
        linear = tuple(shim_coil(space, 1, order) for order in (-1, 0, 1))
        coils = (*linear, *(shim_coils(space, options.degree) if options.degree > 1 else ()))
        offsets = [_LINEAR_T_PER_M / coil.strength_T_per_ml_A for coil in linear]
        limits = np.array([*offsets, *[options.current] * (len(coils) - len(linear))])
        terminal.progress("shim-coils", "patient", 0.0, f"currents for {of}")
        found = shim_patient(field, mask, coils, limits, slice_wise=options.slice_wise)
        folder = new_folder(options.out, "shim-coils")
        record = _write(folder, coils, limits, field, mask, found, of, time.monotonic() - began)
        terminal.line(
            f"  {of}: {found.before_Hz:.3g} -> {found.after_Hz:.3g} Hz (standard deviation over {int(mask.sum())} voxels)"
        )
        terminal.line(f"done: open {folder}/report.html")
    print_record(options, folder, record)
    return 0


def _field(options: argparse.Namespace) -> tuple[FieldMap, np.ndarray, str]:
    """The field in Hz, where it matters, and whose it is."""
    if options.field is None:
        return _head_field()
    field = files.read_field_nifti(options.field)
    mask = np.ones(field.grid.shape, bool)
    if options.mask is not None:
        values, grid = files.read_nifti(options.mask)
        if grid.shape != field.grid.shape or not np.allclose(grid.affine_m, field.grid.affine_m, atol=1e-5):
            raise FormatError(f"--mask: {options.mask} has another grid than {options.field}. Resample it to the field's.")
        mask = np.asarray(values) > 0.5
    return field, mask, options.field.name


def _head_field() -> tuple[FieldMap, np.ndarray, str]:
    """The digital head's, which its makers have shimmed to second order over the brain already."""
    head = phantom.head()
    hertz = 1e-6 * 3.0 * GYROMAGNETIC_RATIO_HZ_PER_T * sampled(head.field_ppm.values[0].real, head.field_ppm.grid, _HEAD_GRID)
    brain = sum(head.fractions[[tissue.name for tissue in head.tissues].index(name)] for name in _BRAIN)
    field = FieldMap(values=hertz[None].astype(np.float64), grid=_HEAD_GRID, unit="Hz")
    return field, sampled(np.asarray(brain), head.grid, _HEAD_GRID) > 0.5, "digital head"


def _write(
    folder: Path,
    coils: tuple[ShimCoil, ...],
    limits_A: np.ndarray,
    field: FieldMap,
    mask: np.ndarray,
    found: PatientShim,
    of: str,
    seconds: float,
) -> dict[str, object]:
    record = {
        "field": of,
        "before_Hz": found.before_Hz,
        "after_Hz": found.after_Hz,
        "coils": [coil.name for coil in coils],
        "strengths_T_per_ml_A": [coil.strength_T_per_ml_A for coil in coils],
        "impurities": [coil.impurity for coil in coils],
        "limits_A": limits_A.tolist(),
        "offset_Hz": found.offset_Hz.tolist(),
        "seconds": round(seconds, 2),
    }
    write_text(json.dumps({**record, "currents_A": found.currents_A.tolist()}, indent=1) + "\n", folder / "shim.json")
    head = ",".join(["slice" if len(found.currents_A) > 1 else "volume", "offset_Hz", *(f"{coil.name}_A" for coil in coils)])
    rows = [
        ",".join(f"{value:.9g}" for value in (number, found.offset_Hz[number], *currents))
        for number, currents in enumerate(found.currents_A)
    ]
    write_text("\n".join([head, *rows]) + "\n", folder / "currents.csv")
    write_picture(shim_coils_figure(coils), folder / "coils.png", 110)
    write_picture(shimmed_figure(field.values[0].real, found.left_Hz, mask), folder / "shimmed.png", 110)
    write_text(shim_coils_page(of, coils, limits_A, field.values[0].real, mask, found), folder / "report.html")
    return record
