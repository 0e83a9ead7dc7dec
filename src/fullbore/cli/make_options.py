"""The grammar of `fullbore make`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fullbore.cli.later import Later


def add_make(commands: Any) -> None:
    """Add `make` and its parts to the command line."""
    make = commands.add_parser("make", help="files for a workshop: drawings, bodies, tables, each read back")
    parts = make.add_subparsers(metavar="PART", required=True)
    gradient = parts.add_parser("gradient", help="wire tracks and formers as CSV, DXF, STL and STEP")
    gradient.add_argument("folder", type=Path, nargs="?", help="a folder of `fullbore design gradient`")
    gradient.add_argument("--preset", help="60cm, 65cm, 70cm or 75cm: design it first")
    gradient.set_defaults(run=Later("make:make_gradient"))
    magnet = parts.add_parser("magnet", help="windings and spools as CSV, DXF, STL and STEP")
    magnet.add_argument("windings", type=Path, help="a winding table (CSV)")
    magnet.add_argument("--preset", help="whose brief names the wires: 60cm, 65cm, 70cm or 75cm (default 75cm)")
    magnet.add_argument("--brief", type=Path, help="a brief (TOML) that names the wires")
    magnet.set_defaults(run=Later("make_magnet:make_magnet"))
    shim = parts.add_parser("shim", help="charts of the iron in a magnet's trays as PDF and CSV")
    shim.add_argument("folder", type=Path, help="a folder of `fullbore design shim`")
    shim.set_defaults(run=Later("make_shim:make_shim"))
    for part in (gradient, magnet, shim):
        part.add_argument("--out", type=Path, help="new folder for the files and report (default: NAME-made)")
        part.add_argument("--json", action="store_true", help="print the files as JSON on standard output")
