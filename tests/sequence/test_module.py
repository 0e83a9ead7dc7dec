# TRUTHS of modules: M0 and M1 of a trapezoid in closed form | a bipolar pair has M0 = 0, M1 = -area * distance | M2 by brute
#   force | Stejskal-Tanner b with finite ramps | a refocused pair of equal lobes = an inverted pair | RF energy of a hard pulse |
#   oblique lobes of one timing stay one shape | lobes of two timings add up | a turned readout is shape times cosine and sine |
#   no scale beyond 1 | rows of curves follow their curve, turned | rounds of groups = the same groups played one by one

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import Encoding, Gradient
from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.sequence.block_table import Block, BlockTable, definitions
from fullbore.sequence.gradients import lobe, trapezoid
from fullbore.sequence.module import Module, chained, heartbeat, wait
from fullbore.sequence.moments import b_tensor, moments
from fullbore.sequence.placement import slab
from fullbore.sequence.pulses import hard_pulse
from fullbore.sequence.readout_rows import ReadoutRows
from tests.sequence.reference import LIMITS, waveform

RISE, FLAT, AMPLITUDE = 0.2e-3, 1.0e-3, 20e-3
LOBE = trapezoid(AMPLITUDE, RISE, FLAT, RISE)
LENGTH = 2 * RISE + FLAT
AREA = AMPLITUDE * (RISE + FLAT)
DIAGONAL = (0.2, 0.4, -0.3)


def test_moments_of_a_trapezoid() -> None:
    found = moments([Block(duration_s=2e-3, read=LOBE)])
    assert found[0, 0] == pytest.approx(AREA, rel=1e-12)
    assert found[1, 0] == pytest.approx(AREA * LENGTH / 2, rel=1e-12)
    assert not found[:, 1:].any()


def test_a_bipolar_pair() -> None:
    pair = [Block(duration_s=2e-3, slice=LOBE), Block(duration_s=2e-3, slice=LOBE, slice_scale=-1.0)]
    found = moments(pair)
    assert found[0, 2] == pytest.approx(0.0, abs=1e-15)
    assert found[1, 2] == pytest.approx(-AREA * 2e-3, rel=1e-12)


def test_second_moment_by_brute_force() -> None:
    shape = Gradient(times_s=np.array([1e-4, 3e-4, 4e-4, 1e-3]), values_T_per_m=np.array([0.0, 10e-3, -5e-3, 0.0]))
    found = moments([Block(duration_s=1e-3, phase=shape)], about_s=2e-4)
    t = (np.arange(200_000) + 0.5) * 5e-9
    g = np.interp(t, shape.times_s, shape.values_T_per_m, left=0.0)
    assert found[2, 1] == pytest.approx(float((g * (t - 2e-4) ** 2).sum() * 5e-9), rel=1e-6)


def test_stejskal_tanner() -> None:
    distance = 30e-3
    blocks = [Block(duration_s=distance, read=LOBE), Block(duration_s=distance, read=LOBE)]
    found = b_tensor(blocks, excitation_s=0.0, refocusing_s=(distance - 1e-3,))
    # delta counts a lobe's first ramp and its flat top.
    # Source: Bernstein, King, Zhou, Handbook of MRI Pulse Sequences (2004), sec. 9.1
    delta = FLAT + RISE
    b = (GYROMAGNETIC_RATIO_RAD_PER_S_T * AMPLITUDE) ** 2 * (
        delta**2 * (distance - delta / 3) + RISE**3 / 30 - delta * RISE**2 / 6
    )
    assert found[0, 0] == pytest.approx(b, rel=1e-9)
    inverted = [blocks[0], Block(duration_s=distance, read=LOBE, read_scale=-1.0)]
    assert b_tensor(inverted, excitation_s=0.0) == pytest.approx(found, rel=1e-12)


def test_energy_and_chains() -> None:
    pulse = hard_pulse(np.pi / 2, 1e-3, LIMITS)
    excite = Module(blocks=(Block(duration_s=1.5e-3, rf=pulse),), centre_s=pulse.delay_s + pulse.centre_s)
    both = chained(wait(2e-3), excite, centre=1)
    assert both.centre_s == pytest.approx(2e-3 + 100e-6 + 0.5e-3)
    assert both.tail_s == pytest.approx(0.9e-3)
    assert both.rf_energy_T2s == pytest.approx((np.pi / 2 / GYROMAGNETIC_RATIO_RAD_PER_S_T / 1e-3) ** 2 * 1e-3, rel=1e-9)


def oblique() -> BlockTable:
    geometry = slab("axial", (0.0, 0.0, 0.0), (0.2, 0.2, 0.2), (16, 16, 16), 1, DIAGONAL)
    return BlockTable(geometry, LIMITS.block_raster_s)


def played(table: BlockTable, rows: ReadoutRows | None = None) -> Encoding:
    rows = rows or ReadoutRows(table.geometry)
    rows.add(0)
    return Encoding(
        geometry=table.geometry,
        samples=16,
        dwell_s=1e-5,
        centre_sample=8,
        repetition_time_s=0.1,
        flip_rad=0.1,
        **rows.arrays(),
    )


def test_lobes_of_one_timing_stay_one_shape() -> None:
    table = oblique()
    table.play(Block(duration_s=2e-3, read=LOBE, phase=trapezoid(0.5 * AMPLITUDE, RISE, FLAT, RISE), read_scale=-1.0))
    gradient, scale = table._columns["gradient"][0], table._columns["gradient_scale"][0]
    assert np.all(gradient == 0)
    frame = np.stack([table.geometry.read, table.geometry.phase])
    assert scale[0] == pytest.approx(np.array([-1.0, 0.5]) @ frame, abs=1e-12)


def test_lobes_of_two_timings_add_up() -> None:
    table = oblique()
    short = lobe(5e-6, LIMITS)
    steps = np.linspace(-1, 1, 5)
    table.play(Block(duration_s=2e-3, read=LOBE, phase=short, phase_scale=steps), times=5)
    gradients, scales = table._gradients.finished(table._columns["gradient"][0], table._columns["gradient_scale"][0])
    assert np.abs(scales).max() <= 1 + 1e-12
    times = np.linspace(0, 2e-3, 401)
    for row, step in enumerate(steps):
        wanted = np.outer(np.interp(times, LOBE.times_s, LOBE.values_T_per_m, right=0.0), table.geometry.read)
        wanted += step * np.outer(np.interp(times, short.times_s, short.values_T_per_m, right=0.0), table.geometry.phase)
        for axis in range(3):
            shape = gradients[table._columns["gradient"][0][row, axis]]
            found = scales[row, axis] * np.interp(times, shape.times_s, shape.values_T_per_m, left=0.0, right=0.0)
            assert found == pytest.approx(wanted[:, axis], abs=1e-12)


def test_a_turned_readout_is_one_shape() -> None:
    table = BlockTable(slab("axial", (0.0, 0.0, 0.0), (0.2, 0.2, 0.2), (16, 16, 16), 1), LIMITS.block_raster_s)
    angle = np.linspace(0.1, 3, 7)
    turn = np.zeros((7, 3, 3))
    turn[:, 0, 0], turn[:, 0, 1], turn[:, 1, 0], turn[:, 1, 1], turn[:, 2, 2] = (
        np.cos(angle),
        -np.sin(angle),
        np.sin(angle),
        np.cos(angle),
        1.0,
    )
    table.play(Block(duration_s=2e-3, read=LOBE, turn=turn), times=7)
    assert table._columns["gradient"][0][:, :2].max() == 0
    assert table._columns["gradient_scale"][0][:, :2] == pytest.approx(np.stack([np.cos(angle), np.sin(angle)], axis=1))


def test_rows_follow_their_curve() -> None:
    table = oblique()
    spiral = np.stack([np.linspace(0, 50, 16), np.linspace(0, 50, 16) ** 2 / 50, np.zeros(16)], axis=1)
    rows = ReadoutRows(table.geometry, curves=(spiral,))
    quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    rows.add(1, line=8, partition=8)
    rows.add(2, curve=0, turn=np.stack([np.eye(3), quarter]), k_first=np.zeros(3), b_value_s_per_m2=1e9)
    encoding = played(table, rows)
    k = encoding.trajectory_per_m()
    frame = np.stack([table.geometry.read, table.geometry.phase, table.geometry.slice])
    assert k[0, 8] == pytest.approx(np.zeros(3), abs=1e-12)
    assert k[1] @ frame.T == pytest.approx(spiral, abs=1e-9)
    assert k[2] @ frame.T == pytest.approx(spiral @ quarter.T, abs=1e-9)
    assert np.isnan(encoding.measures["b_value_s_per_m2"][0])
    assert encoding.take(np.array([2])).trajectory_per_m()[0] == pytest.approx(k[2])


def test_waveform_reference_sees_what_was_played() -> None:
    table = oblique()
    table.play(Block(duration_s=2e-3, read=LOBE), times=2)
    sequence = table.finish("oblique", played(table), definitions("oblique", table.geometry, LIMITS))
    total = [np.trapezoid(values, times) for times, values in (waveform(sequence, axis) for axis in range(3))]
    assert np.array(total) == pytest.approx(2 * AREA * table.geometry.read, abs=1e-15)


def test_rounds_are_groups_played_one_by_one() -> None:
    scale = np.linspace(-1, 1, 6)
    views = (Block(duration_s=2e-3, read=LOBE), Block(duration_s=3e-3, phase=LOBE, phase_scale=scale))
    beat, rest = heartbeat().blocks, (Block(duration_s=4e-3),)
    tables = oblique(), oblique()
    length = tables[0].play_rounds((beat, 1), (views, 3), ((), 1), (rest, 1), rounds=2)
    for of_round in scale.reshape(2, 3):
        for blocks, times in ((beat, 1), ((views[0], replace(views[1], phase_scale=of_round)), 3), (rest, 1)):
            tables[1].play(*blocks, times=times)
    assert length == pytest.approx(tables[1].duration_s) == 2 * (1e-3 + 15e-3 + 4e-3)
    one, other = (t.finish("rounds", played(t), definitions("rounds", t.geometry, LIMITS)) for t in tables)
    assert (
        [(t.block, t.kind) for t in one.triggers]
        == [(t.block, t.kind) for t in other.triggers]
        == [(0, "trigger"), (8, "trigger")]
    )
    assert np.array_equal(one.duration_s, other.duration_s)
    for axis in range(3):
        assert np.array_equal(waveform(one, axis), waveform(other, axis))
