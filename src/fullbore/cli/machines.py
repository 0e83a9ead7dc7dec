"""The machine that an option names: a preset, one that Fullbore designed and ships, or a folder with one."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from fullbore import hardware
from fullbore.data import ScannerSpec
from fullbore.errors import UsageError
from fullbore.files import machine_digest, read_machine
from fullbore.files.machine_folder import TABLE


def machine_names() -> tuple[str, ...]:
    """All machines that have a name, sorted."""
    return tuple(sorted((*hardware.presets(), *hardware.designed_machines())))


def machine(name: str) -> ScannerSpec:
    """A machine by its name, or what `fullbore design system` wrote into a folder.

    Errors: UsageError for neither; FormatError for a folder whose machine cannot be read.
    """
    if name in hardware.presets():
        return hardware.design(hardware.Brief(preset=name))
    folder = hardware.designed_machines().get(name, Path(name))
    if (folder / TABLE).exists():
        return read_machine(folder)
    raise UsageError(f"--scanner: got {name!r}, wanted one of {', '.join(machine_names())}, or a folder that holds {TABLE}.")


def list_machines(options: argparse.Namespace) -> int:
    """Name, field, bore, gradients, B1+, receivers and source of every machine."""
    known = {name: _told(machine(name), name in hardware.presets()) for name in machine_names()}
    if options.json:
        sys.stdout.write(json.dumps(known) + "\n")
        return 0
    width = max(map(len, known))
    for name, told in known.items():
        sys.stdout.write(
            f"{name:<{width}}  {told['b0_T']:g} T, {told['bore_diameter_m'] * 100:g} cm, "
            f"{told['gradient_T_per_m'] * 1e3:.3g} mT/m at {told['slew_T_per_m_s']:.4g} T/m/s, "
            f"B1+ {told['b1_peak_T'] * 1e6:.3g} uT, {told['channels']} channels, {told['made']}. {told['source']}\n"
        )
    return 0


def _told(spec: ScannerSpec, preset: bool) -> dict[str, Any]:
    """One machine's row."""
    return {
        "b0_T": spec.b0_T,
        "bore_diameter_m": spec.bore_diameter_m,
        "gradient_T_per_m": spec.limits.gradient_T_per_m,
        "slew_T_per_m_s": spec.limits.slew_T_per_m_s,
        "b1_peak_T": spec.limits.b1_peak_T,
        "channels": spec.receive.coils,
        "made": "a preset: stated figures" if preset else "every part designed, with its flaws",
        "source": spec.source,
        "sha256": machine_digest(spec),
    }
