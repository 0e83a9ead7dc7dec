"""A body of one's own from a description: a known body with other parameters, more organs, tissues of one's own.

As TOML:

    name = "torso with a lesion"
    from = "torso"                    # a name of the registry; or a label map, see `body_from_labels`
    parameters = { seed = 3 }
    [tissue."my lesion"]
    like = "liver"                    # every field of `Tissue` may follow
    t2_s = 0.07
    [[organ]]
    name = "lesion"
    shape = "ball"                    # ball, ellipsoid, box, cylinder, tube
    centre_mm = [-60, -20, 30]
    radius_mm = 9
    tissue = "my lesion"
    texture = 0.05                    # relative; texture_mm its size
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from fullbore.data import Tissue
from fullbore.errors import FullboreError, UsageError
from fullbore.phantom.body import Body, Layer
from fullbore.phantom.fill import plain, renamed, textured
from fullbore.phantom.primitives import ball, box, cylinder, ellipsoid, smooth_path, tube
from fullbore.phantom.registry import make_body
from fullbore.phantom.shape import Shape
from fullbore.phantom.tissues import AIR

_KEYS = ("name", "from", "parameters", "tissue", "organ", "shim_over")
_ORGAN_KEYS = ("name", "shape", "tissue", "texture", "texture_mm", "seed")

SHAPES: dict[str, tuple[tuple[str, ...], Callable[..., Shape]]] = {
    "ball": (("centre_mm", "radius_mm"), lambda centre, radius: ball(_point(centre), float(radius) * 1e-3)),
    "ellipsoid": (("centre_mm", "semi_axes_mm"), lambda centre, axes: ellipsoid(_point(centre), _point(axes))),
    "box": (("centre_mm", "size_mm"), lambda centre, size: box(_point(centre), _point(size))),
    "cylinder": (
        ("start_mm", "end_mm", "radius_mm"),
        lambda start, end, radius: cylinder(_point(start), _point(end), float(radius) * 1e-3),
    ),
    "tube": (
        ("path_mm", "radius_mm"),
        lambda path, radius: tube(smooth_path(1e-3 * np.array(path, np.float64)), float(radius) * 1e-3),
    ),
}


def described_body(description: Mapping[str, Any], base: Body | None = None) -> Body:
    """The body of a description (see the module). base: what it starts from, where that is no body of the registry.

    Errors: UsageError for unknown or missing keys, shapes and tissues; what bodies and tissues refuse themselves.
    """
    _known("description", description, _KEYS)
    if base is None and "from" in description:
        base = make_body(str(description["from"]), description.get("parameters"))
    own = {name: _tissue(name, dict(values)) for name, values in dict(description.get("tissue", {})).items()}
    layers = tuple(_layer(organ, own) for organ in description.get("organ", []))
    name = str(description.get("name", base.name if base else "described body"))
    shim_over = tuple(description.get("shim_over", base.shim_over if base else ()))
    if base is None:
        return Body(name=name, layers=layers, shim_over=shim_over, source="a description")
    return Body(
        name=name,
        layers=(*base.layers, *layers),
        truths=dict(base.truths),
        movement=base.movement,
        low_m=base.low_m,
        high_m=base.high_m,
        shim_over=shim_over,
        endless=base.endless,
        source=f"{base.source}; with {len(layers)} organs of its own",
    )


def _layer(organ: Mapping[str, Any], own: Mapping[str, Tissue]) -> Layer:
    who = f"organ {organ.get('name', '?')!r}"
    if organ.get("shape") not in SHAPES:
        raise UsageError(f"{who}: shape {organ.get('shape')!r}, wanted one of {', '.join(SHAPES)}.")
    needed, make = SHAPES[organ["shape"]]
    _known(who, organ, (*_ORGAN_KEYS, *needed))
    missing = [key for key in ("name", "tissue", *needed) if key not in organ]
    if missing:
        raise UsageError(f"{who}: no {', '.join(missing)}. Add it.")
    try:
        shape = make(*(organ[key] for key in needed))
    except FullboreError:
        raise
    except (TypeError, ValueError) as error:
        raise UsageError(f"{who}: {', '.join(needed)} cannot be read ({error}). Wanted numbers, points as [x, y, z].") from error
    tissue: str | Tissue = own.get(organ["tissue"], organ["tissue"])
    fill = plain(tissue)
    if "texture" in organ and tissue != AIR:
        length_m = 1e-3 * float(organ.get("texture_mm", 6.0))
        fill = textured(tissue, float(organ["texture"]), length_m, int(organ.get("seed", 0)))
    return Layer(shape=shape, fill=fill, organ=str(organ["name"]))


def _tissue(name: str, values: dict[str, Any]) -> Tissue:
    like = values.pop("like", None)
    known = {field.name for field in fields(Tissue)} - {"name"}
    _known(f"tissue {name!r}", values, tuple(known))
    values.setdefault("source", f"a description{f', like {like}' if like else ''}")
    if like is not None:
        return renamed(str(like), name, **values)
    try:
        return Tissue(name=name, **{"t2_prime_s": 10.0, **values})
    except TypeError as error:
        raise UsageError(f"tissue {name!r}: {error}. Give t1_s, t2_s and proton_density, or `like`.") from error


def _known(who: str, given: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    unknown = sorted(set(given) - set(keys))
    if unknown:
        raise UsageError(f"{who}: unknown {', '.join(unknown)}; it may have {', '.join(sorted(keys))}.")


def _point(values: Any) -> tuple[float, float, float]:
    x, y, z = (1e-3 * float(value) for value in values)
    return x, y, z
