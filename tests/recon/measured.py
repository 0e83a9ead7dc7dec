"""K-space in closed form: ellipsoids seen by channels whose sensitivities are short Fourier series.

A sensitivity sum_m a_m exp(2 pi i f_m . r) only shifts k-space, so the signal of every channel is a sum of shifted
transforms of the ellipsoids, exact in continuous space: no grid is shared with the reconstruction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import j1

from fullbore.data import Encoding, Geometry, RawData

# centre (x, y, z), half axes (x, y, z) in fractions of the field of view, density
HEAD = (
    ((0.0, 0.0, 0.0), (0.38, 0.44, 0.42), 1.0),
    ((0.0, 0.0, 0.0), (0.35, 0.41, 0.39), -0.4),
    ((0.1, 0.05, 0.0), (0.07, 0.16, 0.2), 0.5),
    ((-0.12, 0.02, 0.05), (0.05, 0.13, 0.1), -0.3),
    ((0.02, -0.22, -0.1), (0.12, 0.05, 0.08), 0.35),
    ((-0.05, 0.25, 0.1), (0.03, 0.03, 0.05), 0.6),
)
FOV = (0.24, 0.22, 0.2)


@dataclass(frozen=True, kw_only=True)
class Array:
    """Channels as Fourier series: amplitudes (coil, m) of the frequencies (m, 3) in cycles/m along (x, y, z)."""

    amplitudes: np.ndarray
    frequencies: np.ndarray

    def maps(self, points):
        """(coil, *points) at points (*, 3)."""
        return np.moveaxis(np.exp(2j * np.pi * points @ self.frequencies.T) @ self.amplitudes.T, -1, 0)


def array_of(coils, dimensions=3, seed=0):
    """Smooth, distinct channels: a loop-like focus each, fitted by a few low frequencies."""
    rng = np.random.default_rng(seed)
    steps = [np.array([-0.45, 0.0, 0.45]) if axis < dimensions else np.zeros(1) for axis in range(3)]
    frequencies = np.stack(np.meshgrid(*steps, indexing="ij"), -1).reshape(-1, 3) / np.array(FOV)
    points = rng.uniform(-0.5, 0.5, (400, 3)) * np.array(FOV)
    angles = 2 * np.pi * (np.arange(coils) + 0.5) / coils
    focus = 0.6 * np.stack([np.cos(angles), np.sin(angles), (np.arange(coils) % 2 - 0.5) * (dimensions > 2)], 1) * np.array(FOV)
    distance = (((points[:, None] - focus) / np.array(FOV)) ** 2 * (np.arange(3) < dimensions)).sum(-1)
    wanted = 0.25 / (distance + 0.2) * np.exp(1j * (angles + 3 * (points @ (focus / np.array(FOV) ** 2).T)))
    basis = np.exp(2j * np.pi * points @ frequencies.T)
    gram = basis.conj().T @ basis + 0.5 * np.eye(len(frequencies))
    return Array(amplitudes=np.linalg.solve(gram, basis.conj().T @ wanted).T, frequencies=frequencies)


def ellipsoid_signal(k, centre_m, half_m, dimensions):
    """Continuous transform of a unit ellipsoid (or ellipse: axis z has no extent) at k (*, 3) cycles/m."""
    half = np.array(half_m) * (np.arange(3) < dimensions)
    radius = np.sqrt(((k * half) ** 2).sum(-1))
    phase = np.exp(-2j * np.pi * k[..., :dimensions] @ np.array(centre_m)[:dimensions])
    q = 2 * np.pi * np.maximum(radius, 1e-6)
    if dimensions == 2:
        return phase * np.pi * half_m[0] * half_m[1] * 2 * j1(q) / q
    return phase * 4 * np.pi * np.prod(half_m) * (np.sin(q) - q * np.cos(q)) / q**3


def head_signal(k, array, dimensions, centre_m=(0, 0, 0), objects=HEAD, softness_m=0.0):
    """(coil, *k) signal of the objects, moved by centre_m, seen by the array (whose maps stay where they are).

    softness_m: standard deviation of a Gaussian that their densities are convolved with.
    """
    fov = np.array(FOV)
    result = np.zeros((len(array.amplitudes), *k.shape[:-1]), np.complex128)
    for m, frequency in enumerate(array.frequencies):
        shifted = k - frequency
        part = sum(
            density * ellipsoid_signal(shifted, np.array(c) * fov + centre_m, np.array(h) * fov, dimensions)
            for c, h, density in objects
        )
        soft = np.exp(-2 * (np.pi * softness_m) ** 2 * (shifted**2).sum(-1))
        result += array.amplitudes[:, m].reshape(-1, *[1] * (k.ndim - 1)) * part * soft
    return result


def geometry_of(matrix, oversampling=1, centre_m=(0, 0, 0), slices=1):
    """Read = x, phase = y, slice = z; matrix (x, y, z), z = 1 for slices of 5 mm."""
    fov = FOV if matrix[2] > 1 else (FOV[0], FOV[1], 0.005)
    return Geometry(
        read=np.array([1.0, 0, 0]),
        phase=np.array([0, 1.0, 0]),
        slice=np.array([0, 0, 1.0]),
        centre_m=np.array(centre_m, float),
        fov_m=fov,
        matrix=matrix,
        encoded_fov_m=(fov[0] * oversampling, fov[1], fov[2]),
        encoded_matrix=(matrix[0] * oversampling, matrix[1], matrix[2]),
        slice_offsets_m=np.arange(slices) * 0.006,
    )


def encoding_of(geometry, line, partition=0, frame=0, slice_number=0, before=None):
    """Encoding of the given rows. before: samples acquired before the echo, half of the matrix unless given."""
    line = np.asarray(line)
    counters = np.zeros((len(line), 9), np.int32)
    for column, values in ((0, line), (1, partition), (2, slice_number), (6, frame)):
        counters[:, column] = values
    centre = geometry.encoded_matrix[0] // 2 if before is None else before
    samples = geometry.encoded_matrix[0] - geometry.encoded_matrix[0] // 2 + centre
    fov = np.array(geometry.encoded_fov_m)
    index = np.stack([np.full(len(line), -centre), line - geometry.encoded_matrix[1] // 2, counters[:, 1] * 1.0], 1)
    index[:, 2] -= geometry.encoded_matrix[2] // 2
    axes = np.stack([geometry.read, geometry.phase, geometry.slice])
    return Encoding(
        geometry=geometry,
        samples=samples,
        dwell_s=1e-5,
        centre_sample=centre,
        counters=counters,
        flags=np.zeros(len(line), np.uint64),
        k_first_per_m=(index / fov) @ axes,
        k_step_per_m=np.tile(geometry.read / fov[0], (len(line), 1)),
        echo_time_s=np.full(len(line), 0.01),
        inversion_time_s=counters[:, 6] * 0.5,
        repetition_time_s=1.0,
        flip_rad=0.2,
        protocol="test",
    )


def measure(encoding, array, *, noise=0.0, centre_m=(0, 0, 0), seed=0, frame_factor=None, **head):
    """RawData of the head in closed form. noise: complex standard deviation per sample, correlated between channels."""
    dimensions = 3 if encoding.geometry.is_3d else 2
    k = encoding.trajectory_per_m()
    thickness = 1.0 if dimensions == 3 else encoding.geometry.fov_m[2]
    samples = np.moveaxis(head_signal(k, array, dimensions, centre_m, **head), 0, 1) * thickness
    if frame_factor is not None:
        samples = samples * np.asarray(frame_factor)[encoding.counter("set")][:, None, None]
    return received(encoding, samples, k, noise, seed)


def received(encoding, samples, path, noise, seed):
    """RawData of exact samples (row, coil, sample) with correlated noise, and the scan of it where there is any."""
    rng = np.random.default_rng(seed)
    mixing = noise * noise_mixing(samples.shape[1])
    draw = lambda *shape: (rng.normal(size=shape) + 1j * rng.normal(size=shape)) / np.sqrt(2)  # noqa: E731
    samples = samples + np.einsum("ij,rjs->ris", mixing, draw(*samples.shape)) * (noise > 0)
    scan = (mixing @ draw(len(mixing), 20000)).astype(np.complex64) if noise > 0 else None
    return RawData(
        encoding=encoding,
        samples=samples.astype(np.complex64),
        b0_T=3.0,
        noise=scan,
        noise_dwell_s=encoding.dwell_s,
        trajectory_per_m=path,
    )


def noise_mixing(coils):
    """Channel mixing with neighbours that share some noise; unit variance of the first channel."""
    near = np.abs(np.subtract.outer(np.arange(coils), np.arange(coils)))
    return np.linalg.cholesky(0.4**near + 0j) * (1 + 0.3 * (np.arange(coils) % 3))[:, None]


def full_lines(matrix):
    """line and partition of every row of a fully sampled acquisition."""
    partition, line = np.divmod(np.arange(matrix[1] * matrix[2]), matrix[1])
    return line, partition


def regular_lines(count, step, calibration):
    """Every step-th line and the central ones."""
    index = np.arange(count)
    return np.flatnonzero(((index - count // 2) % step == 0) | (np.abs(index - count // 2 + 0.5) < calibration / 2))


def with_rows(raw, rows):
    """The same acquisition with only some of its readouts."""
    names = ("counters", "flags", "k_first_per_m", "k_step_per_m", "echo_time_s", "inversion_time_s")
    encoding = replace(raw.encoding, **{name: getattr(raw.encoding, name)[rows] for name in names})
    trajectory = None if raw.trajectory_per_m is None else raw.trajectory_per_m[rows]
    return replace(raw, encoding=encoding, samples=raw.samples[rows], trajectory_per_m=trajectory)
