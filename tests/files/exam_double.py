"""A small study with oblique grids and asymmetric markers, for the tests of delivery formats."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np

from fullbore.data import (
    Encoding,
    Finding,
    Geometry,
    Image,
    ParameterMap,
    ParameterMaps,
    Series,
    Study,
    Subject,
    Verdict,
)

SUBJECT = Subject(identifier="V001", name="Head^Digital", mass_kg=75.0, height_m=1.75)

# Marker voxels (x, y, z) and values; no symmetry maps one on another.
MARKERS = {(3, 4, 1): 1000.0, (14, 6, 2): 700.0, (5, 13, 5): 450.0}


def rotation(*degrees):
    matrix = np.eye(3)
    for axis, angle in enumerate(np.radians(degrees)):
        c, s = np.cos(angle), np.sin(angle)
        i, j = (axis + 1) % 3, (axis + 2) % 3
        turn = np.eye(3)
        turn[i, i], turn[i, j], turn[j, i], turn[j, j] = c, -s, s, c
        matrix = turn @ matrix
    return matrix


def geometry(read, phase, slices, is_3d):
    """18 x 16 in the plane, 8 slices; spacing 1.5 x 1.7 mm, 2.5 mm (3D) or 6 mm with a 5 mm slice (2D)."""
    return Geometry(
        read=read, phase=phase, slice=slices, centre_m=np.array([0.004, -0.007, 0.011]),
        fov_m=(18 * 1.5e-3, 16 * 1.7e-3, 8 * 2.5e-3 if is_3d else 5e-3), matrix=(18, 16, 8 if is_3d else 1),
        encoded_fov_m=(36 * 1.5e-3, 16 * 1.7e-3, 8 * 2.5e-3 if is_3d else 5e-3), encoded_matrix=(36, 16, 8 if is_3d else 1),
        slice_offsets_m=np.zeros(1) if is_3d else (np.arange(8) - 3.5) * 6e-3,
    )  # fmt: skip


GEOMETRIES = {
    "sagittal": geometry(np.array([0.0, 0, 1]), np.array([0.0, 1, 0]), np.array([1.0, 0, 0]), True),
    "axial": geometry(np.array([1.0, 0, 0]), np.array([0.0, 1, 0]), np.array([0.0, 0, 1]), False),
    "coronal": geometry(np.array([0.0, 0, -1]), np.array([-1.0, 0, 0]), np.array([0.0, 1, 0]), False),
    "oblique": geometry(*rotation(17.0, -23.0, 8.0).T, False),
    "oblique_slice": replace(geometry(*rotation(17.0, -23.0, 8.0).T, False), slice_offsets_m=np.array([4e-3])),
    "oblique_3d": geometry(*rotation(-31.0, 12.0, 71.0).T, True),
}


def encoding(place, echo_times=(0.003,), inversion_times=(np.nan,), refocusing=0.0, train=1):
    rows = place.matrix[1] * place.matrix[2]
    counters = np.zeros((rows, 9), dtype=np.int32)
    counters[:, 0], counters[:, 1] = np.arange(rows) % place.matrix[1], np.arange(rows) // place.matrix[1]
    return Encoding(
        geometry=place, samples=36, dwell_s=1e-5, centre_sample=18, counters=counters, flags=np.zeros(rows, dtype=np.uint64),
        k_first_per_m=np.zeros((rows, 3)), k_step_per_m=np.zeros((rows, 3)), echo_time_s=np.full(rows, echo_times[0]),
        inversion_time_s=np.full(rows, inversion_times[0]), repetition_time_s=2.3, flip_rad=np.radians(9.0),
        refocusing_flip_rad=refocusing, echo_train_length=train, echo_times_s=tuple(echo_times),
        inversion_times_s=tuple(inversion_times), acceleration=(2.0, 1.5) if place.is_3d else (2.0, 1.0), protocol="a_protocol",
    )  # fmt: skip


def volume(grid, seed=0):
    values = np.random.default_rng(seed).uniform(0, 40, grid.shape)
    for (x, y, z), value in MARKERS.items():
        values[min(z, len(values) - 1), y, x] = value
    return values


def image(plane="oblique", *, refocusing=0.0, train=1, echo=(0.003,), inversion=(np.nan,), coils=2):
    """Frames are scaled copies of one volume, with a phase that the magnitude must not show."""
    place = GEOMETRIES[plane]
    grid, frames = place.grid(), max(len(echo), len(inversion))
    scale = np.linspace(1.0, 0.5, frames)
    values = np.stack([s * volume(grid) for s in scale]) * np.exp(1j * 0.7)
    return Image(
        name=f"{plane}_image", values=(values if frames > 1 else values[0]).astype(np.complex64),
        axes=("frame",) if frames > 1 else (), grid=grid, encoding=encoding(place, echo, inversion, refocusing, train),
        echo_time_s=np.resize(echo, frames), inversion_time_s=np.resize(inversion, frames),
        sensitivities=np.ones((coils, *grid.shape), dtype=np.complex64),
    )  # fmt: skip


def maps(grid):
    value = (volume(grid) / 1000 + 0.1).astype(np.float32)
    value[:, :2] = np.nan
    status = np.where(np.isfinite(value), 1, 0).astype(np.uint8)
    entries = tuple(
        ParameterMap(name=name, value=value * factor, std=value * factor / 50, unit=unit)
        for name, factor, unit in (("T1", 1.0, "s"), ("T2", 0.1, "s"), ("B1", 1.0, "1"), ("phase_b", -1.0, "rad"))
    )
    return ParameterMaps(model="t1t2", maps=entries, status=status, grid=grid)


VERDICT = Verdict(
    sequence="s", scanner="plain", mode="normal",
    findings=(
        Finding(check="SAR whole body, 6 min", value=0.21, limit=2.0, unit="W/kg", allowed=True),
        Finding(check="SAR head, 6 min", value=0.83, limit=3.2, unit="W/kg", allowed=True),
        Finding(check="nerve stimulation", value=61.2, limit=80.0, unit="%", allowed=True),
        Finding(check="B1+rms, 6 min", value=1.9, limit=4.0, unit="uT", allowed=True),
    ),
)  # fmt: skip


def mapping_image(plane="oblique_slice"):
    """Three inversion times, then four echoes without inversion; one slice."""
    nan = np.nan
    echo = (0.012, 0.012, 0.012, 0.012, 0.024, 0.036, 0.048)
    return image(plane, refocusing=np.pi, train=4, echo=echo, inversion=(0.06, 0.7, 3.0, nan, nan, nan, nan))


def study():
    parts = [
        Series(number=1, description="localizer", image=image("sagittal"), verdict=VERDICT),
        Series(number=2, description="t1 mprage", image=image("oblique_3d", inversion=(0.9,)), verdict=VERDICT),
        Series(number=3, description="t2_tse", image=image("axial", refocusing=2.6, train=16, echo=(0.1,)), verdict=VERDICT),
        Series(
            number=4,
            description="t1t2_map",
            image=mapping_image(),
            maps=maps(GEOMETRIES["oblique_slice"].grid()),
            verdict=VERDICT,
        ),
        Series(number=5, description="recon only", image=image("coronal", coils=1)),
        Series(number=6, description="oblique stack", image=image("oblique", refocusing=2.6, echo=(0.02,)), verdict=VERDICT),
    ]
    return Study(
        uid="1.2.826.0.1.3680043.8.498.12345", subject=SUBJECT, description="Brain", started=datetime(2026, 1, 2, 3, 4, 5),
        b0_T=3.0, system="Fullbore 65 cm", series=tuple(parts),
    )  # fmt: skip
