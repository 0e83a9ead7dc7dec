"""What each readout encodes: one row per ADC, the single source of labels, headers and trajectories."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntFlag

import numpy as np

from fullbore.data.grid import Grid
from fullbore.errors import ShapeError

COUNTERS = ("line", "partition", "slice", "contrast", "phase", "repetition", "set", "segment", "average")


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
        for name, column in {"row_samples": self.row_samples, "row_dwell_s": self.row_dwell_s, **self.labels}.items():
            if column is not None and column.shape != (rows,):
                raise ShapeError(f"Encoding.{name}: got {column.shape}, wanted ({rows},).")
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
        optional = [name for name in ("row_samples", "row_dwell_s") if getattr(self, name) is not None]
        labels = {name: column[rows] for name, column in self.labels.items()}
        return replace(self, labels=labels, **{name: getattr(self, name)[rows] for name in (*names, *optional)})

    def samples_per_row(self) -> np.ndarray:
        """Length of each readout, (row,)."""
        return np.full(self.rows, self.samples) if self.row_samples is None else self.row_samples

    def dwell_per_row_s(self) -> np.ndarray:
        """Dwell time of each readout, (row,)."""
        return np.full(self.rows, self.dwell_s) if self.row_dwell_s is None else self.row_dwell_s

    def trajectory_per_m(self) -> np.ndarray:
        """Nominal k-space position of every sample, (row, sample, 3), cycles/m in LPS."""
        j = np.arange(self.samples, dtype=np.float64)[None, :, None]
        return np.asarray(self.k_first_per_m[:, None, :] + j * self.k_step_per_m[:, None, :])
