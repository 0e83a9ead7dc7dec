"""A digital patient as a description: continuous in space and time, a painter's list of layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from fullbore.data import Flow, Tissue
from fullbore.errors import UsageError, ValueRangeError
from fullbore.phantom.fill import Fill, plain
from fullbore.phantom.movement import Movement
from fullbore.phantom.shape import Shape, Vector
from fullbore.phantom.tissues import AIR, library_tissue


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layer:
    """One stroke of the painter: a shape at rest and what fills it. It covers what was painted before it.

    fill: a tissue of the library, "air" for a hole, a tissue of one's own, or a `Fill`. organ: what a radiologist calls it, the
    name under which it is labelled and measured; the tissue's where not given. movement: the organ's own, before the body's.
    Where two organs share a border, paint the whole first and then one part over it; two borders that only touch leave a gap.
    """

    shape: Shape
    fill: str | Tissue | Fill
    organ: str = ""
    movement: Movement | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.fill, Fill):
            object.__setattr__(self, "fill", plain(self.fill))
        if not self.organ:
            first = self.filling.tissues[0]
            object.__setattr__(self, "organ", family(first if isinstance(first, str) else first.name))

    @property
    def filling(self) -> Fill:
        """The fill, as one."""
        assert isinstance(self.fill, Fill)
        return self.fill


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Body:
    """A patient or test object in patient space (LPS, metres), at rest and in movement.

    layers: painted one over another, from the first to the last. movement: of the whole, after the organs' own.
    truths: what is known of it as numbers, the unit in the name: {"ejection_fraction": 0.62, "liver_fat_fraction": 0.1}.
    low_m, high_m: the box to sample by default; that of the layers at rest where not given.
    shim_over: tissues over which a scanner would shim. endless: it goes on beyond both ends of its box along z, and so its field.
    flows: of blood in its vessels, of the body at rest.
    tissues: filled in: all of them, in the order of their first appearance; organs likewise.
    """

    name: str
    layers: tuple[Layer, ...]
    truths: Mapping[str, float] = field(default_factory=dict)
    movement: Movement | None = None
    low_m: Vector | None = None
    high_m: Vector | None = None
    shim_over: tuple[str, ...] = ()
    endless: bool = False
    flows: tuple[Flow, ...] = ()
    source: str = ""
    tissues: tuple[Tissue, ...] = field(init=False)
    organs: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        if not self.layers:
            raise ValueRangeError(f"Body {self.name}: no layers, wanted at least one.")
        object.__setattr__(self, "truths", MappingProxyType({name: float(value) for name, value in self.truths.items()}))
        object.__setattr__(self, "tissues", _gather(self))
        object.__setattr__(self, "organs", tuple(dict.fromkeys(layer.organ for layer in self.layers)))
        solid = [layer.shape for layer in self.layers if layer.filling.tissues != (AIR,)]
        if self.low_m is None:
            object.__setattr__(self, "low_m", _vector(np.min([shape.low_m for shape in solid], axis=0)))
        if self.high_m is None:
            object.__setattr__(self, "high_m", _vector(np.max([shape.high_m for shape in solid], axis=0)))
        ends = np.array([self.low_m, self.high_m], np.float64)
        if not np.isfinite(ends).all() or not np.all(ends[0] < ends[1]):
            raise ValueRangeError(
                f"Body {self.name}: it fills {self.low_m} to {self.high_m} m. Cut endless layers, or give its box."
            )
        missing = set(self.shim_over) - {tissue.name for tissue in self.tissues} - set(families(self))
        if missing:
            raise UsageError(f"Body {self.name}, shim_over: no tissue {', '.join(sorted(missing))} in it.")


def family(name: str) -> str:
    """The name that both variants of a textured tissue share."""
    return name[:-2] if name.endswith((" -", " +")) else name


def families(body: Body) -> tuple[str, ...]:
    """The body's tissues with the variants of each taken as one, in order."""
    return tuple(dict.fromkeys(family(tissue.name) for tissue in body.tissues))


def organ_movement(body: Body, organ: str) -> Movement | None:
    """The own movement of an organ, that of its first layer. Errors: UsageError for an unknown organ."""
    for layer in body.layers:
        if layer.organ == organ:
            return layer.movement
    raise UsageError(f"Body {body.name}: no organ {organ!r}; it has {', '.join(body.organs)}.")


def _gather(body: Body) -> tuple[Tissue, ...]:
    found: dict[str, Tissue] = {}
    for layer in body.layers:
        for item in layer.filling.tissues:
            if item == AIR:
                continue
            tissue = library_tissue(item) if isinstance(item, str) else item
            if found.setdefault(tissue.name, tissue) != tissue:
                raise ValueRangeError(
                    f"Body {body.name}: two tissues named {tissue.name!r} differ. Give one of them another name (`renamed`)."
                )
    if not found:
        raise ValueRangeError(f"Body {body.name}: it is all air.")
    return tuple(found.values())


def _vector(values: np.ndarray) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
