"""A second, slow safety check, written from the definitions on a raster of 2.5 us; it shares no code with the room."""

from __future__ import annotations

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import lfilter

STEP_S = 2.5e-6
GAMMA_HZ_PER_T = 42.57638543e6


class Dense:
    """The gradient just after and just before every step, so that jumps stay visible."""

    def __init__(self, seq):
        counts = np.round(seq.duration_s / STEP_S).astype(int)
        self.starts, self.count = np.concatenate([[0], np.cumsum(counts)[:-1]]), int(counts.sum())
        before, after = np.zeros((self.count + 1, 3)), np.zeros((self.count + 1, 3))
        self.corners = [0, *np.cumsum(counts)]
        for b, start in enumerate(self.starts):
            t = np.arange(counts[b] + 1) * STEP_S
            for axis in np.flatnonzero(seq.gradient[b] >= 0):
                g = seq.gradients[seq.gradient[b, axis]]
                value = seq.gradient_scale[b, axis] * np.interp(t, g.times_s, g.values_T_per_m)
                late = (t > g.times_s[0] + 1e-9) & (t < g.times_s[-1] + 1e-9) & (t > 0)
                early = (t > g.times_s[0] - 1e-9) & (t < g.times_s[-1] - 1e-9) & (np.arange(len(t)) < counts[b])
                before[start + np.flatnonzero(late), axis] = value[late]
                after[start + np.flatnonzero(early), axis] = value[early]
                self.corners += [start + round(c / STEP_S) for c in g.times_s]
        self.corners = np.unique(self.corners)
        self.before, self.after = before, after
        self.jumps = after - before
        self.ramps = before[1:] - after[:-1]
        self.middle = 0.5 * (before[1:] + after[:-1])

    def amplitude(self):
        every = np.concatenate([self.before, self.after])
        return np.abs(every).max(axis=0), np.linalg.norm(every, axis=1).max()

    def slew(self, raster_s):
        ramps, jumps = np.abs(self.ramps) / STEP_S, np.abs(self.jumps) / raster_s
        vector = max(np.linalg.norm(ramps, axis=1).max(), np.linalg.norm(jumps, axis=1).max())
        return np.maximum(ramps.max(axis=0), jumps.max(axis=0)), vector

    def voltage(self, sensitivity, inductance, resistance):
        ends = (self.before[1:], self.after[:-1])
        volts = [np.abs(inductance * self.ramps / STEP_S + resistance * end).max(axis=0) for end in ends]
        return np.maximum(*volts) / sensitivity

    def response(self, kernel, length_m):
        """Largest length of the three axes' dB/dt after a filter with this impulse response."""
        n = self.count + 1
        t = np.arange(n) * STEP_S
        size = next_fast_len(2 * n, real=True)

        def filtered(increments, weights):
            return irfft(rfft(increments.T, size) * rfft(weights, size), size)[:, :n]

        ramps = filtered(np.concatenate([np.zeros((1, 3)), self.ramps]), kernel(t + STEP_S / 2))
        both = ramps + (filtered(self.jumps, kernel(t)) if self.jumps.any() else 0.0)
        just_before = both - self.jumps.T * kernel(np.zeros(1))
        return max(np.linalg.norm(value * length_m[:, None], axis=0).max() for value in (both, just_before))

    def safe(self, model, raster_s):
        every = round(raster_s / STEP_S)
        middles = self.after[every // 2 :: every]
        rate = np.diff(np.concatenate([np.zeros((1, 3)), middles, np.zeros((1, 3))]), axis=0) / raster_s
        total = 0.0
        for axis in range(3):
            parts = 0.0
            for n, rectify_first in ((1, False), (2, True), (3, False)):
                tau, a = getattr(model, f"tau{n}_s")[axis], getattr(model, f"a{n}")[axis]
                alpha = raster_s / (tau + raster_s)
                course = np.abs(rate[:, axis]) if rectify_first else rate[:, axis]
                parts = parts + a * np.abs(lfilter([alpha], [1, alpha - 1], course))
            total = total + (parts * model.g_scale[axis] / model.stim_limit_T_per_m_s[axis]) ** 2
        return np.sqrt(np.max(total))

    def amplitude_at(self, frequency_Hz, ring_s):
        """Largest amplitude of a resonator, at the corners of the waveform."""
        rate = 2j * np.pi * frequency_Hz - 1 / ring_s
        push = (np.exp(rate * STEP_S) - 1) / rate
        z = lfilter([push], [1, -np.exp(rate * STEP_S)], self.middle.astype(complex), axis=0)
        z = np.abs(np.concatenate([np.zeros((1, 3)), z]))[self.corners]
        return z.max(axis=0) * 2 / ring_s

    def warmth(self, tau_s, sensitivity, continuous_A, shared):
        heat = (self.middle / sensitivity / continuous_A) ** 2
        heat = heat.sum(axis=1, keepdims=True) if shared else heat
        decay = np.exp(-STEP_S / tau_s)
        once = lfilter([1 - decay], [1, -decay], heat, axis=0)
        start = once[-1] / (1 - np.exp(-self.count * STEP_S / tau_s))
        left = np.exp(-np.arange(1, self.count + 1)[:, None] * STEP_S / tau_s)
        return np.maximum((once + start * left).max(axis=0), start)

    def spins(self, seq, b0_T, radius_m):
        """(largest concomitant phase of a readout, rad; least cycles per voxel of a repetition without refocusing)."""
        g = self.middle
        products = [g[:, 0] ** 2 + g[:, 1] ** 2, g[:, 2] ** 2, g[:, 0] * g[:, 2], g[:, 1] * g[:, 2]]
        sums = np.concatenate([np.zeros((1, 7)), np.cumsum(np.column_stack([*products, g]), axis=0) * STEP_S])
        geometry = seq.encoding.geometry
        voxel = np.stack([geometry.read, geometry.phase, geometry.slice]) * (np.array(geometry.fov_m) / geometry.matrix)[:, None]
        phase, least, most, start, sign_sums, clean = 0.0, np.inf, 0.0, None, np.zeros(7), True
        since = None
        for b in range(seq.blocks):
            events = []
            if seq.rf[b] >= 0:
                p = seq.rf_pulses[seq.rf[b]]
                events.append((self.starts[b] + round((p.delay_s + p.centre_s) / STEP_S), p.use))
            if seq.adc[b] >= 0:
                a = seq.adcs[seq.adc[b]]
                events.append((self.starts[b] + round((a.delay_s + a.samples * a.dwell_s / 2) / STEP_S), "adc"))
            for at, what in events:
                if what == "e":
                    if start is not None and clean:
                        cycles = np.abs(voxel @ (sums[at] - sums[start])[4:]).max() * GAMMA_HZ_PER_T
                        least, most = min(least, cycles), max(most, cycles)
                    start, since, sign_sums, clean = at, at, np.zeros(7), True
                elif what == "r" and start is not None:
                    sign_sums = -(sign_sums + sums[at] - sums[since])
                    since, clean = at, False
                elif what == "adc" and start is not None:
                    radial, axial, xz, yz = (sign_sums + sums[at] - sums[since])[:4]
                    form = np.array([[axial / 4, 0, -xz / 2], [0, axial / 4, -yz / 2], [-xz / 2, -yz / 2, radial]])
                    size = np.abs(np.linalg.eigvalsh(form)).max()
                    phase = max(phase, 2 * np.pi * GAMMA_HZ_PER_T * size * radius_m**2 / (2 * b0_T))
        return phase, least, most


def mean_power(seq, energies, window_s):
    """Largest mean per second of pulses' energies in any window, on the raster."""
    power = np.zeros(round(seq.total_duration_s / STEP_S))
    starts = np.concatenate([[0], np.cumsum(np.round(seq.duration_s / STEP_S))[:-1]]).astype(int)
    for b in np.flatnonzero(seq.rf >= 0):
        p = seq.rf_pulses[seq.rf[b]]
        low = starts[b] + round(p.delay_s / STEP_S)
        n = round(p.duration_s / STEP_S)
        power[low : low + n] += energies[b] / n
    n = min(round(window_s / STEP_S), len(power))
    sums = np.concatenate([[0.0], np.cumsum(power)])
    return (sums[n:] - sums[:-n]).max() / (n * STEP_S)


def worst_mean(seq, energies, window_s):
    """Largest mean per second of pulses' energies in any window, at any length of the sequence, from the energy so far.

    The energy so far rises straight within a pulse, so the mean over a window is largest where one of its ends meets a corner.
    A sequence shorter than the window is averaged over itself.
    """
    total = float(np.sum(seq.duration_s))
    starts = np.concatenate([[0.0], np.cumsum(seq.duration_s)[:-1]])
    times, so_far = [0.0], [0.0]
    for b in np.flatnonzero(seq.rf >= 0):
        p = seq.rf_pulses[seq.rf[b]]
        low = starts[b] + p.delay_s
        times += [low, low + len(p.b1_T) * p.raster_s]
        so_far += [so_far[-1], so_far[-1] + energies[b]]
    times, so_far = np.array([*times, total]), np.array([*so_far, so_far[-1]])
    window = min(window_s, total)
    begins = np.clip(np.concatenate([times, times - window]), 0.0, total - window)
    return float((np.interp(begins + window, times, so_far) - np.interp(begins, times, so_far)).max() / window)


def rf_figures(seq, power):
    """SAR of every kind, W/kg, forward power, W, over 10 s and 6 min, and B1+rms, uT, from |B1|^2 sample by sample."""
    plain, worst, local = np.zeros(seq.blocks), np.zeros(seq.blocks), []
    points = power.observation_points
    for b in np.flatnonzero(seq.rf >= 0):
        p = seq.rf_pulses[seq.rf[b]]
        plain[b] = np.sum(np.abs(p.b1_T) ** 2) * p.raster_s
        drive = None if seq.rf_shim[b] < 0 else seq.rf_shims[seq.rf_shim[b]]
        worst[b] = plain[b] * (1.0 if drive is None else max(abs(w) ** 2 for w in drive))
        if points is not None:
            drive = np.ones(points.shape[1]) if drive is None else drive
            local.append((b, [plain[b] * float(np.real(np.vdot(drive, q @ drive))) for q in points]))
    out = {}
    for name, window in (("6 min", 360.0), ("10 s", 10.0)):
        square = worst_mean(seq, worst, window)
        whole = power.whole_body_W_per_kg_per_T2 * square
        out |= {f"SAR whole body, {name}": whole, f"SAR head, {name}": power.head_W_per_kg_per_T2 * square}
        out[f"SAR partial body, {name}"] = whole / power.exposed_mass_share
        out[f"SAR local 10 g, {name}"] = power.local_factor * power.head_W_per_kg_per_T2 * square
        if points is not None:
            each = np.zeros((len(points), seq.blocks))
            for b, values in local:
                each[:, b] = values
            out[f"SAR local 10 g, {name}"] = max(worst_mean(seq, row, window) for row in each)
        out[f"RF power, {name}"] = power.forward_W_per_T2 * square
    return out | {"B1+rms, 6 min": 1e6 * np.sqrt(worst_mean(seq, worst, 360.0))}


def a_weight(f):
    """Pressure weight A, 1 at 1 kHz, from its four pole frequencies. Source: IEC 61672-1, annex E."""

    def shape(f):
        return f**4 / ((f**2 + 20.598997**2) * (f**2 + 12194.217**2) * np.sqrt((f**2 + 107.65265**2) * (f**2 + 737.86223**2)))

    return shape(f) / shape(1000.0)


def loudness(dense, model):
    """Root mean square A-weighted pressure, Pa, of all three axes over the sequence: Parseval on a spectrum to 200 kHz."""
    n = next_fast_len(max(dense.count, 1 << 17), real=True)
    f = np.fft.rfftfreq(n, STEP_S)
    response = model.pressure_Pa_m_per_T * f**2 / (f**2 + model.corner_Hz**2) * a_weight(f)
    density = np.abs(rfft(dense.middle.T, n) * STEP_S * response) ** 2
    return float(np.sqrt(2 * density.sum() / (n * STEP_S) / (dense.count * STEP_S)))
