"""What each readout encodes: one row per ADC, the single source of labels, headers and trajectories."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntFlag

import numpy as np

from fullbore.data.grid import Grid
from fullbore.errors import ShapeError, ValueRangeError

COUNTERS = ("line", "partition", "slice", "contrast", "phase", "repetition", "set", "segment", "average")

MEASURES: dict[str, str] = {
    "b_value_s_per_m2": "trace of the b-tensor",
    "b_xx_s_per_m2": "b-tensor in LPS, its six numbers",
    "b_yy_s_per_m2": "",
    "b_zz_s_per_m2": "",
    "b_xy_s_per_m2": "",
    "b_xz_s_per_m2": "",
    "b_yz_s_per_m2": "",
    "b1_rms_T": "of a saturation train",
    "encode_x_per_m": "displacement encoding in LPS, which is part of the row's k, cycles/m",
    "encode_y_per_m": "",
    "encode_z_per_m": "",
    "flip_rad": "of the excitation, where it differs from the header's",
    "labelled": "1 after labelling, 0 after a control, -1 for neither (arterial spin labelling)",
    "moment_x_T_s2_per_m": "first gradient moment of velocity encoding in LPS",
    "moment_y_T_s2_per_m": "",
    "moment_z_T_s2_per_m": "",
    "post_label_delay_s": "from the label's end to the excitation",
    "preparation_time_s": "duration of a T2 or T2* preparation",
    "rf_phase_rad": "of the excitation",
    "saturation_delay_s": "from saturation to the excitation of k = 0",
    "saturation_offset_Hz": "of a saturation train (magnetisation transfer, chemical exchange)",
    "spin_lock_time_s": "duration of the lock",
    "spin_lock_Hz": "gamma B1 of the lock",
    "tag_phase_rad": "of the second of two tagging pulses",
    "trigger_delay_s": "from the trigger to the readout's k = 0",
    "time_s": "from the start of the sequence to the readout's k = 0",
}
"""Name of a row's further number -> what it says. Those of `Encoding.measures` are from here."""

OPTIONAL_COLUMNS = ("row_samples", "row_dwell_s", "curve", "turns")
"""Columns of an Encoding that may be None."""


class AcquisitionFlag(IntFlag):
    """Bit masks of MRD acquisition flags (ismrmrd.h numbers its flags from 1; the mask of flag n is 1 << (n - 1))."""

    NONE = 0
    FIRST_IN_SLICE = 1 << 6
    LAST_IN_SLICE = 1 << 7
    NOISE = 1 << 18
    CALIBRATION = 1 << 19
    CALIBRATION_AND_IMAGING = 1 << 20
    REVERSE = 1 << 21
    NAVIGATION = 1 << 22
    PHASE_CORRECTION = 1 << 23
    LAST_IN_MEASUREMENT = 1 << 24


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Geometry:
    """Where the image is: a stack of slices or one 3D slab.

    read, phase, slice: unit vectors in LPS. centre_m: the FFT centre (index n//2) of the whole stack or slab.
    fov_m, matrix: (read, phase, slice) of the *reconstructed* volume; for 2D stacks fov_m[2] is the slice thickness
    and matrix[2] is 1. slice_offsets_m: centre of each slice along `slice`, (n_slices,); (0,) for a slab.
    encoded_matrix, encoded_fov_m: the same for the sampled k-space (readout oversampling lives here).
    """

    read: np.ndarray
    phase: np.ndarray
    slice: np.ndarray
    centre_m: np.ndarray
    fov_m: tuple[float, float, float]
    matrix: tuple[int, int, int]
    encoded_fov_m: tuple[float, float, float]
    encoded_matrix: tuple[int, int, int]
    slice_offsets_m: np.ndarray

    def __post_init__(self) -> None:
        frame = np.stack([self.read, self.phase, self.slice])
        if frame.shape != (3, 3) or np.abs(frame @ frame.T - np.eye(3)).max() > 1e-6:
            raise ShapeError("Geometry: read, phase and slice must be three orthonormal vectors.")

    @property
    def is_3d(self) -> bool:
        """True for one slab with partition encoding."""
        return self.matrix[2] > 1

    def grid(self) -> Grid:
        """Voxel centres of the reconstructed volume, indexed (partition or slice, phase, read).

        2D stacks must have equal slice spacing and `slice_offsets_m` in rising order.
        """
        read, phase, partition = (f / n for f, n in zip(self.fov_m, self.matrix, strict=True))
        slices = self.matrix[2] if self.is_3d else len(self.slice_offsets_m)
        if self.is_3d:
            first = self.slice_offsets_m[0] - (slices // 2) * partition
            step = partition
        else:
            first = self.slice_offsets_m[0]
            step = float(np.diff(self.slice_offsets_m).mean()) if slices > 1 else self.fov_m[2]
        affine = np.eye(4)
        affine[:3, 0] = self.read * read
        affine[:3, 1] = self.phase * phase
        affine[:3, 2] = self.slice * step
        corner = self.read * read * (self.matrix[0] // 2) + self.phase * phase * (self.matrix[1] // 2)
        affine[:3, 3] = self.centre_m - corner + self.slice * first
        return Grid(shape=(slices, self.matrix[1], self.matrix[0]), affine_m=affine)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encoding:
    """One row per ADC event, in playing order.

    counters: int32 (row, 9), columns as in COUNTERS. flags: uint64 AcquisitionFlag masks.
    k_first_per_m, k_step_per_m: (row, 3) LPS cycles/m: sample j is nominally at k_first + j * k_step.
    centre_sample: index of the sample at k_read = 0. echo_time_s, inversion_time_s: (row,), NaN where there is none.
    echo_times_s, inversion_times_s: the header's lists, one per `contrast` and per `set`.
    calibration: (first, last + 1) of lines and of partitions that are fully sampled, ((l0, l1), (p0, p1)).
    row_samples, row_dwell_s: (row,), where readouts differ; None when all have `samples` and `dwell_s`. `samples` is then
    the longest, and shorter readouts are padded with zeros.
    labels: further Pulseq labels of each row (ACQ, SMS, TRID and others), int32 (row,) each.
    measures: further numbers of each row, names as in MEASURES, float64 (row,) each, NaN where a row has none.
    curves: what curved readouts follow, (sample, 3) cycles/m each, on the axes (read, phase, slice) of the geometry.
    curve: int32 (row,), which of `curves` a row follows from its k_first_per_m, -1 for a straight one; None when all are.
    turns: (row, 3, 3), rotates a row's curve on its own axes before it is laid along the geometry's; None for no rotation.
    """

    geometry: Geometry
    samples: int
    dwell_s: float
    centre_sample: int
    counters: np.ndarray
    flags: np.ndarray
    k_first_per_m: np.ndarray
    k_step_per_m: np.ndarray
    echo_time_s: np.ndarray
    inversion_time_s: np.ndarray
    repetition_time_s: float
    flip_rad: float
    refocusing_flip_rad: float = 0.0
    echo_spacing_s: float = 0.0
    echo_train_length: int = 1
    echo_times_s: tuple[float, ...] = ()
    inversion_times_s: tuple[float, ...] = ()
    calibration: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))
    acceleration: tuple[float, float] = (1.0, 1.0)
    protocol: str = ""
    parameters: dict[str, float] = field(default_factory=dict)
    row_samples: np.ndarray | None = None
    row_dwell_s: np.ndarray | None = None
    labels: dict[str, np.ndarray] = field(default_factory=dict)
    measures: dict[str, np.ndarray] = field(default_factory=dict)
    curves: tuple[np.ndarray, ...] = ()
    curve: np.ndarray | None = None
    turns: np.ndarray | None = None

    def __post_init__(self) -> None:
        rows = len(self.counters)
        if self.counters.shape != (rows, len(COUNTERS)):
            raise ShapeError(f"Encoding.counters: got {self.counters.shape}, wanted (row, {len(COUNTERS)}).")
        for name in ("flags", "echo_time_s", "inversion_time_s"):
            if getattr(self, name).shape != (rows,):
                raise ShapeError(f"Encoding.{name}: got {getattr(self, name).shape}, wanted ({rows},).")
        for name in ("k_first_per_m", "k_step_per_m"):
            if getattr(self, name).shape != (rows, 3):
                raise ShapeError(f"Encoding.{name}: got {getattr(self, name).shape}, wanted ({rows}, 3).")
        optional = {"row_samples": self.row_samples, "row_dwell_s": self.row_dwell_s, "curve": self.curve}
        for name, column in {**optional, **self.labels, **self.measures}.items():
            if column is not None and column.shape != (rows,):
                raise ShapeError(f"Encoding.{name}: got {column.shape}, wanted ({rows},).")
        unknown = [name for name in self.measures if name not in MEASURES]
        if unknown:
            raise ValueRangeError(f"Encoding.measures: got {', '.join(unknown)}, wanted names of MEASURES.")
        if self.turns is not None and self.turns.shape != (rows, 3, 3):
            raise ShapeError(f"Encoding.turns: got {self.turns.shape}, wanted ({rows}, 3, 3).")
        if self.curve is not None and not -1 <= self.curve.min(initial=-1) <= self.curve.max(initial=-1) < len(self.curves):
            raise ValueRangeError(f"Encoding.curve: got up to {self.curve.max()}, wanted -1 to {len(self.curves) - 1}.")
        if self.row_samples is not None and self.row_samples.max(initial=0) > self.samples:
            raise ShapeError(f"Encoding.row_samples: got up to {self.row_samples.max()}, wanted at most {self.samples}.")

    @property
    def rows(self) -> int:
        """Number of readouts."""
        return len(self.counters)

    def counter(self, name: str) -> np.ndarray:
        """One column of `counters`, (row,)."""
        return np.asarray(self.counters[:, COUNTERS.index(name)])

    def take(self, rows: np.ndarray) -> Encoding:
        """Only these readouts (indices or a mask)."""
        names = ("counters", "flags", "k_first_per_m", "k_step_per_m", "echo_time_s", "inversion_time_s")
        optional = [name for name in OPTIONAL_COLUMNS if getattr(self, name) is not None]
        labels = {name: column[rows] for name, column in self.labels.items()}
        measures = {name: column[rows] for name, column in self.measures.items()}
        columns = {name: getattr(self, name)[rows] for name in (*names, *optional)}
        return replace(self, labels=labels, measures=measures, **columns)

    def samples_per_row(self) -> np.ndarray:
        """Length of each readout, (row,)."""
        return np.full(self.rows, self.samples) if self.row_samples is None else self.row_samples

    def dwell_per_row_s(self) -> np.ndarray:
        """Dwell time of each readout, (row,)."""
        return np.full(self.rows, self.dwell_s) if self.row_dwell_s is None else self.row_dwell_s

    def trajectory_per_m(self) -> np.ndarray:
        """Nominal k-space position of every sample, (row, sample, 3), cycles/m in LPS."""
        j = np.arange(self.samples, dtype=np.float64)[None, :, None]
        k = np.asarray(self.k_first_per_m[:, None, :] + j * self.k_step_per_m[:, None, :])
        if self.curve is not None:
            frame = np.stack([self.geometry.read, self.geometry.phase, self.geometry.slice])
            for number, path in enumerate(self.curves):
                rows = np.flatnonzero(self.curve == number)
                turned = frame if self.turns is None else np.swapaxes(self.turns[rows], 1, 2) @ frame
                k[rows, : len(path)] = self.k_first_per_m[rows, None, :] + path @ turned
        return k
