"""What the gradients excite in the machine's structure: forbidden bands, and an estimate of the sound pressure.

A mode of the structure at frequency f that forgets with a time constant tau is a resonator,
z' = (2 pi i f - 1/tau) z + G(t); a steady gradient A cos(2 pi f t) takes it to |z| = A tau / 2. The amplitude of a waveform
at f is therefore 2 |z| / tau: its short-time spectrum under a one-sided exponential window. Segments are played in closed form.
"""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Complex, Float

from fullbore.data import Change, Finding, Sequence, SoundModel
from fullbore.physics.units import UNITS
from fullbore.safety.place import AXES, Place, finding, gradient_event
from fullbore.safety.waveform import Waveform, block_edges, sampled

_MT_PER_M = 1.0 / UNITS["gradient"]["mT/m"]
# Spacing of the resonators: a quarter of their full width at half power, 1 / (pi tau); between two, 3 % are missed.
_PER_WIDTH = 4
_TABLE_BYTES = 64e6

# Sound: windows of 0.16 s, this many, evenly spread, heard at 25 kHz; the loudest few again at 200 kHz, for at 25 kHz corners and
# jumps fold back by up to a tenth of the pressure.
_STEP_S, _SAMPLES, _WINDOWS = 40e-6, 4096, 32
_FINER, _AGAIN = 8, 4
_REFERENCE_PA = 20e-6
HEARING_PROTECTION_DBA = 99.0
"""IEC 60601-2-33: above, hearing protection is required."""


def band_frequencies(low_Hz: float, high_Hz: float, ring_s: float) -> Float[np.ndarray, " frequency"]:
    """Resonators that cover a band, ends included."""
    count = int(np.ceil((high_Hz - low_Hz) * np.pi * ring_s * _PER_WIDTH)) + 1
    return np.linspace(low_Hz, high_Hz, max(count, 2))


def _pushes(
    duration_s: Float[np.ndarray, " length"], rates: Complex[np.ndarray, " f"]
) -> tuple[Complex[np.ndarray, "length f"], Complex[np.ndarray, "length f"], Complex[np.ndarray, "length f"]]:
    """Of segments of each length: decay e = exp(x), x = rate * length, and the parts of begin and end in what they add.

    A straight segment from u to v adds d (u (e - 1) / x + (v - u) (e - 1 - x) / x^2).
    """
    x = np.outer(duration_s, rates)
    e, small = np.exp(x), np.abs(x) < 1e-3
    x = np.where(small, 1.0, x)
    y = np.where(small, np.outer(duration_s, rates), 0.0)
    one = np.where(small, 1 + y * (0.5 + y * (1 / 6 + y / 24)), (e - 1) / x)
    two = np.where(small, 0.5 + y * (1 / 6 + y * (1 / 24 + y / 120)), (e - 1 - x) / (x * x))
    return e, duration_s[:, None] * (one - two), duration_s[:, None] * two


@numba.njit(cache=True, nogil=True)
@no_type_check
def _corner_tables(offset, which, begin, end, decays, from_begin, from_end):
    """From a block's start to every corner, the ends of segments: decay (segment, part, f), response (segment, axis, part, f).

    part: real, imaginary; unscaled. Third, the largest |response| of a shape, (shape, axis, f). which: a segment's length.
    """
    segments, shapes, count = len(which), len(offset) - 1, decays.shape[1]
    decay = np.zeros((segments, 2, count), dtype=np.float32)
    response = np.zeros((segments, 3, 2, count), dtype=np.float32)
    largest = np.zeros((shapes, 3, count), dtype=np.float32)
    z = np.zeros((3, count), dtype=np.complex128)
    whole = np.zeros(count, dtype=np.complex128)
    for k in range(shapes):
        z[:], whole[:] = 0, 1
        for i in range(offset[k], offset[k + 1]):
            u = which[i]
            for f in range(count):
                whole[f] *= decays[u, f]
                decay[i, 0, f], decay[i, 1, f] = whole[f].real, whole[f].imag
            for a in range(3):
                for f in range(count):
                    now = z[a, f] * decays[u, f] + begin[i, a] * from_begin[u, f] + end[i, a] * from_end[u, f]
                    z[a, f] = now
                    response[i, a, 0, f], response[i, a, 1, f] = now.real, now.imag
                    largest[k, a, f] = max(largest[k, a, f], now.real * now.real + now.imag * now.imag)
    return decay, response, np.sqrt(largest)


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
@no_type_check
def _compared(re, im, s, decay, response, best, block, b):
    """Keep |z|^2 at a corner where it is more than the best; all frequencies of one axis."""
    dr, di, pr, pi = decay[0], decay[1], response[0], response[1]
    for f in range(len(re)):
        x = re[f] * dr[f] - im[f] * di[f] + s * pr[f]
        y = re[f] * di[f] + im[f] * dr[f] + s * pi[f]
        v = x * x + y * y
        more = v > best[f]
        best[f] = v if more else best[f]
        block[f] = b if more else block[f]


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
@no_type_check
def _advanced(re, im, s, decay, response):
    """The state at a corner."""
    dr, di, pr, pi = decay[0], decay[1], response[0], response[1]
    for f in range(len(re)):
        x = re[f] * dr[f] - im[f] * di[f] + s * pr[f]
        im[f] = re[f] * di[f] + im[f] * dr[f] + s * pi[f]
        re[f] = x


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
@no_type_check
def _may_rise(re, im, s, largest, top):
    """True when some |z| could come above its best, top = sqrt(best), within a block that adds no more than |s| largest."""
    count = 0
    for f in range(len(re)):
        gap = top[f] - s * largest[f]
        count += (gap < 0) | (re[f] * re[f] + im[f] * im[f] > gap * gap)
    return count > 0


@numba.njit(cache=True, nogil=True)
@no_type_check
def _rung(kind, scale, offset, decay, response, largest):
    """Play all blocks through all resonators: largest |z| (axis, f) at the waveform's corners, and the block of each."""
    count = largest.shape[2]
    re, im = np.zeros((3, count), dtype=np.float32), np.zeros((3, count), dtype=np.float32)
    best, block = np.zeros((3, count), dtype=np.float32), np.zeros((3, count), dtype=np.int32)
    top = np.zeros((3, count), dtype=np.float32)
    for b in range(len(kind)):
        k = kind[b]
        low, last = offset[k], offset[k + 1] - 1
        if last < low:
            continue
        for a in range(3):
            s = np.float32(scale[b, a])
            if s != 0 and largest[k, a, 0] > 0 and _may_rise(re[a], im[a], abs(s), largest[k, a], top[a]):
                for i in range(low, last + 1):
                    _compared(re[a], im[a], s, decay[i], response[i, a], best[a], block[a], b)
                for f in range(count):
                    top[a, f] = np.sqrt(best[a, f])
            _advanced(re[a], im[a], s, decay[last], response[last, a])
    return top, block


def resonances(
    wave: Waveform, frequencies_Hz: Float[np.ndarray, " frequency"], ring_s: float
) -> tuple[Float[np.ndarray, "3 frequency"], np.ndarray]:
    """Largest amplitude 2 |z| / tau at each frequency, T/m, on each axis; and the block where it is reached."""
    rates = 2j * np.pi * frequencies_Hz - 1 / ring_s
    together = max(1, int(_TABLE_BYTES / (48 * max(len(wave.start_s), 1))))
    ticks, which = np.unique(np.round(wave.duration_s * 1e12), return_inverse=True)
    parts = []
    for low in range(0, len(rates), together):
        pushes = _pushes(ticks * 1e-12, rates[low : low + together])
        tables = _corner_tables(wave.offset, which.reshape(-1), wave.begin, wave.end, *pushes)
        parts.append(_rung(wave.kind, wave.scale, wave.offset, *tables))
    peaks, blocks = (np.concatenate([part[n] for part in parts], axis=1) for n in range(2))
    return 2.0 / ring_s * peaks.astype(np.float64), blocks


def band_findings(sequence: Sequence, wave: Waveform, model: SoundModel) -> list[Finding]:
    """Largest amplitude within each forbidden band, mT/m: the worst axis and frequency."""
    grids = [band_frequencies(band.low_Hz, band.high_Hz, model.ring_s) for band in model.bands]
    if not grids:
        return []
    values, blocks = resonances(wave, np.concatenate(grids), model.ring_s)
    found, low = [], 0
    for band, grid in zip(model.bands, grids, strict=True):
        part = values[:, low : low + len(grid)]
        axis, f = np.unravel_index(int(part.argmax()), part.shape)
        value, block = float(part[axis, f]), int(blocks[axis, low + int(f)])
        found.append(
            _band(sequence, band.limit_T_per_m, band.low_Hz, band.high_Hz, float(grid[f]), int(axis), value, block, model)
        )
        low += len(grid)
    return found


def _band(
    sequence: Sequence, limit: float, low: float, high: float, f: float, axis: int, value: float, block: int, model: SoundModel
) -> Finding:
    """The finding of one band; the advice is the rhythm that leaves the band by the nearer edge."""
    excess = max(value / limit, 1.0)
    slower = f - low < high - f
    edge = low - 1 / (2 * np.pi * model.ring_s) if slower else high + 1 / (2 * np.pi * model.ring_s)
    return finding(
        sequence, f"forbidden band {low:.0f} to {high:.0f} Hz", value * _MT_PER_M, limit * _MT_PER_M, "mT/m",
        prefix=f"axis {AXES[axis]} at {f:.0f} Hz" if value > 0 else "", basis=model.source,
        place=Place(block=block, event=gradient_event(sequence, block, axis)),
        advice=f"Change the echo spacing or TR there to {f / edge:.1%}, or lower the gradient to {1 / excess:.1%}.",
        changes=(
            Change(quantity="echo spacing", factor=f / edge),
            Change(quantity="gradient amplitude", factor=1 / excess, axis=axis),
        ),
    )  # fmt: skip


def a_weighting(frequency_Hz: Float[np.ndarray, " f"]) -> Float[np.ndarray, " f"]:
    """Factor to pressure that makes dB(A), 1 at 1 kHz. Source: IEC 61672-1, annex E."""
    f = np.asarray(frequency_Hz, dtype=np.float64) ** 2
    gain = 12194.0**2 * f**2 / ((f + 20.6**2) * np.sqrt((f + 107.7**2) * (f + 737.9**2)) * (f + 12194.0**2))
    return np.asarray(gain * 10 ** (2.0 / 20))


def sound_level(wave: Waveform, model: SoundModel) -> tuple[float, float]:
    """(loudest A-weighted level of the sampled windows, dB(A); begin of that window, s): an estimate."""
    edges = block_edges(wave)
    total, length = float(edges[-1]), _SAMPLES * _STEP_S
    begins = np.linspace(0.0, max(total - length, 0.0), _WINDOWS if total > length else 1)
    if len(begins) > 1:
        rough = _squared_pressures(wave, model, begins, edges, _STEP_S)
        begins = begins[np.sort(np.argsort(-rough, kind="stable")[:_AGAIN])]
    squares = _squared_pressures(wave, model, begins, edges, _STEP_S / _FINER)
    loudest = int(np.argmax(squares))
    level = 10 * np.log10(max(float(squares[loudest]), 1e-30) / _REFERENCE_PA**2)
    return max(float(level), 0.0), float(begins[loudest])


def _squared_pressures(
    wave: Waveform,
    model: SoundModel,
    begins_s: Float[np.ndarray, " window"],
    edges_s: Float[np.ndarray, " edge"],
    step_s: float,
) -> Float[np.ndarray, " window"]:
    """Mean square A-weighted pressure of each window, Pa^2; a sequence shorter than the window is averaged over itself."""
    count = round(_SAMPLES * _STEP_S / step_s)
    f = np.fft.rfftfreq(count, step_s)
    gain = model.pressure_Pa_m_per_T * f**2 / (f**2 + model.corner_Hz**2) * a_weighting(f)
    played = min(count, max(int(np.ceil(float(edges_s[-1]) / step_s)), 1))
    squares = np.zeros(len(begins_s))
    for n, begin in enumerate(begins_s):
        shape = sampled(wave, float(begin) + step_s / 2, step_s, count, edges_s)
        if shape.any():  # a window without gradients is silent
            squares[n] = 2 * float((np.abs(np.fft.rfft(shape, axis=1) * gain) ** 2).sum()) / count / played
    return squares


def sound_finding(sequence: Sequence, wave: Waveform, model: SoundModel) -> Finding:
    """The estimated level against the one above which hearing must be protected: a hint."""
    level, begin = sound_level(wave, model)
    lower = 10 ** ((HEARING_PROTECTION_DBA - level) / 20)
    block = int(np.searchsorted(np.cumsum(sequence.duration_s), begin, side="right"))
    return finding(
        sequence, "sound pressure", level, HEARING_PROTECTION_DBA, "dB(A)", binding=False,
        place=Place(block=min(block, sequence.blocks - 1), event="gradients of the 0.16 s from there"),
        advice=f"Protect the hearing, or lower the gradients to {min(lower, 1.0):.1%}.",
        changes=(Change(quantity="gradient amplitude", factor=min(lower, 1.0)),),
        basis=f"estimate: {model.source}",
    )  # fmt: skip
