"""The trajectory that was really played: the nominal one, and what a measured gradient response (GIRF) adds to it.

k(t) = k_nominal(t) + sum over axes of integral of (h_a - delta) * G_a dt since the excitation, and the receiver turned by what
the axes' uniform fields gather meanwhile. Source: Vannesjo et al., Magn Reson Med 76:45 (2016).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from scipy.interpolate import CubicSpline

from fullbore.data import AcquisitionFlag, GradientImpulseResponse, RawData, Sequence
from fullbore.errors import DataError, ValueRangeError
from fullbore.numerics.response_filter import EARLY, departure_kernel
from fullbore.recon.admission import imaging_rows
from fullbore.recon.calibration.epi_phase import backward_rows
from fullbore.recon.calibration.lead_in import lead_in_moments, lead_in_s
from fullbore.recon.calibration.played_sequence import play_sequence

# Waveforms are followed in steps no longer than this.
_STEP_S = 5e-6
# Cells of k-space that may lie beyond the frequencies that were measured; between the nominal path and the sequence's.
_BEYOND, _APART = 0.1, 0.25
_ROWS_LOOKED_AT = 16
_BLOCK_BYTES = 1 << 26


def with_played_path(raw: RawData, response: GradientImpulseResponse, sequence: Sequence | None = None) -> RawData:
    """The same readouts where gradients really were, and turned back by what the uniform fields did to them.

    sequence: what was played, when it is known: every gradient since the excitation and before counts. Without one each readout
    stands for itself: from rest, by the shortest lobe and ramp, to where its trajectory begins; what earlier readouts left
    behind is not known, nor what the uniform fields had gathered by then: their turns are left alone.
    A machine without flaws changes no bit.
    Errors: DataError for a sequence whose readouts are not these, and for trains of both polarities without a sequence;
    ValueRangeError for a response that ends below what the readouts hold, or is sampled too coarsely.
    """
    _check_band(raw, response)
    if sequence is None:
        added = _added_to_each(raw, response)
        told = "from each readout's own trajectory; what was played before it is a guess, uniform fields are left alone"
    else:
        added = _added_by(raw, response, sequence)
        told = f"from the whole sequence {sequence.name}"
    nominal = _nominal(raw)
    cells = np.abs(added[imaging_rows(raw), :, :3] * np.array(raw.encoding.geometry.fov_m)).max(initial=0)
    samples = raw.samples if raw.trajectory_per_m is not None else _from_isocentre(raw, nominal)
    if np.any(added[..., 3]):
        samples = samples * np.exp(2j * np.pi * added[..., 3]).astype(np.complex64)[:, None, :]
    moved = f"by the measured gradient response, {told}; samples move by up to {cells:.2g} cells"
    return replace(
        raw,
        samples=samples,
        trajectory_per_m=nominal + added[..., :3],
        provenance={**raw.provenance, "trajectory": moved},
    )


def _nominal(raw: RawData) -> Float[np.ndarray, "row sample 3"]:
    return raw.encoding.trajectory_per_m() if raw.trajectory_per_m is None else raw.trajectory_per_m


def _from_isocentre(raw: RawData, nominal: Float[np.ndarray, "row sample 3"]) -> np.ndarray:
    """Samples whose receiver followed the nominal path of the image's centre, as if it had stayed at the isocentre."""
    geometry = raw.encoding.geometry
    centre = geometry.centre_m + geometry.slice * (geometry.slice_offsets_m[0] if geometry.is_3d else 0.0)
    if not geometry.is_3d:
        centre = centre - geometry.slice * (geometry.slice @ centre)
    if not np.any(centre):
        return raw.samples
    return np.asarray(raw.samples * np.exp(-2j * np.pi * (nominal @ centre)).astype(np.complex64)[:, None, :])


def _added_by(raw: RawData, response: GradientImpulseResponse, sequence: Sequence) -> Float[np.ndarray, "row sample 4"]:
    readouts = sequence.encoding.rows
    if (readouts, sequence.encoding.samples) != (raw.encoding.rows, raw.encoding.samples):
        raise DataError(
            f"gradient response, sequence {sequence.name}: {readouts} readouts of up to {sequence.encoding.samples} samples, the "
            f"raw data have {raw.encoding.rows} of {raw.encoding.samples}. Give the sequence that was played."
        )
    played = play_sequence(sequence, response)
    away = np.abs(played.nominal_per_m - _nominal(raw)) * np.array(raw.encoding.geometry.fov_m)
    held = np.arange(raw.encoding.samples)[None] < raw.encoding.samples_per_row()[:, None]
    apart = float(away[held & imaging_rows(raw)[:, None]].max(initial=0))
    if apart > _APART:
        raise DataError(
            f"gradient response, sequence {sequence.name}: its readouts lie up to {apart:.2g} cells away from where the raw data "
            "say that they are. Give the sequence that was played."
        )
    return played.added


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Approach:
    """Readouts as k at even steps from rest on: the way in, then the readout, `fine` steps to a sample."""

    moments: Float[np.ndarray, "row step 3"]
    before: int
    fine: int
    step_s: float


def _added_to_each(raw: RawData, response: GradientImpulseResponse) -> Float[np.ndarray, "row sample 4"]:
    imaging = imaging_rows(raw)
    backward = backward_rows(raw)[imaging]
    if backward.any() and not backward.all():
        raise DataError(
            "gradient response: readouts run both ways, as in a train, and their trajectory does not tell what was played "
            "between them. Give the sequence too."
        )
    noise = (raw.encoding.flags.astype(np.uint64) & np.uint64(AcquisitionFlag.NOISE)) != 0
    added = np.zeros((raw.encoding.rows, raw.encoding.samples, 4))
    dwell_s, count = raw.encoding.dwell_per_row_s(), raw.encoding.samples_per_row()
    kinds, kind = np.unique(np.stack([dwell_s, count], axis=1), axis=0, return_inverse=True)
    for number, (dwell, samples) in enumerate(kinds.tolist()):
        rows = np.flatnonzero((kind.reshape(-1) == number) & ~noise)
        each = max(1, _BLOCK_BYTES // (240 * int(samples) * math.ceil(dwell / _STEP_S)))
        for first in range(0, len(rows), each):
            part = rows[first : first + each]
            found = _added_to_alike(_nominal(raw)[part, : int(samples)], dwell, response)
            added[part, : int(samples), :3] = found
            added[part, int(samples) :, :3] = found[:, -1:]
    return added


def _added_to_alike(
    path: Float[np.ndarray, "row sample 3"], dwell_s: float, response: GradientImpulseResponse
) -> Float[np.ndarray, "row sample 3"]:
    if path.shape[1] < 4:
        return np.zeros(path.shape)
    way = _approach(path, dwell_s)
    steps = np.diff(way.moments, axis=1)
    steps = np.concatenate([steps, np.repeat(steps[:, -1:], EARLY, axis=1)], axis=1)
    kernel = departure_kernel(response.frequency_Hz, response.response[:3], way.step_s, steps.shape[1] * way.step_s)
    gathered = np.cumsum(kernel.applied(steps), axis=1)
    return np.asarray(gathered[:, way.before - 1 + way.fine * np.arange(path.shape[1])])


def _approach(path: Float[np.ndarray, "row sample 3"], dwell_s: float) -> _Approach:
    fine = math.ceil(dwell_s / _STEP_S - 1e-9)
    step_s, samples = dwell_s / fine, path.shape[1]
    course = path
    if fine > 1:
        course = CubicSpline(np.arange(samples), path, axis=1)(np.arange((samples - 1) * fine + 1) / fine)
    speed = (course[:, 1] - course[:, 0]) / step_s
    before = math.ceil(lead_in_s(path[:, 0], speed) / step_s) + EARLY
    way_in = lead_in_moments(path[:, 0], speed, step_s * np.arange(before, 0, -1))
    return _Approach(moments=np.concatenate([way_in, course], axis=1), before=before, fine=fine, step_s=step_s)


def _check_band(raw: RawData, response: GradientImpulseResponse) -> None:
    rows = _some(np.flatnonzero(imaging_rows(raw)))
    top_Hz = float(response.frequency_Hz[-1])
    path = _nominal(raw)[rows]
    if not len(rows) or path.shape[1] < 4:
        return
    if not np.isfinite(path).all():
        raise ValueRangeError("raw data, trajectory: NaN or infinity. Export it again or leave it out.")
    way = _approach(path, float(raw.encoding.dwell_per_row_s()[rows].min()))
    steps = np.diff(way.moments, axis=1)
    there_and_back = np.concatenate([steps, steps[:, ::-1]], axis=1)
    spectrum = np.fft.rfft(there_and_back, axis=1)
    spectrum[:, np.fft.rfftfreq(there_and_back.shape[1], way.step_s) <= top_Hz] = 0
    beyond = np.cumsum(np.fft.irfft(spectrum, there_and_back.shape[1], axis=1), axis=1)
    cells = float(np.abs(beyond * np.array(raw.encoding.geometry.fov_m)).max())
    if cells > _BEYOND:
        raise ValueRangeError(
            f"gradient response: it ends at {top_Hz:g} Hz, and {cells:.2g} cells of the readouts' path (a dwell of "
            f"{raw.encoding.dwell_s * 1e6:g} us) lie beyond. Measure it to higher frequencies."
        )


def _some(rows: Int[np.ndarray, " n"]) -> Int[np.ndarray, " m"]:
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), _ROWS_LOOKED_AT)).round().astype(np.int64))]
