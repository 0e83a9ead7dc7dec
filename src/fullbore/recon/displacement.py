"""Where tissue has come from, from the phase of stimulated echoes (DENSE)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from fullbore.data import RawData
from fullbore.errors import DataError
from fullbore.recon.reconstruct import reconstruct

_MEASURES = ("encode_x_per_m", "encode_y_per_m", "encode_z_per_m", "tag_phase_rad")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Displacement:
    """along_m: float64 (direction, phase, z, y, x), how far what is in a voxel has moved along each direction since its tag.

    directions: (direction, 3) unit vectors in LPS. magnitude: float64 (phase, z, y, x), of the reference's echo.
    """

    along_m: Float[np.ndarray, "direction phase z y x"]
    directions: Float[np.ndarray, "direction 3"]
    magnitude: Float[np.ndarray, "phase z y x"]


def displacement(raw: RawData) -> Displacement:
    """Displacement from an acquisition of `dense_cine_2d`.

    The decoding lobe is taken off every row's k, the images of all phase cycles are added so that one echo is left, and its
    phase is taken against the reference's. It is known but for whole encode lengths: nothing is unwrapped.
    Errors: DataError where rows do not say how they are encoded; whatever `reconstruct` raises.
    Source: Aletras et al., J Magn Reson 137:247 (1999).
    """
    table = raw.encoding
    if not set(_MEASURES) <= set(table.measures):
        raise DataError("raw data: its rows say nothing of displacement encoding. Measure with dense_cine_2d.")
    encode = np.stack([table.measures[name] for name in _MEASURES[:3]], axis=1)
    turn = table.measures["tag_phase_rad"]
    played = table.trajectory_per_m() if raw.trajectory_per_m is None else raw.trajectory_per_m
    still = replace(table, k_first_per_m=table.k_first_per_m - encode)
    sets = table.counter("set")
    first = [int(np.flatnonzero(sets == number)[0]) for number in range(int(sets.max()) + 1)]
    image = reconstruct(replace(raw, encoding=still, trajectory_per_m=played - encode[:, None]))
    values = image.values.reshape(len(first), -1, *image.grid.shape)  # frames count sets, then phases
    cycles = int((np.linalg.norm(encode[first], axis=1) == 0).sum())
    weights = np.exp(1j * turn[first]).reshape(-1, cycles, 1, 1, 1, 1)
    echo = (weights * values.reshape(-1, cycles, *values.shape[1:])).sum(axis=1)
    ways = encode[first[cycles::cycles]]
    size = np.linalg.norm(ways, axis=1)
    phase = np.angle(echo[1:] * np.conj(echo[:1]))
    return Displacement(
        along_m=-phase / (2 * np.pi * size.reshape(-1, 1, 1, 1, 1)), directions=ways / size[:, None], magnitude=np.abs(echo[0])
    )
