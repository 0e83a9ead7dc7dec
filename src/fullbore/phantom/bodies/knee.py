"""A left knee, stretched: bones, layered cartilage with a defect, menisci, ligaments, fat pads, fluid, muscles, vessels, skin."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fullbore.phantom.bodies import knee_bones as bones
from fullbore.phantom.bodies.cartilage import coat, mean_times, punched
from fullbore.phantom.bodies.limb_parts import MM, Number, band, bone, mm, path_mm, trunk, vessel, within
from fullbore.phantom.body import Body, Layer
from fullbore.phantom.fill import textured
from fullbore.phantom.primitives import ellipsoid
from fullbore.phantom.shape import Shape, grown, rough, union
from fullbore.phantom.texture import smooth_field

Depth = float | Callable[[np.ndarray], np.ndarray]

# (x, y, z, radius) in millimetres along each muscle, upwards or downwards.
_MUSCLES: dict[str, tuple[tuple[Number, Number, Number, Number], ...]] = {
    "vastus medialis": ((-33, -24, 34, 5), (-37, -20, 50, 15), (-35, -16, 72, 23), (-32, -15, 97, 29)),
    "vastus lateralis": ((33, -26, 46, 4), (37, -21, 60, 15), (36, -18, 78, 23), (33, -15, 97, 29)),
    "vastus intermedius": ((0, -24, 70, 3), (0, -25, 82, 8), (0, -26, 97, 12)),
    "biceps femoris": ((39, 22, -10, 3), (38, 27, 15, 8), (34, 34, 55, 14), (27, 40, 97, 18)),
    "semimembranosus": ((-28, 26, -4, 4), (-27, 36, 20, 10), (-22, 40, 55, 15), (-18, 42, 97, 17)),
    "semitendinosus": ((-34, 36, -10, 2.5), (-36, 44, 25, 3.5), (-28, 52, 70, 6), (-22, 58, 97, 8)),
    "sartorius": ((-42, 14, -40, 2.5), (-48, 20, 5, 5), (-50, 20, 50, 7), (-52, 14, 97, 9)),
    "gracilis": ((-40, 22, -40, 2), (-46, 31, 5, 3), (-44, 34, 50, 5), (-42, 33, 97, 7)),
    "gastrocnemius, medial head": ((-19, 35, 22, 4), (-21, 42, -5, 11), (-22, 42, -45, 17), (-23, 41, -97, 20)),
    "gastrocnemius, lateral head": ((20, 35, 20, 4), (22, 42, -5, 10), (23, 41, -45, 16), (23, 40, -97, 19)),
    "popliteus": ((26, 25, -8, 3), (10, 29, -25, 6), (-6, 24, -50, 9), (-8, 21, -66, 4)),
    "soleus": ((18, 31, -55, 4), (12, 31, -75, 11), (8, 30, -97, 15)),
    "tibialis anterior": ((24, -12, -42, 3), (26, -12, -62, 10), (25, -11, -97, 15)),
    "peroneus": ((41, 6, -40, 3), (44, 4, -62, 8), (43, 4, -97, 11)),
}

_REFUSED_DEFECT = "the inner condyle's loaded surface has room for one of 16 mm"


def knee(
    seed: int = 0, *, cartilage_m: float = 2.2e-3, defect_m: float = 10e-3, defect_depth: float = 1.0, effusion_m3: float = 4e-6
) -> Body:
    """A left knee in patient space, from 90 mm below to 90 mm above its joint line.

    cartilage_m: thickness of the cartilage of femur and tibia. defect_m: diameter of a round defect in that of the inner condyle,
    0 for none; defect_depth: its share of the thickness. effusion_m3: fluid in the pouch above the patella.
    Errors: ValueRangeError for impossible ones.
    """
    within("knee: cartilage_m", cartilage_m, 0.8e-3, 3.5e-3, "thinner is worn away, thicker is not found")
    within("knee: defect_m", defect_m, 0.0, 16e-3, _REFUSED_DEFECT)
    within("knee: defect_depth", defect_depth, 0.05, 1.0, "a share of the cartilage's thickness")
    within("knee: effusion_m3", effusion_m3, 0.5e-6, 12e-6, "a pouch between femur and tendon, from half a millilitre")
    random = np.random.default_rng(seed)
    sizes = bones.Sizes(
        facet=30 + random.uniform(-1, 1), rear=20 + random.uniform(-0.7, 0.7), notch=10.5 + random.uniform(-0.8, 0.8),
        cartilage=cartilage_m / MM,
    )  # fmt: skip
    layers = (*_soft(seed), *_inside(effusion_m3), *_joint(seed, sizes, random.uniform(0.93, 1.07), (defect_m, defect_depth)))
    return Body(
        name="knee", layers=layers, truths=_truths(sizes, defect_m, defect_depth, effusion_m3),
        low_m=mm(-70, -66, -90), high_m=mm(70, 74, 90), shim_over=("muscle", "yellow marrow"), endless=True,
        source="shapes by hand after anatomical atlases; tissues of the library",
    )  # fmt: skip


def _soft(seed: int) -> tuple[Layer, ...]:
    """Skin, fat beneath it, muscles, vessels."""
    rows: list[list[Number]] = [[-106, 0, 8, 54, 59], [-60, 0, 8, 53, 58], [-30, 0.5, 6, 54, 56], [0, 0, 1.5, 53, 58],
            [30, 0, 1, 54, 59], [60, 0, 4, 60, 62], [106, 0, 6, 68, 67]]  # fmt: skip
    skin = rough(trunk(rows), smooth_field(seed + 1, 35 * MM), 1.2 * MM, 35 * MM)
    wavy = smooth_field(seed + 2, 14 * MM)
    room = grown(skin, -4 * MM)
    meat = textured("muscle", 0.06, 6e-3, seed + 3)
    muscles = tuple(
        Layer(shape=rough(vessel(*course), wavy, 1.2 * MM, 14 * MM) & room, fill=meat, organ=name)
        for name, course in _MUSCLES.items()
    )
    return (
        Layer(shape=skin, fill="skin", organ="skin"),
        Layer(shape=grown(skin, -1.6 * MM), fill=textured("fat", 0.05, 8e-3, seed + 4), organ="subcutaneous fat"),
        *muscles,
        Layer(shape=vessel((-9, 20, 97, 3.2), (2, 30, 50, 3.2), (2, 34, 0, 3.0), (2, 32, -40, 2.8), (0, 26, -97, 2.2)),
              fill="arterial blood", organ="popliteal artery"),
        Layer(shape=vessel((-10, 28, 97, 4), (5, 37, 50, 4), (6, 41, 0, 3.8), (5, 39, -40, 3), (4, 33, -97, 2.6)),
              fill="venous blood", organ="popliteal vein"),
        Layer(shape=vessel((4, 40, 97, 4), (5, 45, 50, 3.4), (5, 49, 0, 2.8), (4, 47, -40, 2.5), (2, 40, -97, 2.2)),
              fill="nerve", organ="tibial nerve"),
    )  # fmt: skip


def _inside(effusion_m3: float) -> tuple[Layer, ...]:
    """Hoffa's fat pad, fluid above the patella, ligaments and tendons."""
    # 4 ml fill an ellipsoid of 20, 3.6 and 13.25 mm; it grows upwards from the patella.
    wide, thick, high = (float(v) for v in np.cbrt(effusion_m3 / (4 / 3 * np.pi * 20 * 3.6 * 13.25)) * np.array([20, 3.6, 13.25]))
    pouch = ellipsoid((0, -28.5 * MM, 49 * MM + high), (wide, thick, high))
    tendon = band(path_mm((1, -49, 13), (1, -45, -12), (1, -34.5, -38), (1, -31, -46)), 2.3 * MM, 5.5)
    quadriceps = band(path_mm((1, -47, 45), (0, -41, 64), (0, -39, 80), (0, -40, 97)), 3.2 * MM, 5)
    front = band(path_mm((-3, -10, -3), (1, 0, 7), (6, 11, 17), (10, 17, 22)), 3.4 * MM, 1.6)
    rear = vessel((1, 27, -12, 4.5), (-2, 24, 2, 5), (-5, 13, 14, 5.5), (-10, 2, 19, 5.5))
    inner = band(path_mm((-41, 3, 30), (-42, 1, 5), (-40, -1, -20), (-31, -3, -48)), 1.4 * MM, 4.5, (0, 1, 0))
    outer = vessel((41, 5, 29, 2.2), (43, 11, 5, 2.2), (41, 18, -18, 2.6))
    sides = (path_mm((side * 19, -44, 28), (side * 32, -36, 26), (side * 40, -20, 24)) for side in (-1, 1))
    retinacula = tuple(band(line, 1.0 * MM, 14, (0, 0, 1)) for line in sides)
    return (
        Layer(shape=hoffa(), fill=textured("fat", 0.05, 4e-3, 9), organ="Hoffa's fat pad"),
        Layer(shape=pouch, fill="synovial fluid", organ="joint effusion"),
        Layer(shape=union(*retinacula), fill="ligament", organ="retinaculum"),
        Layer(shape=quadriceps, fill="tendon", organ="quadriceps tendon"),
        Layer(shape=tendon, fill="tendon", organ="patellar tendon"),
        Layer(shape=inner, fill="ligament", organ="medial collateral ligament"),
        Layer(shape=outer, fill="ligament", organ="lateral collateral ligament"),
        Layer(shape=rear, fill="ligament", organ="posterior cruciate ligament"),
        Layer(shape=front, fill="ligament", organ="anterior cruciate ligament"),
    )


def hoffa() -> Shape:
    """The fat pad below the patella, between its tendon, femur and tibia."""
    return ellipsoid(mm(0, -33, -2), mm(26, 14, 19))


def _joint(seed: int, sizes: bones.Sizes, spread: float, defect: tuple[float, float]) -> tuple[Layer, ...]:
    """Fluid film, menisci, cartilage with its defect, bones."""
    shapes = {"femur": bones.femur(sizes), "tibia": bones.tibia(sizes), "patella": bones.patella()}
    thick = {"femur": sizes.cartilage * MM, "tibia": sizes.cartilage * MM, "patella": 1.25 * sizes.cartilage * MM}
    coats = {name: coat(shape, thick[name], bones.surfaces()[name]) for name, shape in shapes.items()}
    film = [coat(shape, thick[name] + 0.4 * MM, bones.surfaces()[name])[0] for name, shape in shapes.items()]
    hole = tuple(Layer(shape=punch, fill="synovial fluid", organ="cartilage defect") for punch in _punches(sizes, *defect))
    cortex: dict[str, Depth] = {
        "femur": _cortex(35),
        "tibia": _cortex(-20),
        "patella": 1.2 * MM,
    }
    return (
        Layer(shape=union(*film), fill="synovial fluid", organ="joint fluid"),
        Layer(shape=bones.meniscus(-1, spread), fill="meniscus", organ="medial meniscus"),
        Layer(shape=bones.meniscus(1, spread), fill="meniscus", organ="lateral meniscus"),
        *(Layer(shape=shape, fill=fill, organ=f"{name} cartilage") for name, (shape, fill) in coats.items()),
        *hole,
        *(Layer(shape=shapes[name], fill=bone(cortex[name], seed=seed + 5 + n), organ=name) for n, name in enumerate(shapes)),
        Layer(shape=bones.fibula(), fill=bone(1.6 * MM, seed=seed + 8), organ="fibula"),
    )


def _punches(sizes: bones.Sizes, across_m: float, depth: float) -> tuple[Shape, ...]:
    """The defect, if there is one, where the inner condyle is loaded."""
    if across_m == 0:
        return ()
    toward = np.array([0, -0.4, -1.0])
    return (punched(sizes.facet_centre_m, sizes.facet * MM, sizes.cartilage * MM, toward, across_m, depth),)


def _cortex(start_mm: Number) -> Depth:
    """Thickness of a long bone's cortex: thin at the joint, thicker along the shaft from a height on."""

    def thickness(points: np.ndarray) -> np.ndarray:
        along = np.sign(start_mm) * (points[:, 2] / MM - start_mm)
        return np.asarray(MM * (0.9 + 3.2 * np.clip(along / 50, 0, 1)))

    return thickness


def _truths(sizes: bones.Sizes, defect_m: float, defect_depth: float, effusion_m3: float) -> dict[str, float]:
    """Numbers known in closed form."""
    (deep_t2, top_t2), (deep_rho, top_rho) = mean_times(np.array([0.0, 1.0]))
    return {
        "cartilage_thickness_m": sizes.cartilage * MM,
        "cartilage_defect_volume_m3": sum(shape.volume_m3 or 0.0 for shape in _punches(sizes, defect_m, defect_depth)),
        "joint_effusion_volume_m3": effusion_m3,
        "cartilage_deep_T2_s": float(deep_t2), "cartilage_superficial_T2_s": float(top_t2),
        "cartilage_deep_T1rho_s": float(deep_rho), "cartilage_superficial_T1rho_s": float(top_rho),
    }  # fmt: skip
