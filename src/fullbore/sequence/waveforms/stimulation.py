"""How much a waveform stimulates nerves, and how much of it sounds in forbidden bands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from fullbore.data import StimulationModel
from fullbore.physics.stimulation import filter_peaks, nerve_exponentials
from fullbore.sequence.waveforms.waveform import Waveform


@dataclass(frozen=True, slots=True, kw_only=True)
class NerveLimit:
    """A share of the nerves' threshold that a waveform may reach (0.8: IEC's normal mode).

    turned: the waveform will be rotated at will, so that every axis counts with the longest effective length; else axis i of
    the waveform is the scanner's axis i.
    """

    model: StimulationModel
    share: float = 0.8
    turned: bool = True


def nerve_response(waveform: Waveform, limit: NerveLimit) -> Float[np.ndarray, " step"]:
    """Share of the nerves' threshold at the worst instant of each raster step, from rest before the waveform.

    Axes are combined by root sum of squares. The same filter as the safety check's.
    """
    axes = waveform.values_T_per_m.shape[1]
    lengths = np.asarray(limit.model.effective_length_m)
    length = np.full(axes, lengths.max()) if limit.turned else lengths[:axes]
    slew = waveform.slew_T_per_m_s
    rates, weights = nerve_exponentials(limit.model.chronaxie_s)
    step = np.zeros_like(slew)
    step[0] = waveform.values_T_per_m[0] * length
    response = filter_peaks(
        np.full(len(slew), waveform.raster_s), slew * length, step, rates, weights, np.zeros((axes, len(rates)))
    )
    return np.asarray(np.linalg.norm(response, axis=1) / limit.model.rheobase_T_per_s)


def band_share(waveform: Waveform, band_Hz: tuple[float, float]) -> float:
    """Share of a waveform's energy, all axes together, at frequencies within a band."""
    values = waveform.values_T_per_m
    size = 8 * len(values)
    power = (np.abs(np.fft.rfft(values, size, axis=0)) ** 2).sum(axis=1)
    frequency = np.fft.rfftfreq(size, waveform.raster_s)
    inside = (frequency >= band_Hz[0]) & (frequency <= band_Hz[1])
    return float(power[inside].sum() / power.sum())
