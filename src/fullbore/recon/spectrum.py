"""Readouts of one voxel to its spectrum: channels combined, averages aligned, phased, over ppm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float

from fullbore.data import RawData, Spectrum
from fullbore.data.spectrum import CENTRE_PPM
from fullbore.errors import DataError, ValueRangeError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.recon.admission import admit_signal, imaging_rows, live_channels
from fullbore.recon.averages import aligned, peak_of, signal_weight
from fullbore.recon.calibration.whitening import noise_covariance, periphery_noise, whitening_matrix

_LEAST_SAMPLES = 16
# Without a noise scan noise is looked for in this last part of the readouts.
_TAIL = 8
# Readouts whose end is quieter than this part of their largest sample hold no noise.
_SILENCE = 1e-6
# Below it the tallest line may be noise: of some thousand values one reaches 4 by chance.
_LEAST_SNR = 5.0
# Zero filling for the width of a line, so that its half height is not lost between bins.
_FINE = 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Combined:
    """One channel out of many: (average, sample) with complex noise of variance 1.

    scale: takes it back to the raw units. noise: its standard deviation in them, `scale`, or 0 where there is none.
    """

    rows: np.ndarray
    scale: float
    noise: float
    known: bool
    channels: int


def is_spectrum(raw: RawData) -> bool:
    """Whether the readouts are of one voxel under no gradient: one line, one partition, k at rest during every readout."""
    encoding = raw.encoding
    if encoding.geometry.encoded_matrix != (1, 1, 1) or encoding.samples < _LEAST_SAMPLES:
        return False
    if raw.trajectory_per_m is not None:
        moves = np.ptp(raw.trajectory_per_m[imaging_rows(raw)], axis=1)
        return bool(np.all(moves * max(encoding.geometry.encoded_fov_m) < 1e-3))
    return not np.any(encoding.k_step_per_m) and encoding.curve is None


def spectrum(
    raw: RawData, *, line_broadening_Hz: float = 0.0, zero_filling: int = 2, align: bool = True, search_Hz: float = 30.0
) -> Spectrum:
    """The spectrum of one voxel from all its averages.

    Channels are whitened by the noise scan and combined by the strongest direction of what they received together, which is
    the matched filter of one voxel: no linear combination has more signal to noise. Averages are turned to agree in frequency
    (within `search_Hz` of each other) and phase; those too weak to tell stay as they are. The largest line's phase is made zero.
    line_broadening_Hz: of the exponential filter, 0 for none. zero_filling: length over that of the readout.
    The receiver stands at water, 4.7 ppm; a line at f turns as exp(-2 pi i f t), and shielded protons at lower ppm are slower.
    Values are in the units of the raw data: of the root sum of squares over the channels.
    Errors: DataError for raw data that is no spectrum's or holds more than one; ValueRangeError for NaN and unphysical options.
    Source: Near et al., NMR Biomed 34:e4257 (2021) for the order of steps; Rodgers and Robson, Magn Reson Med 63:881 (2010) for
    the combination.
    """
    if not (line_broadening_Hz >= 0 and zero_filling >= 1 and search_Hz > 0):
        got = f"line_broadening_Hz {line_broadening_Hz}, zero_filling {zero_filling}, search_Hz {search_Hz}"
        raise ValueRangeError(f"spectrum: got {got}; wanted from 0, from 1 and a positive number.")
    raw = _admitted(raw)
    combined = _combine(raw)
    dwell_s = raw.encoding.dwell_s
    rows, shifts, phases = combined.rows, np.zeros(len(combined.rows)), np.zeros(len(combined.rows))
    if align and len(rows) > 1:
        rows, shifts, phases = aligned(rows, dwell_s, search_Hz)
    mean = rows.mean(axis=0)
    peak_Hz, phase = peak_of(mean * signal_weight(np.abs(mean) ** 2 * len(rows)), dwell_s, 0.5 / dwell_s)
    signal = combined.scale * np.exp(-1j * phase) * mean
    return _assembled(raw, combined, signal, peak_Hz, line_broadening_Hz, zero_filling, shifts, phases)


def _admitted(raw: RawData) -> RawData:
    """The averages alone. Errors: DataError, ValueRangeError."""
    if not is_spectrum(raw):
        matrix = raw.encoding.geometry.encoded_matrix
        raise DataError(
            f"spectrum: {raw.encoding.samples} samples, matrix {matrix}, or k that moves; wanted one voxel and k at rest. "
            "Give a spectroscopy scan, or reconstruct an image."
        )
    admit_signal(raw)
    raw = raw.take(imaging_rows(raw))
    for name in ("slice", "contrast", "phase", "repetition", "set"):
        found = np.unique(raw.encoding.counter(name))
        if len(found) > 1:
            raise DataError(
                f"spectrum: {len(found)} values of the counter {name}, wanted the averages of one. Take one at a time."
            )
    if np.ptp(raw.encoding.samples_per_row()) or np.ptp(raw.encoding.dwell_per_row_s()):
        raise DataError("spectrum: readouts of different lengths or dwell times. Take those of one kind.")
    if not (raw.b0_T > 0 and raw.encoding.dwell_s > 0):
        got = f"field {raw.b0_T} T, dwell time {raw.encoding.dwell_s} s"
        raise DataError(f"spectrum: {got}; without them there is no ppm. Correct the header.")
    return raw


def _combine(raw: RawData) -> _Combined:
    """All channels as one, white."""
    live = live_channels(raw)
    samples = raw.samples[:, live].astype(np.complex128)
    known = raw.noise is not None and bool(np.any(raw.noise))
    silent = False
    if raw.noise is not None and known:
        covariance = noise_covariance(raw.noise[live], raw.noise_dwell_s, raw.encoding.dwell_s)
    else:
        tail = periphery_noise(samples[..., -max(samples.shape[-1] // _TAIL, 1) :].reshape(-1))
        silent = tail < _SILENCE * np.abs(samples).max()
        covariance = max(tail, _SILENCE * float(np.abs(samples).max())) ** 2 * np.eye(samples.shape[1], dtype=np.complex128)
    whitening = whitening_matrix(covariance)
    white = np.einsum("dc,rcs->rds", whitening, samples)
    power = (np.abs(white) ** 2).mean(axis=1)
    weight = signal_weight(power.mean(axis=0))
    _, directions = np.linalg.eigh(np.einsum("rcs,rds,s->cd", white, white.conj(), weight))
    strongest = directions[:, -1]
    scale = float(np.linalg.norm(np.linalg.solve(whitening, strongest)))
    rows = np.einsum("c,rcs->rs", strongest.conj(), white)
    noise = 0.0 if silent else scale
    return _Combined(rows=rows, scale=scale, noise=noise, known=known, channels=int(np.count_nonzero(live)))


def _transform(
    signal: Complex[np.ndarray, " sample"], dwell_s: float, broadening_Hz: float, length: int
) -> tuple[Float[np.ndarray, " n"], Complex[np.ndarray, " n"], float]:
    """Frequencies (falling), values, and the standard deviation of their real part for complex noise of variance 1.

    The first sample counts half, as the trapezium rule has it: without that every line would lift the whole baseline.
    """
    weight = np.exp(-np.pi * broadening_Hz * dwell_s * np.arange(len(signal)))
    weight[0] *= 0.5
    # a free spin gathers exp(-2 pi i f t): the spectrum over f is the inverse transform
    values = 2 * dwell_s * length * np.fft.ifft(signal * weight, length)
    hertz = np.fft.fftshift(np.fft.fftfreq(length, dwell_s))[::-1]
    noise = 2 * dwell_s * float(np.linalg.norm(weight)) / np.sqrt(2)
    return hertz, np.fft.fftshift(values)[::-1], float(noise)


def _assembled(
    raw: RawData,
    combined: _Combined,
    signal: np.ndarray,
    peak_Hz: float,
    broadening_Hz: float,
    zero_filling: int,
    shifts_Hz: np.ndarray,
    phases_rad: np.ndarray,
) -> Spectrum:
    encoding = raw.encoding
    length = zero_filling * len(signal)
    hertz, values, noise = _transform(signal, encoding.dwell_s, broadening_Hz, length)
    fine_Hz, fine, _ = _transform(signal, encoding.dwell_s, broadening_Hz, _FINE * len(signal))
    height, width = _height_and_width(fine_Hz, fine.real, peak_Hz)
    noise_std = noise * combined.noise / float(np.sqrt(len(shifts_Hz)))
    snr = height / noise_std if noise_std > 0 else float("inf")
    receiver_Hz = raw.b0_T * GYROMAGNETIC_RATIO_HZ_PER_T
    told = np.isfinite(shifts_Hz)
    report: dict[str, object] = {
        "channels": combined.channels,
        "averages": len(shifts_Hz),
        "averages_aligned": int(np.count_nonzero(told)),
        "largest_shift_Hz": float(np.abs(shifts_Hz[told]).max(initial=0.0)),
        "line_broadening_Hz": broadening_Hz,
        "zero_filling": zero_filling,
        "noise": "noise scan" if combined.known else "end of the readouts, an upper bound",
        "warning": "none" if snr > _LEAST_SNR else f"no line stands {_LEAST_SNR:g} times above the noise",
    }
    return Spectrum(
        name=encoding.protocol or "spectrum",
        ppm=_centred(hertz, receiver_Hz),
        values=values,
        noise_std=noise_std,
        signal=signal,
        dwell_s=encoding.dwell_s,
        receiver_Hz=receiver_Hz,
        peak_ppm=float(_centred(np.array([peak_Hz]), receiver_Hz)[0]),
        line_width_Hz=width,
        snr=snr,
        encoding=encoding,
        shifts_Hz=shifts_Hz,
        phases_rad=phases_rad,
        report=report,
    )


def _centred(hertz: np.ndarray, receiver_Hz: float) -> np.ndarray:
    return np.asarray(CENTRE_PPM + 1e6 * hertz / receiver_Hz)


def _height_and_width(hertz: np.ndarray, real: np.ndarray, peak_Hz: float) -> tuple[float, float]:
    """Of the line at `peak_Hz`: the real part there, and its full width where it has fallen to half."""
    top = int(np.abs(hertz - peak_Hz).argmin())
    height = float(real[top])
    ends = []
    for step in (-1, 1):
        side = real[top:] if step > 0 else real[top::-1]
        below = np.flatnonzero(side < height / 2)
        if not len(below):
            return height, float("nan")
        after = int(below[0])
        part = (side[after - 1] - height / 2) / (side[after - 1] - side[after])
        ends.append(after - 1 + float(part))
    return height, sum(ends) * abs(float(hertz[1] - hertz[0]))
