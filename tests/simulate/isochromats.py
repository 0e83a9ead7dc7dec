"""The slow truth: a phantom as dense point spins, a sequence as steps of constant field, played by `signal.play`."""

from __future__ import annotations

import numpy as np

from fullbore.data import Phantom, ScannerSpec, Sequence
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.signal import play
from fullbore.simulate.lattice import LatticeAxis, sample_field


def steps(sequence: Sequence):
    """dt, b1 (signal frame), gradient and whether a sample is taken at the end, of every step."""
    dt, b1, gradient, sampled = [], [], [], []
    for b in range(sequence.blocks):
        edges = [np.array([0.0, sequence.duration_s[b]])]
        pulse = sequence.rf_pulses[sequence.rf[b]] if sequence.rf[b] >= 0 else None
        adc = sequence.adcs[sequence.adc[b]] if sequence.adc[b] >= 0 else None
        if pulse:
            edges.append(pulse.delay_s + np.arange(len(pulse.b1_T) + 1) * pulse.raster_s)
        taken = adc.delay_s + (np.arange(adc.samples) + 0.5) * adc.dwell_s if adc else np.zeros(0)
        shapes = [sequence.gradients[g] if g >= 0 else None for g in sequence.gradient[b]]
        edges += [taken] + [s.times_s for s in shapes if s]
        knots = np.unique(np.round(np.concatenate(edges), 12))
        middle = 0.5 * (knots[1:] + knots[:-1])
        dt.append(np.diff(knots))
        sampled.append(np.isin(knots[1:], np.round(taken, 12)))
        gradient.append(np.stack([
            sequence.gradient_scale[b, a] * np.interp(middle, s.times_s, s.values_T_per_m, 0, 0) if s else 0 * middle
            for a, s in enumerate(shapes)], axis=1))  # fmt: skip
        own = np.zeros(len(middle), complex)
        if pulse:
            i = np.floor((middle - pulse.delay_s) / pulse.raster_s).astype(int)
            on = (i >= 0) & (i < len(pulse.b1_T))
            turn = sequence.rf_phase_rad[b] + 2 * np.pi * sequence.rf_frequency_Hz[b] * (middle - pulse.delay_s)
            own[on] = np.conj(pulse.b1_T[i[on]] * np.exp(1j * turn[on]))
        b1.append(own)
    return tuple(np.concatenate(part) for part in (dt, b1, gradient, sampled))


def signal(phantom: Phantom, sequence: Sequence, spec: ScannerSpec, per_cell: tuple[int, int, int]) -> np.ndarray:
    """Noiseless samples (row, coil, sample) of an axis-aligned phantom with `per_cell` spins along x, y, z in each cell.

    T2' is not modelled by isochromats: give tissues an infinite one.
    """
    axes, weights = zip(*(_points(phantom, axis, per_cell[axis]) for axis in range(3)), strict=True)
    spread = np.einsum("tzyx,kz,jy,ix->tkji", phantom.fractions, *weights[::-1], optimize=True)
    frame = np.eye(3)
    z, y, x = (a.ravel() for a in np.meshgrid(*(a.points_m for a in axes[::-1]), indexing="ij"))
    ppm = sample_field(phantom.field_ppm, frame, axes)[0].real.ravel()
    b1 = sample_field(spec.transmit, frame, axes)[0].ravel()
    coils = sample_field(spec.receive.sensitivity, frame, axes)
    volume = np.prod([a.spacing_m for a in axes])
    dt, pulse, gradient, sampled = steps(sequence)
    total = 0
    for tissue, fraction in zip(phantom.tissues, spread, strict=True):
        held = np.flatnonzero(fraction.ravel() > 0)
        f = 1e-6 * spec.b0_T * GYROMAGNETIC_RATIO_HZ_PER_T * (ppm[held] + tissue.chemical_shift_ppm)
        ones = np.ones(len(held))
        weight = coils.reshape(len(coils), -1)[:, held] * fraction.ravel()[held] * volume * tissue.proton_density
        total = total + play(
            position_m=np.stack([x, y, z], axis=1)[held], t1_s=tissue.t1_s * ones, t2_s=tissue.t2_s * ones,
            off_resonance_Hz=f, b1_scale=b1[held], weight=weight, dt_s=dt, b1_T=pulse, gradient_T_per_m=gradient, sampled=sampled,
        )[0]  # fmt: skip
    rows = sequence.encoding.rows
    samples = total.reshape(len(total), rows, -1).transpose(1, 0, 2)
    return samples * np.exp(1j * sequence.adc_phase_rad[sequence.adc >= 0])[:, None, None]


def _points(phantom: Phantom, axis: int, per_cell: int):
    points = phantom.grid.axis_positions_m(axis)
    h = phantom.grid.spacing_m[axis]
    fine = points[0] - h + (np.arange((len(points) + 1) * per_cell) + 0.5) * h / per_cell
    weight = np.clip(1 - np.abs(fine[:, None] - points) / h, 0, None)
    return LatticeAxis(points_m=fine, spacing_m=h / per_cell, weights=None, window=slice(None), hat_m=0.0, cut_per_m=1e9), weight
