"""The machine that an option names: a preset, or a folder with one."""

from __future__ import annotations

from pathlib import Path

from fullbore import hardware
from fullbore.data import ScannerSpec
from fullbore.errors import UsageError
from fullbore.files import read_machine
from fullbore.files.machine_folder import TABLE


def machine(name: str) -> ScannerSpec:
    """A preset by its name, or what `fullbore design system` wrote into a folder.

    Errors: UsageError for neither; FormatError for a folder whose machine cannot be read.
    """
    if name in hardware.presets():
        return hardware.design(hardware.Brief(preset=name))
    if (Path(name) / TABLE).exists():
        return read_machine(Path(name))
    raise UsageError(f"--scanner: got {name!r}, wanted one of {', '.join(hardware.presets())}, or a folder that holds {TABLE}.")
