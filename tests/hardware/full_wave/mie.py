"""A plane wave on a layered sphere, after Bohren and Huffman 1983, ch. 4 and 8, for exp(+i omega t); no part of the package."""

import numpy as np
from scipy.special import spherical_jn, spherical_yn

C0, MU0 = 299792458.0, 1.25663706127e-6
EPS0 = 1 / (MU0 * C0**2)


def _first(n, z):
    return z * spherical_jn(n, z), spherical_jn(n, z) + z * spherical_jn(n, z, True)


def _second(n, z):
    return z * spherical_yn(n, z), spherical_yn(n, z) + z * spherical_yn(n, z, True)


def _outgoing(n, z):
    return tuple(a - 1j * b for a, b in zip(_first(n, z), _second(n, z), strict=True))


def _coefficients(n, electric, radii, k):
    """Amplitudes (first, second kind) in each layer, and of the outgoing wave; unit incident wave."""
    layers = len(radii)
    matrix, right = np.zeros((2 * layers, 2 * layers), complex), np.zeros(2 * layers, complex)
    columns = [(0,)] + [(2 * i - 1, 2 * i) for i in range(1, layers)] + [(2 * layers - 1,)]
    for i, radius in enumerate(radii):
        for sign, layer in ((1, i), (-1, i + 1)):
            z = k[layer] * radius
            kinds = (_outgoing,) if layer == layers else (_first, _second)
            for kind, column in zip(kinds, columns[layer], strict=False):
                value, slope = kind(n, z)
                matrix[2 * i, column] += sign * (slope if electric else value) / k[layer]
                matrix[2 * i + 1, column] += sign * (value if electric else slope)
            if layer == layers:
                value, slope = _first(n, z)
                right[2 * i] += (slope if electric else value) / k[layer]
                right[2 * i + 1] += value if electric else slope
    found = np.linalg.solve(matrix, right)
    inside = [tuple(found[c] for c in cs) + (0,) * (2 - len(cs)) for cs in columns[:-1]]
    return inside, found[-1]


def mie_fields(points_m, radii_m, permittivities, frequency_Hz, degree=16):
    """E, B (3, p) at points within the sphere; E = x exp(-i k z) comes in."""
    x, y, z = (points_m + 1e-9).T
    r = np.sqrt(x**2 + y**2 + z**2)
    cosine, sine, azimuth = z / r, np.sqrt(x**2 + y**2) / r, np.arctan2(y, x)
    k0 = 2 * np.pi * frequency_Hz / C0
    index = np.sqrt(np.append(np.asarray(permittivities, complex), 1))
    k = np.where(index.imag > 0, -index, index) * k0
    here = np.minimum(np.searchsorted(radii_m, r), len(radii_m) - 1)
    wave = k[here]
    e, h = np.zeros((3, len(r)), complex), np.zeros((3, len(r)), complex)
    before, now = np.zeros_like(r), np.ones_like(r)
    cos, sin, rho = np.cos(azimuth), np.sin(azimuth), wave * r
    for n in range(1, degree + 1):
        slope = n * cosine * now - (n + 1) * before
        u, v = [], []
        for electric in (False, True):
            inside = np.array(_coefficients(n, electric, radii_m, k)[0])[here]
            one, two = _first(n, rho), _second(n, rho)
            # in the core only the first kind lives, and the second has no place at the centre
            second = inside[:, 1] != 0
            u.append(inside[:, 0] * one[0] + np.where(second, inside[:, 1] * two[0], 0))
            v.append(inside[:, 0] * one[1] + np.where(second, inside[:, 1] * two[1], 0))
        m_odd = [0 * rho, cos * now * u[0] / rho, -sin * slope * u[0] / rho]
        m_even = [0 * rho, -sin * now * u[1] / rho, -cos * slope * u[1] / rho]
        radial = n * (n + 1) * sine * now / rho**2
        n_even = [cos * radial * u[1], cos * slope * v[1] / rho, -sin * now * v[1] / rho]
        n_odd = [sin * radial * u[0], sin * slope * v[0] / rho, cos * now * v[0] / rho]
        size = (-1j) ** n * (2 * n + 1) / (n * (n + 1))
        e += size * (np.array(m_odd) + 1j * np.array(n_even))
        h += size * 1j * wave / (2 * np.pi * frequency_Hz * MU0) * (np.array(n_odd) + 1j * np.array(m_even))
        before, now = now, ((2 * n + 1) * cosine * now - (n + 1) * before) / n
    along = np.array([sine * cos, sine * sin, cosine])
    polar, around = np.array([cosine * cos, cosine * sin, -sine]), np.array([-sin, cos, 0 * cos])
    return tuple(f[0] * along + f[1] * polar + f[2] * around for f in (e, MU0 * h))


def absorbed_power_W(radius_m, permittivity, conductivity_S_per_m, frequency_Hz):
    """Of a homogeneous sphere: quadrature of sigma |E|^2 / 2."""
    radial, wr = np.polynomial.legendre.leggauss(24)
    polar, wp = np.polynomial.legendre.leggauss(14)
    azimuth = np.arange(8) * np.pi / 4 + 0.1
    r, c, p = np.meshgrid((radial + 1) / 2 * radius_m, polar, azimuth, indexing="ij")
    s = np.sqrt(1 - c**2)
    points = np.stack([r * s * np.cos(p), r * s * np.sin(p), r * c], -1).reshape(-1, 3)
    e, _ = mie_fields(points, [radius_m], [permittivity], frequency_Hz)
    weight = (wr[:, None, None] * radius_m / 2 * wp[:, None] * np.full(8, np.pi / 4) * r**2).ravel()
    return conductivity_S_per_m / 2 * (weight * (np.abs(e) ** 2).sum(axis=0)).sum()
