"""pyCoilGen on a shielded x gradient coil: `gradient_by_coilgen.py job.json out.npz`.

Run by its own Python; prints its seconds (meshes and import apart). job: radii_m, lengths_m (primary, shield), bore_radius_m,
ball_radius_m, mesh (around, along), levels, tikhonov, weight (of the field at the bore). out: wire0, wire1, ... (n, 3), metres.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import trimesh
from pyCoilGen.pyCoilGen_release import pyCoilGen


def cylinder(radius: float, length: float, around: int, along: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and triangles."""
    angle, height = np.meshgrid(2 * np.pi * np.arange(around) / around, np.linspace(-length / 2, length / 2, along))
    nodes = np.column_stack([radius * np.cos(angle.ravel()), radius * np.sin(angle.ravel()), height.ravel()])
    i, j = np.meshgrid(np.arange(along - 1) * around, np.arange(around), indexing="ij")
    a, b = (i + j).ravel(), (i + (j + 1) % around).ravel()
    return nodes, np.concatenate([np.column_stack([a, b, b + around]), np.column_stack([a, b + around, a + around])])


def run(job: dict, folder: Path) -> tuple[float, list[np.ndarray]]:
    """Seconds and wire paths."""
    around, along = job["mesh"]
    (first, one), (second, two) = (cylinder(*size, around, along) for size in zip(job["radii_m"], job["lengths_m"], strict=True))
    both = trimesh.Trimesh(np.concatenate([first, second]), np.concatenate([one, two + len(first)]), process=False)
    both.export(folder / "coil.stl")
    nodes, faces = cylinder(job["bore_radius_m"], max(job["lengths_m"]) + 0.2, 36, 32)
    trimesh.Trimesh(nodes, faces, process=False).export(folder / "bore.stl")
    asked = {
        "field_shape_function": "x",
        "geometry_source_path": str(folder),
        "coil_mesh_file": "coil.stl",
        "secondary_target_mesh_file": "bore.stl",
        "secondary_target_weight": job["weight"],
        "level_set_method": "primary",
        "target_region_radius": job["ball_radius_m"],
        "target_region_resolution": 10,
        "levels": job["levels"],
        "pot_offset_factor": 0.25,
        "interconnection_cut_width": 0.05,
        "normal_shift_length": 0.01,
        "iteration_num_mesh_refinement": 0,
        "set_roi_into_mesh_center": True,
        "force_cut_selection": ["high"],
        "tikhonov_reg_factor": job["tikhonov"],
        "skip_postprocessing": False,
        "skip_inductance_calculation": True,
        "output_directory": str(folder),
        "persistence_dir": str(folder),
        "project_name": "bench",
        "debug": 0,
    }
    began = time.perf_counter()
    found = pyCoilGen(logging.getLogger("bench"), asked)
    seconds = time.perf_counter() - began
    solution = found[0] if isinstance(found, list) else found
    return seconds, [np.asarray(part.wire_path.v).T for part in solution.coil_parts]


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    with tempfile.TemporaryDirectory() as scratch:
        taken, wires = run(json.loads(Path(sys.argv[1]).read_text()), Path(scratch))
    np.savez(sys.argv[2], **{f"wire{i}": wire for i, wire in enumerate(wires)})
    print(taken)
