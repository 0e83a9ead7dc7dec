"""Which line is which, for raw data whose counters only number the readouts (Pulseq sequences without labels).

Nothing in such a file says the order of phase encoding or how many echoes there are; it is read off the data: k-space is
strongest at its centre, and neighbouring lines resemble each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MOST_ECHOES = 16
FEWEST_LINES = 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LineOrder:
    """line, contrast: (row,), k = 0 at lines // 2. reverse: rows read backwards. sentence: what was found."""

    line: np.ndarray
    contrast: np.ndarray
    reverse: np.ndarray
    lines: int
    sentence: str


def infer_order(samples: np.ndarray) -> LineOrder:
    """The most likely phase-encoding order of `samples` (row, coil, sample) in the order they were acquired."""
    rows = len(samples)
    energy = np.linalg.norm(samples.reshape(rows, -1), axis=1).astype(np.float64) + np.finfo(np.float32).tiny
    echoes, interleaved = _echoes(samples, energy)
    lines = rows // echoes
    index = np.arange(rows)
    contrast, place = (index % echoes, index // echoes) if interleaved else (index // lines, index % lines)
    profile = np.zeros(lines)
    np.add.at(profile, place, energy)
    centre_out = int(np.argmax(profile)) < lines // 8
    line = _centre_out(lines)[place] if centre_out else place
    reverse = _reversed_rows(samples) if echoes == 1 and not centre_out else np.zeros(rows, dtype=bool)
    order = "from the centre out" if centre_out else "rising"
    told = f"{lines} lines {order}"
    if echoes > 1:
        told = f"{told}, {echoes} echoes {'line by line' if interleaved else 'one after the other'}"
    told = f"{told}, every second line reversed (expect an N/2 ghost: it is not corrected)" if reverse.any() else told
    return LineOrder(line=line, contrast=contrast, reverse=reverse, lines=lines, sentence=f"line order inferred: {told}")


def _centre_out(lines: int) -> np.ndarray:
    """Indices 0, -1, 1, -2, 2 ... from the centre lines // 2."""
    count = np.arange(lines)
    signed = np.where(count % 2 == 1, -(count + 1) // 2, count // 2)
    return np.asarray((lines // 2 + signed) % lines)


def _echoes(samples: np.ndarray, energy: np.ndarray) -> tuple[int, bool]:
    """Number of echoes, and whether they follow each other line by line."""
    rows = len(samples)
    counts = [n for n in range(MOST_ECHOES, 1, -1) if rows % n == 0 and rows // n >= FEWEST_LINES]
    for count in counts:
        if _is_repetition(energy.reshape(count, -1)):
            return count, False
    likeness = _likeness(samples[:-1], samples[1:])
    for count in counts:
        # The same line in two echoes differs little; two neighbouring lines differ by the shape of the object.
        steps = [float(np.median(likeness[place::count])) for place in range(count)]
        if min(steps[:-1]) > 0.6 and min(steps[:-1]) > 2 * steps[-1]:
            return count, True
    return 1, False


def _is_repetition(blocks: np.ndarray) -> bool:
    """True when all rows of `blocks` (block, line) have one energy profile with a peak of its own."""
    logs = np.log(blocks)
    shape = logs - logs.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(shape, axis=1) + 1e-300
    alike = shape @ shape[0] / (norms * norms[0])
    peaks = blocks.max(axis=1)
    contrast = peaks / np.median(blocks, axis=1)
    return bool(alike.min() > 0.9 and peaks.min() > 0.1 * peaks.max() and contrast.min() > 3)


def _likeness(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Normalised correlation of rows (row, coil, sample), 0..1 each."""
    inner = np.abs(np.einsum("rcs,rcs->r", one.conj(), two))
    size = np.linalg.norm(one.reshape(len(one), -1), axis=1) * np.linalg.norm(two.reshape(len(two), -1), axis=1)
    return np.asarray(inner / np.maximum(size, np.finfo(np.float32).tiny))


def _reversed_rows(samples: np.ndarray) -> np.ndarray:
    """Odd rows, when they resemble their neighbours better after being turned round (an EPI train)."""
    # Profiles across the object: their magnitudes do not mind a late echo, as ramp-sampled trains have.
    profiles = np.abs(np.fft.fftshift(np.fft.ifft(np.fft.ifftshift(samples, axes=-1), axis=-1), axes=-1))
    profiles -= profiles.mean(axis=-1, keepdims=True)
    mirrored = np.roll(profiles[..., ::-1], 1, axis=-1) if samples.shape[-1] % 2 == 0 else profiles[..., ::-1]
    is_train = np.vdot(mirrored[:-1], profiles[1:]) > 1.1 * np.vdot(profiles[:-1], profiles[1:])
    return np.asarray((np.arange(len(samples)) % 2 == 1) & is_train)
