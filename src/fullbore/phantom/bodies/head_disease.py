"""Diseases of the brain, each a set of solids of known volume in places where nothing else is painted over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fullbore.data import Tissue
from fullbore.errors import UsageError, ValueRangeError
from fullbore.phantom.bodies.head_space import Bend, carried, places
from fullbore.phantom.body import Layer
from fullbore.phantom.fill import Fill, renamed
from fullbore.phantom.primitives import ellipsoid
from fullbore.phantom.shape import Shape, placed, rotation, warped
from fullbore.phantom.tissues import library_tissue

_LARGEST_M3 = {"stroke": 90e-6, "tumour": 60e-6, "haemorrhage": 40e-6}

# Places for plaques of multiple sclerosis, left, atlas LPS mm (mirrored for the right): beside the ventricles, under the
# cortex, in the callosum's radiation, cerebellar peduncle. At least 11 mm apart.
_SITES = (
    (25, 4, 27), (24, 18, 31), (20, -22, 22), (27, 34, 30), (23, -8, 37), (24, 30, 44), (30, 50, 20), (20, -38, 10),
    (26, -32, 30), (32, 56, 34), (22, 8, 48), (28, -44, 14), (33, 42, -2), (24, 52, -40), (20, -4, 54), (18, 40, 56),
)  # fmt: skip


def irregular(
    volume_m3: float | int,
    proportions: tuple[float | int, float | int, float | int],
    centre_m: np.ndarray,
    generator: np.random.Generator,
) -> Shape:
    """An ellipsoid of exactly this volume, turned and bent by shears, each of which keeps volumes."""
    size = (volume_m3 / (4 / 3 * np.pi * np.prod(proportions))) ** (1 / 3)
    a, b, c = (float(size * value) for value in proportions)
    axis = generator.standard_normal(3)
    whole = placed(
        ellipsoid((0, 0, 0), (a, b, c)), (0, 0, 0), rotation((axis[0], axis[1], axis[2]), generator.uniform(-0.3, 0.3))
    )
    phases = generator.uniform(0, 2 * np.pi, 3)
    reach, wave = 0.10 * size, 2.2 / size

    def backward(points: np.ndarray) -> np.ndarray:
        moved = points - centre_m
        for k, (i, j) in enumerate(((0, 1), (1, 2), (2, 0))):
            moved[:, i] -= reach * np.sin(wave * moved[:, j] + phases[k])
        return np.ascontiguousarray(moved)

    low, high = np.array(whole.low_m) + centre_m - reach, np.array(whole.high_m) + centre_m + reach
    return warped(whole, backward, tuple(low.tolist()), tuple(high.tolist()), stretch=1.4)


def stroke(
    core_m3: float | int,
    penumbra_m3: float | int,
    delay_s: float | int,
    share_of_white: Fill,
    bend: Bend | None,
    generator: np.random.Generator,
) -> tuple[list[Layer], dict[str, float]]:
    """Acute infarct in the left middle cerebral territory: a core with lowered diffusivity, a penumbra with delayed transit.

    Both keep white and grey matter apart, and have closed their sulci (early swelling).
    """
    _size("stroke", core_m3 + penumbra_m3)
    if not (core_m3 >= 0 and penumbra_m3 >= 0 and 0 < delay_s <= 30):
        raise ValueRangeError(
            f"head: stroke of {core_m3} and {penumbra_m3} m^3, delay {delay_s} s; wanted volumes from 0, 0 to 30 s."
        )
    centre = _centre((40, 6, 22), bend)
    layers, truths = [], {}
    state = generator.bit_generator.state
    for name, volume, flow, late, diffusion, times in (
        ("stroke penumbra", core_m3 + penumbra_m3, 0.35, delay_s, 1.0, 1.0),
        ("stroke core", core_m3, 0.08, 1.5 * delay_s, 0.58, 1.12),
    ):
        if volume == 0 or (name == "stroke penumbra" and penumbra_m3 == 0):
            continue
        # The same bends for both, so that the core lies within.
        generator.bit_generator.state = state
        shape = irregular(volume, (0.75, 1.25, 1.05), centre, generator)
        layers.append(Layer(shape=shape, fill=_both(share_of_white, name, flow, late, diffusion, times), organ=name))
        truths[name.replace(" ", "_") + "_m3"] = volume - (core_m3 if name == "stroke penumbra" else 0)
    truths["stroke_delay_s"] = delay_s
    return layers, truths


def _both(
    share_of_white: Fill, name: str, flow: float | int, late_s: float | int, diffusion: float | int, times: float | int
) -> Fill:
    """White and grey matter as the atlas has them, changed by disease; fluid gives way to grey matter."""

    def changed(kind: str) -> Tissue:
        whole = library_tissue(kind)
        assert whole.perfusion is not None
        blood = replace(
            whole.perfusion, flow_per_s=flow * whole.perfusion.flow_per_s, transit_s=whole.perfusion.transit_s + late_s,
            blood_fraction=whole.perfusion.blood_fraction * (0.3 if flow < 0.2 else 1.1),
        )  # fmt: skip
        return renamed(
            whole, f"{kind}, {name}", t1_s=whole.t1_s * times**0.5, t2_s=whole.t2_s * times, perfusion=blood,
            diffusivity_m2_per_s=whole.diffusivity_m2_per_s * diffusion, oxygenation=0.45,
        )  # fmt: skip

    inner = share_of_white.shares
    assert inner is not None

    def shares(points: np.ndarray, distance: np.ndarray, width_m: float | int) -> np.ndarray:
        white = inner(points, distance, width_m).sum(axis=1)
        return np.stack([white, 1 - white], axis=1)

    return Fill(tissues=(changed("white matter"), changed("grey matter")), shares=shares)


def tumour(
    volume_m3: float | int,
    oedema_m3: float | int,
    ktrans_per_s: float | int,
    necrosis: float | int,
    bend: Bend | None,
    generator: np.random.Generator,
) -> tuple[list[Layer], dict[str, float]]:
    """Glioblastoma in the right frontal white matter: oedema, a leaky rim, a necrotic middle (share `necrosis` of the tumour)."""
    _size("tumour", volume_m3 + oedema_m3)
    if not (0 <= necrosis <= 0.8 and 0 <= ktrans_per_s <= 0.02 and oedema_m3 >= 0):
        raise ValueRangeError(
            f"head: tumour with necrosis {necrosis}, Ktrans {ktrans_per_s} /s, oedema {oedema_m3} m^3; "
            "wanted 0 to 0.8, 0 to 0.02 /s, and from 0."
        )
    centre, state = _centre((-27, -30, 24), bend), generator.bit_generator.state
    rim = library_tissue("tumour rim")
    assert rim.perfusion is not None
    leaky = renamed(rim, "tumour rim", perfusion=replace(rim.perfusion, transfer_per_s=ktrans_per_s))
    layers = []
    for organ, fill, volume in (
        ("tumour oedema", "tumour oedema", volume_m3 + oedema_m3),
        ("tumour rim", leaky, volume_m3),
        ("tumour necrosis", "tumour necrosis", necrosis * volume_m3),
    ):
        if volume > 0:
            generator.bit_generator.state = state
            layers.append(Layer(shape=irregular(volume, (0.95, 1.1, 1.0), centre, generator), fill=fill, organ=organ))
    truths = {
        "tumour_rim_m3": (1 - necrosis) * volume_m3,
        "tumour_necrosis_m3": necrosis * volume_m3,
        "tumour_oedema_m3": oedema_m3,
        "tumour_ktrans_per_s": ktrans_per_s,
    }
    return layers, truths


def sclerosis(
    count: int, enhancing: int, bend: Bend | None, generator: np.random.Generator
) -> tuple[list[Layer], dict[str, float]]:
    """Plaques of multiple sclerosis in white matter, long across the ventricles (Dawson's fingers); some of them enhance."""
    sites = [(sign * x, y, z) for x, y, z in _SITES for sign in (1, -1)]
    if not (0 <= enhancing <= count <= len(sites)):
        raise ValueRangeError(f"head: {count} MS lesions, {enhancing} enhancing; wanted at most {len(sites)}, those among them.")
    chosen = generator.permutation(len(sites))[:count]
    layers, total = [], {"ms lesion": 0.0, "ms lesion, enhancing": 0.0}
    for number, site in enumerate(chosen):
        name = "ms lesion, enhancing" if number < enhancing else "ms lesion"
        volume = 1e-9 * float(generator.uniform(60, 240))
        layers.append(
            Layer(shape=irregular(volume, (1.3, 0.85, 0.9), _centre(sites[site], bend), generator), fill=name, organ=name)
        )
        total[name] += volume
    return layers, {"ms_lesions_m3": total["ms lesion"], "ms_lesions_enhancing_m3": total["ms lesion, enhancing"]}


def haemorrhage(
    volume_m3: float | int, age: str, bend: Bend | None, generator: np.random.Generator
) -> tuple[list[Layer], dict[str, float]]:
    """Bleeding into the right parietal lobe: acute (deoxyhaemoglobin) or subacute (methaemoglobin with a rim of haemosiderin)."""
    _size("haemorrhage", volume_m3)
    if age not in ("acute", "subacute"):
        raise UsageError(f"head: haemorrhage_age {age!r}, wanted acute or subacute.")
    centre, state = _centre((-28, 44, 34), bend), generator.bit_generator.state
    parts: Sequence[tuple[str, float]] = (("haemorrhage, acute", 1.0),)
    truths = {"haemorrhage_m3": volume_m3}
    if age == "subacute":
        parts = (("haemosiderin", 1.0), ("haemorrhage, subacute", 0.75))
        truths = {"haemorrhage_m3": 0.75 * volume_m3, "haemosiderin_m3": 0.25 * volume_m3}
    layers = []
    for name, share in parts:
        generator.bit_generator.state = state
        shape = irregular(share * volume_m3, (0.85, 1.2, 1.0), centre, generator)
        layers.append(Layer(shape=shape, fill=name, organ=name))
    return layers, truths


def _centre(place_mm: tuple[float | int, float | int, float | int], bend: Bend | None) -> np.ndarray:
    return np.asarray(carried(bend, places([place_mm]))[0])


def _size(what: str, volume_m3: float | int) -> None:
    if not 0 < volume_m3 <= _LARGEST_M3[what]:
        raise ValueRangeError(f"head: {what} of {volume_m3} m^3, wanted more than 0 and at most {_LARGEST_M3[what]}.")
