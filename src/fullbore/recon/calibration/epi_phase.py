"""The phase between forward and backward readouts of an echo-planar train, the cause of the N/2 ghost.

With F and B the parts of an image from forward and backward readouts, both columns of x, the image without a ghost is
F exp(-i phi(x) / 2) + B exp(i phi(x) / 2). phi is mostly a constant and a delay, linear in x. Sources: Bruder et al.,
Magn Reson Med 23:311 (1992), for reference readouts; Clare, Proc ISMRM 2008, p. 2330, for the entropy of the image.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Complex, Float, Int
from scipy.optimize import minimize

from fullbore.data import AcquisitionFlag, RawData

# Delays that are searched, in samples, and how finely; the constant is known up to half a turn (a shift by half the
# field of view), so the smaller one is taken.
_LARGEST_DELAY, _DELAYS, _CONSTANTS = 3.0, 49, 16
_MOST_COLUMNS, _MOST_CHANNELS = 48, 4
_SMOOTH = 5


def backward_rows(raw: RawData) -> Bool[np.ndarray, " row"]:
    """Readouts of the other polarity: flag REVERSE; in files whose reader has turned them round, odd `segment`s.

    Segments count as polarity when imaging readouts alternate between two of them, as Siemens and Pulseq number them.
    """
    flags = raw.encoding.flags.astype(np.uint64)
    reverse = (flags & np.uint64(AcquisitionFlag.REVERSE)) != 0
    if reverse.any():
        return np.asarray(reverse)
    segment = raw.encoding.counter("segment")
    special = np.uint64(AcquisitionFlag.NOISE | AcquisitionFlag.NAVIGATION | AcquisitionFlag.PHASE_CORRECTION)
    imaging = segment[(flags & special) == 0]
    alternates = set(np.unique(imaging)) == {0, 1} and np.mean(imaging[1:] != imaging[:-1]) > 0.8
    return np.asarray((segment == 1) & alternates)


def reference_rows(raw: RawData) -> Int[np.ndarray, " n"]:
    """Readouts without phase encoding, flag PHASE_CORRECTION."""
    return np.flatnonzero((raw.encoding.flags.astype(np.uint64) & np.uint64(AcquisitionFlag.PHASE_CORRECTION)) != 0)


def reference_product(
    columns: Complex[np.ndarray, "row coil x"], backward: Bool[np.ndarray, " row"]
) -> Complex[np.ndarray, " x"]:
    """F conj(B) summed over channels, from reference readouts in acquired order; its angle is phi.

    Off-resonance turns successive readouts: each is compared with the mean of its two neighbours, which is as old.
    """
    if len(columns) == 2:
        product = (columns[0] * columns[1].conj()).sum(0)
        return np.asarray(product if backward[1] else product.conj())
    result = np.zeros(columns.shape[2], dtype=np.complex128)
    for row in range(1, len(columns) - 1):
        if backward[row - 1] != backward[row + 1] or backward[row] == backward[row - 1]:
            continue
        product = (0.5 * (columns[row - 1] + columns[row + 1]) * columns[row].conj()).sum(0)
        result += product if backward[row] else product.conj()
    return result


def linear_phase(product: Complex[np.ndarray, " x"]) -> tuple[float, float]:
    """(constant in rad, delay in rad per column) of the angle of `product`, constant at column n // 2.

    The delay from the phase between neighbouring columns, then both by least squares of the unwrapped rest, weighted by
    the magnitude; columns whose rest is far off count less (Huber).
    """
    x = np.arange(len(product)) - len(product) // 2
    slope = float(np.angle(np.sum(product[1:] * product[:-1].conj())))
    constant = float(np.angle(np.sum(product * np.exp(-1j * slope * x))))
    weight = np.abs(product)
    for _ in range(5):
        rest = np.angle(product * np.exp(-1j * (constant + slope * x)))
        spread = 1.5 * np.sum(weight * np.abs(rest)) / max(float(weight.sum()), 1e-300) + 1e-12
        robust = weight * np.minimum(1, spread / np.maximum(np.abs(rest), 1e-15))
        root = np.sqrt(robust)
        change = np.linalg.lstsq(np.stack([root, root * x], axis=1), root * rest, rcond=None)[0]
        constant, slope = constant + float(change[0]), slope + float(change[1])
    return constant, slope


def local_phase(product: Complex[np.ndarray, " x"]) -> Float[np.ndarray, " x"]:
    """The linear phase, and what the reference shows beside it where it has signal, smoothed over a few columns."""
    constant, slope = linear_phase(product)
    line = constant + slope * (np.arange(len(product)) - len(product) // 2)
    window = np.hanning(_SMOOTH + 2)[1:-1]
    rest = np.convolve(product * np.exp(-1j * line), window, mode="same")
    trusted = np.abs(rest) > 0.1 * np.abs(rest).max(initial=0)
    return np.asarray(line + np.where(trusted, np.angle(rest), 0.0))


def estimated_phase(forward: Complex[np.ndarray, "coil x y"], backward: Complex[np.ndarray, "coil x y"]) -> tuple[float, float]:
    """(constant, slope per column) that concentrate the image best: least entropy. No reference needed.

    forward, backward: images of one slice from the readouts of each polarity alone. A constant beyond a quarter turn
    cannot be told from an object elsewhere: it is taken to be smaller.
    """
    columns = forward.shape[1]
    step = max(1, columns // _MOST_COLUMNS)
    strongest = np.argsort([-np.linalg.norm(part) for part in forward])[:_MOST_CHANNELS]
    one, two = forward[strongest, ::step], backward[strongest, ::step]
    x = (np.arange(columns) - columns // 2)[::step]
    cost = _entropy_of(one, two, x)
    constants = (np.arange(_CONSTANTS) / _CONSTANTS - 0.5) * np.pi
    slopes = np.linspace(-_LARGEST_DELAY, _LARGEST_DELAY, _DELAYS) * 2 * np.pi / columns
    start = min(((cost(np.array([a, b * columns])), a, b * columns) for a in constants for b in slopes), key=lambda t: t[0])
    simplex = np.array(start[1:]) + np.array([[0, 0], [0.2, 0], [0, 0.4]])
    found = minimize(cost, start[1:], method="Nelder-Mead", options={"initial_simplex": simplex, "xatol": 1e-5, "fatol": 1e-9}).x
    constant = (found[0] + np.pi / 2) % np.pi - np.pi / 2
    return float(constant), float(found[1] / columns)


def _entropy_of(
    one: Complex[np.ndarray, "coil x y"], two: Complex[np.ndarray, "coil x y"], x: Int[np.ndarray, " x"]
) -> Callable[[Float[np.ndarray, " 2"]], float]:
    """The entropy of the magnitude for (constant, slope times all columns): |F|^2 + |B|^2 + 2 Re(F conj(B) exp(-i phi))."""
    power = (np.abs(one) ** 2 + np.abs(two) ** 2).sum(0)
    cross = 2 * (one * two.conj()).sum(0)
    columns = (x[-1] - x[0] + (x[1] - x[0] if len(x) > 1 else 1)) if len(x) else 1
    total = float(power.sum()) or 1.0

    def cost(phase: Float[np.ndarray, " 2"]) -> float:
        turn = np.exp(-1j * (phase[0] + phase[1] * x / columns))[:, None]
        energy = np.maximum(power + (cross * turn).real, 1e-14 * total) / total
        # Forward and backward lines are orthogonal, so the whole energy does not depend on their phase.
        size = np.sqrt(energy)
        return float(-(size * np.log(size)).sum())

    return cost
