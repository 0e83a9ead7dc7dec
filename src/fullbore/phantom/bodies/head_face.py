"""The face and neck of the digital head: surface, bones, teeth, glands, tongue, spine. Places are atlas LPS millimetres."""

from __future__ import annotations

import numpy as np

from fullbore.phantom.bodies.head_space import MM, at, cord, curve, egg, rod
from fullbore.phantom.body import Layer
from fullbore.phantom.fill import mixed, textured
from fullbore.phantom.primitives import half_space
from fullbore.phantom.shape import Shape, blend, grown, mirrored, union


def face_surface() -> Shape:
    """Skin of face, neck and ears; blended with the scalp by whoever has it."""
    face = blend(14 * MM, egg((0, -36, -72), (56, 54, 70)), egg((0, -48, -112), (40, 42, 26)))
    cheeks = mirrored(egg((36, -56, -66), (24, 22, 26)))
    neck = rod((0, 38, -60), (0, 30, -200), 58)
    brows = mirrored(egg((31, -65, -36), (18, 17, 15)))
    nose = blend(6 * MM, rod((0, -87, -40), (0, -101, -70), 5.5), mirrored(egg((6.5, -95, -74), (7, 8, 5.5))))
    lips = blend(3 * MM, egg((0, -88, -92), (20, 8, 4.5)), egg((0, -87, -101), (18, 8, 4.5)))
    chin = egg((0, -84, -118), (18, 11, 12))
    whole = blend(16 * MM, blend(14 * MM, face, cheeks), neck)
    return union(blend(7 * MM, whole, brows, nose, lips, chin), mirrored(_ear()))


def _ear() -> Shape:
    """A flap of skin behind the ear canal: rim and lobe."""
    rim = curve([(88, 10, -36), (92, 14, -20), (96, 28, -18), (97, 34, -34), (93, 26, -54), (88, 16, -60)], 2)
    tubes = cord(np.column_stack([rim, np.full(len(rim), 3.4)]))
    return blend(5 * MM, tubes, rod((84, 20, -38), (93, 27, -38), 5.0))


def face_layers(inside: Shape) -> list[Layer]:
    """Soft parts of the face within its skin: muscles of temple and jaw, glands, fat of cheek and orbit, tongue."""
    temporal = mirrored(egg((66, -16, -22), (6.5, 26, 30)))
    masseter = mirrored(egg((56, -16, -80), (7, 15, 24)))
    orbit = blend(8 * MM, egg((32, -58, -37), (17, 17, 16)), rod((30, -52, -36), (14, -24, -33), 7.0))
    neck = mirrored(rod((56, 20, -62), (24, -28, -150), 9.5))
    parotid, under = mirrored(egg((55, 6, -72), (9, 12, 19))), mirrored(egg((30, -18, -112), (8, 14, 9)))
    return [
        Layer(shape=temporal & inside, fill="muscle", organ="temporal muscle"),
        Layer(shape=mirrored(egg((44, -40, -78), (8, 16, 15))), fill="fat", organ="cheek fat"),
        Layer(shape=masseter & inside, fill="muscle", organ="masseter"),
        Layer(shape=grown(neck, 1.5e-3) & inside, fill="fat", organ="neck fat"),
        Layer(shape=neck & inside, fill="muscle", organ="sternocleidomastoid"),
        Layer(shape=parotid & inside, fill=mixed((("gland", 0.75), ("fat", 0.25))), organ="parotid gland"),
        Layer(
            shape=under,
            fill=mixed((("gland", 0.9), ("fat", 0.1))),
            organ="submandibular gland",
        ),
        Layer(shape=egg((0, -38, -98), (21, 32, 19)), fill="fat", organ="floor of the mouth"),
        Layer(shape=egg((0, -40, -94), (20, 30, 14)), fill=textured("muscle", 0.08, 5e-3, 5), organ="tongue"),
        Layer(shape=mirrored(orbit), fill="orbital fat", organ="orbital fat"),
    ]


def base_bones() -> tuple[Shape, ...]:
    """Bones of skull base and upper face, joined with the skull."""
    orbits = mirrored(egg((32, -60, -37), (17.5, 18.5, 16.5)))
    rim = (mirrored(egg((32, -60, -37), (20, 18, 19))) - orbits) & half_space(at(0, -68, 0), (0, -1, 0))
    maxilla = mirrored(egg((27, -52, -64), (15, 18, 17))) - mirrored(egg((32, -58, -37), (17, 17, 16)))
    palate = egg((0, -52, -80), (26, 32, 5)) & half_space(at(0, 0, -84), (0, 0, -1))
    zygoma = mirrored(cord(curve([(44, -64, -56, 4), (54, -54, -53, 3.8), (63, -34, -50, 2.4), (66, -8, -49, 2.6)], 2)))
    nasal = rod((0, -82, -36), (0, -91, -50), 2.6)
    septum = egg((0, -58, -62), (1.4, 30, 15))
    mastoid = mirrored(blend(5 * MM, egg((55, 28, -51), (9, 12, 15)), egg((60, 14, -44), (8, 9, 8))))
    base = egg((0, -8, -48), (22, 26, 12))
    clivus = rod((0, 2, -46), (0, 22, -70), 7.5)
    return (maxilla, rim, palate, zygoma, nasal, septum, mastoid, base, clivus)


def skull_marrow() -> Shape:
    """Marrow of clivus and cheek bone."""
    zygoma = mirrored(rod((45, -63, -56), (52, -56, -54), 2.2))
    return union(rod((0, 4, -48), (0, 20, -67), 5.5), mirrored(egg((14, -4, -48), (5, 10, 6))), zygoma)


def jaws() -> list[Layer]:
    """Lower jaw with marrow, both rows of teeth."""
    line = [(50, -8, -58, 4.5), (48, -10, -80, 4.8), (45, -16, -98, 5.8), (36, -40, -108, 6.6), (22, -66, -113, 7.4)]
    arch = curve([*line, (0, -76, -115, 8.2)], 4)
    jaw = mirrored(cord(arch))
    upper, lower = _teeth(-88.5, (25, 31), -80.5), _teeth(-98.5, (24, 30), -106)
    return [
        Layer(shape=jaw, fill="cortical bone", organ="jaw"),
        Layer(shape=grown(jaw, -1.9e-3), fill=textured("yellow marrow", 0.08, 6e-3, 8), organ="jaw marrow"),
        Layer(shape=upper | lower, fill="tooth", organ="teeth"),
    ]


def _teeth(middle_mm: float | int, ring_mm: tuple[float | int, float | int], root_mm: float | int) -> Shape:
    """Fourteen teeth on an arch, from crown to root."""
    made = []
    for k in range(14):
        angle = (k - 6.5) / 6.5 * np.deg2rad(78)
        x, y = ring_mm[0] * np.sin(angle), -50 - ring_mm[1] * np.cos(angle)
        crown = middle_mm + 0.45 * (middle_mm - root_mm)
        made.append(rod((float(x), float(y), crown), (float(x) * 0.97, float(y) * 0.99, root_mm), 2.9 if 3 <= k <= 10 else 3.9))
    return union(*made)


def spine_layers() -> list[Layer]:
    """The upper cervical spine: arches, vertebrae C1 to C5 with marrow, discs; the canal is painted later."""
    column = rod((0, 22, -84), (0, 25, -180), 10.5)
    layers = [Layer(shape=column, fill="disc annulus", organ="discs")]
    bodies = [
        rod((0, y - 1.5, z + 3.2), (0, y + 1.5, z - 3.2), 9.6) & _slab(z, 7.4)
        for y, z in ((23, -92), (24, -110), (25, -128), (26, -146))
    ]
    dens = rod((0, 20, -90), (0, 19, -72), 5.2)
    ring = rod((0, 44, -75), (0, 49, -180), 12.5) & _arches()
    spinous = union(*(rod((0, 58, z), (0, 72 + k, z - 8), 4.2) for k, z in enumerate((-88, -106, -124))))
    atlas_ring = union(
        mirrored(egg((19, 28, -76), (9, 8, 6))), rod((-20, 14, -76), (20, 14, -76), 3.0), rod((-16, 58, -77), (16, 58, -77), 3.4)
    )
    facets = union(*(mirrored(egg((16, 38, z), (6, 7, 6.5))) for z in (-90, -108, -126)))
    bone = union(*bodies, dens, ring, spinous, atlas_ring, facets)
    layers += [
        Layer(shape=bone, fill="cortical bone", organ="cervical spine"),
        Layer(shape=grown(bone, -1.3e-3), fill=textured("red marrow", 0.08, 5e-3, 9), organ="cervical marrow"),
    ]
    return layers


def _slab(middle_mm: float | int, half_mm: float | int) -> Shape:
    return half_space(at(0, 0, middle_mm + half_mm), (0, 0, 1)) & half_space(at(0, 0, middle_mm - half_mm), (0, 0, -1))


def _arches() -> Shape:
    return union(*(egg((0, 46, z), (22, 22, 6.2)) for z in (-76, -90, -108, -126, -144)))
