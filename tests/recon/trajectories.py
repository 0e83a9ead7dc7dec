"""Curves through k-space, and the closed-form head measured along them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.recon.measured import FOV, encoding_of, geometry_of, head_signal, received

GOLDEN = np.pi * (np.sqrt(5) - 1) / 2


def spokes(count, matrix, oversampling=2, golden=True, first=0):
    """(row, sample, 3) diameters of the largest circle, cycles/m."""
    edge = min(n / f for n, f in zip(matrix[:2], FOV, strict=False)) / 2
    samples = oversampling * max(matrix[:2])
    radius = (np.arange(samples) - samples // 2) / (samples // 2) * edge
    angle = (np.arange(count) + first) * GOLDEN if golden else np.arange(count) * np.pi / count
    return np.stack([np.outer(np.cos(angle), radius), np.outer(np.sin(angle), radius), np.zeros((count, samples))], -1)


def spirals(arms, matrix, turns, samples):
    """(row, sample, 3) Archimedean arms from the centre to the largest circle."""
    edge = min(n / f for n, f in zip(matrix[:2], FOV, strict=False)) / 2
    part = np.linspace(0, 1, samples) ** 0.6
    angle = 2 * np.pi * (turns * part[None] + np.arange(arms)[:, None] / arms)
    return np.stack([edge * part * np.cos(angle), edge * part * np.sin(angle), 0 * angle], -1)


def blades(count, lines, matrix):
    """(row, sample, 3) PROPELLER: parallel lines at Nyquist distance, turned blade by blade."""
    step = 1 / max(FOV[:2])
    samples = 2 * max(matrix[:2])
    along = (np.arange(samples) - samples // 2) * step / 2
    across = (np.arange(lines) - lines // 2) * step
    rows = []
    for angle in np.arange(count) * np.pi / count:
        for offset in across:
            x, y = np.cos(angle) * along - np.sin(angle) * offset, np.sin(angle) * along + np.cos(angle) * offset
            rows.append(np.stack([x, y, 0 * along], -1))
    return np.stack(rows)


def stacked(curves, partitions, matrix):
    """The same curves in each of the `partitions`; their indices are returned beside them."""
    rows = [curves + np.array([0, 0, (p - matrix[2] // 2) / FOV[2]]) for p in partitions]
    return np.concatenate(rows), np.repeat(partitions, len(curves))


def kooshball(count, matrix, oversampling=2):
    """(row, sample, 3) diameters of the largest ball, evenly spread directions."""
    edge = min(n / f for n, f in zip(matrix, FOV, strict=True)) / 2
    samples = oversampling * max(matrix)
    radius = (np.arange(samples) - samples // 2) / (samples // 2) * edge
    z = (np.arange(count) + 0.5) / count
    angle = np.arange(count) * np.pi * (3 - np.sqrt(5))
    around = np.sqrt(1 - z**2)
    direction = np.stack([around * np.cos(angle), around * np.sin(angle), z], -1)
    return direction[:, None] * radius[None, :, None]


def measure_along(path, matrix, array, *, noise=0.0, seed=0, partition=0, frame=0, true_path=None, centre_m=(0, 0, 0), **head):
    """RawData of the head along `path`; the samples are those of `true_path` where it differs."""
    geometry = geometry_of(matrix, 1, centre_m)
    rows, samples = path.shape[:2]
    encoding = encoding_of(geometry, np.arange(rows), partition, frame)
    encoding = replace(encoding, samples=samples, centre_sample=samples // 2)
    dimensions = 3 if geometry.is_3d else 2
    thickness = 1.0 if dimensions == 3 else geometry.fov_m[2]
    values = np.moveaxis(head_signal(path if true_path is None else true_path, array, dimensions, **head), 0, 1) * thickness
    return received(encoding, values, path, noise, seed)
