"""A measured gradient impulse response function (GIRF): what the bore makes of each frequency of a gradient asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.errors import ShapeError, ValueRangeError

FEWEST = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GradientImpulseResponse:
    """A calibration that belongs to one machine and is brought along, sampled in frequency.

    frequency_Hz: (f,), rising, from 0 or above. response: complex (4, 3, f): spectrum of component i of the field (x, y and z
    gradient, and the uniform field, T per T/m) over that of the gradient asked for on axis a (x, y, z, patient LPS); spectra
    are integrals of exp(-2 pi i f t). An ideal machine's is 1 on the diagonal and 0 elsewhere.
    Errors: ShapeError for other shapes; ValueRangeError for NaN, too few frequencies or a grid that does not rise.
    """

    frequency_Hz: np.ndarray
    response: np.ndarray

    def __post_init__(self) -> None:
        count = len(self.frequency_Hz)
        if self.frequency_Hz.shape != (count,) or self.response.shape != (4, 3, count):
            got = (self.frequency_Hz.shape, self.response.shape)
            raise ShapeError(f"GradientImpulseResponse: got frequencies and response of {got}, wanted (f,) and (4, 3, f).")
        if count < FEWEST:
            raise ValueRangeError(f"GradientImpulseResponse.frequency_Hz: got {count} frequencies, wanted at least {FEWEST}.")
        if not (np.isfinite(self.frequency_Hz).all() and np.isfinite(self.response).all()):
            raise ValueRangeError("GradientImpulseResponse: NaN or infinity. Leave those frequencies out.")
        if self.frequency_Hz[0] < 0 or np.any(np.diff(self.frequency_Hz) <= 0):
            place = int(np.argmax(np.diff(self.frequency_Hz) <= 0)) + 1
            raise ValueRangeError(
                f"GradientImpulseResponse.frequency_Hz: {self.frequency_Hz[place]:g} Hz after "
                f"{self.frequency_Hz[place - 1]:g} Hz; wanted frequencies that rise, from 0 or above. Sort them."
            )
