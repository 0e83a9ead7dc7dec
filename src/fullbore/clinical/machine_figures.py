"""What a machine means for its users: how short sequences can be on it, what nerves keep, how far its fields bend an image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fullbore.clinical.library import sequence_protocol
from fullbore.clinical.shortest import Shortest, shortest
from fullbore.data import FieldMap, ScannerSpec, Subject
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence import parse_protocol

TEN = (
    "spoiled_gre_3d",
    "mprage",
    "spin_echo_train_2d",
    "variable_flip_spin_echo_3d",
    "haste_2d",
    "gradient_echo_epi_2d",
    "diffusion_epi_2d",
    "balanced_cine",
    "dixon_3d",
    "ute_3d",
)
"""Sequences that each lean on another limit of the machine."""
ECHO_PLANAR = "gradient_echo_epi_2d"
BALLS_M = (0.22, 0.45)
"""Diameters in which fields are judged: a head, and the imaging volume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceFigures:
    """The shortest times of one sequence, s; None where it has no such field or no legal protocol.

    nerve_margin: 1 - stimulation over its limit there. binds: field -> the part of machine or body that forbids a step less.
    """

    name: str
    echo_time_s: float | None
    echo_spacing_s: float | None
    repetition_time_s: float | None
    nerve_margin: float
    binds: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFigures:
    """One machine in figures.

    echo_planar_m_per_Hz: shift along the phase axis of a spin that is off resonance, in the echo-planar sequence; NaN where
    that cannot be played. field_ppm, bend_m: ball diameter -> peak-to-peak of the magnet's field, and furthest that the
    gradients' fields misplace a point; 0 for ideal ones, NaN where the map does not reach.
    """

    name: str
    b0_T: float
    gradient_T_per_m: float
    slew_T_per_m_s: float
    sequences: tuple[SequenceFigures, ...]
    echo_planar_m_per_Hz: float
    field_ppm: dict[float, float]
    bend_m: dict[float, float]

    def echo_planar_shift_m(self, diameter_m: float) -> float:
        """How far apart the magnet's field alone moves two points of a ball in the echo-planar image, at most."""
        return self.echo_planar_m_per_Hz * self.field_ppm[diameter_m] * 1e-6 * self.b0_T * GYROMAGNETIC_RATIO_HZ_PER_T


def machine_figures(
    spec: ScannerSpec,
    subject: Subject,
    mode: str = "first_level",
    names: tuple[str, ...] = TEN,
    progress: Callable[[float, str], None] = lambda share, what: None,
) -> MachineFigures:
    """Shortest times of the sequences' quick protocols on a machine, for a subject, and what its fields do to an image.

    Errors: UsageError for an unknown sequence or mode.
    """
    found = {}
    for number, name in enumerate(names):
        progress(number / len(names), name)
        found[name] = shortest(parse_protocol(sequence_protocol(name), quick=True), spec, subject, mode)
    return MachineFigures(
        name=spec.name,
        b0_T=spec.b0_T,
        gradient_T_per_m=spec.limits.gradient_T_per_m,
        slew_T_per_m_s=spec.limits.slew_T_per_m_s,
        sequences=tuple(_figures(name, item) for name, item in found.items()),
        echo_planar_m_per_Hz=_shift_m_per_Hz(found.get(ECHO_PLANAR)),
        field_ppm={ball: _spread_ppm(spec.flaws.field_ppm, ball) for ball in BALLS_M},
        bend_m={ball: _bend_m(spec.flaws.gradient_fields_m, ball) for ball in BALLS_M},
    )


def _figures(name: str, found: Shortest) -> SequenceFigures:
    binds = {bound.field: bound.reason.binds for bound in found.bounds if bound.reason is not None}
    return SequenceFigures(
        name=name,
        echo_time_s=found.value_s("echo_time"),
        echo_spacing_s=found.value_s("echo_spacing"),
        repetition_time_s=found.value_s("repetition_time"),
        nerve_margin=found.nerve_margin,
        binds=binds,
    )


def _shift_m_per_Hz(found: Shortest | None) -> float:
    """Effective echo spacing times the encoded field of view: k-space moves by 1 / field of view in that time."""
    if found is None or found.sequence is None:
        return float("nan")
    encoding = found.sequence.encoding
    return encoding.parameters["effective_echo_spacing_s"] * encoding.geometry.encoded_fov_m[1]


def _inside(field: FieldMap, diameter_m: float) -> np.ndarray:
    """Which points of a map's grid lie in a ball; none where the grid does not hold the ball."""
    points = field.grid.points_m()
    corners = points.reshape(-1, 3)
    reach = np.minimum(corners.max(axis=0), -corners.min(axis=0)).min()
    inside = np.asarray((points**2).sum(axis=-1) <= (diameter_m / 2) ** 2)
    return inside if reach >= diameter_m / 2 - field.grid.spacing_m.max() else np.zeros_like(inside)


def _spread_ppm(field: FieldMap | None, diameter_m: float) -> float:
    if field is None:
        return 0.0
    inside = _inside(field, diameter_m)
    return float(np.ptp(field.values[0][inside].real)) if inside.any() else float("nan")


def _bend_m(fields: FieldMap | None, diameter_m: float) -> float:
    if fields is None:
        return 0.0
    inside = _inside(fields, diameter_m)
    if not inside.any():
        return float("nan")
    wanted = fields.grid.points_m()[inside]
    return float(np.linalg.norm(fields.values[:, inside].real.T - wanted, axis=1).max())
