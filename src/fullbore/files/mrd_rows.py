"""The acquisitions of an MRD file: heads at once, samples on demand."""

from __future__ import annotations

from dataclasses import dataclass

import h5py
import numpy as np

from fullbore.errors import FormatError, ValueRangeError

_BATCH = 512


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """MRD acquisitions in a file or in memory. heads: their structured heads, (acquisition,); who: the file, for messages."""

    data: h5py.Dataset | np.ndarray
    heads: np.ndarray
    who: str

    def load(self, wanted: np.ndarray, samples: int, dimensions: int = 0) -> tuple[np.ndarray, np.ndarray | None]:
        """Samples (row, coil, sample) complex64 and trajectory (row, sample, dimensions) float32 of rows of one size.

        wanted: rising acquisition numbers (row,). The trajectory is None when `dimensions` is 0 or a row has another.
        Errors: FormatError when a row's data disagree with its head; ValueRangeError for NaN or infinity.
        """
        coils = int(self.heads["active_channels"][wanted[0]])
        out = np.empty((len(wanted), coils, samples), np.complex64)
        with_path = dimensions > 0 and bool(np.all(self.heads["trajectory_dimensions"][wanted] == dimensions))
        path = np.empty((len(wanted), samples, dimensions), np.float32) if with_path else None
        for first in range(0, len(wanted), _BATCH):
            part = wanted[first : first + _BATCH]
            block = self._block(part)
            for index, number in enumerate(part.tolist()):
                self._copy(block["data"][index], out[first + index], number, "data")
                if path is not None:
                    self._copy(block["traj"][index], path[first + index], number, "trajectory")
        self._check_finite(out, wanted)
        return out, path

    def load_noise(self, wanted: np.ndarray) -> np.ndarray | None:
        """All samples of the noise acquisitions `wanted`, (coil, n) complex64, or None when there are none."""
        blocks = [self.load(wanted[i : i + 1], int(self.heads["number_of_samples"][n]))[0][0] for i, n in enumerate(wanted)]
        if len({len(block) for block in blocks}) > 1:
            raise FormatError(f"{self.who}: the noise scans have different numbers of channels. Export the data again.")
        return np.concatenate(blocks, axis=1) if blocks else None

    def _block(self, part: np.ndarray) -> np.ndarray:
        low, high = int(part[0]), int(part[-1]) + 1
        if high - low > 4 * len(part):
            return np.concatenate([self.data[number : number + 1] for number in part.tolist()])
        return np.asarray(self.data[low:high][part - low])

    def _copy(self, stored: np.ndarray, target: np.ndarray, number: int, name: str) -> None:
        floats = target.view(np.float32).reshape(-1)
        values = np.asarray(stored).view(np.float32) if np.asarray(stored).dtype != np.float64 else np.asarray(stored)
        if values.size != floats.size:
            got = f"{name} has {values.size} numbers where its head says {floats.size}"
            raise FormatError(f"{self.who}: acquisition {number}: its {got}. Copy or export the file again.")
        floats[:] = values

    def _check_finite(self, samples: np.ndarray, wanted: np.ndarray) -> None:
        good = np.isfinite(samples.view(np.float32)).all(axis=(1, 2))
        if not good.all():
            number = int(wanted[np.flatnonzero(~good)[0]])
            got = f"NaN or infinity in acquisition {number} and {int((~good).sum()) - 1} others"
            raise ValueRangeError(f"{self.who}: {got}. Remove these readouts or export the data again.")


def open_rows(data: object, who: str) -> Rows:
    """The acquisitions in an HDF5 data set.

    Errors: FormatError when it is not a list of MRD acquisitions, is empty, or its heads are inconsistent.
    """
    names = data.dtype.names if isinstance(data, h5py.Dataset) else None
    if not isinstance(data, h5py.Dataset) or not names or not {"head", "data"} <= set(names) or data.ndim != 1:
        raise FormatError(f"{who}: its 'data' is not a list of MRD acquisitions. Give an MRD version 1 file.")
    if len(data) == 0:
        raise FormatError(f"{who}: it holds no acquisition. Was the scan interrupted?")
    heads = np.concatenate([data.fields("head")[i : i + 8192] for i in range(0, len(data), 8192)])
    missing = {"flags", "number_of_samples", "active_channels", "center_sample", "idx"} - set(heads.dtype.names or ())
    if missing:
        raise FormatError(f"{who}: its acquisition heads lack {', '.join(sorted(missing))}. Give an MRD version 1 file.")
    return Rows(data=data, heads=heads, who=who)
