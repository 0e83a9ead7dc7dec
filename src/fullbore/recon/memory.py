"""What a reconstruction needs of the machine's memory, known before it is asked for."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from fullbore.data import RawData
from fullbore.errors import LimitError
from fullbore.recon.frames import columns_of, frame_count

_COMPLEX = 8
_GIB = 1 << 30
# Maps in the order of the solver, and once more where several sets are put into it.
_COPIES_OF_MAPS = 2
# Image, its gradient, its last value and their sum in an iteration.
_COPIES_OF_IMAGE = 5


def needed_bytes(raw: RawData, virtual_channels: int | None, sets_of_maps: int = 1) -> int:
    """A little over the peak of a reconstruction on the grid, beside the raw data themselves."""
    geometry, encoding = raw.encoding.geometry, raw.encoding
    channels = min(virtual_channels or raw.coils, raw.coils)
    volume = geometry.matrix[0] * geometry.encoded_matrix[1] * geometry.encoded_matrix[2]
    slices = 1 if geometry.is_3d else len(geometry.slice_offsets_m)
    readouts = encoding.rows * geometry.matrix[0] * (channels + (raw.coils if channels < raw.coils else 0))
    maps = volume * channels * sets_of_maps * (_COPIES_OF_MAPS + max(0, slices - 1))
    images = volume * frame_count(raw) * sets_of_maps * (_COPIES_OF_IMAGE + slices)
    widest = min(encoding.rows, 512) * raw.coils * columns_of(raw)
    return int(_COMPLEX * (readouts + maps + images + widest))


def check_memory(needed: int, available: int | None) -> None:
    """Errors: LimitError when more is needed than there is; None of an unknown amount is taken as enough."""
    if available is not None and needed > available:
        raise LimitError(
            f"reconstruction: needs {needed / _GIB:.3g} GiB of memory, {available / _GIB:.3g} GiB are free. Check the header's "
            "matrix; if it is right, reconstruct fewer frames, set virtual_coils lower, or use a machine with more memory."
        )


def available_bytes() -> int | None:
    """Memory that this process may still take: of the machine, or of the container when that is less. None if unknown."""
    found = [_machine(), _container()]
    return min((amount for amount in found if amount is not None), default=None)


def _machine() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return int(np.int64(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES"))
    except (OSError, ValueError):
        return None


def _container() -> int | None:
    folder = Path("/sys/fs/cgroup")
    try:
        limit = (folder / "memory.max").read_text(encoding="ascii").strip()
        used = int((folder / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return None if limit == "max" else max(0, int(limit) - used)
