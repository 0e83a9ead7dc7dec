"""Spheres as cubes, and the waves that fall on them."""

import numpy as np

from fullbore.data import Grid
from fullbore.hardware.full_wave import VoxelBody, body_fields

C0, MU0 = 299792458.0, 1.25663706127e-6
EPS0 = 1 / (MU0 * C0**2)
LARMOR_Hz = 127.73e6


def sphere_body(spacing_m, layers, air=0):
    """Concentric layers (radius, permittivity, conductivity) from inside out; each voxel is what its centre lies in."""
    count = int(np.ceil(2 * layers[-1][0] / spacing_m)) + 2 * air
    grid = Grid(shape=(count,) * 3, affine_m=_affine(spacing_m, count))
    radius = np.linalg.norm(grid.points_m(), axis=-1)
    permittivity, conductivity = np.ones(grid.shape), np.zeros(grid.shape)
    for outer, eps, sigma in reversed(layers):
        permittivity[radius < outer], conductivity[radius < outer] = eps, sigma
    density = np.where(permittivity != 1, 1000.0, 0.0)
    return VoxelBody(permittivity=permittivity, conductivity=conductivity, density=density, grid=grid)


def _affine(spacing_m, count):
    affine = np.diag([spacing_m] * 3 + [1.0])
    affine[:3, 3] = -(count - 1) / 2 * spacing_m
    return affine


def plane_wave(body, frequency_Hz):
    """E = x exp(-i k z)."""
    k = 2 * np.pi * frequency_Hz / C0
    edges, points = body.edge_points_m(), body.grid.points_m()
    electric, magnetic = np.zeros((1, *edges.shape[:4]), complex), np.zeros((1, 3, *body.grid.shape), complex)
    electric[0, 0] = np.exp(-1j * k * edges[0, ..., 2])
    magnetic[0, 1] = np.exp(-1j * k * points[..., 2]) / C0
    return electric, magnetic


def scattered_wave(body, frequency_Hz=LARMOR_Hz, tolerance=1e-4, **options):
    return body_fields(body, *plane_wave(body, frequency_Hz), frequency_Hz, tolerance=tolerance, **options)


def complex_permittivity(eps, sigma, frequency_Hz=LARMOR_Hz):
    return eps - 1j * sigma / (2 * np.pi * frequency_Hz * EPS0)
