"""Numba kernel: what an RF pulse does to a spin, relaxation included, referred to the pulse's centre."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np

TERMS = 12
"""Columns of a propagator: p11, p12, p13, p31 (real, imaginary each), p33, recovery of M+ (real, imaginary), of Mz."""


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _turn(state, ox, oy, oz, dt):
    """Rotate the columns of the (3, 4) state about (ox, oy, oz) rad/s for dt."""
    rate = np.sqrt(ox * ox + oy * oy + oz * oz)
    if rate == 0.0:
        return
    x, y, z = ox / rate, oy / rate, oz / rate
    c, s = np.cos(rate * dt), np.sin(rate * dt)
    v = 1.0 - c
    for j in range(4):
        a, b, d = state[0, j], state[1, j], state[2, j]
        along = v * (x * a + y * b + z * d)
        state[0, j] = c * a + s * (y * d - z * b) + along * x
        state[1, j] = c * b + s * (z * a - x * d) + along * y
        state[2, j] = c * d + s * (x * b - y * a) + along * z


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _relax(state, e1, e2):
    for j in range(4):
        state[0, j] *= e2
        state[1, j] *= e2
        state[2, j] *= e1
    state[2, 3] += 1.0 - e1


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
    steps = b1_rad_s.shape[0]
    state = np.empty((3, 4))
    for n in range(position.shape[0]):
        state[:] = 0.0
        state[0, 0] = state[1, 1] = state[2, 2] = 1.0
        half1, half2 = np.exp(-0.5 * dt * r1[n]), np.exp(-0.5 * dt * r2[n])
        before = after = 0.0
        for q in range(steps):
            f = offset[n]
            for a in range(gradient.shape[1]):
                f += gradient[q, a] * position[n, a]
            early = min(max(centre - q * dt, 0.0), dt)
            before += 2 * np.pi * f * early
            after += 2 * np.pi * f * (dt - early)
            _relax(state, half1, half2)
            b1 = b1_rad_s[q] * scale[n]
            _turn(state, -b1.real, -b1.imag, -2 * np.pi * f, dt)
            _relax(state, half1, half2)
        to_centre(state, before, after, r1[n], r2[n], centre, steps * dt - centre, out[n])


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
