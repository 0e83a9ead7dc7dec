"""Test objects: things whose truth a maker or a formula states."""

from fullbore.phantom.objects.simple import WATER, cylinder_vials, sphere, uniform_box

__all__ = ["WATER", "cylinder_vials", "sphere", "uniform_box"]
