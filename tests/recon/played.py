"""Gradients with a known response, and where they really take a sequence's readouts."""

from __future__ import annotations

import numpy as np

from fullbore.data import EddyMode, GradientImpulseResponse, GradientResponse, RawData, ScannerSpec, Sequence
from fullbore.hardware.gradient_response import frequency_response
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.simulate.gradients import play_gradients
from fullbore.simulate.trajectory import trajectory
from tests.simulate.small import built, machine

FREQUENCY_HZ = np.arange(0, 30_000, 5.0)
SPIRAL = {
    "sequence": "spiral_cine_2d", "name": "spiral", "orientation": "axial", "fov": ["200 mm"] * 2, "matrix": [32, 32],
    "slices": 1, "slice_thickness": "8 mm", "repetition_time": "25 ms", "echo_time": "2.4 ms", "flip_angle": "15 deg",
    "interleaves": 4, "frames": 1, "dummy_shots": 2,
}  # fmt: skip
RADIAL = {
    "sequence": "radial_cine_2d", "name": "radial", "orientation": "axial", "fov": ["200 mm"] * 2, "matrix": [32, 32],
    "slices": 1, "slice_thickness": "8 mm", "repetition_time": "5 ms", "flip_angle": "30 deg", "bandwidth": "1000 Hz/px",
    "spokes_per_frame": 20, "frames": 1, "dummy_shots": 2,
}  # fmt: skip


def mixed(size: float, seed: int) -> np.ndarray:
    """Mostly each axis by itself, with cross terms and a uniform field of a tenth."""
    return size * (np.eye(4, 3) + 0.1 * np.random.default_rng(seed).normal(size=(4, 3)))


MACHINE = GradientResponse(
    delay_s=(3e-6, 5e-6, 2e-6),
    modes=(
        EddyMode(time_constant_s=8e-6, amplitude=0.9 * np.eye(4, 3)),  # the amplifiers' bandwidth
        EddyMode(time_constant_s=2e-3, amplitude=mixed(6e-3, 1)),
        EddyMode(time_constant_s=0.05, amplitude=mixed(4e-3, 2)),
        EddyMode(time_constant_s=8e-3, amplitude=mixed(2e-3, 3), sine=mixed(1e-3, 4), frequency_Hz=810.0),
    ),
)


def girf_of(response: GradientResponse, frequency_Hz: np.ndarray = FREQUENCY_HZ) -> GradientImpulseResponse:
    """As if measured without noise."""
    return GradientImpulseResponse(frequency_Hz=frequency_Hz, response=frequency_response(response, frequency_Hz))


def sequence_of(protocol: dict, **changes) -> tuple[Sequence, ScannerSpec]:
    """The sequence and a machine of a flat transmit field."""
    spec = machine(b1=False)
    return built(protocol, spec, **changes), spec


def unmeasured(sequence: Sequence) -> RawData:
    """Raw data of ones where the sequence says."""
    path = trajectory(sequence)
    return RawData(
        encoding=sequence.encoding, samples=np.ones((len(path), 1, path.shape[1]), np.complex64), b0_T=3.0, trajectory_per_m=path
    )


def truth(sequence: Sequence, response: GradientResponse | None, step_s: float = 0.5e-6) -> np.ndarray:
    """(row, sample, 4): k in cycles/m and turns of the uniform field since the last excitation, by the midpoint rule."""
    played = play_gradients(sequence, response)
    starts, pulses = np.round(sequence.block_starts_s(), 12), np.flatnonzero(sequence.rf >= 0)
    rows = []
    for block in np.flatnonzero(sequence.adc >= 0):
        window = sequence.adcs[sequence.adc[block]]
        times = starts[block] + window.delay_s + (np.arange(window.samples) + 0.5) * window.dwell_s
        last = pulses[pulses <= block]
        events = [(starts[b] + p.delay_s + p.centre_s, p.use) for b in last if (p := sequence.rf_pulses[sequence.rf[b]])]
        first = max(number for number, (_, use) in enumerate(events) if use == "e")
        k = np.zeros(4)
        stops = [*(time for time, _ in events[first:]), times[-1]]
        for (start, use), stop in zip(events[first:], stops[1:], strict=True):
            k = -k if use == "r" else k
            grid = np.linspace(start, stop, int(np.ceil((stop - start) / step_s)) + 1)
            step = played.at((grid[:-1] + grid[1:]) / 2) * np.diff(grid)[:, None] * GYROMAGNETIC_RATIO_HZ_PER_T
            path = k + np.concatenate([np.zeros((1, 4)), np.cumsum(step, axis=0)])
            k = path[-1]
        rows.append(np.stack([np.interp(times, grid, path[:, part]) for part in range(4)], axis=1))
    return np.array(rows)
