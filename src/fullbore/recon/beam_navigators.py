"""Where an edge along a pencil beam has gone, such as the dome of the diaphragm, from navigators read along the beam."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fullbore.data import AcquisitionFlag, RawData
from fullbore.errors import DataError, ValueRangeError

FINER = 16
"""Points of a profile for each sample."""


def beam_profiles(raw: RawData) -> tuple[Float[np.ndarray, " place"], Float[np.ndarray, "navigator place"]]:
    """Places along the beam from the isocentre's foot on it (m, along the readout) and the magnitude there at every navigator.

    The transform of each readout under a Hann window, FINER points for each sample; coils by the root of their squares.
    Errors: DataError where there is no navigator along one beam.
    """
    encoding = raw.encoding
    flagged = (encoding.flags.astype(np.uint64) & np.uint64(AcquisitionFlag.NAVIGATION)) != 0
    rows = np.flatnonzero(flagged)
    if not len(rows) or np.ptp(encoding.k_step_per_m[rows], axis=0).max() > 1e-9:
        raise DataError("raw data: no navigators along one beam. Measure with beam_navigated_gre_3d.")
    step = encoding.k_step_per_m[rows[0]]
    spacing = float(np.linalg.norm(step))
    k = encoding.take(rows[:1]).trajectory_per_m()[0] @ (step / spacing)
    count = FINER * len(k)
    place = (np.arange(count) - count // 2) / (count * spacing)
    window = np.cos(np.pi * (np.arange(len(k)) - np.argmin(np.abs(k))) / len(k)) ** 2
    turns = np.exp(2j * np.pi * np.outer(k, place)) * window[:, None]
    power = sum(np.abs(raw.samples[rows, coil] @ turns) ** 2 for coil in range(raw.samples.shape[1]))
    return place, np.sqrt(np.asarray(power, np.float64))


def beam_shifts_m(raw: RawData, within_m: tuple[float, float] | None = None) -> Float[np.ndarray, " navigator"]:
    """Shift along the beam of the edges within (from, to) m of the beam, at every navigator against the first.

    The lag at which the profile's slope is most like the first one's: the peak of their correlation, a parabola through its
    three highest points. within_m: None for the whole beam; it must hold the edge at every navigator, and no other.
    Errors: as `beam_profiles`; ValueRangeError where the stretch lies outside of what was read.
    Source: Ehman, Felmlee, Radiology 173:255 (1989).
    """
    place, profiles = beam_profiles(raw)
    low, high = within_m or (float(place[0]), float(place[-1]))
    inside = np.flatnonzero((place >= low) & (place <= high))
    if len(inside) < 3 * FINER or low < place[0] or high > place[-1]:
        got = f"{low * 1e3:.4g} to {high * 1e3:.4g} mm"
        wanted = f"a stretch of {3e3 * FINER * (place[1] - place[0]):.1f} mm or more in"
        raise ValueRangeError(
            f"within_m: got {got}, wanted {wanted} {place[0] * 1e3:.1f} to {place[-1] * 1e3:.1f} mm. Give where the edge moves."
        )
    slopes = np.gradient(profiles, axis=1)[:, inside]
    lags = [_lag(slope, slopes[0]) for slope in slopes]
    return np.array(lags) * (place[1] - place[0])


def _lag(now: Float[np.ndarray, " place"], first: Float[np.ndarray, " place"]) -> float:
    """Points by which `now` lies after `first`."""
    likeness = np.correlate(now, first, mode="full")
    top = int(np.clip(likeness.argmax(), 1, len(likeness) - 2))
    before, here, after = likeness[top - 1 : top + 2]
    bend = before - 2 * here + after
    return float(top - (len(first) - 1) + (0.5 * (before - after) / bend if bend else 0.0))
