"""Cartilage: a coat on bone that thins out at its edges, made of laminae whose times grow from the bone to the surface."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from fullbore.data import Tissue
from fullbore.phantom.bodies.limb_parts import vector as vector_of
from fullbore.phantom.fill import Fill, renamed
from fullbore.phantom.shape import Shape
from fullbore.phantom.tissues import library_tissue

_NAMES = ("cartilage, deep", "cartilage, lower", "cartilage, middle", "cartilage, upper", "cartilage, superficial")
# Where the laminae lie between bone (0) and surface (1); between them two neighbours share the place.
_PLACES = np.linspace(0.0, 1.0, len(_NAMES))

Region = Callable[[np.ndarray], np.ndarray]


def laminae() -> tuple[Tissue, ...]:
    """The five tissues from bone to surface: three of the library, and between each two one with the mean of their values."""
    deep, middle, top = (library_tissue(_NAMES[index]) for index in (0, 2, 4))
    return deep, _between(deep, middle, _NAMES[1]), middle, _between(middle, top, _NAMES[3]), top


def lamina_shares(place: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n 5"]:
    """Share of each lamina at a place between bone (0) and surface (1)."""
    step = 1 / (len(_PLACES) - 1)
    return np.maximum(0.0, 1 - np.abs(np.clip(place, 0, 1)[:, None] - _PLACES) / step)


def mean_times(place: Float[np.ndarray, " n"]) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """True T2 and T1rho (s) at a place between bone and surface: one over the mean rate there, by protons."""
    parts = laminae()
    held = lamina_shares(np.asarray(place, np.float64)) * [tissue.proton_density for tissue in parts]
    held /= held.sum(axis=1, keepdims=True)
    t2 = 1 / (held @ [1 / tissue.t2_s for tissue in parts])
    return t2, 1 / (held @ [1 / (tissue.t1rho_s or np.inf) for tissue in parts])


def coat(bone: Shape, thickness_m: float, region: Region, edge_m: float = 3e-3) -> tuple[Shape, Fill]:
    """Bone with its cartilage, to be painted before the bone, and the laminae that fill it.

    region: (n, 3) points to signed distances, negative where the joint surface is; the coat thins out over its outer edge_m.
    """

    def height(points: np.ndarray) -> np.ndarray:
        return np.asarray(thickness_m * np.sin(np.pi / 2 * np.clip(-region(points) / edge_m, 0, 1)))

    def distance(points: np.ndarray) -> np.ndarray:
        return np.asarray(bone.distance(points) - height(points))

    def shares(points: np.ndarray, depth: np.ndarray, width_m: float) -> np.ndarray:
        return lamina_shares(bone.distance(points) / np.maximum(height(points), 1e-6))

    low, high = np.subtract(bone.low_m, thickness_m), np.add(bone.high_m, thickness_m)
    # The coat's own slope: a quarter of a wave over its edge.
    stretch = bone.stretch + np.pi / 2 * thickness_m / edge_m
    shape = Shape(distance=distance, low_m=vector_of(low), high_m=vector_of(high), stretch=stretch)
    return shape, Fill(tissues=laminae(), shares=shares)


def punched(
    centre_m: np.ndarray, radius_m: float, thickness_m: float, toward: np.ndarray, across_m: float, depth: float
) -> Shape:
    """A round defect in a coat of a ball of bone: a cone from its centre, across_m wide at its surface, `depth` of it deep.

    Its volume in sight is that of a sector between two spheres, 2 pi / 3 (1 - cos a) (outer^3 - inner^3). One that reaches the
    bone goes on into it, so that no film is left between them: paint it before the bone.
    """
    outer = radius_m + thickness_m
    inner = outer - depth * thickness_m
    angle = float(np.arcsin(across_m / 2 / outer))
    floor = inner if depth < 1 else inner - 0.5e-3
    axis = toward / np.linalg.norm(toward)

    def distance(points: np.ndarray) -> np.ndarray:
        arm = points - centre_m
        far = np.linalg.norm(arm, axis=1)
        along = arm @ axis
        side = np.sqrt(np.maximum(far**2 - along**2, 0))
        return np.maximum.reduce([side * np.cos(angle) - along * np.sin(angle), floor - far, far - outer])

    middle = centre_m + axis * (floor + outer) / 2
    room = across_m / 2 + (outer - floor) + outer * (1 - np.cos(angle))
    volume = 2 * np.pi / 3 * (1 - np.cos(angle)) * (outer**3 - inner**3)
    return Shape(distance=distance, low_m=vector_of(middle - room), high_m=vector_of(middle + room), volume_m3=float(volume))


def _between(first: Tissue, second: Tissue, name: str) -> Tissue:
    mean = {
        key: (getattr(first, key) + getattr(second, key)) / 2
        for key in ("t1_s", "t2_s", "t2_prime_s", "proton_density", "diffusivity_m2_per_s", "t1rho_s", "stiffness_Pa")
    }
    return renamed(first, name, **mean)
