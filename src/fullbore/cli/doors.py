"""Where the machine, the subject and the files are put together and handed to the exam."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import map_coordinates

from fullbore import clinical, files, phantom
from fullbore.cli.machines import machine
from fullbore.clinical import Truth
from fullbore.data import Grid, Subject
from fullbore.files.atomic import atomic_path
from fullbore.scanner import VirtualScanner


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Machine:
    """The scanner with its subject, and fingerprints of both."""

    scanner: VirtualScanner
    spec_sha256: str
    phantom_sha256: str

    @classmethod
    def assemble(cls, preset: str, subject: Subject) -> Machine:
        """Build the machine of a preset and put the digital head into it."""
        spec = machine(preset)
        head = phantom.head()
        scanner = VirtualScanner(spec=spec, phantom=head, subject=subject)
        return cls(scanner=scanner, spec_sha256=noun_digest(spec), phantom_sha256=noun_digest(head))

    def truth(self, grid: Grid) -> Truth:
        """What the subject is on an image's grid."""
        head, spec = self.scanner.phantom, self.scanner.spec
        return Truth(
            tissues=head.tissues,
            occupancy=phantom.occupancy(head, grid),
            maps=phantom.truth_maps(head, grid, spec.b0_T),
            shading=sampled(
                np.sqrt((np.abs(spec.receive.sensitivity.values) ** 2).sum(axis=0)), spec.receive.sensitivity.grid, grid
            ),
            flip_scale=sampled(np.abs(spec.transmit.values[0]), spec.transmit.grid, grid),
        )


def sampled(values: np.ndarray, source: Grid, grid: Grid) -> np.ndarray:
    """A smooth field (z, y, x) known on one grid, at the voxels of another."""
    index = (grid.points_m() - source.affine_m[:3, 3]) @ np.linalg.inv(source.affine_m[:3, :3]).T
    where = np.moveaxis(index[..., ::-1], -1, 0)
    return np.asarray(map_coordinates(values.astype(np.float32), where, order=3, mode="nearest", output=np.float32))


def exam_doors(machine: Machine) -> clinical.Doors:
    """The exam's doors on this machine and this disk."""
    return clinical.Doors(
        judge=machine.scanner.judge,
        acquire=machine.scanner.acquire,
        truth=machine.truth,
        write_sequence=files.write_pulseq,
        write_raw=files.write_mrd,
        read_raw=files.read_mrd,
        write_image=lambda image, stem, extra: files.write_nifti(image, stem, b0_T=machine.scanner.spec.b0_T, extra=extra),
        write_maps=lambda maps, folder, stem, extra: files.write_maps_nifti(maps, folder, stem, extra=extra),
        write_dicom=files.write_dicom,
        write_text=write_text,
        to_json=lambda tree: json.dumps(tree, indent=1) + "\n",
    )


def write_text(text: str, path: Path) -> None:
    """A text file, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def noun_digest(noun: Any) -> str:
    """SHA-256 over everything a noun holds."""
    state = hashlib.sha256()
    _feed(noun, state)
    return state.hexdigest()


def _feed(part: Any, state: Any) -> None:
    if isinstance(part, np.ndarray):
        state.update(str((part.dtype, part.shape)).encode() + np.ascontiguousarray(part).tobytes())
    elif is_dataclass(part):
        for item in fields(part):
            state.update(item.name.encode())
            _feed(getattr(part, item.name), state)
    elif isinstance(part, tuple | list):
        for item in part:
            _feed(item, state)
    else:
        state.update(repr(part).encode())
