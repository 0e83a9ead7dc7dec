"""Materials of test objects. Values of a maker's sheet are given to the object itself; these are common fillings."""

from __future__ import annotations

from fullbore.physics.tissue_record import FAT_LINES, NOT_VERIFIED, TissueRecord

_ALL = f"all values {NOT_VERIFIED}"
_ROOM_K = 293.15

MATERIAL: dict[str, TissueRecord] = {
    "water": TissueRecord(
        2.8,
        2.0,
        1.0,
        1.0,
        f"pure water at 20 C: T1, T2 {NOT_VERIFIED}; diffusivity Holz 2000",
        0.0,
        2.02e-9,
        electric=(0.0, 80.0),
        temperature_K=_ROOM_K,
    ),
    "doped water": TissueRecord(
        0.3, 0.25, 0.2, 1.0, f"nickel chloride and salt, {_ALL}", 0.0, 2.0e-9, electric=(0.8, 78.0), temperature_K=_ROOM_K
    ),
    "agar gel": TissueRecord(
        2.0, 0.06, 0.055, 0.97, f"agar 2 %, {_ALL}", 0.0, 1.9e-9, stiffness_Pa=1e4, electric=(0.5, 78.0), temperature_K=_ROOM_K
    ),
    "gelatine": TissueRecord(
        1.2, 0.1, 0.09, 0.9, _ALL, 0.0, 1.6e-9, stiffness_Pa=3e3, electric=(0.5, 75.0), temperature_K=_ROOM_K
    ),
    "polyacrylamide": TissueRecord(
        1.6, 0.15, 0.12, 0.9, _ALL, 0.0, 1.9e-9, stiffness_Pa=5e3, electric=(0.6, 77.0), temperature_K=_ROOM_K
    ),
    "carrageenan": TissueRecord(
        1.4, 0.07, 0.06, 0.95, _ALL, 0.0, 1.9e-9, stiffness_Pa=3e3, electric=(0.6, 77.0), temperature_K=_ROOM_K
    ),
    "peanut oil": TissueRecord(
        0.25,
        0.06,
        0.045,
        0.92,
        f"six peaks of the ISMRM fat-water challenge; {_ALL}",
        0.019,
        0.01e-9,
        lines=FAT_LINES,
        electric=(0.0, 3.0),
        temperature_K=_ROOM_K,
    ),
    "acrylic": TissueRecord(
        0.2,
        1e-5,
        0.99e-5,
        1e-4,
        f"hardly visible; susceptibility {NOT_VERIFIED}",
        0.0,
        0.0,
        electric=(0.0, 2.8),
        temperature_K=_ROOM_K,
    ),
    "blood-mimicking fluid": TissueRecord(
        0.85, 0.17, 0.12, 0.95, f"glycerol and water, {_ALL}", 0.0, 1.2e-9, electric=(0.5, 70.0), temperature_K=_ROOM_K
    ),
}
