"""Windings that the magnet's tests share."""

import numpy as np

# A thick coil, a thin one beside it and a shield: inner, outer radius, lower, upper end (m), A/m^2.
THREE = np.array([[0.5, 0.6, -0.3, 0.2, 1e8], [0.55, 0.6, 0.5, 0.7, 1e8], [1.0, 1.05, 0.1, 0.4, -1e8]])
# The same with its image below: symmetric about the middle plane.
SYMMETRIC = np.array([[0.5, 0.6, 0.3, 0.6, 1e8], [0.5, 0.6, -0.6, -0.3, 1e8], [0.9, 0.95, -0.2, 0.2, -5e7]])


def filaments(section: np.ndarray, count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Loops (radius, z) and currents that stand for a thick coil, by Gauss-Legendre."""
    inner, outer, low, high, density = section
    nodes, weights = np.polynomial.legendre.leggauss(count)
    radius, height = (inner + outer) / 2 + (outer - inner) / 2 * nodes, (low + high) / 2 + (high - low) / 2 * nodes
    r, z = np.meshgrid(radius, height, indexing="ij")
    amount = density * np.outer(weights, weights) * (outer - inner) * (high - low) / 4
    return np.column_stack([r.ravel(), z.ravel()]), amount.ravel()


def central_difference(function, values, step=1e-5):
    """Derivative of a function of the first section's edges, edge on the last axis."""
    columns = []
    for edge in range(4):
        above, below = values.copy(), values.copy()
        above[0, edge] += step
        below[0, edge] -= step
        columns.append((function(above) - function(below)) / (2 * step))
    return np.stack(columns, axis=-1)
