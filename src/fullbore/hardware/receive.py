"""A receive array for the head: loops on a helmet, by reciprocity, with the noise that the head gives them."""

from __future__ import annotations

import numpy as np

from fullbore.data import CoilSet, FieldMap, Grid
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.physics.magnetostatics import loop_field, loop_segments, loop_vector_potential, medium_wavenumber_per_m

# The helmet: an ellipsoid about the isocentre of a head phantom, used from ear height up; a choice that clears the head.
_HELMET_M = np.array([0.098, 0.122, 0.112])
_HELMET_CENTRE_M = np.array([0.0, 0.0, -0.005])
_LOWEST = -0.45
_SEGMENTS = 32
_OVERLAP = 1.15
_WIRE_RADIUS_M = 0.006

# The medium of the waves: mean of grey and white matter at 128 MHz (Gabriel 1996: 73.5 and 0.59 S/m, 52.5 and 0.34 S/m).
_PERMITTIVITY = 63.0
_CONDUCTIVITY_S_PER_M = 0.46

# The lossy head, and the copper's and preamplifier's share of the mean channel's noise power; a choice for 3 T loops of 10 cm.
_HEAD_M = np.array([0.076, 0.094, 0.088])
_COIL_NOISE_SHARE = 0.15

_GRID_SIZE = 41
_GRID_SPACING_M = 0.008

# White matter at the isocentre in the reference scan of `receive_array`.
REFERENCE_SNR = 14.0
REFERENCE_MAGNETISATION = 0.0471
REFERENCE_DENSITY = 0.70
REFERENCE_VOXEL_M3 = 1e-9
REFERENCE_SAMPLING_S = 256 * 176 / 200.0


def receive_array(channels: int, b0_T: float = 3.0) -> CoilSet:
    """A helmet of overlapping circular loops, spread evenly over an ellipsoid from ear height to the vertex.

    Sensitivity: the circularly polarised component (Bx - i By)* of each loop's retarded field in a homogeneous medium
    with the brain's mean permittivity and conductivity (reciprocity, Hoult 2000), scaled so that the root sum of squares is 1
    at the isocentre; (channel, 41, 41, 41) on 8 mm.
    Noise: covariance of the electric fields A_i . A_j* over a lossy ellipsoid (Roemer 1990, eq. 8, without the charges that
    the head's surface adds), plus uncorrelated coil noise.

    Noise level, so that white matter at the isocentre has an SNR of 14, and the head phantom's white matter of 25 in the mean
    (surface coils see cortex better), in a fully sampled MPRAGE of 1 mm, 256 x 256 x 176, 200 Hz per pixel, TR 2.3 s, TI 0.9 s,
    flip 9 degrees, 7 ms between views:
    an image is 1/N times the inverse transform of its N samples, each sum(density * volume * sensitivity * magnetisation), so
    a voxel of volume V reads S = density * V * m with the channels combined to unit sensitivity. A sample of dwell time dt
    has complex noise of variance C / dt; the mean of N has C / (N dt) = C / T, T the total sampling time, of which the real
    part holds half. Hence SNR = S / sqrt(C / 2T) and C = 2 T (S / SNR)^2 for the optimal combination, 1 / (s* Psi^-1 s), at
    the isocentre. Here m = 0.0471 (recursion of the inversion train, white matter, central view), T = 256 * 176 / 200 s.
    """
    wavenumber = medium_wavenumber_per_m(GYROMAGNETIC_RATIO_HZ_PER_T * b0_T, _PERMITTIVITY, _CONDUCTIVITY_S_PER_M)
    loops = _helmet(channels)
    grid = Grid.centred((_GRID_SIZE,) * 3, (_GRID_SPACING_M,) * 3)
    points = grid.points_m().reshape(-1, 3)
    fields = [loop_field(points, mid, length, wavenumber, _WIRE_RADIUS_M) for mid, length in loops]
    sensitivity = np.stack([np.conj(field[:, 0] - 1j * field[:, 1]) for field in fields]).reshape(channels, *grid.shape)
    centre = (slice(None),) + (_GRID_SIZE // 2,) * 3
    sensitivity /= np.linalg.norm(sensitivity[centre])
    covariance = _noise_shape(loops, wavenumber)
    combined = 1 / float((sensitivity[centre].conj() @ np.linalg.solve(covariance, sensitivity[centre])).real)
    return CoilSet(
        name=f"head-{channels}",
        sensitivity=FieldMap(values=sensitivity.astype(np.complex64), grid=grid, unit="1"),
        noise_covariance=covariance * (_reference_variance() / combined),
    )


def _reference_variance() -> float:
    """Variance per hertz of the optimally combined channel; see `receive_array`."""
    signal = REFERENCE_DENSITY * REFERENCE_VOXEL_M3 * REFERENCE_MAGNETISATION
    return 2 * REFERENCE_SAMPLING_S * (signal / REFERENCE_SNR) ** 2


def _helmet(channels: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Segments of loops whose centres follow a golden-angle spiral over the helmet, axes along its normals."""
    height = _LOWEST + (1 - _LOWEST) * (np.arange(channels) + 0.5) / channels
    azimuth = np.pi * (3 - np.sqrt(5)) * np.arange(channels)
    across = np.sqrt(1 - height**2)
    directions = np.stack([across * np.cos(azimuth), across * np.sin(azimuth), height], axis=-1)
    area = 2 * np.pi * float(np.mean(_HELMET_M)) ** 2 * (1 - _LOWEST)
    radius = np.sqrt(_OVERLAP * area / channels / np.pi)
    return [loop_segments(_HELMET_CENTRE_M + _HELMET_M * d, d / _HELMET_M, float(radius), _SEGMENTS) for d in directions]


def _noise_shape(loops: list[tuple[np.ndarray, np.ndarray]], wavenumber: complex) -> np.ndarray:
    """Hermitian (channel, channel) noise covariance of head and coils, up to scale."""
    axis = np.arange(-0.1, 0.1001, 0.01)
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    points = points[np.linalg.norm(points / _HEAD_M, axis=-1) < 1]
    potentials = np.stack([loop_vector_potential(points, mid, length, wavenumber).ravel() for mid, length in loops])
    head = potentials @ potentials.conj().T
    head /= np.mean(np.diag(head).real)
    return np.asarray((head + head.conj().T) / 2 * (1 - _COIL_NOISE_SHARE) + _COIL_NOISE_SHARE * np.eye(len(loops)))
