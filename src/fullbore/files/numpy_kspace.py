"""NumPy k-space: `.npy` and `.npz` of shape (coil, ky, kx) or (coil, kz, ky, kx)."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from fullbore.data import RawData
from fullbore.errors import FormatError
from fullbore.files.kspace_array import raw_from_array

NAMES = ("kspace", "ksp", "data", "k")


def read_numpy(path: str | Path) -> RawData:
    """Read a complex array (coil, ky, kx), (coil, kz, ky, kx) or, for one coil, (ky, kx); zeros are not sampled.

    In an `.npz` it is the array named kspace, ksp, data or k, or the only complex one. See `kspace_array.raw_from_array`.
    Errors: FormatError when the file is missing, broken or of another shape; ValueRangeError for NaN.
    """
    who = str(path)
    if not Path(path).is_file():
        raise FormatError(f"{who}: no such file. Give the path of a .npy or .npz file.")
    try:
        array = _load(path, who)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error, SyntaxError, MemoryError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FormatError(f"{who}: not a whole NumPy file of plain numbers ({reason}). Save it again.") from error
    if not 2 <= array.ndim <= 4:
        wanted = "(coil, ky, kx) or (coil, kz, ky, kx)"
        raise FormatError(f"{who}: its shape is {array.shape}, wanted {wanted}. Reorder or split the array.")
    volume = array[None] if array.ndim == 2 else array
    volume = volume[:, None] if volume.ndim == 3 else volume
    return raw_from_array(volume[None, None, None], "NumPy", who)


def _load(path: str | Path, who: str) -> np.ndarray:
    with Path(path).open("rb") as file:
        is_archive = file.read(2) == b"PK"
    if not is_archive:
        # Mapped, so that a header that promises more than the file holds is refused before memory is asked for.
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    with np.load(path, allow_pickle=False) as archive:
        named = [name for name in NAMES if name in archive.files]
        complex_ones = named or [name for name in archive.files if np.iscomplexobj(archive[name])]
        if not named and len(complex_ones) != 1:
            got = ", ".join(archive.files) or "no array"
            raise FormatError(f"{who}: holds {got}; wanted one complex array or one named {', '.join(NAMES)}. Rename it.")
        return np.asarray(archive[complex_ones[0]])
