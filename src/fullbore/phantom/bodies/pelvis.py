"""A male pelvis: prostate with its zones and a lesion, bladder, rectum, hip joints, bones, muscles, vessels, fat, skin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.errors import UsageError, ValueRangeError
from fullbore.phantom.bodies.limb_parts import MM, mm, vector, vessel, within
from fullbore.phantom.bodies.pelvis_walls import HEAD_RADIUS_M, outline, walls
from fullbore.phantom.body import Body, Layer
from fullbore.phantom.fill import textured
from fullbore.phantom.primitives import ball, ellipsoid
from fullbore.phantom.shape import Shape, grown, rough, union
from fullbore.phantom.texture import smooth_field

_WHOLE = np.array([24.0, 15.0, 20.0])
_INNER, _INNER_AT = np.array([16.5, 10.0, 13.5]), np.array([0.0, -3.5, 3.0])
# Where a lesion sits, as a share of the gland's size: right, behind and below in the outer zone; left and in front in the inner.
_LESION_AT = {"peripheral": np.array([-12.0, 5.5, -8.5]), "transition": np.array([7.5, -6.0, 4.0])}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gland:
    """A prostate: volume (m^3), and diameter (m, 0 for none) and zone of its lesion. Its apex stays where it is when it grows."""

    volume_m3: float
    lesion_m: float
    lesion_zone: str

    @property
    def scale_m(self) -> float:
        """Metres a millimetre of a gland of 30 ml."""
        return float(np.cbrt(self.volume_m3 / (4 / 3 * np.pi * np.prod(_WHOLE))))

    def at(self, place: np.ndarray) -> np.ndarray:
        """A place of the gland, in millimetres of one of 30 ml, in the body."""
        return np.asarray(self.scale_m * (place + [0, 0, 20.0]) - [0, 0, 20 * MM])

    def whole(self) -> Shape:
        """The gland."""
        return ellipsoid(vector(self.at(np.zeros(3))), vector(_WHOLE * self.scale_m))

    def inner(self) -> Shape:
        """Transition and central zone."""
        return ellipsoid(vector(self.at(_INNER_AT)), vector(_INNER * self.scale_m))

    def lesion(self) -> Shape:
        """The lesion, a ball."""
        return ball(vector(self.at(_LESION_AT[self.lesion_zone])), self.lesion_m / 2)


def pelvis(
    seed: int = 0,
    *,
    prostate_m3: float = 40e-6,
    lesion_m: float = 10e-3,
    lesion_zone: str = "peripheral",
    bladder_m3: float = 150e-6,
    gas_m3: float = 2e-6,
    fat_m: float = 0.016,
) -> Body:
    """A male pelvis about its prostate, from below the symphysis to the bowel above the bladder.

    prostate_m3: volume of the gland. lesion_m: diameter of a lesion in lesion_zone ("peripheral" or "transition"), 0 for none.
    bladder_m3: urine. gas_m3: in the rectum. fat_m: under the skin. Errors: ValueRangeError, UsageError for impossible ones.
    """
    if lesion_zone not in _LESION_AT:
        raise UsageError(f"pelvis: lesion_zone {lesion_zone!r}, wanted peripheral or transition.")
    within("pelvis: prostate_m3", prostate_m3, 15e-6, 100e-6, "15 to 100 ml fit between the muscles")
    within("pelvis: bladder_m3", bladder_m3, 30e-6, 400e-6, "30 to 400 ml of urine")
    within("pelvis: gas_m3", gas_m3, 0.0, 6e-6, "the rectum is 22 mm wide")
    within("pelvis: fat_m", fat_m, 5e-3, 40e-3, "the layer under the skin")
    gland = Gland(volume_m3=prostate_m3, lesion_m=lesion_m, lesion_zone=lesion_zone)
    _check_lesion(gland)
    layers = (
        *outline(fat_m, seed), *walls(seed), *_rectum(gas_m3, seed), *_bladder(gland, bladder_m3), *_prostate(gland, seed),
    )  # fmt: skip
    return Body(
        name="pelvis", layers=layers, truths=_truths(gland, bladder_m3, gas_m3), low_m=mm(-182, -122, -85),
        high_m=mm(182, 122, 115), shim_over=("prostate, peripheral zone", "prostate, central gland", "muscle"), endless=True,
        source="shapes by hand after anatomical atlases; tissues of the library",
    )  # fmt: skip


def _check_lesion(gland: Gland) -> None:
    """A lesion lies wholly within its zone, so that every volume is known."""
    within("pelvis: lesion_m", gland.lesion_m, 0.0, 40e-3, "a lesion's diameter")
    if gland.lesion_m == 0:
        return
    turns = np.random.default_rng(0).standard_normal((2000, 3))
    rim = gland.at(_LESION_AT[gland.lesion_zone]) + turns / np.linalg.norm(turns, axis=1)[:, None] * gland.lesion_m / 2
    inside, deeper = gland.whole().distance(rim) < 0, gland.inner().distance(rim) < 0
    fits = deeper.all() if gland.lesion_zone == "transition" else inside.all() and not deeper.any()
    if not fits:
        raise ValueRangeError(
            f"pelvis: a lesion of {gland.lesion_m} m does not fit into the {gland.lesion_zone} zone of a prostate of "
            f"{1e6 * gland.volume_m3:.0f} ml. Make it smaller or the gland larger."
        )


def _prostate(gland: Gland, seed: int) -> tuple[Layer, ...]:
    """Vesicles, veins and stroma in front, capsule, zones, urethra, lesion."""
    scale = gland.scale_m / MM
    top = gland.at(np.array([0.0, 0.0, 20.0])) / MM
    lumps = smooth_field(seed + 8, 5 * MM)
    vesicles = [
        vessel((side * 5, 15, top[2] + 1, 3), (side * 16, 19, top[2] + 4, 6), (side * 34, 22, top[2] + 12, 5)) for side in (-1, 1)
    ]
    front = ellipsoid(vector(gland.at(np.array([0, -13.5, 2.0]))), vector(np.array([11, 4.5, 14]) * gland.scale_m))
    urethra = vessel((0, -3, top[2] + 3, 2), (0, -3 * scale, top[2] - 18 * scale, 2.2), (0, -1, top[2] - 32 * scale, 2))
    below = vessel((0, -2, -16, 3.5), (0, -5, -32, 3.5), (0, -12, -44, 4))
    layers = [
        Layer(shape=rough(union(*vesicles), lumps, 1.5 * MM, 5 * MM), fill=textured("seminal vesicle", 0.12, 3e-3, seed + 9),
              organ="seminal vesicles"),
        Layer(shape=ellipsoid(mm(0, -26 - 8 * (scale - 1), 2), mm(16, 6, 12)), fill="venous blood", organ="venous plexus"),
        Layer(shape=front, fill="muscle", organ="anterior stroma"),
        Layer(shape=below, fill="muscle", organ="urethral sphincter"),
        Layer(shape=grown(gland.whole(), 0.9 * MM), fill="ligament", organ="prostate capsule"),
        Layer(shape=gland.whole(), fill=textured("prostate, peripheral zone", 0.08, 5e-3, seed + 10), organ="peripheral zone"),
        Layer(shape=gland.inner(), fill=textured("prostate, central gland", 0.2, 4e-3, seed + 11), organ="transition zone"),
        Layer(shape=urethra & gland.inner(), fill="urine", organ="urethra"),
    ]  # fmt: skip
    if gland.lesion_m > 0:
        growth = textured("prostate, lesion", 0.08, 4e-3, seed + 12)
        layers.append(Layer(shape=gland.lesion(), fill=growth, organ="prostate lesion"))
    return tuple(layers)


def _bladder(gland: Gland, volume_m3: float) -> tuple[Layer, ...]:
    """Wall, thinner when full, and urine above the prostate."""
    size = np.cbrt(volume_m3 / (4 / 3 * np.pi * 1.2 * 1.0 * 0.95)) * np.array([1.2, 1.0, 0.95])
    wall = float(np.clip(4.5 * MM * np.cbrt(100e-6 / volume_m3), 2.5 * MM, 6 * MM))
    low = gland.at(np.array([0.0, 0.0, 20.0]))[2] + 1 * MM
    urine = ellipsoid((0.0, -16 * MM, float(low + wall + size[2])), vector(size))
    return (
        Layer(shape=grown(urine, wall), fill="bladder wall", organ="bladder wall"),
        Layer(shape=urine, fill="urine", organ="bladder"),
    )


def _rectum(gas_m3: float, seed: int) -> tuple[Layer, ...]:
    """Anal canal, rectum and the turn to the sigmoid, what is in them, and gas in front."""
    course = (
        (0, 42, -70, 9),
        (0, 34, -40, 9),
        (0, 38, -18, 11),
        (0, 42, 12, 14),
        (0, 48, 45, 15),
        (-5, 46, 78, 15),
        (-22, 26, 120, 15),
    )
    lumen = vessel(*((x, y, z, r - 3.2) for x, y, z, r in course[2:]))
    layers = [
        Layer(shape=vessel(*((x, y, z, r + 5) for x, y, z, r in course[:3])), fill="muscle", organ="anal sphincter"),
        Layer(shape=vessel(*course), fill="rectum wall", organ="rectum wall"),
        Layer(shape=lumen, fill=textured("bowel content", 0.2, 5e-3, seed + 7), organ="rectal content"),
    ]
    if gas_m3 > 0:
        gas = np.cbrt(gas_m3 / (4 / 3 * np.pi * 2.4)) * np.array([1.0, 1.0, 2.4])
        layers.append(Layer(shape=ellipsoid(mm(0, 44, 26), vector(gas)), fill="air", organ="rectal gas"))
    return tuple(layers)


def _truths(gland: Gland, bladder_m3: float, gas_m3: float) -> dict[str, float]:
    """Volumes in closed form; the urethra is counted with the transition zone that holds it."""
    inner, lesion = float(gland.inner().volume_m3 or 0), np.pi / 6 * gland.lesion_m**3
    outside = gland.lesion_zone == "peripheral"
    return {
        "prostate_volume_m3": gland.volume_m3,
        "lesion_volume_m3": lesion,
        "transition_zone_volume_m3": inner - (0 if outside else lesion),
        "peripheral_zone_volume_m3": gland.volume_m3 - inner - (lesion if outside else 0),
        "bladder_volume_m3": bladder_m3,
        "rectal_gas_volume_m3": gas_m3,
        "femoral_head_radius_m": HEAD_RADIUS_M,
    }
