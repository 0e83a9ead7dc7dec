"""Numba kernels over cells: how much of the object each class holds, and the cells' signal spread along read."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np

EMPTY = 3e-6


@numba.njit(cache=True, nogil=True)
@no_type_check
def class_mass(fractions, density, scale, frequency, plane_wise, f0, fstep, b0, bstep, mass):
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


@numba.njit(cache=True, nogil=True)
@no_type_check
def count_cells(fractions, density, counts):
    """counts (y, 2): occupied cells and their tissues in each y row."""
    counts[:] = 0
    for z in range(fractions.shape[1]):
        for y in range(fractions.shape[2]):
            for x in range(fractions.shape[3]):
                held = 0
                for t in range(fractions.shape[0]):
                    held += abs(fractions[t, z, y, x] * density[t]) > EMPTY
                counts[y, 0] += held > 0
                counts[y, 1] += held


@numba.njit(cache=True, nogil=True)
@no_type_check
def list_cells(
    fractions, density, scale, phase, frequency, plane_wise, f0, fstep, nf, b0, bstep, nb,
    slice_turn, tau, k_centre, x0, xstep, x_per_Hz, grid, first_out, starts, cell, where, turn, entry, corner, weight,
):  # fmt: skip
    """Occupied cells in order of y, and the table bins that each of their tissues looks up.

    starts (y + 1, 2): first cell and first entry of each row. cell (n, 3): z, y, x. where (n,): place on the output grid,
    whose step is `grid` and whose first point is first_out * grid, after off-resonance f has moved it by f * x_per_Hz.
    turn (n,): exp(i (b1 phase - 2 pi (f tau + k_centre x))) * slice_turn[z]. entry (n + 1,): first entry of each cell.
    corner (m,): flat index of (tissue, plane, f, b). weight (m, 3): held fraction, parts of a bin in f and b.
    """
    planes = fractions.shape[1] if plane_wise else 1
    for y in range(fractions.shape[2]):
        n, m = starts[y, 0], starts[y, 1]
        for z in range(fractions.shape[1]):
            plane = z if plane_wise else 0
            for x in range(fractions.shape[3]):
                before = m
                f = frequency[z, y, x]
                at_f = min(max((f - f0) / fstep, 0.0), nf - 1.0)
                at_b = min(max((scale[z, y, x] - b0) / bstep, 0.0), nb - 1.0)
                i, j = min(int(at_f), nf - 2), min(int(at_b), nb - 2)
                for t in range(fractions.shape[0]):
                    held = fractions[t, z, y, x] * density[t]
                    if abs(held) > EMPTY:
                        corner[m] = ((t * planes + plane) * nf + i) * nb + j
                        weight[m, 0], weight[m, 1], weight[m, 2] = held, at_f - i, at_b - j
                        m += 1
                if m > before:
                    position = x0 + x * xstep
                    angle = phase[z, y, x] - 2 * np.pi * (f * tau + k_centre * position)
                    cell[n, 0], cell[n, 1], cell[n, 2] = z, y, x
                    where[n] = (position + f * x_per_Hz) / grid - first_out
                    turn[n] = complex(np.cos(angle), np.sin(angle)) * slice_turn[z]
                    entry[n] = before
                    n += 1
                    entry[n] = m


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _looked_up(n, entry, corner, weight, nb, table):
    """One component of cell n: each of its tissues' fraction times the table, linear between bins."""
    one, c = np.float32(1), np.complex64(0)
    for m in range(entry[n], entry[n + 1]):
        q, u, v = corner[m], weight[m, 1], weight[m, 2]
        low = (one - v) * table[q] + v * table[q + 1]
        high = (one - v) * table[q + nb] + v * table[q + nb + 1]
        c += weight[m, 0] * ((one - u) * low + u * high)
    return c


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def place_cells(cell, turn, entry, corner, weight, nb, table, sensitivity, first, last, apart, out):
    """One component of cells [first, last), times sensitivity, put where they are; arguments as in `spread_cells`."""
    for n in range(first, last):
        c = _looked_up(n, entry, corner, weight, nb, table) * turn[n]
        z, y, x = cell[n]
        s, target = sensitivity[z, y, x], out[cell[n, apart], x]
        for j in range(0, s.shape[0], 2):
            target[j] += c.real * s[j] - c.imag * s[j + 1]
            target[j + 1] += c.real * s[j + 1] + c.imag * s[j]


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def spread_cells(cell, where, turn, entry, corner, weight, nb, table, sensitivity, taps, first, last, apart, out):
    """One component of cells [first, last), times sensitivity, spread on the grid along read.

    table: flat complex64 over (tissue, plane, f, b). sensitivity: float32 (z, y, x, 2 coils), real and imaginary parts.
    taps: (bin, width). out: float32 (z, x, 2 coils), added to, or (y, x, 2 coils), where what is kept `apart` is 1 and not 0.
    """
    bins, width = taps.shape[0] - 1, taps.shape[1]
    pairs, span = sensitivity.shape[3], out.shape[1]
    value = np.empty(pairs, np.float32)
    for n in range(first, last):
        left = int(np.floor(where[n])) - width // 2 + 1
        if left + width <= 0 or left >= span:
            continue
        c = _looked_up(n, entry, corner, weight, nb, table) * turn[n]
        z, y = cell[n, 0], cell[n, 1]
        s = sensitivity[z, y, cell[n, 2]]
        for j in range(0, pairs, 2):
            value[j] = c.real * s[j] - c.imag * s[j + 1]
            value[j + 1] = c.real * s[j + 1] + c.imag * s[j]
        at = (where[n] - np.floor(where[n])) * bins
        b = int(at)
        r = np.float32(at - b)
        line = out[cell[n, apart]]
        for i in range(max(0, -left), min(width, span - left)):
            w = taps[b, i] + r * (taps[min(b + 1, bins), i] - taps[b, i])
            target = line[left + i]
            for j in range(pairs):
                target[j] += w * value[j]


@numba.njit(cache=True, nogil=True, parallel=True)
@no_type_check
def turn_rows(samples, phase_rad, rows):
    """samples (row, coil, sample) of the given rows times exp(i phase (row, sample or 1)), in place."""
    step = 0 if phase_rad.shape[1] == 1 else 1
    for i in numba.prange(rows.shape[0]):
        row = rows[i]
        turn = np.exp(1j * phase_rad[row]).astype(np.complex64)
        for coil in range(samples.shape[1]):
            for j in range(samples.shape[2]):
                samples[row, coil, j] *= turn[j * step]
