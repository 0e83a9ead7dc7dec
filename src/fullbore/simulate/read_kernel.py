"""Numba kernels around the sums over read: images folded about their middle, and samples from the folded sums.

Values lie as planes of real and imaginary parts here, samples last, so that every loop runs over samples side by side.
"""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def gather_lines(lines, line, weights, out):
    """out[i, x, q, coil] = sum over k of weights[i, q, k] lines[line[i], x, k, coil]."""
    width, terms, coils = lines.shape[1:]
    for i in range(line.shape[0]):
        for x in range(width):
            for q in range(weights.shape[1]):
                target = out[i, x, q]
                for c in range(coils):
                    target[c] = 0
                for k in range(terms):
                    w, source = weights[i, q, k], lines[line[i], x, k]
                    for c in range(coils):
                        target[c] += w * source[c]


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def fold_points(values, even, odd):
    """Of images (image, x, value): sums and differences (last less first) of points that mirror each other.

    even, odd: (pair, image * value), the outermost pair first; a middle point is alone in `even`.
    """
    images, points, size = values.shape
    for i in range(images):
        for pair in range(odd.shape[0]):
            first, last = values[i, pair], values[i, points - 1 - pair]
            up, down = even[pair, i * size : (i + 1) * size], odd[pair, i * size : (i + 1) * size]
            for j in range(size):
                up[j] = last[j] + first[j]
                down[j] = last[j] - first[j]
        if points % 2:
            even[points // 2, i * size : (i + 1) * size] = values[i, points // 2]


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def unfold_samples(cosine, sine, sign, partner, real, imag):
    """cosine - i sign * sine of images (2 * image, unique k), real and imaginary parts in turn, at every sample.

    The first samples have one unique k each, in order; sample j of the rest has that of sample partner[j - unique].
    """
    unique, samples = cosine.shape[1], real.shape[1]
    for i in range(real.shape[0]):
        cr, ci, sr, si = cosine[2 * i], cosine[2 * i + 1], sine[2 * i], sine[2 * i + 1]
        for j in range(unique):
            real[i, j] = cr[j] + sign[j] * si[j]
            imag[i, j] = ci[j] - sign[j] * sr[j]
        for j in range(unique, samples):
            u = partner[j - unique]
            real[i, j] = cr[u] + sign[j] * si[u]
            imag[i, j] = ci[u] - sign[j] * sr[u]


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def mix_patterns(weights, sample, real, imag):
    """Patterns (term, sample) of one readout: sum over q of weights[term, q] sample[q], in planes."""
    for m in range(weights.shape[0]):
        a, b = real[m], imag[m]
        for j in range(sample.shape[1]):
            a[j] = 0
            b[j] = 0
        for q in range(weights.shape[1]):
            w, own = weights[m, q], sample[q]
            x, y = w.real, w.imag
            for j in range(sample.shape[1]):
                a[j] += x * own[j].real - y * own[j].imag
                b[j] += x * own[j].imag + y * own[j].real


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _sum_terms(real, imag, first, step, pattern_re, pattern_im, sum_re, sum_im):
    """Of the image sums first, first + step, ...: each times its term's pattern, added up, in planes."""
    for m in range(pattern_re.shape[0]):
        a, b, p, q = real[first + m * step], imag[first + m * step], pattern_re[m], pattern_im[m]
        if m == 0:
            for j in range(sum_re.shape[0]):
                sum_re[j] = a[j] * p[j] - b[j] * q[j]
                sum_im[j] = a[j] * q[j] + b[j] * p[j]
        else:
            for j in range(sum_re.shape[0]):
                sum_re[j] += a[j] * p[j] - b[j] * q[j]
                sum_im[j] += a[j] * q[j] + b[j] * p[j]


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _add_planes(real, imag, out):
    for j in range(real.shape[0]):
        out[2 * j] += real[j]
        out[2 * j + 1] += imag[j]


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def mix_coils(real, imag, mix, mixed_re, mixed_im):
    """Coils (coil, sample) from their combinations (k, sample) by mix (coil, k), in planes."""
    for c in range(mix.shape[0]):
        a, b = mixed_re[c], mixed_im[c]
        for k in range(mix.shape[1]):
            u, v, x, y = real[k], imag[k], mix[c, k].real, mix[c, k].imag
            if k == 0:
                for j in range(a.shape[0]):
                    a[j] = x * u[j] - y * v[j]
                    b[j] = x * v[j] + y * u[j]
            else:
                for j in range(a.shape[0]):
                    a[j] += x * u[j] - y * v[j]
                    b[j] += x * v[j] + y * u[j]


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def _add_readout(real, imag, pattern_re, pattern_im, mix, sum_re, sum_im, mixed_re, mixed_im, out):
    """out[coil] += sum over terms of pattern[term] * image sums (term * combination, sample); out: complex as float pairs.

    mix: (coil, combination), empty where combinations are coils. sum_re ... mixed_im: room to work in.
    """
    combinations = sum_re.shape[0]
    for c in range(combinations):
        _sum_terms(real, imag, c, combinations, pattern_re, pattern_im, sum_re[c], sum_im[c])
        if mix.shape[0] == 0:
            _add_planes(sum_re[c], sum_im[c], out[c])
    for c in range(mix.shape[0]):
        mix_coils(sum_re, sum_im, mix[c : c + 1], mixed_re, mixed_im)
        _add_planes(mixed_re[0], mixed_im[0], out[c])


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def add_shared(real, imag, weights, sample, mix, rows, out):
    """Readouts `rows` of one image: out[rows[i]] += its sums under the patterns weights[i] (term, q) of sample (q, sample)."""
    terms, samples = weights.shape[1], sample.shape[1]
    pattern_re, pattern_im = np.empty((terms, samples), np.float32), np.empty((terms, samples), np.float32)
    sums = np.empty((2, real.shape[0] // terms, samples), np.float32)
    mixed = np.empty((2, 1, samples), np.float32)
    for i in range(rows.shape[0]):
        mix_patterns(weights[i], sample, pattern_re, pattern_im)
        _add_readout(real, imag, pattern_re, pattern_im, mix, sums[0], sums[1], mixed[0], mixed[1], out[rows[i]])


@numba.njit(cache=True, nogil=True, fastmath=True)
@no_type_check
def add_own(real, imag, sample, mix, rows, out):
    """Readouts with an image each, their own weights in it: out[rows[i]] += sum over q of image i's sums times sample[q]."""
    terms, samples = sample.shape
    size = real.shape[0] // rows.shape[0]
    pattern_re, pattern_im = np.empty((terms, samples), np.float32), np.empty((terms, samples), np.float32)
    sums = np.empty((2, size // terms, samples), np.float32)
    mixed = np.empty((2, 1, samples), np.float32)
    pattern_re[:] = sample.real
    pattern_im[:] = sample.imag
    for i in range(rows.shape[0]):
        a, b = real[i * size : (i + 1) * size], imag[i * size : (i + 1) * size]
        _add_readout(a, b, pattern_re, pattern_im, mix, sums[0], sums[1], mixed[0], mixed[1], out[rows[i]])
