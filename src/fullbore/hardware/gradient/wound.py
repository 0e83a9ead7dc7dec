"""One axis after another, each with its field on a grid: an axis whose brief is as it was need not be made again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from fullbore.data import FieldMap, Grid
from fullbore.hardware.gradient.brief import GradientBrief
from fullbore.hardware.gradient.coil import GradientCoil, Triple
from fullbore.hardware.gradient.design import design_axis
from fullbore.hardware.gradient.field_maps import axis_field_m
from fullbore.hardware.gradient.stimulation import effective_length_m

Tell = Callable[[float, str], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WoundAxis:
    """field_m: Bz per T/m asked for (z, y, x) on the grid that it was made for. nerve_length_m: see `effective_length_m`."""

    coil: GradientCoil
    field_m: Float[np.ndarray, "z y x"]
    nerve_length_m: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WoundGradient:
    """Three axes and their fields on one grid: x, y, z. name: of the brief."""

    name: str
    axes: tuple[WoundAxis, WoundAxis, WoundAxis]
    grid: Grid

    @property
    def coils(self) -> tuple[GradientCoil, GradientCoil, GradientCoil]:
        """Of x, y, z."""
        return self.axes[0].coil, self.axes[1].coil, self.axes[2].coil

    @property
    def nerve_lengths_m(self) -> Triple:
        """Of x, y, z."""
        return self.axes[0].nerve_length_m, self.axes[1].nerve_length_m, self.axes[2].nerve_length_m

    def fields(self) -> FieldMap:
        """As `gradient_fields`."""
        return FieldMap(values=np.stack([axis.field_m for axis in self.axes]), grid=self.grid, unit="m")


def axis_brief(brief: GradientBrief, axis: str) -> GradientBrief:
    """All that the design of one axis reads of a brief: the other axes' cylinders, the name and the source are levelled out."""
    own = brief.cylinders(axis)
    return replace(brief, name="", source="", x=own, y=own, z=own)


def wound_gradient(
    brief: GradientBrief, grid: Grid, known: Mapping[str, WoundAxis], tell: Tell = lambda share, what: None
) -> WoundGradient:
    """Coils and fields; axes that are `known` are taken as they are. Errors: those of `design_axis`, `axis_field_m`
    and `effective_length_m`."""
    wanted = [axis for axis in "xyz" if axis not in known]
    made = dict(known)
    for number, axis in enumerate(wanted):

        def told(share: float, what: str, done: int = number, axis: str = axis) -> None:
            tell((done + 0.9 * share) / len(wanted), f"{axis}: {what}")

        coil = design_axis(brief, axis, told)
        told(1.0, "its fields, in the volume and in a trunk")
        made[axis] = WoundAxis(coil=coil, field_m=axis_field_m(coil, grid), nerve_length_m=effective_length_m(coil))
    tell(1.0, "gradient coils")
    return WoundGradient(name=brief.name, axes=(made["x"], made["y"], made["z"]), grid=grid)
