"""Few terms for many classes: the responses of one slot as a sum of (readout x sample) patterns times class coefficients.

The signal of a class is separable, A[class, readout] d[class, sample]: an amplitude after the pulse and a decay during the
readout. Both are expanded in orthonormal patterns v_l(readout) and w_q(sample); the features (l, q) of all classes, weighted
with how much of the object each class holds, then have few principal components. The phase of water off-resonance is left
to the cells: at the middle of the readout as a factor, during it as a shift along read where the readout is even.
Tissues are lines here (`lines.unfold`): one chemical shift each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float

from fullbore.data import Tissue
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.simulate.classes import ClassAxes
from fullbore.simulate.nodes import barycentric_matrix
from fullbore.simulate.slots import Slot

SKETCH = 80


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SlotModel:
    """A slot in features.

    readout: (l, row) and sample: (q, sample), orthonormal patterns. amplitude: (tissue, plane, f, b, l) and decay:
    (tissue, f or 1, q) on the fine axes. middle_s: time tau in the middle of the readout; the cells carry its phase.
    """

    slot: Slot
    readout: Complex[np.ndarray, "l row"]
    sample: Complex[np.ndarray, "q sample"]
    amplitude: Complex[np.ndarray, "tissue plane f b l"]
    decay: Complex[np.ndarray, "tissue f2 q"]
    middle_s: float

    def components(
        self, mass: Float[np.ndarray, "tissue plane f b"], dropped: float
    ) -> tuple[Complex[np.ndarray, "tissue plane f b k"], Complex[np.ndarray, "k row q"]]:
        """Principal components of the features under `mass`, leaving out at most the energy `dropped`.

        Returns the coefficient of every class and, per component, g so that its pattern is sum_q g[row, q] w_q(sample).
        """
        readouts, samples = len(self.readout), len(self.sample)
        energy, vectors = np.linalg.eigh(self._covariance(mass))
        kept = int((np.cumsum(np.clip(energy, 0, None)) > dropped).sum())
        basis = vectors[:, len(energy) - kept :].reshape(readouts, samples, kept)
        coefficient = np.empty((*self.amplitude.shape[:-1], kept), np.complex64)
        for t, f in self._pieces():
            own = np.einsum("q,lqk->lk", self.decay[t, f.start], basis).astype(np.complex64)
            coefficient[t, :, f] = self.amplitude[t, :, f] @ own
        pattern = np.einsum("lqk,lr->krq", basis.conj(), self.readout)
        return coefficient, pattern.astype(np.complex64)

    def _pieces(self) -> list[tuple[int, slice]]:
        """Tissues and ranges of off-resonance in which the decay is one."""
        tissues, fs = self.amplitude.shape[0], self.amplitude.shape[2]
        if self.decay.shape[1] == 1:
            return [(t, slice(0, fs)) for t in range(tissues)]
        return [(t, slice(f, f + 1)) for t in range(tissues) for f in range(fs)]

    def _covariance(self, mass: Float[np.ndarray, "tissue plane f b"]) -> Complex[np.ndarray, "lq lq"]:
        """Of the features under `mass`: a Kronecker product per range of one decay."""
        size = len(self.readout) * len(self.sample)
        result = np.zeros((size, size), np.complex128)
        for t, f in self._pieces():
            weight = mass[t, :, f]
            held = np.nonzero(weight)
            if len(held[0]):
                own = self.amplitude[t, :, f][held]
                gram = (own.conj().T * weight[held]) @ own
                decay = self.decay[t, f.start]
                result += np.kron(gram, np.outer(decay.conj(), decay))
        return result

    def energy(self, mass: Float[np.ndarray, "tissue plane f b"]) -> float:
        """Energy of the slot's signal over incoherent cells of this mass."""
        amplitude = (np.abs(self.amplitude) ** 2).sum(axis=-1)
        decay = (np.abs(self.decay) ** 2).sum(axis=-1)
        return float((mass * amplitude * decay[:, None, :, None]).sum())


def fine_axes(axes: ClassAxes, longest_s: float, tolerance: float) -> ClassAxes:
    """Even axes on which linear interpolation in off-resonance and transmit scale keeps `tolerance`.

    longest_s: time over which off-resonance turns what is interpolated.
    """
    low, high = axes.off_resonance_Hz.min(), axes.off_resonance_Hz.max()
    half_width = 0.5 * (high - low) / max(np.cos(np.pi / (2 * len(axes.off_resonance_Hz))), 0.1)
    step = np.sqrt(8 * tolerance) / (2 * np.pi * longest_s)
    count = int(np.clip(np.ceil(2 * half_width / step), 4 * len(axes.off_resonance_Hz), 1023)) + 1 if high > low else 2
    centre = 0.5 * (low + high)
    scale = axes.b1_scale
    reach = 0.5 * (scale.max() - scale.min()) / max(np.cos(np.pi / (2 * len(scale))), 0.1)
    bins = int(np.clip(np.ceil(2 * reach / np.sqrt(2 * tolerance)), 1, 63)) + 1 if len(scale) > 1 else 2
    middle = 0.5 * (scale.max() + scale.min())
    return ClassAxes(
        plane_m=axes.plane_m,
        off_resonance_Hz=centre + max(half_width, 1e-6) * np.linspace(-1, 1, count),
        b1_scale=middle + max(reach, 1e-9) * np.linspace(-1, 1, bins),
    )


def model_slot(
    slot: Slot,
    tissues: tuple[Tissue, ...],
    diffused: Float[np.ndarray, "tissue sample"],
    axes: ClassAxes,
    fine: ClassAxes,
    mass: Float[np.ndarray, "tissue plane f b"],
    samples: int,
    dwell_s: float,
    b0_T: float,
    tolerance: float,
    scale_energy: float,
    shifted: bool,
) -> SlotModel | None:
    """Expand a slot; None when all of it is below `tolerance` of the strongest slot's energy `scale_energy`.

    diffused: what diffusion takes from each tissue's logarithm between the middle sample, which amplitudes count, and others.
    shifted: off-resonance during the readout is a shift along read, so decays leave it out.
    """
    weight = mass.sum(axis=(2, 3)) / np.prod(axes.shape[1:]) * decayed_energy(slot, tissues, samples * dwell_s)[:, None]
    readout, amplitude, energy = _readout_patterns(slot, weight, tolerance, scale_energy)
    if energy <= (0.3 * tolerance) ** 2 * scale_energy:
        return None
    to_f = barycentric_matrix(axes.off_resonance_Hz, fine.off_resonance_Hz)
    to_b = barycentric_matrix(axes.b1_scale, fine.b1_scale)
    amplitude = np.einsum("tpfbl,gf,cb->tpgcl", amplitude, to_f, to_b, optimize=True)
    middle = slot.tau_s + 0.5 * (samples - 1) * dwell_s
    exact = _decays(slot, tissues, diffused, np.zeros(1) if shifted else fine.off_resonance_Hz, samples, dwell_s, b0_T, middle)
    held = mass.sum(axis=(1, 3))
    sample, decay = _sample_patterns(exact, held.sum(axis=1, keepdims=True) if shifted else held, tolerance)
    return SlotModel(
        slot=slot,
        readout=readout.astype(np.complex64),
        sample=sample.astype(np.complex64),
        amplitude=amplitude.astype(np.complex64),
        decay=decay.astype(np.complex64),
        middle_s=middle,
    )


def decayed_energy(slot: Slot, tissues: tuple[Tissue, ...], readout_s: float) -> Float[np.ndarray, " tissue"]:
    """What T2 and T2' leave, at best during the readout, of the energy that a slot has after the pulse."""
    nearest = max(0.0, slot.tau_s, -(slot.tau_s + readout_s))
    rate = [slot.since_s / tissue.t2_s + nearest / tissue.t2_prime_s for tissue in tissues]
    return np.asarray(np.exp(-2 * np.array(rate)))


def slot_energy(slot: Slot, mass: Float[np.ndarray, "tissue plane f b"], decayed: Float[np.ndarray, " tissue"]) -> float:
    """Energy of a slot's amplitudes, nodes taken alike."""
    weight = mass.sum(axis=(2, 3)) * decayed[:, None]
    parts = [(np.abs(a) ** 2).sum(axis=0).mean(axis=(1, 2)) @ weight[t] for t, a in enumerate(slot.amplitude) if a is not None]
    return float(sum(parts))


def _readout_patterns(
    slot: Slot, weight: Float[np.ndarray, "tissue plane"], tolerance: float, scale_energy: float
) -> tuple[Complex[np.ndarray, "l row"], Complex[np.ndarray, "tissue plane f b l"], float]:
    """Orthonormal patterns over readouts by a randomised range finder (Halko 2011, algorithm 4.4), and their coefficients."""
    rng = np.random.default_rng(0)
    shape = next(a.shape[1:] for a in slot.amplitude if a is not None)
    held = [t for t, a in enumerate(slot.amplitude) if a is not None and weight[t].any()]
    size = min(SKETCH, len(slot.rows), max(1, len(held) * int(np.prod(shape))))
    sketch = np.zeros((len(slot.rows), size), np.complex128)
    energy = 0.0
    for t in held:
        own = np.asarray(slot.amplitude[t])
        scaled = (own * np.sqrt(weight[t]).astype(np.float32)[:, None, None]).reshape(len(slot.rows), -1)
        energy += float(np.vdot(scaled, scaled).real)
        sketch += scaled @ (rng.standard_normal((scaled.shape[1], size)).astype(np.float32))
    basis = np.linalg.qr(sketch)[0]
    covariance = np.zeros((size, size), np.complex128)
    coefficient = np.zeros((len(slot.amplitude), *shape, size), np.complex128)
    for t, a in enumerate(slot.amplitude):
        if a is not None:
            coefficient[t] = np.moveaxis(np.tensordot(basis.conj(), a, axes=(0, 0)), 0, -1)
            flat = (coefficient[t] * np.sqrt(weight[t])[:, None, None, None]).reshape(-1, size)
            covariance += flat.conj().T @ flat
    values, vectors = np.linalg.eigh(covariance)
    kept = max(1, int((np.cumsum(np.clip(values, 0, None)) > (0.2 * tolerance) ** 2 * scale_energy).sum()))
    vectors = vectors[:, size - kept :]
    # a[row] = sum_s basis[row, s] c[s]; c[s] = sum_l vectors*[s, l] (c . vectors)_l
    return (basis @ vectors.conj()).T, coefficient @ vectors, energy


def _decays(
    slot: Slot,
    tissues: tuple[Tissue, ...],
    diffused: Float[np.ndarray, "tissue sample"],
    off_resonance_Hz: Float[np.ndarray, " f"],
    samples: int,
    dwell_s: float,
    b0_T: float,
    middle_s: float,
) -> Complex[np.ndarray, "tissue f sample"]:
    elapsed = np.arange(samples) * dwell_s
    tau, since = slot.tau_s + elapsed, slot.since_s + elapsed
    result = np.empty((len(tissues), len(off_resonance_Hz), samples), np.complex128)
    for t, tissue in enumerate(tissues):
        shift = tissue.chemical_shift_ppm * 1e-6 * b0_T * GYROMAGNETIC_RATIO_HZ_PER_T
        own = np.exp(-since / tissue.t2_s - np.abs(tau) / tissue.t2_prime_s - diffused[t] - 2j * np.pi * shift * tau)
        result[t] = own * np.exp(-2j * np.pi * off_resonance_Hz[:, None] * (tau - middle_s))
    return result


def _sample_patterns(
    decays: Complex[np.ndarray, "tissue f sample"], weight: Float[np.ndarray, "tissue f"], tolerance: float
) -> tuple[Complex[np.ndarray, "q sample"], Complex[np.ndarray, "tissue f q"]]:
    flat = decays.reshape(-1, decays.shape[-1])
    scaled = flat * np.sqrt(weight.ravel())[:, None]
    if len(scaled) < scaled.shape[1]:
        _, singular, rows = np.linalg.svd(scaled, full_matrices=False)
        values, vectors = singular[::-1] ** 2, rows[::-1].conj().T
    else:
        values, vectors = np.linalg.eigh(scaled.conj().T @ scaled)
    kept = max(1, int((np.cumsum(np.clip(values, 0, None)) > (0.2 * tolerance) ** 2 * values.sum()).sum()))
    vectors = vectors[:, len(values) - kept :]
    return vectors.conj().T, decays @ vectors
