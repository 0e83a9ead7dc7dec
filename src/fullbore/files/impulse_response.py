"""Measured gradient impulse responses: NumPy `.npz` archives and tables (`.csv`)."""

from __future__ import annotations

import csv
import zipfile
import zlib
from pathlib import Path

import numpy as np

from fullbore.data import GradientImpulseResponse
from fullbore.errors import FormatError
from fullbore.files.atomic import atomic_path

AXES, COMPONENTS = "xyz", "xyz0"
_SHAPES = "(3, f) each axis by itself, (3, 3, f) gradients by axis, or (4, 3, f) with the uniform field"


def read_impulse_response(path: str | Path) -> GradientImpulseResponse:
    """A response from `.npz` (frequency_Hz and response) or `.csv` (frequency_Hz, then columns such as xx_re, xx_im, 0x_re).

    response: complex; (3, f), (3, 3, f) or (4, 3, f), gradient component by axis; what is left out is 0. In a table the first
    letter of a column is the component (x, y, z, 0 for the uniform field), the second the axis; xx, yy and zz must be there.
    Negative frequencies must mirror the positive ones, and are left out.
    Errors: FormatError; those of GradientImpulseResponse.
    """
    place = Path(path)
    if not place.is_file():
        raise FormatError(f"{path}: no such file. Give a gradient impulse response (.npz or .csv).")
    frequency, response = _table(place) if place.suffix.lower() == ".csv" else _archive(place)
    if frequency.ndim != 1 or response.shape[-1:] != frequency.shape or response.shape[:-1] not in ((3,), (3, 3), (4, 3)):
        got = f"{frequency.shape} and {response.shape}"
        raise FormatError(f"{path}: frequency_Hz and response are {got}, wanted (f,) and {_SHAPES}.")
    full = np.zeros((4, 3, len(frequency)), np.complex128)
    if response.ndim == 2:
        full[range(3), range(3)] = response
    else:
        full[: len(response)] = response
    return _positive(frequency.astype(np.float64), full, str(path))


def write_impulse_response(response: GradientImpulseResponse, path: str | Path) -> Path:
    """An `.npz` as `read_impulse_response` reads it. Errors: OutputError."""
    place = Path(path)
    with atomic_path(place) as temporary, temporary.open("wb") as file:
        np.savez(file, frequency_Hz=response.frequency_Hz, response=response.response)
    return place


def _archive(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = [name for name in ("frequency_Hz", "response") if name not in archive.files]
            if missing:
                raise FormatError(f"{path}: holds {', '.join(archive.files) or 'nothing'}; wanted frequency_Hz and response.")
            return np.asarray(archive["frequency_Hz"]), np.asarray(archive["response"])
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error, AttributeError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FormatError(f"{path}: not a .npz archive of plain numbers ({reason}). Save it again.") from error


def _table(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.reader(file) if row]
        names, values = [name.strip() for name in rows[0]], np.array([[float(cell) for cell in row] for row in rows[1:]])
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise FormatError(f"{path}: not a table of numbers under one line of names ({error}). Correct it.") from error
    known = {f"{c}{a}_{part}" for c in COMPONENTS for a in AXES for part in ("re", "im")}
    wanted = {"frequency_Hz", *(f"{a}{a}_{part}" for a in AXES for part in ("re", "im"))}
    strange, missing = sorted(set(names) - known - {"frequency_Hz"}), sorted(wanted - set(names))
    if strange or missing or values.ndim != 2 or values.shape[1] != len(names):
        told = f"column {strange[0]} is unknown" if strange else f"column {missing[0]} is missing" if missing else "rows differ"
        raise FormatError(f"{path}: {told}; wanted frequency_Hz and columns such as xx_re, xx_im, yx_re, 0x_im.")
    columns = dict(zip(names, values.T, strict=True))
    zero = np.zeros(len(values))
    parts = [[columns.get(f"{c}{a}_re", zero) + 1j * columns.get(f"{c}{a}_im", zero) for a in AXES] for c in COMPONENTS]
    return columns["frequency_Hz"], np.array(parts)


def _positive(frequency: np.ndarray, response: np.ndarray, who: str) -> GradientImpulseResponse:
    """Without negative frequencies, which tell the same."""
    below, kept = frequency < 0, frequency >= 0
    if below.any() and np.isfinite(response).all():
        mirrored = np.array([np.interp(-frequency[below], frequency[kept], row) for row in response[..., kept].reshape(12, -1)])
        away = np.abs(mirrored.conj() - response[..., below].reshape(12, -1)).max()
        if away > 0.05:
            raise FormatError(
                f"{who}: negative frequencies differ by up to {away:.2g} from the conjugate of positive ones, as no real "
                "gradient can. Give the positive ones alone."
            )
    return GradientImpulseResponse(frequency_Hz=frequency[kept], response=response[..., kept])
