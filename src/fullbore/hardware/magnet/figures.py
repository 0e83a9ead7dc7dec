"""The figures of merit of a magnet, computed from its windings alone."""

from __future__ import annotations

import numpy as np

from fullbore.data import Magnet, Winding
from fullbore.hardware.magnet.brief import MagnetBrief
from fullbore.hardware.magnet.conductor import Wire, load_line_margin
from fullbore.hardware.magnet.energy import stored_energy_J
from fullbore.hardware.magnet.homogeneity import peak_to_peak
from fullbore.hardware.magnet.loads import hoop_stresses_Pa, lone_turn_stresses_Pa, peak_fields_T
from fullbore.hardware.magnet.solenoid import solenoid_field
from fullbore.hardware.magnet.stray_line import stray_line
from fullbore.hardware.magnet.tolerances import kept_as_wound, wound_peak_to_peak

DIAMETERS_M = (0.40, 0.45, 0.50)
_SAMPLES = 1000


def magnet_figures(magnet: Magnet, stray_T: float = 0.5e-3) -> dict[str, float]:
    """Field, homogeneity over 40, 45 and 50 cm, stray line, energy, inductance, size, conductor: of any coaxial windings."""
    sections = magnet.sections()
    line = stray_line(sections, stray_T)
    energy = stored_energy_J(sections)
    figures = {
        "centre_field_T": float(solenoid_field(np.zeros((1, 2)), sections)[0, 1]),
        **{f"peak_to_peak_{100 * d:.0f}cm_ppm": 1e6 * peak_to_peak(sections, d) for d in DIAMETERS_M},
        "stray_radius_m": float(line[:, 0].max()),
        "stray_axial_m": float(np.abs(line[:, 1]).max()),
        "energy_J": energy,
        "inductance_H": 2 * energy / magnet.current_A**2,
        "conductor_m": sum(conductor_of_m(w) for w in magnet.windings),
        "turns": sum(abs(w.turns) for w in magnet.windings),
        "inner_radius_m": float(sections[:, 0].min()),
        "outer_radius_m": float(sections[:, 1].max()),
        "length_m": float(sections[:, 3].max() - sections[:, 2].min()),
        "peak_field_T": float(peak_fields_T(sections, sections, 33, 9).max()),
        "hoop_stress_Pa": float(hoop_stresses_Pa(sections, sections, 17).max()),
        "hoop_stress_lone_turn_Pa": float(lone_turn_stresses_Pa(sections, sections).max()),
    }
    return figures


def conductor_figures(magnet: Magnet, brief: MagnetBrief) -> dict[str, float]:
    """Load-line margin of each kind of wire; what the tolerances make of homogeneity, and how often the brief's limits are kept.

    Of 1000 magnets (seed 0) before shimming; the shares are of 1.
    """
    sections = magnet.sections()
    peaks = peak_fields_T(sections, sections, 33, 9)
    wires = wires_of(brief)
    figures = {}
    for kind, wire in wires.items():
        peak = max((float(p) for p, w in zip(peaks, magnet.windings, strict=True) if w.wire == kind), default=0.0)
        if peak > 0:
            figures[f"peak_field_{kind}_T"] = peak
            figures[f"load_line_margin_{kind}"] = load_line_margin(wire, magnet.current_A, peak)
    for ball in brief.homogeneity:
        spread = wound_peak_to_peak(sections, brief.tolerance, ball.diameter_m, _SAMPLES, np.random.default_rng(0))
        name = f"{100 * ball.diameter_m:.0f}cm_ppm"
        figures[f"as_wound_median_{name}"] = 1e6 * float(np.median(spread))
        figures[f"as_wound_95_percent_{name}"] = 1e6 * float(np.quantile(spread, 0.95))
    kept = kept_as_wound(magnet, brief, _SAMPLES, np.random.default_rng(0))
    return figures | {f"as_wound_keeps_{name}": share for name, share in kept.items()}


def wires_of(brief: MagnetBrief) -> dict[str, Wire]:
    """The wires that windings name."""
    return {"primary": brief.primary_wire.wire(), "shield": brief.shield_wire.wire()}


def conductor_of_m(winding: Winding) -> float:
    """Length of one winding's wire: its turns times the mean circumference."""
    return float(abs(winding.turns) * np.pi * (winding.inner_radius_m + winding.outer_radius_m))
