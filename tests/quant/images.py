"""Images made from formulas, for the tests of this room."""

from __future__ import annotations

import numpy as np

from fullbore.data import Encoding, Geometry, Grid, Image
from fullbore.signal import spin_echo_train

INVERSION_TIMES_S = np.array([0.06, 0.25, 0.7, 1.6, 3.0, 6.0])
ECHO_SPACING_S = 0.012
ECHOES = 32


def encoding(refocusing_rad: float = np.pi, echo_spacing_s: float = ECHO_SPACING_S) -> Encoding:
    geometry = Geometry(
        read=np.array([1.0, 0, 0]),
        phase=np.array([0, 1.0, 0]),
        slice=np.array([0, 0, 1.0]),
        centre_m=np.zeros(3),
        fov_m=(0.2, 0.2, 0.005),
        matrix=(2, 2, 1),
        encoded_fov_m=(0.2, 0.2, 0.005),
        encoded_matrix=(2, 2, 1),
        slice_offsets_m=np.zeros(1),
    )
    return Encoding(
        geometry=geometry,
        samples=2,
        dwell_s=1e-5,
        centre_sample=1,
        counters=np.zeros((1, 9), np.int32),
        flags=np.zeros(1, np.uint64),
        k_first_per_m=np.zeros((1, 3)),
        k_step_per_m=np.zeros((1, 3)),
        echo_time_s=np.zeros(1),
        inversion_time_s=np.zeros(1),
        repetition_time_s=5.0,
        flip_rad=np.pi / 2,
        refocusing_flip_rad=refocusing_rad,
        echo_spacing_s=echo_spacing_s,
    )


def image(
    signal: np.ndarray,
    echo_time_s: np.ndarray | None,
    inversion_time_s: np.ndarray | None,
    noise_std: float | None = None,
    refocusing_rad: float = np.pi,
) -> Image:
    """signal (voxel, frame) as a row of voxels."""
    grid = Grid.centred((1, 1, len(signal)), (1e-3, 1e-3, 1e-3))
    return Image(
        name="test",
        values=np.ascontiguousarray(signal.T[:, None, None, :]).astype(np.complex64),
        axes=("frame",),
        grid=grid,
        encoding=encoding(refocusing_rad),
        echo_time_s=echo_time_s,
        inversion_time_s=inversion_time_s,
        noise_std=None if noise_std is None else np.full(grid.shape, noise_std, np.float32),
    )


def inversion_recovery_signal(t1_s: np.ndarray, efficiency: float = 0.95, delay_s: float = 2.5) -> np.ndarray:
    """(voxel, TI): inversion of what recovered in `delay_s` after the last train."""
    before = 1 - np.exp(-delay_s / t1_s)
    return 1 - (1 + efficiency * before)[:, None] * np.exp(-INVERSION_TIMES_S / t1_s[:, None])


def train_signal(t1_s: np.ndarray, t2_s: np.ndarray, b1: np.ndarray, refocusing_rad: float = np.pi) -> np.ndarray:
    """(voxel, echo)."""
    return spin_echo_train(t1_s, t2_s, ECHO_SPACING_S, np.full(ECHOES, refocusing_rad), b1=b1)


def train_times_s() -> np.ndarray:
    return ECHO_SPACING_S * np.arange(1, ECHOES + 1)


def mapping_signal(t1_s: np.ndarray, t2_s: np.ndarray, b1: np.ndarray, delay_s: float = 2.5) -> np.ndarray:
    """(voxel, frame): the inversion-recovery frames at the second echo, then the train."""
    train = train_signal(t1_s, t2_s, b1)
    recovered = 1 - np.exp(-delay_s / t1_s)
    return np.concatenate([inversion_recovery_signal(t1_s) * train[:, 1:2], recovered[:, None] * train], axis=1)


def mapping_image(signal: np.ndarray, noise_std: float | None = None) -> Image:
    count = len(INVERSION_TIMES_S)
    echo = np.concatenate([np.full(count, 2 * ECHO_SPACING_S), train_times_s()])
    return image(signal, echo, np.concatenate([INVERSION_TIMES_S, np.full(ECHOES, np.nan)]), noise_std)


def noisy(signal: np.ndarray, noise_std: float, seed: int) -> np.ndarray:
    """With complex noise and a random phase per voxel."""
    rng = np.random.default_rng(seed)
    turn = np.exp(2j * np.pi * rng.random((len(signal), 1)))
    return signal * turn + noise_std * (rng.normal(size=signal.shape) + 1j * rng.normal(size=signal.shape))
