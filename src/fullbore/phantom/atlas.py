"""The MNI152 brain that nilearn carries in its package: probability maps of grey and white matter and a T1 template.

Source: ICBM 152 nonlinear symmetric 2009a (Fonov 2009, NeuroImage 47 S102), 1 mm, skull-stripped, as redistributed in
`nilearn/datasets/data`. The files are read in place: importing nilearn.datasets costs seconds, and there is no download.
"""

from __future__ import annotations

from importlib import util
from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np

from fullbore.errors import FormatError

# The crop that holds the brain, in millimetres of atlas LPS (origin: anterior commissure), both ends included.
CROP_MM = {"x": (-74, 74), "y": (-76, 110), "z": (-72, 84)}

_ORIGIN_RAS_MM = (-98, -134, -72)


class Atlas(NamedTuple):
    """float32 volumes (z, y, x) over CROP_MM, axes rising to left, back and head, all 0..1; the template is 0 outside."""

    grey: np.ndarray
    white: np.ndarray
    template: np.ndarray


def load_atlas() -> Atlas:
    """Read the three volumes, turn RAS into LPS and crop.

    Errors: FormatError when nilearn is not installed or no longer carries the files.
    """
    return Atlas(*(_crop_lps(_read(kind)) for kind in ("gm", "wm", "t1")))


def _read(kind: str) -> np.ndarray:
    spec = util.find_spec("nilearn")
    if spec is None or not spec.submodule_search_locations:
        raise FormatError("head phantom: the package nilearn, which carries the MNI152 brain, is not installed. Install nilearn.")
    path = (
        Path(spec.submodule_search_locations[0]) / "datasets" / "data" / f"mni_icbm152_{kind}_tal_nlin_sym_09a_converted.nii.gz"
    )
    if not path.exists():
        raise FormatError(f"head phantom: nilearn does not carry {path.name}. Install a nilearn from 0.11 on.")
    return np.asarray(nibabel.load(path).dataobj)  # type: ignore[attr-defined]


def _crop_lps(volume_ras: np.ndarray) -> np.ndarray:
    """(x, y, z) RAS bytes to (z, y, x) LPS float32 in 0..1, cropped: index i of R holds L = -(i + origin)."""
    span = []
    for axis, name in enumerate("xyz"):
        low, high = CROP_MM[name]
        first, last = (low, high) if name == "z" else (-high, -low)
        span.append(slice(first - _ORIGIN_RAS_MM[axis], last - _ORIGIN_RAS_MM[axis] + 1))
    return np.ascontiguousarray(volume_ras[tuple(span)][::-1, ::-1].T, dtype=np.float32) / np.float32(255)
