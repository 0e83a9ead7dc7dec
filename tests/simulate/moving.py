"""Motions, vessels and clouds that move, for the simulator's tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fullbore.data import Course, Deformation, FieldMap, Flow, Gradient, Grid, RigidMotion, Sequence
from fullbore.numerics.vessel import Vessel
from fullbore.simulate.cloud import SpinCloud
from fullbore.simulate.timeline import compile_timeline
from tests.simulate.small import machine
from tests.simulate.test_cloud import spins, turning

BOX = Grid.centred((9, 9, 9), (15e-3,) * 3)


def wave() -> FieldMap:
    points = BOX.points_m()
    return FieldMap(values=np.stack([np.sin(20 * points[..., a]) * 3e-3 for a in (1, 2, 0)]), grid=BOX, unit="m")


def course(*values: tuple[float, ...], every_s: float = 7e-3) -> Course:
    return Course(times_s=every_s * np.arange(len(values)), values=np.array(values))


def pipe(length_m: float = 0.1, **changes) -> Flow:
    """Along z from -5 cm, straight."""
    parts = {
        "path_m": np.array([[0.0, 0.01, -0.05], [0.0, 0.01, length_m - 0.05]]), "radius_m": 0.05,
        "peak_velocity_m_per_s": 2.0, "pace": course(1.0, 0.4, 1.6, 0.7, every_s=20e-3),
    }  # fmt: skip
    return Flow(**parts | changes)


def semicircle(points: int = 60, bend_m: float = 0.04, **changes) -> Flow:
    """In the plane of x and z, about the origin, from +x over +z to -x."""
    angle = np.linspace(0, np.pi, points)
    path = bend_m * np.stack([np.cos(angle), np.zeros(points), np.sin(angle)], axis=1)
    return pipe(**{"path_m": path, "radius_m": 8e-3, "peak_velocity_m_per_s": 0.8} | changes)


def flowing(cloud: SpinCloud, *flows: Flow) -> SpinCloud:
    """The cloud with every spin in the first vessel that holds it."""
    flow = np.full(len(cloud), -1)
    for number in reversed(range(len(flows))):
        flow[Vessel(flows[number]).holds(cloud.position_m)] = number
    return replace(cloud, flows=flows, flow=flow)


def within(flow: Flow, count: int = 60, **own) -> SpinCloud:
    """Spins at random in a vessel."""
    random = np.random.default_rng(1)
    path = np.asarray(flow.path_m)
    at = random.uniform(0, len(path) - 1, count)
    middle = np.stack([np.interp(at, np.arange(len(path)), path[:, axis]) for axis in range(3)], axis=1)
    away = random.normal(size=(count, 3))
    away *= (random.uniform(0, 0.7, count) * np.min(flow.radius_m) / np.linalg.norm(away, axis=1))[:, None]
    return flowing(replace(spins(count, **own), position_m=middle + away), flow)


def laps(cloud: SpinCloud, time_s: float) -> np.ndarray:
    """How often each spin has come in fresh."""
    found = np.zeros(len(cloud))
    for number, flow in enumerate(cloud.flows):
        own = cloud.flow == number
        found[own] = Vessel(flow).enter(cloud.position_m[own]).laps(float(flow.pace.integral(np.array([time_s]))[0]))
    return found


def staying(cloud: SpinCloud, sequence: Sequence) -> SpinCloud:
    """Spins that do not leave during a pulse or between it and the end of a readout: at once in the reference, at the pulse's or
    readout's middle in the engine."""
    timeline = compile_timeline(sequence)
    stays = np.ones(len(cloud), bool)
    for pulse, (kind, time_s) in enumerate(zip(timeline.kind, timeline.time_s, strict=True)):
        first = time_s - timeline.kinds[kind].centre_s
        last = first + timeline.kinds[kind].duration_s
        last = max([last, *timeline.sample_time_s[timeline.last_pulse == pulse].ravel()])
        stays &= laps(cloud, float(first)) == laps(cloud, float(last))
    return cloud.take(np.flatnonzero(stays))


def bowl(grid: Grid) -> FieldMap:
    """Coils whose fields are a third-order polynomial, so that a cubic spline is exact within its grid."""
    x, y, z = np.moveaxis(grid.points_m(), -1, 0)
    return FieldMap(values=np.stack([x + 2 * z * z - x * y, y + 3 * x * z, z + x * x - y * y]), grid=grid, unit="m")


def bipolar() -> tuple[Sequence, Gradient]:
    """A pulse, a bipolar pair along z, and a readout right after it, twice; the pair's first lobe, which ends at 0.8 ms."""
    lobe = Gradient(times_s=np.array([0, 1e-4, 7e-4, 8e-4]), values_T_per_m=np.array([0, 0.01, 0.01, 0]))
    back = Gradient(times_s=lobe.times_s + 8e-4, values_T_per_m=-lobe.values_T_per_m)
    times = np.concatenate([lobe.times_s, back.times_s[1:]])
    pair = Gradient(times_s=times, values_T_per_m=np.concatenate([lobe.values_T_per_m, back.values_T_per_m[1:]]))
    sequence = turning()
    gradient = np.full_like(sequence.gradient, -1)
    gradient[1, 2] = 0
    return replace(
        sequence, gradients=(pair,), gradient=gradient, gradient_scale=np.ones_like(sequence.gradient_scale),
        adcs=(replace(sequence.adcs[0], delay_s=1.7e-3, dwell_s=5e-6),), encoding=replace(sequence.encoding, dwell_s=5e-6),
    ), lobe  # fmt: skip


SPEC = machine()
COIL = FieldMap(values=(1 + 5 * BOX.points_m()[..., 0] + 3j * BOX.points_m()[..., 2])[None], grid=BOX, unit="1")
TURN = course((0.0, 0.0, 0.0), (0.05, -0.02, 0.1), (0.0, 0.1, 0.05), (0.02, 0.0, 0.0))
SHIFT = course((0.0, 0.0, 0.0), (2e-3, -1e-3, 4e-3), (0.0, 5e-3, 1e-3), (1e-3, 0.0, 0.0))
RIGID = RigidMotion(turn=TURN, shift=SHIFT, centre_m=(0.0, 0.02, -0.03))
BREATH = Deformation(modes=(wave(),), amplitude=course((0.0,), (1.0,), (-0.5,), (0.8,)))
BEAT = Deformation(modes=(wave(),), amplitude=replace(course((0.0,), (0.3,), (-0.1,), every_s=3e-3), period_s=10e-3))
FINE, WIDE = Grid.centred((41,) * 3, (8e-3,) * 3), Grid.centred((13,) * 3, (20e-3,) * 3)
