"""The digital head: a real brain with its nuclei, vessels and bundles in a modelled head, healthy or diseased."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from fullbore.data import Tissue
from fullbore.errors import UsageError, ValueRangeError
from fullbore.phantom.bodies.head_brain import PARTS, WHITE, Brain, around_nuclei, brain_layers, load_brain
from fullbore.phantom.bodies.head_disease import haemorrhage, sclerosis, stroke, tumour
from fullbore.phantom.bodies.head_nuclei import Nucleus, nuclei
from fullbore.phantom.bodies.head_skull import Hull, hull, surrounding_layers
from fullbore.phantom.bodies.head_space import Bend, at, bending, carried, places
from fullbore.phantom.bodies.head_tracts import Tracts, tracts
from fullbore.phantom.bodies.head_vessels import ARTERIAL_PEAK, Vessel, plaque, vessel_flows, vessel_layers, vessels
from fullbore.phantom.body import Body, Layer
from fullbore.phantom.fill import Fill, renamed
from fullbore.phantom.primitives import ball, tube
from fullbore.phantom.shape import Shape
from fullbore.phantom.tissues import library_tissue

# Regions that a task makes active: centre in atlas LPS mm, radius mm, on the side named.
ACTIVE_REGIONS: dict[str, tuple[float | int, float | int, float | int, float | int]] = {
    "left motor hand": (38, 22, 56, 11),
    "right motor hand": (-38, 22, 56, 11),
    "supplementary motor": (0, 4, 58, 10),
    "visual": (0, 86, 4, 15),
    "left auditory": (54, 22, 8, 12),
    "right auditory": (-54, 22, 8, 12),
    "broca": (50, -16, 18, 12),
    "wernicke": (56, 44, 16, 12),
}


class _Parts(NamedTuple):
    bend: Bend | None
    brain: Brain
    nuclei: tuple[Nucleus, ...]
    hull: Hull
    tracts: Tracts


def head(
    seed: int = 0,
    *,
    bundles: bool = True,
    stroke_core_m3: float | int = 0.0,
    stroke_penumbra_m3: float | int = 0.0,
    stroke_delay_s: float | int = 4.0,
    tumour_m3: float | int = 0.0,
    tumour_oedema_m3: float | int = 0.0,
    tumour_necrosis: float | int = 0.35,
    tumour_ktrans_per_s: float | int = 0.003,
    ms_lesions: int = 0,
    ms_enhancing: int = 0,
    haemorrhage_m3: float | int = 0.0,
    haemorrhage_age: str = "acute",
    stenosis: float | int = 0.0,
    active: str = "",
    active_t2_star: float | int = 0.03,
    heart_period_s: float | int = 0.9,
) -> Body:
    """A head with neck, supine and straight; the isocentre is the middle of the brain.

    seed: 0 is the atlas as it is; any other bends it smoothly by 1.5 mm and changes textures, nuclei, lesions and skull.
    bundles: white matter as six tissues that differ in their diffusion tensor (see `head_tracts`); False: one, isotropic.
    stroke_*, tumour_*, ms_*, haemorrhage_*: at most one of these diseases, each off at zero. stroke_delay_s: of the penumbra's
    transit, half as much again in the core. tumour_necrosis: share of tumour_m3. haemorrhage_age: acute or subacute.
    stenosis: share (0 to 0.9) of its diameter that a plaque takes from the left middle cerebral artery.
    active: regions at work, joined by "+" (`ACTIVE_REGIONS`); there the T2* of grey matter is longer by the share active_t2_star.
    heart_period_s: of the pulse in arteries; systole begins at time 0.
    Errors: UsageError and ValueRangeError for what cannot be; FormatError when nilearn's copy of the atlas is missing.
    """
    parts = _parts(seed)
    fractions = around_nuclei(parts.brain, parts.nuclei)
    brain = brain_layers(parts.brain, fractions, parts.tracts if bundles else None, seed)
    brain[1:1] = _active_layers(active, active_t2_star, brain[0], parts.bend)
    white = brain[-1 - PARTS.index(("cerebral white matter", WHITE))]
    lesions, truths = _disease(
        parts.bend, np.random.default_rng([seed, 5]), white.filling,
        stroke=(stroke_core_m3, stroke_penumbra_m3, stroke_delay_s), haemorrhage=(haemorrhage_m3, haemorrhage_age),
        tumour=(tumour_m3, tumour_oedema_m3, tumour_ktrans_per_s, tumour_necrosis), ms=(ms_lesions, ms_enhancing),
    )  # fmt: skip
    return _joined(seed, (stenosis, heart_period_s), parts, brain, lesions, truths)


def _joined(
    seed: int,
    vascular: tuple[float | int, float | int],
    parts: _Parts,
    brain: list[Layer],
    lesions: list[Layer],
    truths: dict[str, float],
) -> Body:
    """All layers as a body: surroundings, brain, vessels, nuclei, lesions, each over what came before."""
    stenosis, heart_period_s = vascular
    if not 0 <= stenosis <= 0.9:
        raise ValueRangeError(f"head: stenosis {stenosis}, wanted 0 to 0.9 of the diameter.")
    if not 0.25 <= heart_period_s <= 3:
        raise ValueRangeError(f"head: heart_period_s {heart_period_s}, wanted 0.25 to 3: 20 to 240 beats a minute.")
    flowing = head_vessels(seed, stenosis=stenosis)
    narrow, more = _plaque_layers(seed, stenosis)
    layers = (
        *surrounding_layers(parts.hull, seed), *brain, *vessel_layers(flowing), *narrow,
        *(Layer(shape=each.shape, fill=each.tissue, organ=each.organ) for each in parts.nuclei), *lesions,
    )  # fmt: skip
    low_m = at(-101, -106, -131)
    pulse = {"heart_period_s": float(heart_period_s)}
    inside = {tissue.name for layer in brain for tissue in layer.filling.tissues if isinstance(tissue, Tissue)}
    return Body(
        name=f"head, seed {seed}", layers=layers, truths=_truths(parts, flowing, lesions) | truths | more | pulse,
        shim_over=tuple(sorted(inside)), endless=True, low_m=low_m, high_m=at(101, 124, 98),
        flows=vessel_flows(flowing, float(heart_period_s), low_m[2]), source="MNI152 2009a (Fonov 2009) and a model around it",
    )  # fmt: skip


def head_vessels(seed: int = 0, *, stenosis: float | int = 0.0) -> tuple[Vessel, ...]:
    """The arteries and veins of `head` of the same seed and stenosis as data: path, radius, flow, velocity."""
    parts = _parts(seed)
    return vessels(parts.bend, lambda points: _onto(parts.hull.cavity, points, -1.5e-3), stenosis)


def head_tracts(seed: int = 0) -> Tracts:
    """The bundles of `head` of the same seed, and the orientation of its white matter at any places."""
    return _parts(seed).tracts


@lru_cache(maxsize=2)
def _parts(seed: int) -> _Parts:
    if seed < 0:
        raise ValueRangeError(f"head: seed {seed}, wanted a whole number from 0.")
    bend, brain = bending(seed), load_brain(seed)
    grid = brain.grid
    low = grid.affine_m[:3, 3]
    high = low + grid.spacing_m * (np.array(grid.shape[::-1]) - 1)
    made = nuclei(np.random.default_rng([seed, 1]), bend)
    return _Parts(bend, brain, made, hull(brain.mask, np.random.default_rng([seed, 2])), tracts(low, high, bend))


def _onto(cavity: Shape, points_m: np.ndarray, depth_m: float | int) -> np.ndarray:
    """Points moved along the surface's normal to where the distance is depth_m."""
    found, step = np.array(points_m, np.float64), 1e-3
    for _ in range(30):
        slope = np.stack(
            [cavity.distance(found + step * axis) - cavity.distance(found - step * axis) for axis in np.eye(3)], axis=1
        )
        slope /= np.maximum(np.linalg.norm(slope, axis=1), 1e-9)[:, None]
        found -= 0.7 * (cavity.distance(found) - depth_m)[:, None] * slope
    return found


def _active_layers(active: str, change: float | int, cortex: Layer, bend: Bend | None) -> list[Layer]:
    if not active:
        return []
    if not -0.5 < change < 1:
        raise ValueRangeError(f"head: active_t2_star {change}, wanted a share between -0.5 and 1 by which T2* is longer.")
    names = [name.strip() for name in active.split("+")]
    unknown = set(names) - set(ACTIVE_REGIONS)
    if unknown:
        raise UsageError(f"head: no region {', '.join(sorted(unknown))}; wanted {', '.join(ACTIVE_REGIONS)}, joined by +.")
    tissues = []
    for tissue in cortex.filling.tissues:
        assert not isinstance(tissue, str)
        rate = (1 / tissue.t2_s + 1 / tissue.t2_prime_s) / (1 + change) - 1 / tissue.t2_s
        if rate <= 0:
            raise ValueRangeError(f"head: active_t2_star {change} asks for a T2* beyond T2.")
        name = f"grey matter, active{tissue.name[-2:]}"
        tissues.append(renamed(tissue, name, t2_prime_s=1 / rate))
    inner = cortex.filling.shares
    assert inner is not None

    def shares(points: np.ndarray, distance: np.ndarray, width_m: float) -> np.ndarray:
        grey = inner(points, distance, width_m)
        # The fluid in the sulci too, so that nothing of the cortex below shows through.
        return np.column_stack([grey, 1 - grey.sum(axis=1)])

    fill = Fill(tissues=(*tissues, "csf"), shares=shares)
    layers = []
    for name in names:
        x, y, z, radius = ACTIVE_REGIONS[name]
        u, v, w = carried(bend, places([(x, y, z)]))[0].tolist()
        layers.append(Layer(shape=ball((u, v, w), radius * 1e-3), fill=fill, organ=f"active {name}"))
    return layers


def _disease(
    bend: Bend | None,
    generator: np.random.Generator,
    white: Fill,
    *,
    stroke: tuple[float | int, float | int, float | int],
    tumour: tuple[float | int, float | int, float | int, float | int],
    ms: tuple[int, int],
    haemorrhage: tuple[float | int, str],
) -> tuple[list[Layer], dict[str, float]]:
    wanted = {"stroke": any(stroke[:2]), "tumour": any(tumour[:2]), "MS": any(ms), "haemorrhage": haemorrhage[0] != 0}
    chosen = [name for name, on in wanted.items() if on]
    if len(chosen) > 1:
        raise UsageError(f"head: {' and '.join(chosen)} at once, wanted one disease of the brain at a time.")
    if wanted["stroke"]:
        return _make_stroke(*stroke, white, bend, generator)
    if wanted["tumour"]:
        return _make_tumour(*tumour, bend, generator)
    if wanted["MS"]:
        return sclerosis(*ms, bend, generator)
    if wanted["haemorrhage"]:
        return _make_haemorrhage(*haemorrhage, bend, generator)
    return [], {}


_make_stroke, _make_tumour, _make_haemorrhage = stroke, tumour, haemorrhage


def _plaque_layers(seed: int, stenosis: float | int) -> tuple[list[Layer], dict[str, float]]:
    if stenosis == 0:
        return [], {}
    healthy = next(each for each in head_vessels(seed) if each.name == "left middle cerebral artery")
    found = plaque(healthy, stenosis)
    layers = [
        Layer(shape=tube(found.path_m, found.outer_m), fill="plaque, fibrous", organ="plaque"),
        Layer(shape=tube(found.path_m, found.lumen_m), fill="arterial blood", organ=healthy.name),
    ]
    return layers, {"plaque_m3": found.volume_m3, "stenosis": stenosis}


def _truths(parts: _Parts, flowing: tuple[Vessel, ...], lesions: list[Layer]) -> dict[str, float]:
    """Volumes of the nuclei that no lesion touches, their susceptibilities, and flows."""
    truths = {}
    for each in parts.nuclei:
        name = each.organ.replace(" ", "_")
        if not any(_touch(each.shape, lesion.shape) for lesion in lesions):
            truths[f"{name}_m3"] = each.volume_m3
        truths[f"{each.tissue.replace(' ', '_')}_ppm"] = library_tissue(each.tissue).susceptibility_ppm
    for vessel in flowing:
        truths[f"{vessel.name.replace(' ', '_')}_flow_m3_per_s"] = float(vessel.flow_m3_per_s[-1])
    truths["arterial_peak_over_mean"] = ARTERIAL_PEAK
    return truths


def _touch(first: Shape, second: Shape) -> bool:
    """Whether two solids share a point of a lattice of 1 mm, a little grown."""
    axes = [np.arange(low, high, 1e-3) for low, high in zip(first.low_m, first.high_m, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    return bool(np.any((first.distance(points) < 1e-3) & (second.distance(points) < 1e-3)))
