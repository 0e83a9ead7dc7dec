"""The belly: diaphragm, liver with fat, iron and lesions, gallbladder, spleen, stomach, kidneys, pancreas, bowel, veins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.data import Tissue
from fullbore.errors import UsageError, ValueRangeError
from fullbore.phantom.bodies.torso_habitus import Habitus, spine_y
from fullbore.phantom.bodies.torso_lines import SIDES, belly_lines, kidney_centre
from fullbore.phantom.bodies.torso_motion import Breath
from fullbore.phantom.body import Layer
from fullbore.phantom.fill import Fill, onion, renamed, textured
from fullbore.phantom.primitives import ball, ellipsoid, half_space, smooth_path, tube
from fullbore.phantom.shape import Shape, blend, grown, placed, rotation, rough, union
from fullbore.phantom.texture import smooth_field
from fullbore.phantom.tissues import library_tissue

LESIONS = {"haemangioma": "liver, haemangioma", "metastasis": "liver, metastasis", "cyst": "cyst"}
# Where lesions lie in the liver, in metres of a trunk 1.75 m tall, and the largest radius there is room for.
_SITES = (
    (-0.088, -0.012, 0.018), (-0.075, 0.040, 0.014), (-0.042, -0.030, 0.036), (-0.108, 0.0, -0.025), (-0.055, 0.012, 0.046),
)  # fmt: skip
_ROOM_M = 0.016


@dataclass(frozen=True, slots=True, kw_only=True)
class LiverSpec:
    """A liver's proton-density fat fraction, its R2* (that of a healthy one where None), stiffness, lesions (kind, radius)."""

    fat_fraction: float = 0.04
    r2star_per_s: float | None = None
    stiffness_Pa: float = 2.2e3
    lesions: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        least = 1 / library_tissue("liver").t2_s
        if not 0 <= self.fat_fraction <= 0.5:
            raise ValueRangeError(f"torso: liver_fat_fraction {self.fat_fraction}, wanted 0 to 0.5.")
        if self.r2star_per_s is not None and not 1.05 * least < self.r2star_per_s <= 2000:
            raise ValueRangeError(f"torso: liver_r2star_per_s {self.r2star_per_s}, wanted {1.05 * least:.0f} to 2000 per s.")
        if not 500 <= self.stiffness_Pa <= 30e3:
            raise ValueRangeError(f"torso: liver_stiffness_Pa {self.stiffness_Pa}, wanted 500 to 30 000.")
        if len(self.lesions) > len(_SITES):
            raise ValueRangeError(f"torso: {len(self.lesions)} liver lesions, wanted {len(_SITES)} at most.")
        for kind, radius in self.lesions:
            if kind not in LESIONS or not 0.001 <= radius <= _ROOM_M:
                raise UsageError(
                    f"torso: liver lesion {kind!r} of {radius} m, wanted one of {', '.join(LESIONS)}, of 0.001 to {_ROOM_M} m."
                )


def dome_height(x: np.ndarray, y: np.ndarray, body: Habitus) -> np.ndarray:
    """Height of the diaphragm at the end of expiration: two cupolas, the right one higher, falling to the wall."""
    scale = body.scale
    right = 0.020 * np.exp(-(((x / scale + 0.066) / 0.05) ** 2))
    left = 0.012 * np.exp(-(((x / scale - 0.075) / 0.045) ** 2))
    wide, front, back = (float(np.interp(0.0, body.levels_m, column)) for column in body.cavity_m.T)
    rim = (x / wide) ** 2 + (y / np.where(y < 0, 1.08 * front, 1.2 * back)) ** 2
    return np.asarray(scale * (0.054 + right + left - (0.085 + 0.015 * np.tanh(y / (0.03 * scale))) * np.minimum(rim, 1.35) ** 2))


def below_dome(body: Habitus, under_m: float) -> Shape:
    """Everything below the diaphragm lowered by a length."""
    step = 1e-4

    def distance(points: np.ndarray) -> np.ndarray:
        x, y = points[:, 0], points[:, 1]
        height = dome_height(x, y, body)
        slope = np.hypot(dome_height(x + step, y, body) - height, dome_height(x, y + step, body) - height) / step
        return (points[:, 2] - height + under_m) / np.sqrt(1 + slope**2)

    return Shape(distance=distance, low_m=(-np.inf,) * 3, high_m=(np.inf, np.inf, 0.08 * body.scale), stretch=3.0)


def belly_layers(body: Habitus, cavity: Shape, breath: Breath, liver: LiverSpec, seed: int) -> tuple[Layer, ...]:
    """From the diaphragm inward."""
    follow = breath.diaphragm(0.0, 0.2 * body.scale)
    inside = grown(cavity, -1e-3) & below_dome(body, 3.5e-3 * body.scale)
    return (
        Layer(shape=cavity & below_dome(body, 0.0), fill="muscle", organ="diaphragm", movement=follow),
        Layer(shape=inside, fill="visceral fat", organ="visceral fat", movement=follow),
        *_bowel(body, breath, seed),
        *_liver(body, inside, breath, liver, seed),
        *_spleen_and_stomach(body, inside, breath, seed),
        *_kidneys(body, breath, seed),
        *_pancreas(body, breath, seed),
        *_veins(body, breath),
    )


def liver_fill(spec: LiverSpec, seed: int) -> Fill:
    """Liver water, a little wetter here and drier there, and fat, whose protons are everywhere the stated share of all."""
    normal = library_tissue("liver")
    rate = spec.r2star_per_s or 1 / normal.t2_s + 1 / normal.t2_prime_s
    water = renamed(normal, "liver", t2_prime_s=1 / (rate - 1 / normal.t2_s), stiffness_Pa=spec.stiffness_Pa)
    wet = textured(water, 0.06, 7e-3, seed + 31)
    if spec.fat_fraction == 0:
        return wet
    fat = library_tissue("liver fat")
    # Fat and water in one voxel see the same iron: one R2* for both.
    fat = renamed(fat, "liver fat", t2_prime_s=1 / (rate - 1 / fat.t2_s))
    first, second = (item.proton_density for item in wet.tissues if isinstance(item, Tissue))
    ratio, inner = spec.fat_fraction / (1 - spec.fat_fraction), wet.shares
    assert inner is not None

    def shares(points: np.ndarray, distance: np.ndarray, width_m: float) -> np.ndarray:
        parts = inner(points, distance, width_m)
        oil = ratio * (parts @ np.array([first, second]))
        share = oil / (fat.proton_density + oil)
        return np.column_stack([parts * (1 - share)[:, None], share])

    return Fill(tissues=(*wet.tissues, fat), shares=shares)


def lesion_sites(body: Habitus, spec: LiverSpec, seed: int) -> list[tuple[np.ndarray, float, str]]:
    """Where the lesions are at rest, their radii and kinds."""
    random = np.random.default_rng([seed, 41])
    jitter = random.uniform(-2e-3, 2e-3, (len(_SITES), 3))
    return [
        (body.scale * np.array(_SITES[n]) + jitter[n], radius, kind) for n, (kind, radius) in enumerate(spec.lesions)
    ]  # fmt: skip


def _liver(body: Habitus, inside: Shape, breath: Breath, spec: LiverSpec, seed: int) -> tuple[Layer, ...]:
    scale, slide = body.scale, breath.sliding("liver")
    wide = float(np.interp(0.0, body.levels_m, body.cavity_m[:, 0]))
    bulk = ellipsoid((-0.52 * wide, 0.0, 0.0), (0.92 * wide, 0.11 * scale, 0.115 * scale))
    lower = ball((0.05 * scale, -0.01 * scale, -0.172 * scale), 0.185 * scale)
    medial = half_space((0.062 * scale, -0.02 * scale, 0.045 * scale), (1.0, 0.35, 0.0))
    whole = (bulk & grown(inside, -1.5e-3 * scale) & medial) - lower
    shape = rough(whole, smooth_field(seed + 32, 0.03), 2e-3, 0.03)
    sites = lesion_sites(body, spec, seed)
    hepatic = [each.shape for name, each in belly_lines(body).items() if name.endswith("hepatic vein")]
    portal = [
        tube(smooth_path(scale * np.array([[-0.028, -0.005, -0.012], bend, tip]), 4), np.linspace(5.5e-3, 1.5e-3, 9) * scale)
        for bend, tip in (((-0.06, 0.0, 0.0), (-0.10, 0.0, 0.01)), ((-0.065, 0.02, -0.01), (-0.095, 0.045, -0.02)),
                          ((-0.015, -0.025, 0.02), (0.015, -0.045, 0.03)))
    ]  # fmt: skip
    bile = tube(smooth_path(scale * np.array([[-0.052, -0.072, -0.052], [-0.048, -0.052, -0.038], [-0.036, -0.03, -0.026]]), 4),
                np.interp(np.linspace(0, 1, 9), [0, 0.3, 0.75, 1], [12e-3, 14e-3, 8e-3, 4e-3]) * scale)  # fmt: skip
    return (
        Layer(shape=shape, fill=liver_fill(spec, seed), organ="liver", movement=slide),
        Layer(shape=union(*hepatic), fill="venous blood", organ="hepatic veins", movement=slide),
        Layer(shape=union(*portal), fill="venous blood", organ="portal branches", movement=slide),
        Layer(shape=bile, fill=onion((1.8e-3,), ("bowel wall", "bile")), organ="gallbladder", movement=slide),
        *(
            Layer(shape=ball(_point(at), radius), fill=LESIONS[kind], organ=f"liver lesion {n + 1}", movement=slide)
            for n, (at, radius, kind) in enumerate(sites)
        ),
    )


def _spleen_and_stomach(body: Habitus, inside: Shape, breath: Breath, seed: int) -> tuple[Layer, ...]:
    scale = body.scale
    wide = float(np.interp(0.0, body.levels_m, body.cavity_m[:, 0]))
    path = np.array(
        [
            [0.035, 0.008, 0.040],
            [0.062, 0.005, 0.030],
            [0.072, -0.020, 0.000],
            [0.062, -0.045, -0.035],
            [0.030, -0.056, -0.060],
            [-0.004, -0.050, -0.056],
            [-0.026, -0.034, -0.040],
        ]
    )
    line = smooth_path(scale * path, 4)
    radius = (
        np.interp(np.linspace(0, 1, len(line)), [0, 0.2, 0.4, 0.6, 0.85, 1], [0.012, 0.031, 0.031, 0.026, 0.018, 0.010]) * scale
    )
    stomach = rough(tube(line, radius), smooth_field(seed + 33, 0.02), 1.5e-3, 0.02) & grown(inside, -1.5e-3)
    gas = grown(stomach, -4e-3) & half_space((0, -0.068 * scale, 0), (0, 1, 0))
    bean = ellipsoid((0, 0, 0), (0.033 * scale, 0.047 * scale, 0.066 * scale)) - ball(
        (-0.052 * scale, -0.02 * scale, 0.0), 0.04 * scale
    )
    spleen = placed(
        bean, (wide - 0.033 * scale, 0.046 * scale, 0.004 * scale), rotation((1, 0, 0), -0.5) @ rotation((0, 0, 1), 0.45)
    )
    spleen = spleen & grown(inside, -1.5e-3)
    slide = breath.sliding("stomach")
    return (
        Layer(shape=spleen, fill=textured("spleen", 0.05, 6e-3, seed + 34), organ="spleen", movement=breath.sliding("spleen")),
        Layer(shape=stomach, fill=onion((4e-3,), ("bowel wall", "stomach content")), organ="stomach", movement=slide),
        Layer(shape=gas, fill="air", organ="stomach gas", movement=slide),
    )


def _kidneys(body: Habitus, breath: Breath, seed: int) -> tuple[Layer, ...]:
    scale, slide, out = body.scale, breath.sliding("kidney"), list[Layer]()
    for side, name in ((1.0, "left"), (-1.0, "right")):
        at = kidney_centre(side, scale)
        # Upper poles nearer to the spine and farther back; the hilum looks inward and forward.
        turn = rotation((0, 1, 0), -side * 0.22) @ rotation((1, 0, 0), -0.2) @ rotation((0, 0, 1), side * 0.45)
        inward = np.array([-side, 0, 0])
        whole = ellipsoid((0, 0, 0), (0.027 * scale, 0.023 * scale, 0.054 * scale)) - ball(
            _point(inward * 0.037 * scale), 0.017 * scale
        )
        sinus = ellipsoid(_point(inward * 0.012 * scale), (0.014 * scale, 0.0085 * scale, 0.026 * scale))
        pyramids = union(*_pyramids(scale, inward))
        cups = blend(
            3e-3 * scale, ellipsoid(_point(inward * 0.014 * scale), (0.009 * scale, 0.005 * scale, 0.011 * scale)),
            *(tube(scale * np.stack([inward * 0.012, inward * -0.001 + [0, 0, z]]), 2.6e-3 * scale) for z in (-0.02, 0.0, 0.02)),
        )  # fmt: skip
        parts = (
            (grown(whole, 6e-3 * scale), "visceral fat", "perirenal fat"),
            (whole, textured("kidney cortex", 0.05, 4e-3, seed + 35), f"{name} kidney cortex"),
            (pyramids & grown(whole, -5e-3 * scale), "kidney medulla", f"{name} kidney medulla"),
            (sinus, "visceral fat", f"{name} renal sinus"),
            (cups, "urine", f"{name} renal pelvis"),
        )
        out.extend(
            Layer(shape=placed(shape, _point(at), turn), fill=fill, organ=organ, movement=slide) for shape, fill, organ in parts
        )
    return tuple(out)


def _pyramids(scale: float, inward: np.ndarray) -> list[Shape]:
    """Eight or so, their points in the sinus, in two rows."""
    out = []
    for angle in np.deg2rad([-78, -50, -20, 20, 50, 78]):
        for tilt in (-0.5, 0.5):
            way = np.array([-inward[0] * np.cos(angle), tilt * np.cos(angle), 0]) * 0.024 + [0, 0, 0.05 * np.sin(angle)]
            start = np.array([0, 0.004 * tilt, 0.026 * np.sin(angle)]) * scale - inward * 0.004 * scale * np.cos(angle)
            end = 0.8 * way * scale
            out.append(tube(np.stack([start, end]), np.array([2.5e-3, 8.5e-3]) * scale))
    return out


def _pancreas(body: Habitus, breath: Breath, seed: int) -> tuple[Layer, ...]:
    scale = body.scale
    y = float(spine_y(np.array(-0.05 * scale), scale)) / scale
    path = np.array(
        [
            [-0.036, y - 0.042, -0.078],
            [-0.030, y - 0.050, -0.055],
            [0.0, y - 0.062, -0.042],
            [0.035, y - 0.045, -0.030],
            [0.072, y - 0.012, -0.016],
        ]
    )
    line = smooth_path(scale * path, 4)
    radius = np.interp(np.linspace(0, 1, len(line)), [0, 0.2, 0.4, 1], [0.013, 0.014, 0.0085, 0.007]) * scale
    lobed = rough(tube(line, radius), smooth_field(seed + 36, 7e-3), 1.6e-3, 7e-3)
    duct = tube(line[2:], 1.1e-3 * scale)
    slide = breath.sliding("pancreas")
    return (
        Layer(shape=lobed, fill=textured("pancreas", 0.06, 4e-3, seed + 37), organ="pancreas", movement=slide),
        Layer(shape=duct, fill="bile", organ="pancreatic duct", movement=slide),
    )


def _veins(body: Habitus, breath: Breath) -> tuple[Layer, ...]:
    """Lower caval, portal, splenic, mesenteric and renal veins; arteries of kidneys, liver and portal organs."""
    lines, slide, scale = belly_lines(body), breath.sliding("pancreas"), body.scale
    depth = float(spine_y(np.array(-0.03 * scale), scale)) - 0.030 * scale
    hung = breath.hung("pancreas", (0.006 * scale, depth), 0.009 * scale, 0.03 * scale)
    cava = union(*(lines[name].shape for name in ("inferior vena cava", "left iliac vein", "right iliac vein")))
    moved = ("portal vein", "splenic vein", "superior mesenteric vein")
    renal = [f"{side} renal {kind}" for _, side in SIDES for kind in ("vein", "artery")]
    return (
        Layer(shape=cava, fill="venous blood", organ="inferior vena cava"),
        *(Layer(shape=lines[name].shape, fill="venous blood", organ=name, movement=slide) for name in moved),
        *(Layer(shape=lines[name].shape, fill="arterial blood" if "artery" in name else "venous blood", organ=name)
          for name in renal),
        *(Layer(shape=lines[name].shape, fill="arterial blood", organ=name, movement=hung)
          for name in ("splenic artery", "superior mesenteric artery", "hepatic artery", "coeliac trunk")),
    )  # fmt: skip


def _bowel(body: Habitus, breath: Breath, seed: int) -> tuple[Layer, ...]:
    """Colon as a frame, small bowel coiled within it."""
    scale, random = body.scale, np.random.default_rng([seed, 51])
    fore = -float(np.interp(-0.12 * scale, body.levels_m, body.cavity_m[:, 1])) / scale
    wide = float(np.interp(-0.12 * scale, body.levels_m, body.cavity_m[:, 0])) / scale
    frame = np.array(
        [
            [-wide + 0.03, 0.01, -0.208],
            [-wide + 0.026, 0.012, -0.16],
            [-wide + 0.03, 0.0, -0.105],
            [-0.05, fore + 0.028, -0.098],
            [0.0, fore + 0.026, -0.108],
            [0.05, fore + 0.03, -0.09],
            [wide - 0.03, -0.005, -0.06],
            [wide - 0.024, 0.014, -0.12],
            [wide - 0.026, 0.014, -0.17],
            [wide - 0.04, 0.0, -0.208],
        ]
    )
    line = smooth_path(scale * frame, 5)
    sacs = 0.017 + 0.0035 * np.sin(np.arange(len(line)) * 2.1)
    slide = breath.sliding("bowel")
    coils = [
        [x * (1 if row % 2 == 0 else -1), fore + 0.022 + depth + random.normal(0, 4e-3), z + random.normal(0, 5e-3)]
        for row, (z, depth) in enumerate((z, depth) for depth in (0.0, 0.03, 0.056) for z in (-0.124, -0.152, -0.180, -0.208))
        for x in (-0.076, -0.038, 0.0, 0.038, 0.076)
    ]
    small = rough(tube(smooth_path(scale * np.array(coils), 3), 0.0132 * scale), smooth_field(seed + 38, 9e-3), 1.5e-3, 9e-3)
    return (
        Layer(shape=small, fill=onion((2e-3,), ("bowel wall", "bowel content")), organ="small bowel", movement=slide),
        Layer(
            shape=tube(line, sacs * scale), fill=onion((2.5e-3,), ("bowel wall", "bowel content")), organ="colon", movement=slide
        ),
    )


def _point(values: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
