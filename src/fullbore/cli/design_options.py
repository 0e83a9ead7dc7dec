"""The grammar of `fullbore design`: a part of the machine from its brief."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fullbore.cli.later import Later

_Option = tuple[tuple[str, ...], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What one part takes besides --out and --json. run: see `Later`; out: help of --out; options: argparse's, in order."""

    about: str
    run: str
    out: str
    options: tuple[_Option, ...]


def _option(names: str, about: str, kind: type | None = None, **settings: Any) -> _Option:
    return tuple(names.split()), {"help": about, **({"type": kind} if kind else {}), **settings}


def _brief(about: str = "a brief (TOML); without one, a preset") -> _Option:
    return _option("brief", about, Path, nargs="?")


_BORES = _option("--preset", "60cm, 65cm, 70cm or 75cm: the bore of the patient (default 75cm)")
_SURFACES = (
    _option("--surface", "wind one axis on a drawn surface (STL, OBJ, PLY or OFF) instead of on cylinders", Path),
    _option("--shield-surface", "a second surface, whose turns shield the bore", Path),
    _option("--unit", "of the drawings: mm, cm or m (default mm)"),
    _option("--axis", "of the coil on a surface: x, y or z (default x)"),
    _option("--volume", 'radius of its imaging volume, a ball, e.g. "10 cm"'),
    _option("--amplitude", 'of its gradient at full current, e.g. "80 mT/m"'),
    _option("--current", 'its full current, e.g. "200 A"'),
    _option("--linearity", 'largest deviation in the volume (default "5 %%")'),
    _option("--bore", 'radius of the conducting bore around it, e.g. "46 cm"'),
    _option("--torque", 'largest torque of the main field on the wire at full current (default "10 Nm")'),
    _option("--eddy", 'largest field of the bore\'s images in the volume (default "0.5 %%" with --bore)'),
)
_PARTS = {
    "magnet": _Part(
        about="a superconducting magnet: windings, fields, margins",
        run="design:magnet",
        out="new folder for result, winding table and report (default: the brief's name)",
        options=(
            _brief(),
            _BORES,
            _option("--start", "a winding table (CSV) to start from", Path),
            _option("--windings", "a winding table (CSV) to judge against the brief instead of designing", Path),
        ),
    ),
    "shim": _Part(
        about="iron that evens the field of a magnet as wound",
        run="shim:shim",
        out="new folder for sheets, chart and report (default: shim)",
        options=(
            _brief("the magnet's brief (TOML); without one, a preset"),
            _BORES,
            _option("--windings", "the magnet's winding table (CSV)", Path, required=True),
            _option("--seed", "seed of the winding errors (default 1)", int, default=1),
            _option("--target", "peak-to-peak to stay under, ppm (default 10)", float, default=10.0),
        ),
    ),
    "transmit": _Part(
        about="a transmit coil around a voxel body: B1+, E, SAR, observation points",
        run="design_transmit:transmit",
        out="new folder for maps, figures and report (default: the brief's name)",
        options=(
            _brief(),
            _option(
                "--preset", "body-birdcage-3t, torso-birdcage-3t, head-birdcage-3t or head-loops-8-3t (default body-birdcage-3t)"
            ),
            _option("--phantom", "a body of `fullbore phantom list` in place of the brief's"),
            _option("--voxel", "edge of the cubes in mm, in place of the brief's", float),
        ),
    ),
    "gradient": _Part(
        about="shielded gradient coils: stream functions, wires, fields, figures of merit",
        run="design_gradient:gradient",
        out="new folder for record, wire tracks and report (default: the brief's name)",
        options=(_brief(), _BORES, *_SURFACES),
    ),
    "spectrometer": _Part(
        about="clock, converter, filters and gain of the receivers",
        run="design_spectrometer:spectrometer",
        out="new folder for result, picture and report (default: the brief's name)",
        options=(_brief(), _option("--preset", "1.5t, 3t or 7t (default 3t)")),
    ),
    "array": _Part(
        about="a receive array: loops, fields, noise, preamplifiers",
        run="design_array:array_part",
        out="new folder for result, tables and report (default: FORMER-CHANNELS)",
        options=(
            _option("--former --preset", "head, torso or knee: a preset (default head)"),
            _option("--brief", "a brief (TOML) instead of a preset", Path),
            _option("--channels", "number of loops, e.g. 8, 16 or 32 (default: the brief's)", int),
            _option("--b0", "field in T (default: the brief's)", float),
        ),
    ),
    "shim-coils": _Part(
        about="coils of spherical harmonics, and their currents for a patient's field",
        run="design_shim_coils:shim_patient_coils",
        out="new folder for currents, pictures and report (default: shim-coils)",
        options=(
            _option("--field", "measured off-resonance (NIfTI, Hz or as its BIDS sidecar says; default: head)", Path),
            _option("--mask", "where it matters (NIfTI, > 0.5), on the field's grid (default: everywhere)", Path),
            _option("--degree", "highest harmonics, 1 to 3 (default 3)", int, default=3),
            _option("--slice-wise", "currents for every slice instead of for the volume", action="store_true"),
            _option("--current", "of each coil's driver, A (default 10)", float, default=10.0),
            _option("--bore", "diameter of the patient's bore, m (default 0.75)", float, default=0.75),
        ),
    ),
    "amplifier": _Part(
        about="gradient amplifiers, and the eddy currents and sound of the structure",
        run="design_amplifier:amplifier",
        out="new folder for result and report (default: the brief's name)",
        options=(_brief(), _option("--preset", "2.7MVA or 4MVA: of a 60 or 75 cm machine (default 4MVA)")),
    ),
    "birdcage": _Part(
        about="a body coil for transmission: capacitors, fields, power",
        run="design_birdcage:birdcage",
        out="new folder for result, pictures and report (default: the brief's name)",
        options=(_brief(), _BORES),
    ),
    "system": _Part(
        about="a whole machine from its parts, and what it means for sequences and images",
        run="design_system:system",
        out="new folder for the machine and its report (default: its name)",
        options=(
            _brief("a system's brief (TOML); without one, the 75 cm machine"),
            _option("--base", "a machine to change, by name or folder, instead of the brief's"),
            _option("--set", "change a part's brief", action="append", default=[], metavar="PART.KEY=VALUE"),
            _option("--against", "a machine to compare with, by name or folder (default: the base)"),
            _option("--no-scan", "leave the scanned images out", action="store_true"),
        ),
    ),
}


def add_design(commands: Any) -> None:
    """Add `design` and its parts to the commands."""
    design = commands.add_parser("design", help="design a part of the machine from a brief")
    parts = design.add_subparsers(metavar="PART", required=True)
    for name, part in _PARTS.items():
        command = parts.add_parser(name, help=part.about)
        for names, settings in part.options:
            command.add_argument(*names, **settings)
        command.add_argument("--out", type=Path, help=part.out)
        command.add_argument("--json", action="store_true", help="print the figures as JSON on standard output")
        command.set_defaults(run=Later(part.run))
