"""Delays of the gradients, from the data: those that make the centre of k-space agree with itself.

A gradient that is late by D samples measures k(j) - D v(j) in place of k(j), v = dk/dj. D is a symmetric matrix along
(read, phase, slice), since the three gradient axes differ and are turned against the image. Readouts in different
directions cross near k = 0 and see the same few Fourier coefficients there; D and a small image of every channel are
fitted to their samples together, the image being eliminated (variable projection), by Gauss-Newton steps.
The effect and the matrix: Moussavi et al., Magn Reson Med 71:308 (2014); Rosenzweig et al., Magn Reson Med 81:1898 (2019).
The fit: Kaufman, BIT 15:49 (1975).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from fullbore.data import RawData
from fullbore.errors import DataError
from fullbore.recon.admission import imaging_rows, live_channels
from fullbore.recon.calibration.coil_compression import principal_channels
from fullbore.recon.encodings.path import is_stack, measured_samples, path_per_m

# Cells around k = 0 whose samples are used, and the cells beyond them that are solved for too; for curves in 2D and 3D.
_RADIUS = {2: 8.0, 3: 4.0}
_EDGE = 4
_READOUTS = 40
_CHANNELS = 4
_SEARCH = np.arange(-4.0, 4.1, 1.0)
_STEPS = 8
_SETTLED = 1e-3
_DAMPING = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Centre:
    """Samples near k = 0: cells (n, d), values (n, channel); points (p, d) in fields of view.

    velocity: change of k per sample (n, d), cycles/m. fov_m: (d,).
    """

    cells: Float[Tensor, "n d"]
    velocity: Float[Tensor, "n d"]
    values: Complex[Tensor, "n channel"]
    points: Float[Tensor, "p d"]
    fov_m: Float[Tensor, " d"]

    def moved(self, delays: Float[np.ndarray, "d d"]) -> Float[Tensor, "n d"]:
        """By how many cells the samples move."""
        return -(self.velocity @ torch.from_numpy(delays)) * self.fov_m


def estimate_delays(raw: RawData, isotropic: bool) -> Float[np.ndarray, "3 3"]:
    """D in samples along (read, phase, slice); a multiple of the unit matrix when `isotropic`.

    The axis along which samples do not move (slices, stacks) keeps no delay.
    Errors: DataError when no readout crosses the centre of k-space.
    """
    centre, axes = _central_samples(raw)
    unit = np.eye(len(axes))
    costs = [_fit(centre, delay * unit, [])[0] for delay in _SEARCH]
    found = _SEARCH[int(np.argmin(costs))] * unit
    basis = [unit] if isotropic else _symmetric(len(axes))
    for _ in range(_STEPS):
        change = _fit(centre, found, basis)[1]
        found = found + sum(step * part for step, part in zip(change, basis, strict=True))
        if np.abs(change).max() < _SETTLED:
            break
    delays = np.zeros((3, 3))
    delays[np.ix_(axes, axes)] = found
    return delays


def corrected_path(raw: RawData, delays: Float[np.ndarray, "3 3"]) -> RawData:
    """The same data with the trajectory, or the nominal one where there is none, late by `delays` samples."""
    geometry = raw.encoding.geometry
    frame = np.stack([geometry.read, geometry.phase, geometry.slice])
    turned = frame.T @ delays @ frame
    if raw.trajectory_per_m is None:
        late = raw.encoding.k_first_per_m - raw.encoding.k_step_per_m @ turned
        return replace(raw, encoding=replace(raw.encoding, k_first_per_m=late))
    return replace(raw, trajectory_per_m=raw.trajectory_per_m - np.gradient(raw.trajectory_per_m, axis=1) @ turned)


def _symmetric(size: int) -> list[Float[np.ndarray, "d d"]]:
    parts = []
    for a in range(size):
        for b in range(a, size):
            part = np.zeros((size, size))
            part[a, b] = part[b, a] = 1
            parts.append(part)
    return parts


def _central_samples(raw: RawData) -> tuple[_Centre, list[int]]:
    part = _chosen_rows(raw)
    geometry = part.encoding.geometry
    cells = path_per_m(part) * np.array(geometry.encoded_fov_m)
    axes = [0, 1] if _flat(part, cells) else [0, 1, 2]
    velocity = np.gradient(path_per_m(part), axis=1)
    radius = _RADIUS[len(axes)]
    near = (np.linalg.norm(cells[..., axes], axis=-1) <= radius) & measured_samples(part)
    if not near.any():
        raise DataError('gradient delays: no readout crosses the centre of k-space. Leave the recipe\'s `delays` at "none".')
    values = part.samples[:, live_channels(raw)].transpose(0, 2, 1)[near].astype(np.complex128)
    values = values @ principal_channels(values.T, _CHANNELS).T
    extent = int(2 * (radius + _EDGE))
    line = (np.arange(extent) - extent // 2) / extent
    points = np.stack(np.meshgrid(*[line] * len(axes), indexing="ij"), -1).reshape(-1, len(axes))
    arrays = {"cells": cells[near][:, axes], "velocity": velocity[near][:, axes], "values": values, "points": points}
    arrays["fov_m"] = np.array(geometry.encoded_fov_m)[axes]
    return _Centre(**{name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}), axes


def _chosen_rows(raw: RawData) -> RawData:
    """Up to `_READOUTS` readouts of the middle slice, or of the partition nearest to the centre, spread over the scan."""
    rows = np.flatnonzero(imaging_rows(raw))
    geometry = raw.encoding.geometry
    if geometry.is_3d:
        along = np.abs(path_per_m(raw.take(rows))[..., 2] * geometry.encoded_fov_m[2])
        if is_stack(along, measured_samples(raw.take(rows))):
            rows = rows[along[:, 0] <= along[:, 0].min() + 0.5]
    else:
        number = raw.encoding.counter("slice")[rows]
        rows = rows[number == np.unique(number)[len(np.unique(number)) // 2]]
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), _READOUTS)).round().astype(np.int64))
    return raw.take(rows[chosen])


def _flat(part: RawData, cells: Float[np.ndarray, "row sample 3"]) -> bool:
    return not part.encoding.geometry.is_3d or is_stack(cells[..., 2], measured_samples(part))


def _fit(
    centre: _Centre, delays: Float[np.ndarray, "d d"], basis: list[Float[np.ndarray, "d d"]]
) -> tuple[float, Float[np.ndarray, " part"]]:
    """Squared residual at `delays`, and the Gauss-Newton change of the coefficients of `basis`."""
    cells = centre.cells + centre.moved(delays)
    encoding = torch.polar(torch.ones((), dtype=torch.float64), -2 * np.pi * (cells @ centre.points.T))
    gram = encoding.mH @ encoding
    gram.diagonal().add_(_DAMPING * gram.diagonal().real.mean())
    factor = torch.linalg.cholesky(gram)

    def rest(columns: Tensor) -> Tensor:
        return columns - encoding @ torch.cholesky_solve(encoding.mH @ columns, factor)

    images = torch.cholesky_solve(encoding.mH @ centre.values, factor)
    residual = centre.values - encoding @ images
    cost = float(residual.abs().square().sum())
    if not basis:
        return cost, np.zeros(0)
    # d(A x)/dk along each axis, then along -D v.
    slopes = [encoding @ (images * (-2j * np.pi * centre.points[:, axis, None])) for axis in range(centre.points.shape[1])]
    jacobian = []
    for part in basis:
        moved = centre.moved(part)
        column = sum(slope * moved[:, axis, None] for axis, slope in enumerate(slopes))
        assert isinstance(column, Tensor)
        jacobian.append(rest(column).reshape(-1))
    matrix = torch.view_as_real(torch.stack(jacobian, 1)).movedim(1, -1).reshape(-1, len(basis))
    change = torch.linalg.lstsq(matrix, torch.view_as_real(residual).reshape(-1, 1)).solution
    return cost, np.asarray(change[:, 0].numpy())
