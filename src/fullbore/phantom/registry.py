"""Every digital patient and test object, by name."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

from fullbore.errors import UsageError
from fullbore.phantom.bodies.breast import breast
from fullbore.phantom.bodies.head import head
from fullbore.phantom.bodies.heart import heart
from fullbore.phantom.bodies.knee import knee
from fullbore.phantom.bodies.leg import leg
from fullbore.phantom.bodies.lumbar_spine import lumbar_spine
from fullbore.phantom.bodies.pelvis import pelvis
from fullbore.phantom.bodies.torso import torso
from fullbore.phantom.bodies.whole_body import whole_body
from fullbore.phantom.body import Body
from fullbore.phantom.objects.acr import acr_large
from fullbore.phantom.objects.gels import elastography_inclusions, flow_pipe, geometric_lattice, thermometry_gel, uniform_sphere
from fullbore.phantom.objects.shepp_logan import shepp_logan
from fullbore.phantom.objects.system_phantom import system_phantom
from fullbore.phantom.objects.vial_rings import diffusion_vials, fat_water_vials

# One line for each: its name on the command line, and the function that makes it.
BODIES: dict[str, Callable[..., Body]] = {
    "uniform-sphere": uniform_sphere,
    "shepp-logan": shepp_logan,
    "acr-large": acr_large,
    "system-phantom": system_phantom,
    "fat-water-vials": fat_water_vials,
    "diffusion-vials": diffusion_vials,
    "flow-pipe": flow_pipe,
    "geometric-lattice": geometric_lattice,
    "thermometry-gel": thermometry_gel,
    "elastography": elastography_inclusions,
    "breast": breast,
    "knee": knee,
    "leg": leg,
    "lumbar_spine": lumbar_spine,
    "pelvis": pelvis,
    "whole-head": head,
    "heart": heart,
    "torso": torso,
    "whole-body": whole_body,
}


def make_body(name: str, parameters: Mapping[str, Any] | None = None) -> Body:
    """The body of a name, with its parameters (keywords of its function) where they differ from the usual.

    Errors: UsageError for an unknown name or parameter; what the body itself refuses.
    """
    if name not in BODIES:
        raise UsageError(f"phantom {name!r}: wanted one of {', '.join(BODIES)}.")
    known = inspect.signature(BODIES[name]).parameters
    for parameter in parameters or {}:
        if parameter not in known:
            raise UsageError(f"phantom {name!r}: no parameter {parameter!r}; it takes {', '.join(known) or 'none'}.")
        _check_kind(name, parameter, (parameters or {})[parameter], known[parameter].default)
    return BODIES[name](**dict(parameters or {}))


def _check_kind(name: str, parameter: str, value: Any, usual: Any) -> None:
    """A number, word or yes/no where the usual value is one. Errors: UsageError for another kind, NaN or infinity."""
    for kind, taken, what in (
        (bool, bool, "true or false"), (int, int, "a whole number"), (float, (int, float), "a number"), (str, str, "a word"),
    ):  # fmt: skip
        if type(usual) is kind:
            wrong = not isinstance(value, taken) or (isinstance(value, bool) and kind is not bool)
            if wrong or (isinstance(value, float) and not math.isfinite(value)):
                raise UsageError(f"phantom {name!r}, {parameter}: got {value!r}, wanted {what} such as {usual!r}.")
