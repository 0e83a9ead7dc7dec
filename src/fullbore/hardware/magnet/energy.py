"""Stored energy and inductance from the vector potential."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.hardware.magnet.exterior import edge_nodes
from fullbore.hardware.magnet.solenoid import solenoid_potential

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)


def energy_matrix_J(sections: Float[np.ndarray, "n 5"]) -> Float[np.ndarray, "n n"]:
    """Integrals of A_j . J_i over section i, J: symmetric; half their sum is the stored energy.

    With N turns at I amperes the mutual inductance is this over I_i I_j. Error: 1e-6 (eight by eight nodes a section).
    """
    points, volumes = _section_nodes(sections)
    matrix = np.empty((len(sections),) * 2)
    for j, section in enumerate(sections):
        potential = solenoid_potential(points.reshape(-1, 2), section[None]).reshape(volumes.shape)
        matrix[:, j] = (potential * volumes).sum(axis=1)
    return matrix


def stored_energy_J(sections: Float[np.ndarray, "n 5"], over: Float[np.ndarray, "m 5"] | None = None) -> float:
    """Half the integral of A . J over all windings, or over those given: half of a symmetric magnet holds half."""
    points, volumes = _section_nodes(sections if over is None else over)
    return float(solenoid_potential(points.reshape(-1, 2), sections) @ volumes.ravel() / 2)


def stored_energy_slopes(
    sections: Float[np.ndarray, "n 5"], chosen: Float[np.ndarray, "m 5"] | None = None
) -> Float[np.ndarray, "m 4"]:
    """Derivative of all sections' energy, J/m, with respect to inner and outer radius, lower and upper end of the chosen (all).

    At fixed current density dW = integral of A . dJ (reciprocity), over the current that the edge sweeps.
    """
    chosen = sections if chosen is None else chosen
    slopes = np.empty((len(chosen), 4))
    for edge, (radius, height, amount) in enumerate(edge_nodes(chosen)):
        points = np.stack([radius, height], axis=-1)
        potential = solenoid_potential(points.reshape(-1, 2), sections).reshape(radius.shape)
        slopes[:, edge] = (potential * 2 * np.pi * radius * amount).sum(axis=1)
    return slopes


def inductance_matrix_H(sections: Float[np.ndarray, "n 5"], turns: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n n"]:
    """Self and mutual inductances of coils of so many (signed) turns, H."""
    area = (sections[:, 1] - sections[:, 0]) * (sections[:, 3] - sections[:, 2])
    per_ampere = sections.copy()
    per_ampere[:, 4] = turns / area
    return energy_matrix_J(per_ampere)


def _section_nodes(sections: Float[np.ndarray, "n 5"]) -> tuple[Float[np.ndarray, "n q 2"], Float[np.ndarray, "n q"]]:
    """Points (r, z), and 2 pi r J dr dz at each."""
    inner, outer, low, high, density = (column[:, None, None] for column in sections.T)
    radius = (inner + outer) / 2 + (outer - inner) / 2 * _NODES[None, :, None] + 0 * _NODES
    height = (low + high) / 2 + (high - low) / 2 * _NODES + 0 * radius
    cell = (outer - inner) * (high - low) / 4 * _WEIGHTS[:, None] * _WEIGHTS
    points = np.stack([radius, height], axis=-1).reshape(len(sections), -1, 2)
    return points, (2 * np.pi * radius * density * cell).reshape(len(sections), -1)
