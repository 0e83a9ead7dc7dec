"""The Shinnar-Le Roux transform: a train of hard pulses is two polynomials, and two polynomials are a train of pulses.

The frame is that of `fullbore.signal.bloch`. Step j turns a spin by the complex angle w_j = gamma b1_j dt and lets it
precess for dt; with z = exp(2 pi i f dt) the whole train is the spinor (A(1/z), B(1/z)) times z^(n/2), and
    from rest  Mxy = 2 conj(A) B,  Mz = 1 - 2 |B|^2;   crushed refocusing  Mxy = B^2 z^n conj(Mxy before) up to its sign.
Source: Pauly, Le Roux, Nishimura, Macovski, IEEE Trans Med Imaging 10:53 (1991), eqs. 9 to 26.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float, Num

MOST_BETA = 1.0 - 1e-6
"""Largest |B| that `minimum_phase_alpha` accepts without scaling: |A| must not vanish on the unit circle."""


def forward_slr(angle_rad: Num[np.ndarray, " n"]) -> tuple[Complex[np.ndarray, " n"], Complex[np.ndarray, " n"]]:
    """Coefficients of A and B in powers of 1/z for hard pulses of complex angles gamma b1 dt."""
    n = len(angle_rad)
    a, b = np.zeros(n, complex), np.zeros(n, complex)
    cosines = np.cos(np.abs(angle_rad) / 2)
    sines = 1j * np.exp(1j * np.angle(angle_rad)) * np.sin(np.abs(angle_rad) / 2)
    a[0] = 1.0
    for cosine, sine in zip(cosines, sines, strict=True):
        late = np.concatenate([np.zeros(1), b[:-1]])
        a, b = cosine * a - np.conj(sine) * late, sine * a + cosine * late
    return a, b


def inverse_slr(a: Num[np.ndarray, " n"], b: Num[np.ndarray, " n"]) -> Complex[np.ndarray, " n"]:
    """Complex angles gamma b1 dt of the hard pulses whose polynomials are A and B, |A|^2 + |B|^2 = 1 on the unit circle."""
    n = len(a)
    early, late, angle = a.astype(complex), b.astype(complex), np.zeros(n, complex)
    for step in range(n - 1, -1, -1):
        ratio = late[0] / early[0]
        half = np.arctan(np.abs(ratio))
        cosine, phase = np.cos(half), np.exp(1j * np.angle(-1j * ratio))
        sine = 1j * phase * np.sin(half)
        angle[step] = 2 * half * phase
        early, late = (cosine * early + np.conj(sine) * late)[: step or 1], (cosine * late - sine * early)[1:]
    return angle


def minimum_phase_alpha(b: Num[np.ndarray, " n"]) -> Complex[np.ndarray, " n"]:
    """The minimum-phase A that belongs to B: |A|^2 = 1 - |B|^2; of all A it asks for the least B1 energy.

    Where |B| comes nearer to 1 than MOST_BETA, |A| is kept off zero.
    """
    grid = spectrum_grid(len(b))
    magnitude = np.minimum(np.abs(np.fft.fft(b, grid)), MOST_BETA)
    return np.asarray(np.fft.ifft(minimum_phase_spectrum(np.sqrt(1 - magnitude**2)))[: len(b)])


def minimum_phase_taps(magnitude: Float[np.ndarray, " grid"], taps: int) -> Float[np.ndarray, " taps"]:
    """The real filter of minimum phase whose spectrum has an even magnitude, given on a whole turn; cut to its first taps."""
    return np.asarray(np.fft.ifft(minimum_phase_spectrum(magnitude)).real[:taps])


def minimum_phase_spectrum(magnitude: Float[np.ndarray, " grid"]) -> Complex[np.ndarray, " grid"]:
    """The spectrum of a magnitude whose filter is causal and of minimum phase: folding its cepstrum. grid: a power of 2."""
    cepstrum = np.fft.ifft(np.log(magnitude))
    half = len(magnitude) // 2
    cepstrum[1:half] *= 2
    cepstrum[half + 1 :] = 0
    return np.asarray(np.exp(np.fft.fft(cepstrum)))


def spectrum_grid(taps: int) -> int:
    """A power of two, of frequencies at which a cepstrum of so many taps hardly aliases."""
    return int(2 ** np.ceil(np.log2(max(64 * taps, 2**15))))
