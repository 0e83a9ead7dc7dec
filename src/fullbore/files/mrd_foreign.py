"""MRD files of other people's scanners and generators: what they share is turned into our nouns, the rest is said.

Conventions met in the wild and what is done about them
- several encodings: the first that imaging acquisitions use; the others are left out;
- navigators, phase correction, feedback and dummy acquisitions are left out; reversed readouts are turned round;
- k-space centre: the header's limits name it; where they do not it is half the encoded matrix;
- Siemens states directions for a forward Fourier transform: its samples are conjugated
  (found independently in github.com/PTB-MR/mrpro, pull request 833);
- MRD defines no unit for trajectories: those of Cartesian acquisitions are not used, others are scaled to their extent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fullbore.data import AcquisitionFlag, Encoding, Geometry, RawData
from fullbore.data.encoding import COUNTERS
from fullbore.errors import FormatError
from fullbore.files.cartesian import Timing, cartesian_encoding, slice_stack
from fullbore.files.mrd_header import FORMAT_NAME, EncodingSpace, Header, coil_name_of
from fullbore.files.mrd_layout import COUNTER_FIELDS, NOT_IMAGING
from fullbore.files.mrd_rows import Rows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Selection:
    """Imaging acquisitions of one encoding and one size. wanted: their numbers, rising."""

    wanted: np.ndarray
    noise: np.ndarray
    space: EncodingSpace
    notes: tuple[str, ...]


def convert(header: Header, rows: Rows, who: str) -> RawData:
    """The `RawData` of an MRD file that Fullbore did not write; what was left out or assumed is in its provenance.

    Errors: FormatError when it has no imaging acquisition or contradicts itself; ValueRangeError for NaN.
    """
    chosen = _select(header, rows, who)
    heads = rows.heads[chosen.wanted]
    pre, post = int(_column(heads, "discard_pre").max()), int(_column(heads, "discard_post").max())
    stored = int(heads["number_of_samples"][0])
    if pre + post >= stored:
        raise FormatError(f"{who}: all {stored} samples of a readout are marked for discarding. Export the data again.")
    dimensions = 0 if chosen.space.trajectory == "cartesian" else int(heads["trajectory_dimensions"][0])
    samples, path = rows.load(chosen.wanted, stored, dimensions)
    samples, path = samples[..., pre : stored - post], None if path is None else path[:, pre : stored - post]
    encoding, notes = _encode(header, chosen, heads, samples.shape[2], pre, who)
    samples = _turned_round(samples, heads)
    noise = rows.load_noise(chosen.noise)
    if "siemens" in header.system.lower():
        samples, noise = samples.conj(), None if noise is None else noise.conj()
        notes = (*notes, "Siemens: samples conjugated")
    noise_dwell = float(_column(rows.heads, "sample_time_us")[chosen.noise[0]]) * 1e-6 if len(chosen.noise) else 0.0
    return RawData(
        encoding=encoding,
        samples=samples,
        b0_T=header.b0_T,
        noise=noise,
        noise_dwell_s=noise_dwell,
        trajectory_per_m=None if path is None else _scaled_path(path, encoding.geometry, FORMAT_NAME in header.strings),
        coil_name=coil_name_of(header),
        system=header.system,
        provenance={"source": "MRD", "assumed": "; ".join((*chosen.notes, *notes)) or "nothing"},
    )


def _select(header: Header, rows: Rows, who: str) -> _Selection:
    flags = rows.heads["flags"].astype(np.uint64)
    is_noise = (flags & np.uint64(AcquisitionFlag.NOISE)) != 0
    skipped = ((flags & np.uint64(NOT_IMAGING)) != 0) & ~is_noise
    reference = _column(rows.heads, "encoding_space_ref").astype(int)
    imaging = np.flatnonzero(~is_noise & ~skipped)
    if not len(imaging):
        raise FormatError(f"{who}: none of its {len(flags)} acquisitions is an image readout. Give the imaging measurement.")
    which = min(int(reference[imaging[0]]), len(header.encodings) - 1)
    notes = [f"{int(skipped.sum())} acquisitions that are not imaging left out"] if skipped.any() else []
    if len(header.encodings) > 1:
        notes.append(f"encoding {which} of {len(header.encodings)} taken")
        imaging = imaging[reference[imaging] == reference[imaging[0]]]
    wanted, odd = _of_one_size(rows.heads, imaging)
    if odd:
        notes.append(f"{odd} readouts of another size left out")
    wanted, repeated = _without_repeated_calibration(rows.heads, wanted)
    if repeated:
        notes.append(f"{repeated} calibration readouts left out that imaging readouts repeat")
    noise = np.flatnonzero(is_noise & (rows.heads["active_channels"] == rows.heads["active_channels"][wanted[0]]))
    return _Selection(wanted=wanted, noise=noise, space=header.encodings[which], notes=tuple(notes))


def _column(heads: np.ndarray, name: str) -> np.ndarray:
    """A field of the heads, zero where an old or odd writer left it out."""
    return np.asarray(heads[name]) if name in (heads.dtype.names or ()) else np.zeros(len(heads))


def _of_one_size(heads: np.ndarray, imaging: np.ndarray) -> tuple[np.ndarray, int]:
    """The acquisitions of the most common (samples, channels), and how many others there were."""
    sizes = np.stack([heads["number_of_samples"][imaging], heads["active_channels"][imaging]], axis=1)
    _, which, counts = np.unique(sizes, axis=0, return_inverse=True, return_counts=True)
    wanted = imaging[np.ravel(which) == np.argmax(counts)]
    return wanted, len(imaging) - len(wanted)


def _without_repeated_calibration(heads: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, int]:
    """Drop readouts that are calibration only where an imaging readout has the same counters."""
    chosen = heads[wanted]
    only = (chosen["flags"].astype(np.uint64) & np.uint64(AcquisitionFlag.CALIBRATION)) != 0
    both = (chosen["flags"].astype(np.uint64) & np.uint64(AcquisitionFlag.CALIBRATION_AND_IMAGING)) != 0
    only &= ~both
    if not only.any() or only.all():
        return wanted, 0
    names = [COUNTER_FIELDS[name] for name in ("line", "partition", "slice", "contrast", "phase", "repetition", "set")]
    keys = np.stack([chosen["idx"][name] for name in names], axis=1)
    imaged = {tuple(key) for key in keys[~only].tolist()}
    repeated = np.array([is_only and tuple(key) in imaged for is_only, key in zip(only, keys.tolist(), strict=True)])
    return wanted[~repeated], int(repeated.sum())


def _encode(
    header: Header, chosen: _Selection, heads: np.ndarray, samples: int, pre: int, who: str
) -> tuple[Encoding, tuple[str, ...]]:
    counters = np.stack([heads["idx"][COUNTER_FIELDS[name]] for name in COUNTERS], axis=1).astype(np.int32)
    space, notes = _consistent_space(chosen.space, counters, who)
    geometry, order = _geometry(space, heads, counters[:, COUNTERS.index("slice")])
    counters[:, COUNTERS.index("slice")] = order
    centre = _centre_sample(heads, samples, pre)
    flags = heads["flags"].astype(np.uint64) & ~np.uint64(AcquisitionFlag.REVERSE)
    timing = Timing(
        repetition_time_s=header.repetition_time_s,
        echo_times_s=header.echo_times_s,
        inversion_times_s=header.inversion_times_s,
        flip_rad=header.flip_rad,
        dwell_s=float(_column(heads, "sample_time_us")[0]) * 1e-6,
        echo_spacing_s=header.echo_spacing_s,
        echo_train_length=space.echo_train_length,
    )
    encoding = cartesian_encoding(
        geometry,
        samples=samples,
        centre_sample=centre,
        counters=counters,
        flags=flags,
        timing=timing,
        protocol=header.protocol,
        on_grid=space.trajectory == "cartesian",
    )
    return encoding, notes


def _consistent_space(space: EncodingSpace, counters: np.ndarray, who: str) -> tuple[EncodingSpace, tuple[str, ...]]:
    """Move the counters (in place) so that k = 0 is at n // 2; widen a matrix that is too small for them.

    Counters of other than Cartesian readouts number spokes or arms, which says nothing of the matrix: they stay.
    """
    if space.trajectory != "cartesian":
        return space, ()
    encoded, fov, notes = list(space.encoded_matrix), list(space.encoded_fov_m), []
    for axis, name in ((1, "line"), (2, "partition")):
        column = COUNTERS.index(name)
        # A centre of 0 is a header left blank: no Cartesian acquisition begins at its centre.
        centre = space.centres.get(f"kspace_encoding_step_{axis}", 0) or encoded[axis] // 2
        offset = counters[:, column] - centre
        needed = 2 * int(max(-offset.min(), offset.max() + 1))
        if needed > encoded[axis] + 1 and not (encoded[axis] == 1 and axis == 2 and np.ptp(offset) == 0):
            notes.append(f"{name}s reach {needed} where the header says {encoded[axis]}: the matrix was widened")
            encoded[axis] = needed
        counters[:, column] = 0 if encoded[axis] == 1 else offset + encoded[axis] // 2
        if counters[:, column].min() < 0 or counters[:, column].max() >= encoded[axis]:
            got = f"{name} counters outside its encoded matrix of {encoded[axis]}"
            raise FormatError(f"{who}: {got}. Export the data again with its encoding limits.")
    widened = replace(space, encoded_matrix=(encoded[0], encoded[1], encoded[2]), encoded_fov_m=(fov[0], fov[1], fov[2]))
    return widened, tuple(notes)


def _geometry(space: EncodingSpace, heads: np.ndarray, slices: np.ndarray) -> tuple[Geometry, np.ndarray]:
    """The geometry and each row's slice number in rising order along the slice direction.

    Phase and partition keep their encoded extent; the readout is cut to the reconstructed field of view.
    """
    read, phase, normal = _frame(heads[:1])
    wide = space.encoded_fov_m[0] / space.fov_m[0]
    matrix_x = max(1, round(space.encoded_matrix[0] / wide)) if wide > 1 else space.encoded_matrix[0]
    places = _column(heads, "position") * 1e-3
    places = np.zeros((len(heads), 3)) if places.ndim == 1 or not np.all(np.isfinite(places)) else places
    rank, offsets, centre = slice_stack(slices, places, normal, space.encoded_fov_m[2])
    geometry = Geometry(
        read=read,
        phase=phase,
        slice=normal,
        centre_m=centre,
        fov_m=(space.encoded_fov_m[0] * matrix_x / space.encoded_matrix[0], *space.encoded_fov_m[1:]),
        matrix=(matrix_x, *space.encoded_matrix[1:]),
        encoded_fov_m=space.encoded_fov_m,
        encoded_matrix=space.encoded_matrix,
        slice_offsets_m=offsets,
    )
    return geometry, rank


def _frame(heads: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Orthonormal read, phase and slice directions of one head, (1,); the patient's axes when it states none."""
    names = ("read_dir", "phase_dir", "slice_dir")
    if not set(names) <= set(heads.dtype.names or ()):
        return np.eye(3)[0], np.eye(3)[1], np.eye(3)[2]
    stated = np.concatenate([heads[name] for name in names]).astype(np.float64)
    if not np.all(np.isfinite(stated)) or abs(np.linalg.det(stated)) < 0.5:
        return np.eye(3)[0], np.eye(3)[1], np.eye(3)[2]
    left, _, right = np.linalg.svd(stated)
    nearest = left @ right
    return nearest[0], nearest[1], nearest[2]


def _centre_sample(heads: np.ndarray, samples: int, pre: int) -> int:
    """The most common centre sample; the middle when none is stated."""
    stated = int(np.argmax(np.bincount(heads["center_sample"].astype(int))))
    centre = stated - pre
    return centre if 0 < centre < samples else samples // 2


def _turned_round(samples: np.ndarray, heads: np.ndarray) -> np.ndarray:
    reverse = (heads["flags"].astype(np.uint64) & np.uint64(AcquisitionFlag.REVERSE)) != 0
    if reverse.any():
        samples = samples.copy()
        samples[reverse] = samples[reverse, :, ::-1]
    return samples


def _scaled_path(path: np.ndarray, geometry: Geometry, per_metre: bool = False) -> np.ndarray:
    """A non-Cartesian trajectory in LPS cycles/m.

    Its unit is read off its extent: up to 0.5 it is cycles per voxel, up to half the matrix cycles per field of view,
    beyond that cycles per metre. per_metre: it is known to be that.
    """
    axes = min(path.shape[2], 3)
    voxel = np.array(geometry.encoded_fov_m) / np.array(geometry.encoded_matrix)
    extent = float(np.abs(path[..., :axes]).max(initial=0))
    if per_metre:
        scale = np.ones(3)
    elif extent <= 0.5 * 1.01:
        scale = 1 / voxel
    elif extent <= 0.5 * 1.01 * max(geometry.encoded_matrix):
        scale = 1 / np.array(geometry.encoded_fov_m)
    else:
        scale = np.ones(3)
    frame = np.stack([geometry.read, geometry.phase, geometry.slice])
    return np.asarray((path[..., :axes] * scale[:axes]).astype(np.float64) @ frame[:axes])
