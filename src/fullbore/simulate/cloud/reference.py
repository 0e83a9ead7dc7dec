"""The readable truth: every spin through every step of the sequence, brute force in float64."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Complex, Float

from fullbore.data import ScannerSpec, Sequence
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.signal import free_precession, rotate
from fullbore.simulate.cloud.spins import SpinCloud, in_static_field
from fullbore.simulate.fields import at_places
from fullbore.simulate.gradients import play_gradients
from fullbore.simulate.timeline import amplified

LONGEST_STEP_S = 4e-6
"""Where the field changes within what would be one step of an ideal machine and spins at rest."""


def reference(cloud: SpinCloud, sequence: Sequence, spec: ScannerSpec | None = None) -> Complex[np.ndarray, "row coil sample"]:
    """Noiseless samples of a small cloud. Steps are as long as RF raster, gradient knots and samples allow, and no longer than
    `LONGEST_STEP_S` where spins move or the machine has flaws.

    Fields and places are taken at the middle of a step, which is exact for the moment of a linear piece. A step with RF is half a
    step of relaxation, the exact rotation in the pulse's frame, and the other half: an error of third order in dt / T2.
    """
    cloud, motion = in_static_field(cloud, spec), cloud.motion
    plain = motion is None and (spec is None or (spec.flaws.response is None and not spec.flaws.drift_Hz_per_s))
    steps = [_steps(sequence, block, spec, np.inf if plain else LONGEST_STEP_S) for block in range(sequence.blocks)]
    dt, b1, carrier, sampled = (np.concatenate(part) for part in zip(*steps, strict=True))
    time = np.cumsum(dt) - 0.5 * dt
    gradient = play_gradients(sequence, None if spec is None else spec.flaws.response).at(time)
    m_xy, m_z, still = np.zeros(len(cloud), complex), np.ones(len(cloud)), np.zeros(len(cloud))
    laps = motion.laps(cloud.position_m) if motion is not None else None
    lap, place, signal = still, cloud.position_m, []
    for t, h, b, c, g, taken in zip(time, dt, b1, carrier, gradient, sampled, strict=True):
        if motion is not None:
            place = motion.places(cloud.position_m, float(t))
        if laps is not None and (laps.count(float(t)) != lap).any():
            fresh, lap = laps.count(float(t)) != lap, laps.count(float(t))
            m_xy, m_z = np.where(fresh, 0, m_xy), np.where(fresh, 1, m_z)
        f = cloud.off_resonance_Hz + _field_Hz(place, g, float(t), spec)
        if b == 0:
            m_xy, m_z = free_precession(m_xy, m_z, cloud.t1_s, cloud.t2_s, f, float(h))
        else:
            m_xy, m_z = free_precession(m_xy, m_z, cloud.t1_s, cloud.t2_s, still, float(h) / 2)
            m_xy, m_z = rotate(m_xy, m_z, cloud.b1_scale * b, f - c, float(h))
            m_xy, m_z = free_precession(m_xy * np.exp(-2j * np.pi * c * h), m_z, cloud.t1_s, cloud.t2_s, still, float(h) / 2)
        if taken:
            through = motion.through if motion is not None else None
            seen = cloud.sensitivity if through is None else at_places(through, place)
            signal.append((seen * cloud.amount) @ m_xy)
    rows = np.array(signal).reshape(sequence.encoding.rows, -1, len(cloud.sensitivity)).transpose(0, 2, 1)
    return np.asarray(rows * np.exp(1j * sequence.adc_phase_rad[sequence.adc >= 0])[:, None, None])


def _field_Hz(
    place: Float[np.ndarray, "n 3"], gradient: Float[np.ndarray, " 4"], time_s: float, spec: ScannerSpec | None
) -> Float[np.ndarray, " n"]:
    """Bz of gradients (T/m), of their uniform part (T) and of the machine's flaws at each place, in Hz."""
    x, y, z = place.T
    gx, gy, gz = gradient[:3]
    if spec is None:
        return np.asarray(GYROMAGNETIC_RATIO_HZ_PER_T * (gx * x + gy * y + gz * z))
    linear = place if spec.flaws.gradient_fields_m is None else at_places(spec.flaws.gradient_fields_m, place).real.T
    field_T = linear @ gradient[:3] + gradient[3]
    if spec.flaws.concomitant:
        across = (gx * z - 0.5 * gz * x) ** 2 + (gy * z - 0.5 * gz * y) ** 2  # |transverse field|^2
        field_T = field_T + across / (2 * spec.b0_T)
    return np.asarray(GYROMAGNETIC_RATIO_HZ_PER_T * field_T + spec.flaws.drift_Hz_per_s * time_s)


def _steps(
    sequence: Sequence, block: int, spec: ScannerSpec | None, longest_s: float
) -> tuple[Float[np.ndarray, " n"], Complex[np.ndarray, " n"], Float[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """Steps of one block: length, b1 at the start (signal's frame), its frequency, whether a sample ends it."""
    pulse = sequence.rf_pulses[sequence.rf[block]] if sequence.rf[block] >= 0 else None
    adc = sequence.adcs[sequence.adc[block]] if sequence.adc[block] >= 0 else None
    edges = [np.array([0.0, sequence.duration_s[block]])]
    edges += [sequence.gradients[index].times_s for index in sequence.gradient[block] if index >= 0]
    if pulse is not None:
        edges.append(pulse.delay_s + np.arange(len(pulse.b1_T) + 1) * pulse.raster_s)
    if np.isfinite(longest_s):
        edges.append(np.arange(0, sequence.duration_s[block], longest_s))
    taken = adc.delay_s + (np.arange(adc.samples) + 0.5) * adc.dwell_s if adc is not None else np.zeros(0)
    knots = np.unique(np.round(np.concatenate([*edges, taken]), 12))
    middle = 0.5 * (knots[1:] + knots[:-1])
    b1, carrier = np.zeros(len(middle), complex), np.zeros(len(middle))
    if pulse is not None:
        index = np.floor((middle - pulse.delay_s) / pulse.raster_s).astype(int)
        on = (index >= 0) & (index < len(pulse.b1_T))
        carrier[on] = sequence.rf_frequency_Hz[block]
        phase = sequence.rf_phase_rad[block] + 2 * np.pi * carrier * (knots[:-1] - pulse.delay_s)
        shape = amplified(pulse, spec.flaws.rf_amplifier if spec is not None else None)
        b1[on] = np.conj(shape[index[on]] * np.exp(1j * phase[on]))
    return np.diff(knots), b1, carrier, np.isin(knots[1:], np.round(taken, 12))
