"""Numba: singular value shrinkage of many small matrices, each from first to last in the cache.

Of each matrix only the singular vectors above the threshold are wanted, which are few. So the Gram matrix of its shorter
side is made tridiagonal by reflections and solved by implicit QL steps, the vectors in question alone are turned back, and the
matrix is projected onto them. Complex numbers are two arrays of real ones.
Source: Golub and Van Loan, Matrix Computations, 4th ed., sections 8.3 and 5.1 (complex reflections).
"""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float, Int

_STEPS = 60
# Numbers that a loop takes at a time: rows of this length leave no rest.
_WIDE = 32
# What may be reordered without losing sight of numbers that are not finite.
_LOOSE = {"reassoc", "contract", "arcp", "nsz"}


@numba.njit(cache=True, nogil=True, fastmath=_LOOSE)
@no_type_check
def shrink_placed(images: Float[np.ndarray, "frame n 2"], places: Int[np.ndarray, "count voxel"], threshold: float) -> None:
    """Singular values of every block's matrix (frame, voxel) lowered by `threshold`, to zero at the least, in place."""
    frames, voxels = images.shape[0], places.shape[1]
    n, m = min(frames, voxels), max(frames, voxels)
    upright = frames <= voxels
    re, im = np.empty((n, m), images.dtype), np.empty((n, m), images.dtype)
    projected_re, projected_im = np.empty((n, m), images.dtype), np.empty((n, m), images.dtype)
    for b in range(places.shape[0]):
        for f in range(frames):
            for v in range(voxels):
                row, column = (f, v) if upright else (v, f)
                re[row, column] = images[f, places[b, v], 0]
                im[row, column] = images[f, places[b, v], 1]
        _shrink(re, im, threshold, projected_re, projected_im)
        for f in range(frames):
            for v in range(voxels):
                row, column = (f, v) if upright else (v, f)
                images[f, places[b, v], 0] = re[row, column]
                images[f, places[b, v], 1] = im[row, column]


@numba.njit(cache=True, nogil=True, fastmath=_LOOSE)
@no_type_check
def _shrink(re, im, threshold, projected_re, projected_im):
    n = re.shape[0]
    gram_re, gram_im = _gram(re, im)
    trace = 0.0
    for k in range(n):
        trace += gram_re[k, k]
    if not trace < np.inf:
        re[:], im[:] = np.nan, np.nan
        return
    # No singular value is above the root of the sum of their squares.
    if trace <= threshold * threshold:
        re[:], im[:] = 0, 0
        return
    wide = gram_re.shape[1]
    mirror_re, mirror_im = np.zeros((n, wide), re.dtype), np.zeros((n, wide), re.dtype)
    diagonal, below_re, below_im, factor = _tridiagonal(gram_re, gram_im, mirror_re, mirror_im)
    below = np.zeros(n, np.float64)
    for k in range(n - 1):
        below[k] = np.sqrt(below_re[k] * below_re[k] + below_im[k] * below_im[k])
    vectors = np.zeros((n, wide), re.dtype)
    for k in range(n):
        vectors[k, k] = 1
    _diagonalise(diagonal, below, vectors, 0.1 * np.finfo(re.dtype).eps * trace)
    kept = 0
    turned_re, turned_im, weight = np.zeros((n, wide), re.dtype), np.zeros((n, wide), re.dtype), np.empty(n, re.dtype)
    for k in range(n):
        if diagonal[k] > threshold * threshold:
            weight[kept] = 1 - threshold / np.sqrt(diagonal[k])
            _turned_back(vectors[k], below_re, below_im, mirror_re, mirror_im, factor, turned_re[kept], turned_im[kept])
            kept += 1
    _project(re, im, turned_re[:kept], turned_im[:kept], weight, projected_re, projected_im)


@numba.njit(cache=True, nogil=True, fastmath=_LOOSE)
@no_type_check
def _gram(re, im):
    """X X^H, its rows filled up with zeros to whole registers."""
    n, m = re.shape
    wide = -(-n // _WIDE) * _WIDE
    gram_re, gram_im = np.zeros((n, wide), re.dtype), np.zeros((n, wide), re.dtype)
    for i in range(n):
        for j in range(i + 1):
            real, imaginary = re.dtype.type(0), re.dtype.type(0)
            for v in range(m):
                real += re[i, v] * re[j, v] + im[i, v] * im[j, v]
                imaginary += im[i, v] * re[j, v] - re[i, v] * im[j, v]
            gram_re[i, j] = gram_re[j, i] = real
            gram_im[i, j] = imaginary
            gram_im[j, i] = -imaginary
        gram_im[i, i] = 0
    return gram_re, gram_im


@numba.njit(cache=True, nogil=True, fastmath=_LOOSE)
@no_type_check
def _tridiagonal(re, im, mirror_re, mirror_im):
    """Diagonal, complex line below it, and factors of the reflections I - factor u u^H, whose u are the rows of `mirror`."""
    n = re.shape[0]
    below_re, below_im, factor = np.zeros(n, re.dtype), np.zeros(n, re.dtype), np.zeros(n, re.dtype)
    product_re, product_im = np.empty(re.shape[1], re.dtype), np.empty(re.shape[1], re.dtype)
    for k in range(n - 1):
        # Row k is the conjugate of the column that is cleared.
        u, v = mirror_re[k], mirror_im[k]
        square = re.dtype.type(0)
        for j in range(k + 1, n):
            u[j], v[j] = re[k, j], -im[k, j]
            square += u[j] * u[j] + v[j] * v[j]
        first = np.sqrt(u[k + 1] * u[k + 1] + v[k + 1] * v[k + 1])
        below_re[k], below_im[k] = u[k + 1], v[k + 1]
        if k == n - 2 or not square - first * first > 0:
            continue
        size = np.sqrt(square)
        cosine, sine = (u[k + 1] / first, v[k + 1] / first) if first > 0 else (re.dtype.type(1), re.dtype.type(0))
        below_re[k], below_im[k] = -cosine * size, -sine * size
        u[k + 1] += cosine * size
        v[k + 1] += sine * size
        factor[k] = 1 / (size * (size + first))
        _reflect_both_sides(re, im, k, u, v, factor[k], product_re, product_im)
    diagonal = np.empty(n, np.float64)
    for k in range(n):
        diagonal[k] = re[k, k]
    return diagonal, below_re, below_im, factor


@numba.njit(cache=True, nogil=True, fastmath=_LOOSE)
@no_type_check
def _reflect_both_sides(re, im, k, u, v, factor, p, q):
    """A - u w^H - w u^H on what is left, with w = p + iq = factor A u - (factor^2 u^H A u / 2) u."""
    n, wide = re.shape
    p[:], q[:] = 0, 0
    for i in range(k + 1, n):
        a, b = factor * u[i], factor * v[i]
        for j in range(wide):
            # Column i of a Hermitian matrix is the conjugate of its row i.
            p[j] += re[i, j] * a + im[i, j] * b
            q[j] += re[i, j] * b - im[i, j] * a
    p[: k + 1], q[: k + 1] = 0, 0
    along = re.dtype.type(0)
    for j in range(wide):
        along += u[j] * p[j] + v[j] * q[j]
    along *= factor / 2
    for j in range(wide):
        p[j] -= along * u[j]
        q[j] -= along * v[j]
    for i in range(k + 1, n):
        a, b, c, d = u[i], v[i], p[i], q[i]
        for j in range(wide):
            re[i, j] -= a * p[j] + b * q[j] + c * u[j] + d * v[j]
            im[i, j] -= b * p[j] - a * q[j] + d * u[j] - c * v[j]


@numba.njit(cache=True, nogil=True, fastmath=_LOOSE)
@no_type_check
def _diagonalise(diagonal, below, vectors, negligible):
    """Eigenvalues into `diagonal` and eigenvectors into rows of `vectors`, of a real tridiagonal matrix."""
    n = diagonal.size
    for first in range(n):
        for _ in range(_STEPS):
            last = first
            while last < n - 1 and abs(below[last]) > negligible:
                last += 1
            if last == first:
                break
            _implicit_step(diagonal, below, vectors, first, last)


@numba.njit(cache=True, nogil=True, fastmath=_LOOSE)
@no_type_check
def _implicit_step(diagonal, below, vectors, first, last):
    shift = (diagonal[first + 1] - diagonal[first]) / (2 * below[first])
    root = np.sqrt(shift * shift + 1)
    g = diagonal[last] - diagonal[first] + below[first] / (shift + (root if shift >= 0 else -root))
    sine, cosine, p = 1.0, 1.0, 0.0
    for i in range(last - 1, first - 1, -1):
        f, b = sine * below[i], cosine * below[i]
        root = np.sqrt(f * f + g * g)
        below[i + 1] = root
        if root == 0:
            diagonal[i + 1] -= p
            below[last] = 0
            return
        sine, cosine = f / root, g / root
        g = diagonal[i + 1] - p
        root = (diagonal[i] - g) * sine + 2 * cosine * b
        p = sine * root
        diagonal[i + 1] = g + p
        g = cosine * root - b
        c, s = vectors.dtype.type(cosine), vectors.dtype.type(sine)
        low, high = vectors[i], vectors[i + 1]
        for k in range(low.size):
            one, other = low[k], high[k]
            high[k] = s * one + c * other
            low[k] = c * one - s * other
    diagonal[first] -= p
    below[first] = g
    below[last] = 0


@numba.njit(cache=True, nogil=True, fastmath=_LOOSE)
@no_type_check
def _turned_back(vector, below_re, below_im, u, v, factor, re, im):
    """From an eigenvector of the real tridiagonal matrix to one of the Gram matrix: phases, then reflections, last one first."""
    n, wide = factor.size, vector.size
    a, b = vector.dtype.type(1), vector.dtype.type(0)
    for k in range(n):
        re[k], im[k] = vector[k] * a, vector[k] * b
        size = np.sqrt(below_re[k] * below_re[k] + below_im[k] * below_im[k])
        if size > 0:
            c, s = below_re[k] / size, below_im[k] / size
            a, b = a * c - b * s, a * s + b * c
    for k in range(n - 3, -1, -1):
        if factor[k] == 0:
            continue
        real, imaginary = vector.dtype.type(0), vector.dtype.type(0)
        for j in range(wide):
            real += u[k, j] * re[j] + v[k, j] * im[j]
            imaginary += u[k, j] * im[j] - v[k, j] * re[j]
        real *= factor[k]
        imaginary *= factor[k]
        for j in range(wide):
            re[j] -= u[k, j] * real - v[k, j] * imaginary
            im[j] -= u[k, j] * imaginary + v[k, j] * real


@numba.njit(cache=True, nogil=True, fastmath=_LOOSE)
@no_type_check
def _project(re, im, vector_re, vector_im, weight, part_re, part_im):
    """sum_k weight_k v_k (v_k^H X), in place of X."""
    kept, n = vector_re.shape[0], re.shape[0]
    for k in range(kept):
        part_re[k], part_im[k] = 0, 0
        for f in range(n):
            a, b = vector_re[k, f] * weight[k], vector_im[k, f] * weight[k]
            for v in range(re.shape[1]):
                part_re[k, v] += a * re[f, v] + b * im[f, v]
                part_im[k, v] += a * im[f, v] - b * re[f, v]
    re[:], im[:] = 0, 0
    for f in range(n):
        for k in range(kept):
            a, b = vector_re[k, f], vector_im[k, f]
            for v in range(re.shape[1]):
                re[f, v] += a * part_re[k, v] - b * part_im[k, v]
                im[f, v] += a * part_im[k, v] + b * part_re[k, v]
