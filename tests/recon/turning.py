"""K-space of a head whose spins turn at frequencies of their own while they are read: a plain sum over many points."""

from __future__ import annotations

from dataclasses import replace

import numba
import numpy as np

from fullbore.data import AcquisitionFlag, FieldMap, Grid, RawData
from tests.recon.measured import FOV, HEAD, encoding_of, geometry_of, received

DWELL_S = 5e-6


def gaussian_field(points, peak=80.0, slope=200.0):
    """Hz at points (*, 3): a hot spot, as above a sinus, and a gradient."""
    x, y = points[..., 0], points[..., 1]
    return peak * np.exp(-((x - 0.02) ** 2 + (y - 0.05) ** 2) / 0.03**2) + slope * y - 0.5 * slope * x


def field_map(field, spacing=0.004, shape=(1, 64, 68)):
    """The field as anybody would hand it over, on a grid of its own."""
    grid = Grid.centred(shape, (spacing, spacing, 0.01))
    return FieldMap(values=field(grid.points_m())[None], grid=grid, unit="Hz")


def head_density(x, y, objects=HEAD):
    """Density at positions in metres."""
    density = np.zeros(np.broadcast(x, y).shape)
    for centre, half, value in objects:
        density += value * (((x / FOV[0] - centre[0]) / half[0]) ** 2 + ((y / FOV[1] - centre[1]) / half[1]) ** 2 < 1)
    return density


def head_points(matrix, fine=4):
    """Points (n, 3) inside the head, `fine` to a voxel along each axis, and their weights: density times area."""
    axes = [(np.arange(n * fine) - (n * fine - 1) / 2) * f / (n * fine) for n, f in zip(matrix[:2], FOV, strict=False)]
    x, y = np.meshgrid(*axes, indexing="ij")
    density = head_density(x, y)
    held = density != 0
    points = np.stack([x[held], y[held], 0 * x[held]], axis=-1)
    return points, density[held] * (axes[0][1] - axes[0][0]) * (axes[1][1] - axes[1][0])


def turning_signal(path, times, points, weights, field_Hz):
    """(row, coil, sample) of sum_r w exp(-2 pi i (k . r + f t)). path (row, sample, 3), weights (coil, n)."""
    flat = _sum(path.reshape(-1, 3)[:, :2], times.reshape(-1), points[:, :2], field_Hz, np.ascontiguousarray(weights.T + 0j))
    return np.moveaxis(flat.reshape(*path.shape[:2], -1), 2, 1)


@numba.njit(cache=True, nogil=True, fastmath=True)
def _sum(k, t, points, field, weights):
    result = np.zeros((len(k), weights.shape[1]), np.complex128)
    for j in range(len(k)):
        for r in range(len(points)):
            angle = -2 * np.pi * (k[j, 0] * points[r, 0] + k[j, 1] * points[r, 1] + field[r] * t[j])
            turn = complex(np.cos(angle), np.sin(angle))
            for c in range(weights.shape[1]):
                result[j, c] += turn * weights[r, c]
    return result


def train(matrix, array, field, *, spacing=0.7e-3, sign=1, shots=1, lines=None, echo_s=0.016, noise=0.0, tell="times", fine=4):
    """Raw data of an echo-planar scan of the head. sign: of the blips. tell: "times" of rows, "spacing" in the header, "".

    shots: interleaved. lines: those that are acquired, all unless given. Every second readout runs backwards.
    """
    geometry = geometry_of(matrix)
    lines = np.arange(matrix[1]) if lines is None else np.asarray(lines)
    order = np.concatenate([lines[shot::shots][:: int(sign)] for shot in range(shots)])
    place = np.concatenate([np.arange(len(lines[shot::shots])) for shot in range(shots)])
    encoding = encoding_of(geometry, order)
    backward = place % 2 == 1
    path = encoding.trajectory_per_m()
    path[backward] = path[backward][:, ::-1]
    # The centre of k-space is read at the echo time.
    centre = place[np.argmin(np.abs(order - matrix[1] // 2))]
    # k = 0 is not in the middle of an even number of samples; the other way it comes one sample later.
    origin = np.where(backward, matrix[0] - 1 - encoding.centre_sample, encoding.centre_sample)
    rows = echo_s + (place - centre) * spacing
    times = rows[:, None] + (np.arange(matrix[0])[None] - origin[:, None]) * DWELL_S
    points, weights = head_points(matrix, fine)
    signal = turning_signal(path, times, points, weights * array.maps(points), field(points)) * geometry.fov_m[2]
    flags = np.where(backward, np.uint64(AcquisitionFlag.REVERSE), np.uint64(0))
    told = {"echo_time_s": rows} if tell == "times" else {"echo_spacing_s": spacing} if tell == "spacing" else {}
    encoding = replace(encoding, flags=flags, dwell_s=DWELL_S, echo_time_s=np.full(len(order), echo_s))
    return received(replace(encoding, **told), signal, path, noise, 0)


def curves(path, matrix, array, field, *, dwell=DWELL_S, echo_s=0.002, noise=0.0, fine=4):
    """Raw data along curves (row, sample, 3) that all begin at `echo_s`."""
    encoding = encoding_of(geometry_of(matrix), np.arange(len(path)))
    samples = path.shape[1]
    encoding = replace(encoding, samples=samples, centre_sample=0, dwell_s=dwell, echo_time_s=np.full(len(path), echo_s))
    times = np.tile(echo_s + np.arange(samples) * dwell, (len(path), 1))
    points, weights = head_points(matrix, fine)
    signal = turning_signal(path, times, points, weights * array.maps(points), field(points)) * encoding.geometry.fov_m[2]
    return received(encoding, signal, path, noise, 0)


def frames_of(raws):
    """Several acquisitions as frames of one, by the contrast counter."""
    counters = []
    for number, raw in enumerate(raws):
        own = raw.encoding.counters.copy()
        own[:, 3] = number
        counters.append(own)
    joined = {
        name: np.concatenate([getattr(raw.encoding, name) for raw in raws])
        for name in ("flags", "k_first_per_m", "k_step_per_m", "echo_time_s", "inversion_time_s")
    }
    encoding = replace(raws[0].encoding, counters=np.concatenate(counters), **joined)
    return RawData(
        encoding=encoding,
        samples=np.concatenate([raw.samples for raw in raws]),
        b0_T=3.0,
        noise=raws[0].noise,
        noise_dwell_s=raws[0].noise_dwell_s,
        trajectory_per_m=np.concatenate([raw.trajectory_per_m for raw in raws]),
    )
