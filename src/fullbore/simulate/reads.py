"""Sums over read: from the lines' images, summed over slice and phase, to the samples of their readouts.

The image of a line has one component per pattern g_k[row, sample] = sum over q of g[k, row, q] w_q[sample]. Its sum over x at
every sample is two real products (points mirrored about their middle, k mirrored about theirs), and then
S[row, coil, j] += sum over k of g_k[row, j] R[line of row, k, coil, j]. Lines that are read once or have more components than
the sample patterns w_q are many are mixed first, so that w_q are all that is left to multiply.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Complex, Complex64, Float, Float32, Int

from fullbore.simulate.read_kernel import add_own, add_shared, fold_points, gather_lines, mix_coils, unfold_samples

PARTS = 8
VALUES_AT_ONCE = 1 << 18
SLOWER = 3.0
"""What one operation outside of a matrix product costs."""
SAME = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadSum:
    """Sum over points of f(x) exp(-2 pi i k (x - middle)), by unique |k|; `factor` makes it the sum about x = 0 with its gain.

    cosine, sine: (pair, unique). sign: of each sample's k. partner: of the samples after the first, which have one unique k each.
    """

    cosine: Float32[np.ndarray, "pair u"]
    sine: Float32[np.ndarray, "pair2 u"]
    sign: Float32[np.ndarray, " sample"]
    partner: Int[np.ndarray, " rest"]
    factor: Complex[np.ndarray, " sample"]

    @property
    def work(self) -> int:
        """Operations per image and coil."""
        return 8 * self.cosine.size

    def __call__(
        self, images: Complex64[np.ndarray, "image x value"]
    ) -> tuple[Float32[np.ndarray, "both sample"], Float32[np.ndarray, "both sample"]]:
        """Real and imaginary parts for every (image, value), without `factor`."""
        pairs = images.view(np.float32)
        even = np.empty((len(self.cosine), len(pairs) * pairs.shape[2]), np.float32)
        odd = np.empty((len(self.sine), even.shape[1]), np.float32)
        fold_points(pairs, even, odd)
        real = np.empty((even.shape[1] // 2, len(self.sign)), np.float32)
        imag = np.empty_like(real)
        unfold_samples(even.T @ self.cosine, odd.T @ self.sine, self.sign, self.partner, real, imag)
        return real, imag


def read_sum(
    k_per_m: Float[np.ndarray, " sample"], points_m: Float[np.ndarray, " x"], gain: Float[np.ndarray, " sample"]
) -> ReadSum:
    """points_m: evenly spaced, rising. gain: of each sample."""
    half = len(points_m) // 2
    middle = 0.5 * (points_m[0] + points_m[-1])
    distance = (points_m[::-1] - middle)[: len(points_m) - half]
    size = np.abs(k_per_m)
    label = np.round(size / max(float(size.max(initial=0.0)) * SAME, 1e-300))
    _, first, which = np.unique(label, return_index=True, return_inverse=True)
    if not np.array_equal(np.sort(first), np.arange(len(first))):  # mirrored k that do not come last: each for itself
        first = which = np.arange(len(k_per_m))
    place = np.argsort(np.argsort(first))[which]
    angle = 2 * np.pi * np.outer(distance, size[: len(first)])
    return ReadSum(
        cosine=np.cos(angle).astype(np.float32),
        sine=np.sin(angle[:half]).astype(np.float32),
        sign=np.where(k_per_m < 0, np.float32(-1), np.float32(1)),
        partner=place[len(first) :].astype(np.int64),
        factor=gain * np.exp(-2j * np.pi * k_per_m * middle),
    )


def sum_reads(
    lines: Complex64[np.ndarray, "line x k combination"],
    line: Int[np.ndarray, " row"],
    pattern: Complex[np.ndarray, "k row q"],
    sample: Complex[np.ndarray, "q sample"],
    read: ReadSum,
    mix: Complex64[np.ndarray, "coil combination"] | None,
    out: Complex64[np.ndarray, "n coil sample"],
    rows_out: Int[np.ndarray, " row"],
    pool: Executor,
) -> None:
    """Sum over x and components, added into out[rows_out], in the order that costs less. mix: coils from their combinations."""
    job = _Reads(
        lines=lines,
        weights=np.ascontiguousarray(np.moveaxis(pattern, 0, 1), np.complex64),
        sample=np.ascontiguousarray(sample * read.factor, np.complex64),
        read=read,
        mix=np.zeros((0, 0), np.complex64) if mix is None else mix,
        out=out.view(np.float32),
    )
    terms, patterns, size = len(pattern), len(sample), sample.shape[1]
    shared = lines.shape[0] * terms * read.work + SLOWER * 8 * len(line) * terms * size
    alone = len(line) * patterns * (read.work + SLOWER * 8 * (size + terms * lines.shape[1]))
    (job.sum_shared if shared < alone else job.sum_alone)(line, rows_out, pool)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Reads:
    """Lines and what their readouts take from them: weights of the sample patterns, `factor` among these. mix: may be empty."""

    lines: Complex64[np.ndarray, "line x k combination"]
    weights: Complex64[np.ndarray, "row k q"]
    sample: Complex64[np.ndarray, "q sample"]
    read: ReadSum
    mix: Complex64[np.ndarray, "c m"]
    out: Float32[np.ndarray, "n coil sample2"]

    def sum_shared(self, line: Int[np.ndarray, " row"], rows_out: Int[np.ndarray, " row"], pool: Executor) -> None:
        """Every line summed once, for all of its readouts; coils are mixed where there is less to mix."""
        order = np.argsort(line, kind="stable")
        starts = np.searchsorted(line[order], np.arange(len(self.lines) + 1))
        terms, samples = self.lines.shape[2], self.sample.shape[1]
        early = self.mix.size > 0 and len(self.lines) * terms < len(line)
        size = terms * (len(self.mix) if early else self.lines.shape[3])
        mix = self.mix[:0] if early else self.mix
        weights, rows = self.weights[order], rows_out[order]

        def sum_lines(own: range) -> None:
            for first, last in _chunks(own, size * samples):
                real, imag = self.read(self.lines[first:last].reshape(last - first, self.lines.shape[1], -1))
                if early:
                    real, imag = _mixed(real, imag, self.mix)
                for i in range(first, last):
                    part, image = slice(starts[i], starts[i + 1]), slice((i - first) * size, (i + 1 - first) * size)
                    add_shared(real[image], imag[image], weights[part], self.sample, mix, rows[part], self.out)

        list(pool.map(sum_lines, _parts(len(self.lines))))

    def sum_alone(self, line: Int[np.ndarray, " row"], rows_out: Int[np.ndarray, " row"], pool: Executor) -> None:
        """Every readout's own mix of its line's components, one image per sample pattern."""
        mixing = np.ascontiguousarray(self.weights.transpose(0, 2, 1))
        width, combinations, patterns = self.lines.shape[1], self.lines.shape[3], len(self.sample)

        def sum_rows(own: range) -> None:
            for first, last in _chunks(own, patterns * combinations * self.sample.shape[1]):
                images = np.empty((last - first, width, patterns, combinations), np.complex64)
                gather_lines(self.lines, line[first:last], mixing[first:last], images)
                real, imag = self.read(images.reshape(last - first, width, -1))
                add_own(real, imag, self.sample, self.mix, rows_out[first:last], self.out)

        list(pool.map(sum_rows, _parts(len(line))))


def _mixed(
    real: Float32[np.ndarray, "m sample"], imag: Float32[np.ndarray, "m sample"], mix: Complex64[np.ndarray, "coil combination"]
) -> tuple[Float32[np.ndarray, "n sample"], Float32[np.ndarray, "n sample"]]:
    """Image sums of every coil from those of the combinations."""
    coils, combinations = mix.shape
    images = len(real) // combinations
    result = np.empty((2, images * coils, real.shape[1]), np.float32)
    for i in range(images):
        held, target = slice(i * combinations, (i + 1) * combinations), slice(i * coils, (i + 1) * coils)
        mix_coils(real[held], imag[held], mix, result[0, target], result[1, target])
    return result[0], result[1]


def _parts(size: int) -> list[range]:
    edges = np.linspace(0, size, min(PARTS, size) + 1).astype(int).tolist()
    return [range(first, last) for first, last in pairwise(edges)]


def _chunks(own: range, values: int) -> list[tuple[int, int]]:
    """Few enough at once, `values` each, to stay near the processor."""
    step = int(np.clip(VALUES_AT_ONCE // values, 1, 16))
    return [(first, min(first + step, own.stop)) for first in range(own.start, own.stop, step)]
