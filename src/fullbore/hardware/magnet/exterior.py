"""The field far outside: exterior moments for the first steps of a design, and the field on points with its slopes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.hardware.magnet.harmonics import legendre_slopes
from fullbore.hardware.magnet.loop import MU0, loop_field

_FEW, _FEW_WEIGHTS = np.polynomial.legendre.leggauss(3)
_MORE, _MORE_WEIGHTS = np.polynomial.legendre.leggauss(8)


def exterior_moments(sections: Float[np.ndarray, "n 5"], order: int) -> Float[np.ndarray, "k n"]:
    """Moments e_0 .. e_order of each thick solenoid: on the axis, Bz = sum of e_k / z^(k + 3) beyond all wires, T m^(k + 3).

    A loop of radius a at the polar angle alpha and the distance s has e_k = mu0/2 a^2 s^k P'_{k+1}(cos alpha): the
    generating function of P'. Source: Smythe, Static and Dynamic Electricity, 7.13.
    """
    radius, height, weight = _nodes(sections)
    moments = _loop_moments(radius.ravel(), height.ravel(), order).reshape(order + 1, *radius.shape)
    return np.asarray((moments * weight).sum(axis=-1))


def exterior_moment_slopes(sections: Float[np.ndarray, "n 5"], order: int) -> Float[np.ndarray, "k n 4"]:
    """Derivative of `exterior_moments` with respect to inner and outer radius, lower and upper end."""
    slopes = np.empty((order + 1, len(sections), 4))
    for edge, (radius, height, weight) in enumerate(edge_nodes(sections)):
        moments = _loop_moments(radius.ravel(), height.ravel(), order).reshape(order + 1, *radius.shape)
        slopes[..., edge] = (moments * weight).sum(axis=-1)
    return slopes


def distant_field(points_m: Float[np.ndarray, "p 2"], sections: Float[np.ndarray, "n 5"]) -> Float[np.ndarray, "p n 2"]:
    """(Br, Bz), T, of each section at points further off than a section is long; 3 by 8 loops stand for each."""
    return _summed(points_m, *_nodes(sections))


def distant_field_slopes(points_m: Float[np.ndarray, "p 2"], sections: Float[np.ndarray, "n 5"]) -> Float[np.ndarray, "p n 2 4"]:
    """Derivative of `distant_field`, T/m, with respect to inner and outer radius, lower and upper end."""
    return np.stack([_summed(points_m, *nodes) for nodes in edge_nodes(sections)], axis=-1)


def edge_nodes(
    sections: Float[np.ndarray, "n 5"],
) -> list[tuple[Float[np.ndarray, "n q"], Float[np.ndarray, "n q"], Float[np.ndarray, "n q"]]]:
    """Radii, heights and amperes per metre of displacement of loops that stand for the current an edge sweeps, edge by edge."""
    inner, outer, low, high, density = (column[:, None] for column in sections.T)
    height = (low + high) / 2 + (high - low) / 2 * _MORE
    along = _MORE_WEIGHTS * (high - low) / 2 * density
    radius = (inner + outer) / 2 + (outer - inner) / 2 * _FEW
    across = _FEW_WEIGHTS * (outer - inner) / 2 * density
    sheets = [(edge + 0 * height, height, sign * along) for edge, sign in ((inner, -1), (outer, 1))]
    discs = [(radius, edge + 0 * radius, sign * across) for edge, sign in ((low, -1), (high, 1))]
    return sheets + discs


def _nodes(
    sections: Float[np.ndarray, "n 5"],
) -> tuple[Float[np.ndarray, "n q"], Float[np.ndarray, "n q"], Float[np.ndarray, "n q"]]:
    inner, outer, low, high, density = (column[:, None, None] for column in sections.T)
    radius = (inner + outer) / 2 + (outer - inner) / 2 * _FEW[None, :, None]
    height = (low + high) / 2 + (high - low) / 2 * _MORE[None, None, :]
    amount = density * (outer - inner) * (high - low) / 4 * _FEW_WEIGHTS[None, :, None] * _MORE_WEIGHTS[None, None, :]
    flat = (len(sections), -1)
    return (radius + 0 * height).reshape(flat), (height + 0 * radius).reshape(flat), amount.reshape(flat)


def _summed(
    points_m: Float[np.ndarray, "p 2"],
    radius: Float[np.ndarray, "n q"],
    height: Float[np.ndarray, "n q"],
    amount: Float[np.ndarray, "n q"],
) -> Float[np.ndarray, "p n 2"]:
    fields = [loop_field(points_m, np.stack([r, z], axis=-1), a) for r, z, a in zip(radius, height, amount, strict=True)]
    return np.stack(fields, axis=1)


def _loop_moments(radius: Float[np.ndarray, " q"], height: Float[np.ndarray, " q"], order: int) -> Float[np.ndarray, "k q"]:
    distance = np.hypot(radius, height)
    return np.asarray(
        MU0 / 2 * radius**2 * legendre_slopes(height / distance, order + 1)[1:] * distance ** np.arange(order + 1)[:, None]
    )
