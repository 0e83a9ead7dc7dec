"""Numba kernels over cells: how much of the object each class holds, and the cells' coefficients of every component."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def class_mass(fractions, density, scale, frequency, plane_wise, f0, fstep, b0, bstep, mass):  # type: ignore[no-untyped-def]
    """Add each cell's |fraction * density|^2 to the bins around its off-resonance and transmit scale.

    fractions: (tissue, z, y, x). density: (tissue,). scale, frequency: (z, y, x). mass: (tissue, plane, f, b).
    """
    nf, nb = mass.shape[2], mass.shape[3]
    for z in range(fractions.shape[1]):
        plane = z if plane_wise else 0
        for y in range(fractions.shape[2]):
            for x in range(fractions.shape[3]):
                found = False
                i = j = 0
                for t in range(fractions.shape[0]):
                    held = fractions[t, z, y, x] * density[t]
                    if abs(held) > 1e-5:
                        if not found:
                            i = min(max(int((frequency[z, y, x] - f0) / fstep + 0.5), 0), nf - 1)
                            j = min(max(int((scale[z, y, x] - b0) / bstep + 0.5), 0), nb - 1)
                            found = True
                        mass[t, plane, i, j] += held * held


@numba.njit(cache=True, nogil=True, fastmath=True)
def fill_cells(  # type: ignore[no-untyped-def]
    fractions, density, scale, phase, frequency, plane_wise, f0, fstep, b0, bstep, middle, table, planes, out
):
    """Coefficients of cells in z planes [planes[0], planes[1]): bilinear in (f, b), times density and the cells' own phase.

    table: (tissue, plane, f, b, k) complex64. out: (k, z, y, x) complex64.
    """
    nf, nb, terms = table.shape[2], table.shape[3], table.shape[4]
    total = np.empty(terms, np.complex64)
    for z in range(planes[0], planes[1]):
        plane = z if plane_wise else 0
        for y in range(fractions.shape[2]):
            for x in range(fractions.shape[3]):
                found = False
                i = j = 0
                u = v = np.float32(0)
                for t in range(fractions.shape[0]):
                    held = np.float32(fractions[t, z, y, x] * density[t])
                    if abs(held) <= 1e-5:
                        continue
                    if not found:
                        at = (frequency[z, y, x] - f0) / fstep
                        i = min(max(int(at), 0), max(nf - 2, 0))
                        u = np.float32(min(max(at - i, 0.0), 1.0)) if nf > 1 else np.float32(0)
                        at = (scale[z, y, x] - b0) / bstep
                        j = min(max(int(at), 0), max(nb - 2, 0))
                        v = np.float32(min(max(at - j, 0.0), 1.0)) if nb > 1 else np.float32(0)
                        total[:] = 0
                        found = True
                    i1, j1 = min(i + 1, nf - 1), min(j + 1, nb - 1)
                    w00, w01 = held * (1 - u) * (1 - v), held * (1 - u) * v
                    w10, w11 = held * u * (1 - v), held * u * v
                    for k in range(terms):
                        total[k] += (
                            w00 * table[t, plane, i, j, k]
                            + w01 * table[t, plane, i, j1, k]
                            + w10 * table[t, plane, i1, j, k]
                            + w11 * table[t, plane, i1, j1, k]
                        )
                if found:
                    angle = phase[z, y, x] - 2 * np.pi * frequency[z, y, x] * middle
                    turn = np.complex64(complex(np.cos(angle), np.sin(angle)))
                    for k in range(terms):
                        out[k, z, y, x] = total[k] * turn
                else:
                    for k in range(terms):
                        out[k, z, y, x] = 0
