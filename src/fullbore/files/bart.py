"""BART's `.cfl` and `.hdr` pairs. Source: the BART manual, dimensions of mri.h."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from fullbore.data import RawData
from fullbore.errors import FormatError
from fullbore.files.kspace_array import raw_from_array

_NAMES = (
    *("READ", "PHS1", "PHS2", "COIL", "MAPS", "TE", "COEFF", "COEFF2"),
    *("ITER", "CSHIFT", "TIME", "TIME2", "LEVEL", "SLICE", "AVG", "BATCH"),
)
_USED = (0, 1, 2, 3, 5, 10, 13, 14)


def read_bart(path: str | Path) -> RawData:
    """Read Cartesian k-space written by BART; `path` names the .cfl, the .hdr or their common stem.

    Dimensions used: readout, two phase encodings, coil, TE (contrast), time and average (repetition), slice.
    Errors: FormatError when a file of the pair is missing, they disagree, or another dimension is used; ValueRangeError
    for NaN.
    """
    who, stem = str(path), Path(path)
    stem = stem.with_suffix("") if stem.suffix in (".cfl", ".hdr") else stem
    data, header = stem.with_name(f"{stem.name}.cfl"), stem.with_name(f"{stem.name}.hdr")
    for part in (data, header):
        if not part.is_file():
            raise FormatError(f"{who}: {part.name} is missing. A BART file is a pair of .cfl and .hdr.")
    dims = _dimensions(header, who)
    wanted, got = 8 * math.prod(dims), data.stat().st_size
    if wanted != got:
        raise FormatError(f"{who}: {data.name} has {got} bytes, its header says {wanted}. Copy or write the pair again.")
    dims += [1] * (len(_NAMES) - len(dims))
    unused = [f"{_NAMES[axis]} = {dims[axis]}" for axis in range(len(_NAMES)) if axis not in _USED and dims[axis] > 1]
    if unused or len(dims) > len(_NAMES):
        raise FormatError(f"{who}: its dimensions {', '.join(unused)} are not those of k-space. Slice them with BART first.")
    array = np.memmap(data, np.complex64, "r", shape=tuple(dims), order="F")
    used = np.asarray(array).reshape([dims[axis] for axis in _USED])
    # (read, phase 1, phase 2, coil, te, time, slice, average) to (te, average, time, slice, coil, phase 2, phase 1, read)
    ordered = used.transpose(4, 7, 5, 6, 3, 2, 1, 0)
    return raw_from_array(ordered.reshape(ordered.shape[0], -1, *ordered.shape[3:]), "BART", who)


def _dimensions(header: Path, who: str) -> list[int]:
    lines = header.read_bytes()[:65536].decode("ascii", errors="replace").splitlines()
    numbers = [line for line in lines if line.strip() and not line.startswith("#")]
    words = numbers[0].split() if numbers else []
    if not words or not all(word.isdigit() and 0 < int(word) < 2**31 for word in words):
        raise FormatError(f"{who}: {header.name} lists no dimensions. Write the pair again.")
    return [int(word) for word in words]
