# TRUTHS of a machine's figures
# | what | truth |
# | a machine with half the slew rate | no time is shorter, some are longer |
# | effective coil length halved (nerves feel half as much) | no time is longer, nerves keep at least as much |
# | off-resonant spin in the echo-planar image | moves by frequency x effective echo spacing x field of view |
# | magnet of z^2, a ppm per (10 cm)^2 | peak-to-peak in a ball of radius R is (R / 10 cm)^2, within the grid |
# | gradient fields stretched by 1 % | misplace a point at R by 1 % of R |
# | maps that do not hold the ball | NaN, not a number of a part of it |

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore import hardware
from fullbore.clinical.machine_figures import BALLS_M, ECHO_PLANAR, MachineFigures, machine_figures
from fullbore.data import FieldMap, Flaws, Grid, ScannerSpec, Subject
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T

NAMES = ("spoiled_gre_3d", ECHO_PLANAR, "balanced_cine", "ute_3d")
SUBJECT = Subject(identifier="t", name="T", mass_kg=75.0, height_m=1.75)


@pytest.fixture(scope="module")
def machine() -> ScannerSpec:
    return hardware.design(hardware.Brief(preset="fullbore-75cm"))


@pytest.fixture(scope="module")
def figures(machine: ScannerSpec) -> MachineFigures:
    return machine_figures(machine, SUBJECT, names=NAMES)


def times(figures: MachineFigures) -> np.ndarray:
    found = [(item.echo_time_s or 0.0, item.repetition_time_s or 0.0) for item in figures.sequences]
    return np.array(found)


def test_less_slew_is_never_quicker(machine: ScannerSpec, figures: MachineFigures) -> None:
    slow = replace(machine, limits=replace(machine.limits, slew_T_per_m_s=machine.limits.slew_T_per_m_s / 2))
    found = machine_figures(slow, SUBJECT, names=NAMES)
    assert (times(found) >= times(figures) - 1e-9).all() and (times(found) > times(figures) + 1e-6).any()
    assert found.slew_T_per_m_s == figures.slew_T_per_m_s / 2


def test_a_wider_nerve_limit_is_never_slower(machine: ScannerSpec, figures: MachineFigures) -> None:
    safe = machine.stimulation.safe
    assert safe is not None
    doubled = replace(
        safe,
        stim_limit_T_per_m_s=tuple(2 * value for value in safe.stim_limit_T_per_m_s),
        stim_threshold_T_per_m_s=tuple(2 * value for value in safe.stim_threshold_T_per_m_s),
    )
    lengths = tuple(value / 2 for value in machine.stimulation.effective_length_m)
    other = replace(machine, stimulation=replace(machine.stimulation, effective_length_m=lengths, safe=doubled))
    found = machine_figures(other, SUBJECT, names=("spoiled_gre_3d", "balanced_cine"))
    before = {item.name: item for item in figures.sequences}
    for item in found.sequences:
        was = before[item.name]
        assert (item.repetition_time_s or 0) <= (was.repetition_time_s or 0) + 1e-9
        if item.repetition_time_s == was.repetition_time_s and item.echo_time_s == was.echo_time_s:
            # the same sequence: half the stimulation
            assert 1 - item.nerve_margin == pytest.approx((1 - was.nerve_margin) / 2, rel=1e-6)


def test_an_off_resonant_spin_moves(machine: ScannerSpec, figures: MachineFigures) -> None:
    assert 1e-5 < figures.echo_planar_m_per_Hz < 1e-2
    assert figures.echo_planar_shift_m(BALLS_M[0]) == 0.0
    grid = Grid.centred((49, 49, 49), (0.01, 0.01, 0.01))
    z = grid.points_m()[..., 2]
    field = FieldMap(values=(100 * z**2)[None], grid=grid, unit="ppm")
    stretched = FieldMap(values=1.01 * np.moveaxis(grid.points_m(), -1, 0), grid=grid, unit="m")
    flawed = replace(machine, flaws=Flaws(field_ppm=field, gradient_fields_m=stretched))
    found = machine_figures(flawed, SUBJECT, names=(ECHO_PLANAR,))
    assert found.field_ppm[0.22] == pytest.approx(100 * 0.11**2, rel=1e-12)  # 11 cm is a point of the grid
    assert found.bend_m[0.22] == pytest.approx(0.01 * 0.11, rel=1e-9)
    hertz = found.field_ppm[0.22] * 1e-6 * 3.0 * GYROMAGNETIC_RATIO_HZ_PER_T
    assert found.echo_planar_shift_m(0.22) == pytest.approx(hertz * found.echo_planar_m_per_Hz, rel=1e-6)
    assert found.echo_planar_m_per_Hz == figures.echo_planar_m_per_Hz  # flaws do not change the sequence


def test_a_small_map_says_nothing_of_a_large_ball(machine: ScannerSpec) -> None:
    grid = Grid.centred((25, 25, 25), (0.01, 0.01, 0.01))
    field = FieldMap(values=np.zeros((1, *grid.shape)), grid=grid, unit="ppm")
    found = machine_figures(replace(machine, flaws=Flaws(field_ppm=field)), SUBJECT, names=())
    assert found.field_ppm[0.22] == 0.0 and np.isnan(found.field_ppm[0.45])
    assert np.isnan(found.echo_planar_m_per_Hz)
