"""`fullbore make gradient` of a coil on drawn surfaces: its one wire and what carries it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fullbore.cli.made_files import Workshop
from fullbore.errors import FormatError, FullboreError
from fullbore.files import making
from fullbore.hardware.gradient.brief import Conductor, Volume
from fullbore.hardware.gradient.figures import centre_gradient
from fullbore.hardware.gradient.surface_figures import surface_widths
from fullbore.hardware.gradient.surface_wire import LEAD
from fullbore.hardware.gradient.triangles import Surface
from fullbore.hardware.making import Item, surface_bill

# A table of points says its own figure again to this, or it is of another design.
_SAME = 1e-3
# Areas of a surface read back, in single precision.
_AREA = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurfaceWork:
    """What is to be made. track_m: closed; formers: by name, a surface each; widths_m: of every piece of the track."""

    name: str
    source: str
    axis: str
    volume: Volume
    conductor: Conductor
    track_m: np.ndarray
    formers: dict[str, Surface]
    widths_m: np.ndarray

    @property
    def tracks_m(self) -> dict[str, np.ndarray]:
        """By axis."""
        return {self.axis: self.track_m}

    def radii_m(self) -> dict[str, tuple[float, ...]]:
        """None: what is drawn need not unroll."""
        return {}


def read_surface_work(tree: dict[str, Any], folder: Path) -> SurfaceWork:
    """From a record that names a mesh, and its wire track.

    Errors: FormatError for a record or a track that cannot be read, or a track that is not the record's.
    """
    path = folder / "gradient.json"
    try:
        brief, mesh = tree["brief"], tree["mesh"]
        axis, volume, conductor = str(brief["axis"]), Volume(**brief["volume"]), Conductor(**brief["conductor"])
        positive = [*brief["volume"].values(), *brief["conductor"].values(), brief["b0_T"]]
        if axis not in ("x", "y", "z") or not all(isinstance(own, int | float) and 0 < own < np.inf for own in positive):
            raise ValueError("the brief names no axis, or a size that is no positive number")
        nodes, triangles = np.array(mesh["nodes_m"], dtype=np.float64), np.array(mesh["triangles"], dtype=np.int64)
        surface = Surface(nodes_m=nodes, triangles=triangles)
        psi, layers, kinds = (np.array(tree[key], dtype=np.float64) for key in ("psi_turns", "layers", "kinds"))
        wanted = float(tree["figures"][axis]["sensitivity_T_per_m_A"])
        if psi.shape != nodes.shape[:1] or layers.shape != triangles.shape[:1] or not np.isfinite(psi).all():
            raise ValueError("its stream function is not one value a node, or its layers are not one a triangle")
        name, source = str(brief["name"]), str(brief["source"])
    except (ValueError, KeyError, TypeError, AttributeError, FullboreError) as error:
        raise FormatError(
            f"{path}: no record of a coil on surfaces ({type(error).__name__}: {error}). Design it anew."
        ) from error
    track = making.read_track(folder / f"track-{axis}.csv")
    got = centre_gradient([track], axis)
    if len(track) != len(kinds) + 1 or not abs(got / wanted - 1) <= _SAME:
        raise FormatError(
            f"{folder}/track-{axis}.csv: {len(track)} points that make {1e6 * got:.5g} uT/m/A, the record says "
            f"{len(kinds) + 1} and {1e6 * wanted:.5g}. Design it anew."
        )
    return SurfaceWork(
        name=name,
        source=source,
        axis=axis,
        volume=volume,
        conductor=conductor,
        track_m=track,
        formers=_formers(surface, layers),
        widths_m=surface_widths(surface, psi, track, kinds != LEAD, conductor),
    )


def _formers(surface: Surface, layers: np.ndarray) -> dict[str, Surface]:
    found = {}
    for layer, name in ((0, "former-primary"), (1, "former-shield")):
        used, triangles = np.unique(surface.triangles[layers == layer], return_inverse=True)
        if len(used):
            found[name] = Surface(nodes_m=surface.nodes_m[used], triangles=triangles.reshape(-1, 3))
    return found


def fill_surface_formers(shop: Workshop, work: SurfaceWork) -> None:
    """The surfaces that the turns lie on, as triangles. Errors: FormatError where one read back has another area or extent."""
    for name, surface in work.formers.items():
        write = partial(making.write_stl, vertices_m=surface.nodes_m, faces=surface.triangles)
        shop.add(f"{name}.stl", "surface that the middles of its turns lie on, an open sheet of triangles", write, None)
        body = making.read_stl(shop.folder / f"{name}.stl")
        again = Surface(nodes_m=body.vertices_m, triangles=body.faces)
        area, wanted = again.areas_m2.sum(), surface.areas_m2.sum()
        reach = np.abs(again.corners_m.reshape(-1, 3).max(axis=0) - surface.corners_m.reshape(-1, 3).max(axis=0)).max()
        if not abs(area / wanted - 1) <= _AREA or not reach <= _AREA:
            raise FormatError(f"{name}.stl: read back, it has {area:.6g} m2, wanted {wanted:.6g}, in the same place.")


def bill_of_surface(work: SurfaceWork) -> list[Item]:
    """The bill of material."""
    areas = {name: float(surface.areas_m2.sum()) for name, surface in work.formers.items()}
    return surface_bill(work.axis, work.track_m, work.widths_m, areas, work.conductor)
