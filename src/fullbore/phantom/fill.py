"""What fills a shape: one tissue, a textured one, layers by depth, a gradient between two, or voxels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.ndimage import map_coordinates

from fullbore.data import Grid, Tissue
from fullbore.errors import ShapeError, ValueRangeError
from fullbore.phantom.shape import Shape
from fullbore.phantom.texture import smooth_field
from fullbore.phantom.tissues import AIR, library_tissue, water_variant

Shares = Callable[[np.ndarray, np.ndarray, float], np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fill:
    """Tissues and their shares of the matter in a shape.

    shares: (places at rest (n, 3), signed distance (n,), width_m) to (n, tissue), each from 0, their sum at most 1 (the rest
    of the matter is what lies below). None: one tissue alone. tissues: names in the library, "air" for a hole, or tissues.
    depth_m: how far below the surface shares still ask for the distance; below that it is handed over as minus infinity.
    """

    tissues: tuple[str | Tissue, ...]
    shares: Shares | None = None
    depth_m: float = 0.0

    def __post_init__(self) -> None:
        if not self.tissues or (self.shares is None and len(self.tissues) != 1):
            raise ValueRangeError(f"Fill: {len(self.tissues)} tissues without shares, wanted one, or a function of their shares.")
        if not self.depth_m >= 0:
            raise ValueRangeError(
                f"Fill: depth_m {self.depth_m}, wanted a length from 0; np.inf for fills that ask at any depth."
            )


def textured(tissue: str | Tissue, amplitude: float = 0.06, length_m: float = 8e-3, seed: int = 0) -> Fill:
    """A tissue whose T1 and T2 vary by up to +-amplitude about their values, smoothly over length_m, and its water with them.

    It is a mixture of two variants (`water_variant`), "NAME -" and "NAME +", shared out by a smooth field: the mean rate of a
    point lies between theirs. Relative root mean square: amplitude / sqrt 3.
    """
    whole = library_tissue(tissue) if isinstance(tissue, str) else tissue
    if not 0 < amplitude < 0.5:
        raise ValueRangeError(f"textured {whole.name}: amplitude {amplitude}, wanted 0 to 0.5.")
    field = smooth_field(seed, length_m)

    def shares(points: np.ndarray, distance: np.ndarray, width_m: float) -> np.ndarray:
        more = 0.5 + 0.5 * field(points)
        return np.stack([1 - more, more], axis=1)

    return Fill(tissues=(water_variant(whole, -amplitude), water_variant(whole, amplitude)), shares=shares)


def onion(depths_m: Sequence[float], tissues: Sequence[str | Tissue]) -> Fill:
    """Tissues by depth below the shape's surface: tissues[0] down to depths_m[0], and so on; the last one is the core."""
    edges = np.array(depths_m, np.float64)
    if len(tissues) != len(edges) + 1 or np.any(np.diff(edges) <= 0) or edges.min(initial=1.0) <= 0:
        raise ValueRangeError(
            f"onion: {len(tissues)} tissues at depths {list(depths_m)} m; wanted rising depths, one less than tissues."
        )

    def shares(points: np.ndarray, distance: np.ndarray, width_m: float) -> np.ndarray:
        deeper = np.clip(0.5 + (-distance[:, None] - edges) / max(width_m, 1e-9), 0, 1)
        ends = np.ones((len(points), 1))
        return np.asarray(np.concatenate([ends, deeper], axis=1) - np.concatenate([deeper, 0 * ends], axis=1))

    return Fill(tissues=tuple(tissues), shares=shares, depth_m=float(edges[-1]) if len(edges) else 0.0)


def graded(first: str | Tissue, second: str | Tissue, share: Callable[[np.ndarray], np.ndarray]) -> Fill:
    """Two tissues whose mixture changes smoothly: share(places at rest (n, 3)) in [0, 1] is that of the second."""

    def shares(points: np.ndarray, distance: np.ndarray, width_m: float) -> np.ndarray:
        part = np.clip(share(points), 0, 1)
        return np.stack([1 - part, part], axis=1)

    return Fill(tissues=(first, second), shares=shares)


def stepped(tissues: Sequence[str | Tissue], position: Callable[[np.ndarray], np.ndarray]) -> Fill:
    """A row of tissues through which a smooth function goes: position(places at rest (n, 3)) from 0, the first, to the last one.

    Between two neighbours it is their mixture, so that means of their properties are linear in the position.
    """
    last = len(tissues) - 1

    def shares(points: np.ndarray, distance: np.ndarray, width_m: float) -> np.ndarray:
        where = np.clip(position(points), 0, last)
        return np.asarray(np.clip(1 - np.abs(where[:, None] - np.arange(last + 1)), 0, 1))

    return Fill(tissues=tuple(tissues), shares=shares)


def mixed(parts: Sequence[tuple[str | Tissue, float]]) -> Fill:
    """Several tissues in the same place at fixed shares (tissue, share): fat in liver, red and yellow marrow."""
    amounts = np.array([share for _, share in parts], np.float64)
    if amounts.min() < 0 or amounts.sum() > 1 + 1e-9:
        raise ValueRangeError(f"mixed: shares {amounts.tolist()}, wanted parts of one whole.")
    return Fill(
        tissues=tuple(tissue for tissue, _ in parts),
        shares=lambda points, distance, width_m: np.broadcast_to(amounts, (len(points), len(amounts))),
    )


def voxels(fractions: Float[np.ndarray, "tissue z y x"], grid: Grid, tissues: Sequence[str | Tissue]) -> Fill:
    """A volume of measured anatomy: shares on a grid, linear between its points; below one whole, what lies below shows."""
    if fractions.shape != (len(tissues), *grid.shape):
        raise ShapeError(f"voxels: fractions {fractions.shape}, wanted ({len(tissues)}, *{grid.shape}).")
    inverse = np.linalg.inv(grid.affine_m)

    def shares(points: np.ndarray, distance: np.ndarray, width_m: float) -> np.ndarray:
        where = (points @ inverse[:3, :3].T + inverse[:3, 3])[:, ::-1].T
        return np.stack([map_coordinates(part, where, order=1, mode="grid-constant") for part in fractions], axis=1)

    return Fill(tissues=tuple(tissues), shares=shares)


def voxel_box(grid: Grid) -> Shape:
    """The box that a grid fills, a voxel's half beyond its outermost points, as the shape for `voxels`."""
    inverse, size = np.linalg.inv(grid.affine_m), np.array(grid.shape[::-1], np.float64)
    corners = np.stack(np.meshgrid(*([-0.5, n - 0.5] for n in size), indexing="ij"), axis=-1).reshape(-1, 3)
    ends = corners @ grid.affine_m[:3, :3].T + grid.affine_m[:3, 3]
    low, high, spacing = ends.min(axis=0), ends.max(axis=0), grid.spacing_m

    def distance(points: np.ndarray) -> np.ndarray:
        index = points @ inverse[:3, :3].T + inverse[:3, 3]
        return np.asarray(((np.abs(index - (size - 1) / 2) - size / 2) * spacing).max(axis=1))

    x, y, z, u, v, w = (float(value) for value in (*low, *high))
    return Shape(distance=distance, low_m=(x, y, z), high_m=(u, v, w))


def plain(tissue: str | Tissue) -> Fill:
    """One tissue alone."""
    return Fill(tissues=(tissue,))


def hole() -> Fill:
    """Air: what lies below is taken away."""
    return Fill(tissues=(AIR,))


def renamed(tissue: str | Tissue, name: str, **changes: object) -> Tissue:
    """A tissue of the library, or one's own, under another name and with other values."""
    whole = library_tissue(tissue) if isinstance(tissue, str) else tissue
    return replace(whole, name=name, **changes)  # type: ignore[arg-type]
