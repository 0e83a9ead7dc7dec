"""Raw data of any kind that Fullbore reads, told apart by content first and by name second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fullbore.data import RawData
from fullbore.errors import FormatError
from fullbore.files.bart import read_bart
from fullbore.files.mrd import read_mrd
from fullbore.files.numpy_kspace import read_numpy


def _read_siemens(path: str | Path) -> RawData:
    """Imported when asked for: its library brings a plotting library along, a second and 30 MB for everybody else."""
    from fullbore.files.siemens import read_siemens

    return read_siemens(path)


MAGIC: tuple[tuple[bytes, Callable[[str | Path], RawData]], ...] = (
    (b"\x89HDF\r\n", read_mrd),
    (b"\x93NUMPY", read_numpy),
    (b"PK\x03\x04", read_numpy),
)
SUFFIXES: dict[str, Callable[[str | Path], RawData]] = {
    ".h5": read_mrd,
    ".hdf5": read_mrd,
    ".mrd": read_mrd,
    ".dat": _read_siemens,
    ".cfl": read_bart,
    ".hdr": read_bart,
    ".npy": read_numpy,
    ".npz": read_numpy,
}


def read_raw(path: str | Path) -> RawData:
    """Read MRD (.h5, .mrd), Siemens (.dat), BART (.cfl with .hdr) or NumPy (.npy, .npz) raw data.

    Errors: FormatError when the file is missing, of no known kind, truncated or broken; ValueRangeError for NaN.
    """
    place = Path(path)
    known = ", ".join(SUFFIXES)
    if place.is_dir():
        raise FormatError(f"{path}: is a folder. Give one file ({known}).")
    if not place.is_file() and not place.with_name(f"{place.name}.cfl").is_file():
        raise FormatError(f"{path}: no such file. Give the path of raw data ({known}).")
    if place.is_file():
        with place.open("rb") as file:
            head = file.read(8)
        for magic, reader in MAGIC:
            if head.startswith(magic):
                return reader(place)
    reader_by_name = SUFFIXES.get(place.suffix.lower(), read_bart if not place.is_file() else None)
    if reader_by_name is None:
        raise FormatError(f"{path}: neither its content nor its name is known. Wanted one of {known}.")
    return reader_by_name(place)
