"""Layered bodies to load a coil with: a head as a sphere, a trunk as a cylinder; conductivity and permittivity at 128 MHz."""

from __future__ import annotations

import numpy as np

from fullbore.hardware.rf.layers import Layer, LayeredBody
from fullbore.physics.tissues_head import BRAIN, FACE
from fullbore.physics.tissues_limb import LIMB

_TISSUES = {**BRAIN, **FACE, **LIMB}
# Outer radius (m), tissues that share the layer, density kg/m^3. Radii and densities are a choice: a head of 4.7 kg.
_HEAD = (
    (0.085, ("grey matter", "white matter"), 1040.0),
    (0.088, ("csf",), 1007.0),
    (0.095, ("cortical bone",), 1700.0),
    (0.100, ("skin",), 1110.0),
)
# Muscle within fat, 34 cm across: a choice.
_TRUNK = ((0.155, ("muscle",), 1090.0), (0.170, ("fat",), 911.0))


def head_sphere(frequency_Hz: float) -> LayeredBody:
    """Brain, cerebrospinal fluid, skull and skin: a sphere 20 cm across."""
    return _body(_HEAD, frequency_Hz)


def trunk_cylinder(frequency_Hz: float) -> LayeredBody:
    """Muscle in fat: 34 cm across, endless."""
    return _body(_TRUNK, frequency_Hz)


def _body(parts: tuple[tuple[float, tuple[str, ...], float], ...], frequency_Hz: float) -> LayeredBody:
    layers = []
    for radius, tissues, density in parts:
        conductivity, permittivity = np.mean([_TISSUES[name].electric or (0.0, 1.0) for name in tissues], axis=0)
        layers.append(
            Layer(
                outer_radius_m=radius,
                permittivity=float(permittivity),
                conductivity_S_per_m=float(conductivity),
                density_kg_per_m3=density,
            )
        )
    return LayeredBody(layers=tuple(layers), frequency_Hz=frequency_Hz)
