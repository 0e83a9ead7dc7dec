"""Small raw data for the tests of this room."""

from __future__ import annotations

import numpy as np

from fullbore.data import AcquisitionFlag, Encoding, Geometry, RawData
from fullbore.files.cartesian import counters_table, nominal_k


def oblique_geometry(matrix: tuple[int, int, int] = (8, 6, 4), slices: int = 1) -> Geometry:
    """A doubly oblique slab, or stack of slices, off centre, with twofold readout oversampling."""
    turn, tilt = np.deg2rad(17.0), np.deg2rad(-23.0)
    about_z = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    read, phase, normal = (about_z @ about_x).T
    fov = (0.21, 0.17, 0.005 if matrix[2] == 1 else 0.13)
    return Geometry(
        read=read,
        phase=phase,
        slice=normal,
        centre_m=np.array([0.0123, -0.0456, 1 / 30]),
        fov_m=fov,
        matrix=matrix,
        encoded_fov_m=(2 * fov[0], fov[1], fov[2]),
        encoded_matrix=(2 * matrix[0], matrix[1], matrix[2]),
        slice_offsets_m=(np.arange(slices) - slices // 2) * 0.0061,
    )


def _volume_encoding(rng: np.random.Generator) -> Encoding:
    geometry = oblique_geometry()
    partition, line = (index.ravel() for index in np.meshgrid(np.arange(4), np.arange(6), indexing="ij"))
    rows = len(line)
    counters = counters_table(
        rows, line=line, partition=partition, contrast=np.arange(rows) % 2, set=np.arange(rows) % 3, segment=np.arange(rows) % 5
    )
    first, step = nominal_k(geometry, 7, line, partition)
    flags = np.zeros(rows, np.uint64)
    flags[0], flags[-1] = int(AcquisitionFlag.FIRST_IN_SLICE), int(AcquisitionFlag.LAST_IN_MEASUREMENT)
    return Encoding(
        geometry=geometry,
        samples=16,
        dwell_s=1 / 300000,
        centre_sample=7,
        counters=counters,
        flags=flags,
        k_first_per_m=first,
        k_step_per_m=step,
        echo_time_s=rng.random(rows),
        inversion_time_s=np.where(np.arange(rows) % 3 == 2, np.nan, 0.1),
        repetition_time_s=2.3,
        flip_rad=np.pi / 20,
        refocusing_flip_rad=3.0,
        echo_spacing_s=0.007,
        echo_train_length=4,
        echo_times_s=(0.003, 1 / 7),
        inversion_times_s=(0.06, 0.25, float("nan")),
        calibration=((1, 5), (0, 3)),
        acceleration=(1.5, 2.25),
        protocol="t1 <mprage> & more",
        parameters={"bandwidth_Hz": 1 / 3, "inversion_efficiency": 0.96},
    )


def volume_raw(seed: int = 0, coils: int = 3, noise: int = 5000) -> RawData:
    """A 3D acquisition with every field of `Encoding` and `RawData` set to something unusual."""
    rng = np.random.default_rng(seed)
    encoding = _volume_encoding(rng)
    rows = encoding.rows
    shape = (rows, coils, 16)
    return RawData(
        encoding=encoding,
        samples=(rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64),
        b0_T=2.9,
        noise=(rng.standard_normal((coils, noise)) + 1j * rng.standard_normal((coils, noise))).astype(np.complex64),
        noise_dwell_s=5e-6,
        trajectory_per_m=encoding.trajectory_per_m() + 1e-3 * rng.standard_normal((rows, 16, 3)),
        coil_name="head-12",
        system="fullbore-65cm",
        provenance={"protocol_sha256": "ab" * 32, "text": "two lines\nand <tags> & 'quotes'"},
    )
