"""A linear system known by samples of its frequency response: interpolated, as a kernel of lags, applied, and measured.

Spectra are integrals of exp(-2 pi i f t). A system is held as its departure from what it should be, so that a perfect one
changes nothing, to the last bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float
from scipy.fft import next_fast_len
from scipy.interpolate import CubicSpline

from fullbore.errors import ValueRangeError

# The part of the band below the highest frequency of a kernel over which its response fades to none.
_FADE = 0.2
# Lags before 0 that a kernel holds: of what is early, and of the band's own end.
EARLY = 256
_AUDIBLE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LagKernel:
    """values[output, input, n]: what an input adds to an output n - EARLY samples later."""

    values: Float[np.ndarray, "output input lag"]

    def applied(self, inputs: Float[np.ndarray, "row n input"]) -> Float[np.ndarray, "row n output"]:
        """Outputs at the inputs' own times; beyond their ends inputs are zero."""
        rows, count, _ = inputs.shape
        lags = self.values.shape[2]
        size = next_fast_len(count + lags - 1, real=True)
        result = np.zeros((rows, count, len(self.values)))
        spectra: dict[int, np.ndarray] = {}
        for out, into in np.argwhere(np.any(self.values != 0, axis=2)).tolist():
            if into not in spectra:
                spectra[into] = np.fft.rfft(inputs[:, :, into], size, axis=1)
            product = spectra[into] * np.fft.rfft(self.values[out, into], size)
            result[:, :, out] += np.fft.irfft(product, size, axis=1)[:, EARLY : EARLY + count]
        return result


def delays_s(
    frequency_Hz: Float[np.ndarray, " f"], response: Complex[np.ndarray, "output input f"]
) -> Float[np.ndarray, " input"]:
    """Of each input, by the phase of its own output from frequency to frequency, in least squares.

    Errors: ValueRangeError where the phase turns by more than a quarter from one frequency to the next: they are too far apart.
    """
    found = np.zeros(response.shape[1])
    df = np.diff(frequency_Hz)
    for axis in range(len(found)):
        own = response[axis, axis]
        step = own[1:] * own[:-1].conj()
        turn = np.angle(step) / (2 * np.pi)
        heard = np.abs(step) > _AUDIBLE * np.abs(step).max(initial=0)
        if np.any(np.abs(turn[heard]) > 0.25):
            at = int(np.argmax(heard & (np.abs(turn) > 0.25)))
            raise ValueRangeError(
                f"frequency response, axis {'xyz'[axis]}: its phase turns by {360 * turn[at]:.0f} degrees between "
                f"{frequency_Hz[at]:g} and {frequency_Hz[at + 1]:g} Hz. Sample it more finely."
            )
        weight = np.abs(step) * df
        found[axis] = -float((weight * turn).sum() / max(float((weight * df).sum()), 1e-300))
    return found


def response_at(
    frequency_Hz: Float[np.ndarray, " f"], response: Complex[np.ndarray, "output input f"], wanted_Hz: Float[np.ndarray, " w"]
) -> Complex[np.ndarray, "output input w"]:
    """The response between its samples by cubic splines, its delays taken out meanwhile.

    Below the first sample and beyond the last its size stays and its delay goes on. Errors: those of `delays_s`.
    """
    delay = delays_s(frequency_Hz, response)[:, None]
    prompt = response * np.exp(2j * np.pi * frequency_Hz * delay)
    at = frequency_Hz
    if at[0] > 0:
        at, prompt = np.concatenate([[0.0], at]), np.concatenate([prompt[..., :1], prompt], axis=-1)
    prompt[..., 0] = prompt[..., 0].real  # what a real system makes of a constant
    inside = CubicSpline(at, prompt, axis=-1)(np.minimum(wanted_Hz, at[-1]))
    return np.asarray(inside * np.exp(-2j * np.pi * wanted_Hz * delay))


def departure_kernel(
    frequency_Hz: Float[np.ndarray, " f"],
    response: Complex[np.ndarray, "output input f"],
    step_s: float,
    memory_s: float,
) -> LagKernel:
    """What a system adds to an output that should equal its input (output i to input i), at samples `step_s` apart.

    memory_s: lags that are held; what a finer grid of frequencies would tell of later ones is not known.
    The uppermost fifth of the band that samples can hold fades to none. Errors: those of `delays_s`.
    """
    lags = max(1, math.ceil(min(memory_s, 1 / float(np.diff(frequency_Hz).min())) / step_s))
    size = next_fast_len(2 * (lags + 2 * EARLY), real=True)
    wanted = np.fft.rfftfreq(size, step_s)
    ideal = np.eye(*response.shape[:2])[:, :, None]
    departure = response_at(frequency_Hz, response, wanted) - ideal
    share = np.clip((1 - wanted / wanted[-1]) / _FADE, 0, 1)
    whole = np.fft.irfft(departure * np.sin(0.5 * np.pi * share) ** 2, size, axis=-1)
    kernel = np.concatenate([whole[..., -EARLY:], whole[..., : lags + 1]], axis=-1)
    kernel[..., EARLY] += departure[..., 0].real - kernel.sum(axis=-1)  # a constant in, the same constant out
    return LagKernel(values=kernel)


def divided_spectra(
    asked: Float[np.ndarray, "wave n"], got: Float[np.ndarray, "wave output n"], step_s: float, own: int, floor: float
) -> tuple[Float[np.ndarray, " f"], Complex[np.ndarray, "output f"]]:
    """Frequencies at which the inputs have power, and the response there in least squares over all waves.

    own: the output that should equal the input. floor: power below this part of the largest is left out; a hundredth of it as
    noise draws the response there towards the ideal one, by 1 % at most. Source: Vannesjo et al., Magn Reson Med 69:583 (2013).
    """
    frequency = np.fft.rfftfreq(asked.shape[1], step_s)
    inputs, outputs = np.fft.rfft(asked, axis=-1), np.fft.rfft(got, axis=-1)
    outputs[:, own] -= inputs
    power = (np.abs(inputs) ** 2).sum(axis=0)
    least = floor * float(power.max(initial=0.0))
    result = (inputs.conj()[:, None] * outputs).sum(axis=0) / np.maximum(power + 0.01 * least, 1e-300)
    result[own] += 1
    heard = power > least
    return frequency[heard], result[:, heard]
