"""What a spectroscopy scan of one voxel gives: a spectrum over chemical shift, with its noise."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fullbore.data.encoding import Encoding
from fullbore.errors import ShapeError, ValueRangeError

CENTRE_PPM = 4.7
"""Chemical shift of water at body temperature, where the receiver stands."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spectrum:
    """A complex spectrum of one voxel.

    ppm: (n,), falling, as spectra are drawn. values: complex (n,), the real part in absorption; the area of a line in its real
    part over Hz is the line's amplitude at the first sample. noise_std: of the real part of every value.
    signal: complex (sample,), what was transformed, before apodisation and zero filling, every `dwell_s`; a line at f from
    the receiver turns as exp(-2 pi i f t). receiver_Hz: what `centre_ppm` stands at.
    peak_ppm, line_width_Hz, snr: of the largest line: where, its full width at half height, its height over `noise_std`.
    encoding: of the averages that were used, with the voxel as its geometry. shifts_Hz, phases_rad: (average,), what was taken
    out of each, NaN where it was too weak to tell.
    """

    name: str
    ppm: np.ndarray
    values: np.ndarray
    noise_std: float
    signal: np.ndarray
    dwell_s: float
    receiver_Hz: float
    peak_ppm: float
    line_width_Hz: float
    snr: float
    encoding: Encoding
    shifts_Hz: np.ndarray
    phases_rad: np.ndarray
    centre_ppm: float = CENTRE_PPM
    report: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.ppm.ndim != 1 or self.values.shape != self.ppm.shape:
            raise ShapeError(f"Spectrum.values: got {self.values.shape}, wanted one for each of {self.ppm.shape} ppm.")
        if np.any(np.diff(self.ppm) >= 0):
            raise ValueRangeError("Spectrum.ppm: does not fall throughout. Give the axis from left to right, as it is drawn.")
        if not (self.dwell_s > 0 and self.receiver_Hz > 0):
            raise ValueRangeError(f"Spectrum: dwell time {self.dwell_s} s at {self.receiver_Hz} Hz, wanted positive numbers.")

    @property
    def hertz(self) -> np.ndarray:
        """Frequency from the receiver's, (n,), falling."""
        return np.asarray((self.ppm - self.centre_ppm) * 1e-6 * self.receiver_Hz)
