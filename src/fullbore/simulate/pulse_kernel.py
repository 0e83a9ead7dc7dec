"""Numba kernel: what an RF pulse does to a spin, relaxation included, referred to the pulse's centre."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np

TERMS = 12
"""Columns of a propagator: p11, p12, p13, p31 (real, imaginary each), p33, recovery of M+ (real, imaginary), of Mz."""


LANES = 32
"""Spins that are stepped through a pulse side by side: a constant, and all they need in one array, so that compilers see it."""
_F, _SCALE, _E1, _E2, _OFFSET, _BEFORE, _AFTER = (LANES * row for row in range(12, 19))


@numba.njit(inline="always")
@no_type_check
def _turned(angle):
    """cos and sin of an angle, to 1e-13: Taylor of a quarter of it, within an eighth of a turn, doubled twice, no branches."""
    near = angle * (0.5 / np.pi)
    t = 0.5 * np.pi * (near - np.rint(near))
    u = t * t
    s = 1.0 + u * (-1 / 6 + u * (1 / 120 + u * (-1 / 5040 + u * (1 / 362880 + u * (-1 / 39916800 + u * (1 / 6227020800))))))
    v = -1 / 720 + u * (1 / 40320 + u * (-1 / 3628800 + u * (1 / 479001600 - u * (1 / 87178291200))))
    s, v = t * s, u * (0.5 - u * (1 / 24 + u * v))  # sine and 1 - cosine
    for _ in range(2):
        s, v = 2.0 * s * (1.0 - v), 2.0 * s * s
    return 1.0 - v, s


@numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
@no_type_check
def _step(w, wx, wy, dt):
    """Half of the relaxation, a turn for dt about the field (wx scale, wy scale, -2 pi f) rad/s, the other half.

    w: rows of `LANES` spins, one after the other: twelve of a real (3, 4) map, f, the scale, what half a step leaves of Mz - 1
    and of Mxy.
    """
    for n in range(LANES):
        scale, t1, t2 = w[_SCALE + n], w[_E1 + n], w[_E2 + n]
        x, y, z = wx * scale, wy * scale, -2 * np.pi * w[_F + n]
        rate = np.sqrt(x * x + y * y + z * z + 1e-200)
        q, s = _turned(0.5 * dt * rate)
        s /= rate
        x, y, z = x * s, y * s, z * s
        x2, y2, z2 = 2 * x, 2 * y, 2 * z
        r00, r01, r02 = 1 - y * y2 - z * z2, x * y2 - q * z2, x * z2 + q * y2
        r10, r11, r12 = x * y2 + q * z2, 1 - x * x2 - z * z2, y * z2 - q * x2
        r20, r21, r22 = x * z2 - q * y2, y * z2 + q * x2, 1 - x * x2 - y * y2
        for j in range(4):
            at = j * LANES + n
            a, b, d = t2 * w[at], t2 * w[4 * LANES + at], t1 * w[8 * LANES + at]
            if j == 3:
                d += 1.0 - t1
            w[at] = t2 * (r00 * a + r01 * b + r02 * d)
            w[4 * LANES + at] = t2 * (r10 * a + r11 * b + r12 * d)
            d = t1 * (r20 * a + r21 * b + r22 * d)
            if j == 3:
                d += 1.0 - t1
            w[8 * LANES + at] = d


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def to_centre(state, before, after, r1, r2, t_before, t_after, out):
    """Columns of a real (3, 4) map from start to end -> configuration terms from centre to centre."""
    g2a, g1a = np.exp(r2 * t_after), np.exp(r1 * t_after)
    g2b, g1b = np.exp(r2 * t_before), np.exp(r1 * t_before)
    turn_b, turn_a = complex(np.cos(before), np.sin(before)), complex(np.cos(after), np.sin(after))
    a = 0.5 * complex(state[0, 0] + state[1, 1], state[1, 0] - state[0, 1])
    b = 0.5 * complex(state[0, 0] - state[1, 1], state[1, 0] + state[0, 1])
    c = complex(state[0, 2], state[1, 2])
    d = 0.5 * complex(state[2, 0], -state[2, 1])
    p11 = a * turn_a * turn_b * (g2a * g2b)
    p12 = b * turn_a * turn_b.conjugate() * (g2a * g2b)
    p13 = c * turn_a * (g2a * g1b)
    p31 = d * turn_b * (g1a * g2b)
    flow = (complex(state[0, 3], state[1, 3]) + c * (1.0 - g1b)) * turn_a * g2a
    out[0], out[1], out[2], out[3] = p11.real, p11.imag, p12.real, p12.imag
    out[4], out[5], out[6], out[7] = p13.real, p13.imag, p31.real, p31.imag
    out[8] = state[2, 2] * g1a * g1b
    out[9], out[10] = flow.real, flow.imag
    out[11] = 1.0 - g1a + g1a * (state[2, 3] + state[2, 2] * (1.0 - g1b))


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def propagate(b1_rad_s, gradient, dt, centre, position, offset, scale, r1, r2, out):
    """Propagators of one pulse for many spins.

    b1_rad_s: (step,) complex gamma * b1 in the signal frame. gradient: (step, axis) Hz/m; position: (spin, axis) m.
    offset (Hz), scale, r1, r2: (spin,). out: (spin, TERMS).
    """
    steps, one = b1_rad_s.shape[0], np.empty((3, 4))
    w = np.zeros(19 * LANES)
    for first in range(0, position.shape[0], LANES):
        size = min(LANES, position.shape[0] - first)
        w[:] = 0.0
        for n in range(size):
            w[n] = w[5 * LANES + n] = w[10 * LANES + n] = 1.0
            w[_SCALE + n], w[_OFFSET + n] = scale[first + n], offset[first + n]
            w[_E1 + n], w[_E2 + n] = np.exp(-0.5 * dt * r1[first + n]), np.exp(-0.5 * dt * r2[first + n])
        for q in range(steps):
            for n in range(LANES):
                w[_F + n] = w[_OFFSET + n]
            for a in range(gradient.shape[1]):
                for n in range(size):
                    w[_F + n] += gradient[q, a] * position[first + n, a]
            early = 2 * np.pi * min(max(centre - q * dt, 0.0), dt)
            late = 2 * np.pi * dt - early
            for n in range(LANES):
                w[_BEFORE + n] += w[_F + n] * early
                w[_AFTER + n] += w[_F + n] * late
            _step(w, -b1_rad_s[q].real, -b1_rad_s[q].imag, dt)
        for n in range(size):
            for j in range(12):
                one[j // 4, j % 4] = w[j * LANES + n]
            own = first + n
            to_centre(one, w[_BEFORE + n], w[_AFTER + n], r1[own], r2[own], centre, steps * dt - centre, out[own])


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def spinors(b1_rad_s, dt, parts, offset, state):
    """Rotations of a pulse without relaxation, up to a common factor: U = prod (1 - i h . sigma), |h| = tan(angle / 2).

    b1_rad_s: (step,) complex gamma * b1; each step is turned through in `parts` equal ones, small enough that the tangent's
    first two terms do. offset: (n,) Hz. state: (4, n) real and imaginary parts of alpha and beta, first column of U; filled.
    """
    state[:] = 0.0
    state[0] = 1.0
    half = 0.5 * dt / parts
    for q in range(b1_rad_s.shape[0] * parts):
        b1 = b1_rad_s[q // parts]
        bx, by = -b1.real * half, -b1.imag * half
        for n in range(offset.shape[0]):
            bz = -2 * np.pi * offset[n] * half
            gain = 1.0 + (bx * bx + by * by + bz * bz) / 3.0
            x, y, z = bx * gain, by * gain, bz * gain
            a, b, c, d = state[0, n], state[1, n], state[2, n], state[3, n]
            state[0, n] = a + z * b + x * d - y * c
            state[1, n] = b - z * a - x * c - y * d
            state[2, n] = c - z * d + x * b + y * a
            state[3, n] = d + z * c - x * a + y * b
