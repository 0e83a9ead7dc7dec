"""Numba kernels over cells: how much of the object each class holds, and the cells' signal spread along read."""

from __future__ import annotations

import numba
import numpy as np

EMPTY = 1e-5


@numba.njit(cache=True, nogil=True)
def class_mass(fractions, density, scale, frequency, plane_wise, f0, fstep, b0, bstep, mass):  # type: ignore[no-untyped-def]
    """Add each cell's |fraction * density|^2 to the bin nearest its off-resonance and transmit scale.

    fractions: (tissue, z, y, x). density: (tissue,). scale, frequency: (z, y, x). mass: (tissue, plane, f, b).
    """
    nf, nb = mass.shape[2], mass.shape[3]
    for z in range(fractions.shape[1]):
        plane = z if plane_wise else 0
        for y in range(fractions.shape[2]):
            for x in range(fractions.shape[3]):
                for t in range(fractions.shape[0]):
                    held = fractions[t, z, y, x] * density[t]
                    if abs(held) > EMPTY:
                        i = min(max(int((frequency[z, y, x] - f0) / fstep + 0.5), 0), nf - 1)
                        j = min(max(int((scale[z, y, x] - b0) / bstep + 0.5), 0), nb - 1)
                        mass[t, plane, i, j] += held * held


@numba.njit(cache=True, nogil=True, fastmath=True)
def _coefficient(fractions, density, z, y, x, plane, at_f, at_b, table, k):  # type: ignore[no-untyped-def]
    """Component k of one cell, bilinear in the table's bins; 0 for an empty cell."""
    nf, nb = table.shape[2], table.shape[3]
    i, j = min(max(int(at_f), 0), max(nf - 2, 0)), min(max(int(at_b), 0), max(nb - 2, 0))
    u, v = np.float32(min(max(at_f - i, 0.0), 1.0)), np.float32(min(max(at_b - j, 0.0), 1.0))
    i1, j1 = min(i + 1, nf - 1), min(j + 1, nb - 1)
    total = np.complex64(0)
    for t in range(fractions.shape[0]):
        held = np.float32(fractions[t, z, y, x] * density[t])
        if abs(held) > EMPTY:
            low = (1 - v) * table[t, plane, i, j, k] + v * table[t, plane, i, j1, k]
            high = (1 - v) * table[t, plane, i1, j, k] + v * table[t, plane, i1, j1, k]
            total += held * ((1 - u) * low + u * high)
    return total


@numba.njit(cache=True, nogil=True, fastmath=True)
def spread_cells(  # type: ignore[no-untyped-def]
    fractions, density, scale, phase, frequency, plane_wise, f0, fstep, b0, bstep, table, k,
    sensitivity, slice_turn, tau, k_centre, x0, xstep, x_per_Hz, grid, first_out, taps, rows, out,
):  # fmt: skip
    """Component k of all cells in y rows [rows[0], rows[1]), times sensitivity, spread on the grid along read.

    sensitivity: (z, y, x, coil). slice_turn: complex (z,) factor; a plane goes to out[z], or out[0] when out has one plane.
    Cell x is at x0 + x * xstep; off-resonance f moves it by f * x_per_Hz and turns it by -2 pi (f tau + k_centre x).
    grid: step of out's x, whose first point is first_out * grid. taps: (bin, width) spreading weights for fractions of a cell.
    out: float32 (z or 1, y, x, coil, 2), added to.
    """
    bins, width = taps.shape[0] - 1, taps.shape[1]
    coils, span = sensitivity.shape[3], out.shape[2]
    value = np.empty((coils, 2), np.float32)
    for z in range(fractions.shape[1]):
        plane = z if plane_wise else 0
        to = z if out.shape[0] > 1 else 0
        for y in range(rows[0], rows[1]):
            for x in range(fractions.shape[3]):
                f = frequency[z, y, x]
                c = _coefficient(
                    fractions, density, z, y, x, plane, (f - f0) / fstep, (scale[z, y, x] - b0) / bstep, table, k
                )  # fmt: skip
                if c == 0:
                    continue
                where = (x0 + x * xstep + f * x_per_Hz) / grid - first_out
                left = int(np.floor(where)) - width // 2 + 1
                if left + width <= 0 or left >= span:
                    continue
                angle = phase[z, y, x] - 2 * np.pi * (f * tau + k_centre * (x0 + x * xstep))
                c = np.complex64(c * complex(np.cos(angle), np.sin(angle)) * slice_turn[z])
                for j in range(coils):
                    s = sensitivity[z, y, x, j]
                    value[j, 0] = c.real * s.real - c.imag * s.imag
                    value[j, 1] = c.real * s.imag + c.imag * s.real
                at = (where - np.floor(where)) * bins
                b = int(at)
                r = np.float32(at - b)
                for i in range(max(0, -left), min(width, span - left)):
                    w = taps[b, i] + r * (taps[min(b + 1, bins), i] - taps[b, i])
                    target = out[to, y, left + i]
                    for j in range(coils):
                        target[j, 0] += w * value[j, 0]
                        target[j, 1] += w * value[j, 1]
