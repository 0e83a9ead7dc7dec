"""From a brief to a spectrometer: every clock, converter and attenuator on offer is judged, the least that does is taken."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fullbore.errors import LimitError
from fullbore.hardware.spectrometer.brief import SpectrometerBrief
from fullbore.hardware.spectrometer.machine import Spectrometer, clocks_of, digital_of, judged, shortfalls_dB
from fullbore.hardware.spectrometer.refusal import refuse, refuse_clock, refuse_filter

Progress = Callable[[float, str], None]


def candidates(brief: SpectrometerBrief, progress: Progress | None = None) -> list[Spectrometer]:
    """All machines on offer, the plainest first: fewest bits, slowest clock, least attenuation.

    Errors: LimitError where no clock, or no filter, can be had at all.
    """
    clocks, filters = clocks_of(brief), []
    if not clocks:
        refuse_clock(brief)
    for number, (rate, decimation) in enumerate(clocks):
        if progress is not None:
            progress(number / len(clocks), f"filters at {rate / 1e6:.4g} MHz")
        try:
            filters.append((rate, digital_of(brief, rate, decimation)))
        except LimitError:
            continue
    if not filters:
        refuse_filter(brief)
    most, step = brief.attenuator.most_dB, brief.attenuator.step_dB
    losses = np.arange(int(most / step + 1e-9) + 1) * step
    bits = sorted(brief.converter.bits)
    return [judged(brief, rate, digital, n, float(loss)) for n in bits for rate, digital in filters for loss in losses]


def design_spectrometer(brief: SpectrometerBrief, progress: Progress | None = None) -> Spectrometer:
    """The plainest machine that keeps every demand.

    Errors: LimitError where none does: what binds, and the nearest brief, which has been designed.
    """
    offered = candidates(brief, progress)
    for made in offered:
        if not shortfalls_dB(made, brief):
            if progress is not None:
                progress(1.0, "")
            return made
    refuse(brief, offered)
