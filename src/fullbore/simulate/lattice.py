"""The phantom on the lattice where it is simulated: fractions, transmit field and off-resonance of every cell.

The phantom is continuous: linear between its grid's points. On its own grid points the transform of that continuous object
is exactly a sum over points times sinc^2 of k and the spacing, so an axis keeps the phantom's points and its `transfer` is
sinc^2. An axis whose scan resolves much less than that is brought to fewer points by a low-pass filter that is flat over
the sampled k. It is magnetisation that is linear between points: off-resonance, transmit and receive fields are taken at the
points themselves, an error of second order in the phantom's spacing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Complex, Float, Num
from scipy.ndimage import map_coordinates

from fullbore.data import FieldMap, Grid, Phantom
from fullbore.errors import UsageError
from fullbore.numerics import interpolate_separable
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T

FILTER_HALF_LENGTH = 8.0
KAISER_BETA = 9.0
SPREAD = 1 / 6
"""With it the points' sums over what varies smoothly between them are exact to fourth order, not second."""
THIN = 0.01
"""Cycles across a single plane's spacing below which nothing varies within it."""


@dataclass(frozen=True, slots=True)
class Fineness:
    """How finely space is divided for a tolerance: what each part leaves out stays a fraction of it.

    cell_per_voxel: widest cell of a coarse scan. hat_cut: cycles per phantom spacing beyond which sinc^2 and the object's own
    spectrum leave too little to see. planes_per_slice: fewest across a selective slice.
    """

    tolerance: float

    @property
    def cell_per_voxel(self) -> float:
        """0.55 at 1e-3; 0 at 1e-4: the phantom's own points."""
        return float(np.clip(0.55 * (4 + np.log10(self.tolerance)), 0.0, 0.55))

    @property
    def hat_cut(self) -> float:
        """0.75 at 1e-3, 2.75 at 1e-4."""
        return float(np.clip(0.75 - 2 * np.log10(self.tolerance / 1e-3), 0.75, 4.75))

    @property
    def planes_per_slice(self) -> float:
        """6 at 1e-3, 24 at 1e-4."""
        return float(np.clip(6 * (1e-3 / self.tolerance) ** 0.6, 6, 60))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LatticeAxis:
    """One axis of the lattice, along a unit vector of the scan's frame.

    points_m: coordinates r . direction, rising, evenly spaced. spacing_m: their distance.
    weights: (point, phantom point) matrix from the phantom's points, or None where points are the phantom's `window`.
    hat_m: base of the linear interpolation that the transfer accounts for, 0 for samples of the continuous object.
    cut_per_m: no k beyond it is seen. spread: part of what each phantom point holds that its two neighbours have been given.
    """

    points_m: Float[np.ndarray, " n"]
    spacing_m: float
    weights: Float[np.ndarray, "n m"] | None
    window: slice
    hat_m: float
    cut_per_m: float
    spread: float = 0.0

    def transfer(self, k_per_m: Float[np.ndarray, "*k"]) -> Float[np.ndarray, "*k"]:
        """What the continuous object has at k over what the sum over lattice points has; zero beyond the cut."""
        hat = np.sinc(k_per_m * self.hat_m) ** 2 / (1 - self.spread * (1 - np.cos(2 * np.pi * k_per_m * self.hat_m)))
        return np.asarray(hat * (np.abs(k_per_m) <= self.cut_per_m * (1 + 1e-9)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhantomAxis:
    """One axis of the phantom as seen from the scan's frame: array axis, coordinates (rising once flipped), occupied part."""

    array_axis: int
    flipped: bool
    points_m: Float[np.ndarray, " n"]
    occupied: slice
    spacing_m: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lattice:
    """Cells of one slice or of the whole volume.

    frame: (3, 3) rows read, phase, slice. x, y, z: axes along them. fractions: (tissue, z, y, x).
    b1_scale, b1_phase_rad, off_resonance_Hz (of water): (z, y, x).
    """

    frame: Float[np.ndarray, "3 3"]
    x: LatticeAxis
    y: LatticeAxis
    z: LatticeAxis
    fractions: Float[np.ndarray, "tissue z y x"]
    b1_scale: Float[np.ndarray, "z y x"]
    b1_phase_rad: Float[np.ndarray, "z y x"]
    off_resonance_Hz: Float[np.ndarray, "z y x"]

    @property
    def cell_volume_m3(self) -> float:
        """Volume that one point stands for."""
        return self.x.spacing_m * self.y.spacing_m * self.z.spacing_m


def aligned_with(phantom: Phantom, frame: Float[np.ndarray, "3 3"]) -> Phantom:
    """The phantom itself if its axes are the frame's, else the phantom resampled on a lattice of the frame's directions."""
    steps = frame @ phantom.grid.affine_m[:3, :3]
    strongest = np.abs(steps).max(axis=1, keepdims=True)
    if ((np.abs(steps) > 1e-9 * strongest).sum(axis=1) == 1).all():
        return phantom
    spacing = float(phantom.grid.spacing_m.min())
    corners = np.array([[i, j, k, 1.0] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    corners[:, :3] *= np.array(phantom.grid.shape[::-1]) - 1
    extent = corners @ phantom.grid.affine_m[:3].T @ frame.T
    low, high = extent.min(axis=0), extent.max(axis=0)
    affine = np.eye(4)
    affine[:3, :3] = frame.T * spacing
    affine[:3, 3] = low @ frame
    size = np.floor((high - low) / spacing).astype(int) + 1
    grid = Grid(shape=(int(size[2]), int(size[1]), int(size[0])), affine_m=affine)
    return replace(phantom, fractions=_sample(phantom.fractions, phantom.grid, grid), grid=grid)


def _sample(values: Float[np.ndarray, "channel z y x"], source: Grid, target: Grid) -> Float[np.ndarray, "channel z2 y2 x2"]:
    to_index = np.linalg.inv(source.affine_m)
    index = target.points_m() @ to_index[:3, :3].T + to_index[:3, 3]
    where = [index[..., 2], index[..., 1], index[..., 0]]
    channels = [map_coordinates(value, where, order=1, mode="constant", cval=0.0) for value in values]
    return np.stack(channels).astype(np.float32)


def phantom_axes(phantom: Phantom, frame: Float[np.ndarray, "3 3"]) -> tuple[PhantomAxis, PhantomAxis, PhantomAxis]:
    """The phantom's axes along read, phase and slice; the phantom must be aligned with the frame.

    Errors: UsageError when the phantom holds no tissue at all.
    """
    if not phantom.fractions.any():
        raise UsageError(f"Phantom {phantom.name}: every fraction is zero, so there is no signal. Put tissue into it.")
    steps = frame @ phantom.grid.affine_m[:3, :3]
    origin = frame @ phantom.grid.affine_m[:3, 3]
    result = []
    for i in range(3):
        index = int(np.abs(steps[i]).argmax())
        axis = 2 - index
        points = origin[i] + steps[i, index] * np.arange(phantom.grid.shape[axis])
        others = tuple(a for a in range(4) if a != axis + 1)
        held = phantom.fractions.max(axis=others) > 0
        flipped = bool(steps[i, index] < 0)
        if flipped:
            points, held = points[::-1], held[::-1]
        used = np.flatnonzero(held)
        result.append(
            PhantomAxis(
                array_axis=axis,
                flipped=flipped,
                points_m=points,
                occupied=slice(int(used[0]), int(used[-1]) + 1),
                spacing_m=float(abs(steps[i, index])),
            )
        )
    return result[0], result[1], result[2]


def encoded_axis(source: PhantomAxis, k_max_per_m: float, fineness: Fineness) -> LatticeAxis:
    """Points for an axis that is encoded up to `k_max_per_m`: the phantom's own, or fewer where the scan is much coarser."""
    h = source.spacing_m
    coarse = fineness.cell_per_voxel / (2 * max(k_max_per_m, 1e-3))
    inside = source.points_m[source.occupied]
    spread = 0.0 if len(inside) == 1 and k_max_per_m * h < THIN else SPREAD
    if spread:
        inside = np.concatenate([[inside[0] - h], inside, [inside[-1] + h]])
    if coarse < 1.2 * h or len(inside) < 6:
        weights, cut = None, fineness.hat_cut / h
        return LatticeAxis(
            points_m=inside, spacing_m=h, weights=weights, window=source.occupied, hat_m=h, cut_per_m=cut, spread=spread
        )
    margin = FILTER_HALF_LENGTH * coarse
    count = int(np.ceil((inside[-1] - inside[0] + 2 * margin) / coarse)) + 1
    points = 0.5 * (inside[0] + inside[-1]) + (np.arange(count) - 0.5 * (count - 1)) * coarse
    distance = (points[:, None] - inside) / coarse
    window = np.i0(KAISER_BETA * np.sqrt(np.clip(1 - (distance / FILTER_HALF_LENGTH) ** 2, 0, None))) / np.i0(KAISER_BETA)
    weights = h / coarse * np.sinc(distance) * window * (np.abs(distance) < FILTER_HALF_LENGTH)
    return LatticeAxis(
        points_m=points,
        spacing_m=coarse,
        weights=weights,
        window=source.occupied,
        hat_m=h,
        cut_per_m=0.35 / coarse,
        spread=spread,
    )


def place(
    phantom: Phantom,
    frame: Float[np.ndarray, "3 3"],
    source: tuple[PhantomAxis, PhantomAxis, PhantomAxis],
    axes: tuple[LatticeAxis, LatticeAxis, LatticeAxis],
    transmit: FieldMap,
    b0_T: float,
) -> Lattice:
    """Fractions and fields at the lattice's points; source and axes are (x, y, z) = (read, phase, slice)."""
    x, y, z = axes
    b1 = sample_field(transmit, frame, axes)[0]
    ppm = sample_field(phantom.field_ppm, frame, axes)[0].real
    return Lattice(
        frame=frame,
        x=x,
        y=y,
        z=z,
        fractions=_fractions(phantom, source, axes),
        b1_scale=np.abs(b1).astype(np.float32),
        b1_phase_rad=np.angle(b1).astype(np.float32),
        off_resonance_Hz=(ppm * np.float32(1e-6 * b0_T * GYROMAGNETIC_RATIO_HZ_PER_T)).astype(np.float32),
    )


def _fractions(
    phantom: Phantom,
    source: tuple[PhantomAxis, PhantomAxis, PhantomAxis],
    axes: tuple[LatticeAxis, LatticeAxis, LatticeAxis],
) -> Float[np.ndarray, "tissue z y x"]:
    values = phantom.fractions.transpose(0, *(1 + source[i].array_axis for i in (2, 1, 0)))
    flips = tuple(slice(None, None, -1 if source[i].flipped else 1) for i in (2, 1, 0))
    values = values[(slice(None), *flips)][(slice(None), *(axes[i].window for i in (2, 1, 0)))]
    for axis, i in ((1, 2), (2, 1), (3, 0)):
        if axes[i].spread:
            values = _spread(values, axis, axes[i].spread)
        weights = axes[i].weights
        if weights is not None:
            values = np.moveaxis(np.tensordot(weights.astype(np.float32), values, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(values, dtype=np.float32)


def _spread(values: Float[np.ndarray, "tissue z y x"], axis: int, spread: float) -> Float[np.ndarray, "tissue z2 y2 x2"]:
    """Each point keeps 1 - spread and gives half of the rest to either side, where the array grows by one point."""
    width = [(0, 0)] * 4
    width[axis] = (1, 1)
    grown = np.pad(values * np.float32(1 - spread), width)
    size = values.shape[axis]
    for first in (0, 2):
        grown[(slice(None),) * axis + (slice(first, first + size),)] += np.float32(spread / 2) * values
    return grown


def sample_field(
    field: FieldMap,
    frame: Float[np.ndarray, "3 3"],
    axes: tuple[LatticeAxis, LatticeAxis, LatticeAxis],
    channels_last: bool = False,
) -> Num[np.ndarray, "a b c d"]:
    """A field map, cubic between its points, at the lattice's points; its edge values continue outside.

    Returns (channel, z, y, x), or (z, y, x, channel).
    """
    steps = frame @ field.grid.affine_m[:3, :3]
    if ((np.abs(steps) > 1e-9 * np.abs(steps).max(axis=1, keepdims=True)).sum(axis=1) != 1).any():
        sampled = _sample_oblique_field(field, frame, axes)
        return np.moveaxis(sampled, 0, -1) if channels_last else sampled
    origin = frame @ field.grid.affine_m[:3, 3]
    order = [int(np.abs(steps[i]).argmax()) for i in range(3)]
    values = field.values.transpose(0, *(3 - order[i] for i in (2, 1, 0)))
    single = values.astype(np.complex64 if np.iscomplexobj(values) else np.float32)
    from_axes = [origin[i] + steps[i, order[i]] * np.arange(single.shape[3 - i]) for i in range(3)]
    return interpolate_separable(
        np.moveaxis(single, 0, -1) if channels_last else single,
        (from_axes[2], from_axes[1], from_axes[0]),
        (axes[2].points_m, axes[1].points_m, axes[0].points_m),
        order="cubic",
        outside="nearest",
        channels_last=channels_last,
    )


def _sample_oblique_field(
    field: FieldMap, frame: Float[np.ndarray, "3 3"], axes: tuple[LatticeAxis, LatticeAxis, LatticeAxis]
) -> Complex[np.ndarray, "channel z y x"]:
    z, y, x = np.meshgrid(axes[2].points_m, axes[1].points_m, axes[0].points_m, indexing="ij")
    to_index = np.linalg.inv(field.grid.affine_m)
    index = np.stack([x, y, z], axis=-1) @ (frame @ to_index[:3, :3].T) + to_index[:3, 3]
    where = [index[..., 2], index[..., 1], index[..., 0]]
    parts = [
        map_coordinates(value.real, where, order=3, mode="nearest")
        + 1j * map_coordinates(value.imag, where, order=3, mode="nearest")
        for value in field.values
    ]
    return np.stack(parts).astype(np.complex64)
