"""The gradients' impulse response from gradients that were asked for and fields that were measured."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.data import GradientImpulseResponse
from fullbore.errors import DataError, ShapeError, ValueRangeError
from fullbore.numerics.response_filter import divided_spectra


def measured_impulse_response(
    asked_T_per_m: Float[np.ndarray, "axis wave n"],
    measured: Float[np.ndarray, "axis wave component n"],
    step_s: float,
    *,
    floor: float = 1e-4,
) -> GradientImpulseResponse:
    """The response by spectral division, over all waveforms of an axis together.

    asked_T_per_m: waveforms (chirps, or triangles of several lengths, so that one fills the other's gaps) played on x, y, z in
    turn. measured: x, y, z gradient, T/m, and, where there is a fourth component, uniform field, T, of each. Both begin and end
    at rest: frequencies are 1 / (n step_s) apart, and what rings on longer is not seen.
    floor: power, relative to the largest, below which a frequency is left out; the response ends where one axis's power does.
    Errors: ShapeError, ValueRangeError for NaN; DataError for waveforms that share too few frequencies.
    Source: Vannesjo et al., Magn Reson Med 69:583 (2013).
    """
    axes, waves, count = asked_T_per_m.shape
    if axes != 3 or measured.shape[:2] != (3, waves) or measured.shape[2] not in (3, 4) or measured.shape[3] != count:
        wanted = f"(3, wave, {count}) and (3, {waves}, 3 or 4, {count})"
        raise ShapeError(f"measured_impulse_response: got {asked_T_per_m.shape} and {measured.shape}, wanted {wanted}.")
    if not (np.isfinite(asked_T_per_m).all() and np.isfinite(measured).all() and step_s > 0 and 0 < floor < 1):
        raise ValueRangeError("measured_impulse_response: wanted finite waveforms, step_s > 0 and a floor between 0 and 1.")
    parts = [divided_spectra(asked_T_per_m[a], measured[a], step_s, a, floor) for a in range(3)]
    shared = sorted(set.intersection(*(set(frequency.tolist()) for frequency, _ in parts)))
    if len(shared) < 8:
        raise DataError(
            f"measured_impulse_response: the waveforms of all axes have power at {len(shared)} frequencies, wanted at least 8. "
            "Play longer or shorter ones too."
        )
    response = np.zeros((4, 3, len(shared)), np.complex128)
    for axis, (frequency, values) in enumerate(parts):
        response[: values.shape[0], axis] = values[:, np.isin(frequency, shared)]
    return GradientImpulseResponse(frequency_Hz=np.array(shared), response=response)
