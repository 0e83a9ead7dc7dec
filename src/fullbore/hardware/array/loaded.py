"""Loops around a body with air outside it: what it loses and how it bends their fields, by the full-wave solver."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Complex, Float
from scipy.spatial import cKDTree

from fullbore.errors import LimitError
from fullbore.hardware.array.body import Body
from fullbore.hardware.array.cubes import body_cubes
from fullbore.hardware.array.loading import Loading
from fullbore.hardware.array.loop import POINTS, Loop
from fullbore.hardware.full_wave import BodyFields, CoilCurrents, body_fields, incident_along
from fullbore.hardware.full_wave.scattered import scattered_magnetic
from fullbore.hardware.full_wave.solution import absorbed_W
from fullbore.physics.magnetostatics import medium_wavenumber_per_m

CELLS = 9
"""Cubes along the body's shortest half axis."""
MOST_CUBES = 100_000
_CLEAR = 1.6
"""Cubes between a wire and the body: `incident_along` refuses less than one and a half from a cube's middle."""
_PHASE = 0.4
"""Radians of the medium's wave along a cube, at most: differences are off by their square / 24."""
_TOLERANCE = 1e-3
_SINGLE = 3000.0
"""Contrast from which single precision would be felt."""
_SURFACE = 160
_WIRE_STEPS = 1.5
"""Steps along a wire in the length that it keeps off the body, at least: the sum's error falls as exp(-2 pi steps)."""
_FEWEST_POINTS = 32

Ticker = Callable[[float, str], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Loaded(Loading):
    """The loading by a solution. fields: the body's currents for one ampere in each loop, phasors exp(+i omega t)."""

    fields: BodyFields

    @property
    def resistance_ohm(self) -> Complex[np.ndarray, "loop loop"]:
        """Noise resistance sigma * integral of E_i . E_j* over the body; Hermitian, positive; phasors exp(-i omega t)."""
        matrix = 2 * absorbed_W(self.fields)
        return np.asarray((matrix + matrix.conj().T) / 2)

    def added_sensitivity(self, points_m: Float[np.ndarray, "p 3"]) -> Complex[np.ndarray, "loop p"]:
        """What the body's currents add to (Bx - i By)* of each loop, T/A, within the body and around it."""
        magnetic = scattered_magnetic(self.fields, points_m)
        return np.asarray(np.conj(magnetic[:, 0] - 1j * magnetic[:, 1]))


def loaded(
    body: Body,
    loops: tuple[Loop, ...],
    frequency_Hz: float,
    *,
    cells: int = CELLS,
    tell: Ticker = lambda fraction, what: None,
) -> Loaded:
    """Solve Maxwell's equations with the body in the loops, its surface against air included; all loops in one solve.

    cells: cubes along the shortest half axis; smaller ones where a wire comes near or waves are short. Errors: LimitError when
    that needs more than MOST_CUBES.
    """
    places = np.concatenate([loop.thinned(_FEWEST_POINTS)[0] for loop in loops])
    clear = float(cKDTree(body.surface_m(_SURFACE)).query(places)[0].min())
    medium = abs(medium_wavenumber_per_m(frequency_Hz, body.permittivity, body.conductivity_S_per_m))
    choices = {
        "the body's shape": min(body.half_axes_m) / cells,
        f"a wire {clear * 1e3:.3g} mm off it": clear / _CLEAR,
        f"waves of {2 * math.pi / medium * 1e3:.3g} mm": _PHASE / medium,
    }
    reason = min(choices, key=lambda name: choices[name])
    if (needed := body.volume_m3 / max(choices[reason], 1e-6) ** 3) > MOST_CUBES:
        raise LimitError(
            f"array, body of {', '.join(f'{h:g}' for h in body.half_axes_m)} m: {reason} asks {needed:.3g} cubes, limit "
            f'{MOST_CUBES}. Take a former further off, a lower field, or medium = "uniform".'
        )
    cubes = body_cubes(body, choices[reason])
    incident = incident_along(_currents(loops, clear), cubes, frequency_Hz)
    nothing = np.zeros((len(loops), 3, *cubes.grid.shape), np.complex64)
    dtype = torch.complex64 if np.abs(cubes.contrast(frequency_Hz)).max() < _SINGLE else torch.complex128
    return Loaded(fields=body_fields(cubes, incident, nothing, frequency_Hz, tolerance=_TOLERANCE, dtype=dtype, tell=tell))


def _currents(loops: tuple[Loop, ...], clear_m: float) -> CoilCurrents:
    """The loops as segments, each a channel, short enough for that clearance."""
    longest = max(loop.length_m for loop in loops)
    steps = 2 ** math.ceil(math.log2(_WIRE_STEPS * longest / clear_m))
    wires = [loop.thinned(min(max(steps, _FEWEST_POINTS), POINTS)) for loop in loops]
    return CoilCurrents(
        name="loops",
        midpoints_m=np.concatenate([points for points, _ in wires]),
        lengths_m=np.concatenate([lengths for _, lengths in wires]),
        amplitude=np.repeat(np.eye(len(loops)), [len(points) for points, _ in wires], axis=1).astype(np.complex128),
    )
